package sqlstore

import (
	"strconv"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

const groupType = "Group" // whose members membership rows are (RFC 7643 section 4.2)

// condition is what SQL can say about an expression: it holds for every resource that the expression holds for, and
// for no other if it is exact. All values in it are parameters, and none of its parts is ever NULL.
type condition struct {
	sql   string
	exact bool
	// ids is a query for the ids of all the resources that the condition can hold for; "" if there is none that an index
	// answers. isIDs says that the condition is nothing more than to be among them.
	ids   string
	isIDs bool
	key   string // the parameter of a key, if the ids are of those that have it: an index has them in their order, each once
}

var (
	certain = condition{sql: "TRUE", exact: true}
	never   = condition{sql: "FALSE", exact: true}
	unknown = condition{sql: "TRUE"} // is up to filter.Match
)

func exactly(sql string) condition { return condition{sql: sql, exact: true} }

func (c *compiler) among(ids string) condition {
	return condition{sql: c.in(ids), exact: true, ids: ids, isIDs: true}
}

// withKey is among of those that have a key.
func (c *compiler) withKey(key string) condition {
	x := c.among("SELECT k.id FROM ~key k WHERE k.key = " + key)
	x.key = key
	return x
}

// compiler makes conditions on resources (r) of one type. Its first parameter is the tenant.
type compiler struct {
	args      *[]any
	in        func(ids string) string // says that a resource's id is among those of a query
	tenant    string
	typ       string
	typePlace string
	isIndexed func(attribute string) bool
}

// place is the nth parameter.
func place(n int) string { return "$" + strconv.Itoa(n) }

func (c *compiler) arg(v any) string {
	*c.args = append(*c.args, v)
	return place(len(*c.args))
}

// text makes a parameter where the type can't be told from its use.
func (c *compiler) text(s string) string { return "CAST(" + c.arg(enc(s)) + " AS text)" }

func (c *compiler) compile(x filter.Expr) condition {
	switch x := x.(type) {
	case filter.Const:
		if x {
			return certain
		}
		return never
	case filter.And:
		return c.and(x)
	case filter.Or:
		return c.or(x)
	case filter.Not:
		if in := c.compile(x.X); in.exact {
			return exactly("NOT (" + in.sql + ")")
		}
	case filter.Compare:
		return c.compare(x)
	case filter.Present:
		if x.Attr.URI == "" && x.Attr.Sub == "" && (x.Attr.Name == "id" || x.Attr.Name == "meta") {
			return certain
		}
	case filter.Has:
		return c.has(x)
	case filter.Related:
		return c.related(x)
	}
	return unknown
}

func (c *compiler) and(terms []filter.Expr) condition {
	all := condition{sql: "TRUE", exact: true}
	var parts []string
	for _, t := range terms {
		p := c.compile(t)
		all.exact = all.exact && p.exact
		if p == never {
			return never
		}
		if p.sql == "TRUE" {
			continue
		}
		parts = append(parts, p.sql)
		if all.ids == "" {
			all.ids, all.isIDs, all.key = p.ids, p.isIDs, p.key
		}
	}
	if len(parts) > 0 {
		all.sql = "(" + strings.Join(parts, " AND ") + ")"
	}
	all.isIDs = all.isIDs && len(parts) == 1
	return all
}

// or says beside its terms among which ids to look, if it can: no engine finds that out from the terms.
func (c *compiler) or(terms []filter.Expr) condition {
	if len(terms) == 1 {
		return c.compile(terms[0])
	}
	any := condition{sql: "FALSE", exact: true}
	var parts, ids []string
	isIDs := true
	for _, t := range terms {
		p := c.compile(t)
		any.exact = any.exact && p.exact
		if p == certain {
			return certain
		}
		if p.sql == "FALSE" {
			continue
		}
		parts = append(parts, p.sql)
		isIDs = isIDs && p.isIDs
		if p.ids != "" {
			ids = append(ids, p.ids)
		}
	}
	if len(parts) == 0 {
		return any
	}
	any.sql = "(" + strings.Join(parts, " OR ") + ")"
	if len(ids) == len(parts) {
		any.ids = strings.Join(ids, " UNION ALL ")
		any.isIDs = isIDs
		set := c.in(any.ids)
		if any.sql = "(" + set + " AND " + any.sql + ")"; isIDs {
			any.sql = set
		}
	}
	return any
}

func (c *compiler) compare(x filter.Compare) condition {
	if x.Attr.URI == "" {
		switch {
		case x.Attr.Name == "id" && x.Attr.Sub == "":
			p := c.compareText("r.id", "", x)
			if x.Op == filter.Eq && p.exact && p.sql != "FALSE" {
				p = c.among("SELECT " + c.text(x.Value.Text()))
			}
			return p
		case x.Attr.Name == "meta":
			switch x.Attr.Sub {
			case "resourceType":
				return c.compareText("r.type", "", x)
			case "version":
				return c.compareText("r.version", "", x)
			case "created":
				return c.compareTime("r.created", x)
			case "lastModified":
				return c.compareTime("r.modified", x)
			}
			return unknown
		}
	}
	if key, ok := c.lookup(x.Attr.Path, x); ok {
		return c.withKey(key)
	}
	return unknown
}

// lookup is the parameter of a key, if the attribute is indexed.
func (c *compiler) lookup(p filter.Path, x filter.Compare) (key string, ok bool) {
	isText := x.Attr.Type == filter.String || x.Attr.Type == filter.Reference
	if x.Op != filter.Eq || !isText || x.Value.Kind() != document.KindString || x.Value.Text() == "" {
		return "", false
	}
	if !c.isIndexed(p.String()) {
		if p.Sub != "" {
			return "", false
		}
		if p.Sub = "value"; !c.isIndexed(p.String()) { // emails eq "x" means its value
			return "", false
		}
	}
	return c.arg(hashOf(c.tenant, enc(c.typ), keyOf(p.String(), x.Value.Text()))), true
}

// has finds an element by a key, and leaves the rest of it to filter.Match.
func (c *compiler) has(x filter.Has) condition {
	for _, t := range conjuncts(x.Where) {
		p := x.Attr.Path
		p.Sub = t.Attr.Name
		if key, ok := c.lookup(p, t); ok {
			found := c.withKey(key)
			found.exact = len(conjuncts(x.Where)) == 1 && isCompare(x.Where)
			return found
		}
	}
	return unknown
}

func isCompare(x filter.Expr) bool { _, ok := x.(filter.Compare); return ok }

// conjuncts are the comparisons that must hold for the expression to hold.
func conjuncts(x filter.Expr) (all []filter.Compare) {
	switch x := x.(type) {
	case filter.Compare:
		all = append(all, x)
	case filter.And:
		for _, t := range x {
			all = append(all, conjuncts(t)...)
		}
	}
	return all
}

// related is about membership rows (m) and the resources at their other end (o).
func (c *compiler) related(x filter.Related) condition {
	far, near, typ, is := "m.member_id", "m.group_id", "m.member_type", ""
	otherType := "m.member_type"
	if x.Relation == filter.Members {
		if c.typ != groupType {
			return never
		}
	} else {
		far, near, typ = "m.group_id", "m.member_id", "'"+groupType+"'"
		otherType = typ
		is = " AND m.member_type = " + c.typePlace
	}
	rows := rowCompiler{compiler: c, columns: map[string][2]string{
		"value": {far, ""}, "type": {typ, ""}, "display": {"o.label", "o.folded"},
	}}
	where := rows.compile(x.Where)
	if where == never {
		return never
	}
	join := ""
	if rows.needsOther {
		join = " JOIN ~resource o ON o.tenant = m.tenant AND o.type = " + otherType + " AND o.id = " + far
	}
	from := " FROM ~member m" + join + " WHERE m.tenant = $1" + is
	for _, t := range conjuncts(x.Where) {
		if t.Attr.Name == "value" && t.Op == filter.Eq && t.Attr.CaseExact && t.Value.Kind() == document.KindString {
			found := c.among("SELECT " + near + from + " AND " + where.sql)
			found.exact = where.exact
			return found
		}
	}
	return condition{sql: "EXISTS (SELECT 1" + from + " AND " + near + " = r.id AND " + where.sql + ")", exact: where.exact}
}

// rowCompiler makes conditions on membership rows.
type rowCompiler struct {
	*compiler
	columns    map[string][2]string // as it is, and folded
	needsOther bool
}

func (c *rowCompiler) compile(x filter.Expr) condition {
	join := func(terms []filter.Expr, operator, none string) condition {
		all := condition{sql: none, exact: true}
		var parts []string
		for _, t := range terms {
			p := c.compile(t)
			all.exact = all.exact && p.exact
			parts = append(parts, p.sql)
		}
		if len(parts) > 0 {
			all.sql = "(" + strings.Join(parts, operator) + ")"
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
			return exactly("NOT (" + in.sql + ")")
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

// orders are the operators that compare by order.
var orders = map[filter.Op]string{
	filter.Eq: "=", filter.Ne: "<>", filter.Gt: ">", filter.Ge: ">=", filter.Lt: "<", filter.Le: "<=",
}

// compareText compares a column that always has a value; folded is the same with case folded, if there is such a one.
func (c *compiler) compareText(column, folded string, x filter.Compare) condition {
	isText := x.Attr.Type == filter.String || x.Attr.Type == filter.Reference || x.Attr.Type == filter.Binary
	if x.Value.IsNull() {
		if x.Op == filter.Ne {
			return certain
		}
		return never
	}
	if x.Value.Kind() != document.KindString {
		if x.Op == filter.Ne {
			return certain
		}
		return never
	}
	if !x.Attr.CaseExact {
		column = folded
	}
	if !isText || column == "" {
		return unknown
	}
	s := x.Value.Text()
	if op, ok := orders[x.Op]; ok {
		return exactly(column + " " + op + " " + c.text(s))
	}
	if s == "" {
		return certain
	}
	for i := range len(s) {
		if s[i] < ' ' { // could match a part of an escape
			return unknown
		}
	}
	// A LIKE with its metacharacters escaped; LIKE of SQLite would fold, so both engines look at positions.
	switch x.Op {
	case filter.Co:
		return exactly("length(replace(" + column + ", " + c.text(s) + ", '')) < length(" + column + ")")
	case filter.Sw:
		v := c.text(s)
		return exactly("substr(" + column + ", 1, length(" + v + ")) = " + v)
	case filter.Ew:
		v := c.text(s)
		return exactly("(length(" + column + ") >= length(" + v + ") AND substr(" + column + ", length(" + column + ") - length(" + v + ") + 1) = " + v + ")")
	}
	return unknown
}

// compareTime compares a column of whole microseconds with an instant that may be finer.
func (c *compiler) compareTime(column string, x filter.Compare) condition {
	op, ok := orders[x.Op]
	if !ok || x.Attr.Type != filter.DateTime || x.Value.Kind() != document.KindString {
		return unknown
	}
	at := x.Time.UnixMicro()
	if x.Time.Nanosecond()%1000 != 0 { // between at and the next: nothing is equal to it
		switch x.Op {
		case filter.Eq:
			return never
		case filter.Ne:
			return certain
		case filter.Ge:
			op = ">"
		case filter.Lt:
			op = "<="
		}
	}
	sql := column + " " + op + " " + c.arg(at)
	if column == "r.modified" && x.Op != filter.Ne { // for its index
		sql = "(" + ofType + " = " + c.arg(c.tenant+"/"+enc(c.typ)) + " AND " + sql + ")"
	}
	return exactly(sql)
}
