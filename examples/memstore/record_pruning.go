package memstore

import (
	"context"
	"errors"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// pruneRecords removes old resources of the library's internal types, tenant by tenant. One that is changed meanwhile stays.
func (s *Store) pruneRecords(ctx context.Context, records map[string]time.Time) (removed int, err error) {
	s.mu.RLock()
	names := make([]string, 0, len(s.tenants))
	for name := range s.tenants {
		names = append(names, name)
	}
	s.mu.RUnlock()
	for _, name := range names {
		for typ, before := range records {
			if !store.IsInternal(typ) || before.IsZero() {
				continue
			}
			for _, d := range s.old(name, typ, before) {
				err := s.Commit(ctx, &store.Change{Tenant: name, Delete: []store.Delete{d}})
				switch {
				case err == nil:
					removed++
				case !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrVersionMismatch):
					return removed, err
				}
			}
		}
	}
	return removed, nil
}

// old returns deletes of the resources of a tenant and type that were last changed before a time.
func (s *Store) old(tenant, typ string, before time.Time) (list []store.Delete) {
	t := s.tenant(tenant)
	if t == nil {
		return nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	table := t.tables[typ]
	if table == nil {
		return nil
	}
	for id, r := range table.byID {
		if time.UnixMicro(r.modified).Before(before) {
			list = append(list, store.Delete{Type: typ, ID: id, IfVersion: r.version})
		}
	}
	return list
}
