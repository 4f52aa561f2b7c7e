// Package sqlstore keeps everything in SQLite or PostgreSQL (14 or newer). It implements the contract of package store
// with all of its optional parts, and is made to be imported, or copied, as a product's store.
//
// Tables and what they mean are described in migrations/postgres; their names begin with Options.Prefix. PostgreSQL runs
// a commit in one round trip, unless Options.InTx is set, and resources that are created at the same time in one transaction.
// SQLite has one writer at a time, who writes for all who wait, and any number of readers, which don't wait for it.
//
// What a filter asks of index keys, ids, meta, memberships, active and the state of an account runs in the database. The rest is evaluated by [filter.Match]
// while the resources stream by, one in memory at a time. Lists that no index answers take time in proportion to the tenant,
// so Options bounds how many of them run at once, and how long.
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

// Options are how a store is opened. The zero value is good.
type Options struct {
	// Prefix begins the names of all tables and indexes. Default: rollcall_.
	Prefix string
	// Schema is the PostgreSQL schema of the tables; it is created if it isn't there. Default: the connection's own.
	Schema string
	// NoMigrate leaves the tables as they are: the product migrates at another time, with [Store.Migrate]. Tables of a version
	// that this program doesn't know are refused all the same.
	NoMigrate bool
	// InTx is called inside the transaction of every commit, when all of it is written: for the product's own tables. An
	// error vetoes the commit and is what Commit returns. It may be called again for the same change, after a rollback.
	InTx func(ctx context.Context, tx Tx, c *store.Change) error

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

// Tx is a transaction of the engine's driver: a pgx.Tx or a *sql.Tx.
type Tx any

// Store is a store.Store on a database.
type Store struct {
	engine     Engine
	getRelated string // a query
	scans      *Scans
	calls      *Scans // of reads, and of commits that have a connection of their own
	isOwn      bool   // whether commits have
	totals     totals
	ranks      ranks
	known      sync.Map // each indexed that is in the database
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

// Engine is what SQLite and PostgreSQL do each in their way.
type Engine interface {
	Session
	// Snapshot runs reads that see one state of the database.
	Snapshot(ctx context.Context, read func(Session) error) error
	// Apply runs statements in one transaction, and says how many rows each changed.
	Apply(ctx context.Context, statements []Statement) (changed []int64, err error)
	// Transact runs what is a product's own, in a transaction.
	Transact(ctx context.Context, do func(Tx) error) error
	// Commit also keeps in mind what is indexed for the first time.
	Commit(ctx context.Context, c *store.Change, first []Indexed) error
	// Members reads all the rows of the first of the owners, so many that there are no more than most, and says of how many
	// owners. 0 for most reads those of all.
	Members(ctx context.Context, q store.MemberQuery, rows *MemberRows, most int) (complete int, err error)
	// Settle ends or prolongs leases, of which no two are of the same delivery.
	Settle(ctx context.Context, settlements []store.Settlement) error
	// CommitTx commits a change inside a transaction of the product's. A refusal leaves the transaction as it was.
	CommitTx(ctx context.Context, tx Tx, c *store.Change) error
	// Announce tells other processes that there are events. It doesn't wait for that.
	Announce()
	// Listen calls wake when another process has announced events, or may have.
	Listen(ctx context.Context, wake func()) error
	Migrate(ctx context.Context) error
	// Check refuses tables of a version that this program doesn't know. It is no error if there are none yet.
	Check(ctx context.Context) error
	// Now is the time in microseconds, for a statement with the parameters args: by the clock of the database, where it has one.
	Now(args *[]any) string
	// List is a parameter with many values, to be the right side of an operator that compares with any of them.
	List(args *[]any, values any) string
	// Remove deletes up to batch rows of a table that the condition holds for. key are the columns of its primary key.
	Remove(table, key, where string) string
	// IndexedBy is what follows a table in a query that must use an index, "" for any, where planners can be told.
	IndexedBy(index string) string
	// Lock is what ends a SELECT that takes rows for an update, beside others that do the same.
	Lock() string
	// Shares says whether a change is committed together with others, so that it takes no connection of its own.
	Shares(c *store.Change) bool
	// Connections is how many queries can run at once.
	Connections() int
	// Processors is how many of them make progress at the same time.
	Processors() int
	dialect
	Close() error
}

type Row interface{ Scan(dest ...any) error }

type Statement struct {
	SQL  string
	Args []any
}

// New makes a store on what connect connects with, and brings the tables up to date.
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
	s := &Store{engine: e, getRelated: "SELECT " + columns + ", " + e.Joined(filter.Groups) + ofKey, scans: NewScans(&own, e.Connections()),
		calls: newCalls(e.Connections(), e.Processors()), isOwn: own.InTx == nil}
	ready := s.Migrate
	if own.NoMigrate {
		ready = s.engine.Check
	}
	if err := ready(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Migrate brings the tables up to date. Any number of processes may do it at the same time. Tables that a newer program has
// migrated are refused: this one doesn't know what is in them.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.engine.Migrate(ctx); err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	return nil
}

// Transact runs a product's own statements in one transaction, which is committed if do returns no error. It may call do
// again, after a rollback. SQLite has one writer at a time, and do is it.
func (s *Store) Transact(ctx context.Context, do func(Tx) error) error {
	return s.engine.Transact(ctx, do)
}

// Close closes what Open opened. It implements io.Closer.
func (s *Store) Close() error { return s.engine.Close() }

// Indexed is an attribute that resources of a type have keys of.
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
	if s.isOwn && !s.engine.Shares(c) {
		leave, err := s.turn(ctx, c.Tenant)
		if err != nil {
			return err
		}
		defer leave()
	}
	if err := s.engine.Commit(ctx, c, first); err != nil {
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

// IndexedOf are the types and attributes that a change has keys of.
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
