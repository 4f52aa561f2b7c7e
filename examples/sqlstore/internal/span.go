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

// This file decides how the resources of a range are found when the list is in the order of ids. If there are few, they are collected and
// sorted. If there are many, it is faster to walk in the order of the list, and to check for each resource whether it is in the
// range, because the page is soon full. But all of them may be at the end of the list, so the walk only looks at a
// window. If the page isn't full then, the resources are collected nevertheless.
const (
	leastInSpan  = 100
	mostInSpan   = 10_000
	windowOfSpan = 20_000
	// fewToCount is the number of resources of a type up to which a large range may be counted without the turn of a scan.
	fewToCount = 100_000
)

// errWindow says that a walk over a window found too few resources.
var errWindow = errors.New("sqlstore: not in the window")

// measure counts the rows of the ranges, and decides by that for each type how its resources are found.
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

// isInSpan says whether an index has the resources of a range in the order of the list.
func (l *list) isInSpan(t *listType) bool {
	switch {
	case t.span == nil:
		return false
	case t.span.attribute == "":
		return t.isRange && l.column == "modified"
	}
	return l.byKey != nil && l.byKey.attribute == t.span.attribute
}

// totals remembers how many resources match a condition. A total of a condition on ids, keys and marks is right as long as the tables count
// the same numbers of resources and of changes of the type. One of the members of a group is right as long as the group has
// the same version.
type totals struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]knownTotal
}

type knownTotal struct {
	n     int64
	while string // the state for which the total is right
}

// mostTotals is how many totals are remembered.
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

// remembered returns how many resources match. It counts them if it doesn't remember a total. The count may be newer than the state that
// was read before it. Then the state has changed by now, so that the total is never used again.
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
		if !t.isStable { // a total that depends on more is counted anew, which is fast if few resources, or almost all, are in the range
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
