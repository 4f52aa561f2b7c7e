package memstore

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// List implements [store.Store]. What it costs depends on the query: in the order of id, a page without a filter costs
// the page (the total and a page's start are counted, not walked to), one with a filter that an index answers costs the
// candidates that the index names, and any other filter reads the tenant. A sort reads all that match.
func (s *Store) List(ctx context.Context, q store.Query) (*store.Page, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := lister{ctx: ctx, q: q, count: max(q.Count, 0), skip: max(q.Start, 0)}
	if q.Cursor != "" {
		last, err := parseCursor(q)
		if err != nil {
			return nil, err
		}
		l.after = &last
	}
	if l.tenant = s.tenant(q.Tenant); l.tenant == nil {
		return &store.Page{}, nil
	}
	l.tenant.mu.RLock()
	for _, typ := range slices.Compact(slices.Sorted(slices.Values(q.Types))) {
		if tb := l.tenant.tables[typ]; tb != nil {
			l.tables = append(l.tables, tb)
		}
	}
	if q.Filter == nil && q.Sort == nil && len(l.tables) == 1 {
		defer l.tenant.mu.RUnlock()
		return l.counted(l.tables[0]), nil
	}
	records, indexed := l.tenant.candidates(l.tables, q.Filter)
	l.tenant.mu.RUnlock()

	walk := slices.Values(records)
	if !indexed {
		walk = l.tenant.scan(ctx, l.tables)
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
	ctx    context.Context
	q      store.Query
	tenant *tenant
	tables []*table
	after  *position // that of the cursor
	skip   int
	count  int
}

// counted is the page of a single type in the order of id, without a filter: nothing is walked over. The lock is held.
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
	p := &store.Page{Total: tb.order.n}
	for _, r := range records[:min(l.count, len(records))] {
		p.Resources = append(p.Resources, r.resource())
	}
	if len(records) > l.count {
		l.setNext(p)
	}
	return p
}

// inOrder takes the page from a walk in the order of id.
func (l *lister) inOrder(walk iter.Seq[*record]) *store.Page {
	p := &store.Page{}
	more := false
	for r := range walk {
		if !l.matches(r) {
			continue
		}
		p.Total++
		if l.after != nil && l.positionOf(r).compare(*l.after, false) <= 0 {
			continue
		}
		switch {
		case l.skip > 0:
			l.skip--
		case len(p.Resources) < l.count:
			p.Resources = append(p.Resources, r.resource())
		default:
			more = true
		}
		if more && l.q.NoTotal {
			p.Total = -1
			break
		}
	}
	if more {
		l.setNext(p)
	}
	return p
}

// sorted takes the page from all that match. It holds no more than twice what is in front of the page's end.
func (l *lister) sorted(walk iter.Seq[*record]) *store.Page {
	descending := l.q.Sort.Descending
	end := l.skip + l.count + 1
	var first []hit
	p := &store.Page{}
	cut := func() {
		slices.SortFunc(first, func(a, b hit) int { return a.compare(b.position, descending) })
		first = first[:min(end, len(first))]
	}
	for r := range walk {
		if !l.matches(r) {
			continue
		}
		p.Total++
		h := hit{l.positionOf(r), r}
		if l.after != nil && h.compare(*l.after, descending) <= 0 {
			continue
		}
		if first = append(first, h); len(first) >= 2*end+step {
			cut()
		}
	}
	cut()
	first = first[min(l.skip, len(first)):]
	for _, h := range first[:min(l.count, len(first))] {
		p.Resources = append(p.Resources, h.record.resource())
	}
	if len(first) > l.count {
		l.setNext(p)
	}
	return p
}

// setNext gives a page that isn't the last its cursor. A page of no resources has no place to go on from.
func (l *lister) setNext(p *store.Page) {
	if n := len(p.Resources); n > 0 {
		last := p.Resources[n-1]
		at := position{ID: last.ID, Type: last.Type}
		if by := l.q.Sort; by != nil {
			at.Key, at.Has = filter.SortKey(source{last.Attribute, l.tenant, last.Type, last.ID}, by.By)
		}
		p.Next = cursorOf(l.q, at)
	}
}

