// Package mapping converts between SCIM attributes and a product's own Go types by declared rules, checks what an
// identity provider sent in the product's terms, and decides who may change which attribute.
//
//	type Employee struct {
//		Email  string `scim:"userName" validate:"email"`
//		Name   string `scim:"displayName,trim,create"`
//		Mobile string `scim:"phoneNumbers[type eq \"mobile\"].value,create" validate:"omitempty,phone_cc"`
//		Active bool   `scim:"active"`
//	}
//	m, err := mapping.For[Employee]()
//
// A tag is a path in the grammar of RFC 7644 section 3.5.2, and options behind commas. An option is the [Authority] over the
// attribute (always, create, ifEmpty, product, ignore), required, sensitive, extension (the path is a URN, and the field a struct with the
// attributes under it), or a transformation (see [Transform]). A [Rule] says the same as a value, for mappings that a tenant configures at run
// time.
//
// Package scim/typed makes a resource type of a mapping. Package mapping/table makes a store.Store of the product's own tables.
package mapping

import (
	"reflect"
	"slices"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Mapping converts between SCIM attributes and T. It is immutable and safe for concurrent use.
//
// An empty string, a zero time, a nil pointer and an empty slice are absent values. Booleans and numbers always
// have a value; use a pointer if absent must differ from false or 0.
type Mapping[T any] struct {
	rules     []*rule
	outline   []node            // the outline of the rules, except for those under Ignore
	size      int               // the size of outline
	paths     map[string]string // the path in SCIM by the path of a field, such as emails.value by Emails.Address
	unknown   Unknown
	validator *checker
}

// Options add to the tags of a type. The zero Options add nothing.
type Options struct {
	// Rules are further rules. A rule for a field that has a tag replaces the tag.
	Rules []Rule
	// Composed are fields that hold several attributes, and attributes that several fields hold.
	Composed []Composed
	// Transforms are the product's own transformations, by the names that tags and rules use.
	Transforms map[string]Transform
	// Checks are the product's own validation tags, in addition to those of the function [Checks].
	Checks []Check
	// Unknown says what happens to attributes that no field holds. By default they are kept in the resource.
	Unknown Unknown
}

// Unknown says what happens to attributes that no field holds. externalId and active are always kept, because the protocol needs
// them.
type Unknown uint8

// These are the choices for attributes that no field holds.
const (
	Keep   Unknown = iota // they are kept in the resource, and answered as they were sent
	Refuse                // they are an *InvalidError
	Drop                  // they are ignored, like those under Ignore
)

// For compiles the tags of T, which must be a struct. The error names the field and its tag.
func For[T any]() (*Mapping[T], error) { return Compile[T](nil) }

// Must returns m, and panics if err is not nil. It is for variables that are initialized when the program starts, where an error is a mistake
// in a tag.
//
//	var employees = mapping.Must(mapping.For[Employee]())
func Must[T any](m *Mapping[T], err error) *Mapping[T] {
	if err != nil {
		panic(err)
	}
	return m
}

// Compile compiles the tags of T together with options, which may be nil. The error names the field and its tag, or the rule.
func Compile[T any](o *Options) (*Mapping[T], error) {
	if o == nil {
		o = &Options{}
	}
	c, err := compile(reflect.TypeFor[T](), o)
	if err != nil {
		return nil, err
	}
	told := slices.DeleteFunc(slices.Clone(c.rules), func(r *rule) bool { return r.Authority == Ignore })
	nodes := outline(told, outer)
	return &Mapping[T]{rules: c.rules, outline: nodes, size: size(nodes), paths: c.paths, unknown: o.Unknown, validator: c.validator}, nil
}

// FromSCIM sets all mapped fields of t, except for those under [Ignore], to the values of their attributes, or to their zero values. It
// regards no other authority and validates nothing, unlike [Mapping.Create] and [Mapping.Update]. The error is an *[InvalidError] for a
// value that a field can't hold; some fields of t are set then.
func (m *Mapping[T]) FromSCIM(v document.Value, t *T) error {
	root := reflect.ValueOf(t).Elem()
	for _, r := range m.rules {
		if r.Authority == Ignore {
			continue
		}
		if err := r.read(v, root); err != nil {
			return err
		}
	}
	return nil
}

// ToSCIM makes attributes from all mapped fields, except for those under [Ignore], in the order of the fields.
func (m *Mapping[T]) ToSCIM(t *T) document.Value {
	r := make(room, m.size)
	return object(m.outline, reflect.ValueOf(t).Elem(), &r)
}

// Merge puts the values of t into the attributes v that were sent before. An attribute stays as it was sent if it means the same as the
// field, even if it is written differently (with spaces that a transformation trims, or as the same time in another zone). Other mapped
// attributes get the values of t, and attributes that no field holds stay. changed says whether any attribute changed. v itself is not
// changed.
func (m *Mapping[T]) Merge(v document.Value, t *T) (merged document.Value, changed bool) {
	var was T
	have, sent := reflect.ValueOf(t).Elem(), reflect.ValueOf(&was).Elem()
	merged = v
	for _, r := range m.rules {
		if r.Authority == Ignore {
			continue
		}
		x := r.value(have)
		if r.read(v, sent) == nil && document.Equal(r.value(sent), x) {
			continue
		}
		if !changed {
			changed, merged = true, objectOf(v).Clone()
		}
		r.place.set(&merged, x)
	}
	return merged, changed
}

func objectOf(v document.Value) document.Value {
	if v.Kind() != document.KindObject {
		return document.Object()
	}
	return v
}

// Change is a field that was changed or differs, and the attribute that it holds.
type Change struct {
	Field string // the field in Go, such as Address.City
	Path  string // the path in SCIM, such as addresses[type eq "work"].locality
}

// Diff lists the mapped fields in which two values differ, in the order of the fields.
func (m *Mapping[T]) Diff(old, new *T) (changes []Change) {
	a, b := reflect.ValueOf(old).Elem(), reflect.ValueOf(new).Elem()
	for _, r := range m.rules {
		if !document.Equal(r.value(a), r.value(b)) {
			changes = append(changes, r.change())
		}
	}
	return changes
}

// Kept lists the attributes that the fields hold. It returns nil if other attributes are kept, too (see Options.Unknown). It is meant for
// scim.Options.Advertise, for one resource type.
func (m *Mapping[T]) Kept() (paths []string) {
	if m.unknown == Keep {
		return nil
	}
	for _, r := range m.rules {
		if r.Authority != Ignore {
			paths = append(paths, r.Path)
		}
	}
	for name := range protocol {
		paths = append(paths, name)
	}
	return paths
}

// Fields lists the mapped fields and their attributes, in the order of the fields.
func (m *Mapping[T]) Fields() []Change {
	fields := make([]Change, len(m.rules))
	for i, r := range m.rules {
		fields[i] = r.change()
	}
	return fields
}
