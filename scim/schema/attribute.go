package schema

import (
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Mutability says when an attribute may be written (RFC 7643 section 2.2).
type Mutability uint8

// The mutabilities.
const (
	ReadWrite Mutability = iota
	ReadOnly
	Immutable
	WriteOnly
)

// Returned says when an attribute is in an answer (RFC 7643 section 2.2).
type Returned uint8

// The values of returned.
const (
	ReturnedDefault Returned = iota
	ReturnedAlways
	ReturnedNever
	ReturnedRequest
)

// Attribute is a compiled attribute or sub-attribute.
type Attribute struct {
	Path       filter.Path // bound: URI is "" for core and common attributes; Sub is set for a sub-attribute
	Name       string      // as the schema spells it: Path.Sub or Path.Name
	Type       filter.Type
	Multi      bool
	Required   bool
	CaseExact  bool
	Unique     bool // uniqueness server or global
	Mutability Mutability
	Returned   Returned
	Relation   filter.Relation // Members of Group.members, Groups of User.groups: lives in membership rows; else 0
	Sub        []*Attribute    // of a complex attribute, in schema order
	Parent     *Attribute      // of a sub-attribute

	byName map[string]*Attribute // Sub by folded name
}
