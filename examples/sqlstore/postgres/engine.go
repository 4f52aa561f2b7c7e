package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// engine is the engine on PostgreSQL.
type engine struct {
	pool  *pgxpool.Pool
	isOwn bool
	sqlstore.Names
	inTx      func(context.Context, sqlstore.Tx, *store.Change) error
	shared    sqlstore.Queue[*store.Change]
	announced atomic.Bool // whether a notification is about to be sent
	shapes    shaped
}

func connect(ctx context.Context, dsn string, o *sqlstore.Options) (sqlstore.Engine, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	Tune(c)
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	p := newEngine(pool, o)
	p.isOwn = true
	return p, nil
}

// tuned has the settings that the store's statements need in a session. Indexes answer all of them, mostly in their order. If the planner
// avoids other ways, a plan that was made while a table was small is still right when it has grown, and needn't be made
// again for every call. No statement takes so long that it should be compiled or use several processes.
var tuned = map[string]string{"enable_seqscan": "off", "enable_bitmapscan": "off", "plan_cache_mode": "force_generic_plan", "jit": "off", "max_parallel_workers_per_gather": "0"}

// Tune sets in the configuration of a pool the settings that the store's statements need: enable_seqscan, enable_bitmapscan,
// plan_cache_mode, jit and max_parallel_workers_per_gather. A setting that the configuration has already stays. [Open] does this. A product
// that makes its own pool for [OnPool] should call it if the pool is only for the store, which is faster then.
func Tune(c *pgxpool.Config) {
	for setting, value := range tuned {
		if _, ok := c.ConnConfig.RuntimeParams[setting]; !ok {
			c.ConnConfig.RuntimeParams[setting] = value
		}
	}
}

func newEngine(pool *pgxpool.Pool, o *sqlstore.Options) *engine {
	p := &engine{pool: pool, Names: sqlstore.NewNames(o.Schema, o.Prefix), inTx: o.InTx}
	p.shared = sqlstore.Queue[*store.Change]{Workers: sharers, Most: mostShared, Write: p.commitTogether, Patience: patience}
	return p
}

func (p *engine) Close() error {
	if p.isOwn {
		p.pool.Close()
	}
	return nil
}

// Now returns the time of the database's clock, because processes may have different clocks.
func (p *engine) Now(*[]any) string {
	return "CAST(EXTRACT(epoch FROM statement_timestamp()) * 1000000 AS bigint)"
}

func (p *engine) List(args *[]any, values any) string {
	*args = append(*args, values)
	return "= ANY (" + sqlstore.Place(len(*args)) + ")"
}

// Remove finds rows by their positions in the table, so that the planner can't choose another way.
func (p *engine) Remove(table, _, where string) string {
	return "DELETE FROM ~" + table + " WHERE ctid = ANY (ARRAY(SELECT ctid FROM ~" + table + " WHERE " + where + "))"
}

func (p *engine) IndexedBy(string) string { return "" }

func (p *engine) Lock() string { return " FOR UPDATE OF e SKIP LOCKED" }

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (p *engine) Query(ctx context.Context, sql string, args []any, each func(sqlstore.Row) error) error {
	return p.again(ctx, each, func(each func(sqlstore.Row) error) error { return queryRows(ctx, p.pool, p.Fill(sql), args, each) })
}

// again repeats a query if its connection is lost before the first row.
func (p *engine) again(ctx context.Context, each func(sqlstore.Row) error, query func(each func(sqlstore.Row) error) error) error {
	seen := 0
	helps := func(err error) bool { return seen == 0 && isLost(err) }
	return p.retry(ctx, helps, func() error {
		return query(func(rw sqlstore.Row) error { seen++; return each(rw) })
	})
}

func queryRows(ctx context.Context, q querier, sql string, args []any, each func(sqlstore.Row) error) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// pgSession is a transaction that reads.
type pgSession struct {
	*engine
	tx pgx.Tx
}

func (s pgSession) Query(ctx context.Context, sql string, args []any, each func(sqlstore.Row) error) error {
	return s.fail(ctx, queryRows(ctx, s.tx, s.Fill(sql), args, each))
}

func (p *engine) Snapshot(ctx context.Context, read func(sqlstore.Session) error) error {
	o := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, p.pool, o, func(tx pgx.Tx) error { return read(pgSession{p, tx}) })
	return p.fail(ctx, err)
}

func (p *engine) Transact(ctx context.Context, do func(sqlstore.Tx) error) error {
	return p.retry(ctx, isRetryable, func() error {
		return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error { return do(tx) })
	})
}

