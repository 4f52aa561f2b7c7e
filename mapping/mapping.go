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
// A tag is a path in the grammar of RFC 7644 section 3.5.2 and options behind commas: who has authority over the
// attribute (always, create, ifEmpty, product, ignore), required, sensitive, extension (the path is a URN, the field a struct of the
// attributes under it), and transformations (see [Transform]).
// [Rule] says the same as a value, for mappings that a tenant configures at run time. Package
// mapping/table makes a store.Store of the product's own tables.
package mapping

import (
	"reflect"
	"slices"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Mapping converts between SCIM attributes and T. It is immutable and safe for concurrent use.
//
// What is empty is absent: an empty string, a zero time, a nil pointer, an empty slice. Booleans and numbers always
// have a value; use a pointer where absent must differ from false or 0.
type Mapping[T any] struct {
	rules     []*rule
	outline   []node            // of the rules but those under Ignore
	size      int               // of what they make
	paths     map[string]string // SCIM path by the path of a field: Emails.Address is emails.value
	unknown   Unknown
	validator *checker
}

// Options refine what the tags of a type say. The zero Options add nothing.
type Options struct {
	// Rules add to the tags; one for a field that has a tag replaces the tag.
	Rules []Rule
	// Composed add fields that hold several attributes, and attributes that several fields hold.
	Composed []Composed
	// Transforms are the product's own, by the name that tags and rules use.
	Transforms map[string]Transform
	// Checks are the product's own validation tags. Those in [Checks] are always there.
	Checks []Check
	// Unknown says what becomes of attributes that no field holds. The default keeps them in the resource.
	Unknown Unknown
}

// Unknown says what becomes of attributes that the product's type can't hold. externalId and active are the protocol's, and
// always kept.
type Unknown uint8

// The choices.
const (
	Keep   Unknown = iota // they stay in the resource, and come back as they were sent
	Refuse                // they are an *InvalidError
	Drop                  // they are ignored, as those under Ignore are
)

// For compiles the tags of T, which must be a struct. The error names the field and its tag.
func For[T any]() (*Mapping[T], error) { return Compile[T](nil) }

// Must is for variables that are made when the program starts: it returns m, and panics if err is not nil, which is a mistake in a tag.
//
//	var employees = mapping.Must(mapping.For[Employee]())
func Must[T any](m *Mapping[T], err error) *Mapping[T] {
	if err != nil {
		panic(err)
	}
	return m
}

// Compile compiles the tags of T together with options. The error names the field and its tag, or the rule.
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

// FromSCIM sets all mapped fields of t, except those under Ignore, to the attribute's value, or to nothing if there is none. It
// looks at no other authority and validates nothing: see [Mapping.Create] and [Mapping.Update]. A value that a field can't hold is
// an *[InvalidError]; t is then half-filled.
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

// ToSCIM makes attributes of all mapped fields, except those under Ignore, in the order of the fields.
func (m *Mapping[T]) ToSCIM(t *T) document.Value {
	r := make(room, m.size)
	return object(m.outline, reflect.ValueOf(t).Elem(), &r)
}

// Merge puts what t holds into attributes that have been sent before. An attribute stays as it was written as long as it means
// what t has, even if it says so in other words (spaces that a transformation trims, another zone of the same time). Other mapped
// attributes become those of t, and attributes that no field holds stay. Merge says whether anything changed; v itself is left
// alone.
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

// Change is a field, such as one that differs, and the attribute that it holds.
type Change struct {
	Field string // as Go writes it: Address.City
	Path  string // as SCIM writes it: addresses[type eq "work"].locality
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

// Kept lists the attributes that the fields hold, if no others are kept (see Options.Unknown); nil if all are. It is the form of
// scim.Options.Advertise for one resource type.
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
