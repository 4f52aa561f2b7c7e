package document

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestKinds(t *testing.T) {
	for _, tt := range []struct {
		v    Value
		kind Kind
		name string
		text string
	}{
		{Value{}, KindNull, "null", ""},
		{Bool(true), KindBool, "boolean", "true"},
		{Bool(false), KindBool, "boolean", "false"},
		{Int(-7), KindNumber, "number", "-7"},
		{Number("1.50"), KindNumber, "number", "1.50"},
		{String("x"), KindString, "string", "x"},
		{Array(Int(1)), KindArray, "array", ""},
		{Object(Field{"a", Int(1)}), KindObject, "object", ""},
	} {
		assert.Equal(t, tt.kind, tt.v.Kind())
		assert.Equal(t, tt.name, tt.v.Kind().String())
		assert.Equal(t, tt.text, tt.v.Text())
		assert.Equal(t, tt.kind == KindNull, tt.v.IsNull())
		assert.Equal(t, tt.text == "true", tt.v.True())
	}
	assert.False(t, String("true").True())
}

func TestIsEmpty(t *testing.T) {
	for in, want := range map[string]bool{
		`null`: true, `[]`: true, `{}`: true, `[[],{},null]`: true, `{"a":{"b":[]}}`: true,
		`""`: false, `false`: false, `0`: false, `[0]`: false, `[null,""]`: false, `{"a":{"b":[false]}}`: false,
	} {
		assert.Equal(t, want, parse(t, in).IsEmpty(), in)
	}
}

func TestFieldsOfObjects(t *testing.T) {
	v := parse(t, `{"a":1,"B":{"c":2}}`)
	assert.Equal(t, Int(1), v.Get("a"))
	assert.Equal(t, Value{}, v.Get("A"))
	assert.Equal(t, Int(1), v.Fold("A"))
	assert.Equal(t, Value{}, v.Fold("x"))
	assert.Nil(t, v.Ref("b"))
	assert.Equal(t, 2, v.Len())
	v.Ref("B").Set("c", Int(3))
	v.Set("a", String("x"))
	v.Set("z", Bool(true))
	assert.Equal(t, `{"a":"x","B":{"c":3},"z":true}`, string(AppendJSON(nil, v)))
	assert.True(t, v.Delete("a"))
	assert.False(t, v.Delete("a"))
	assert.Equal(t, `{"B":{"c":3},"z":true}`, string(AppendJSON(nil, v)))

	e := Object()
	e.Set("a", Int(1))
	assert.Equal(t, Document(`{"a":1}`), e.Document())
	assert.Nil(t, (&Value{}).Ref("a"))
	array := Array(Int(1))
	assert.Nil(t, array.Ref(""), "the elements of an array have no names")
}

func TestElementsOfArrays(t *testing.T) {
	v := parse(t, `[1,2,3]`)
	*v.At(1) = String("x")
	v.Append(Bool(true))
	v.DeleteAt(0)
	assert.Equal(t, `["x",3,true]`, string(AppendJSON(nil, v)))
}

func TestClone(t *testing.T) {
	v := parse(t, `{"a":[{"b":1},2],"c":{}}`)
	c := v.Clone()
	assert.Equal(t, v, c)
	c.Ref("a").At(0).Set("b", Int(9))
	c.Ref("c").Set("d", Int(9))
	c.Set("a", Value{})
	assert.Equal(t, `{"a":[{"b":1},2],"c":{}}`, string(AppendJSON(nil, v)))
	assert.Equal(t, String("x"), String("x").Clone())
}

// What is parsed has no room to grow in, so that two copies that each grow don't write into the same place.
func TestParsedValuesDoNotShareGrowth(t *testing.T) {
	v := parse(t, `{"a":1,"b":[1,2,3]}`)
	x, y := v, v
	x.Set("x", Int(1))
	y.Set("y", Int(2))
	assert.Equal(t, `{"a":1,"b":[1,2,3],"x":1}`, string(AppendJSON(nil, x)))
	assert.Equal(t, `{"a":1,"b":[1,2,3],"y":2}`, string(AppendJSON(nil, y)))
}

func TestEqual(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{`null`, `null`, true},
		{`null`, `[]`, true},
		{`null`, `{}`, true},
		{`null`, `{"a":null}`, true},
		{`[]`, `{}`, true},
		{`[]`, `[null]`, true},
		{`null`, `""`, false},
		{`null`, `false`, false},
		{`1`, `1.0`, true},
		{`100`, `1e2`, true},
		{`0`, `-0`, true},
		{`1`, `"1"`, false},
		{`1`, `2`, false},
		{`"a"`, `"A"`, false},
		{`true`, `false`, false},
		{`"true"`, `true`, false},
		{`[1,2]`, `[1,2.0]`, true},
		{`[1,2]`, `[2,1]`, false},
		{`[1,2]`, `[1]`, false},
		{`[1,null,2]`, `[1,2,{}]`, true},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, true},
		{`{"a":1,"b":null}`, `{"a":1}`, true},
		{`{"a":1}`, `{"a":1,"b":[]}`, true},
		{`{"a":1}`, `{"a":1,"b":0}`, false},
		{`{"a":1}`, `{"A":1}`, false},
		{`{"a":1}`, `{"a":2}`, false},
		{`{"a":[{"b":1}]}`, `{"a":[{"b":1,"c":null}]}`, true},
	} {
		a, b := parse(t, tt.a), parse(t, tt.b)
		assert.Equal(t, tt.want, Equal(a, b), "%s and %s", tt.a, tt.b)
		assert.Equal(t, tt.want, Equal(b, a), "%s and %s", tt.b, tt.a)
		if a.Kind() == KindObject && b.Kind() == KindObject && a.Document() == b.Document() {
			assert.True(t, tt.want, "%s and %s have the same document", tt.a, tt.b)
		}
	}
}

func TestDiff(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want []string
	}{
		{`{}`, `{}`, nil},
		{`{}`, `{"a":1,"b":"x"}`, []string{"a", "b"}},
		{`{"a":1,"b":"x"}`, `{}`, []string{"a", "b"}},
		{`{"a":1,"b":"x"}`, `{"b":"x","a":1}`, nil},
		{`{"a":1,"b":"x"}`, `{"b":"y","c":true}`, []string{"b", "c", "a"}},
		{`{"a":1.0,"b":[]}`, `{"a":1,"c":{"d":null}}`, nil},
		{`{"a":{"b":[{"c":1}]}}`, `{"a":{"b":[{"c":2}]}}`, []string{"a"}},
		{`null`, `{"a":1,"b":null}`, []string{"a"}},
		{`{"a":1}`, `null`, []string{"a"}},
	} {
		a, b := parse(t, tt.a), parse(t, tt.b)
		assert.Equal(t, tt.want, slices.Collect(Diff(a, b)), "%s %s", tt.a, tt.b)
		assert.Equal(t, len(tt.want) == 0, Equal(a, b) || a.IsEmpty() && b.IsEmpty(), "%s %s", tt.a, tt.b)
	}
}
