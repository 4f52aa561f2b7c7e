package storetest

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rollcall-dev/rollcall/store"
)

// The mutants of this file count wrongly.

func eachClaim(c *store.Change, edit func(x *store.Claim)) {
	for i := range c.Claims {
		edit(&c.Claims[i])
	}
}

// owes lets counters fall below 0.
type owes struct {
	*Fake
	mu   sync.Mutex
	debt map[string]int // by tenant and counter
}

func (m *owes) Commit(ctx context.Context, c *store.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	debt := map[string]int{}
	for _, x := range c.Claims {
		before, err := m.Fake.Counters(ctx, c.Tenant, x.Counter)
		if err != nil {
			return err
		}
		debt[c.Tenant+x.Counter] = max(0, m.debt[c.Tenant+x.Counter]-before[0].Count-x.Take)
	}
	err := m.Fake.Commit(ctx, c)
	if err == nil {
		maps.Copy(m.debt, debt)
	}
	return err
}

func (m *owes) Counters(ctx context.Context, tenant string, names ...string) ([]store.Counter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	counters, err := m.Fake.Counters(ctx, tenant, names...)
	for i := range counters {
		counters[i].Count -= m.debt[tenant+counters[i].Name]
	}
	return counters, err
}

// refusedBegins begins the window of a claim that is refused.
type refusedBegins struct{ *Fake }

func (m refusedBegins) Commit(ctx context.Context, c *store.Change) error {
	err := m.Fake.Commit(ctx, c)
	var claim *store.ClaimError
	if errors.As(err, &claim) {
		c = &store.Change{Tenant: c.Tenant, Claims: slices.Clone(c.Claims)}
		c.Claims = slices.DeleteFunc(c.Claims, func(x store.Claim) bool { return x.Counter != claim.Counter })
		eachClaim(c, func(x *store.Claim) { x.Take = 0 })
		m.Fake.Commit(ctx, c)
	}
	return err
}

type sortsCounters struct{ *Fake }

func (m sortsCounters) Counters(ctx context.Context, tenant string, names ...string) ([]store.Counter, error) {
	counters, err := m.Fake.Counters(ctx, tenant, names...)
	slices.SortFunc(counters, func(a, b store.Counter) int { return strings.Compare(a.Name, b.Name) })
	return counters, err
}

// gate makes parallel callers wait for each other, so that all have read the same before any goes on.
func gate(n *atomic.Int64) {
	n.Add(1)
	for i := 0; i < 2000 && n.Load() < parallel; i++ {
		runtime.Gosched()
	}
}

// looksThenSells reads the counter before it claims, and believes that it is the same when it claims.
type looksThenSells struct {
	*Fake
	waiting atomic.Int64
}

func (m *looksThenSells) Commit(ctx context.Context, c *store.Change) error {
	if len(c.Claims) == 1 && c.Claims[0].Window == 0 {
		c = cloneChange(c)
		x := &c.Claims[0]
		used, err := m.Fake.Counters(ctx, c.Tenant, x.Counter)
		if err != nil {
			return err
		}
		if x.Take > 0 && x.Limit >= 0 && used[0].Count+x.Take > x.Limit {
			return &store.ClaimError{Counter: x.Counter}
		}
		gate(&m.waiting)
		x.Limit = -1
	}
	return m.Fake.Commit(ctx, c)
}
