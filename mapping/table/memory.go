package table

import (
	"context"
	"errors"
	"slices"
	"sort"
	"sync"

	"github.com/rollcall-dev/rollcall/store"
)

// Memory is a [Repository] in memory, for tests, and for values that may be lost when the process ends. It is safe for concurrent use. Make it
// with [NewMemory].
type Memory[T any] struct {
	mu      sync.RWMutex
	tenants map[string]*memoryRows[T]
}

type memoryRows[T any] struct {
	ids  []string // in order
	byID map[string]Record[T]
}

// NewMemory makes an empty Memory.
func NewMemory[T any]() *Memory[T] { return &Memory[T]{tenants: map[string]*memoryRows[T]{}} }

func (m *Memory[T]) tenant(name string) *memoryRows[T] {
	if t, ok := m.tenants[name]; ok {
		return t
	}
	return &memoryRows[T]{byID: map[string]Record[T]{}}
}

// Create implements [Repository].
func (m *Memory[T]) Create(_ context.Context, tenant string, r *Record[T]) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tenant(tenant)
	m.tenants[tenant] = t
	if _, taken := t.byID[r.ID]; taken {
		return &store.ConflictError{Attribute: "id"}
	}
	t.byID[r.ID] = *r
	t.ids = slices.Insert(t.ids, sort.SearchStrings(t.ids, r.ID), r.ID)
	return nil
}

// Get implements [Repository].
func (m *Memory[T]) Get(_ context.Context, tenant, id string) (*Record[T], error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r, ok := m.tenant(tenant).byID[id]
	if !ok {
		return nil, store.ErrNotFound
	}
	return &r, nil
}

// Update implements [Repository].
func (m *Memory[T]) Update(_ context.Context, tenant string, r *Record[T]) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tenant(tenant)
	if _, ok := t.byID[r.ID]; !ok {
		return store.ErrNotFound
	}
	t.byID[r.ID] = *r
	return nil
}

// Delete implements [Repository].
func (m *Memory[T]) Delete(_ context.Context, tenant, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tenant(tenant)
	if _, ok := t.byID[id]; !ok {
		return store.ErrNotFound
	}
	delete(t.byID, id)
	i := sort.SearchStrings(t.ids, id)
	t.ids = slices.Delete(t.ids, i, i+1)
	return nil
}

// Find implements [Repository]. It returns errors.ErrUnsupported, because there is no index.
func (m *Memory[T]) Find(context.Context, string, string, string) ([]*Record[T], error) {
	return nil, errors.ErrUnsupported
}

// List implements [Repository].
func (m *Memory[T]) List(_ context.Context, tenant, after string, max int) (page []*Record[T], err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	t := m.tenant(tenant)
	from, found := slices.BinarySearch(t.ids, after)
	if found {
		from++
	}
	for _, id := range t.ids[from:min(from+max, len(t.ids))] {
		r := t.byID[id]
		page = append(page, &r)
	}
	return page, nil
}
