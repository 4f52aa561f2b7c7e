package patch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// URN is the schema of a PATCH request's body.
const URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// Parse reads a PatchOp message for a resource of type t. The error is a *schema.Error whose Path begins with the
// operation's place in the message. If there are more operations than the limit, its type is tooMany.
func Parse(t *schema.Type, body document.Value, m *schema.Mode, l Limits) ([]Operation, error) {
	if m == nil {
		m = &schema.Mode{}
	}
	if body.Kind() != document.KindObject {
		return nil, syntax("", "want an object with schemas and Operations, got "+article(body.Kind()))
	}
	if !hasURN(body.Fold("schemas")) {
		if !m.Tolerate(quirk.MissingSchemas) {
			return nil, syntax("schemas", "want "+URN)
		}
	}
	list := body.Fold("Operations")
	if list.Kind() != document.KindArray {
		return nil, syntax("Operations", "want an array of operations, got "+article(list.Kind()))
	}
	l.setDefaults()
	switch n := list.Len(); {
	case n > l.Operations:
		return nil, &schema.Error{Type: "tooMany", Path: "Operations",
			Detail: fmt.Sprintf("want at most %d operations in a request, got %d", l.Operations, n)}
	case n == 0 && !m.Tolerate(quirk.NoOperations):
		return nil, syntax("Operations", "want at least one operation")
	case n == 0:
		return nil, nil
	}
	ops := make([]Operation, list.Len())
	for i, item := range list.Items() {
		ops[i].limits = l
		if err := parseOperation(&ops[i], t, i, item.Value, m); err != nil {
			return nil, err
		}
	}
	return ops, nil
}

func hasURN(schemas document.Value) bool {
	for _, s := range schemas.Items() {
		if s.Value.Kind() == document.KindString && strings.EqualFold(s.Value.Text(), URN) {
			return true
		}
	}
	return false
}

// parseOperation reads one operation. Fields that the RFC doesn't have are ignored, such as the name that Microsoft's test suite sends.
func parseOperation(o *Operation, t *schema.Type, i int, v document.Value, m *schema.Mode) error {
	at := place(i, "")
	if v.Kind() != document.KindObject {
		return syntax(at, "want an object with op, path and value, got "+article(v.Kind()))
	}
	var op, path, value *document.Value
	for j := range v.Items() {
		x := &v.Items()[j]
		switch {
		case strings.EqualFold(x.Name, "op"):
			op = &x.Value
		case strings.EqualFold(x.Name, "path"):
			path = &x.Value
		case strings.EqualFold(x.Name, "value"):
			value = &x.Value
		}
	}
	if err := parseOp(o, op, at, m); err != nil {
		return err
	}
	if value != nil {
		o.Value = *value
	} else if o.Op != Remove {
		return &schema.Error{Type: "invalidValue", Path: at + ".value", Detail: o.Op.String() + " wants a value"}
	}
	c := compiler{t: t, m: m, op: o.Op, index: i}
	if path != nil && path.Kind() == document.KindString && path.Text() == "" && m.Tolerate(quirk.EmptyPath) {
		path = nil
	}
	if path == nil || path.IsNull() {
		if m.Interop {
			return syntax(at+".path", "every operation wants a path")
		}
		if o.Op == Remove {
			return &schema.Error{Type: "noTarget", Path: at + ".path", Detail: "remove wants a path"}
		}
		if err := c.whole(o.Value); err != nil {
			return err
		}
		o.changes = c.out
		return nil
	}
	if path.Kind() != document.KindString {
		return &schema.Error{Type: "invalidPath", Path: at + ".path", Detail: "want a string, got " + article(path.Kind())}
	}
	p, err := c.parse(path.Text())
	if err != nil {
		return err
	}
	o.Path = p
	if err := c.path(*p, o.Value); err != nil {
		return err
	}
	o.changes = c.out
	return nil
}

func parseOp(o *Operation, op *document.Value, at string, m *schema.Mode) error {
	const want = "want add, remove or replace"
	if op == nil || op.Kind() != document.KindString {
		got := ", got nothing"
		if op != nil {
			got = ", got " + article(op.Kind())
		}
		return syntax(at+".op", want+got)
	}
	for _, known := range [...]Op{Add, Remove, Replace} {
		name := known.String()
		if op.Text() == name {
			o.Op = known
			return nil
		}
		if strings.EqualFold(op.Text(), name) && m.Tolerate(quirk.OperationCase) {
			o.Op = known
			return nil
		}
	}
	return syntax(at+".op", want+", got "+strconv.Quote(clip(op.Text())))
}

// parse parses a path, or a key that is a path.
func (c *compiler) parse(text string) (*filter.PatchPath, error) {
	c.text = text
	p, dialect, err := filter.ParsePath(text, filter.Options{})
	if err == nil && dialect.Has(filter.UnquotedValue) && !c.m.Tolerate(quirk.UnquotedFilterValue) {
		_, _, err = filter.ParsePath(text, filter.Options{Strict: true})
	}
	if err != nil {
		return nil, c.fail("invalidPath", err.Error())
	}
	return &p, nil
}

func syntax(path, detail string) error {
	return &schema.Error{Type: "invalidSyntax", Path: path, Detail: detail}
}

// place returns where in the message an error is, and in which attribute: Operations[1] emails[1].value.
func place(i int, text string) string {
	s := "Operations[" + strconv.Itoa(i) + "]"
	if text != "" {
		s += " " + clip(text)
	}
	return s
}

// show returns the part of a client's path or key that an error may show. It leaves out a filter that compares a secret attribute, or that
// can't be parsed. It is called for errors only, because it parses the path again.
func show(t *schema.Type, text string) string {
	if !strings.Contains(text, "[") {
		return schema.Shown(text)
	}
	p, _, err := filter.ParsePath(text, filter.Options{})
	if err != nil || !mayShow(t, p) {
		return schema.Shown(text)
	}
	return text
}

// mayShow says whether the filter of a path compares no attribute whose values are hidden.
func mayShow(t *schema.Type, p filter.PatchPath) bool {
	a, _, err := t.Resolve(p.Path, nil)
	return err == nil && a != nil && !a.Hidden() && showable(a, p.Where)
}

// showable says whether a filter on the elements of an attribute compares no sub-attribute whose values are hidden.
func showable(a *schema.Attribute, x filter.Expr) bool {
	all := func(terms []filter.Expr) bool {
		return !slices.ContainsFunc(terms, func(term filter.Expr) bool { return !showable(a, term) })
	}
	switch x := x.(type) {
	case filter.And:
		return all(x)
	case filter.Or:
		return all(x)
	case filter.Not:
		return showable(a, x.X)
	case filter.Present:
		return true
	case filter.Compare:
		if a.Type != filter.Complex {
			return true
		}
		s := a.Find(x.Attr.Name)
		return s != nil && !s.Hidden()
	}
	return false
}

// clip shortens a client's text for an error message.
func clip(s string) string { return schema.Clip(s, 200) }

func article(k document.Kind) string {
	switch k {
	case document.KindNull:
		return "nothing"
	case document.KindArray, document.KindObject:
		return "an " + k.String()
	}
	return "a " + k.String()
}
