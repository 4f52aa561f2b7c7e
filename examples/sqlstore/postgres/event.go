package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// settleSQL settles all deliveries by one statement. Because of LATERAL, each is found by the index, however many there are.
const settleSQL = `UPDATE ~event AS e SET
	state = CASE y.outcome WHEN 1 THEN 1 WHEN 3 THEN 2 ELSE e.state END,
	due = CASE y.outcome WHEN 1 THEN NULL WHEN 3 THEN NULL WHEN 5 THEN $8 ELSE y.now + y.after END,
	reason = CASE y.outcome WHEN 1 THEN '' WHEN 2 THEN y.why WHEN 3 THEN y.why ELSE e.reason END,
	attempts = e.attempts - CASE y.outcome WHEN 5 THEN 1 ELSE 0 END,
	owner = CASE y.outcome WHEN 4 THEN e.owner ELSE '' END
FROM (SELECT p.seq, x.owner, x.outcome, x.after, x.why, %s AS now
	FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[], $7::text[]) x (tenant, id, consumer, owner, outcome, after, why)
	CROSS JOIN LATERAL (SELECT seq FROM ~event o WHERE o.id = x.id AND o.owner <> '' AND o.owner = x.owner
		AND o.tenant = x.tenant AND o.consumer = x.consumer AND o.due IS NOT NULL LIMIT 1) p) y
WHERE e.seq = y.seq AND e.owner = y.owner AND e.owner <> '' AND e.due IS NOT NULL`

func (p *engine) Settle(ctx context.Context, settlements []store.Settlement) error {
	n := len(settlements)
	tenants, ids, consumers, owners, reasons := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	outcomes, afters := make([]int32, n), make([]int64, n)
	for i, x := range settlements {
		tenants[i], ids[i], consumers[i], owners[i], reasons[i] = sqlstore.Enc(x.Tenant), sqlstore.Enc(x.EventID), sqlstore.Enc(x.Consumer), sqlstore.Enc(x.Owner), sqlstore.Enc(x.Reason)
		outcomes[i], afters[i] = int32(x.Outcome), sqlstore.Micros64(x.After)
	}
	sql := fmt.Sprintf(settleSQL, p.Now(nil))
	_, err := p.Apply(ctx, []sqlstore.Statement{{SQL: sql, Args: []any{tenants, ids, consumers, owners, outcomes, afters, reasons, int64(sqlstore.Always)}}})
	return err
}

// CommitTx uses a savepoint, so that a refused change doesn't end the transaction.
func (p *engine) CommitTx(ctx context.Context, tx sqlstore.Tx, c *store.Change) error {
	own, ok := tx.(pgx.Tx)
	if !ok {
		return errors.New("sqlstore: CommitTx needs a transaction of PostgreSQL")
	}
	b := p.batch(c)
	if types, attributes := sqlstore.IndexedOf(c); len(types) > 0 {
		b.add(pgIndexed, types, attributes)
	}
	if len(c.Events) > 0 {
		b.Queue("SELECT pg_notify($1, '')", p.channel())
	}
	if b.Len() == 0 {
		return ctx.Err()
	}
	err := pgx.BeginFunc(ctx, own, func(own pgx.Tx) error {
		if err := own.SendBatch(ctx, &b.Batch).Close(); err != nil || p.inTx == nil {
			return err
		}
		return p.inTx(ctx, own, c)
	})
	return p.fail(ctx, p.refusal(ctx, c, err))
}

// channel returns the name of the channel for notifications about events of this store.
func (p *engine) channel() string {
	return fmt.Sprintf("rollcall_%x", uint64(sqlstore.Number("events", p.Schema, p.Prefix)))
}

// Announce sends a notification outside of the commits, because inside it would make all commits of the database that notify
// wait for each other. Several commits share one notification. If it is lost, other processes find the events when they look next.
func (p *engine) Announce() {
	if p.announced.Swap(true) {
		return
	}
	time.AfterFunc(sqlstore.AnnounceEvery, func() {
		p.announced.Store(false) // this comes before the notification, because events that are committed from now on need another one
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, _ = p.pool.Exec(ctx, "SELECT pg_notify($1, '')", p.channel())
	})
}

// Listen uses a connection that doesn't belong to the pool.
func (p *engine) Listen(ctx context.Context, wake func()) error {
	conn, err := pgx.ConnectConfig(ctx, p.pool.Config().ConnConfig)
	if err != nil {
		return p.fail(ctx, err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{p.channel()}.Sanitize()); err != nil {
		return p.fail(ctx, err)
	}
	for {
		wake() // it is also called at the beginning, because notifications before that were missed
		if _, err := conn.WaitForNotification(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return p.fail(ctx, err)
		}
	}
}
