package document

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// Fold maps a string to the form in which it is compared: two values of an attribute that is not caseExact are the same
// if and only if their folded forms are. Unique keys, filters, sorting, matching of people and names of groups all use
// this one function, so that nobody is found by one of them and missed by another. The result is valid UTF-8, and
// folding it again changes nothing. It is for comparing only: what a client sent is kept and answered as it was sent.
//
// RFC 7644 section 5 wants user names compared by RFC 7613, and its profile UsernameCaseMapped is the model. Taken of it
// are, in this order:
//
//   - Width mapping: full-width and half-width forms are the usual ones.
//   - Case mapping, by Unicode's simple case folding: the Kelvin sign, K and k are all k, and every sigma is σ. Folding
//     that makes one letter two is left out, so that straße and strasse are two people. The dotless ı is no i.
//   - Normalization form C: é is the same as e with a combining accent.
//
// The profile refuses strings with certain characters. A filter or a group's name must not fail for those, so that Fold
// makes the ones harmless which nobody sees, as RFC 7700 does for nicknames:
//
//   - Invisible characters are removed: zero-width spaces and joiners, the soft hyphen, byte order marks, variation
//     selectors, controls of direction, and other control characters.
//   - Every white space is a blank, and blanks at both ends are removed. Several blanks inside stay several.
//   - Of more than 30 combining marks on one letter the first 30 count.
//
// Letters of different scripts that look alike, such as the Latin and the Cyrillic a, are different characters, which RFC
// 7613 doesn't treat either. The same holds for compatibility forms other than width, such as ligatures.
func Fold(s string) string {
	s = FoldPart(s)
	if len(s) > 0 && (s[0] == ' ' || s[len(s)-1] == ' ') {
		return strings.Trim(s, " ")
	}
	return s
}

// FoldPart is Fold without removing the blanks at the ends. It is for a literal that is looked for inside of folded
// values, where a blank at an end counts.
func FoldPart(s string) string {
	for i := 0; i < len(s); i++ {
		if ascii[s[i]] != same {
			return foldFrom(s, i)
		}
	}
	return s
}

// FoldsTo says whether Fold(s) is equal to folded, which must come from Fold. If s is ASCII it makes no new string.
func FoldsTo(s, folded string) bool {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch ascii[c] {
		case special:
			return Fold(s) == folded
		case upper:
			c |= 0x20
		}
		if i < len(folded) && c == folded[i] {
			continue
		}
		// A character differs. It is as it will be, unless a mark behind it changes it or it is one of the blanks at the end.
		if c != ' ' && (i+1 == len(s) || ascii[s[i+1]] != special) {
			return false
		}
		return !isASCII(s[i:]) && Fold(s) == folded
	}
	return len(s) == len(folded)
}

// isASCII says whether s has only characters that the table knows.
func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if ascii[s[i]] == special {
			return false
		}
	}
	return true
}

// IsBlank says whether nothing of s would be seen: Fold(s) is empty.
func IsBlank(s string) bool {
	for _, r := range s {
		if r != ' ' && !unicode.IsSpace(r) && !isInvisible(r) {
			return false
		}
	}
	return true
}

// The classes of bytes that matter to folding.
const (
	same    = iota // stands for itself
	upper          // a capital letter
	special        // a control character, or a part of a character beyond ASCII
)

// ascii is the class of each byte.
var ascii = func() (t [256]uint8) {
	for i := range t {
		switch c := byte(i); {
		case c < ' ', c >= 0x7F:
			t[i] = special
		case 'A' <= c && c <= 'Z':
			t[i] = upper
		}
	}
	return t
}()

// foldFrom is FoldPart for a string that stands for itself up to the byte at i.
func foldFrom(s string, i int) string {
	var few [64]byte // as many as most have, without the heap
	b := append(few[:0], s...)
	for ; i < len(b); i++ {
		switch ascii[b[i]] {
		case special:
			return foldAny(s)
		case upper:
			b[i] |= 0x20
		}
	}
	return string(b)
}

