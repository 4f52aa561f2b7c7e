package store

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/rollcall-dev/rollcall/store/filter"
)

// This file is for writers of stores: the order of a list and the cursor of a page, which are the same for every store.
// A store that walks in [Sort.Compare]'s order, starts behind [Query.After], and ends every page but the last with
// [Query.CursorAt] of its last resource sees each resource exactly once, whatever comes and goes meanwhile. One whose
// database sorts must sort alike.

// Position is a place in the order of a list. Positions of one tenant's resources are never equal.
type Position struct {
	Key  string `json:"k,omitempty"` // of the value to sort by: filter.SortKey
	Has  bool   `json:"h,omitempty"` // whether there is such a value
	ID   string `json:"i"`
	Type string `json:"t"`
}

// Position returns where the resource of the given type and id stands; src shows its attributes. The order of a nil Sort is that
// of ids, and never looks at src.
func (s *Sort) Position(typ, id string, src filter.Source) Position {
	p := Position{ID: id, Type: typ}
	if s != nil {
		p.Key, p.Has = filter.SortKey(src, s.By)
	}
	return p
}

// Compare orders by the value, resources without one last (first if descending). Ties are in the order of ids, and of
// types where two have the same id, which never descend (RFC 7644 section 3.4.2.3).
func (s *Sort) Compare(a, b Position) int {
	c := 0
	switch {
	case a.Has && b.Has:
		c = strings.Compare(a.Key, b.Key)
	case a.Has:
		c = -1
	case b.Has:
		c = 1
	}
	if s != nil && s.Descending {
		c = -c
	}
	if c == 0 {
		c = strings.Compare(a.ID, b.ID)
	}
	if c == 0 {
		c = strings.Compare(a.Type, b.Type)
	}
	return c
}

// cursor is a position, and the order that it is one of.
type cursor struct {
	Position
	Order string `json:"o"`
}

// CursorAt returns the cursor of the page behind p, for Page.Next: p is where the last resource of a page stands.
func (q *Query) CursorAt(p Position) string {
	b, _ := json.Marshal(cursor{p, q.order()}) // strings and a boolean always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

// After returns the position behind which the page begins, and nil if the query has no cursor. It returns ErrCursor if CursorAt
// didn't make the cursor, or made it for other types or another sort. Nothing in a cursor can be trusted, because clients send it.
func (q *Query) After() (*Position, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || json.Unmarshal(b, &c) != nil || c.Order != q.order() {
		return nil, ErrCursor
	}
	return &c.Position, nil
}

// order names what a position depends on. The filter is no part of it: a filter leaves out resources and moves none.
func (q *Query) order() string {
	order := strings.Join(q.Types, ",")
	if q.Sort != nil {
		order += " by " + q.Sort.By.String()
		if q.Sort.Descending {
			order += " descending"
		}
	}
	return order
}
