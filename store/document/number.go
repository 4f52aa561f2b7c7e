package document

import (
	"cmp"
	"strconv"
	"strings"
)

// CompareNumbers orders two JSON number literals by value, exactly, however long they are.
func CompareNumbers(a, b string) int {
	x, y := parseDecimal(a), parseDecimal(b)
	if c := cmp.Compare(x.sign, y.sign); c != 0 || x.sign == 0 {
		return c
	}
	c := cmp.Compare(x.exponent, y.exponent)
	for i := 0; c == 0 && (i < x.len() || i < y.len()); i++ {
		c = cmp.Compare(x.at(i), y.at(i))
	}
	return c * x.sign
}

// NumberKey maps a JSON number literal to a text, so that the order of the texts' bytes is the order of the numbers,
// and equal numbers have equal texts.
func NumberKey(literal string) string {
	d := parseDecimal(literal)
	if d.sign == 0 {
		return "1"
	}
	b := make([]byte, 0, 1+exponentDigits+d.len()+1)
	b = append(b, '1'+byte(d.sign))
	e := strconv.FormatInt(d.exponent+maxExponent, 10)
	for range exponentDigits - len(e) {
		b = append(b, '0')
	}
	b = append(b, e...)
	for i := range d.len() {
		b = append(b, d.at(i))
	}
	if d.sign < 0 { // the greater the less: the digits' complements, and an end that is greater than any digit
		for i, c := range b[1:] {
			b[1+i] = '0' + '9' - c
		}
		b = append(b, '~')
	}
	return string(b)
}

// decimal is a number in parts: sign 0.digits * 10^exponent, where the digits are those of whole and then of part,
// and neither the first nor the last digit is 0.
type decimal struct {
	sign        int
	exponent    int64
	whole, part string
}

// A greater exponent is taken for this one: such numbers mean nothing but that they are large.
const (
	maxExponent    = 4_999_999_999_999_999
	exponentDigits = 16
)

func parseDecimal(s string) (d decimal) {
	s, negative := strings.CutPrefix(s, "-")
	var shift int64
	if e := strings.IndexAny(s, "eE"); e >= 0 {
		shift, _ = strconv.ParseInt(s[e+1:], 10, 64) // out of range: the greatest or the least
		s = s[:e]
	}
	d.whole, d.part, _ = strings.Cut(s, ".")
	d.whole = strings.TrimLeft(d.whole, "0")
	d.exponent = int64(len(d.whole))
	if d.whole == "" {
		n := len(d.part)
		d.part = strings.TrimLeft(d.part, "0")
		d.exponent = int64(len(d.part) - n)
	}
	if d.part = strings.TrimRight(d.part, "0"); d.part == "" {
		d.whole = strings.TrimRight(d.whole, "0")
	}
	if d.len() == 0 {
		return decimal{}
	}
	d.exponent += max(min(shift, maxExponent/2), -maxExponent/2)
	d.sign = 1
	if negative {
		d.sign = -1
	}
	return d
}

func (d *decimal) len() int { return len(d.whole) + len(d.part) }

// at is the i-th digit; behind the last there are zeros.
func (d *decimal) at(i int) byte {
	if i < len(d.whole) {
		return d.whole[i]
	}
	if i -= len(d.whole); i < len(d.part) {
		return d.part[i]
	}
	return '0'
}
