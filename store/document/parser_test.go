package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`null`, `null`},
		{`true`, `true`},
		{` false `, `false`},
		{`0`, `0`},
		{`-0`, `-0`},
		{`12`, `12`},
		{`-3.250`, `-3.250`},
		{`1e5`, `1e5`},
		{`1E+05`, `1E+05`},
		{`0.5e-3`, `0.5e-3`},
		{`123456789012345678901234567890`, `123456789012345678901234567890`},
		{`""`, `""`},
		{`"a b"`, `"a b"`},
		{`"\u0041\u00e9\/\b\f\n\r\t\"\\"`, `"Aé/\u0008\u000c\n\r\t\"\\"`},
		{`"\ud83d\ude00"`, `"😀"`},
		{`"\uD83D\uDE00"`, `"😀"`},
		{`"\u2028"`, "\"\u2028\""},
		{`"é😀"`, `"é😀"`},
		{"\"\x7f\"", "\"\x7f\""},
		{`[]`, `[]`},
		{"[ \t\r\n]", `[]`},
		{`[1,"a",null,[],{}]`, `[1,"a",null,[],{}]`},
		{`{}`, `{}`},
		{`{ }`, `{}`},
		{" { \"b\" : 1 , \"a\" : [ 2 , 3 ] } ", `{"b":1,"a":[2,3]}`},
		{`{"":1}`, `{"":1}`},
		{`{"a\u0062":1,"ac":2}`, `{"ab":1,"ac":2}`},
		{`{"a":{"a":1},"b":{"a":1}}`, `{"a":{"a":1},"b":{"a":1}}`},
	} {
		v, err := Parse(tt.in, 0)
		if assert.NoError(t, err, tt.in) {
			assert.Equal(t, tt.want, string(AppendJSON(nil, v)), tt.in)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		in     string
		offset int
		path   string
		reason string
	}{
		{``, 0, "", "want a value, got the end"},
		{`  `, 2, "", "want a value, got the end"},
		{`x`, 0, "", "want a value, got 'x'"},
		{`nul`, 0, "", "want a value, got 'n'"},
		{`True`, 0, "", "want a value, got 'T'"},
		{`truex`, 4, "", "want the end, got more text"},
		{`1 2`, 2, "", "want the end, got more text"},
		{`{}}`, 2, "", "want the end, got more text"},
		{"\uFEFF{}", 0, "", `want a value, got '\ufeff'`},
		{`01`, 1, "", "want the end, got more text"},
		{`-`, 1, "", "want a digit, got the end"},
		{`-a`, 1, "", "want a digit, got 'a'"},
		{`+1`, 0, "", "want a value, got '+'"},
		{`.5`, 0, "", "want a value, got '.'"},
		{`1.`, 2, "", "want a digit, got the end"},
		{`1.e5`, 2, "", "want a digit, got 'e'"},
		{`1e`, 2, "", "want a digit, got the end"},
		{`1e+`, 3, "", "want a digit, got the end"},
		{`NaN`, 0, "", "want a value, got 'N'"},
		{`"`, 1, "", "want a closing quote, got the end"},
		{`"abc`, 4, "", "want a closing quote, got the end"},
		{`"abc\`, 5, "", "want a JSON escape, got the end"},
		{`"a\x"`, 3, "", "want a JSON escape, got 'x'"},
		{"\"a\\\x00\"", 3, "", `want a JSON escape, got '\x00'`},
		{`"\u12"`, 2, "", `want four hexadecimal digits behind \u`},
		{`"\u12G4"`, 2, "", `want four hexadecimal digits behind \u`},
		{`"\u+123"`, 2, "", `want four hexadecimal digits behind \u`},
		{`"\u1_23"`, 2, "", `want four hexadecimal digits behind \u`},
		{"\"a\nb\"", 2, "", "want the control character escaped"},
		{"\"\\n\nb\"", 3, "", "want the control character escaped"},
		{`"\u0000"`, 7, "", "a NUL character can't be kept"},
		{`"\ud83d"`, 7, "", "a surrogate without its other half"},
		{`"\ud83dx"`, 7, "", "a surrogate without its other half"},
		{`"\ude00\ud83d"`, 13, "", "a surrogate without its other half"},
		{`"\ud83d\u0041"`, 13, "", "a surrogate without its other half"},
		{`"\ud83d\n"`, 7, "", "a surrogate without its other half"},
		{"\"a\xffb\"", 2, "", "invalid UTF-8"},
		{"\"é\xc3\"", 3, "", "invalid UTF-8"},
		{"\"\xed\xa0\x80\"", 1, "", "invalid UTF-8"},
		{`[`, 1, "[0]", "want a value, got the end"},
		{`[1`, 2, "", "want ',' or ']', got the end"},
		{`[1,]`, 3, "", "want another value behind the comma, got ']'"},
		{`[,1]`, 1, "[0]", "want a value, got ','"},
		{`[1 2]`, 3, "", "want ',' or ']', got '2'"},
		{`[1}`, 2, "", "want ',' or ']', got '}'"},
		{`{`, 1, "", "want a field name in quotes, got the end"},
		{`{a:1}`, 1, "", "want a field name in quotes, got 'a'"},
		{`{'a':1}`, 1, "", `want a field name in quotes, got '\''`},
		{`{"a"}`, 4, "", "want ':', got '}'"},
		{`{"a":}`, 5, "a", "want a value, got '}'"},
		{`{"a":1`, 6, "", "want ',' or '}', got the end"},
		{`{"a":1,}`, 7, "", "want another value behind the comma, got '}'"},
		{`{"a":1 "b":2}`, 7, "", `want ',' or '}', got '"'`},
		{`{"a":1}/**/`, 7, "", "want the end, got more text"},
		{`{"emails":[{"value":"a"},{"value":x}]}`, 34, "emails[1].value", "want a value, got 'x'"},
		{`[[1,[x]]]`, 5, "[0][1][0]", "want a value, got 'x'"},
		{`{"a":1,"a":2}`, 7, "", `the field "a" is there twice (names ignore case)`},
		{`{"userName":1,"USERNAME":2}`, 14, "", `the field "USERNAME" is there twice (names ignore case)`},
		{`{"x":{"k":1,"\u212a":2}}`, 12, "x", "the field \"\u212a\" is there twice (names ignore case)"},
		{`{"\u212a":1,"k":2}`, 12, "", `the field "k" is there twice (names ignore case)`},
		{`{"ſ":1,"S":2}`, 8, "", `the field "S" is there twice (names ignore case)`},
		{`{"\u0061":1,"a":2}`, 12, "", `the field "a" is there twice (names ignore case)`},
	} {
		_, err := Parse(tt.in, 0)
		var e *SyntaxError
		if assert.ErrorAs(t, err, &e, tt.in) {
			assert.Equal(t, SyntaxError{tt.offset, tt.path, tt.reason}, *e, tt.in)
		}
	}
}

func TestSyntaxErrorText(t *testing.T) {
	assert.EqualError(t, &SyntaxError{3, "", "why"}, "at byte 3: why")
	assert.EqualError(t, &SyntaxError{3, "a[0].b", "why"}, "at byte 3, in a[0].b: why")
	_, err := Parse(`{"`+strings.Repeat("ä", 1000)+`":x}`, 0)
	assert.EqualError(t, err, "at byte 2004, in "+strings.Repeat("ä", 32)+"...: want a value, got 'x'")
}

func TestParseDepth(t *testing.T) {
	for _, tt := range []struct {
		in    string
		depth int
		ok    bool
	}{
		{`1`, 1, true},
		{`[]`, 1, true},
		{`[1]`, 1, true},
		{`[[]]`, 1, false},
		{`[[],[],{}]`, 2, true},
		{`{"a":{"b":{}}}`, 3, true},
		{`{"a":{"b":{}}}`, 2, false},
		{strings.Repeat("[", 32) + strings.Repeat("]", 32), 0, true},
		{strings.Repeat("[", 33) + strings.Repeat("]", 33), 0, false},
		{strings.Repeat("[", 33) + strings.Repeat("]", 33), 33, true},
	} {
		_, err := Parse(tt.in, tt.depth)
		if tt.ok {
			assert.NoError(t, err, tt.in)
		} else {
			assert.ErrorContains(t, err, "nested too deep", tt.in)
		}
	}
}

// Beyond a few fields duplicates are found in another way, which must find the same ones.
func TestParseDuplicatesInLargeObjects(t *testing.T) {
	for _, n := range []int{2, 23, 24, 25, 26, 100} {
		for _, twin := range []int{0, 1, n / 2, n - 1} {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, `"member%d":1,`, i)
			}
			_, err := Parse("{"+b.String()+`"other":1}`, 0)
			assert.NoError(t, err)
			_, err = Parse("{"+b.String()+fmt.Sprintf(`"MEMBER%d":1}`, twin), 0)
			assert.ErrorContains(t, err, "is there twice", "%d of %d", twin, n)
		}
	}
}

func TestParseScalar(t *testing.T) {
	for _, tt := range []struct {
		in     string
		pos    int
		want   Value
		behind int
	}{
		{`a eq "x" and`, 5, String("x"), 8},
		{`"\u00e9"]`, 0, String("é"), 8},
		{`12)`, 0, Number("12"), 2},
		{`1.5e3`, 0, Number("1.5e3"), 5},
		{`true)`, 0, Bool(true), 4},
		{`null`, 0, Value{}, 4},
	} {
		v, behind, err := ParseScalar(tt.in, tt.pos)
		require.NoError(t, err, tt.in)
		assert.Equal(t, tt.want, v, tt.in)
		assert.Equal(t, tt.behind, behind, tt.in)
	}
	for _, in := range []string{``, `[]`, `{}`, `"`, `x`} {
		_, _, err := ParseScalar(in, 0)
		var e *SyntaxError
		assert.ErrorAs(t, err, &e, in)
	}
}

