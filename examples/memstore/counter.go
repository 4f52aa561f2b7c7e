package memstore

import (
	"context"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// claim takes from a counter, or gives back to it.
func (x *commit) claim(c *store.Claim) error {
	was, exists := x.counters[c.Counter]
	now := was
	if !exists {
		now.Name = strings.Clone(c.Counter)
	}
	if at := c.At.UTC().Truncate(time.Microsecond); c.Window > 0 && (!exists || !at.Before(was.Began.Add(c.Window))) {
		now.Count, now.Began = 0, at // the claim begins a new window
	}
	if c.Take > 0 && c.Limit >= 0 && now.Count+c.Take > c.Limit {
		return &store.ClaimError{Counter: c.Counter}
	}
	now.Count = max(0, now.Count+c.Take)
	x.counters[now.Name] = now
	x.undo = append(x.undo, func() {
		if exists {
			x.counters[was.Name] = was
		} else {
			delete(x.counters, now.Name)
		}
	})
	return nil
}

// Counters implements [store.CounterReader].
func (s *Store) Counters(ctx context.Context, tenant string, names ...string) ([]store.Counter, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	counters := make([]store.Counter, len(names))
	t := s.tenant(tenant)
	if t != nil {
		t.mu.RLock()
		defer t.mu.RUnlock()
	}
	for i, name := range names {
		if t != nil {
			counters[i] = t.counters[name]
		}
		counters[i].Name = name
	}
	return counters, nil
}
