package sqlstore

import (
	"context"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Batch is how many rows one transaction removes, so that others don't wait for it for long.
const Batch = 1000

// removeAll removes the rows of a table for which the condition holds, in batches, and returns how many these were.
// where has the condition and everything behind it in a query. Its last parameter is the size of a batch.
func (s *Store) removeAll(ctx context.Context, table, key, where string, args ...any) (removed int, err error) {
	args = append(args, int64(Batch))
	sql := s.engine.Remove(table, key, where+" LIMIT "+Place(len(args)))
	for {
		changed, err := s.engine.Apply(ctx, []Statement{{sql, args}})
		if err != nil {
			return removed, err
		}
		removed += int(changed[0])
		if changed[0] < Batch {
			return removed, nil
		}
	}
}

// Prune implements [store.Forgetter].
func (s *Store) Prune(ctx context.Context, r store.Retention) (removed int, err error) {
	for _, x := range []struct {
		state  string
		before time.Time
	}{{"1", r.Done}, {"2", r.Parked}} {
		if x.before.IsZero() {
			continue
		}
		n, err := s.removeAll(ctx, "event", "seq", "state = "+x.state+" AND due IS NULL AND time < $1 ORDER BY time", ceilMicro(x.before))
		if removed += n; err != nil {
			return removed, err
		}
	}
	if !r.Done.IsZero() {
		n, err := s.pruneFeed(ctx, ceilMicro(r.Done))
		if removed += n; err != nil {
			return removed, err
		}
	}
	n, err := s.pruneRecords(ctx, r.Records)
	if removed += n; err != nil {
		return removed, err
	}
	for _, x := range []struct {
		wanted bool
		prune  func(tenant string) (int, error)
	}{
		{!r.Journal.IsZero(), func(tenant string) (int, error) { return s.pruneEntries(ctx, tenant, ceilMicro(r.Journal)) }},
		{r.JournalCount > 0, func(tenant string) (int, error) { return s.pruneSurplus(ctx, tenant, r.JournalCount) }},
	} {
		if !x.wanted {
			continue
		}
		n, err := s.pruneJournal(ctx, x.prune)
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// pruneSurplus removes a tenant's oldest entries if there are more than most.
func (s *Store) pruneSurplus(ctx context.Context, tenant string, most int) (int, error) {
	last, isThere := "", false
	err := s.engine.Query(ctx, "SELECT id FROM ~journal WHERE tenant = $1 ORDER BY id DESC LIMIT 1 OFFSET $2", []any{tenant, int64(most)}, func(rw Row) error {
		isThere = true
		return rw.Scan(&last)
	})
	if err != nil || !isThere {
		return 0, err
	}
	return s.removeAll(ctx, "journal", "tenant, id", "tenant = $1 AND id <= $2", tenant, last)
}

// pruneJournal goes from tenant to tenant, and reads the entries of each from the oldest on. Ids are in the order of time, so
// it needs no index of the time, which would make every commit slower.
func (s *Store) pruneJournal(ctx context.Context, prune func(tenant string) (int, error)) (removed int, err error) {
	for tenant, behind := "", ">="; ; behind = ">" {
		isThere := false
		next := "SELECT tenant FROM ~journal WHERE tenant " + behind + " $1 ORDER BY tenant LIMIT 1"
		err := s.engine.Query(ctx, next, []any{tenant}, func(rw Row) error { isThere = true; return rw.Scan(&tenant) })
		if err != nil || !isThere {
			return removed, err
		}
		n, err := prune(tenant)
		if removed += n; err != nil {
			return removed, err
		}
	}
}

// pruneEntries removes a tenant's old entries. It ends at the first batch that has none.
func (s *Store) pruneEntries(ctx context.Context, tenant string, before int64) (removed int, err error) {
	const read = "SELECT id, time FROM ~journal WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3"
	remove := s.engine.Remove("journal", "tenant, id", "tenant = $1 AND id > $2 AND id <= $3 AND time < $4")
	for after, n := "", Batch; n == Batch; {
		old, last := false, after
		n = 0
		err := s.engine.Query(ctx, read, []any{tenant, after, int64(Batch)}, func(rw Row) error {
			var at int64
			err := rw.Scan(&last, &at)
			n, old = n+1, old || at < before
			return err
		})
		if err != nil || !old {
			return removed, err
		}
		changed, err := s.engine.Apply(ctx, []Statement{{remove, []any{tenant, after, last, before}}})
		if err != nil {
			return removed, err
		}
		removed += int(changed[0])
		after = last
	}
	return removed, nil
}

// Forget implements [store.Forgetter]. It removes resources first, so that if it is interrupted, nobody can find what is left.
func (s *Store) Forget(ctx context.Context, tenant string) error {
	of := Enc(tenant)
	least, behind := TenantHash(of).bounds()
	for _, x := range []struct {
		table, key, where string
		args              []any
	}{
		{"resource", "tenant, type, id", "tenant = $1", []any{of}},
		{"keys", "key, id", "key >= $1 AND key < $2 AND tenant = $3", []any{least, behind, of}},
		{"member", "tenant, group_id, member_id", "tenant = $1", []any{of}},
		{"event", "seq", "tenant = $1 AND due IS NOT NULL", []any{of}},
		{"event", "seq", "tenant = $1 AND due IS NULL", []any{of}},
		{"paused", "tenant, consumer", "tenant = $1", []any{of}},
		{"journal", "tenant, id", "tenant = $1", []any{of}},
		{"count", "tenant, type, counter, mark", "tenant = $1", []any{of}},
	} {
		if _, err := s.removeAll(ctx, x.table, x.key, x.where, x.args...); err != nil {
			return err
		}
	}
	return nil
}
