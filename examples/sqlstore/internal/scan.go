package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// A scan is a list for which all resources of the tenant must be looked at, because no index answers its filter or its
// order. Its cost grows with the size of the tenant, so a few scans could take all connections and processors from
// other tenants.
const (
	defaultScans    = 2
	defaultScanTime = 10 * time.Second
	// Few is how many resources may be looked at before a list counts as a scan.
	Few = 1000
	// scanHopeless is the part of its time (a tenth) after which a scan ends if it must look at all resources, and at this speed would not
	// do half of that in time.
	scanHopeless = 10
	// scanPatience is the part of its time (a tenth) for which a scan waits for its turn.
	scanPatience = 10
)

// Scans admits the scans of a store.
type Scans struct {
	Time     time.Duration // how long one may take; negative means that there is no limit
	Patience time.Duration // how long one waits for its turn
	Rows     int           // the most resources that one may look at; 0 means that there is no limit
	Each     int           // how many a tenant may run at once
	All      chan struct{} // has an element for each scan that runs
	mu       sync.Mutex
	Tenants  map[string]*scanTurns
}

// scanTurns are the scans of one tenant.
type scanTurns struct {
	turns chan struct{} // has an element for each scan of the tenant that runs
	users int           // how many scans run or wait
}

// NewScans makes Scans that use at most half of the connections, and for one tenant one less than its turns, if it has several.
func NewScans(o *Options, turns, connections int) *Scans {
	s := &Scans{Time: o.ScanTime, Rows: o.ScanRows, Each: o.Scans, Tenants: map[string]*scanTurns{}}
	if s.Time == 0 {
		s.Time = defaultScanTime
	}
	if s.Patience = s.Time / scanPatience; s.Patience < 0 {
		s.Patience = defaultScanTime / scanPatience
	}
	if s.Each <= 0 {
		s.Each = defaultScans
	}
	half := max(1, connections/2)
	s.Each = min(s.Each, max(1, min(half, turns)-1))
	s.All = make(chan struct{}, half)
	return s
}

// Enter admits a scan. It waits for its turn, and returns store.ErrBusy if the context wait ends before. The scan must
// call leave when it ends.
func (s *Scans) Enter(wait context.Context, tenant string) (leave func(), err error) {
	s.mu.Lock()
	t := s.Tenants[tenant]
	if t == nil {
		t = &scanTurns{turns: make(chan struct{}, s.Each)}
		s.Tenants[tenant] = t
	}
	t.users++
	s.mu.Unlock()
	gone := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(s.Tenants, tenant)
		}
	}
	if !take(wait, t.turns) {
		gone()
		return nil, fmt.Errorf("sqlstore: %d scans at once: %w", s.Each, store.ErrBusy)
	}
	if !take(wait, s.All) {
		<-t.turns
		gone()
		return nil, fmt.Errorf("sqlstore: %d scans of all tenants at once: %w", cap(s.All), store.ErrBusy)
	}
	return func() {
		<-s.All
		<-t.turns
		gone()
	}, nil
}

// take takes a turn, and waits for one until the context ends. It returns false if there was none.
func take(wait context.Context, turns chan struct{}) bool {
	select {
	case turns <- struct{}{}:
		return true
	default:
	}
	select {
	case turns <- struct{}{}:
		return true
	case <-wait.Done():
		return false
	}
}

// isScan says whether it is known that no index answers the list. If an index leaves many resources to look at, that is only seen by looked.
func (l *list) isScan() bool {
	if l.Count == 0 && l.plain || l.isEmpty() {
		return false
	}
	for _, t := range l.types {
		if t.isNever() {
			continue
		}
		if t.Ids == "" && !l.isOrdered() || !t.isIndexed() && !t.isBig && !t.isCertain() || l.isCollected && t.isSpread {
			return true
		}
	}
	return false
}

// isOrdered says whether an index has the order of the list.
func (l *list) isOrdered() bool { return l.column != "" && l.column != "created" || l.byKey != nil }

