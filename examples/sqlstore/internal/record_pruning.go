package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// pruneRecords removes old resources of the library's internal types. It goes from tenant to tenant, because the index of times begins with
// the tenant. A resource that is changed meanwhile stays.
func (s *Store) pruneRecords(ctx context.Context, records map[string]time.Time) (removed int, err error) {
	if len(records) == 0 {
		return 0, nil
	}
	for of, behind := "", ">="; ; behind = ">" {
		isThere := false
		next := "SELECT tenant FROM ~resource WHERE tenant " + behind + " $1 ORDER BY tenant LIMIT 1"
		if err := s.engine.Query(ctx, next, []any{of}, func(rw Row) error { isThere = true; return rw.Scan(&of) }); err != nil || !isThere {
			return removed, err
		}
		for typ, before := range records {
			if !store.IsInternal(typ) || before.IsZero() {
				continue
			}
			n, err := s.pruneType(ctx, of, typ, before)
			if removed += n; err != nil {
				return removed, err
			}
		}
	}
}

// pruneType removes a tenant's old resources of a type. of is the tenant as the tables have it.
func (s *Store) pruneType(ctx context.Context, of, typ string, before time.Time) (removed int, err error) {
	const read = "SELECT id, version FROM ~resource WHERE (tenant || '/' || type) = $1 AND modified < $2 AND tenant = $3 AND type = $4 ORDER BY modified LIMIT $5"
	for {
		c := &store.Change{Tenant: Dec(of)}
		err := s.engine.Query(ctx, read, []any{of + "/" + Enc(typ), ceilMicro(before), of, Enc(typ), int64(Batch)}, func(rw Row) error {
			d := store.Delete{Type: typ}
			err := rw.Scan(&d.ID, &d.IfVersion)
			d.ID, d.IfVersion = Dec(d.ID), Dec(d.IfVersion)
			c.Delete = append(c.Delete, d)
			return err
		})
		if err != nil || len(c.Delete) == 0 {
			return removed, err
		}
		err = s.Commit(ctx, c)
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrVersionMismatch) {
			return removed, nil // one was changed meanwhile; the others can be removed next time
		}
		if err != nil {
			return removed, err
		}
		if removed += len(c.Delete); len(c.Delete) < Batch {
			return removed, nil
		}
	}
}
