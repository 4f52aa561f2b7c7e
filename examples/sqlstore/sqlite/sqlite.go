// Package sqlite is a store in a SQLite file, for one process. It implements the contract of package store with all of its
// optional interfaces, and is meant to be imported by products.
//
// There is one writer at a time, which writes for all that wait, and any number of readers, which don't wait for it. The tables
// are the same as on PostgreSQL: the files in examples/sqlstore/internal/migrations/postgres describe them. Their names begin
// with Options.Prefix.
//
// The database evaluates filters on index keys, ids, meta and memberships. Everything else is evaluated in the process,
// for one resource after another, of which only one is in memory. The time of a list that no index answers grows with the size of the
// tenant, so Options limits how many of these run at once, and how long.
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

// Options are the options of [Open] and [OnDB]. The zero value, or nil, has all defaults.
type Options struct {
	// Prefix begins the names of all tables and indexes. The default is rollcall_.
	Prefix string
	// NoMigrate says that opening a store doesn't change the tables. The product calls Store.Migrate at another time. Tables of a version
	// that this program doesn't know are refused nevertheless.
	NoMigrate bool
	// InTx is called in the transaction of every commit, after everything is written, so that the product can write its own tables. An
	// error makes Commit roll back and return it. InTx may be called again for the same change after a rollback. It gets the context of
	// Commit. It must neither commit nor roll back the transaction.
	InTx func(ctx context.Context, tx *sql.Tx, c *store.Change) error

	// Scans is how many lists that no index answers a tenant may run at once. Further ones wait for their turn for up to a tenth of
	// ScanTime, and then fail with store.ErrBusy. All tenants together use at most half of the connections for such lists. One tenant uses
	// at most three quarters of the processors, and one of these is never used for such lists; with one or two processors, it runs one
	// query at a time, whatever it is. Lists of a tenant with up to 1,000 resources don't count if they don't ask for memberships. The
	// default is 2.
	Scans int
	// ScanTime is how long a list may take that isn't a plain look-up by an index. After that it fails with store.ErrTooMuch. The
	// default is 10 seconds, in which it can look at some 100,000 people. If it is negative, there is no limit.
	ScanTime time.Duration
	// ScanRows is how many resources a list that no index answers may look at. If the tenant has more of the types that are asked for, it
	// fails with store.ErrTooMuch. By default only ScanTime limits it.
	ScanRows int
}

// Store is a [store.Store] on SQLite, with all optional interfaces of package store. Make it with [Open] or [OnDB]. It is safe for
// concurrent use.
//
// Two further methods come from the embedded type: Migrate(ctx) error brings the tables up to date, which Open does unless
// Options.NoMigrate is set, and Close() error closes the file that Open has opened.
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

// Open opens the file PATH or sqlite:PATH, makes it if it doesn't exist, and brings the tables up to date. Close the store when it isn't
// needed any more. o may be nil. Open returns an error if the file can't be opened, or has tables of a version that this program doesn't
// know.
func Open(ctx context.Context, dsn string, o *Options) (*Store, error) {
	path := strings.TrimPrefix(dsn, "sqlite:")
	return open(ctx, o, func(o *sqlstore.Options) (sqlstore.Engine, error) { return connect(path, o) })
}

// OnDB makes a store on a product's own database, which it never closes. Otherwise it does what [Open] does. The product chooses
// journal_mode and busy_timeout; without WAL, readers wait for the writer.
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
// again after a rollback. Nobody else can write meanwhile, because SQLite has one writer at a time.
func (s *Store) Transact(ctx context.Context, do func(*sql.Tx) error) error {
	return s.Store.Transact(ctx, func(tx sqlstore.Tx) error { return do(tx.(*sql.Tx)) })
}

// CommitTx writes a change in a transaction that [Store.Transact] has begun. The change takes effect when that is committed. If the
// change is refused, for example with store.ErrVersionMismatch, the transaction is as it was before the call, and the product
// may go on with it or roll it back.
func (s *Store) CommitTx(ctx context.Context, tx *sql.Tx, c *store.Change) error {
	return s.Store.CommitTx(ctx, tx, c)
}
