package document

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What was damaged where it was kept is never taken for another document (I12).
func TestDamage(t *testing.T) {
	deep := `{"a":` + strings.Repeat(`[{"b":`, 100) + `1` + strings.Repeat(`}]`, 100) + `}`
	for _, s := range []string{"", `{}`, `{"a":1}`, user, deep, `{"":""}`, `{"a":[],"b":{}}`, `{"a":"é\n\ud83d\ude00\\"}`, `{"a":-0.5e+10,"b":null}`, `{"a":"a\"b\\c/d\u001f"}`} {
		d := Document(s)
		_, err := d.Tree()
		assert.NoError(t, err, s)
		assert.NoError(t, d.Check(), s)
		for i := 1; i < len(s); i++ {
			requireDamaged(t, s[:i])
			requireDamaged(t, s[i:])
			requireDamaged(t, s[:i]+"\x00"+s[i:])
			requireDamaged(t, s[:i]+"\xff"+s[i:])
			requireDamaged(t, s+s[i:])
		}
	}
	for _, s := range []string{
		" ", "null", "1", `"a"`, `[]`, `[{"a":1}]`, `{`, `}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1]`, `{"a":[1}`, `{"a":[1,]}`, `{"a":[,1]}`, `{a:1}`, `{"a":01}`,
		`{"a":1.}`, `{"a":.1}`, `{"a":1e}`, `{"a":-}`, `{"a":+1}`, `{"a":tru}`, `{"a":truex}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u0000"}`, `{"a":"\ud800"}`, "{\"a\":\"\n\"}",
		`{"a":1}{}`, `{"a":1} `, ` {"a":1}`, `{"a": 1}`, `{ "a":1}`, `{"a" :1}`, `{"a":1 }`, `{"a":1, "b":2}`, `{"a":[1 ]}`, "{\"a\":\"é\xc3\"}", "{\"a\":\"\\n\xc3\"}", "{\"\xff\":1}",
	} {
		requireDamaged(t, s)
	}
}

func requireDamaged(t testing.TB, s string) {
	t.Helper()
	if s == "" {
		return
	}
	_, err := Document(s).Tree()
	require.ErrorIs(t, err, ErrDamaged, "%q", s)
	require.ErrorIs(t, Document(s).Check(), ErrDamaged, "%q", s)
}

// Nesting as deep as Tree allows is checked too, and one level more is refused by both.
func TestCheckDepth(t *testing.T) {
	for _, depth := range []int{63, 64, 65, 128, 129, 1000} {
		s := `{"a":` + strings.Repeat("[", depth-1) + "1" + strings.Repeat("]", depth-1) + `}`
		assert.NoError(t, Document(s).Check(), depth)
		assert.Equal(t, len(s), checkValue(s, 0, depth), depth)
		assert.Equal(t, damaged, checkValue(s, 0, depth-1), depth)
		requireDamaged(t, s[:len(s)-2]+`}`)
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	d := Document(user)
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = d.Check() }))
}

// Check and Tree refuse the same texts.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{user, `{"a":[1,2.50,-3e+7,"x\u00e9\n"],"B":null,"c":{"d":true}}`, `{"a":"\ud83d\ude00","b":[[[{}]]],"c":"é"}`, `{"a":"` + strings.Repeat("x", 20) + `\""}`, `{"a":[}`, ``} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Document(s).Tree()
		if again := Document(s).Check(); (err == nil) != (again == nil) {
			t.Fatalf("%q: Tree says %v and Check says %v", s, err, again)
		}
		if err != nil {
			return
		}
		d := v.Document()
		require.NoError(t, d.Check())
		n := 0
		for name, raw := range Document(s).Fields() { // what is whole is read whole
			require.Equal(t, v.Items()[n].Name, name)
			require.Equal(t, v.Items()[n].Value, parseTrusted(raw))
			n++
		}
		require.Equal(t, v.Len(), n)
	})
}
