package storetest

import (
	"context"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// List implements [store.Store]. It evaluates the filter on every resource, sorts all that match, and takes the page from these.
func (f *Fake) List(ctx context.Context, q store.Query) (*store.Page, error) {
	t, err := f.read(ctx, "List", q.Tenant)
	if err != nil {
		return nil, err
	}
	var found []hit
	named := namedIDs(q.Filter)
	for k, r := range t.resources {
		src := source{r, t}
		if !slices.Contains(q.Types, k.typ) || named != nil && !named[k.id] {
			continue
		}
		if f.damaged(r) {
			if ruledOut(r, q.Filter) {
				continue
			}
			return nil, store.ErrCorrupt
		}
		if q.Filter != nil && !filter.Match(q.Filter, src) {
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

// namedIDs returns the ids that a filter names if it is only a list of them (id eq "1" or id eq "2" and so on), and nil for every
// other filter. It is there because to compare each resource with each id of a long list would take very long.
func namedIDs(e filter.Expr) map[string]bool {
	terms, ok := e.(filter.Or)
	if !ok {
		return nil
	}
	ids := make(map[string]bool, len(terms))
	for _, t := range terms {
		c, ok := t.(filter.Compare)
		if !ok || c.Op != filter.Eq || c.Attr.Path != (filter.Path{Name: "id"}) || !c.Attr.CaseExact || c.Value.Kind() != document.KindString {
			return nil
		}
		ids[c.Value.Text()] = true
	}
	return ids
}

// source is a resource with its membership rows, as a filter sees it.
type source struct {
	r *store.Resource
	t *tenant
}

func (s source) Attribute(p filter.Path) document.Value { return s.r.Attribute(p) }

func (s source) Related(rel filter.Relation, where func(row document.Value) bool) bool {
	switch rel {
	case filter.Members:
		return s.r.Type == groupType && slices.ContainsFunc(s.t.membersOf(s.r.ID), func(m store.Member) bool {
			return where(m.Row())
		})
	case filter.Groups:
		return slices.ContainsFunc(s.t.groupsOf(s.r.ID), func(m store.Member) bool {
			group := store.Member{Type: groupType, ID: m.Group, Label: m.Label}
			return m.Type == s.r.Type && where(group.Row())
		})
	}
	return false
}

// ruledOut says whether the index keys of a damaged resource alone show that it doesn't match. Keys are kept apart from
// documents, so that a look-up by key never reads the documents of others.
func ruledOut(r *store.Resource, x filter.Expr) bool {
	return slices.ContainsFunc(filter.Conjuncts(x), func(c filter.Compare) bool {
		has, isKey := false, false
		for _, k := range r.Index {
			if k.Attribute == c.Attr.Path.String() {
				isKey = true
				has = has || k.Value == c.Value.Text()
			}
		}
		return c.Op == filter.Eq && isKey && !has
	})
}

// hit is a resource that matched, and where it stands in the order.
type hit struct {
	source
	store.Position
}
