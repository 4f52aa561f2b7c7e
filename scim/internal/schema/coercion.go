package schema

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// These are the limits of one value. The handler limits the number of members.
const (
	maxText     = 64 << 10 // the bytes of a string
	maxKey      = 1 << 10  // the bytes of a string that is indexed, because databases limit the length of keys
	maxElements = 1000     // the elements of a multi-valued attribute
	mostFolded  = 3        // how many times longer than a text its folded form may be
)

// Coerce makes a value one of the attribute's type; if a.Multi, it does so with each element of an array. In the result, names are spelled
// and ordered as in the schema, and values are as they were sent; what counts as unassigned is null. where is the path for errors, which
// are *Error of type invalidValue. The result has the value of a writeOnly attribute, but not those of writeOnly sub-attributes;
// [Type.Finish] drops both.
func (t *Type) Coerce(a *Attribute, v document.Value, where string, m *Mode) (document.Value, error) {
	out, err := coerce(a, v, m)
	if err != nil {
		return document.Value{}, err.under(where)
	}
	return out, nil
}

func coerce(a *Attribute, v document.Value, m *Mode) (document.Value, *Error) {
	if !a.Multi {
		if v.Kind() == document.KindArray && v.Len() == 1 && m.Tolerate(quirk.ArrayForScalar) {
			v = v.Items()[0].Value
		}
		return coerceOne(a, v, m)
	}
	switch v.Kind() {
	case document.KindNull:
		return v, nil
	case document.KindArray:
	default:
		if !m.Tolerate(quirk.ScalarForArray) {
			return v, unwanted("an array", v)
		}
		v = document.Array(v)
	}
	if v.Len() > maxElements && a.Relation == 0 {
		return v, invalid("invalidValue", "", "want at most %d values, got %d", maxElements, v.Len())
	}
	elements := m.take(v.Len())[:0]
	for i := range v.Items() {
		x, err := coerceOne(a, *v.At(i), m)
		if err != nil {
			return v, err.at(i)
		}
		switch {
		case !x.IsEmpty():
			elements = append(elements, document.Field{Value: x})
		case a.Relation == filter.Members: // an array of empty elements must not empty a group
			return v, invalid("invalidValue", "value", "want the id of a resource").at(i)
		}
	}
	if len(elements) > 1 && a.Relation == 0 {
		return a.Distinct(document.ArrayOf(elements)), nil
	}
	return document.ArrayOf(elements), nil
}

func coerceOne(a *Attribute, v document.Value, m *Mode) (document.Value, *Error) {
	if v.IsNull() {
		return v, nil
	}
	switch a.Type {
	case filter.Complex:
		return coerceComplex(a, v, m)
	case filter.String, filter.Reference: // a reference isn't checked, because identity providers send any text there
		if v.Kind() != document.KindString {
			if v.Kind() != document.KindNumber || a.Type != filter.String || a.Unique || a.inMember() || !isPlain(v.Text()) || !m.Tolerate(quirk.NumberForText) {
				return v, unwanted("a string", v)
			}
			v = document.String(v.Text())
		}
		return v, checkText(a, v)
	case filter.Binary:
		return coerceBinary(a, v)
	}
	if v.Kind() == document.KindString && v.Text() == "" && m.Tolerate(quirk.EmptyMeansNone) {
		return document.Value{}, nil
	}
	switch a.Type {
	case filter.Boolean:
		return coerceBoolean(a, v, m)
	case filter.DateTime:
		return coerceDateTime(a, v)
	}
	return coerceNumber(a, v, m)
}

// isPlain says whether a number could be meant as a text: it has only digits, and perhaps a point or a sign.
func isPlain(number string) bool {
	return len(number) <= 20 && !strings.ContainsAny(number, "eE")
}

func checkText(a *Attribute, v document.Value) *Error {
	limit, n := maxText, len(v.Text())
	if a.indexed {
		limit = maxKey
		if !a.CaseExact && n > maxKey/mostFolded {
			n = max(n, len(document.Fold(v.Text())))
		}
	}
	if n > limit {
		return invalid("invalidValue", "", "want at most %d bytes, got %d", limit, n)
	}
	return nil
}

func coerceBoolean(a *Attribute, v document.Value, m *Mode) (document.Value, *Error) {
	const want = "true or false"
	switch v.Kind() {
	case document.KindBool:
		return v, nil
	case document.KindString:
		for _, b := range [...]bool{false, true} {
			if strings.EqualFold(v.Text(), strconv.FormatBool(b)) && m.Tolerate(quirk.StringBoolean) {
				return document.Bool(b), nil
			}
		}
		return v, misspelt(a, want, v)
	}
	return v, unwanted(want, v)
}

func coerceNumber(a *Attribute, v document.Value, m *Mode) (document.Value, *Error) {
	want := "a number"
	if a.Type == filter.Integer {
		want = "an integer"
	}
	switch v.Kind() {
	case document.KindNumber:
	case document.KindString:
		n, err := document.Parse(v.Text(), 1)
		if err != nil || n.Kind() != document.KindNumber || !m.Tolerate(quirk.StringNumber) {
			return v, misspelt(a, want, v)
		}
		v = n
	default:
		return v, unwanted(want, v)
	}
	if a.Type == filter.Integer {
		if _, err := strconv.ParseInt(v.Text(), 10, 64); err != nil {
			return v, misspelt(a, "an integer of 64 bits", v)
		}
	} else if _, err := strconv.ParseFloat(v.Text(), 64); err != nil || len(v.Text()) > maxDigits {
		return v, misspelt(a, "a number of usual size", v)
	}
	return v, nil
}

