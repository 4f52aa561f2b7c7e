// Package sqlite keeps everything in a SQLite file, for one process. It implements the contract of package store with all of its
// optional parts, and is made to be imported, or copied, as a product's store.
//
// There is one writer at a time, who writes for all who wait, and any number of readers, which don't wait for it. The tables
// and what they mean are described in examples/sqlstore/internal/migrations/postgres, and are the same here; their names begin
// with Options.Prefix.
//
// What a filter asks of index keys, ids, meta and memberships runs in the database. The rest is evaluated in the process
// while the resources stream by, one in memory at a time. Lists that no index answers take time in proportion to the tenant,
// so Options bounds how many of them run at once, and how long.
package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

const _ = store.ContractIsVersion1

// Options are how a store is opened. The zero value is good.
type Options struct {
	// Prefix begins the names of all tables and indexes. Default: rollcall_.
	Prefix string
	// NoMigrate leaves the tables as they are: the product migrates at another time, with Store.Migrate. Tables of a version
	// that this program doesn't know are refused all the same.
	NoMigrate bool
	// InTx is called inside the transaction of every commit, when all of it is written: for the product's own tables. An
	// error vetoes the commit and is what Commit returns. It may be called again for the same change, after a rollback. It
	// must neither commit nor roll back the transaction.
	InTx func(ctx context.Context, tx *sql.Tx, c *store.Change) error

	// Scans is how many lists that no index answers a tenant may have under way at once. Further ones wait for their turn for
	// up to a tenth of ScanTime and then get store.ErrBusy. All tenants together take half of the connections for such lists, and
	// no tenant the last of these. Lists of a tenant with up to 1,000 resources don't count, if they ask for no memberships. Default: 2.
	Scans int
	// ScanTime is how long a list may take, if it isn't a plain look-up by an index. Then it ends with store.ErrTooMuch. The
	// default, 10 seconds, is enough to look at some 100,000 people. A negative one is no limit.
	ScanTime time.Duration
	// ScanRows is how many resources a list that no index answers may look at; store.ErrTooMuch if the tenant has more of the
	// types that are asked for. Default, 0: no limit but ScanTime.
	ScanRows int
}

// Store is a [store.Store] on SQLite, with all optional interfaces of package store. Make it with [Open] or [OnDB]. Its methods may be
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

// Open opens the file PATH or sqlite:PATH, makes it if it isn't there, and brings the tables up to date. Close the store in
// the end.
func Open(ctx context.Context, dsn string, o *Options) (*Store, error) {
	path := strings.TrimPrefix(dsn, "sqlite:")
	return open(ctx, o, func(o *sqlstore.Options) (sqlstore.Engine, error) { return connect(path, o) })
}

// OnDB makes a store on a product's own database, which it never closes. The product chooses journal_mode and busy_timeout;
// without WAL, readers wait for the writer.
func OnDB(ctx context.Context, db *sql.DB, o *Options) (*Store, error) {
	return open(ctx, o, func(o *sqlstore.Options) (sqlstore.Engine, error) { return newEngine(db, db, o), nil })
}

func open(ctx context.Context, o *Options, connect func(*sqlstore.Options) (sqlstore.Engine, error)) (*Store, error) {
	if o == nil {
		o = &Options{}
	}
	common := &sqlstore.Options{Prefix: o.Prefix, NoMigrate: o.NoMigrate, Scans: o.Scans, ScanTime: o.ScanTime, ScanRows: o.ScanRows}
	if o.InTx != nil {
		common.InTx = func(ctx context.Context, tx sqlstore.Tx, c *store.Change) error { return o.InTx(ctx, tx.(*sql.Tx), c) }
	}
	s, err := sqlstore.New(ctx, common, connect)
	if err != nil {
		return nil, err
	}
	return &Store{s}, nil
}

// Transact runs a product's own statements in one transaction, which is committed if do returns no error. It may call do
// again, after a rollback. SQLite has one writer at a time, and do is it.
func (s *Store) Transact(ctx context.Context, do func(*sql.Tx) error) error {
	return s.Store.Transact(ctx, func(tx sqlstore.Tx) error { return do(tx.(*sql.Tx)) })
}

// CommitTx commits a change inside a transaction that Transact has begun, which leads: nothing is true before that is
// committed. A refusal, such as store.ErrVersionMismatch, leaves the transaction as it was before the call, and the product
// may go on with it or roll it back.
func (s *Store) CommitTx(ctx context.Context, tx *sql.Tx, c *store.Change) error {
	return s.Store.CommitTx(ctx, tx, c)
}
