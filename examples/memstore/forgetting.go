package memstore

import (
	"context"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
)

// Prune implements [store.Forgetter].
func (s *Store) Prune(ctx context.Context, r store.Retention) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n := s.events.prune(r)
	records, err := s.pruneRecords(ctx, r.Records)
	if n += records; err != nil {
		return n, err
	}
	if r.Journal.IsZero() && r.JournalCount <= 0 {
		return n, nil
	}
	s.mu.RLock()
	tenants := make([]*tenant, 0, len(s.tenants))
	for _, t := range s.tenants {
		tenants = append(tenants, t)
	}
	s.mu.RUnlock()
	for _, t := range tenants {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		t.mu.Lock()
		before := len(t.journal.entries)
		t.journal.entries = slices.DeleteFunc(t.journal.entries, func(e store.Entry) bool { return e.Time.Before(r.Journal) })
		if most := r.JournalCount; most > 0 && len(t.journal.entries) > most {
			t.journal.entries = slices.Clone(t.journal.entries[len(t.journal.entries)-most:])
		}
		n += before - len(t.journal.entries)
		t.mu.Unlock()
	}
	return n, nil
}

// Forget implements [store.Forgetter].
func (s *Store) Forget(ctx context.Context, tenant string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.tenants, tenant)
	s.mu.Unlock()
	s.events.forget(tenant)
	return nil
}
