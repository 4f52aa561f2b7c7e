package sqlstore

import (
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// compareType compares meta.resourceType. It needs no SQL, because a condition is about the resources of one type.
func (c *compiler) compareType(x filter.Compare) Condition {
	x.Attr.Path = filter.Path{Name: "value"}
	if filter.MatchElement(x, document.String(c.typ)) {
		return certain
	}
	return never
}

// orders are the operators of SQL for those that compare equality and order.
var orders = map[filter.Op]string{
	filter.Eq: "=", filter.Ne: "<>", filter.Gt: ">", filter.Ge: ">=", filter.Lt: "<", filter.Le: "<=",
}

// inverse has for each operator of order the one that holds if and only if it doesn't.
var inverse = map[string]string{">": "<=", ">=": "<", "<": ">=", "<=": ">"}

// compareText compares a column that always has a value. folded is the column with the folded value; it may be empty.
func (c *compiler) compareText(column, folded string, x filter.Compare) Condition {
	isText := x.Attr.Type == filter.String || x.Attr.Type == filter.Reference || x.Attr.Type == filter.Binary
	if x.Value.Kind() != document.KindString { // the literal is null, or of another kind than the column
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
		if s[i] < ' ' { // such a byte could match a part of an escape sequence
			return unknown
		}
	}
	// LIKE isn't used, because that of SQLite ignores case. Both engines can compare by position.
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

// compareTime compares a column of whole microseconds with a time that may be more precise.
func (c *compiler) compareTime(column string, x filter.Compare) Condition {
	op, ok := orders[x.Op]
	if !ok || x.Attr.Type != filter.DateTime || x.Value.Kind() != document.KindString {
		return unknown
	}
	at := x.Time.UnixMicro()
	if x.Time.Nanosecond()%1000 != 0 { // the time is between two microseconds, so no value is equal to it
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
	compared := exactly(column + " " + op + " " + c.arg(at))
	if column == "r.modified" && x.Op != filter.Ne {
		compared.isRange, compared.IsIDs, compared.isThere, compared.isSpread = true, true, true, true
		of := strings.ReplaceAll(ofType, "r.", "x.") + " = " + c.arg(c.tenant+"/"+Enc(c.typ)) + " AND "
		is := strings.ReplaceAll(compared.SQL, "r.", "x.")
		compared.span = &span{test: compared.SQL, rows: "x.id FROM ~resource x WHERE " + of + is, once: true}
		if x.Op != filter.Eq {
			compared.span.others = "x.id FROM ~resource x WHERE " + of + "x.modified " + inverse[op] + " " + c.arg(at)
		}
		compared.Ids = "SELECT " + compared.span.rows
	}
	return compared
}
