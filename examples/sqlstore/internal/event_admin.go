package sqlstore

import (
	"context"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// SetPaused implements [store.EventAdmin].
func (s *Store) SetPaused(ctx context.Context, tenant, consumer string, paused bool) error {
	sql := "DELETE FROM ~paused WHERE tenant = $1 AND consumer = $2"
	if paused {
		sql = "INSERT INTO ~paused (tenant, consumer) VALUES ($1, $2) ON CONFLICT DO NOTHING"
	}
	_, err := s.engine.Apply(ctx, []Statement{{sql, []any{Enc(tenant), Enc(consumer)}}})
	return err
}

// Drop implements [store.EventAdmin].
func (s *Store) Drop(ctx context.Context, tenant, consumer, eventID, reason string) error {
	changed, err := s.engine.Apply(ctx, []Statement{{
		"UPDATE ~event SET state = 1, reason = $4 WHERE tenant = $1 AND state = 2 AND consumer = $2 AND id = $3",
		[]any{Enc(tenant), Enc(consumer), Enc(eventID), Enc(reason)}}})
	if err == nil && changed[0] == 0 {
		err = store.ErrNotFound
	}
	return err
}

// Lags implements [store.EventAdmin]. It counts the rows of the index of waiting deliveries, and of that of parked ones.
func (s *Store) Lags(ctx context.Context, tenant string) (all []store.Lag, err error) {
	of, args := "", []any{Enc(store.FeedConsumer)}
	if tenant != "" {
		of, args = " AND tenant = $2", append(args, Enc(tenant))
	}
	err = s.engine.Query(ctx, `SELECT tenant, consumer, CAST(SUM(waits) AS bigint), MIN(since), CAST(SUM(parked) AS bigint), CAST(SUM(paused) AS bigint) FROM (
	SELECT tenant, consumer, COUNT(*) AS waits, MIN(time) AS since, 0 AS parked, 0 AS paused FROM ~event
		WHERE due IS NOT NULL AND consumer <> $1`+of+` GROUP BY tenant, consumer
	UNION ALL
	SELECT tenant, consumer, 0, NULL, COUNT(*), 0 FROM ~event WHERE state = 2 AND consumer <> $1`+of+` GROUP BY tenant, consumer
	UNION ALL
	SELECT tenant, consumer, 0, NULL, 0, 1 FROM ~paused WHERE consumer <> $1`+of+`) x
GROUP BY tenant, consumer ORDER BY tenant, consumer`, args, func(rw Row) error {
		var (
			l      store.Lag
			since  *int64
			paused int
		)
		err := rw.Scan(&l.Tenant, &l.Consumer, &l.Waiting, &since, &l.Parked, &paused)
		l.Tenant, l.Consumer, l.Paused = Dec(l.Tenant), Dec(l.Consumer), paused > 0
		if since != nil {
			l.Oldest = timeOf(*since)
		}
		all = append(all, l)
		return err
	})
	return all, err
}

// Due implements [store.EventAdmin]. It goes from consumer to consumer, and looks for one event of each that is due.
func (s *Store) Due(ctx context.Context) (names []string, err error) {
	args := []any{Enc(store.FeedConsumer)}
	now := s.engine.Now(&args)
	err = s.engine.Query(ctx, `WITH RECURSIVE c (name) AS (
	SELECT (SELECT consumer FROM ~event WHERE due IS NOT NULL ORDER BY consumer LIMIT 1)
	UNION ALL
	SELECT (SELECT e.consumer FROM ~event e WHERE e.due IS NOT NULL AND e.consumer > c.name ORDER BY e.consumer LIMIT 1) FROM c WHERE c.name IS NOT NULL)
SELECT name FROM c WHERE name <> $1 AND EXISTS (SELECT 1 FROM ~event e WHERE e.consumer = c.name AND e.due <= `+now+`
	AND NOT EXISTS (SELECT 1 FROM ~paused x WHERE x.tenant = e.tenant AND x.consumer = e.consumer)) ORDER BY name`, args, func(rw Row) error {
		var name string
		err := rw.Scan(&name)
		names = append(names, Dec(name))
		return err
	})
	return names, err
}

// Notify implements [store.EventNotifier]. On SQLite it never calls wake, because a database of one process gets no events from others.
func (s *Store) Notify(ctx context.Context, wake func()) error { return s.engine.Listen(ctx, wake) }

// CommitTx writes a change in a transaction of the product. The change takes effect when the product commits that. If the change is
// refused, for example with store.ErrVersionMismatch, the transaction is as it was before the call, and the product may go on with
// it or roll it back. On SQLite, which has one writer at a time, the transaction must come from [Store.Transact].
func (s *Store) CommitTx(ctx context.Context, tx Tx, c *store.Change) error {
	return s.engine.CommitTx(ctx, tx, c)
}

// AnnounceEvery is the least time between two notifications of other processes about events. One notification is enough for many events.
const AnnounceEvery = 20 * time.Millisecond
