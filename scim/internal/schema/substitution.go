package schema

import (
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// This file rewrites comparisons that a store can't evaluate as they were written, because the attribute is not in the
// document: schemas is derived from the other attributes, meta.location from the id, meta.version from the version, and members and
// groups are membership rows.

// compareSchemas rewrites a comparison of schemas to one of the presence of extensions.
func (t *Type) compareSchemas(c filter.Compare) filter.Expr {
	if c.Value.IsNull() {
		return filter.Const(c.Op == filter.Ne)
	}
	c.Value = document.String(document.FoldName(c.Value.Text())) // the case of a URN doesn't count (RFC 8141)
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

// compareLocation rewrites a comparison of meta.location to one of id. It ignores the base of the URL, which a proxy may have
// changed.
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

// compareVersion rewrites a comparison of meta.version with an ETag to one of the version.
func compareVersion(c filter.Compare, p filter.Path) (filter.Expr, *Error) {
	if !equality(c.Op) {
		return nil, invalid("", p.String(), "can be compared with eq and ne only")
	}
	if !c.Value.IsNull() {
		c.Value = document.String(strings.Trim(strings.TrimPrefix(c.Value.Text(), "W/"), `"`))
	}
	return c, nil
}

// compareRow binds a comparison of a sub-attribute of members or groups. Within brackets it is a term about one row.
// Elsewhere it holds if any row satisfies it, and one with null or ne also if there are no rows.
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

// related makes a term about a row one about the resource, unless it is within brackets.
func (b *binder) related(a *Attribute, where filter.Expr) filter.Expr {
	if b.element != nil {
		return where
	}
	return filter.Related{Relation: a.Relation, Where: where}
}

// presentRow returns the condition that a row has the attribute. Every row has all sub-attributes except for display.
func presentRow(a *Attribute) filter.Expr {
	if a.Name == "display" {
		return filter.Present{Attr: rowAttr(a)}
	}
	return filter.Const(true)
}

func rowAttr(a *Attribute) filter.Attr {
	return filter.Attr{Path: filter.Path{Name: a.Name}, Type: filter.String, CaseExact: a.CaseExact}
}

// rowAttributes are the sub-attributes that a filter can compare in a row.
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
	case a.Name == "type" && a.Relation == filter.Groups: // stores only have direct memberships (RFC 7643 section 4.1.2)
		return filter.Const(compareText(directGroup, c.Op, filter.Fold(c.Op, c.Value.Text()))), nil
	}
	c.Attr = rowAttr(a)
	return c, nil
}

// directGroup is the type of an element of a user's groups.
const directGroup = "direct"

// Indirect is the Member.Type of a row that says that a resource is in a group by way of another group. It can't be the name of a resource
// type, because those have no dot.
const Indirect = "rollcall.Indirect"

const indirectGroup = "indirect"