// Each of these would take minutes, gigabytes or the stack if its cost were not in proportion to its length.
func TestHostile(t *testing.T) {
	const size = 1 << 20
	many := func(s string) string { return strings.Repeat(s, size/len(s)) }
	var keys, ever strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&keys, `"%d":0,`, i)
	}
	for i := range 50_000 {
		fmt.Fprintf(&ever, `{"%d":0},`, i)
	}
	for name, tt := range map[string]struct {
		in string
		ok bool
	}{
		"arrays":           {many("["), false},
		"objects":          {many(`{"a":`), false},
		"both":             {many(`[{"a":`), false},
		"NULs":             {`"` + many(`\u0000`) + `"`, false},
		"escapes":          {`"` + many(`\u0001`) + `"`, true},
		"quotes":           {`"` + many(`\"`) + `"`, true},
		"backslashes":      {`"` + many(`\\`) + `"`, true},
		"half surrogates":  {`"` + many(`\ud800`) + `"`, false},
		"digits":           {many("1"), true},
		"exponent":         {"1e" + many("9"), true},
		"spaces":           {many(" "), false},
		"empty arrays":     {"[" + many("[],") + "1]", true},
		"many keys":        {"{" + keys.String() + `"x":0}`, true},
		"many keys, twice": {"{" + keys.String() + `"0":0}`, false},
		"many objects":     {"[" + ever.String() + `0]`, true},
		"one key":          {"{" + many(`"a":1,`) + `"a":1}`, false},
		"long key":         {`{"` + many("k") + `":x}`, false},
		"long keys":        {`{"a":{"` + many("k") + `":1,"` + many("K") + `":1}}`, false},
		"unclosed string":  {`"` + many("x"), false},
		"unclosed escapes": {`"` + many(`\\`), false},
		"invalid at end":   {`"` + many("é") + "\xff\"", false},
	} {
		v, err := Parse(tt.in, 0)
		if !tt.ok {
			if assert.Error(t, err, name) {
				assert.Less(t, len(err.Error()), 300, name)
			}
			continue
		}
		if !assert.NoError(t, err, name) {
			continue
		}
		d := Object(Field{"x", v}, Field{"y", Int(1)}).Document()
		assert.Equal(t, "1", d.Get("y").Text(), name)
		assert.Equal(t, d, d.Value().Document(), name)
		assert.True(t, Equal(v, v.Clone()), name)
		NumberKey(v.Text())
		CompareNumbers(v.Text(), v.Text())
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.50,-3e+7,"x\u00e9\n"],"B":null,"c":{"d":true}}`, `["\ud83d\ude00","\ud800"]`, `{"a":1,"A":2}`, "\"\xff\"", `[[[[]]]]`,
		`{"userName":"bjensen","emails":[{"value":"b@example.com","primary":true}]}`, `01`, `"\u0000"`, ` {"a" : 1 } x`, `{"k":1,"K":2}`, `1e999`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse(s, 0)
		if err != nil {
			var e *SyntaxError
			require.ErrorAs(t, err, &e)
			require.LessOrEqual(t, e.Offset, len(s))
		}
		// encoding/json agrees, except on what we refuse on purpose.
		valid := json.Valid([]byte(s))
		if err == nil && !valid {
			t.Fatalf("accepted %q", s)
		}
		if err != nil {
			if valid && !onPurpose(err) {
				t.Fatalf("refused %q: %v", s, err)
			}
			return
		}
		text := AppendJSON(nil, v)
		require.True(t, utf8.Valid(text))
		var want any
		decoder := json.NewDecoder(strings.NewReader(s))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(&want))
		require.Equal(t, want, v.Any())
		again, err := Parse(string(text), 0)
		require.NoError(t, err)
		require.Equal(t, string(text), string(AppendJSON(nil, again)))
		require.True(t, Equal(v, again))
		back, err := FromAny(v.Any())
		require.NoError(t, err)
		require.True(t, Equal(v, back))
		checkDocument(t, v)
	})
}

// onPurpose says whether the error is about JSON that is valid but not what SCIM can use.
func onPurpose(err error) bool {
	var e *SyntaxError
	errors.As(err, &e)
	for _, s := range []string{"is there twice", "invalid UTF-8", "nested too deep", "NUL", "surrogate"} {
		if strings.Contains(e.Reason, s) {
			return true
		}
	}
	return false
}
