// Package patch applies SCIM PATCH requests (RFC 7644 section 3.5.2) to a resource's attributes, all operations or
// none, and understands the dialects of identity providers (package quirk). It knows neither HTTP nor a store:
// operations on group members become [lifecycle.Members] and never need the group.
//
// [Parse] does all that can be done without the resource: it resolves paths, checks mutability and coerces values, so
// that a request in error is refused before anything is read, and [Apply] may be repeated on a newer version of the
// resource when a write loses a race.
//
// Where the RFC is silent, or identity providers and the RFC disagree:
//
//   - A path that names no attribute of the type is refused (invalidPath), in lenient mode too: an administrator has to
//     learn of a wrong mapping. An unknown key in a value without a path is ignored unless strict.
//   - add of null or [] adds nothing; replace with null or [] unassigns, with a path or without.
//   - remove with the value [] names nothing and removes nothing; with null it is a remove without a value.
//   - A group is emptied by two requests only: a remove with the path members and no value (or null, which is none), and a
//     replace of members with []. RFC 7643 section 2.5 has null mean the same as [], but a client that writes every field
//     of an object also writes null for a list that it hasn't loaded, and nobody repairs a group that lost its members by
//     that. So replace of members with null is refused (invalidValue), with a path or without, and the error says what to
//     send instead.
//   - What members names is done or refused, never ignored in part: the members of one value are given once, each has an
//     id, and where a path chooses members its value can't name others.
//   - replace of elements chosen by a filter merges the given sub-attributes into each of them, as for a singular
//     complex attribute. Removing a sub-attribute leaves the rest of its element, even if that is only a type.
//   - A path such as emails.value, without a filter, means that sub-attribute of every element, and of a new one if
//     there is none.
//   - An element is made for a filter that matches none only if the made element satisfies that filter; so a repeated
//     request never makes another one.
package patch

import (
	"fmt"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// What a request may have unless Limits says otherwise.
const (
	DefaultOperations  = 1000
	DefaultComparisons = 2_000_000
)

// Limits bound a request.
type Limits struct {
	Operations int // 0: DefaultOperations
	// Comparisons is how many comparisons the request may need (I18): of values with the filters in paths, and of elements
	// with those that are to be added or removed. Without it a request of 1 MiB could ask for seconds of work, as each of
	// its filters is asked of each element. 0: DefaultComparisons, which is some tenths of a second.
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
	Path  *filter.PatchPath // nil: none
	Value document.Value    // as sent

	changes []change
	limits  Limits // those of the whole request
}

// Op is add, remove or replace.
type Op uint8

// The operations.
const (
	Add Op = iota + 1
	Remove
	Replace
)

// String returns the operation as the RFC writes it.
func (o Op) String() string { return [...]string{"?", "add", "remove", "replace"}[o] }

// TouchesAttributes says whether any operation reads or changes anything but members, so that the resource must be
// read. It is true also of operations that change nothing at all, as something must find out whether the resource
// exists.
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

// Touches says whether any operation writes one of the attributes, which are named as [schema.Type.Indexed] names them, or
// another part of the top-level attribute of one.
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

// Apply applies the operations to a clone of cur and returns it, finished (schema.Type.Finish), with the change of
// members, nil if there is none. If no operation changes anything but members cur may be the zero Value, and is returned as it is.
// An operation that finds everything as it wants it changes nothing: if none changes anything, the result and cur are
// the same document. The error is a *schema.Error; cur is then as it was. Operations that need more comparisons than the
// limit are an error of type tooMany.
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
			if budget.Exceeded() { // what was found, an error included, is worth nothing then
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
