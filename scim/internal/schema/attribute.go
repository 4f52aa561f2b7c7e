package schema

import (
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Mutability says when an attribute may be written (RFC 7643 section 2.2).
type Mutability uint8

// These are the values of mutability.
const (
	ReadWrite Mutability = iota
	ReadOnly
	Immutable
	WriteOnly
)

// Returned says when an attribute is in an answer (RFC 7643 section 2.2).
type Returned uint8

// These are the values of returned.
const (
	ReturnedDefault Returned = iota
	ReturnedAlways
	ReturnedNever
	ReturnedRequest
)

// Attribute is a compiled attribute or sub-attribute. It belongs to its [Type] and must not be changed.
type Attribute struct {
	Path       filter.Path // the bound path, whose URI is "" for core and common attributes, and whose Sub is set for a sub-attribute
	Name       string      // the name as the schema spells it: Path.Sub or Path.Name
	Type       filter.Type
	Multi      bool
	Required   bool
	CaseExact  bool
	Unique     bool // whether uniqueness is server or global
	Mutability Mutability
	Returned   Returned
	Relation   filter.Relation // the relation whose membership rows are the values: Members for Group.members, Groups for User.groups; else 0
	Sub        []*Attribute    // the sub-attributes of a complex attribute, in the order of the schema
	Parent     *Attribute      // the complex attribute that a sub-attribute is in, else nil

	subs    level  // Sub, to be found by name
	order   int    // the position among its siblings; commonOrder if it isn't stored with them
	common  common // which of the attributes it is that every resource has
	path    string // the text of Path
	indexed bool   // values are index keys, so their length is limited
	hidden  bool   // errors don't show values
	checked bool   // Finish must check the values: it counts elements, and looks for required sub-attributes and primary
}

// common says which attribute of RFC 7643 section 3.1 an attribute is, if it isn't stored among a resource's attributes.
type common uint8

const (
	notCommon common = iota
	commonID
	commonSchemas
	commonMeta
)

// commonOrder is the order of attributes that are not stored in a document.
const commonOrder = -1

// level has the attributes that one JSON object may have, to be found by name in any case.
type level struct {
	attributes []*Attribute
	byName     map[string]*Attribute // the attributes by the schema's spelling and by the folded name
	required   []*Attribute
}

// find finds an attribute by its name. A name in the spelling of the schema needs one look-up and no folding.
func (l *level) find(name string) *Attribute {
	if a, ok := l.byName[name]; ok {
		return a
	}
	return l.byName[document.FoldName(name)]
}

// names lists the names of the attributes for an error message.
func (l *level) names() string {
	list := make([]string, len(l.attributes))
	for i, a := range l.attributes {
		list[i] = a.Name
	}
	return strings.Join(list, ", ")
}

// Find returns the sub-attribute of that name, in any case, or nil.
func (a *Attribute) Find(name string) *Attribute { return a.subs.find(name) }

// Hidden says whether errors must not show values of the attribute, because it is writeOnly, never returned, or hidden by
// [Type.Hide].
func (a *Attribute) Hidden() bool { return a.hidden || a.secret() }

// secret says whether the attribute, or the one that it is in, is writeOnly or never returned.
func (a *Attribute) secret() bool {
	return a.Mutability == WriteOnly || a.Returned == ReturnedNever || a.Parent != nil && a.Parent.secret()
}

// stored says whether the attribute may be in a resource's document.
func (a *Attribute) stored() bool { return a.Mutability != WriteOnly && a.Relation == 0 }

// bound returns the attribute as it is in a bound filter.
func (a *Attribute) bound() filter.Attr {
	multi := a.Multi || a.Parent != nil && a.Parent.Multi
	return filter.Attr{Path: a.Path, Type: a.Type, CaseExact: a.CaseExact, Multi: multi}
}
