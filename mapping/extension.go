package mapping

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Extension describes a schema extension: the attributes under a URN that the fields of a type hold. Package
// scim/typed makes a schema from it, which /Schemas shows.
type Extension struct {
	URN        string
	Attributes []AttributeSpec
}

// AttributeSpec describes an attribute by what the type of its field says.
type AttributeSpec struct {
	Name       string
	Type       filter.Type // Complex without Sub means any JSON
	Multi      bool
	Required   bool
	Mutability string          // a value of RFC 7643 section 2.2; "" means readWrite
	Sub        []AttributeSpec // the sub-attributes, if Type is Complex

	field string
}

// enterprise is the extension that every user type has (RFC 7643 section 4.3).
const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// Extensions lists the extensions whose attributes fields hold, in the order of the fields. It leaves out the enterprise extension of users,
// which the library has already (RFC 7643 section 4.3).
func (m *Mapping[T]) Extensions() (extensions []Extension) {
	for _, r := range m.rules {
		if r.place.uri == "" || strings.EqualFold(r.place.uri, enterprise) {
			continue
		}
		x := find(&extensions, func(x *Extension) bool { return strings.EqualFold(x.URN, r.place.uri) })
		x.URN = r.place.uri
		spec := r.spec()
		switch {
		case r.place.name == "":
			x.Attributes = append(x.Attributes, spec.Sub...)
		case r.place.sub == "":
			spec.Name = r.place.name
			x.Attributes = append(x.Attributes, spec)
		default:
			a := find(&x.Attributes, func(a *AttributeSpec) bool { return a.Name == r.place.name })
			a.Name, a.Type, a.Multi = r.place.name, filter.Complex, r.place.multi
			spec.Name, spec.Multi = r.place.sub, spec.Multi && !r.place.all
			a.Sub = append(a.Sub, spec)
		}
	}
	return extensions
}

func (r *rule) spec() AttributeSpec {
	spec := r.codec.spec
	spec.Required = r.Required
	spec.setMutability(r.Authority.Mutability())
	switch {
	case splits(r.Apply):
		spec.Type, spec.Multi = filter.String, false
	case joins(r.Apply):
		spec.Type, spec.Multi = filter.String, true
	}
	return spec
}

// setMutability sets the mutability of an attribute and of its sub-attributes. It copies the list of sub-attributes, because others may have
// that.
func (s *AttributeSpec) setMutability(m string) {
	s.Mutability, s.Sub = m, slices.Clone(s.Sub)
	for i := range s.Sub {
		s.Sub[i].setMutability(m)
	}
}

// find returns the element for which is returns true, or appends a new one.
func find[T any](list *[]T, is func(*T) bool) *T {
	for i := range *list {
		if is(&(*list)[i]) {
			return &(*list)[i]
		}
	}
	var none T
	*list = append(*list, none)
	return &(*list)[len(*list)-1]
}

// Mutability returns, by their paths, the attributes over which the identity provider doesn't always have authority. The value is what the
// schema shows: readOnly or immutable. It is meant for scim.Options.Mutability, for one resource type. Elements of attributes, such as
// emails[type eq "work"].value, are not in it, because a schema can't say this of single elements.
func (m *Mapping[T]) Mutability() map[string]string {
	paths := map[string]string{}
	for _, r := range m.rules {
		switch {
		case r.Authority == Always || r.place.where != nil:
		case r.Extension:
			for _, s := range r.codec.spec.Sub {
				paths[r.Path+":"+s.Name] = r.Authority.Mutability()
			}
		default:
			paths[r.place.path] = r.Authority.Mutability()
		}
	}
	return paths
}

// Authorities returns the authority over each top-level attribute, and over each extension by its URN. If the rules on its parts
// differ, it is the authority that lets the identity provider change the least.
func (m *Mapping[T]) Authorities() map[string]Authority {
	all := map[string]Authority{}
	for _, r := range m.rules {
		name := r.place.uri
		if name == "" {
			name = r.place.name
		}
		all[name] = max(all[name], r.Authority)
	}
	return all
}

// Sensitive lists the attributes whose values must not be shown. It is meant for scim.Options.Sensitive, for one resource type.
func (m *Mapping[T]) Sensitive() (paths []string) {
	for _, r := range m.rules {
		if r.Sensitive {
			paths = append(paths, r.Path)
		}
	}
	return paths
}

// Schema returns the extension's schema in the form of RFC 7643 section 7.
func (x Extension) Schema() document.Value {
	return document.Object(
		document.Field{Name: "id", Value: document.String(x.URN)},
		document.Field{Name: "name", Value: document.String(x.URN[strings.LastIndexByte(x.URN, ':')+1:])},
		document.Field{Name: "attributes", Value: describeAll(x.Attributes)},
	)
}

func describeAll(list []AttributeSpec) document.Value {
	out := make([]document.Value, len(list))
	for i, a := range list {
		if a.Type == filter.Complex && len(a.Sub) == 0 {
			a.Type = filter.String // SCIM has no type for any JSON, so the schema says string
		}
		out[i] = document.Object(
			document.Field{Name: "name", Value: document.String(a.Name)},
			document.Field{Name: "type", Value: document.String(a.Type.String())},
			document.Field{Name: "multiValued", Value: document.Bool(a.Multi)},
			document.Field{Name: "required", Value: document.Bool(a.Required)},
			document.Field{Name: "mutability", Value: document.String(cmp.Or(a.Mutability, "readWrite"))},
		)
		if len(a.Sub) > 0 {
			out[i].Set("subAttributes", describeAll(a.Sub))
		}
	}
	return document.Array(out...)
}
