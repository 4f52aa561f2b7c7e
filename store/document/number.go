package document

import (
	"math/big"
	"strconv"
)

// CompareNumbers orders two JSON number literals by value, exactly where they are integers of 64 bits or decimals of
// moderate size, by their nearest float64 beyond that.
func CompareNumbers(a, b string) int {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	if errX == nil && errY == nil {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	if moderate(a) && moderate(b) {
		r, okR := new(big.Rat).SetString(a)
		s, okS := new(big.Rat).SetString(b)
		if okR && okS {
			return r.Cmp(s)
		}
	}
	f, _ := strconv.ParseFloat(a, 64)
	g, _ := strconv.ParseFloat(b, 64)
	switch {
	case f < g:
		return -1
	case f > g:
		return 1
	}
	return 0
}

// moderate keeps a literal such as 1e999999999, which would expand to gigabytes, away from exact arithmetic.
func moderate(s string) bool {
	if len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] == 'e' || s[i] == 'E' {
			return false
		}
	}
	return true
}
