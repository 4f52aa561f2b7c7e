package storetest

import (
	"context"
	"slices"
	"strconv"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// The mutants of this file list wrongly.

type backwards struct{ *Fake }

func (m backwards) List(ctx context.Context, q store.Query) (*store.Page, error) {
	p, err := m.Fake.List(ctx, q)
	if err == nil {
		slices.Reverse(p.Resources)
	}
	return p, err
}

type offsetCursor struct{ *Fake }

func (m offsetCursor) List(ctx context.Context, q store.Query) (*store.Page, error) {
	if q.Cursor != "" {
		n, err := strconv.Atoi(q.Cursor)
		if err != nil {
			return nil, store.ErrCursor
		}
		q.Start, q.Cursor = n, ""
	}
	p, err := m.Fake.List(ctx, q)
	if err == nil && p.Next != "" {
		p.Next = strconv.Itoa(q.Start + len(p.Resources))
	}
	return p, err
}

type pageTotal struct{ *Fake }

func (m pageTotal) List(ctx context.Context, q store.Query) (*store.Page, error) {
	p, err := m.Fake.List(ctx, q)
	if err == nil && q.Count > 0 {
		p.Total = len(p.Resources)
	}
	return p, err
}

type oneCursorMore struct{ *Fake }

func (m oneCursorMore) List(ctx context.Context, q store.Query) (*store.Page, error) {
	p, err := m.Fake.List(ctx, q)
	if err == nil && len(p.Resources) > 0 && len(p.Resources) == q.Count && p.Next == "" {
		last := p.Resources[len(p.Resources)-1]
		m.mu.Lock()
		defer m.mu.Unlock()
		t, ok := m.tenants[q.Tenant]
		if !ok {
			return p, nil
		}
		p.Next = q.CursorAt(q.Sort.Position(last.Type, last.ID, source{last, t}))
	}
	return p, err
}

// rewrites evaluates other filters than it is asked for.
type rewrites struct {
	*Fake
	rewrite func(x filter.Expr) filter.Expr
}

func (m rewrites) List(ctx context.Context, q store.Query) (*store.Page, error) {
	if q.Filter != nil {
		q.Filter = rewritten(q.Filter, m.rewrite)
	}
	return m.Fake.List(ctx, q)
}

func rewritten(x filter.Expr, rewrite func(filter.Expr) filter.Expr) filter.Expr {
	switch y := x.(type) {
	case filter.And:
		var out filter.And
		for _, term := range y {
			out = append(out, rewritten(term, rewrite))
		}
		return out
	case filter.Or:
		var out filter.Or
		for _, term := range y {
			out = append(out, rewritten(term, rewrite))
		}
		return out
	case filter.Not:
		return filter.Not{X: rewritten(y.X, rewrite)}
	}
	return rewrite(x)
}

func anyElement(x filter.Expr) filter.Expr {
	has, ok := x.(filter.Has)
	if !ok {
		return x
	}
	return rewritten(has.Where, func(x filter.Expr) filter.Expr {
		switch x := x.(type) {
		case filter.Compare:
			x.Attr.Path = filter.Path{URI: has.Attr.URI, Name: has.Attr.Name, Sub: x.Attr.Name}
			return x
		case filter.Present:
			x.Attr.Path = filter.Path{URI: has.Attr.URI, Name: has.Attr.Name, Sub: x.Attr.Name}
			return x
		}
		return x
	})
}

func absentIsNever(x filter.Expr) filter.Expr {
	if c, ok := x.(filter.Compare); ok && c.Op == filter.Ne && !c.Value.IsNull() {
		return filter.And{c, filter.Present{Attr: c.Attr}}
	}
	return x
}

func neverExact(x filter.Expr) filter.Expr {
	if c, ok := x.(filter.Compare); ok && c.Attr.CaseExact && c.Attr.Type == filter.String {
		c.Attr.CaseExact = false
		c.Value = document.String(document.Fold(c.Value.Text()))
		return c
	}
	return x
}

type ascendsOnly struct{ *Fake }

func (m ascendsOnly) List(ctx context.Context, q store.Query) (*store.Page, error) {
	if q.Sort != nil {
		q.Sort = &store.Sort{By: q.Sort.By}
	}
	return m.Fake.List(ctx, q)
}
