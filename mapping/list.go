package mapping

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// List implements [store.Store]. An equality on an attribute that the repository finds costs what it finds; a
// Searcher answers what it can; everything else reads all rows of the types.
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
	after       *position // that of the cursor
	total       int
	best        []hit // the first skip+count+1 hits behind the cursor, in order
	of          map[string][]store.Member
	err         error
}

// hit is a resource that matched, and its place in the order.
type hit struct {
	position
	r *store.Resource
}

func (l *lister) page() (*store.Page, error) {
	types := slices.Compact(slices.Sorted(slices.Values(l.q.Types)))
	if l.q.Cursor != "" {
		p, err := parseCursor(l.q)
		if err != nil {
			return nil, err
		}
		l.after, l.skip = &p, 0
	} else if len(types) == 1 {
		if page, err := l.search(types[0]); !errors.Is(err, errors.ErrUnsupported) {
			return page, err
		}
	}
	for _, typ := range types {
		walk := func(do func(*row) bool) error { return l.table(typ).walk(l.ctx, l.q.Tenant, "", do) }
		if path, value, ok := lookup(l.q.Filter); ok {
			walk = func(do func(*row) bool) error { return l.table(typ).find(l.ctx, l.q.Tenant, path, value, do) }
		}
		if err := walk(l.take); err != nil {
			return nil, err
		}
		if l.err != nil {
			return nil, l.err
		}
	}
	page := &store.Page{Total: l.total}
	from := min(l.skip, len(l.best))
	until := min(from+l.count, len(l.best))
	for _, h := range l.best[from:until] {
		page.Resources = append(page.Resources, h.r)
	}
	if from < until && until < len(l.best) {
		page.Next = cursorOf(l.q, l.best[until-1].position)
	}
	return page, nil
}

// search lets the repository answer.
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
		page.Next = cursorOf(l.q, l.position(page.Resources[n-1]))
	}
	return page, nil
}

// take looks at one row.
func (l *lister) take(r *row) bool {
	if l.q.Filter != nil && !filter.Match(l.q.Filter, source{r, l}) || l.err != nil {
		return l.err == nil
	}
	l.total++
	h := hit{l.position(r.Resource), r.Resource}
	if l.after != nil && h.compare(*l.after, l.descending()) <= 0 {
		return true
	}
	i, _ := slices.BinarySearchFunc(l.best, h, func(a, b hit) int { return a.compare(b.position, l.descending()) })
	most := l.skip + l.count + 1
	if i == most {
		return true
	}
	if i < l.skip && l.q.Sort == nil && len(l.q.Types) == 1 {
		h.r = nil // it is before the page, and stays there
	}
	l.best = slices.Insert(l.best, i, h)
	l.best = l.best[:min(len(l.best), most)]
	return true
}

func (l *lister) descending() bool { return l.q.Sort != nil && l.q.Sort.Descending }

func (l *lister) position(r *store.Resource) position {
	p := position{ID: r.ID, Type: r.Type}
	if l.q.Sort != nil {
		p.Key, p.Has = filter.SortKey(source{&row{Resource: r}, l}, l.q.Sort.By)
	}
	return p
}

// source is a row as a filter sees it.
type source struct {
	r *row
	l *lister
}

func (s source) Attribute(p filter.Path) document.Value { return s.r.Attribute(p) }

func (s source) Related(rel filter.Relation, where func(document.Value) bool) bool {
	matches := func(id, typ, label string) bool {
		return where(document.Object(
			document.Member{Name: "value", Value: document.String(id)},
			document.Member{Name: "type", Value: document.String(typ)},
			document.Member{Name: "display", Value: document.String(label)},
		))
	}
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
			if matches(m.ID, m.Type, m.Label) {
				return true
			}
		}
		return false
	}
	if l.of == nil && l.members == nil { // read the groups once for all users
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
		return m.Type == s.r.Type && matches(m.Group, groupType, m.Label)
	})
}

// rowsOf is Members within a view.
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

// position is a place in the order of a list; that of the last resource of a page is its cursor.
type position struct {
	Has  bool   `json:"h,omitempty"` // whether there is a value to sort by
	Key  string `json:"k,omitempty"`
	ID   string `json:"i"`
	Type string `json:"t"`
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

// cursor is a position, and the order that it is one of.
type cursor struct {
	position
	Order string `json:"o"`
}

func orderOf(q store.Query) string {
	order := strings.Join(q.Types, ",")
	if q.Sort != nil {
		order += " by " + q.Sort.By.String()
		if q.Sort.Descending {
			order += " descending"
		}
	}
	return order
}

func cursorOf(q store.Query, p position) string {
	b, _ := json.Marshal(cursor{p, orderOf(q)}) // strings and a boolean always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(q store.Query) (position, error) {
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || json.Unmarshal(b, &c) != nil || c.Order != orderOf(q) {
		return position{}, store.ErrCursor
	}
	return c.position, nil
}
