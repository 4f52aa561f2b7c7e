package scim

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/patch"
	"github.com/rollcall-dev/rollcall/store/document"
)

// bulkReference is how a value begins that names the resource of another operation (RFC 7644 section 3.7.2).
const bulkReference = "bulkId:"

// resolver says what a reference shall become; ok false leaves it out.
type resolver func(bulkID string) (id string, ok bool)

// refer finds out which operations an operation names: in its path, as a value, at the end of a $ref, and in the filter
// of a PATCH operation's path.
func (b *bulkJob) refer(o *bulkOperation) {
	seen := func(bulkID string) (string, bool) {
		other := b.byID[bulkID]
		switch {
		case other == nil && o.err == nil:
			o.err = badRequest("invalidValue", "no operation of this request has the bulkId %s", quoted(bulkID))
		case other == nil:
		case other.method != http.MethodPost && o.err == nil:
			o.err = badRequest("invalidValue", "the bulkId %s is not of a POST; name the resource by its id", quoted(bulkID))
		case other.method == http.MethodPost && !slices.Contains(o.refs, other):
			o.refs = append(o.refs, other)
		}
		return "", true
	}
	if name, ok := strings.CutPrefix(o.id, bulkReference); ok {
		seen(name)
	}
	resolve(o.data, seen)
}

// resolve is a body with every reference replaced, or v itself if there is none. What a resolver leaves out is left out with
// the element or complex value that it stands in.
func resolve(v document.Value, by resolver) document.Value {
	var changed []document.Field
	for i, m := range v.Items() {
		x, ok := resolveIn(m.Name, m.Value, by)
		if ok && changed == nil && same(x, m.Value) {
			continue
		}
		if changed == nil {
			changed = append(make([]document.Field, 0, v.Len()), v.Items()[:i]...)
		}
		if ok {
			changed = append(changed, document.Field{Name: m.Name, Value: x})
		}
	}
	if changed == nil {
		return v
	}
	return document.Object(changed...)
}

func resolveIn(name string, v document.Value, by resolver) (out document.Value, ok bool) {
	switch v.Kind() {
	case document.KindString:
		text, ok := resolveText(name, v.Text(), by)
		if !ok || text == v.Text() {
			return v, ok
		}
		return document.String(text), true
	case document.KindArray, document.KindObject:
		items := v.Items()
		var changed []document.Field
		for i := range items {
			x, ok := resolveIn(items[i].Name, items[i].Value, by)
			if ok && changed == nil && same(x, items[i].Value) {
				continue
			}
			if changed == nil {
				changed = append(make([]document.Field, 0, len(items)), items[:i]...)
			}
			if !ok && items[i].Value.Kind() == document.KindString && v.Kind() == document.KindObject {
				return v, false // an element without what it refers to says nothing
			}
			if ok {
				changed = append(changed, document.Field{Name: items[i].Name, Value: x})
			}
		}
		if changed == nil {
			return v, true
		}
		if v.Kind() == document.KindObject {
			return document.Object(changed...), true
		}
		elements := make([]document.Value, len(changed))
		for i := range changed {
			elements[i] = changed[i].Value
		}
		return document.Array(elements...), true
	}
	return v, true
}

// same says whether a value is the very one that went in.
func same(a, b document.Value) bool {
	if a.Kind() != b.Kind() || a.Text() != b.Text() || a.Len() != b.Len() {
		return false
	}
	return a.Len() == 0 || &a.Items()[0] == &b.Items()[0]
}

// resolveText replaces the references in a text that stands under a name.
func resolveText(name, text string, by resolver) (string, bool) {
	if !strings.Contains(text, bulkReference) {
		return text, true
	}
	if id, ok := strings.CutPrefix(text, bulkReference); ok {
		return by(id)
	}
	switch {
	case strings.EqualFold(name, "$ref"):
		i := strings.LastIndexByte(text, '/')
		if id, ok := strings.CutPrefix(text[i+1:], bulkReference); ok {
			id, ok = by(id)
			return text[:i+1] + id, ok
		}
	case strings.EqualFold(name, "path"):
		return resolveFilter(text, by)
	}
	return text, true
}

