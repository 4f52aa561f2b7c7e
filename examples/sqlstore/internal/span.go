package sqlstore

import (
	"context"
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
		return l.column == "modified"
	}
	return l.byKey != nil && l.byKey.attribute == t.span.attribute
}

// totals remember how many resources large ranges of keys have. They are true as long as the tables count as many resources
// of the type, and as many that have moved.
type totals struct {
	mu    sync.Mutex
	known map[string]knownTotal
}

type knownTotal struct{ n, of, moves int64 }

// mostTotals is how many are remembered.
const mostTotals = 1_000

func (t *totals) get(key string) (knownTotal, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.known[key]
	return k, ok
}

func (t *totals) set(key string, k knownTotal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) >= mostTotals {
		t.known = map[string]knownTotal{}
	}
	t.known[key] = k
}

// spanned counts the resources of a large range.
func (l *list) spanned(ctx context.Context, t *listType) (n int64, err error) {
	all, err := l.marks(ctx)
	if err != nil {
		return 0, err
	}
	of := all[t.name]
	count := func(rows string) (n int64, err error) {
		sql, args := compact("SELECT COUNT(*) FROM (SELECT "+rows+") j", l.args)
		err = l.in.QueryOnce(ctx, sql, args, func(rw Row) error { return rw.Scan(&n) })
		return n, err
	}
	if t.span.attribute == "" {
		if t.span.others != "" { // mostly there are few of them, or of the range
			if n, err = count(t.span.others + " LIMIT " + strconv.Itoa(fewInSpan+1)); err != nil || n <= fewInSpan {
				return of.total - n, err
			}
		}
		return count(t.span.rows)
	}
	key := string(t.span.least)
	if k, ok := l.totals.get(key); ok && k.of == of.total && k.moves == of.moves {
		return k.n, nil
	}
	rows := t.span.rows
	if !t.span.once {
		rows = "DISTINCT " + rows
	}
	if n, err = count(rows); err == nil {
		l.totals.set(key, knownTotal{n, of.total, of.moves})
	}
	return n, err
}
