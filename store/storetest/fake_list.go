package storetest

import (
	"context"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// List implements [store.Store]: it filters all, sorts all, and cuts the page out.
func (f *Fake) List(ctx context.Context, q store.Query) (*store.Page, error) {
	t, err := f.read(ctx, "List", q.Tenant)
	if err != nil {
		return nil, err
	}
	var found []hit
	for k, r := range t.resources {
		src := source{r, t}
		if !slices.Contains(q.Types, k.typ) || q.Filter != nil && !filter.Match(q.Filter, src) {
			continue
		}
		found = append(found, hit{src, q.Sort.Position(r.Type, r.ID, src)})
	}
	slices.SortFunc(found, func(a, b hit) int { return q.Sort.Compare(a.Position, b.Position) })

	page := &store.Page{Total: len(found)}
	from := min(max(q.Start, 0), len(found))
	last, err := q.After()
	if err != nil {
		return nil, err
	}
	for last != nil && from < len(found) && q.Sort.Compare(found[from].Position, *last) <= 0 {
		from++
	}
	until := min(from+max(q.Count, 0), len(found))
	for _, h := range found[from:until] {
		page.Resources = append(page.Resources, clone(h.r))
	}
	if from < until && until < len(found) {
		page.Next = q.CursorAt(found[until-1].Position)
	}
	return page, nil
}

// source is a resource with its membership rows, as a filter sees it.
type source struct {
	r *store.Resource
	t *tenant
}

func (s source) Attribute(p filter.Path) document.Value { return s.r.Attribute(p) }

func (s source) Related(rel filter.Relation, where func(row document.Value) bool) bool {
	row := func(id, typ, label string) document.Value {
		return document.Object(
			document.Member{Name: "value", Value: document.String(id)},
			document.Member{Name: "type", Value: document.String(typ)},
			document.Member{Name: "display", Value: document.String(label)},
		)
	}
	switch rel {
	case filter.Members:
		return s.r.Type == groupType && slices.ContainsFunc(s.t.membersOf(s.r.ID), func(m store.Member) bool {
			return where(row(m.ID, m.Type, m.Label))
		})
	case filter.Groups:
		return slices.ContainsFunc(s.t.groupsOf(s.r.ID), func(m store.Member) bool {
			return m.Type == s.r.Type && where(row(m.Group, groupType, m.Label))
		})
	}
	return false
}

// hit is a resource that matched, and where it stands in the order.
type hit struct {
	source
	store.Position
}
