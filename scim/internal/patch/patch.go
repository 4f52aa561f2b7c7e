// Package patch applies SCIM PATCH requests (RFC 7644 section 3.5.2) to a resource's attributes. It applies all operations of a request or
// none, and tolerates what identity providers send (package quirk). It knows neither HTTP nor a store:
// operations on group members become [lifecycle.Members] and never need the group.
//
// [Parse] does all that can be done without the resource: it resolves paths, checks mutability and coerces values. So an invalid request is
// refused before anything is read, and [Apply] can be repeated on a newer version of the resource when another request has changed it
// meanwhile.
//
// Where the RFC is silent, or identity providers and the RFC disagree:
//
//   - A path that names no attribute of the type is refused (invalidPath), also in lenient mode, because an administrator has to
//     learn of a wrong mapping. An unknown key in a value without a path is ignored unless strict.
//   - add with null or [] does nothing. replace with null or [] unassigns the attribute, with a path or without.
//   - remove with the value [] removes nothing. remove with null is a remove without a value.
//   - A group is emptied by two requests only: a remove with the path members and no value (or null, which is none), and a
//     replace of members with []. By RFC 7643 section 2.5 null means the same as []. But a client that writes every field
//     of an object also writes null for a list that it hasn't loaded, and nobody could restore the members of a group that lost them by
//     that. So replace of members with null is refused (invalidValue), with a path or without, and the error says what to
//     send instead.
//   - An operation on members is done whole or refused, never ignored in part: a value must not name a member twice, each member must have
//     an id, and if the path chooses members, the value can't name others.
//   - replace of elements that a filter chooses merges the given sub-attributes into each of them, as it does for a singular
//     complex attribute. To remove a sub-attribute leaves the rest of its element, even if that is only a type.
//   - A path such as emails.value, without a filter, means that sub-attribute of every element, and of a new one if
//     there is none.
//   - If a filter matches no element, one is made only if it would satisfy the filter. So a repeated request doesn't make a second one.
package patch

import (
	"fmt"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// These are the defaults of Limits.
const (
	DefaultOperations  = 1000
	DefaultComparisons = 2_000_000
)

// Limits limit the work of a request.
type Limits struct {
	Operations int // the most operations; the default is DefaultOperations
	// Comparisons is the most comparisons that the request may need (I18): of values with the filters in paths, and of elements
	// with those to add or remove. Without this limit a request of 1 MiB could need seconds, because each of
	// its filters is evaluated on each element. The default is DefaultComparisons, which take some tenths of a second.
	Comparisons int
}

func (l *Limits) setDefaults() {
	if l.Operations <= 0 {
		l.Operations = DefaultOperations
	}
	if l.Comparisons <= 0 {
		l.Comparisons = DefaultComparisons
	}
}

// Operation is one operation of a PatchOp message, checked against a resource type. Only [Parse] makes one that
// [Apply] understands. It is not changed by Apply and may be applied again.
type Operation struct {
	Op    Op
	Path  *filter.PatchPath // nil if the operation has no path
	Value document.Value    // the value as it was sent

	changes []change
	limits  Limits // the limits of the whole request
}

// Op is add, remove or replace.
type Op uint8

// These are the operations of RFC 7644 section 3.5.2.
const (
	Add Op = iota + 1
	Remove
	Replace
)

// String returns the operation as the RFC writes it.
func (o Op) String() string { return [...]string{"?", "add", "remove", "replace"}[o] }

// TouchesAttributes says whether any operation reads or changes anything but members, so that the resource must be
// read. It is also true if no operation changes anything, because somebody must find out whether the resource exists.
func TouchesAttributes(t *schema.Type, ops []Operation) bool {
	members := false
	for i := range ops {
		for j := range ops[i].changes {
			if ops[i].changes[j].members == nil {
				return true
			}
			members = true
		}
	}
	return !members
}

// Touches says whether any operation writes one of the attributes, or another part of its top-level attribute. The attributes are
// named as [schema.Type.Indexed] names them.
func Touches(ops []Operation, attributes []string) bool {
	for i := range ops {
		for j := range ops[i].changes {
			c := &ops[i].changes[j]
			top := ""
			switch {
			case c.members != nil || c.op == 0:
				continue
			case c.attr == nil:
				top = c.extension.URN + ":"
			default:
				top = c.attr.Path.String()
			}
			for _, name := range attributes {
				if rest, ok := strings.CutPrefix(name, top); ok && (c.attr == nil || rest == "" || rest[0] == '.' || rest[0] == '[') {
					return true
				}
			}
		}
	}
	return false
}

// Apply applies the operations to a clone of cur. It returns the clone, completed by [schema.Type.Finish], and the change of
// members, nil if there is none. If all operations are about members, cur may be the zero Value, which is returned as it is.
// If no operation changes anything, the result is the same document as cur. cur itself is never changed.
// The error is a *schema.Error. Its type is tooMany if the operations need more comparisons than the limit.
func Apply(t *schema.Type, cur document.Value, ops []Operation, m *schema.Mode) (document.Value, *lifecycle.Members, error) {
	if m == nil {
		m = &schema.Mode{}
	}
	limits := Limits{}
	if len(ops) > 0 {
		limits = ops[0].limits
	}
	limits.setDefaults()
	budget := filter.Budget(limits.Comparisons)
	d := delta{budget: &budget}
	r := resource{m: m, budget: &budget}
	for i := range ops {
		for j := range ops[i].changes {
			c := &ops[i].changes[j]
			var err error
			switch {
			case c.members != nil:
				err = d.apply(c)
			case c.op != 0:
				if r.doc.IsNull() {
					r.doc = shallow(cur)
				}
				err = r.apply(c)
			}
			if budget.Exceeded() { // the result, or an error, means nothing then
				err = tooMuch(limits)
			}
			if err != nil {
				return document.Value{}, nil, err
			}
		}
	}
	if r.doc.IsNull() {
		return cur, d.members(), nil
	}
	v, err := t.Finish(r.doc)
	if err != nil {
		return document.Value{}, nil, err
	}
	return v, d.members(), nil
}

func tooMuch(l Limits) error {
	return &schema.Error{Type: "tooMany", Path: "Operations",
		Detail: fmt.Sprintf("want operations that need at most %d comparisons together, and these need more; "+
			"send them in several requests, or choose elements by shorter filters", l.Comparisons)}
}
