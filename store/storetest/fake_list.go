package storetest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

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
		found = append(found, hit{src, positionOf(src, q.Sort)})
	}
	descending := q.Sort != nil && q.Sort.Descending
	slices.SortFunc(found, func(a, b hit) int { return a.compare(b.position, descending) })

	page := &store.Page{Total: len(found)}
	from := min(max(q.Start, 0), len(found))
	if q.Cursor != "" {
		last, err := parseCursor(q)
		if err != nil {
			return nil, err
		}
		for from < len(found) && found[from].compare(last, descending) <= 0 {
			from++
		}
	}
	until := min(from+max(q.Count, 0), len(found))
	for _, h := range found[from:until] {
		page.Resources = append(page.Resources, clone(h.r))
	}
	if from < until && until < len(found) {
		page.Next = cursorOf(q, found[until-1].position)
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
	position
}

// position is a place in the order of a list; that of the last resource of a page is its cursor.
type position struct {
	Has  bool   `json:"h,omitempty"` // whether there is a value to sort by
	Key  string `json:"k,omitempty"`
	ID   string `json:"i"`
	Type string `json:"t"`
}

func positionOf(s source, by *store.Sort) position {
	p := position{ID: s.r.ID, Type: s.r.Type}
	if by != nil {
		p.Key, p.Has = filter.SortKey(s, by.By)
	}
	return p
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
