package document

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func (p *parser) number() (Value, *SyntaxError) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	switch c := p.peek(); {
	case c == '0':
		p.pos++
	case '1' <= c && c <= '9':
		p.digits()
	default:
		return Value{}, p.fail("want a digit, got " + p.got())
	}
	if p.peek() == '.' {
		if p.pos++; !p.digits() {
			return Value{}, p.fail("want a digit, got " + p.got())
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return Value{}, p.fail("want a digit, got " + p.got())
		}
	}
	return Number(p.in[start:p.pos]), nil
}

func (p *parser) digits() bool {
	start := p.pos
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.pos++
	}
	return p.pos > start
}

// string parses the quoted string at the position. Without escapes it is a part of the input, not a copy.
func (p *parser) string() (string, *SyntaxError) {
	p.pos++
	start := p.pos
	var all byte
	for i := start; i < len(p.in); i++ {
		c := p.in[i]
		if c == '"' {
			p.pos = i + 1
			if p.exotic = all >= utf8.RuneSelf; p.exotic && p.trusted && !utf8.ValidString(p.in[start:i]) {
				return "", p.fail("invalid UTF-8")
			}
			return p.in[start:i], nil
		}
		if c == '\\' || c < ' ' {
			p.pos = i
			return p.escaped(start)
		}
		all |= c
	}
	p.pos = len(p.in)
	return "", p.fail("want a closing quote, got the end")
}

// escaped parses the rest of a string that can't be taken as it is.
func (p *parser) escaped(start int) (string, *SyntaxError) {
	var b []byte
	first := start
	p.exotic = true // at least it may be
	for p.pos < len(p.in) {
		switch c := p.in[p.pos]; {
		case c == '"':
			if p.trusted && !utf8.ValidString(p.in[first:p.pos]) {
				return "", p.fail("invalid UTF-8")
			}
			b = append(b, p.in[start:p.pos]...)
			p.pos++
			return string(b), nil
		case c < ' ':
			return "", p.fail("want the control character escaped")
		case c == '\\':
			b = append(b, p.in[start:p.pos]...)
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
			start = p.pos
		default:
			p.pos++
		}
	}
	return "", p.fail("want a closing quote, got the end")
}

func (p *parser) escape() (rune, *SyntaxError) {
	p.pos++
	c := p.peek()
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 && c != 0 {
		p.pos++
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, p.fail("want a JSON escape, got " + p.got())
	}
	r, ok := p.hex4()
	if !ok {
		return 0, p.fail(`want four hexadecimal digits behind \u`)
	}
	if utf16.IsSurrogate(r) {
		low, ok := rune(0), false
		if strings.HasPrefix(p.in[p.pos:], `\u`) {
			p.pos++
			low, ok = p.hex4()
		}
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return 0, p.fail("a surrogate without its other half")
		}
	}
	if r == 0 { // no database keeps it, and no attribute means it
		return 0, p.fail("a NUL character can't be kept")
	}
	return r, nil
}

// hex4 takes the four digits behind the u at the position.
func (p *parser) hex4() (rune, bool) {
	if p.pos+5 > len(p.in) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.in[p.pos+1:p.pos+5], 16, 16)
	if err != nil {
		return 0, false
	}
	p.pos += 5
	return rune(n), true
}
