package memstore

import (
	"context"
	"iter"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// List implements [store.Store]. Its cost depends on the query. In the order of id, a page without a filter costs
// as much as the resources on it, because its start is found by the lengths of chunks. One with a filter that an index answers costs as
// much as the candidates that the index has. Any other filter reads all resources of the tenant. A sort reads all that match.
func (s *Store) List(ctx context.Context, q store.Query) (*store.Page, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := &lister{q: q, count: max(q.Count, 0), skip: max(q.Start, 0)}
	var err error
	if l.after, err = q.After(); err != nil {
		return nil, err
	}
	t := s.tenant(q.Tenant)
	if t == nil {
		return &store.Page{}, nil
	}
	l.source.tenant = t
	t.mu.RLock()
	tables := make([]*table, 0, len(q.Types))
	for _, typ := range q.Types {
		if tb := t.tables[typ]; tb != nil && !slices.Contains(tables, tb) {
			tables = append(tables, tb)
		}
	}
	if q.Filter == nil && q.Sort == nil && len(tables) == 1 {
		defer t.mu.RUnlock()
		return l.counted(tables[0]), nil
	}
	records, indexed := t.candidates(tables, q.Filter)
	t.mu.RUnlock()

	walk := slices.Values(records)
	if !indexed {
		from := ""
		if l.after != nil && q.NoTotal && q.Sort == nil {
			from = l.after.ID // records before the cursor need not be counted
		}
		walk = t.scan(ctx, tables, from)
	}
	page := l.inOrder
	if q.Sort != nil {
		page = l.sorted
	}
	p := page(walk)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// lister makes one page.
type lister struct {
	q      store.Query
	after  *store.Position // the position of the cursor
	skip   int
	count  int
	source source // shows the record that is being matched
}

// counted makes a page of a single type in the order of id, without a filter. It reads only the records on the page. The lock must be held.
func (l *lister) counted(tb *table) *store.Page {
	var records []*record
	if l.after != nil {
		chunk, i, found := tb.order.find(l.after.ID)
		if found {
			i++
		}
		records = tb.order.take(chunk, i, l.skip+l.count+1, nil)
		records = records[min(l.skip, len(records)):]
	} else {
		records = tb.order.from(l.skip, l.count+1, nil)
	}
	return l.page(tb.order.n, records)
}

// page makes a page of records. If it isn't the last page, there is one record more than the page has.
func (l *lister) page(total int, records []*record) *store.Page {
	p := &store.Page{Total: total}
	more := len(records) > l.count
	if more {
		records = records[:l.count]
	}
	if len(records) > 0 {
		p.Resources = resources(records)
	}
	if more && l.count > 0 {
		p.Next = l.q.CursorAt(l.positionOf(records[l.count-1]))
	}
	return p
}

// inOrder takes the page from a walk in the order of id.
func (l *lister) inOrder(walk iter.Seq[*record]) *store.Page {
	var records []*record
	total := 0
	for r := range walk {
		if !l.matches(r) {
			continue
		}
		total++
		switch {
		case l.after != nil && l.q.Sort.Compare(l.positionOf(r), *l.after) <= 0:
		case l.skip > 0:
			l.skip--
		case len(records) <= l.count:
			records = append(records, r)
		}
		if len(records) > l.count && l.q.NoTotal {
			total = -1
			break
		}
	}
	return l.page(total, records)
}

// sorted takes the page from all that match. It keeps at most twice as many records as there are before the page's end.
func (l *lister) sorted(walk iter.Seq[*record]) *store.Page {
	end := l.skip + l.count + 1
	var first []hit
	total := 0
	cut := func() {
		slices.SortFunc(first, func(a, b hit) int { return l.q.Sort.Compare(a.Position, b.Position) })
		first = first[:min(end, len(first))]
	}
	for r := range walk {
		if !l.matches(r) {
			continue
		}
		total++
		h := hit{l.positionOf(r), r}
		if l.after != nil && l.q.Sort.Compare(h.Position, *l.after) <= 0 {
			continue
		}
		if first = append(first, h); len(first) >= 2*end+step {
			cut()
		}
	}
	cut()
	var records []*record
	for _, h := range first[min(l.skip, len(first)):] {
		records = append(records, h.record)
	}
	return l.page(total, records)
}

func (l *lister) matches(r *record) bool {
	l.source.record = r
	return l.q.Filter == nil || filter.Match(l.q.Filter, &l.source)
}

func (l *lister) positionOf(r *record) store.Position {
	l.source.record = r
	return l.q.Sort.Position(r.table.typ, r.id, &l.source)
}

// scan walks over the records of the tables from an id on, in the order of id and type. It reads them in steps. It ends early if ctx
// ends.
func (t *tenant) scan(ctx context.Context, tables []*table, from string) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		// ahead has the records of each table that were read and not walked over yet. The least of the first ones is next.
		ahead := make([][]*record, len(tables))
		for i, tb := range tables {
			ahead[i] = t.read(tb, from, true)
		}
		for {
			least := -1
			for i, records := range ahead {
				if len(records) > 0 && (least < 0 || records[0].before(ahead[least][0])) {
					least = i
				}
			}
			if least < 0 {
				return
			}
			r := ahead[least][0]
			if ahead[least] = ahead[least][1:]; !yield(r) {
				return
			}
			if len(ahead[least]) == 0 {
				if ctx.Err() != nil {
					return
				}
				ahead[least] = t.read(tables[least], r.id, false)
			}
		}
	}
}

// read reads the next step of a table's records, behind an id or, if including is set, from it on.
func (t *tenant) read(tb *table, id string, including bool) []*record {
	t.mu.RLock()
	defer t.mu.RUnlock()
	chunk, i, found := tb.order.find(id)
	if found && !including {
		i++
	}
	return tb.order.take(chunk, i, step, nil)
}

// before says whether a record comes before another one in the order of id and type.
func (r *record) before(o *record) bool {
	return r.id < o.id || r.id == o.id && r.table.typ < o.table.typ
}

// source shows a record to a filter.
type source struct {
	*record
	tenant *tenant
}

// Attribute implements [filter.Source]. It makes a whole resource of the record only if it must.
func (s *source) Attribute(p filter.Path) document.Value {
	if p.URI == "" && p.Name == "meta" {
		return s.resource().Attribute(p)
	}
	r := store.Resource{Key: store.Key{ID: s.id}, Attributes: s.attributes, Internal: s.internal}
	return r.Attribute(p)
}

// Related implements [filter.Source]. It takes the lock for each step of rows.
func (s *source) Related(rel filter.Relation, where func(row document.Value) bool) bool {
	switch {
	case rel == filter.Members && s.table.typ == groupType:
		w := memberWalk{tenant: s.tenant, group: s.id}
		for rows := w.next(); len(rows) > 0; rows = w.next() {
			for _, m := range rows {
				if where(m.Row()) {
					return true
				}
			}
		}
	case rel == filter.Groups:
		for _, m := range s.tenant.groupsOf(s.id) {
			group := store.Member{Type: groupType, ID: m.Group, Label: m.Label}
			if m.Type == s.table.typ && where(group.Row()) {
				return true
			}
		}
	}
	return false
}

// hit is a record that matched, with its position in the order of the list.
type hit struct {
	store.Position
	record *record
}
