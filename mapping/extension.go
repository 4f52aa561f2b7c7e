package mapping

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Extension is what a type says of a schema extension: the attributes under a URN that its fields hold. Package
// scim/typed makes an elimity schema of it, for /Schemas.
type Extension struct {
	URN        string
	Attributes []AttributeSpec
}

// AttributeSpec describes an attribute, as far as a Go type does.
type AttributeSpec struct {
	Name       string
	Type       filter.Type // Complex without Sub is any JSON
	Multi      bool
	Required   bool
	Mutability string          // as RFC 7643 section 2.2 has it; "" is readWrite
	Sub        []AttributeSpec // of Complex

	field string
}

// enterprise is the extension that every user type has (RFC 7643 section 4.3).
const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// Extensions lists the extensions that fields are tagged with, in the order of the fields, but for the enterprise user.
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

// setMutability sets the mutability of an attribute and of its sub-attributes. The list of sub-attributes that others may hold
// stays as it was.
func (s *AttributeSpec) setMutability(m string) {
	s.Mutability, s.Sub = m, slices.Clone(s.Sub)
	for i := range s.Sub {
		s.Sub[i].setMutability(m)
	}
}

// find returns the element that is so, or a new one at the end.
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

// Mutability returns what a schema calls the attributes over which the identity provider hasn't always authority: readOnly or
// immutable, by path. It is the form of scim.Options.Mutability for one resource type. Elements of attributes, such as emails[type
// eq "work"].value, are not in it, because no schema can say it of them.
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

// Authorities says of each top-level attribute, or extension by its URN, who decides its value. Where rules on its parts differ, it is the one
// that leaves the identity provider the least.
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

// Sensitive lists the attributes whose values are not to be shown. It is the form of scim.Options.Sensitive for one resource type.
func (m *Mapping[T]) Sensitive() (paths []string) {
	for _, r := range m.rules {
		if r.Sensitive {
			paths = append(paths, r.Path)
		}
	}
	return paths
}

// Schema returns the extension's schema in the form of RFC 7643 section 7, of which schema.Declare makes one to serve.
func (x Extension) Schema() document.Value {
	return document.Object(
		document.Member{Name: "id", Value: document.String(x.URN)},
		document.Member{Name: "name", Value: document.String(x.URN[strings.LastIndexByte(x.URN, ':')+1:])},
		document.Member{Name: "attributes", Value: describeAll(x.Attributes)},
	)
}

func describeAll(list []AttributeSpec) document.Value {
	out := make([]document.Value, len(list))
	for i, a := range list {
		if a.Type == filter.Complex && len(a.Sub) == 0 {
			a.Type = filter.String // SCIM has no type of any JSON: text, then
		}
		out[i] = document.Object(
			document.Member{Name: "name", Value: document.String(a.Name)},
			document.Member{Name: "type", Value: document.String(a.Type.String())},
			document.Member{Name: "multiValued", Value: document.Bool(a.Multi)},
			document.Member{Name: "required", Value: document.Bool(a.Required)},
			document.Member{Name: "mutability", Value: document.String(cmp.Or(a.Mutability, "readWrite"))},
		)
		if len(a.Sub) > 0 {
			out[i].Set("subAttributes", describeAll(a.Sub))
		}
	}
	return document.Array(out...)
}
