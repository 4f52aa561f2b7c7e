package document

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAny(t *testing.T) {
	const text = `{"a":[1,2.50,"x",true,false,null,{"b":[]}],"c":{}}`
	var want any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&want))
	assert.Equal(t, want, parse(t, text).Any())
}

func TestFromAny(t *testing.T) {
	type named string
	for _, tt := range []struct {
		in   any
		want string
	}{
		{nil, `null`},
		{true, `true`},
		{"é\"", `"é\""`},
		{named("x"), `"x"`},
		{7, `7`},
		{int64(-7), `-7`},
		{uint8(7), `7`},
		{1.5, `1.5`},
		{json.Number("1.50"), `1.50`},
		{String("v"), `"v"`},
		{[]string{"a", "b"}, `["a","b"]`},
		{[]any{1, nil, []any{}}, `[1,null,[]]`},
		{[]map[string]any{{"a": 1}}, `[{"a":1}]`},
		{map[string]any{"b": 1, "a": map[string]any{"z": "x"}}, `{"a":{"z":"x"},"b":1}`},
		{map[string]string{"b": "x"}, `{"b":"x"}`},
		{time.Date(2011, 5, 13, 4, 42, 34, 0, time.UTC), `"2011-05-13T04:42:34Z"`},
		{struct {
			A int `json:"a"`
		}{1}, `{"a":1}`},
	} {
		v, err := FromAny(tt.in)
		if assert.NoError(t, err, tt.want) {
			assert.Equal(t, tt.want, string(AppendJSON(nil, v)))
		}
	}
}

func TestFromAnyErrors(t *testing.T) {
	loop := map[string]any{}
	loop["a"] = []any{loop}
	for _, tt := range []struct {
		in   any
		want string
	}{
		{"a\xff", "a string that is not UTF-8 or has a NUL in it"},
		{map[string]any{"a": []any{1, "\x00"}}, "a: [1]: a string that is not UTF-8 or has a NUL in it"},
		{map[string]any{"a\xff": 1}, "a name that is not UTF-8"},
		{map[string]any{"a": 1, "A": 2}, `the field "a" is there twice`},
		{map[string]any{"\u212a": 1, "k": 2}, `is there twice`},
		{map[string]any{"f": math.NaN()}, "f: a float64 that JSON can't express"},
		{[]any{func() {}}, "[0]: a func() that JSON can't express"},
		{json.Number("1x"), "a json.Number that JSON can't express"},
		{loop, "nested too deep"},
	} {
		_, err := FromAny(tt.in)
		assert.ErrorContains(t, err, tt.want)
	}
}
