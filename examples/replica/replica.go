// Package replica sends the lists of a store to a replica of its database, so that they cost the primary nothing. Everything
// else stays with the primary: what decides about a change, and whatever somebody must find that was written a moment ago.
package replica

import (
	"context"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Store reads lists from a replica, which may lag behind its primary. A tenant that has changed something is answered by the
// primary for as long as the replica may lag, so that it finds what it wrote: an identity provider creates a user whom it didn't
// find, and looks for it again.
//
// A list with a filter is the primary's, too: who looks for somebody and doesn't find them creates a second person. A walk by
// cursor whose pages come from both sees everybody who is on both, as a cursor names a place in the order and not in a database.
type Store struct {
	store.Store // the primary
	replica     store.Store
	lag         time.Duration

	mu      sync.Mutex
	written map[string]time.Time // when this process last committed for a tenant
}

// New makes a store of a primary and its replica. lag is the longest that the replica is behind: more than that, and an
// operator takes it out. Other processes that write for the same tenant are not seen, so that with several of them a client may
// find in a list what is up to lag old.
func New(primary, replica store.Store, lag time.Duration) *Store {
	return &Store{Store: primary, replica: replica, lag: lag, written: map[string]time.Time{}}
}

// Unwrap has store.As find what else the primary can do.
func (s *Store) Unwrap() store.Store { return s.Store }

// List implements store.Store.
func (s *Store) List(ctx context.Context, q store.Query) (*store.Page, error) {
	if q.Filter != nil || s.hasWritten(q.Tenant) {
		return s.Store.List(ctx, q)
	}
	return s.replica.List(ctx, q)
}

// Commit implements store.Store. A commit that fails may have happened all the same, so it counts, too.
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

// mostTenants is how many are remembered before those that have long written nothing are forgotten.
const mostTenants = 10_000

// hasWritten says whether the replica may lack something that the tenant has written.
func (s *Store) hasWritten(tenant string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.written[tenant]
	return ok && time.Since(at) < s.lag
}