func (l *lister) matches(r *record) bool {
	return l.q.Filter == nil || filter.Match(l.q.Filter, l.source(r))
}

func (l *lister) positionOf(r *record) position {
	p := position{ID: r.id, Type: r.table.typ}
	if by := l.q.Sort; by != nil {
		p.Key, p.Has = filter.SortKey(l.source(r), by.By)
	}
	return p
}

// scan walks over the records of the tables in the order of id (and type), a step at a time. It ends early if ctx does.
func (t *tenant) scan(ctx context.Context, tables []*table) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		// Of each table the records read and not yet walked over; the least of the first ones is next.
		ahead := make([]struct {
			records []*record
			last    string
		}, len(tables))
		for i := range ahead {
			ahead[i].records = t.read(tables[i], "", nil)
		}
		for {
			least := -1
			for i := range ahead {
				if a := &ahead[i]; len(a.records) > 0 &&
					(least < 0 || a.records[0].id < ahead[least].records[0].id) {
					least = i
				}
			}
			if least < 0 {
				return
			}
			a := &ahead[least]
			r := a.records[0]
			if a.records = a.records[1:]; !yield(r) {
				return
			}
			if len(a.records) == 0 {
				if ctx.Err() != nil {
					return
				}
				a.records = t.read(tables[least], r.id, nil)
			}
		}
	}
}

func (t *tenant) read(tb *table, after string, to []*record) []*record {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return tb.order.after(after, step, to)
}

// source shows a record to a filter.
type source struct {
	attribute func(filter.Path) document.Value
	tenant    *tenant
	typ, id   string
}

func (l *lister) source(r *record) source {
	return source{r.attribute, l.tenant, r.table.typ, r.id}
}

// Attribute implements [filter.Source].
func (s source) Attribute(p filter.Path) document.Value { return s.attribute(p) }

// attribute finds an attribute without making a whole resource of the record.
func (r *record) attribute(p filter.Path) document.Value {
	if p.URI == "" && p.Name == "meta" {
		return r.resource().Attribute(p)
	}
	x := store.Resource{Key: store.Key{ID: r.id}, Attributes: r.attributes, Internal: r.internal}
	return x.Attribute(p)
}

// Related implements [filter.Source]. It takes the lock, for a step of rows at a time.
func (s source) Related(rel filter.Relation, where func(row document.Value) bool) bool {
	var next func() []store.Member
	switch {
	case rel == filter.Members && s.typ == groupType:
		next = s.tenant.membersOf(s.id)
	case rel == filter.Groups:
		rows := s.tenant.groupsOf(s.id)()
		next = func() []store.Member {
			now := rows
			rows = nil
			return now
		}
	default:
		return false
	}
	for rows := next(); len(rows) > 0; rows = next() {
		for _, m := range rows {
			id, typ := m.ID, m.Type
			if rel == filter.Groups {
				if id, typ = m.Group, groupType; m.Type != s.typ {
					continue
				}
			}
			if where(document.Object(
				document.Member{Name: "value", Value: document.String(id)},
				document.Member{Name: "type", Value: document.String(typ)},
				document.Member{Name: "display", Value: document.String(m.Label)},
			)) {
				return true
			}
		}
	}
	return false
}

// hit is a record that matched, and where it stands in the order.
type hit struct {
	position
	record *record
}

// compare orders by the value, those without one last (first if descending), and then by id, which never descends.
func (p position) compare(o position, descending bool) int {
	c := 0
	switch {
	case p.Has && o.Has:
		c = strings.Compare(p.Key, o.Key)
	case p.Has:
		c = -1
	case o.Has:
		c = 1
	}
	if descending {
		c = -c
	}
	if c == 0 {
		c = strings.Compare(p.ID, o.ID)
	}
	if c == 0 {
		c = strings.Compare(p.Type, o.Type)
	}
	return c
}
