// Package memstore keeps resources in memory: for demonstrations, tests and products small enough to be reloaded from
// elsewhere. Nothing survives the process.
//
// It is a whole implementation of the store contract, made to be read. Each tenant has its tables under one lock. A table
// is a map and an ordered list of immutable records with hash indexes (table.go, ordered.go). Memberships are kept in both
// directions (member.go). A commit applies part after part, counters included, and takes all back if one fails (commit.go,
// counter.go). Lists choose between index, order and scan (list.go, plan.go). Events wait in one line per subject for each
// of their consumers (event.go). What would grow for ever is bounded: of each tenant the last 10,000 journal entries are
// kept, of each of its consumers the last 10,000 events that it was told, and of the feed the last 50,000. Events that nobody leases are kept until
// somebody does.
//
// # Consistency
//
// A commit is seen whole by any one reader's look under the lock: Get, and a page of a list without a filter or with one
// that an index answers. All rows that Members yields of one owner are of one moment. Writers never wait for a reader:
// a list that walks over more than a thousand resources lets go of the lock between steps. It sees every resource that is
// there throughout exactly once, and may or may not see what comes and goes meanwhile.
package memstore

import (
	"context"
	"strings"
	"sync"

	"github.com/rollcall-dev/rollcall/store"
)

// Store is a [store.Store] that also implements [store.CounterReader], [store.EventSource], [store.JournalReader],
// [store.Forgetter], [store.EventAdmin] and [store.FeedReader]. It is safe for concurrent use. Make it with [New].
type Store struct {
	mu      sync.RWMutex
	tenants map[string]*tenant
	events  *events
}

const _ = store.ContractIsVersion1

var (
	_ store.Store         = (*Store)(nil)
	_ store.CounterReader = (*Store)(nil)
	_ store.RelatedReader = (*Store)(nil)
	_ store.EventSource   = (*Store)(nil)
	_ store.JournalReader = (*Store)(nil)
	_ store.Forgetter     = (*Store)(nil)
	_ store.EventAdmin    = (*Store)(nil)
	_ store.FeedReader    = (*Store)(nil)
)

// New makes an empty store.
func New() *Store {
	return &Store{tenants: map[string]*tenant{}, events: newEvents()}
}

// step is how many records or rows a walk takes before it lets go of the lock.
const step = 1000

// groupType is the resource type whose members membership rows are (RFC 7643 section 4.2).
const groupType = "Group"

// tenant is what a tenant has, events excepted.
type tenant struct {
	name     string
	mu       sync.RWMutex
	tables   map[string]*table // by resource type
	members  membership
	counters map[string]store.Counter // by name
	journal  journal
}

// tenant finds a tenant, or nil if it never had a commit.
func (s *Store) tenant(name string) *tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tenants[name]
}

// makeTenant finds or makes a tenant.
func (s *Store) makeTenant(name string) *tenant {
	if t := s.tenant(name); t != nil {
		return t
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[name]
	if t == nil {
		t = &tenant{name: strings.Clone(name), tables: map[string]*table{}, members: newMembership(), counters: map[string]store.Counter{}}
		s.tenants[t.name] = t
	}
	return t
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := s.tenant(k.Tenant)
	if t == nil {
		return nil, store.ErrNotFound
	}
	t.mu.RLock()
	r := t.record(k.Type, k.ID)
	t.mu.RUnlock()
	if r == nil {
		return nil, store.ErrNotFound
	}
	return r.resource(), nil
}

// record finds a record, or nil. The lock is held.
func (t *tenant) record(typ, id string) *record {
	if tb := t.tables[typ]; tb != nil {
		return tb.byID[id]
	}
	return nil
}
