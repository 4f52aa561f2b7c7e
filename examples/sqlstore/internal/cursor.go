package sqlstore

import (
	"strconv"

	"github.com/rollcall-dev/rollcall/store"
)

// positionOf returns the position of a resource in the order of the column. If the column is a time, the key of the position is the column's
// value in Unix microseconds, because the database compares these.
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

// behind returns the position behind which the page begins; nil if it is the first page.
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
