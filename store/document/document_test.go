package document

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parse(t testing.TB, s string) Value {
	t.Helper()
	v, err := Parse(s, 0)
	require.NoError(t, err, s)
	return v
}

func TestDocument(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`{}`, ``},
		{`[1]`, ``}, // no object, no document
		{`"x"`, ``},
		{`null`, ``},
		{`{"a":null}`, ``},
		{`{"a":[]}`, ``},
		{`{"a":{},"b":[null,[],{}],"c":{"d":{"e":null}}}`, ``},
		{`{"a":""}`, `{"a":""}`},
		{`{"a":false,"b":0}`, `{"a":false,"b":0}`},
		{`{"a":null,"b":1}`, `{"b":1}`},
		{`{"b":1,"a":null}`, `{"b":1}`},
		{`{"b":1,"a":[],"c":2}`, `{"b":1,"c":2}`},
		{`{"a":[null,1,{},2,[]]}`, `{"a":[1,2]}`},
		{`{"a":[{"x":null},{"y":1}]}`, `{"a":[{"y":1}]}`},
		{` { "b" : "\u0041\/" , "a" : 1.50 } `, `{"b":"A/","a":1.50}`},
	} {
		d := parse(t, tt.in).Document()
		assert.Equal(t, tt.want, string(d), tt.in)
		checkDocument(t, parse(t, tt.in))
	}
}

// checkDocument checks what must hold of the document of any value.
func checkDocument(t testing.TB, v Value) {
	d := v.Document()
	if v.Kind() != KindObject {
		require.Empty(t, d)
		return
	}
	back := d.Value()
	require.True(t, Equal(v, back), "%s", d)
	require.Equal(t, d, back.Document())
	require.Equal(t, v.IsEmpty(), d == "")
	i := 0
	for name, raw := range d.Fields() {
		m := back.Items()[i]
		require.Equal(t, m.Name, name)
		require.Equal(t, string(AppendJSON(nil, m.Value)), raw)
		require.Equal(t, m.Value, d.Get(name))
		i++
	}
	require.Equal(t, back.Len(), i)
	require.True(t, d.Get("no such field").IsNull())
	if d != "" {
		again, err := Parse(string(d), 0)
		require.NoError(t, err)
		require.Equal(t, d, again.Document())
	}
}

// A Value may have been made of strings that JSON or a database can't hold.
func TestDocumentOfAnyString(t *testing.T) {
	v := Object(Field{"a\xff", String("x\x00y\xed\xa0\x80z")})
	assert.Equal(t, Document(`{"a`+"\uFFFD"+`":"x`+"\uFFFDy\uFFFD\uFFFD\uFFFD"+`z"}`), v.Document())
	assert.Equal(t, v.Document(), v.Document().Value().Document())
}

func TestFieldsAndGet(t *testing.T) {
	d := parse(t, `{"a":"x,]}\"","b\n\"":[{"c":"]"},[1,2]],"n":-1.5e3,"t":true,"o":{"a":{"b":"}"}},"e":"\\","z":"\\\""}`).Document()
	var names, raws []string
	for name, raw := range d.Fields() {
		names, raws = append(names, name), append(raws, raw)
	}
	assert.Equal(t, []string{"a", "b\n\"", "n", "t", "o", "e", "z"}, names)
	assert.Equal(t, []string{`"x,]}\""`, `[{"c":"]"},[1,2]]`, `-1.5e3`, `true`, `{"a":{"b":"}"}}`, `"\\"`, `"\\\""`}, raws)
	for name, want := range map[string]Value{
		"a": String(`x,]}"`), "b\n\"": parse(t, `[{"c":"]"},[1,2]]`), "n": Number("-1.5e3"), "t": Bool(true),
		"e": String(`\`), "z": String(`\"`), "A": {}, "c": {}, "": {},
	} {
		assert.Equal(t, want, d.Get(name), name)
	}
	for name := range d.Fields() {
		if name == "n" {
			break // must end the walk
		}
	}
	for range Document("").Fields() {
		t.Error("the empty document has a field")
	}
	assert.True(t, Document("").Get("a").IsNull())
	assert.Equal(t, KindObject, Document("").Value().Kind())
}

// A store that hands out damaged text gets wrong answers, but neither a panic nor an endless loop.
func FuzzDamagedDocument(f *testing.F) {
	for _, s := range []string{`{"`, `{"a`, `{"a\`, `{"a"`, `{"a":`, `{"a":"`, `{"a":"\`, `{"a":[`, `{"a":1,`, `{"a":1,"`, `[1]`, `"x"`, `{"a":]]]]`, `{"a":}`, `{"\u00`, `{"\":1`, `{"a"}`} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		d := Document(s)
		d.Value()
		d.Get("a")
		for name, raw := range d.Fields() {
			_, _ = name, raw
		}
	})
}
