package document

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ordered are numbers from the least to the greatest; those in one row are equal.
var ordered = [][]string{
	{"-1e999999999999999999999", "-1e9999999999999999999999"},
	{"-1e400"},
	{"-123456789012345678901234567890.5"},
	{"-123456789012345678901234567890"},
	{"-9223372036854775809"},
	{"-9223372036854775808"},
	{"-1000", "-1e3", "-1.000e+03"},
	{"-999.9"},
	{"-12"},
	{"-1.5", "-15e-1"},
	{"-1.05"},
	{"-1", "-1.0", "-10e-1"},
	{"-0.5"},
	{"-0.05"},
	{"-1e-400"},
	{"0", "-0", "0.0", "0e5", "-0.000e-99"},
	{"1e-400"},
	{"0.001", "1e-3"},
	{"0.0999"},
	{"0.1", "0.10", "1e-1"},
	{"0.5"},
	{"1", "1.0", "1e0", "0.1e1"},
	{"1.05"},
	{"1.5"},
	{"2"},
	{"9"},
	{"10", "1e1", "0.10e2"},
	{"99"},
	{"100", "1E2"},
	{"101"},
	{"9007199254740992"},
	{"9007199254740993"},
	{"9223372036854775807"},
	{"9223372036854775808"},
	{"123456789012345678901234567890"},
	{"123456789012345678901234567890.5"},
	{"1e400"},
	{"1.1e400"},
	{"1e999999999999999999999"},
}

func TestNumbers(t *testing.T) {
	for i, a := range ordered {
		for j, b := range ordered {
			want := min(max(i-j, -1), 1)
			for _, x := range a {
				for _, y := range b {
					assert.Equal(t, want, CompareNumbers(x, y), "%s and %s", x, y)
					assert.Equal(t, want, strings.Compare(NumberKey(x), NumberKey(y)), "%s and %s: %s and %s", x, y, NumberKey(x), NumberKey(y))
				}
			}
		}
	}
}

func FuzzNumbers(f *testing.F) {
	for _, row := range ordered {
		f.Add(row[0], row[len(row)-1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, s := range []*string{&a, &b} {
			v, err := Parse(*s, 0)
			if err != nil || v.Kind() != KindNumber {
				t.Skip()
			}
			*s = v.Text() // without white space
		}
		got := CompareNumbers(a, b)
		require.Equal(t, -got, CompareNumbers(b, a))
		require.Equal(t, got, strings.Compare(NumberKey(a), NumberKey(b)))
		if len(a)+len(b) > 100 || slices.ContainsFunc([]string{a, b}, func(s string) bool {
			i := strings.IndexAny(s, "eE")
			return i >= 0 && len(s)-i > 4
		}) {
			return // would expand to gigabytes
		}
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		require.Equal(t, x.Cmp(y), got, "%s and %s", a, b)
	})
}
