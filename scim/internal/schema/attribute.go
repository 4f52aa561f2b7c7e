package schema

import (
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
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

// Attribute is a compiled attribute or sub-attribute. It belongs to its [Type] and is not to be changed.
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

	subs    level  // Sub as a table
	order   int    // position among its siblings; commonOrder if it isn't stored with them
	common  common // which of the attributes that every resource has
	path    string // Path.String()
	indexed bool   // values are index keys, so they are kept short
	hidden  bool   // errors don't show values
	checked bool   // Finish must look inside: there are elements to count, required sub-attributes, a primary
}

// common tells the attributes of RFC 7643 section 3.1 that are not stored among a resource's attributes.
type common uint8

const (
	notCommon common = iota
	commonID
	commonSchemas
	commonMeta
)

// commonOrder is the order of what has no place among the stored attributes.
const commonOrder = -1

// level is the attributes that one JSON object may have, found by name in any case.
type level struct {
	attributes []*Attribute
	byName     map[string]*Attribute // by the schema's spelling and by the folded name
	required   []*Attribute
}

// find finds an attribute by its name. The spelling of the schema costs one look-up and no folding.
func (l *level) find(name string) *Attribute {
	if a, ok := l.byName[name]; ok {
		return a
	}
	return l.byName[document.FoldName(name)]
}

// names lists the attributes for an error message.
func (l *level) names() string {
	list := make([]string, len(l.attributes))
	for i, a := range l.attributes {
		list[i] = a.Name
	}
	return strings.Join(list, ", ")
}

// Find returns the sub-attribute of that name, in any case, or nil.
func (a *Attribute) Find(name string) *Attribute { return a.subs.find(name) }

// Hidden says whether no error may show a value of the attribute: it is writeOnly, never returned, or was hidden by
// [Type.Hide].
func (a *Attribute) Hidden() bool { return a.hidden || a.secret() }

// secret says whether a value may not be shown, not even in an error.
func (a *Attribute) secret() bool {
	return a.Mutability == WriteOnly || a.Returned == ReturnedNever || a.Parent != nil && a.Parent.secret()
}

// stored says whether the attribute may be in a resource's document.
func (a *Attribute) stored() bool { return a.Mutability != WriteOnly && a.Relation == 0 }

// bound returns what a filter must know of the attribute.
func (a *Attribute) bound() filter.Attr {
	multi := a.Multi || a.Parent != nil && a.Parent.Multi
	return filter.Attr{Path: a.Path, Type: a.Type, CaseExact: a.CaseExact, Multi: multi}
}
