package sqlstore

import (
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// related makes a condition on the membership rows (m) of a resource, and on the resources at their other ends (o).
func (c *compiler) related(x filter.Related) Condition {
	far, near, typ, is := "m.member_id", "m.group_id", "m.member_type", ""
	otherType := "m.member_type"
	isMembers := x.Relation == filter.Members
	if isMembers {
		if c.typ != GroupType {
			return never
		}
	} else {
		far, near, typ = "m.group_id", "m.member_id", "'"+GroupType+"'"
		otherType = typ
		is = " AND m.member_type = " + c.typePlace
	}
	rows := rowCompiler{compiler: c, columns: map[string][2]string{
		"value": {far, ""}, "type": {typ, ""}, "display": {"o.label", "o.folded"},
	}}
	where := rows.compile(x.Where)
	if where.isNever() {
		return never
	}
	join := ""
	if rows.needsOther {
		join = " JOIN ~resource o ON o.tenant = m.tenant AND o.type = " + otherType + " AND o.id = " + far
	}
	from := " FROM ~member m" + join + " WHERE m.tenant = $1" + is + " AND " + where.SQL
	found := Condition{SQL: exists("SELECT 1" + from + " AND " + near + " = r.id"), exact: where.exact, isHeavy: true, parts: many}
	if where.isCertain() { // the filter asks only whether there is any related resource
		found.Ids, found.IsIDs, found.isThere, found.isSpread, found.isHeavy = "SELECT "+near+from, true, true, true, false
		found.span = &span{test: found.SQL, rows: near + from}
		return found
	}
	for _, t := range filter.Conjuncts(x.Where) {
		if t.Attr.Name == "value" && t.Op == filter.Eq && t.Attr.CaseExact && t.Value.Kind() == document.KindString {
			found.Ids, found.IsIDs, found.isThere, found.isHeavy = "SELECT "+near+from, true, true, false
			if !isMembers {
				found.wide = 1
			}
			if _, ok := x.Where.(filter.Compare); ok {
				found.parts = 1
				if !isMembers {
					found.span = &span{test: found.SQL, rows: near + from, once: true, group: Enc(t.Value.Text())}
				}
			}
			break
		}
	}
	return found
}

// rowCompiler makes conditions on membership rows.
type rowCompiler struct {
	*compiler
	columns    map[string][2]string // the column of each sub-attribute, and the one with the folded value
	needsOther bool
}

func (c *rowCompiler) compile(x filter.Expr) Condition {
	join := func(terms []filter.Expr, operator, none string) Condition {
		all := Condition{SQL: none, exact: true}
		var parts []string
		for _, t := range terms {
			p := c.compile(t)
			all.exact = all.exact && p.exact
			parts = append(parts, p.SQL)
		}
		if len(parts) > 0 {
			all.SQL = "(" + strings.Join(parts, operator) + ")"
		}
		return all
	}
	switch x := x.(type) {
	case filter.Const:
		return c.compiler.compile(x)
	case filter.And:
		return join(x, " AND ", "TRUE")
	case filter.Or:
		return join(x, " OR ", "FALSE")
	case filter.Not:
		if in := c.compile(x.X); in.exact {
			return exactly("NOT (" + in.SQL + ")")
		}
	case filter.Compare:
		if column, ok := c.columns[x.Attr.Name]; ok && x.Attr.Sub == "" {
			c.needsOther = c.needsOther || x.Attr.Name == "display"
			return c.compareText(column[0], column[1], x)
		}
	case filter.Present:
		if _, ok := c.columns[x.Attr.Name]; ok && x.Attr.Sub == "" {
			return certain
		}
	}
	return unknown
}

// answered is the URI of attributes that stand for terms about membership rows. The statement answers these in a column, because filter.Match
// would have to read the rows of each resource. The filter of a client can't have this URI.
const answered = "sqlstore:answered"

// answers has the columns by which a statement answers terms about membership rows for filter.Match.
type answers struct {
	columns []string // the columns, each of which is a text
	rows    [filter.Groups + 1]int
}

// answer replaces the terms about membership rows in an expression by ones about columns of the statement. A term that SQL can't express
// exactly stays; for it, a column has all membership rows of the resource.
func (c *compiler) answer(x filter.Expr, a *answers) filter.Expr {
	switch x := x.(type) {
	case filter.And:
		return filter.And(c.answerTerms(x, a, func(terms []filter.Expr) filter.Expr { return filter.And(terms) }))
	case filter.Or:
		return filter.Or(c.answerTerms(x, a, func(terms []filter.Expr) filter.Expr { return filter.Or(terms) }))
	case filter.Not:
		return filter.Not{X: c.answer(x.X, a)}
	case filter.Related:
		if p := c.compile(x); p.exact {
			return a.column(p)
		}
		if a.rows[x.Relation] == 0 {
			a.columns = append(a.columns, c.Joined(x.Relation))
			a.rows[x.Relation] = len(a.columns)
		}
	}
	return x
}

// answerTerms answers as many terms as it can by one column, and returns the others.
func (c *compiler) answerTerms(terms []filter.Expr, a *answers, join func([]filter.Expr) filter.Expr) (others []filter.Expr) {
	var exact []filter.Expr
	for _, t := range terms {
		if asksRelated(t) && c.compile(t).exact {
			exact = append(exact, t)
		} else {
			others = append(others, c.answer(t, a))
		}
	}
	if len(exact) == 0 {
		return others
	}
	if all := c.compile(join(exact)); all.exact {
		return append(others, a.column(all))
	}
	// The conjunction isn't exact, because c.and leaves out heavy terms if an index answers another one. Each term by itself is exact.
	for _, t := range exact {
		others = append(others, a.column(c.compile(t)))
	}
	return others
}

// column adds a column for a condition, and returns the term that asks for it.
func (a *answers) column(p Condition) filter.Expr {
	if p.isCertain() || p.isNever() {
		return filter.Const(p.isCertain())
	}
	a.columns = append(a.columns, "CASE WHEN "+p.SQL+" THEN '1' ELSE '' END")
	return filter.Compare{
		Attr: filter.Attr{Path: filter.Path{URI: answered, Name: strconv.Itoa(len(a.columns) - 1)}, Type: filter.Boolean},
		Op:   filter.Eq, Value: document.Bool(true),
	}
}

// asksRelated says whether an expression is about membership rows.
func asksRelated(x filter.Expr) bool {
	switch x := x.(type) {
	case filter.And:
		for _, t := range x {
			if asksRelated(t) {
				return true
			}
		}
	case filter.Or:
		for _, t := range x {
			if asksRelated(t) {
				return true
			}
		}
	case filter.Not:
		return asksRelated(x.X)
	case filter.Related:
		return true
	}
	return false
}
