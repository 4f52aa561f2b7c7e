// Package postgres is a store on PostgreSQL, 14 or newer. It implements the contract of package store with all of its
// optional interfaces, and is meant to be imported by products. Any number of processes may use one database.
//
// A commit is one round trip, unless Options.InTx is set, and resources that are created at the same time share a transaction.
// The files in examples/sqlstore/internal/migrations/postgres describe the tables. Their names begin with
// Options.Prefix.
//
// The database evaluates filters on index keys, ids, meta and memberships. Everything else is evaluated in the process,
// for one resource after another, of which only one is in memory. The time of a list that no index answers grows with the size of the
// tenant, so Options limits how many of these run at once, and how long.
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

// Options are the options of [Open] and [OnPool]. The zero value, or nil, has all defaults.
type Options struct {
	// Prefix begins the names of all tables and indexes. The default is rollcall_.
	Prefix string
	// Schema is the schema of the tables. It is created if it doesn't exist. The default is the schema of the connection.
	Schema string
	// NoMigrate says that opening a store doesn't change the tables. The product calls Store.Migrate at another time. Tables of a version
	// that this program doesn't know are refused nevertheless.
	NoMigrate bool
	// InTx is called in the transaction of every commit, after everything is written, so that the product can write its own tables. An
	// error makes Commit roll back and return it. InTx may be called again for the same change after a rollback, and concurrently for
	// different changes. It gets the context of Commit. It must neither commit nor roll back the transaction.
	InTx func(ctx context.Context, tx pgx.Tx, c *store.Change) error

	// Scans is how many lists that no index answers a tenant may run at once in this process. Further ones wait for
	// their turn for up to a tenth of ScanTime, and then fail with store.ErrBusy. All tenants together use at most half of the connections for
	// such lists. One tenant uses at most a quarter of the connections, but two if there are fewer than twelve, and one of these is never
	// used for such lists, so the pool should have at least four connections. Lists of a tenant with up to 1,000 resources don't count if
	// they don't ask for memberships. The default is 2.
	Scans int
	// ScanTime is how long a list may take that isn't a plain look-up by an index. After that it fails with store.ErrTooMuch. The
	// default is 10 seconds, in which it can look at some 100,000 people. If it is negative, there is no limit.
	ScanTime time.Duration
	// ScanRows is how many resources a list that no index answers may look at. If the tenant has more of the types that are asked for, it
	// fails with store.ErrTooMuch. By default only ScanTime limits it.
	ScanRows int
}

// Store is a [store.Store] on PostgreSQL, with all optional interfaces of package store. Make it with [Open] or [OnPool]. It is safe for
// concurrent use.
//
// Two further methods come from the embedded type: Migrate(ctx) error brings the tables up to date, which Open does unless
// Options.NoMigrate is set, and Close() error closes the connections that Open has opened.
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

// Open connects to postgres://USER@HOST/DATABASE, and brings the tables up to date. It does that under a lock, so that processes may start
// together. Close the store when it isn't needed any more. o may be nil. Open returns an error if the database can't be reached, or has
// tables of a version that this program doesn't know.
func Open(ctx context.Context, dsn string, o *Options) (*Store, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return nil, errors.New("postgres: want postgres://USER@HOST/DATABASE") // the address may have a password, so the error doesn't show it
	}
	return open(ctx, o, func(o *sqlstore.Options) (sqlstore.Engine, error) { return connect(ctx, dsn, o) })
}

// OnPool makes a store on a product's own pool, which it never closes. Otherwise it does what [Open] does. See [Tune].
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
// again after a rollback.
func (s *Store) Transact(ctx context.Context, do func(pgx.Tx) error) error {
	return s.Store.Transact(ctx, func(tx sqlstore.Tx) error { return do(tx.(pgx.Tx)) })
}

// CommitTx writes a change in a transaction of the product. The change takes effect when the product commits that. If the change is
// refused, for example with store.ErrVersionMismatch, the transaction is as it was before the call, and the product may go on with
// it or roll it back.
func (s *Store) CommitTx(ctx context.Context, tx pgx.Tx, c *store.Change) error {
	return s.Store.CommitTx(ctx, tx, c)
}
