package schema

import (
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Decode makes the attributes of a resource from the body of a POST or PUT. Names are spelled and ordered as in the schema, values
// are coerced and checked, and readOnly and unknown attributes are dropped. members stay for [Type.TakeMembers]. A
// writeOnly attribute is checked and dropped, and its name is noted in m. The body is not changed.
// The error is an *Error.
func (t *Type) Decode(body document.Value, m *Mode) (document.Value, error) {
	if body.Kind() != document.KindObject {
		return body, unwantedBody(body)
	}
	v, err := t.decode(body, m, true)
	if err == nil {
		err = t.check(v)
	}
	if err != nil {
		return document.Value{}, err
	}
	return v, nil
}

func unwantedBody(body document.Value) *Error {
	return invalid("invalidSyntax", "", "want a JSON object as the body, got %s", body.Kind())
}

// decode decodes a body. If expand is set, keys that are paths are first made objects.
func (t *Type) decode(body document.Value, m *Mode, expand bool) (document.Value, *Error) {
	var few [32]document.Field // enough for most types, without an allocation
	items := few[:]
	if n := len(t.Attributes) + len(t.Extensions); n > len(few) {
		items = make([]document.Field, n)
	} else {
		items = items[:n]
	}
	var schemas document.Value
	for i := range body.Items() {
		given := &body.Items()[i]
		a := t.core.find(given.Name)
		if a != nil && a.Mutability == WriteOnly && m != nil && m.Interop { // the interop profile forbids passwords
			return body, t.unknownKey(given.Name, m)
		}
		if a == nil {
			if x := t.extension(given.Name); x != nil {
				if err := x.decode(items, given.Value, m); err != nil {
					return body, err.within(x.URN)
				}
				continue
			}
			if err := t.misplacedMembers(body, given); err != nil {
				return body, err
			}
			if expand && t.isPath(given.Name, m) {
				if given.Value.IsEmpty() {
					continue
				}
				return t.decode(t.expand(body, m), m, false)
			}
			if !m.Tolerate(quirk.UnknownAttribute) {
				return body, t.unknownKey(given.Name, m)
			}
			continue
		}
		if a.common == commonSchemas {
			schemas = given.Value
			continue
		}
		if a.Mutability == ReadOnly { // readOnly attributes are ignored (RFC 7644 section 3.3)
			continue
		}
		if items[a.order].Name != "" {
			return body, twice(a.Name)
		}
		x, err := coerce(a, given.Value, m)
		if err != nil {
			return body, err.under(a.Name)
		}
		if a.Mutability != WriteOnly && !x.IsEmpty() {
			items[a.order] = document.Field{Name: a.Name, Value: x}
		}
	}
	if err := t.checkSchemas(schemas, items, m); err != nil {
		return body, err.under("schemas")
	}
	return m.packed(items, body.Len()), nil
}

// decode decodes the object of the extension into its place in to.
func (x *Extension) decode(to []document.Field, v document.Value, m *Mode) *Error {
	if v.Kind() == document.KindArray && v.Len() == 1 && m.Tolerate(quirk.ArrayForScalar) {
		v = v.Items()[0].Value
	}
	if v.IsNull() || v.Kind() == document.KindArray && v.Len() == 0 {
		return nil
	}
	if v.Kind() != document.KindObject {
		return unwanted("an object with "+x.level.names(), v)
	}
	if to[x.order].Name != "" {
		return twice("")
	}
	items := m.take(len(x.Attributes))
	for i := range v.Items() {
		given := &v.Items()[i]
		a := x.Find(given.Name)
		switch {
		case a == nil && !m.Tolerate(quirk.UnknownAttribute):
			return invalid(m.unknown(), "", "%s is no attribute of the extension; it has %s", quoted(given.Name), x.level.names())
		case a == nil || a.Mutability == ReadOnly:
			continue
		case items[a.order].Name != "":
			return twice(a.Name)
		}
		value, err := coerce(a, given.Value, m)
		if err != nil {
			return err.under(a.Name)
		}
		if a.Mutability != WriteOnly && !value.IsEmpty() {
			items[a.order] = document.Field{Name: a.Name, Value: value}
		}
	}
	if items = compact(items); len(items) > 0 {
		to[x.order] = document.Field{Name: x.URN, Value: document.Object(items...)}
	}
	return nil
}

// checkSchemas checks the list of URNs (RFC 7643 section 3.1). It tolerates much, because many clients send a wrong list, and
// the names of the attributes say the same.
func (t *Type) checkSchemas(v document.Value, items []document.Field, m *Mode) *Error {
	if v.Kind() == document.KindString && m.Tolerate(quirk.ScalarForArray) {
		v = document.Array(v)
	}
	if v.IsNull() {
		v = document.Array()
	}
	if v.Kind() != document.KindArray {
		return unwanted("an array of schema URNs", v)
	}
	if v.Len() > maxElements {
		return invalid("invalidValue", "", "want at most %d values, got %d", maxElements, v.Len())
	}
	base, listed := false, uint64(0)
	for i := range v.Items() {
		e := v.Items()[i].Value
		if e.Kind() != document.KindString {
			return unwanted("a schema URN", e).at(i)
		}
		if t.isBase(e.Text()) {
			base = true
		} else if x := t.extension(e.Text()); x != nil {
			listed |= 1 << (x.order - len(t.Attributes))
		} else if !m.Tolerate(quirk.UnknownSchema) {
			return invalid(m.unknown(), "", "%s has no schema %s", t.Name, quoted(e.Text())).at(i)
		}
	}
	if !base && !m.Tolerate(quirk.MissingSchemas) {
		return invalid("invalidValue", "", "want %s in the list", t.URN)
	}
	for i, x := range t.Extensions {
		if items[x.order].Name != "" && listed&(1<<i) == 0 && !m.Tolerate(quirk.MissingSchemas) {
			return invalid("invalidValue", "", "want %s in the list, as the resource has attributes of it", x.URN)
		}
	}
	return nil
}

// misplacedMembers refuses a key that names members of a group in a place where it would be ignored, or besides
// the attribute members, because the group would lose the members that such a key names.
func (t *Type) misplacedMembers(body document.Value, given *document.Field) *Error {
	if t.members == nil || given.Value.IsEmpty() {
		return nil
	}
	misplaced := t.isBase(given.Name) && given.Value.Kind() == document.KindObject && !given.Value.Fold(t.members.Name).IsEmpty()
	if a, _, err := t.resolve(splitPath(given.Name), nil); err == nil && a != nil && a.Relation == filter.Members {
		if a == t.members && !strings.Contains(given.Name, "[") { // expand handles the name with the URN before it
			if body.Fold(t.members.Name).IsNull() {
				return nil
			}
			return twice(t.members.Name)
		}
		misplaced = true
	}
	if !misplaced {
		return nil
	}
	return invalid("invalidValue", Shown(given.Name), "want the members in the attribute %s, as an array of objects with value", t.members.Name)
}

func (t *Type) unknownKey(name string, m *Mode) *Error {
	if p := splitPath(name); p.URI != "" || p.Sub != "" {
		if a, _, err := t.resolve(p, nil); err == nil && a != nil {
			return invalid("invalidValue", "", "%s is a path, not a name; nest the value instead", quoted(Shown(name)))
		}
	}
	if a := t.unqualified[document.FoldName(name)]; a != nil {
		return invalid("invalidValue", "", "%s belongs into the object %s", a.Name, a.Path.URI)
	}
	return invalid(m.unknown(), "", "%s is no attribute of %s", quoted(Shown(name)), t.Name)
}

// isPath says whether a key that isn't the name of an attribute is a path to one that m tolerates, such as name.givenName, URN:department, or
// department of an extension.
func (t *Type) isPath(key string, m *Mode) bool {
	if strings.ContainsAny(key, "[") {
		return false
	}
	needs := quirk.UnqualifiedExtension
	if strings.ContainsAny(key, ".:") {
		needs = quirk.DottedKeys
	}
	if !m.Allows(needs) {
		return false
	}
	a, _, err := t.resolve(splitPath(key), nil)
	return err == nil && a != nil && (a.Parent == nil || !a.Parent.Multi)
}

// expand moves the values of keys that are paths to the objects that these name (quirks dotted-keys and unqualified-extension).
func (t *Type) expand(body document.Value, m *Mode) document.Value {
	out := document.Object()
	var paths []document.Field
	for _, given := range body.Items() {
		if t.core.find(given.Name) == nil && t.extension(given.Name) == nil && t.isPath(given.Name, m) {
			paths = append(paths, given)
		} else {
			out.Append(document.Value{})
			out.Items()[out.Len()-1] = document.Field{Name: given.Name, Value: given.Value.Clone()}
		}
	}
	for _, given := range paths {
		a, _, _ := t.resolve(splitPath(given.Name), m)
		if strings.ContainsAny(given.Name, ".:") {
			m.Tolerate(quirk.DottedKeys)
		}
		object := &out
		if a.Path.URI != "" {
			object = inner(object, a.Path.URI)
		}
		if a.Parent != nil {
			object = inner(object, a.Parent.Name)
		}
		if !object.Fold(a.Name).IsNull() {
			continue // the value that is nested in the object counts
		}
		object.Set(a.Name, given.Value)
	}
	return out
}

// inner returns the object in a field of an object. It makes one if there is none.
func inner(v *document.Value, name string) *document.Value {
	for i := range v.Items() {
		if m := &v.Items()[i]; strings.EqualFold(m.Name, name) {
			if m.Value.Kind() != document.KindObject {
				m.Value = document.Object()
			}
			return &m.Value
		}
	}
	v.Set(name, document.Object())
	return v.Ref(name)
}
