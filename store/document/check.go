package document

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// Check returns ErrDamaged if Tree would. It allocates nothing and is several times faster than Tree, so that a store can
// afford it for every document that it reads.
func (d Document) Check() error {
	if d == "" {
		return nil
	}
	if d[0] != '{' || checkValue(string(d), 0, trustedDepth) != len(d) {
		return ErrDamaged
	}
	return nil
}

// damaged is the offset that the functions below return instead of the one behind what they have checked.
const damaged = -1

// checkValue returns the offset behind the value that starts at s[i], in which most levels may be nested. The brackets that
// are open are the bits of a word. For what is nested deeper than a word is long it calls itself.
func checkValue(s string, i, most int) int {
	var objects uint64 // which of the open brackets are objects, the innermost last
	depth := 0
	for {
		// A value starts here.
		if i >= len(s) {
			return damaged
		}
		closing := byte(']')
		switch c := s[i]; c {
		case '"':
			i = checkString(s, i)
		case '{', '[':
			if depth == most {
				return damaged
			}
			if depth == 64 {
				i = checkValue(s, i, most-depth)
				break
			}
			depth++
			objects <<= 1
			if i++; c == '{' {
				objects |= 1
				closing = '}'
			}
			if i < len(s) && s[i] == closing {
				i++
				depth--
				objects >>= 1
				break
			}
			if c == '{' {
				i = checkName(s, i)
			}
			if i == damaged {
				return damaged
			}
			continue
		case 't':
			i = checkWord(s, i, "true")
		case 'f':
			i = checkWord(s, i, "false")
		case 'n':
			i = checkWord(s, i, "null")
		default:
			i = checkNumber(s, i)
		}
		// A value ends here, and so may what it is in.
		for {
			if i == damaged || depth == 0 {
				return i
			}
			if i >= len(s) {
				return damaged
			}
			if s[i] == ',' {
				break
			}
			if closing = ']'; objects&1 != 0 {
				closing = '}'
			}
			if s[i] != closing {
				return damaged
			}
			i++
			depth--
			objects >>= 1
		}
		if i++; objects&1 != 0 {
			if i = checkName(s, i); i == damaged {
				return damaged
			}
		}
	}
}

// checkName returns the offset behind a field's name and the colon.
func checkName(s string, i int) int {
	if i >= len(s) || s[i] != '"' {
		return damaged
	}
	if i = checkString(s, i); i == damaged || i >= len(s) || s[i] != ':' {
		return damaged
	}
	return i + 1
}

func checkWord(s string, i int, word string) int {
	if !strings.HasPrefix(s[i:], word) {
		return damaged
	}
	return i + len(word)
}

func checkNumber(s string, i int) int {
	if s[i] == '-' {
		i++
	}
	digits := func() bool {
		start := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		return i > start
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if !digits() {
		return damaged
	}
	if i < len(s) && s[i] == '.' {
		if i++; !digits() {
			return damaged
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return damaged
		}
	}
	return i
}

// checkString returns the offset behind the quoted string that starts at s[i]. It looks at eight bytes at a time.
func checkString(s string, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	start := i
	var all uint64 // the bits of all bytes, as only text beyond ASCII can be invalid UTF-8
	i++
	for {
		for i+8 <= len(s) {
			x := eight(s[i:])
			quote, slash := x^ones*'"', x^ones*'\\'
			// The lowest high bit that is set stands for the first byte that is a quote, a backslash or below a blank.
			found := ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*' ')&^x) & highs
			if found != 0 {
				n := bits.TrailingZeros64(found) / 8
				all |= x & (1<<(8*n) - 1)
				i += n
				break
			}
			all |= x
			i += 8
		}
		for i < len(s) && s[i] != '"' && s[i] != '\\' && s[i] >= ' ' {
			all |= uint64(s[i])
			i++
		}
		switch {
		case i >= len(s) || s[i] < ' ':
			return damaged
		case s[i] == '"':
			if all&highs != 0 && !utf8.ValidString(s[start:i]) {
				return damaged
			}
			return i + 1
		}
		p := parser{in: s, pos: i}
		if _, err := p.escape(); err != nil {
			return damaged
		}
		i = p.pos
	}
}

// eight is the first eight bytes of s as a number, the first byte the lowest. The compiler makes it one load.
func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
