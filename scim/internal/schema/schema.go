// Package schema compiles elimity's schemas and resource types, once at start-up, into look-up tables, and answers
// with them what a request needs to know: is this body valid and what does it mean ([Type.Decode]), which attribute is
// this path ([Type.Resolve], [Type.Bind]), what goes into the answer ([Type.Projection]).
package schema

import (
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Mode is how a request is to be read, and what was found on the way. It belongs to one request. A nil Mode is
// lenient and remembers nothing.
type Mode struct {
	Refused quirk.Set // those that the request may not use
	Interop bool      // the rules of draft-zollner-scim-interop-profile hold
	Quirks  quirk.Set // those used so far; grows
	slab    document.Slab
}

// take is memory for the members of a tree, of which the request needs more.
func (m *Mode) take(n int) []document.Member {
	const ahead = 20 // what a user has, roughly
	if m == nil {
		return make([]document.Member, n)
	}
	return m.slab.Take(n, ahead)
}

// Tolerate notes that the request needs a quirk, and says whether it may have it.
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

// unknown returns the error type of an attribute that the schema doesn't have.
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
	order   int     // position among a resource's members, behind the core attributes
	pattern pattern // how it stands in a document's text
}

// Find returns the extension's attribute of that name, in any case, or nil.
func (x *Extension) Find(name string) *Attribute { return x.level.find(name) }

// Type is a compiled resource type. It is immutable and safe for concurrent use.
type Type struct {
	Name       string       // e.g. User
	Endpoint   string       // e.g. /Users
	URN        string       // of the base schema
	Attributes []*Attribute // externalId and the base schema's, in the order in which they are stored
	Extensions []*Extension

	core            level                 // Attributes, and id, schemas and meta
	unqualified     map[string]*Attribute // of the extensions, by folded name; nil if more than one has it
	members, groups *Attribute            // those in membership rows, or nil
	indexes         []*Attribute
	elements        []elements        // some of whose values are keys of their own
	endpoints       map[string]string // of the types that a member may have, by name
}

// Link tells types of each other's endpoints, so that the $ref of a member of any of them can be made. To be called
// before the types are used; without it those of User and Group are known.
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

// extension finds an extension by its URN, in any case; there are too few for a table to be faster.
func (t *Type) extension(urn string) *Extension {
	for _, x := range t.Extensions {
		if len(x.URN) == len(urn) && strings.EqualFold(x.URN, urn) {
			return x
		}
	}
	return nil
}
