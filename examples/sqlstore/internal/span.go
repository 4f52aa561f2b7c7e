package sqlstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
)

// How the resources of a range are found when the list is in the order of ids. Few are collected and put into order. Where
// there are many, a page is soon full if the list is walked in its order instead, and each resource asked whether it is in the
// range: one of n resources in m, for each that the page has. But they may all stand at the end, so that the walk looks at a
// window, and if the page isn't full then the resources are collected all the same.
const (
	leastInSpan  = 100
	mostInSpan   = 10_000
	windowOfSpan = 20_000
	// fewToCount is up to how many resources of a type a large range may be counted without a turn of a scan.
	fewToCount = 100_000
)

// errWindow says that a walk over a window found too few resources.
var errWindow = errors.New("sqlstore: not in the window")

// measure looks how many rows the ranges have, and decides by that how the lists of the types are made.
func (l *list) measure(ctx context.Context) error {
	if !l.exact || l.isCollected || !l.isOrdered() {
		return nil
	}
	n, err := l.count(ctx, l.countAll())
	if err != nil {
		return err
	}
	few := int(math.Sqrt(float64(n) * float64(min(l.Start, mostInSpan)+min(l.Count, mostInSpan)+1)))
	few = min(max(few, leastInSpan), mostInSpan)
	for i := range l.types {
		t := &l.types[i]
		if !t.isSpread {
			continue
		}
		if !l.isInSpan(t) {
			rows, err := l.count(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM ("+t.Ids+") i LIMIT "+strconv.Itoa(few+1)+") j")
			if err != nil {
				return err
			}
			if rows <= int64(few) {
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
	var (
		while string
		total int64
	)
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
			if n, err = l.count(ctx, "SELECT COUNT(*) FROM (SELECT "+s.others+" LIMIT "+strconv.Itoa(mostInSpan+1)+") j"); err != nil || n <= mostInSpan {
				return of.total - n, err
			}
			return l.count(ctx, sql)
		}
		total, while = of.total, fmt.Sprint(of.total, of.moves, of.turns)
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
	if t.isBig && total > fewToCount {
		if err := l.enter(ctx); err != nil {
			return 0, err
		}
	}
	if n, err = l.count(ctx, sql); err == nil {
		l.totals.set(key, knownTotal{n, while})
	}
	return n, err
}
