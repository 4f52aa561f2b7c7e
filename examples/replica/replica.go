// Package replica reads the lists of a store from a replica of its database, so that they cost the primary nothing. Everything
// else stays with the primary: all reads that a change depends on, and those that must find what was written a moment ago.
package replica

import (
	"context"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Store reads lists from a replica, which may lag behind its primary. After a tenant has changed something, its lists are read from the
// primary for as long as the replica may lag, so that it finds what it wrote: an identity provider looks again for a user that it has
// just created.
//
// A list with a filter is always read from the primary, because an identity provider that doesn't find a person creates a second one. The
// pages of a walk by cursor may come from both, because a cursor is a position in the order, and not in a database.
type Store struct {
	store.Store // the primary
	replica     store.Store
	lag         time.Duration

	mu      sync.Mutex
	written map[string]time.Time // when this process last committed for a tenant
}

// New makes a store of a primary and its replica. lag is the longest time that the replica may be behind. If it is behind for longer, an
// operator has to stop using it. The store doesn't know of writes by other processes, so if there are several, a list may be
// old by up to lag.
func New(primary, replica store.Store, lag time.Duration) *Store {
	return &Store{Store: primary, replica: replica, lag: lag, written: map[string]time.Time{}}
}

// Unwrap returns the primary, so that store.As finds its optional interfaces.
func (s *Store) Unwrap() store.Store { return s.Store }

// List implements store.Store.
func (s *Store) List(ctx context.Context, q store.Query) (*store.Page, error) {
	if q.Filter != nil || s.hasWritten(q.Tenant) {
		return s.Store.List(ctx, q)
	}
	return s.replica.List(ctx, q)
}

// Commit implements store.Store. A commit that fails counts as a write, too, because it may have happened nevertheless.
func (s *Store) Commit(ctx context.Context, c *store.Change) error {
	err := s.Store.Commit(ctx, c)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.written) >= mostTenants {
		for tenant, at := range s.written {
			if now.Sub(at) >= s.lag {
				delete(s.written, tenant)
			}
		}
	}
	s.written[c.Tenant] = now
	return err
}

// mostTenants is the number of remembered tenants from which on those are forgotten that have written nothing for longer than the lag.
const mostTenants = 10_000

// hasWritten says whether the replica may lack something that the tenant has written.
func (s *Store) hasWritten(tenant string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.written[tenant]
	return ok && time.Since(at) < s.lag
}