// maxDigits is the greatest length of a decimal's literal.
const maxDigits = 64

const wantDateTime = "a date and time such as 2008-01-23T04:56:22Z"

func coerceDateTime(a *Attribute, v document.Value) (document.Value, *Error) {
	if v.Kind() != document.KindString {
		return v, unwanted(wantDateTime, v)
	}
	if _, ok := filter.ParseTime(v.Text()); !ok {
		return v, misspelt(a, wantDateTime, v)
	}
	return v, nil
}

func coerceBinary(a *Attribute, v document.Value) (document.Value, *Error) {
	const want = "base64 text (RFC 4648)"
	if v.Kind() != document.KindString {
		return v, unwanted(want, v)
	}
	if !isBase64(v.Text()) {
		return v, misspelt(a, want, v)
	}
	return v, checkText(a, v)
}

// isBase64 accepts both alphabets, as RFC 7643 section 2.3.6 does, with padding or without.
func isBase64(s string) bool {
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		encoding = base64.RawURLEncoding
	}
	text := strings.TrimRight(s, "=")
	if pad := len(s) - len(text); pad > 0 && len(s)%4 != 0 || pad > 2 || strings.ContainsAny(text, "\r\n") {
		return false
	}
	_, err := encoding.DecodeString(text)
	return err == nil
}

func coerceComplex(a *Attribute, v document.Value, m *Mode) (document.Value, *Error) {
	if v.Kind() != document.KindObject {
		value := a.subs.find("value")
		if value != nil && v.Kind() == document.KindNumber && (value.Type == filter.String || value.Type == filter.Reference) {
			return v, unwanted("a string", v).under(value.Name)
		}
		if value == nil || v.Kind() == document.KindArray || !m.Tolerate(quirk.ScalarComplex) {
			return v, unwanted("an object with "+a.subs.names(), v)
		}
		v = document.Object(document.Field{Name: value.Name, Value: v})
	}
	var few [8]document.Field // enough for most objects, without an allocation
	items := few[:]
	if len(a.Sub) > len(few) {
		items = make([]document.Field, len(a.Sub))
	}
	items = items[:len(a.Sub)]
	n := 0
	for i := range v.Items() {
		given := &v.Items()[i]
		sub := a.subs.find(given.Name)
		switch {
		case sub == nil && !m.Tolerate(quirk.UnknownAttribute):
			return v, invalid(m.unknown(), "", "%s is no sub-attribute of %s; it has %s", quoted(given.Name), a.Name, a.subs.names())
		case sub == nil || sub.Mutability == ReadOnly: // readOnly sub-attributes are ignored (RFC 7644 section 3.3)
			continue
		case items[sub.order].Name != "":
			return v, twice(sub.Name)
		}
		x, err := coerce(sub, given.Value, m)
		if err != nil {
			return v, err.under(sub.Name)
		}
		if !x.IsEmpty() && sub.Mutability != WriteOnly {
			items[sub.order] = document.Field{Name: sub.Name, Value: x}
			n++
		}
	}
	if n == 0 {
		if a.Multi && v.Len() > 0 && !a.knows(v) { // an object without any sub-attribute is a mistake, such as {"work": "a@d"}
			return v, unwanted("an object with "+a.subs.names(), v)
		}
		return document.Value{}, nil
	}
	if value := a.subs.find("value"); value != nil && a.Relation == 0 && isBlankElement(items, value.order) {
		if !m.Tolerate(quirk.EmptyMeansNone) {
			return v, invalid("invalidValue", value.Name, "want a value that is not empty; leave the attribute out for none")
		}
		return document.Value{}, nil
	}
	return m.packed(items, n), nil
}

// isBlankElement says whether an element has an empty value and, besides it, only a type or primary. Such an element counts as no value.
func isBlankElement(items []document.Field, value int) bool {
	if v := items[value].Value; v.Kind() != document.KindString || v.Text() != "" {
		return false
	}
	for i := range items {
		switch v := items[i].Value; {
		case v.IsNull(), v.Kind() == document.KindString && v.Text() == "":
		case items[i].Name == "type", items[i].Name == "primary":
		default:
			return false
		}
	}
	return true
}

// packed returns an object of those n items that are set.
func (m *Mode) packed(items []document.Field, n int) document.Value {
	there := m.take(n)[:0]
	for i := range items {
		if items[i].Name != "" {
			there = append(there, items[i])
		}
	}
	return document.Object(there...)
}

// compact moves the items that are set to the front.
func compact(items []document.Field) []document.Field {
	n := 0
	for i := range items {
		if items[i].Name != "" {
			if i != n {
				items[n] = items[i]
			}
			n++
		}
	}
	return items[:n]
}

func twice(name string) *Error {
	return invalid("invalidSyntax", name, "given twice; names that differ only in case are the same")
}
