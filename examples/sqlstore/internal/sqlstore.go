// Package sqlstore has the code that the stores on SQLite and PostgreSQL (14 or newer) share. They implement the contract of package store
// with all of its optional interfaces.
//
// The files in migrations/postgres describe the tables. Their names begin with Options.Prefix. PostgreSQL runs
// a commit in one round trip, unless Options.InTx is set, and writes resources that are created at the same time in one transaction.
// SQLite has one writer at a time, which writes for all that wait, and any number of readers, which don't wait for it.
//
// The database evaluates filters on index keys, ids, meta, memberships, active and the state of an account. Everything else is evaluated by
// [filter.Match], for one resource after another, of which only one is in memory. The time of a list that no index answers grows with the
// size of the tenant, so Options limits how many of these run at once, and how long.
package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Options are the options of a store. The zero value has all defaults.
type Options struct {
	// Prefix begins the names of all tables and indexes. The default is rollcall_.
	Prefix string
	// Schema is the PostgreSQL schema of the tables. It is created if it doesn't exist. The default is the schema of the connection.
	Schema string
	// NoMigrate says that opening a store doesn't change the tables. The product calls [Store.Migrate] at another time. Tables of a version
	// that this program doesn't know are refused nevertheless.
	NoMigrate bool
	// InTx is called in the transaction of every commit, after everything is written, so that the product can write its own tables. An
	// error makes Commit roll back and return it. InTx may be called again for the same change after a rollback. It gets the context of
	// Commit.
	InTx func(ctx context.Context, tx Tx, c *store.Change) error

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

// Tx is a transaction of the engine's driver: a pgx.Tx on PostgreSQL, and a *sql.Tx on SQLite.
type Tx any

// Store is a store.Store on a database.
type Store struct {
	engine     Engine
	getRelated string // the query of GetRelated
	scans      *Scans
	calls      *Scans // admits reads, and commits that have a connection for themselves
	commits    *Scans // admits commits that have a connection for themselves: the same as calls, or nil if such commits wait for nothing
	totals     totals
	ranks      ranks
	known      sync.Map // each Indexed that is known to be in the database
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

// Engine is what SQLite and PostgreSQL do differently.
type Engine interface {
	Session
	// Snapshot runs reads that see one state of the database.
	Snapshot(ctx context.Context, read func(Session) error) error
	// Apply runs statements in one transaction, and returns how many rows each changed.
	Apply(ctx context.Context, statements []Statement) (changed []int64, err error)
	// Transact runs a product's own statements in a transaction.
	Transact(ctx context.Context, do func(Tx) error) error
	// Commit commits a change. first are the attributes that are indexed for the first time, which the tables note. A commit that takes a
	// connection for itself waits for a turn of turns first.
	Commit(ctx context.Context, c *store.Change, first []Indexed, turns *Scans) error
	// Members reads all rows of the first owners of the query, of as many as have at most most rows together, and returns the number of these
	// owners. If most is 0, it reads the rows of all owners.
	Members(ctx context.Context, q store.MemberQuery, rows *MemberRows, most int) (complete int, err error)
	// Settle ends or prolongs leases. No two settlements are of the same delivery.
	Settle(ctx context.Context, settlements []store.Settlement) error
	// CommitTx writes a change in a transaction of the product. If the change is refused, the transaction is as it was before.
	CommitTx(ctx context.Context, tx Tx, c *store.Change) error
	// Announce tells other processes that there are new events. It doesn't wait until they know.
	Announce()
	// Listen calls wake when another process has announced events, or may have.
	Listen(ctx context.Context, wake func()) error
	Migrate(ctx context.Context) error
	// Check returns an error for tables of a version that this program doesn't know. It is no error if there are no tables yet.
	Check(ctx context.Context) error
	// Now returns an expression for the time in microseconds, by the clock of the database if it has one. It may add a parameter to args.
	Now(args *[]any) string
	// List adds a parameter with many values, and returns the right side of a comparison with any of them.
	List(args *[]any, values any) string
	// Remove returns a statement that deletes up to Batch rows of a table for which the condition holds. key are the columns of the primary
	// key.
	Remove(table, key, where string) string
	// IndexedBy returns what follows a table in a query that must use an index, if the planner can be told that.
	IndexedBy(index string) string
	// Lock returns the end of a SELECT that locks rows for an update and skips those that others have locked.
	Lock() string
	// Connections returns how many queries can run at once.
	Connections() int
	// Turns returns how many queries of one tenant run at once at most, so that those of another tenant find a free connection and a
	// processor that isn't busy.
	Turns() int
	dialect
	Close() error
}

type Row interface{ Scan(dest ...any) error }

type Statement struct {
	SQL  string
	Args []any
}

// New makes a store on the engine that connect returns, and migrates the tables.
func New(ctx context.Context, o *Options, connect func(o *Options) (Engine, error)) (*Store, error) {
	var own Options
	if o != nil {
		own = *o
	}
	if own.Prefix == "" {
		own.Prefix = "rollcall_"
	}
	if err := errors.Join(checkName("prefix", own.Prefix), checkName("schema", own.Schema)); err != nil {
		return nil, err
	}
	e, err := connect(&own)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %w", err)
	}
	s := &Store{engine: e, getRelated: "SELECT " + columns + ", " + e.Joined(filter.Groups) + ofKey, scans: NewScans(&own, e.Turns(), e.Connections()),
		calls: newCalls(e.Turns(), e.Connections())}
	// InTx may call the store while its commit has a turn. If commits took turns, such a call could wait for a turn that its own commit has.
	if own.InTx == nil {
		s.commits = s.calls
	}
	ready := s.Migrate
	if own.NoMigrate {
		ready = s.engine.Check
	}
	if err := ready(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Migrate brings the tables up to date. Any number of processes may call it at the same time. It returns an error for tables that a newer
// program has migrated, because this one doesn't know what is in them.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.engine.Migrate(ctx); err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	return nil
}

// Transact runs a product's own statements in one transaction, which is committed if do returns no error. It may call do
// again after a rollback. On SQLite, nobody else can write meanwhile.
func (s *Store) Transact(ctx context.Context, do func(Tx) error) error {
	return s.engine.Transact(ctx, do)
}

// Close closes the connections that Open has opened. It implements io.Closer.
func (s *Store) Close() error { return s.engine.Close() }

// Indexed is an attribute of which resources of a type have keys.
type Indexed struct{ Typ, Attribute string }

// Commit implements [store.Store].
func (s *Store) Commit(ctx context.Context, c *store.Change) error {
	var first []Indexed
	for _, p := range c.Put {
		for _, k := range p.Resource.Index {
			x := Indexed{p.Resource.Type, k.Attribute}
			if _, ok := s.known.Load(x); !ok && !slices.Contains(first, x) {
				first = append(first, x)
			}
		}
	}
	if err := s.engine.Commit(ctx, c, first, s.commits); err != nil {
		return err
	}
	if len(c.Events) > 0 {
		s.engine.Announce()
	}
	for _, x := range first {
		s.known.Store(x, true)
	}
	return nil
}

// IndexedOf returns the types and attributes of the keys in a change.
func IndexedOf(c *store.Change) (types, attributes []string) {
	seen := map[Indexed]bool{}
	for _, put := range c.Put {
		for _, k := range put.Resource.Index {
			if x := (Indexed{put.Resource.Type, k.Attribute}); !seen[x] {
				seen[x] = true
				types, attributes = append(types, Enc(x.Typ)), append(attributes, Enc(x.Attribute))
			}
		}
	}
	return types, attributes
}
