package sqlstore

import (
	"strconv"

	"github.com/rollcall-dev/rollcall/store"
)

// positionOf is where a resource stands in the order of the column. In that of a time the key is the column's value,
// which the database goes by: Unix microseconds.
func (l *list) positionOf(r *store.Resource) store.Position {
	p := store.Position{ID: r.ID, Type: r.Type}
	switch l.column {
	case "created":
		p.Key = strconv.FormatInt(r.Created.UnixMicro(), 10)
	case "modified":
		p.Key = strconv.FormatInt(r.LastModified.UnixMicro(), 10)
	}
	return p
}

// behind is the position that the page begins behind, nil if it is the first one.
func (l *list) behind() (*store.Position, error) {
	p, err := l.After()
	if p != nil && l.column != "" && l.column != "id" && err == nil {
		_, err = micros(p)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func micros(p *store.Position) (int64, error) {
	at, err := strconv.ParseInt(p.Key, 10, 64)
	if err != nil {
		return 0, store.ErrCursor
	}
	return at, nil
}
