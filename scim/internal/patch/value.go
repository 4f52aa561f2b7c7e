package patch

import (
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// isNone says whether v is the empty string that some providers send for no value.
func (c *compiler) isNone(v document.Value) bool {
	return c.m.Allows(quirk.EmptyMeansNone) && v.Kind() == document.KindString && v.Text() == ""
}

// list makes a value an array of elements of a multi-valued attribute.
func (c *compiler) list(a *schema.Attribute, v document.Value) (document.Value, error) {
	if a.Type == filter.Complex && c.m.Allows(quirk.JSONInString) {
		v = c.unpackAll(a, v)
	}
	if c.op == Add && v.Kind() != document.KindArray {
		v = document.Array(v) // "a new value is added to the attribute", RFC 7644 section 3.5.2.1
	}
	v, err := c.coerce(a, v, c.text)
	if err != nil {
		return v, err
	}
	primaries := 0
	for _, e := range v.Items() {
		if isPrimary(e.Value) {
			primaries++
		}
	}
	if primaries > 1 {
		return v, c.fail("invalidValue", "only one element can be primary")
	}
	return v, nil
}

// partial makes a value an object of sub-attributes to merge into a complex attribute or into an element. A sub-attribute that is
// null is to be unassigned. If the result is the zero Value, the whole is to be unassigned.
func (c *compiler) partial(a *schema.Attribute, v document.Value) (document.Value, error) {
	if v.Kind() == document.KindArray && v.Len() == 1 && v.At(0).Kind() != document.KindArray && c.m.Tolerate(quirk.ArrayForScalar) {
		v = *v.At(0)
	}
	if c.m.Allows(quirk.JSONInString) {
		v, _ = c.unpack(a, v)
	}
	if v.Kind() != document.KindObject {
		return c.wholeElement(a, v)
	}
	out := document.Object(make([]document.Field, 0, v.Len())...)
	for _, m := range v.Items() {
		s := a.Find(m.Name)
		switch {
		case s == nil && !c.m.Tolerate(quirk.UnknownAttribute):
			return v, c.fail(c.unknownType("invalidValue"), a.Name+" has no sub-attribute "+clip(m.Name))
		case s == nil, s.Mutability == schema.ReadOnly: // these are ignored, as in a POST
		case m.Value.IsEmpty():
			if c.op == Add {
				continue
			}
			if s.Required {
				return v, c.fail("mutability", s.Name+" is required and can't be removed")
			}
			out.Set(s.Name, document.Value{})
		case s.Name == "value" && m.Value.Kind() == document.KindString && m.Value.Text() == "":
			if !c.m.Tolerate(quirk.EmptyMeansNone) {
				return v, c.fail("invalidValue", "want a value that is not empty; remove the attribute for none")
			}
			if !a.Multi {
				return document.Value{}, nil
			}
			out.Set(s.Name, document.Value{})
		default:
			x, err := c.coerce(s, m.Value, c.text+"."+s.Name)
			if err != nil {
				return v, err
			}
			out.Set(s.Name, x)
		}
	}
	return out, nil
}

// wholeElement lets package schema coerce a value that is no object, because it tolerates some of these.
func (c *compiler) wholeElement(a *schema.Attribute, v document.Value) (document.Value, error) {
	if !a.Multi {
		return c.coerce(a, v, c.text)
	}
	if v.Kind() != document.KindArray {
		v = document.Array(v)
	}
	v, err := c.coerce(a, v, c.text)
	if err != nil {
		return v, err
	}
	switch v.Len() {
	case 0:
		return document.Value{}, nil
	case 1:
		return *v.At(0), nil
	}
	return v, c.fail("invalidValue", "want one element, got several")
}

// unpackAll unpacks each element of v, and v itself if it is a string that holds an array.
func (c *compiler) unpackAll(a *schema.Attribute, v document.Value) document.Value {
	v, _ = c.unpack(a, v)
	cloned := false
	for i := 0; i < v.Len() && v.Kind() == document.KindArray; i++ {
		x, ok := c.unpack(a, *v.At(i))
		if !ok {
			continue
		}
		if !cloned { // v belongs to the caller
			v, cloned = v.Clone(), true
		}
		*v.At(i) = x
	}
	return v
}

// unpack parses a string that is the JSON text of a complex attribute's value: v itself, or the sub-attribute value of v, as
// Entra ID's AppRoleAssignmentsComplex sends it. It returns any other v as it is.
func (c *compiler) unpack(a *schema.Attribute, v document.Value) (document.Value, bool) {
	switch v.Kind() {
	case document.KindString:
		if x, ok := unquote(a, v.Text()); ok {
			c.m.Quirks.Add(quirk.JSONInString)
			return x, true
		}
	case document.KindObject:
		text := v.Fold("value")
		if text.Kind() != document.KindString {
			break
		}
		x, ok := unquote(a, text.Text())
		if !ok || x.Kind() != document.KindObject {
			break
		}
		c.m.Quirks.Add(quirk.JSONInString)
		for _, m := range v.Items() { // the other sub-attributes, such as type
			if x.Fold(m.Name).IsNull() && !strings.EqualFold(m.Name, "value") {
				x.Set(m.Name, m.Value)
			}
		}
		return x, true
	}
	return v, false
}

// unquote parses the JSON text of an object that has a sub-attribute of a, or of an array of such objects.
func unquote(a *schema.Attribute, text string) (document.Value, bool) {
	const depth = 4 // an array, an object, a multi-valued sub-attribute, and one level more
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") && !(a.Multi && strings.HasPrefix(text, "[")) {
		return document.Value{}, false
	}
	v, err := document.Parse(text, depth)
	if err != nil {
		return v, false
	}
	if v.Kind() == document.KindObject {
		return v, describes(a, v)
	}
	for _, e := range v.Items() {
		if !describes(a, e.Value) {
			return v, false
		}
	}
	return v, v.Len() > 0
}

func describes(a *schema.Attribute, v document.Value) bool {
	for _, m := range v.Items() {
		if v.Kind() == document.KindObject && a.Find(m.Name) != nil {
			return true
		}
	}
	return false
}
