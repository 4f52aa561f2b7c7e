package document

import (
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Kind says what a Value is.
type Kind uint8

// The kinds of JSON. Null is the zero Value's: absent and null are the same in SCIM (RFC 7643 section 2.5).
const (
	KindNull Kind = iota
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
)

// String names the kind as an error message would.
func (k Kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[k]
}

// Value is a JSON value in memory: a tree, with the fields of objects in order and numbers as they were written, so
// that what comes in goes out unchanged. The zero Value is null.
//
// A Value is not safe for concurrent mutation, and copies share what is below them: [Value.Clone] before changing one
// that somebody else holds.
type Value struct {
	kind  Kind
	text  string
	items []Field
}

// Field is one field of an object. The elements of an array are Fields without a name.
type Field struct {
	Name  string
	Value Value
}

// String makes a string.
func String(s string) Value { return Value{kind: KindString, text: s} }

// Bool makes a boolean.
func Bool(b bool) Value { return Value{kind: KindBool, text: strconv.FormatBool(b)} }

// Int makes a number.
func Int(i int64) Value { return Value{kind: KindNumber, text: strconv.FormatInt(i, 10)} }

// Number makes a number of its literal, which must be valid JSON.
func Number(literal string) Value { return Value{kind: KindNumber, text: literal} }

// Array makes an array.
func Array(elements ...Value) Value {
	items := make([]Field, len(elements))
	for i, e := range elements {
		items[i].Value = e
	}
	return Value{kind: KindArray, items: items}
}

// ArrayOf makes an array of fields without names; it keeps the slice.
func ArrayOf(elements []Field) Value { return Value{kind: KindArray, items: elements} }

// Object makes an object; it keeps the slice.
func Object(fields ...Field) Value { return Value{kind: KindObject, items: fields} }

// Kind says what v is.
func (v Value) Kind() Kind { return v.kind }

// Text returns the text of a string, the literal of a number, "true" or "false" of a boolean, and "" of anything else.
func (v Value) Text() string { return v.text }

// True says whether v is the boolean true.
func (v Value) True() bool { return v.kind == KindBool && v.text == "true" }

// IsNull says whether v is null or was never there.
func (v Value) IsNull() bool { return v.kind == KindNull }

// IsEmpty says whether v counts as unassigned: null, an empty array, or an object without assigned fields (RFC 7643
// section 2.5). An empty string is a value.
func (v Value) IsEmpty() bool {
	switch v.kind {
	case KindNull:
		return true
	case KindArray, KindObject:
		for i := range v.items {
			if !v.items[i].Value.IsEmpty() {
				return false
			}
		}
		return true
	}
	return false
}

// Len is the number of elements or fields.
func (v Value) Len() int { return len(v.items) }

// Items returns the fields of an object or the elements of an array. It is v's own slice, which must not be changed.
func (v Value) Items() []Field { return v.items }

// At returns the i-th element of an array, to read or change in place. It panics if there is none.
func (v *Value) At(i int) *Value { return &v.items[i].Value }

// Get returns the field called name, in exactly this case, or the zero Value.
func (v Value) Get(name string) Value {
	if p := v.Ref(name); p != nil {
		return *p
	}
	return Value{}
}

// Fold returns the field called name, in any case, or the zero Value.
func (v Value) Fold(name string) Value {
	for i := range v.items {
		if strings.EqualFold(v.items[i].Name, name) {
			return v.items[i].Value
		}
	}
	return Value{}
}

// Ref returns the field called name, in exactly this case, to read or change in place; nil if there is none.
func (v *Value) Ref(name string) *Value {
	if v.kind != KindObject {
		return nil
	}
	for i := range v.items {
		if v.items[i].Name == name {
			return &v.items[i].Value
		}
	}
	return nil
}

// Set gives an object's field a value, in its place or at the end.
func (v *Value) Set(name string, x Value) {
	if p := v.Ref(name); p != nil {
		*p = x
		return
	}
	v.items = append(v.items, Field{name, x})
}

// Delete removes an object's field and says whether there was one.
func (v *Value) Delete(name string) bool {
	n := len(v.items)
	v.items = slices.DeleteFunc(v.items, func(m Field) bool { return m.Name == name })
	return len(v.items) < n
}

// Append adds an element to an array.
func (v *Value) Append(x Value) { v.items = append(v.items, Field{Value: x}) }

// DeleteAt removes the i-th element or field. It panics if there is none.
func (v *Value) DeleteAt(i int) { v.items = slices.Delete(v.items, i, i+1) }

// Clone returns a deep copy.
func (v Value) Clone() Value {
	if v.items == nil {
		return v
	}
	items := make([]Field, len(v.items))
	for i, m := range v.items {
		items[i] = Field{m.Name, m.Value.Clone()}
	}
	v.items = items
	return v
}

// Equal says whether a and b are the same value: fields in any order, numbers by value, what is empty like absent. So
// two objects are equal if and only if their canonical documents differ at most in the order of fields and in how
// numbers are written.
func Equal(a, b Value) bool {
	if a.kind != b.kind {
		return a.IsEmpty() && b.IsEmpty()
	}
	switch a.kind {
	case KindObject:
		for i := range a.items {
			if !Equal(a.items[i].Value, b.field(a.items[i].Name, i)) {
				return false
			}
		}
		for i := range b.items {
			if a.field(b.items[i].Name, i).IsNull() && !b.items[i].Value.IsEmpty() {
				return false
			}
		}
		return true
	case KindArray:
		return equalElements(a.items, b.items)
	case KindNumber:
		return a.text == b.text || CompareNumbers(a.text, b.text) == 0
	}
	return a.text == b.text
}

func equalElements(a, b []Field) bool {
	for {
		for len(a) > 0 && a[0].Value.IsEmpty() {
			a = a[1:]
		}
		for len(b) > 0 && b[0].Value.IsEmpty() {
			b = b[1:]
		}
		if len(a) == 0 || len(b) == 0 {
			return len(a) == len(b)
		}
		if !Equal(a[0].Value, b[0].Value) {
			return false
		}
		a, b = a[1:], b[1:]
	}
}

// Diff names the fields in which two objects differ, as Equal compares: first those of b, in its order, then those that only a
// has. A value that is no object has no fields.
func Diff(a, b Value) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range b.items {
			if name := b.items[i].Name; !Equal(a.field(name, i), b.items[i].Value) && !yield(name) {
				return
			}
		}
		for i := range a.items {
			if name := a.items[i].Name; !a.items[i].Value.IsEmpty() && b.field(name, i).IsNull() && !yield(name) {
				return
			}
		}
	}
}

// field is Get where the field is likely to be the i-th, as it is in equal objects that were written alike.
func (v Value) field(name string, i int) Value {
	if i < len(v.items) && v.items[i].Name == name {
		return v.items[i].Value
	}
	return v.Get(name)
}
