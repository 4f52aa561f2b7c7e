package schema

import (
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// This file has the comparisons that a store never sees as they were written, because what they compare is not in the
// document: schemas follows from what is there, meta.location and meta.version from id and version, and members and
// groups are rows.

// compareSchemas makes a comparison of schemas one of the presence of extensions.
func (t *Type) compareSchemas(c filter.Compare) filter.Expr {
	if c.Value.IsNull() {
		return filter.Const(c.Op == filter.Ne)
	}
	c.Value = document.String(document.FoldName(c.Value.Text())) // URNs are the same in any case (RFC 8141)
	if compareText(document.FoldName(t.URN), c.Op, c.Value.Text()) {
		return filter.Const(true)
	}
	var any filter.Or
	for _, x := range t.Extensions {
		if compareText(document.FoldName(x.URN), c.Op, c.Value.Text()) {
			any = append(any, x.present())
		}
	}
	switch len(any) {
	case 0:
		return filter.Const(false)
	case 1:
		return any[0]
	}
	return any
}

func compareText(s string, op filter.Op, literal string) bool {
	switch op {
	case filter.Eq:
		return s == literal
	case filter.Ne:
		return s != literal
	case filter.Co:
		return strings.Contains(s, literal)
	case filter.Sw:
		return strings.HasPrefix(s, literal)
	case filter.Ew:
		return strings.HasSuffix(s, literal)
	case filter.Gt:
		return s > literal
	case filter.Ge:
		return s >= literal
	case filter.Lt:
		return s < literal
	}
	return s <= literal
}

func equality(op filter.Op) bool { return op == filter.Eq || op == filter.Ne }

// compareLocation makes a comparison of meta.location one of id. The base of the URL is not looked at: a proxy may have
// changed it.
func (t *Type) compareLocation(c filter.Compare, p filter.Path) (filter.Expr, *Error) {
	if !equality(c.Op) {
		return nil, invalid("", p.String(), "can be compared with eq and ne only")
	}
	c.Attr = t.core.byName["id"].bound()
	if !c.Value.IsNull() {
		rest, id := cutLast(c.Value.Text())
		if _, collection := cutLast(rest); !strings.EqualFold(collection, strings.Trim(t.Endpoint, "/")) {
			return filter.Const(c.Op == filter.Ne), nil
		}
		c.Value = document.String(id)
	}
	return c, nil
}

// compareVersion takes the client's ETag for the version.
func compareVersion(c filter.Compare, p filter.Path) (filter.Expr, *Error) {
	if !equality(c.Op) {
		return nil, invalid("", p.String(), "can be compared with eq and ne only")
	}
	if !c.Value.IsNull() {
		c.Value = document.String(strings.Trim(strings.TrimPrefix(c.Value.Text(), "W/"), `"`))
	}
	return c, nil
}

// compareRow binds a comparison of a sub-attribute of members or groups. Inside of brackets it is one term on a row;
// outside it holds if any row satisfies it, and one with null or ne also if there are no rows.
func (b *binder) compareRow(a *Attribute, c filter.Compare) (filter.Expr, *Error) {
	row, err := rowTerm(a, c)
	if err != nil || b.element != nil {
		return row, err
	}
	some := func(where filter.Expr) filter.Expr { return filter.Related{Relation: a.Relation, Where: where} }
	switch {
	case c.Value.IsNull() && c.Op == filter.Eq:
		return filter.Not{X: some(presentRow(a))}, nil
	case c.Value.IsNull():
		return some(presentRow(a)), nil
	case c.Op == filter.Ne:
		return filter.Or{some(row), filter.Not{X: some(filter.Const(true))}}, nil
	}
	return some(row), nil
}

// related makes a term on a row one on the resource, unless it stands in brackets.
func (b *binder) related(a *Attribute, where filter.Expr) filter.Expr {
	if b.element != nil {
		return where
	}
	return filter.Related{Relation: a.Relation, Where: where}
}

// presentRow says that a row has the (sub-)attribute: all have all but display.
func presentRow(a *Attribute) filter.Expr {
	if a.Name == "display" {
		return filter.Present{Attr: rowAttr(a)}
	}
	return filter.Const(true)
}

func rowAttr(a *Attribute) filter.Attr {
	return filter.Attr{Path: filter.Path{Name: a.Name}, Type: filter.String, CaseExact: a.CaseExact}
}

// rowAttributes are the sub-attributes that a row can be asked for.
var rowAttributes = []string{"value", "type", "display", "$ref"}

func rowTerm(a *Attribute, c filter.Compare) (filter.Expr, *Error) {
	switch {
	case !slices.Contains(rowAttributes, a.Name):
		return nil, invalid("", a.path, "can't be filtered on; what can is value, type, display and $ref")
	case c.Value.IsNull() && a.Name != "display":
		return filter.Const(c.Op == filter.Ne), nil
	case a.Name == "$ref":
		if !equality(c.Op) {
			return nil, invalid("", a.path, "can be compared with eq and ne only")
		}
		_, id := cutLast(c.Value.Text())
		a = a.Parent.subs.find("value")
		c.Value = document.String(id)
	case a.Name == "type" && a.Relation == filter.Groups: // direct, as RFC 7643 section 4.1.2 has it: nothing else is derived
		return filter.Const(compareText(directGroup, c.Op, filter.Fold(c.Op, c.Value.Text()))), nil
	}
	c.Attr = rowAttr(a)
	return c, nil
}

// directGroup is the type of an element of a user's groups.
const directGroup = "direct"

// Indirect is what Member.Type is of a row that says that a resource is in a group by way of another group. No resource type has a
// dot in its name.
const Indirect = "rollcall.Indirect"

const indirectGroup = "indirect"
