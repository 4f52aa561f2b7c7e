// Package patch applies SCIM PATCH requests (RFC 7644 section 3.5.2) to a resource's attributes, all operations or
// none, and understands the dialects of identity providers (package quirk). It knows neither HTTP nor a store:
// operations on group members become a [Members] delta and never need the group.
package patch

import (
	"github.com/rollcall-dev/rollcall/scim/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Limits bound a request.
type Limits struct {
	Operations int // 0: 1,000
}

// Operation is one operation of a PatchOp message, its path parsed and resolved.
type Operation struct {
	Op    Op
	Path  *filter.PatchPath // nil: none
	Value document.Value
}

// Op is add, remove or replace.
type Op uint8

// The operations.
const (
	Add Op = iota + 1
	Remove
	Replace
)

// Members is what a PATCH does to the members of a group.
type Members struct {
	Replace     bool // Add is the whole membership
	Add         []store.MemberRef
	Remove      []string
	RemoveWhere []filter.Expr // bound to the row's value, type and display; evaluated by the caller, before Add
}

// Empty says whether nothing is asked.
func (m *Members) Empty() bool {
	return !m.Replace && len(m.Add) == 0 && len(m.Remove) == 0 && len(m.RemoveWhere) == 0
}

// Parse reads a PatchOp message. The error is a *schema.Error.
func Parse(t *schema.Type, body document.Value, m *schema.Mode, l Limits) ([]Operation, error) {
	panic("to come")
}

// TouchesAttributes says whether any operation reads or changes anything but members, so that the resource must be read.
func TouchesAttributes(t *schema.Type, ops []Operation) bool { panic("to come") }

// Apply applies the operations to a clone of cur and returns it, finished (schema.Type.Finish), with the change of
// members. cur may be the zero Value if nothing but members is touched. The error is a *schema.Error.
func Apply(t *schema.Type, cur document.Value, ops []Operation, m *schema.Mode) (document.Value, *Members, error) {
	panic("to come")
}