// bounded makes the page within the limits of scans. If it can't be made in the way that was planned, another way is planned.
func (l *list) bounded(ctx context.Context) (*store.Page, error) {
	for {
		p, err := l.try(ctx)
		l.total = -1
		switch {
		case errors.Is(err, errMarks):
			err = l.useMarks(ctx)
		case errors.Is(err, errUndecided):
			l.mark = nil
			err = l.compile(ctx, l.Filter)
		case errors.Is(err, errUnordered), errors.Is(err, errWindow):
			l.isUnordered = l.isUnordered || errors.Is(err, errUnordered)
			l.isCollected, l.window = l.isCollected || errors.Is(err, errWindow), 0
			rest := l.Filter
			if l.mark != nil {
				_, rest = splitMarks(l.Filter)
			}
			err = l.compile(ctx, rest)
		default:
			return p, err
		}
		if err != nil {
			return nil, err
		}
	}
}

func (l *list) try(ctx context.Context) (*store.Page, error) {
	isSpread := slices.ContainsFunc(l.types, func(t listType) bool { return t.isSpread })
	if l.fixed && !l.isScan() && l.exact && l.column != "" && !isSpread {
		return l.run(ctx)
	}
	within := ctx
	if l.scans.Time > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, l.scans.Time)
		defer cancel()
	}
	defer func() {
		if l.leave != nil {
			l.leave()
			l.leave = nil
		}
	}()
	if isSpread {
		if err := l.measure(within); err != nil {
			return nil, l.explain(ctx, within, err)
		}
	}
	if l.isScan() {
		if err := l.admit(within); err != nil {
			return nil, l.explain(ctx, within, err)
		}
	}
	p, err := l.run(within)
	return p, l.explain(ctx, within, err)
}

// admit waits for the turn of a list that is known to be a scan. It holds no connection meanwhile. A tenant with few
// resources needs no turn, unless the scan looks at their memberships, which may be many.
func (l *list) admit(ctx context.Context) error {
	var n int64
	sql, args := compact(l.countAll(), l.args)
	if err := l.engine.Query(ctx, sql, args, func(rw Row) error { return rw.Scan(&n) }); err != nil {
		return err
	}
	if l.scans.Rows > 0 && n > int64(l.scans.Rows) {
		return fmt.Errorf("sqlstore: a scan of %d resources: %w", n, store.ErrTooMuch)
	}
	if !l.NoTotal && l.after == nil {
		l.all, l.began = int(n), time.Now()
	}
	if n <= Few && !asksRelated(l.Filter) {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, l.scans.Patience)
	defer cancel()
	leave, err := l.scans.Enter(wait, l.Tenant)
	l.leave = leave
	return err
}

// looked is called for each resource that the list looks at, with their number so far. If an index answers the list but
// leaves many resources to look at, it counts as a scan from then on.
func (l *list) looked(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.all > 0 && n%Few == 0 && l.scans.Time > 0 {
		took := time.Since(l.began)
		if took > l.scans.Time/scanHopeless && took*time.Duration(l.all)/time.Duration(n) > 2*l.scans.Time {
			return fmt.Errorf("sqlstore: %d of %d resources in %v: %w", n, l.all, took, store.ErrTooMuch)
		}
	}
	if n == fewForMarks && l.marksHelp != nil {
		return errMarks
	}
	if n <= Few {
		return nil
	}
	if l.scans.Rows > 0 && n > l.scans.Rows {
		return fmt.Errorf("sqlstore: more than %d resources: %w", l.scans.Rows, store.ErrTooMuch)
	}
	return l.enter(ctx)
}

// enter makes the list count as a scan from now on. It doesn't wait for a turn, because it holds a connection.
func (l *list) enter(ctx context.Context) error {
	if l.leave != nil {
		return nil
	}
	now, cancel := context.WithCancel(ctx)
	cancel()
	leave, err := l.scans.Enter(now, l.Tenant)
	l.leave = leave
	return err
}

// explain makes the error of a list that took too long store.ErrTooMuch.
func (l *list) explain(ctx, within context.Context, err error) error {
	switch {
	case err == nil || within.Err() == nil:
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("sqlstore: %w", ctx.Err())
	}
	return fmt.Errorf("sqlstore: more than %v: %w", l.scans.Time, store.ErrTooMuch)
}
