// Package postgres keeps everything in PostgreSQL, 14 or newer. It implements the contract of package store with all of its
// optional parts, and is made to be imported, or copied, as a product's store. Any number of processes may use one database.
//
// A commit is one round trip, unless Options.InTx is set, and resources that are created at the same time share a transaction.
// The tables and what they mean are described in examples/sqlstore/internal/migrations/postgres; their names begin with
// Options.Prefix.
//
// What a filter asks of index keys, ids, meta and memberships runs in the database. The rest is evaluated in the process
// while the resources stream by, one in memory at a time. Lists that no index answers take time in proportion to the tenant,
// so Options bounds how many of them run at once, and how long.
package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

const _ = store.ContractIsVersion1

// Options are how a store is opened. The zero value is good.
type Options struct {
	// Prefix begins the names of all tables and indexes. Default: rollcall_.
	Prefix string
	// Schema is the schema of the tables; it is created if it isn't there. Default: the connection's own.
	Schema string
	// NoMigrate leaves the tables as they are: the product migrates at another time, with Store.Migrate. Tables of a version
	// that this program doesn't know are refused all the same.
	NoMigrate bool
	// InTx is called inside the transaction of every commit, when all of it is written: for the product's own tables. An
	// error vetoes the commit and is what Commit returns. It may be called again for the same change, after a rollback. It
	// must neither commit nor roll back the transaction.
	InTx func(ctx context.Context, tx pgx.Tx, c *store.Change) error

	// Scans is how many lists that no index answers a tenant may have under way at once, in this process. Further ones wait for
	// their turn for up to a tenth of ScanTime and then get store.ErrBusy. All tenants together take half of the connections for
	// such lists, and no tenant the last of these, so the pool should have four connections or more. Lists of a tenant with up to
	// 1,000 resources don't count, if they ask for no memberships. Default: 2.
	Scans int
	// ScanTime is how long a list may take, if it isn't a plain look-up by an index. Then it ends with store.ErrTooMuch. The
	// default, 10 seconds, is enough to look at some 100,000 people. A negative one is no limit.
	ScanTime time.Duration
	// ScanRows is how many resources a list that no index answers may look at; store.ErrTooMuch if the tenant has more of the
	// types that are asked for. Default, 0: no limit but ScanTime.
	ScanRows int
}

// Store is a [store.Store] on PostgreSQL, with all optional interfaces of package store. Make it with [Open] or [OnPool]. Its methods may be
// called concurrently.
//
// Two methods more come from the embedded type: Migrate(ctx) error brings the tables up to date, which Open does unless
// Options.NoMigrate is set, and Close() error closes what Open has opened.
type Store struct {
	*sqlstore.Store
}

var (
	_ store.Store         = (*Store)(nil)
	_ store.RelatedReader = (*Store)(nil)
	_ store.CounterReader = (*Store)(nil)
	_ store.EventSource   = (*Store)(nil)
	_ store.JournalReader = (*Store)(nil)
	_ store.Forgetter     = (*Store)(nil)
	_ store.EventAdmin    = (*Store)(nil)
	_ store.EventNotifier = (*Store)(nil)
	_ store.FeedReader    = (*Store)(nil)
)

// Open connects to postgres://USER@HOST/DATABASE, and brings the tables up to date, under a lock, so that processes may start
// together. Close the store in the end.
func Open(ctx context.Context, dsn string, o *Options) (*Store, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return nil, errors.New("postgres: want postgres://USER@HOST/DATABASE") // the address may hold a password
	}
	return open(ctx, o, func(o *sqlstore.Options) (sqlstore.Engine, error) { return connect(ctx, dsn, o) })
}

// OnPool makes a store on a product's own pool, which it never closes. See [Tune].
func OnPool(ctx context.Context, pool *pgxpool.Pool, o *Options) (*Store, error) {
	return open(ctx, o, func(o *sqlstore.Options) (sqlstore.Engine, error) { return newEngine(pool, o), nil })
}

func open(ctx context.Context, o *Options, connect func(*sqlstore.Options) (sqlstore.Engine, error)) (*Store, error) {
	if o == nil {
		o = &Options{}
	}
	common := &sqlstore.Options{Prefix: o.Prefix, Schema: o.Schema, NoMigrate: o.NoMigrate, Scans: o.Scans, ScanTime: o.ScanTime, ScanRows: o.ScanRows}
	if o.InTx != nil {
		common.InTx = func(ctx context.Context, tx sqlstore.Tx, c *store.Change) error { return o.InTx(ctx, tx.(pgx.Tx), c) }
	}
	s, err := sqlstore.New(ctx, common, connect)
	if err != nil {
		return nil, err
	}
	return &Store{s}, nil
}

// Transact runs a product's own statements in one transaction, which is committed if do returns no error. It may call do
// again, after a rollback.
func (s *Store) Transact(ctx context.Context, do func(pgx.Tx) error) error {
	return s.Store.Transact(ctx, func(tx sqlstore.Tx) error { return do(tx.(pgx.Tx)) })
}

// CommitTx commits a change inside a transaction of the product's, which leads: nothing is true before that is committed. A
// refusal, such as store.ErrVersionMismatch, leaves the transaction as it was before the call, and the product may go on with
// it or roll it back.
func (s *Store) CommitTx(ctx context.Context, tx pgx.Tx, c *store.Change) error {
	return s.Store.CommitTx(ctx, tx, c)
}
