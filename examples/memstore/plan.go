package memstore

import (
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// candidates finds by indexes a set of records that has all records of the tables that match the filter, in the order of id and type. It may
// have others, too. It returns false if no index helps. The lock must be held.
func (t *tenant) candidates(tables []*table, x filter.Expr) ([]*record, bool) {
	if x == nil {
		return nil, false
	}
	var records []*record
	for _, tb := range tables {
		p, ok := t.plan(tb, x)
		if !ok {
			return nil, false
		}
		for _, s := range p {
			records = s.appendTo(records)
		}
	}
	slices.SortFunc(records, func(a, b *record) int {
		if c := strings.Compare(a.id, b.id); c != 0 {
			return c
		}
		return strings.Compare(a.table.typ, b.table.typ)
	})
	return slices.Compact(records), true
}

// plan is a set of records: the union of several sets.
type plan []set

func (p plan) len() int {
	n := 0
	for _, s := range p {
		n += s.len()
	}
	return n
}

// plan finds the smallest set that an index has for the filter.
func (t *tenant) plan(tb *table, x filter.Expr) (best plan, ok bool) {
	switch x := x.(type) {
	case filter.Const:
		return nil, !bool(x)
	case filter.And:
		for _, term := range x {
			if p, found := t.plan(tb, term); found && (!ok || p.len() < best.len()) {
				best, ok = p, true
			}
		}
		return best, ok
	case filter.Or:
		for _, term := range x {
			p, found := t.plan(tb, term)
			if !found {
				return nil, false
			}
			best = append(slices.Clip(best), p...)
		}
		return best, true
	case filter.Compare:
		if x.Attr.URI == "" && x.Attr.Name == "id" {
			id, ok := equals(x)
			return plan{{one: tb.byID[id]}}, ok && x.Attr.CaseExact
		}
		return tb.lookup(x.Attr.Path, x)
	case filter.Has:
		for _, c := range filter.Conjuncts(x.Where) {
			p := x.Attr.Path
			p.Sub = c.Attr.Name
			if found, isIndexed := tb.lookup(p, c); isIndexed {
				return found, true
			}
		}
	case filter.Related:
		for _, c := range filter.Conjuncts(x.Where) {
			if id, isID := equals(c); isID && c.Attr.CaseExact && c.Attr.Name == "value" {
				return t.related(tb, x.Relation, id), true
			}
		}
	}
	return nil, false
}

// lookup answers a comparison like attr eq "value" by the index of the attribute, if there is one.
func (tb *table) lookup(p filter.Path, c filter.Compare) (plan, bool) {
	value, ok := equals(c)
	if !ok {
		return nil, false
	}
	found := tb.having(p.String(), value)
	if found == nil && p.Sub == "" { // emails eq "x" means emails.value eq "x"
		p.Sub = "value"
		found = tb.having(p.String(), value)
	}
	return found, found != nil
}

// having finds the records that have a key. It returns nil if there is no index of the attribute.
func (tb *table) having(attribute, value string) (found plan) {
	for _, unique := range []bool{true, false} {
		if x := tb.indexes[indexName{attribute, unique}]; x != nil {
			found = append(found, x.set(value))
		}
	}
	return found
}

// equals returns the value of a comparison that an index can answer, which is one by eq with a text that isn't empty.
func equals(c filter.Compare) (string, bool) {
	isText := c.Attr.Type == filter.String || c.Attr.Type == filter.Reference
	ok := c.Op == filter.Eq && isText && c.Value.Kind() == document.KindString && c.Value.Text() != ""
	return c.Value.Text(), ok
}

// related finds the records of a table that have a row with the id at the other end.
func (t *tenant) related(tb *table, rel filter.Relation, id string) (found plan) {
	switch rel {
	case filter.Members:
		if of := t.members.of[id]; of != nil && tb.typ == groupType {
			for _, b := range of.from(0, of.n, nil) {
				found = append(found, set{one: tb.byID[b.group.id]})
			}
		}
	case filter.Groups:
		if g := t.members.groups[id]; g != nil {
			for _, r := range g.rows.from(0, g.rows.n, nil) {
				if r.table == tb {
					found = append(found, set{one: tb.byID[r.id]})
				}
			}
		}
	}
	return found
}
