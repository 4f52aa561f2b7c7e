// Package schema compiles elimity's schemas and resource types, once at start-up, into look-up tables, and answers
// with them what a request needs to know: is this body valid and what does it mean ([Type.Decode]), which attribute is
// this path ([Type.Resolve], [Type.Bind]), what goes into the answer ([Type.Projection]).
package schema

import (
	elimity "github.com/elimity-com/scim"

	"github.com/rollcall-dev/rollcall/scim/quirk"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Error is a request's fault, always HTTP status 400.
type Error struct {
	Type   string // scimType (RFC 7644 table 9): invalidValue, invalidSyntax, invalidPath, invalidFilter, noTarget, mutability
	Path   string // the attribute as the client should look for it, e.g. emails[1].value; may be ""
	Detail string // what is wrong and what would be right; without Path
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Detail
	}
	return e.Path + ": " + e.Detail
}

// Mode is how a request is to be read.
type Mode struct {
	Strict bool      // refuse what a quirk would tolerate, and unknown attributes
	Quirks quirk.Set // those used so far; grows
}

// Extension is a schema extension of a resource type.
type Extension struct {
	URN        string
	Required   bool
	Attributes []*Attribute
}

// Type is a compiled resource type. It is immutable and safe for concurrent use.
type Type struct {
	Name       string // e.g. User
	Endpoint   string // e.g. /Users
	URN        string // of the base schema
	Attributes []*Attribute
	Extensions []*Extension
}

// Compile checks a resource type and compiles it. lookup names further attributes (paths) to index, beside the unique
// ones and externalId.
func Compile(rt elimity.ResourceType, lookup ...string) (*Type, error) { panic("to come") }

// Resolve finds the attribute that a path names, in any case, with or without the schema's URN. For a sub-attribute it
// returns that; for the URN of an extension alone, nil and the extension.
func (t *Type) Resolve(p filter.Path, m *Mode) (*Attribute, *Extension, error) { panic("to come") }

// Bind resolves every attribute of a parsed filter, folds and checks its literals, and rewrites what stores need not
// know: schemas, members and groups. The error is an *Error of type invalidFilter.
func (t *Type) Bind(x filter.Expr, m *Mode) (filter.Expr, error) { panic("to come") }

// BindElement binds a filter on the elements of a complex multi-valued attribute, for a PATCH path's brackets.
func (t *Type) BindElement(a *Attribute, x filter.Expr, m *Mode) (filter.Expr, error) {
	panic("to come")
}

// Decode makes a POST or PUT body a resource's attributes: names as the schema spells them and in its order, values
// coerced and checked, readOnly and unknown ones dropped, members left in place for the caller to take out. The error
// is an *Error.
func (t *Type) Decode(body document.Value, m *Mode) (document.Value, error) { panic("to come") }

// Coerce makes one value what attribute a wants: an array's elements each if a.Multi. where is the path for errors.
func (t *Type) Coerce(a *Attribute, v document.Value, where string, m *Mode) (document.Value, error) {
	panic("to come")
}

// Finish puts attributes in schema order, drops what is unassigned, and checks what must hold of a whole resource:
// required attributes are there, at most one element of an attribute is primary.
func (t *Type) Finish(v document.Value) (document.Value, error) { panic("to come") }

// Replaces checks that a PUT keeps immutable attributes and write-only ones that it doesn't name.
func (t *Type) Replaces(old, new document.Value) (document.Value, error) { panic("to come") }

// Index computes a resource's index keys and label from its attributes.
func (t *Type) Index(v document.Value) (keys []store.IndexKey, label string) { panic("to come") }