// resolveFilter replaces the references that are literals of the filter in a path: members[value eq "bulkId:x"].
func resolveFilter(path string, by resolver) (string, bool) {
	const open = `"` + bulkReference
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(path, open)
		if !ok {
			break
		}
		id, behind, ok := strings.Cut(rest, `"`)
		if !ok {
			break
		}
		if id, ok = by(id); !ok {
			return "", false
		}
		b.WriteString(before + `"` + id + `"`)
		path = behind
	}
	return b.String() + path, true
}

// order puts the operations into an order, as near as possible to that of the request, in which whatever an operation names is
// made before it. Where operations name each other in a circle, one of them closes the circle: what it says of the others is done
// in a second step, when those are there (RFC 7644 section 3.7.1). The numbers of circles are Tarjan's low links, so the work is
// linear.
func (b *bulkJob) order() []*bulkOperation {
	var (
		out     []*bulkOperation
		open    []*bulkOperation // visited, and not yet known to be of which circle
		number  = make(map[*bulkOperation]int, len(b.ops))
		low     = make(map[*bulkOperation]int, len(b.ops))
		on      = make(map[*bulkOperation]bool, len(b.ops)) // the path that is being walked
		waiting = make(map[*bulkOperation]bool, len(b.ops))
	)
	var visit func(o *bulkOperation)
	visit = func(o *bulkOperation) {
		number[o] = len(number) + 1
		low[o] = number[o]
		open = append(open, o)
		on[o], waiting[o] = true, true
		for _, other := range o.refs {
			switch {
			case number[other] == 0:
				visit(other)
				low[o] = min(low[o], low[other])
			case waiting[other]:
				low[o] = min(low[o], number[other])
			}
			if on[other] {
				o.deferred = append(o.deferred, other)
			}
		}
		on[o] = false
		out = append(out, o)
		if low[o] == number[o] {
			for {
				last := open[len(open)-1]
				open = open[:len(open)-1]
				waiting[last] = false
				last.circle = number[o]
				if last == o {
					break
				}
			}
		}
	}
	for _, o := range b.ops {
		if number[o] == 0 {
			visit(o)
		}
	}
	return out
}

// first is what an operation's first step sends: its data with everything resolved that is made already.
func (b *bulkJob) first(o *bulkOperation) document.Value {
	if len(o.refs) == 0 {
		return o.data
	}
	return resolve(o.data, func(bulkID string) (string, bool) {
		other := b.byID[bulkID]
		return other.resource(), !slices.Contains(o.deferred, other)
	})
}

// second is what is left for the second step of an operation that closes a circle: a PATCH that adds the attributes that name
// what is made by now. They are added whole: what is there already is not added twice.
func (b *bulkJob) second(o *bulkOperation) document.Value {
	value := document.Object()
	for _, m := range o.data.Items() {
		waits := false
		x, _ := resolveIn(m.Name, m.Value, func(bulkID string) (string, bool) {
			other := b.byID[bulkID]
			waits = waits || slices.Contains(o.deferred, other)
			return other.resource(), true
		})
		if waits {
			value.Append(document.Value{})
			value.Items()[value.Len()-1] = document.Field{Name: m.Name, Value: x}
		}
	}
	return document.Object(
		document.Field{Name: "schemas", Value: document.Array(document.String(patch.URN))},
		document.Field{Name: "Operations", Value: document.Array(document.Object(
			document.Field{Name: "op", Value: document.String("add")},
			document.Field{Name: "value", Value: value},
		))},
	)
}

// failed is the first of the operations that this one names of which there is no resource, or nil.
func (o *bulkOperation) failed() *bulkOperation {
	for _, other := range o.refs {
		if !slices.Contains(o.deferred, other) && other.err != nil {
			return other
		}
	}
	return nil
}
