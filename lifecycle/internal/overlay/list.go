package overlay

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

const (
	pageSize   = 1_000
	mostWalked = 500_000 // how many resources a list looks at (I18)
)

// cursor is where a page ends: the page of each store in which that is, and the place.
type cursor struct {
	Order       string // what the query is ordered by; another one's cursor is none of its
	Below, Over string `json:",omitempty"`
	Last        store.Position
}

// List implements [store.Store]. It goes through the overlay and the store below side by side, in the order of the query. What the overlay decides
// about is left out of the store below. A page of the overlay is always read before the part below that goes with it: whoever makes
// the overlay true moves resources from here to there, and so none is missed.
func (s *Store) List(ctx context.Context, q store.Query) (*store.Page, error) {
	if q.Cursor != "" && !q.NoTotal { // the total is of all, and not only of what is behind the cursor
		all := q
		all.Cursor, all.Count = "", 0
		counted, err := s.List(ctx, all)
		if err != nil {
			return nil, err
		}
		q.NoTotal = true
		page, err := s.List(ctx, q)
		if err == nil {
			page.Total = counted.Total
		}
		return page, err
	}
	w := &walk{s: s, ctx: ctx, q: q}
	if err := w.begin(); err != nil {
		return nil, err
	}
	page := &store.Page{Total: -1}
	total, walked := 0, 0
	more := false
	for {
		r, at, err := w.next()
		if err != nil {
			return nil, err
		}
		if r == nil {
			break
		}
		if walked++; walked > mostWalked {
			return nil, store.ErrTooMuch
		}
		if total++; total <= q.Start {
			continue
		}
		if len(page.Resources) < q.Count {
			page.Resources = append(page.Resources, r)
			if len(page.Resources) == q.Count {
				page.Next = w.cursorAt(at)
			}
			continue
		}
		if more = true; q.NoTotal {
			break
		}
	}
	if !more {
		page.Next = ""
	}
	if !q.NoTotal {
		page.Total = total
	}
	return page, nil
}

// walk is a list under way.
type walk struct {
	s     *Store
	ctx   context.Context
	q     store.Query
	rest  filter.Expr     // what the stores are not asked; nil: they are asked everything
	last  *store.Position // behind which to go on; nil: at the beginning
	over  side
	below side
}

// side is one of the two stores.
type side struct {
	q     store.Query
	page  []*store.Resource
	at    string         // the cursor that page was read by
	next  string         // and the one of the page behind it
	end   store.Position // of the last one that was read, unless nothing is behind it
	begun bool
}

func (w *walk) begin() error {
	narrow, whole := relaxed(w.q.Filter)
	if !whole {
		w.rest = w.q.Filter
	}
	q := store.Query{Tenant: w.q.Tenant, Filter: narrow, Sort: w.q.Sort, Count: max(1, min(pageSize, w.q.Count+1)), NoTotal: true}
	if !w.q.NoTotal || w.q.Start > 0 || w.rest != nil {
		q.Count = pageSize
	}
	w.over.q, w.below.q = q, q
	w.below.q.Types = w.q.Types
	for _, t := range w.q.Types {
		w.over.q.Types = append(w.over.q.Types, w.s.record(is, t))
	}
	if w.q.Cursor == "" {
		return nil
	}
	var c cursor
	text, err := base64.RawURLEncoding.DecodeString(w.q.Cursor)
	if err != nil || json.Unmarshal(text, &c) != nil || c.Order != w.order() {
		return store.ErrCursor
	}
	w.last, w.over.next, w.below.next = &c.Last, c.Over, c.Below
	return nil
}

// order is what a cursor depends on, as store.Query.CursorAt has it.
func (w *walk) order() string {
	q := store.Query{Types: w.q.Types, Sort: w.q.Sort}
	return q.CursorAt(store.Position{})
}

