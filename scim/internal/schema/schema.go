// Package schema compiles elimity's schemas and resource types into tables, once at start-up. By these, it checks and decodes the bodies of
// requests ([Type.Decode]), finds the attributes that paths and filters name ([Type.Resolve], [Type.Bind]), and decides which attributes
// are in an answer ([Type.Projection]).
package schema

import (
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Mode says how strictly a request is read, and notes the quirks that it used. It belongs to one request, and isn't safe for concurrent
// use. A nil Mode is lenient and notes nothing.
type Mode struct {
	Refused quirk.Set // the quirks that the request may not use
	Interop bool      // whether the rules of draft-zollner-scim-interop-profile hold
	Quirks  quirk.Set // the quirks that the request has used so far
	slab    document.Slab
}

// take returns n items of a slice that the request allocates for several objects at once.
func (m *Mode) take(n int) []document.Field {
	const ahead = 20 // roughly as many as a user needs
	if m == nil {
		return make([]document.Field, n)
	}
	return m.slab.Take(n, ahead)
}

// Tolerate says whether the request may use a quirk, and notes that it did.
func (m *Mode) Tolerate(q quirk.Quirk) bool {
	if m == nil {
		return true
	}
	if m.Refused.Has(q) {
		return false
	}
	m.Quirks.Add(q)
	return true
}

// Allows says whether the request may use a quirk, without noting that it did.
func (m *Mode) Allows(q quirk.Quirk) bool { return m == nil || !m.Refused.Has(q) }

// unknown returns the scimType of an error about an attribute that the schema doesn't have.
func (m *Mode) unknown() string {
	if m != nil && m.Interop {
		return "invalidSyntax"
	}
	return "invalidValue"
}

// Extension is a schema extension of a resource type.
type Extension struct {
	URN        string
	Required   bool
	Attributes []*Attribute

	level   level
	order   int     // the position in a resource's document, behind the core attributes
	pattern pattern // finds the extension in a document's text
}

// Find returns the extension's attribute of that name, in any case; nil if there is none.
func (x *Extension) Find(name string) *Attribute { return x.level.find(name) }

// Type is a compiled resource type. It is immutable and safe for concurrent use.
type Type struct {
	Name       string       // such as User
	Endpoint   string       // such as /Users
	URN        string       // the URN of the base schema
	Attributes []*Attribute // externalId and the attributes of the base schema, in the order in which they are stored
	Extensions []*Extension

	core            level                 // Attributes, and id, schemas and meta
	unqualified     map[string]*Attribute // the attributes of the extensions by their folded names; nil for a name that more than one has
	members, groups *Attribute            // the attributes whose values are membership rows, or nil
	indexes         []*Attribute
	elements        []elements        // the elements whose values have separate keys
	endpoints       map[string]string // the endpoints of the types that a member may have, by their names
}

// Link makes the endpoints of all types known to each of them, so that the $ref of a member of any type can be made. It must be called
// before the types are used. Without it, only the endpoints of User and Group are known.
func Link(all ...*Type) {
	for _, t := range all {
		for _, other := range all {
			t.endpoints[other.Name] = other.Endpoint
		}
	}
}

// HasMembers says whether resources of the type have members.
func (t *Type) HasMembers() bool { return t.members != nil }

func (t *Type) isBase(urn string) bool { return urn == t.URN || strings.EqualFold(urn, t.URN) }

// extension finds an extension by its URN, in any case. It looks at each, because there are too few for a table to be faster.
func (t *Type) extension(urn string) *Extension {
	for _, x := range t.Extensions {
		if len(x.URN) == len(urn) && strings.EqualFold(x.URN, urn) {
			return x
		}
	}
	return nil
}
