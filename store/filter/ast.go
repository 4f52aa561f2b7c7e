// Package filter is the language of SCIM queries and PATCH paths: its grammar, its syntax tree and its evaluation
// (RFC 7644 sections 3.4.2.2 and 3.5.2).
//
// [Parse] and [ParsePath] know the grammar but no schema. Package scim binds what they return: it resolves
// each attribute (type, caseExact, full path) and folds each literal once, so that [Match] and a SQL compiler need no
// schema either. A store only ever sees bound expressions.
package filter

import (
	"fmt"
	"time"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Expr is a node of a filter's syntax tree: And, Or, Not, Compare, Present, Has, Related or Const. Its String is in the
// grammar again, if it was made by Parse.
type Expr interface {
	fmt.Stringer
	expr()
}

// And holds if all of its terms do; with no terms, it holds.
type And []Expr

// Or holds if any of its terms does; with no terms, it does not.
type Or []Expr

// Not holds if X does not.
type Not struct{ X Expr }

// Compare holds if a value of the attribute stands in the relation to Value. Of a multi-valued attribute any value
// will do; an absent attribute compares like null: equal to null only, and not equal (ne) to everything else.
type Compare struct {
	Attr  Attr
	Op    Op
	Value document.Value // null, boolean, number or string; binding folds it (Fold) unless Attr.CaseExact
	Time  time.Time      // the instant that Value means if Attr.Type is DateTime; set by binding
}

// Present holds if the attribute has a value (operator pr), be it an empty string (see document.Value.IsEmpty).
type Present struct{ Attr Attr }

// Has holds if one and the same element of the complex attribute satisfies Where: emails[type eq "work"]. In Where, an
// attribute's Name is the sub-attribute's.
type Has struct {
	Attr  Attr
	Where Expr
}

// Related holds if the resource has a relation row that satisfies Where. Only binding makes it: of members in a
// filter on groups, and of groups in a filter on users, as both live in membership rows and not in the document. In
// Where the attributes are value (the other end's id, caseExact), type (its resource type) and display (its label).
type Related struct {
	Relation Relation
	Where    Expr
}

// Const holds or not, whatever the resource. Only binding makes it (a filter on schemas may become one).
type Const bool

func (And) expr()     {}
func (Or) expr()      {}
func (Not) expr()     {}
func (Compare) expr() {}
func (Present) expr() {}
func (Has) expr()     {}
func (Related) expr() {}
func (Const) expr()   {}

// Conjuncts returns the comparisons all of which must hold for the expression to hold. There may be further conditions that
// are no comparisons.
func Conjuncts(x Expr) (all []Compare) {
	switch x := x.(type) {
	case Compare:
		all = append(all, x)
	case And:
		for _, term := range x {
			all = append(all, Conjuncts(term)...)
		}
	}
	return all
}

// Relation names the two directions of membership.
type Relation uint8

// Members are a group's, Groups are those that a user or group is a member of.
const (
	Members Relation = iota + 1
	Groups
)

// Op is a comparison operator (RFC 7644 table 3).
type Op uint8

// The operators.
const (
	Eq Op = iota + 1
	Ne
	Co
	Sw
	Ew
	Gt
	Ge
	Lt
	Le
)

// String returns the operator as it is written.
func (o Op) String() string {
	return [...]string{"?", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"}[o]
}

// Path names an attribute: [URI:]Name[.Sub]. The names are as written until binding makes them the schema's own. A
// bound path of a core or common attribute has no URI, one of an extension has the extension's URN; the library's own
// state of a resource is under [InternalURI].
type Path struct {
	URI  string
	Name string
	Sub  string
}

// InternalURI is where store.Resource.Internal is in a Path. No request can name it.
const InternalURI = "rollcall:internal"

// String returns the path as it is written.
func (p Path) String() string {
	s := p.Name
	if p.URI != "" {
		s = p.URI
		if p.Name != "" {
			s += ":" + p.Name
		}
	}
	if p.Sub != "" {
		s += "." + p.Sub
	}
	return s
}

// Attr is a path and what must be known of the attribute at its end to compare values of it.
type Attr struct {
	Path
	Type      Type // Unbound until bound
	CaseExact bool // strings compare as they are; otherwise folded: values by document.Fold, literals by Fold
	Multi     bool // the attribute Name is multi-valued
}

// Type is an attribute's data type (RFC 7643 section 2.3).
type Type uint8

// The types. Integer and Decimal compare as numbers; String, Reference and Binary as text.
const (
	Unbound Type = iota
	String
	Boolean
	Integer
	Decimal
	DateTime
	Reference
	Binary
	Complex
)

// String returns the type's name in a schema.
func (t Type) String() string {
	return [...]string{"unbound", "string", "boolean", "integer", "decimal", "dateTime", "reference", "binary", "complex"}[t]
}
