package sqlstore

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"sync"
)

// fewInSpan is up to how many resources of a range are collected and put into the order of the list. Of more than that, the
// list is walked in its order instead, and each resource asked whether it is in the range: a page is full soon.
const fewInSpan = 5_000

// measure looks how many rows the ranges have, and decides by that how the lists of the types are made.
func (l *list) measure(ctx context.Context) error {
	for n := range l.types {
		t := &l.types[n]
		if !t.isSpread {
			continue
		}
		if !l.isInSpan(t) {
			rows := 0
			sql, args := compact("SELECT COUNT(*) FROM (SELECT 1 FROM ("+t.Ids+") i LIMIT "+strconv.Itoa(fewInSpan+1)+") j", l.args)
			if err := l.ask(ctx, l.engine, sql, args, func(rw Row) error { return rw.Scan(&rows) }); err != nil {
				return err
			}
			if rows <= fewInSpan {
				continue
			}
		}
		t.isBig, t.Ids, t.IsIDs = true, "", false
	}
	return nil
}

// isInSpan says that an index has the resources of a range in the order of the list.
func (l *list) isInSpan(t *listType) bool {
	switch {
	case t.span == nil:
		return false
	case t.span.attribute == "":
		return t.isRange && l.column == "modified"
	}
	return l.byKey != nil && l.byKey.attribute == t.span.attribute
}

// totals remember how many resources match a condition. What is said of ids, keys and marks is true as long as the tables count
// as many resources of the type, and as many that have changed in it; what is said of the members of a group, as long as that has
// the same version.
type totals struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]knownTotal
}

type knownTotal struct {
	n     int64
	while string // what is still so
}

// mostTotals is how many are remembered.
const mostTotals = 1_000

func (t *totals) get(key [sha256.Size]byte) (knownTotal, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.known[key]
	return k, ok
}

func (t *totals) set(key [sha256.Size]byte, k knownTotal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) >= mostTotals {
		t.known = map[[sha256.Size]byte]knownTotal{}
	}
	t.known[key] = k
}

// remembered counts what matches, unless it knows it from before. What is counted may be newer than what is read here of
// its state: then the state is another one by now, and nobody is told it again.
func (l *list) remembered(ctx context.Context) (n int64, err error) {
	sql := l.countOf()
	if len(l.types) > 1 || l.plain {
		return l.count(ctx, sql)
	}
	t := &l.types[0]
	s := t.span
	if s != nil && t.SQL != s.test {
		s = nil
	}
	var while string
	switch {
	case s != nil && s.group != "":
		const version = "SELECT version FROM ~resource WHERE tenant = $1 AND type = 'Group' AND id = $2"
		err = l.in.Query(ctx, version, []any{Enc(l.Tenant), s.group}, func(rw Row) error { return rw.Scan(&while) })
	case t.isStable, s != nil && s.others != "":
		var all map[string]marked
		if all, err = l.marks(ctx); err != nil {
			return 0, err
		}
		of := all[t.name]
		if !t.isStable { // mostly there are few in the range, or few others
			if n, err = l.count(ctx, "SELECT COUNT(*) FROM (SELECT "+s.others+" LIMIT "+strconv.Itoa(fewInSpan+1)+") j"); err != nil || n <= fewInSpan {
				return of.total - n, err
			}
			return l.count(ctx, sql)
		}
		while = fmt.Sprint(of.total, of.moves, of.turns)
	default:
		return l.count(ctx, sql)
	}
	if err != nil {
		return 0, err
	}
	text, args := compact(sql, l.args)
	key := sha256.Sum256(fmt.Appendf(nil, "%q %s %q", l.Tenant, text, args))
	if k, ok := l.totals.get(key); ok && k.while == while {
		return k.n, nil
	}
	if n, err = l.count(ctx, sql); err == nil {
		l.totals.set(key, knownTotal{n, while})
	}
	return n, err
}
