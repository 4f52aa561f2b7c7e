package sqlstore

import (
	"container/heap"
	"context"
	"iter"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// How many resources are read at once when they must be looked at one by one.
const firstChunk, chunk = 100, 500

// stream reads the resources that match, in an order of the database's, chunk by chunk.
func (l *list) stream(ctx context.Context, in session, after *store.Position, column string, desc bool) iter.Seq2[source, error] {
	return func(yield func(source, error) bool) {
		if l.isEmpty() {
			return
		}
		scan := l.scanner()
		for limit := firstChunk; ; limit = chunk {
			var resources []*store.Resource
			sql, args := l.read(after, column, desc, limit, 0, "")
			err := in.query(ctx, sql, args, func(rw row) error {
				r, err := scan(rw)
				resources = append(resources, r)
				return err
			})
			if err != nil {
				yield(source{}, err)
				return
			}
			for _, r := range resources {
				var failed error
				src := source{Resource: r, related: func(rel filter.Relation, where func(document.Value) bool) bool {
					found, err := related(ctx, in, r, rel, where)
					if err != nil {
						failed = err
					}
					return found
				}}
				matches := l.exact || l.Filter == nil || filter.Match(l.Filter, src)
				if failed != nil {
					yield(source{}, failed)
					return
				}
				if matches && !yield(src, nil) {
					return
				}
			}
			if len(resources) < limit {
				return
			}
			last := l.positionOf(resources[limit-1])
			after = &last
		}
	}
}

// pick makes a page in an order of the database's, of what filter.Match lets through.
func (l *list) pick(ctx context.Context, in session) (*store.Page, error) {
	p := &store.Page{Total: -1}
	seen := 0
	for src, err := range l.stream(ctx, in, l.after, l.column, l.desc) {
		if err != nil {
			return nil, err
		}
		seen++
		switch kept := seen - l.Start; {
		case kept <= 0 || l.Count == 0:
		case kept <= l.Count:
			p.Resources = append(p.Resources, src.Resource)
		case kept == l.Count+1:
			p.Next = l.CursorAt(l.positionOf(p.Resources[l.Count-1]))
		}
		if l.NoTotal && (p.Next != "" || l.Count == 0) {
			return p, nil
		}
	}
	if l.NoTotal {
		return p, nil
	}
	p.Total = seen
	if l.after != nil { // those before the cursor count too
		p.Total = 0
		for _, err := range l.stream(ctx, in, nil, l.column, l.desc) {
			if err != nil {
				return nil, err
			}
			p.Total++
		}
	}
	return p, nil
}

// sort makes a page in an order that the database can't: it sees all that matches, and keeps in mind the places of as
// many as are in front of the page's end.
func (l *list) sort(ctx context.Context, in session) (*store.Page, error) {
	p := &store.Page{Total: -1}
	first := &farthest{by: l.Sort}
	keep, total, left := l.Start+l.Count+1, 0, 0
	column := l.column
	l.column = "id"
	for src, err := range l.stream(ctx, in, nil, "id", false) {
		if err != nil {
			return nil, err
		}
		total++
		at := l.Sort.Position(src.Type, src.ID, src)
		if l.after != nil && l.Sort.Compare(at, *l.after) <= 0 {
			continue
		}
		left++
		if len(first.places) < keep {
			heap.Push(first, at)
		} else if l.Sort.Compare(at, first.places[0]) < 0 {
			first.places[0] = at
			heap.Fix(first, 0)
		}
	}
	l.column = column
	if !l.NoTotal {
		p.Total = total
	}
	slices.SortFunc(first.places, l.Sort.Compare)
	places := first.places[min(l.Start, len(first.places)):]
	if len(places) > l.Count {
		if places = places[:l.Count]; l.Count > 0 {
			p.Next = l.CursorAt(places[l.Count-1])
		}
	}
	for _, at := range places {
		k := store.Key{Tenant: l.Tenant, Type: at.Type, ID: at.ID}
		err := in.query(ctx, getSQL, []any{enc(k.Tenant), enc(k.Type), enc(k.ID)}, func(rw row) error {
			r, err := scanResource(k, rw)
			p.Resources = append(p.Resources, r)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// farthest is a heap of places with the last one on top.
type farthest struct {
	places []store.Position
	by     *store.Sort
}

func (f *farthest) Len() int           { return len(f.places) }
func (f *farthest) Less(i, j int) bool { return f.by.Compare(f.places[i], f.places[j]) > 0 }
func (f *farthest) Swap(i, j int)      { f.places[i], f.places[j] = f.places[j], f.places[i] }
func (f *farthest) Push(x any)         { f.places = append(f.places, x.(store.Position)) }
func (f *farthest) Pop() any {
	last := f.places[len(f.places)-1]
	f.places = f.places[:len(f.places)-1]
	return last
}

// source is a resource as a filter sees it.
type source struct {
	*store.Resource
	related func(filter.Relation, func(document.Value) bool) bool
}

// Related implements filter.Source.
func (s source) Related(r filter.Relation, where func(row document.Value) bool) bool {
	return s.related(r, where)
}

// related reads a resource's membership rows, a chunk at a time, until one satisfies the predicate.
func related(ctx context.Context, in session, r *store.Resource, rel filter.Relation, where func(document.Value) bool) (found bool, err error) {
	sql := `SELECT m.member_id, m.member_type, o.label FROM ~member m
		JOIN ~resource o ON o.tenant = m.tenant AND o.type = m.member_type AND o.id = m.member_id
		WHERE m.tenant = $1 AND m.group_id = $2 AND m.member_id > $3 ORDER BY m.member_id LIMIT $4`
	args := []any{enc(r.Tenant), enc(r.ID), "", int64(chunk)}
	switch {
	case rel == filter.Groups:
		sql = `SELECT m.group_id, 'Group', o.label FROM ~member m
			JOIN ~resource o ON o.tenant = m.tenant AND o.type = 'Group' AND o.id = m.group_id
			WHERE m.tenant = $1 AND m.member_id = $2 AND m.group_id > $3 AND m.member_type = $5 ORDER BY m.group_id LIMIT $4`
		args = append(args, enc(r.Type))
	case r.Type != groupType:
		return false, nil
	}
	for {
		n, last := 0, ""
		err = in.query(ctx, sql, args, func(rw row) error {
			var id, typ, label string
			if err := rw.Scan(&id, &typ, &label); err != nil {
				return err
			}
			n, last = n+1, id
			found = found || where(document.Object(
				document.Member{Name: "value", Value: document.String(dec(id))},
				document.Member{Name: "type", Value: document.String(dec(typ))},
				document.Member{Name: "display", Value: document.String(dec(label))},
			))
			return nil
		})
		if found || err != nil || n < chunk {
			return found, err
		}
		args[2] = last
	}
}
