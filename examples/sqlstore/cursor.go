package sqlstore

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

// position is a place in the order of a list. The cursor of a page is the position of its last resource, so that a walk
// goes on behind it whatever came and went meanwhile.
type position struct {
	Has  bool   `json:"h,omitempty"` // whether there is a value to sort by
	Key  []byte `json:"k,omitempty"`
	Time int64  `json:"m,omitempty"` // of a sort by meta.created or meta.lastModified, in microseconds
	ID   string `json:"i"`
	Type string `json:"t"`
}

// compare orders by the value, those without one last (first if descending), and then by id, which never descends.
func (p *position) compare(o *position, descending bool) int {
	c := 0
	switch {
	case p.Has && o.Has:
		c = strings.Compare(string(p.Key), string(o.Key))
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

func cursorOf(q *store.Query, p position) string {
	b, _ := json.Marshal(cursor{p, orderOf(q)}) // such fields always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor returns nil for the first page.
func parseCursor(q *store.Query) (*position, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || json.Unmarshal(b, &c) != nil || c.Order != orderOf(q) {
		return nil, store.ErrCursor
	}
	return &c.position, nil
}

// orderOf names what a position depends on. The filter isn't part of it: it says what is left out, not where things are.
func orderOf(q *store.Query) string {
	order := strings.Join(q.Types, ",")
	if q.Sort != nil {
		order += " by " + q.Sort.By.String()
		if q.Sort.Descending {
			order += " descending"
		}
	}
	return order
}
