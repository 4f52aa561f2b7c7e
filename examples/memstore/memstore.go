// Package memstore is a store in memory, for demonstrations, tests, and products that can load all people anew from elsewhere when they start.
// Everything is lost when the process ends.
//
// It implements the whole contract of package store, and is written to be read. Each tenant has its tables under one lock. A table
// is a map and an ordered list of immutable records with hash indexes (table.go, ordered.go). Memberships can be found by either
// end (member.go). A commit applies its parts one after the other, and undoes all if one fails (commit.go,
// counter.go). A list is read by an index, in the order of ids, or by a scan (list.go, plan.go). The events for each consumer wait in one line
// for each subject (event.go).
//
// What would grow for ever is limited: the store keeps the last 10,000 journal entries of each tenant, the last 10,000 delivered events
// of each tenant and consumer, and the last 50,000 events of the feed. Events that no consumer has leased yet are kept without a limit.
//
// # Consistency
//
// Get, and a page of a list without a filter or with one that an index answers, see a commit whole or not at all.
// All rows that Members yields of one owner are of one moment. Writers never wait long for a reader:
// a list that walks over more than a thousand resources releases the lock between steps. It sees every resource that is
// there throughout exactly once, and may or may not see one that is created or deleted meanwhile.
package memstore

import (
	"context"
	"strings"
	"sync"

	"github.com/rollcall-dev/rollcall/store"
)

// Store is a [store.Store] that also implements [store.RelatedReader], [store.CounterReader], [store.EventSource], [store.EventAdmin],
// [store.FeedReader], [store.JournalReader], [store.Forgetter] and [store.Tracer]. It is safe for concurrent use. Make it with [New]: the
// zero value can't be used.
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

// New makes an empty store. It starts no goroutine and needs no closing.
func New() *Store {
	return &Store{tenants: map[string]*tenant{}, events: newEvents()}
}

// step is how many records or rows a walk reads before it releases the lock.
const step = 1000

// groupType is the resource type whose members membership rows are (RFC 7643 section 4.2).
const groupType = "Group"

// tenant has everything of a tenant, except for its events.
type tenant struct {
	name     string
	mu       sync.RWMutex
	tables   map[string]*table // by resource type
	members  membership
	counters map[string]store.Counter // by name
	journal  journal
}

// tenant finds a tenant; nil if nothing was ever committed to it.
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

// record finds a record; nil if there is none. The lock must be held.
func (t *tenant) record(typ, id string) *record {
	if tb := t.tables[typ]; tb != nil {
		return tb.byID[id]
	}
	return nil
}
