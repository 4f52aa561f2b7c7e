// Package filter has the language of SCIM filters and PATCH paths (RFC 7644 sections 3.4.2.2 and 3.5.2): its grammar, its syntax tree, and
// its evaluation.
//
// [Parse] and [ParsePath] know the grammar but no schema. Package scim binds what they return: it finds the type, caseExact and full path of
// each attribute, and folds each literal once. So [Match], or a store that translates filters to SQL, needs no
// schema. A store only gets bound expressions.
package filter

import (
	"fmt"
	"time"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Expr is a node of a filter's syntax tree: And, Or, Not, Compare, Present, Has, Related or Const. It must not be changed once it is shared.
// The String of an expression that [Parse] returned can be parsed again.
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

// Compare holds if a value of the attribute and Value satisfy the operator. Any value of a multi-valued attribute may do so. An attribute
// without a value compares like null: eq holds with null only, and ne with everything else.
type Compare struct {
	Attr  Attr
	Op    Op
	Value document.Value // null, a boolean, number or string; binding folds a string by Fold unless Attr.CaseExact is set
	Time  time.Time      // the time that Value means if Attr.Type is DateTime; it is set by binding
}

// Present holds if the attribute has a value (operator pr). An empty string is a value; see [document.Value.IsEmpty].
type Present struct{ Attr Attr }

// Has holds if one element of the complex attribute satisfies all of Where, as in emails[type eq "work"]. In Where, the Name of an
// attribute is the name of a sub-attribute.
type Has struct {
	Attr  Attr
	Where Expr
}

// Related holds if the resource has a membership row that satisfies Where. Only binding makes it, from members in a
// filter on groups and from groups in a filter on users, because these are not in the document. In
// Where the attributes are value (the id of the other end, caseExact), type (its resource type) and display (its label).
type Related struct {
	Relation Relation
	Where    Expr
}

// Const holds for every resource or for none. Only binding makes it, for example from a filter on schemas.
type Const bool

func (And) expr()     {}
func (Or) expr()      {}
func (Not) expr()     {}
func (Compare) expr() {}
func (Present) expr() {}
func (Has) expr()     {}
func (Related) expr() {}
func (Const) expr()   {}

// Conjuncts returns those comparisons of an expression that must all hold for the expression to hold. A store can look up candidates by any of
// them. The expression may have further conditions, so candidates still need [Match].
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

// Relation is one of the two directions of membership rows.
type Relation uint8

// Members are the members of a group. Groups are the groups that a resource is a member of.
const (
	Members Relation = iota + 1
	Groups
)

// Op is a comparison operator (RFC 7644 table 3).
type Op uint8

// These are the comparison operators.
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

// Path names an attribute: [URI:]Name[.Sub]. The names are as they were written until binding spells them as the schema does. The bound
// path of a core or common attribute has no URI, and that of an extension's attribute has the extension's URN. A path with [InternalURI] is
// in the library's own state of a resource.
type Path struct {
	URI  string
	Name string
	Sub  string
}

// InternalURI is the URI of paths in store.Resource.Internal. No request can name it.
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

// Attr is an attribute with its path and those of its characteristics that a comparison needs.
type Attr struct {
	Path
	Type      Type // Unbound until binding sets it
	CaseExact bool // whether strings are compared as they are; otherwise values are folded by document.Fold, and literals by Fold
	Multi     bool // whether the attribute Name is multi-valued
}

// Type is an attribute's data type (RFC 7643 section 2.3).
type Type uint8

// These are the types. Integer and Decimal are compared as numbers; String, Reference and Binary as text.
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
