package memstore

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
	Key  string `json:"k,omitempty"`
	ID   string `json:"i"`
	Type string `json:"t"`
}

// cursor is a position, and the order that it is one of.
type cursor struct {
	position
	Order string `json:"o"`
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

// orderOf names what a position depends on. The filter isn't part of it: it says what is left out, not where things are.
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
