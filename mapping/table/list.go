package table

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// List implements [store.Store]. If the filter has an eq on an attribute for which the repository has an index, it reads only the rows that
// the repository finds. A [Searcher] answers the queries that it can. Every other list reads all rows of the types.
func (s *Store) List(ctx context.Context, q store.Query) (page *store.Page, err error) {
	err = s.view(ctx, func() error {
		l := &lister{Store: s, ctx: ctx, q: q, count: max(q.Count, 0), skip: max(q.Start, 0)}
		page, err = l.page()
		return err
	})
	return page, err
}

// lister makes one page.
type lister struct {
	*Store
	ctx         context.Context
	q           store.Query
	count, skip int
	after       *store.Position // the position of the cursor
	total       int
	best        []hit // the first skip+count+1 matches behind the cursor, in order
	of          map[string][]store.Member
	err         error
}

// hit is a resource that matched, with its position in the order of the list.
type hit struct {
	store.Position
	r *store.Resource
}

func (l *lister) page() (*store.Page, error) {
	types := slices.Compact(slices.Sorted(slices.Values(l.q.Types)))
	var err error
	if l.after, err = l.q.After(); err != nil {
		return nil, err
	}
	if l.after != nil {
		l.skip = 0
	} else if len(types) == 1 {
		if page, err := l.search(types[0]); !errors.Is(err, errors.ErrUnsupported) {
			return page, err
		}
	}
	for _, typ := range types {
		walk := func(do func(*row) (bool, error)) error { return l.table(typ).walk(l.ctx, l.q.Tenant, "", do) }
		if path, value, ok := lookup(l.q.Filter); ok {
			walk = func(do func(*row) (bool, error)) error { return l.table(typ).find(l.ctx, l.q.Tenant, path, value, do) }
		}
		if err := walk(l.take); err != nil {
			return nil, err
		}
	}
	page := &store.Page{Total: l.total}
	from := min(l.skip, len(l.best))
	until := min(from+l.count, len(l.best))
	for _, h := range l.best[from:until] {
		page.Resources = append(page.Resources, h.r)
	}
	if from < until && until < len(l.best) {
		page.Next = l.q.CursorAt(l.best[until-1].Position)
	}
	return page, nil
}

// search has the repository answer the query.
func (l *lister) search(typ string) (*store.Page, error) {
	t := l.table(typ)
	rows, total, err := t.search(l.ctx, l.q)
	if err != nil {
		return nil, err
	}
	page := &store.Page{Total: total}
	for _, r := range rows {
		page.Resources = append(page.Resources, t.resource(l.q.Tenant, r).Resource)
	}
	if n := len(rows); n > 0 && l.skip+n < total {
		page.Next = l.q.CursorAt(l.position(page.Resources[n-1]))
	}
	return page, nil
}

// take counts one row if it matches, and keeps it if it may be on the page.
func (l *lister) take(r *row) (goesOn bool, err error) {
	if l.q.Filter != nil && !filter.Match(l.q.Filter, source{r, l}) || l.err != nil {
		return l.err == nil, l.err
	}
	l.total++
	h := hit{l.position(r.Resource), r.Resource}
	if l.after != nil && l.q.Sort.Compare(h.Position, *l.after) <= 0 {
		return true, nil
	}
	i, _ := slices.BinarySearchFunc(l.best, h, func(a, b hit) int { return l.q.Sort.Compare(a.Position, b.Position) })
	most := l.skip + l.count + 1
	if i == most {
		return true, nil
	}
	if i < l.skip && l.q.Sort == nil && len(l.q.Types) == 1 {
		h.r = nil // the resource is before the page, so only its position is needed
	}
	l.best = slices.Insert(l.best, i, h)
	l.best = l.best[:min(len(l.best), most)]
	return true, nil
}

func (l *lister) position(r *store.Resource) store.Position {
	return l.q.Sort.Position(r.Type, r.ID, source{&row{Resource: r}, l})
}

// source is a row as a filter sees it.
type source struct {
	r *row
	l *lister
}

func (s source) Attribute(p filter.Path) document.Value { return s.r.Attribute(p) }

func (s source) Related(rel filter.Relation, where func(document.Value) bool) bool {
	l := s.l
	if rel == filter.Members {
		if s.r.Type != groupType {
			return false
		}
		for m, err := range l.rowsOf(store.MemberQuery{Tenant: l.q.Tenant, Groups: []string{s.r.ID}}) {
			if err != nil {
				l.err = err
				return false
			}
			if where(m.Row()) {
				return true
			}
		}
		return false
	}
	if l.of == nil && l.members == nil { // the groups are read once for all users
		if l.of, l.err = l.memberships(l.ctx, l.q.Tenant, nil); l.err != nil {
			return false
		}
	}
	rows := l.of[s.r.ID]
	if l.members != nil {
		for m, err := range l.rowsOf(store.MemberQuery{Tenant: l.q.Tenant, Of: []string{s.r.ID}}) {
			if err != nil {
				l.err = err
				return false
			}
			rows = append(rows, m)
		}
	}
	return slices.ContainsFunc(rows, func(m store.Member) bool {
		group := store.Member{Type: groupType, ID: m.Group, Label: m.Label}
		return m.Type == s.r.Type && where(group.Row())
	})
}

// rowsOf does what Members does, for a caller that is within view already.
func (l *lister) rowsOf(q store.MemberQuery) func(func(store.Member, error) bool) {
	return func(yield func(store.Member, error) bool) {
		if l.members != nil {
			l.streamed(l.ctx, q, yield)
			return
		}
		rows, err := l.memberRows(l.ctx, q)
		if err != nil {
			yield(store.Member{}, err)
			return
		}
		for _, m := range rows {
			if !yield(m, nil) {
				return
			}
		}
	}
}