// foldAny folds any string, without removing blanks at the ends.
func foldAny(s string) string {
	simple := true
	visible := make([]byte, 0, len(s)+utf8.UTFMax)
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			switch {
			case 'A' <= r && r <= 'Z':
				r |= 0x20
			case ' ' < r && r < 0x7F:
			case unicode.IsSpace(r):
				r = ' '
			default:
				continue
			}
		case isSimple(r):
			r = foldRune(r)
		default:
			if folded := width.LookupRune(r).Folded(); folded != 0 {
				r = folded
			}
			switch {
			case unicode.IsSpace(r):
				r = ' '
			case isInvisible(r):
				continue
			default:
				simple = false
			}
		}
		visible = utf8.AppendRune(visible, r)
	}
	if simple {
		return string(visible)
	}
	return foldMarks(visible)
}

// foldMarks folds letters that may be written with combining marks. It takes them apart first, because a capital and its
// small letter are not always composed with the same marks.
func foldMarks(visible []byte) string {
	apart := norm.NFD.Bytes(visible)
	folded := make([]byte, 0, len(apart)+utf8.UTFMax)
	excess := false
	for i := 0; i < len(apart); {
		r, n := utf8.DecodeRune(apart[i:])
		if r == graphemeJoiner { // stands where package norm has counted 30 marks, since those of the input were removed
			excess = true
		} else if excess = excess && norm.NFD.Properties(apart[i:]).CCC() != 0; !excess {
			folded = utf8.AppendRune(folded, foldRune(r))
		}
		i += n
	}
	return string(norm.NFC.Bytes(folded))
}

const graphemeJoiner = '\u034F'

// isSimple says whether a character needs nothing but its case folded, whatever stands beside it, unless a combining mark
// does: most letters of Europe, the ideographs, and the syllables of Japanese and Korean.
func isSimple(r rune) bool {
	switch {
	case r < 0x300:
		return r > 0xA0 && r != 0xAD && r != 'İ' // which is I with a dot above
	case r < 0x3041:
		return 0x400 <= r && r <= 0x482
	case r < 0x4E00:
		return r <= 0x3096 || 0x30A1 <= r && r <= 0x30FA
	}
	return r <= 0x9FFF || 0xAC00 <= r && r <= 0xD7A3
}

// isInvisible says whether a character that is no white space is never seen: a control character, or one of Unicode's
// Default_Ignorable_Code_Point.
func isInvisible(r rune) bool {
	switch {
	case r < 0xAD:
		return r < ' ' || 0x7F <= r && r < 0xA0
	case unicode.Is(unicode.Cf, r):
		return !unicode.Is(unicode.Prepended_Concatenation_Mark, r) && !(0xFFF9 <= r && r <= 0xFFFB) && !(0x13430 <= r && r <= 0x13440)
	}
	return unicode.Is(unicode.Variation_Selector, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// FoldName maps the name of an attribute or a URN to the form in which two that differ only in case are equal (RFC 7643
// section 2.1, RFC 8141). It is the same relation as strings.EqualFold. Names are ASCII, so that nothing else of a name is
// forgiven.
func FoldName(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf {
			return strings.Map(foldRune, s)
		} else if 'A' <= c && c <= 'Z' {
			return foldASCII(s, i)
		}
	}
	return s
}

func foldASCII(s string, from int) string {
	for i := from; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return strings.Map(foldRune, s)
		}
	}
	return strings.ToLower(s)
}

// foldRune picks one rune of the orbit of runes that are equal under Unicode simple folding: the lower case of the
// smallest, so that the Kelvin sign, K and k are all k. A lower case outside of the orbit is another letter: the one of
// the dotted capital I is i, but nothing folds the two together.
func foldRune(r rune) rune {
	if r == iotaBelow {
		return 'ι' // a letter, and not the combining mark, which is the smallest of the four iotas
	}
	least := r
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		least = min(least, o)
	}
	if least == iotaBelow {
		return 'ι'
	}
	lower := unicode.ToLower(least)
	for o := unicode.SimpleFold(least); o != least; o = unicode.SimpleFold(o) {
		if o == lower {
			return lower
		}
	}
	return least
}

const iotaBelow = '\u0345'