func (p *engine) Apply(ctx context.Context, statements []sqlstore.Statement) (changed []int64, err error) {
	err = p.retry(ctx, isRetryable, func() error {
		changed = changed[:0]
		b := &pgx.Batch{}
		for _, s := range statements {
			b.Queue(p.Fill(s.SQL), s.Args...).Exec(func(t pgconn.CommandTag) error {
				changed = append(changed, t.RowsAffected())
				return nil
			})
		}
		return p.pool.SendBatch(ctx, b).Close()
	})
	return changed, err
}

// retry calls do again after errors for which helps returns true, a few times with pauses between.
func (p *engine) retry(ctx context.Context, helps func(error) bool, do func() error) error {
	const attempts = 8
	for n := 1; ; n++ {
		err := do()
		if err == nil || n == attempts || !helps(err) || ctx.Err() != nil {
			return p.fail(ctx, err)
		}
		pause := time.NewTimer(time.Duration(rand.IntN(4<<n)) * time.Millisecond)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// retryable are the codes of transactions that were rolled back only because of others: serialization_failure,
// deadlock_detected and lock_not_available.
var retryable = []string{"40001", "40P01", "55P03"}

// isRetryable says whether a transaction may succeed when it is tried again: it failed because of others, or never began.
func isRetryable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return slices.Contains(retryable, pg.Code)
	}
	return pgconn.SafeToRetry(err)
}

// isLost says whether a connection was lost. A query that only reads can be repeated on another one then.
func isLost(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "57P01" // admin_shutdown means that somebody terminated the backend
	}
	return isOfConnection(err)
}

// isOfConnection says whether an error is about the connection, and not about the statement.
func isOfConnection(err error) bool {
	var n net.Error
	if errors.As(err, &n) && !errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err) {
		return true
	}
	return err != nil && (strings.Contains(err.Error(), "unexpected EOF") || strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "closed pool"))
}

// unavailable are the classes and codes of errors that mean that the database can't serve now: connection exceptions,
// insufficient resources (a full disk too), operator intervention, system errors, and a server that is read-only for now.
var unavailable = []string{"08", "53", "57", "58", "25006"}

// damaged are the codes of errors that mean that the database can't read its own files: data_corrupted and index_corrupted.
var damaged = []string{"XX001", "XX002"}

func isUnavailable(err error) bool {
	if errors.As(err, new(*pgconn.ConnectError)) {
		return true // the server has refused the connection, for example with 55000
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return isOfConnection(err)
	}
	return slices.Contains(retryable, pg.Code) || // it failed in spite of retries
		slices.ContainsFunc(unavailable, func(class string) bool { return strings.HasPrefix(pg.Code, class) })
}

// fail makes an error of package store from one of the driver.
func (p *engine) fail(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, store.ErrUnavailable) {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("sqlstore: %w", ctx.Err())
	}
	if isUnavailable(err) {
		return fmt.Errorf("sqlstore: %w: %w", store.ErrUnavailable, err)
	}
	if pg := new(pgconn.PgError); errors.As(err, &pg) && slices.Contains(damaged, pg.Code) {
		return fmt.Errorf("sqlstore: %w: %w", store.ErrCorrupt, err)
	}
	return err
}

// Migrate takes turns with other processes that migrate the same tables.
func (p *engine) Migrate(ctx context.Context) error {
	own := sqlstore.Number("migrate", p.Schema, p.Prefix)
	if p.Schema != "" {
		create := &pgx.Batch{} // one transaction
		create.Queue("SELECT pg_advisory_xact_lock($1)", own)
		create.Queue(`CREATE SCHEMA IF NOT EXISTS "` + p.Schema + `"`)
		if err := p.pool.SendBatch(ctx, create).Close(); err != nil {
			return p.fail(ctx, err)
		}
	}
	const everySecond, seconds = 1, 300
	turns, err := lock.NewPostgresSessionLocker(lock.WithLockID(own), lock.WithLockTimeout(everySecond, seconds))
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(p.pool)
	err = p.Names.Migrate(ctx, db, goose.DialectPostgres, "postgres", p.version, goose.WithSessionLocker(turns))
	return p.fail(ctx, errors.Join(err, db.Close()))
}

func (p *engine) Check(ctx context.Context) error {
	steps, err := p.Steps("postgres")
	if err != nil {
		return err
	}
	found, err := p.version(ctx)
	if err == nil {
		err = p.CheckVersion(found, steps)
	}
	if err != nil {
		return fmt.Errorf("sqlstore: %w", err)
	}
	return nil
}

// version returns the version of the tables; 0 if there are none.
func (p *engine) version(ctx context.Context) (version int64, err error) {
	err = p.Query(ctx, sqlstore.VersionSQL, nil, func(rw sqlstore.Row) error { return rw.Scan(&version) })
	if pg := new(pgconn.PgError); errors.As(err, &pg) && pg.Code == "42P01" { // undefined_table
		return 0, nil
	}
	return version, err
}