func (w *walk) cursorAt(p store.Position) string {
	text, _ := json.Marshal(cursor{w.order(), w.below.at, w.over.at, p}) // strings and a boolean always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

// next is the next resource that matches, and where it stands; nil if there is none.
func (w *walk) next() (*store.Resource, store.Position, error) {
	for {
		if err := w.fill(); err != nil {
			return nil, store.Position{}, err
		}
		r, at := w.take()
		if r == nil {
			return nil, at, nil
		}
		w.last = &at
		if w.rest != nil {
			src := &source{Resource: r, s: w.s, ctx: w.ctx}
			matches := filter.Match(w.rest, src)
			if src.err != nil {
				return nil, at, src.err
			}
			if !matches {
				continue
			}
		}
		return r, at, nil
	}
}

func (w *walk) position(r *store.Resource) store.Position {
	return w.q.Sort.Position(r.Type, r.ID, &source{Resource: r, s: w.s, ctx: w.ctx})
}

// take takes the first of both pages.
func (w *walk) take() (*store.Resource, store.Position) {
	var first *side
	var at store.Position
	for _, x := range [...]*side{&w.over, &w.below} {
		if len(x.page) == 0 {
			continue
		}
		if p := w.position(x.page[0]); first == nil || w.q.Sort.Compare(p, at) < 0 {
			first, at = x, p
		}
	}
	if first == nil {
		return nil, at
	}
	r := first.page[0]
	first.page = first.page[1:]
	return r, at
}

// fill sees to it that each side has a page, unless it has ended.
func (w *walk) fill() error {
	if len(w.over.page) == 0 && (!w.over.begun || w.over.next != "") {
		if err := w.read(&w.over); err != nil {
			return err
		}
		for i, r := range w.over.page {
			_, typ := w.s.split(r.Type)
			w.over.page[i] = as(r, typ)
		}
		if n := len(w.over.page); n > 0 {
			w.over.end = w.position(w.over.page[n-1])
		}
		w.drop(&w.over)
		if w.below.begun { // what was read below before may have come from here meanwhile
			w.below.next, w.below.page, w.below.begun = w.below.at, nil, false
		}
	}
	for len(w.below.page) == 0 && (!w.below.begun || w.below.next != "") {
		if err := w.read(&w.below); err != nil {
			return err
		}
		w.drop(&w.below)
		if err := w.untouched(); err != nil {
			return err
		}
	}
	if len(w.over.page) == 0 && w.over.next != "" {
		return w.fill()
	}
	return nil
}

func (w *walk) read(x *side) error {
	x.q.Cursor = x.next
	page, err := w.s.base.List(w.ctx, x.q)
	if err != nil {
		return err
	}
	x.at, x.next, x.page, x.begun = x.q.Cursor, page.Next, page.Resources, true
	return nil
}

// drop leaves out what is not behind the last one that was taken.
func (w *walk) drop(x *side) {
	if w.last == nil {
		return
	}
	x.page = slices.DeleteFunc(x.page, func(r *store.Resource) bool { return w.q.Sort.Compare(w.position(r), *w.last) <= 0 })
}

// untouched leaves out of the page below what the overlay decides about. Since the page of the overlay was read, somebody may have been
// written to the overlay for the first time, who must not be missed, and somebody may have been made true, who must not be there twice.
func (w *walk) untouched() error {
	names := make([]name, len(w.below.page))
	for i, r := range w.below.page {
		names[i] = name{r.Type, r.ID}
	}
	found, err := w.s.look(w.ctx, w.q.Tenant, names, is, not)
	if err != nil {
		return err
	}
	over := make(map[name]bool, len(w.over.page))
	for _, r := range w.over.page {
		over[name{r.Type, r.ID}] = true
	}
	came := false
	w.below.page = slices.DeleteFunc(w.below.page, func(r *store.Resource) bool {
		n := name{r.Type, r.ID}
		p := found[n]
		if p.is != nil && !over[n] {
			if is := as(p.is, n.typ); w.isMissed(is) {
				w.over.page, came = append(w.over.page, is), true
			}
		}
		return p.touched() || over[n]
	})
	if came {
		slices.SortStableFunc(w.over.page, func(x, y *store.Resource) int { return w.q.Sort.Compare(w.position(x), w.position(y)) })
	}
	return nil
}

// isMissed says whether a resource of the overlay, which isn't in the page that was read of it, belongs there.
func (w *walk) isMissed(is *store.Resource) bool {
	at := w.position(is)
	switch {
	case w.last != nil && w.q.Sort.Compare(at, *w.last) <= 0:
		return false // it was there
	case w.over.next != "" && w.q.Sort.Compare(at, w.over.end) > 0:
		return false // it is yet to come
	}
	return w.over.q.Filter == nil || filter.Match(w.over.q.Filter, &source{Resource: is, s: w.s, ctx: w.ctx})
}

// relaxed is a filter without what the stores can't be asked, which holds for all that the filter holds for, and perhaps for more. whole says that it
// is the filter itself.
func relaxed(x filter.Expr) (narrow filter.Expr, whole bool) {
	if !relates(x) {
		return x, true
	}
	var all filter.And
	if terms, ok := x.(filter.And); ok {
		for _, t := range terms {
			if part, _ := relaxed(t); part != nil {
				all = append(all, part)
			}
		}
	}
	switch len(all) {
	case 0:
		return nil, false
	case 1:
		return all[0], false
	}
	return all, false
}

// relates says whether a filter asks for memberships, or for the type, which a record has another of.
func relates(x filter.Expr) bool {
	isType := func(a filter.Attr) bool {
		return a.URI == "" && a.Name == "meta" && a.Sub != "created" && a.Sub != "lastModified"
	}
	switch x := x.(type) {
	case filter.Related:
		return true
	case filter.Compare:
		return isType(x.Attr)
	case filter.Present:
		return isType(x.Attr)
	case filter.Not:
		return relates(x.X)
	case filter.And:
		return slices.ContainsFunc(x, relates)
	case filter.Or:
		return slices.ContainsFunc(x, relates)
	}
	return false
}

// source is a resource with the memberships that it would have, as a filter sees it.
type source struct {
	*store.Resource
	s   *Store
	ctx context.Context
	err error
}

func (x *source) Related(rel filter.Relation, where func(row document.Value) bool) bool {
	q := store.MemberQuery{Tenant: x.Tenant}
	if rel == filter.Groups {
		q.Of = []string{x.ID}
	} else if x.Type == groupType {
		q.Groups = []string{x.ID}
	}
	for m, err := range x.s.Members(x.ctx, q) {
		if err != nil {
			x.err = err
			return false
		}
		row := m
		if rel == filter.Groups {
			if m.Type != x.Type {
				continue
			}
			row = store.Member{Type: groupType, ID: m.Group, Label: m.Label}
		}
		if where(row.Row()) {
			return true
		}
	}
	return false
}
