package table

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/rollcall-dev/rollcall/store"
)

// Joined is a store over a product's own tables of users, groups and memberships, together with a second store in the same database, which
// has everything else: events, journal, counters, settings, and resources of other types. A commit writes to both in one transaction. Make
// it with [Join]. It is safe for concurrent use.
//
// The rows of the tables decide: the product may change them at any time, and SCIM shows what it wrote. Changes of one
// tenant's rows by SCIM take turns. If the product changes a row while SCIM does, SCIM's change is decided again by the new row.
//
// It has the optional interfaces of the second store ([store.As] finds them), so hooks are told at least once, even if a process dies. Forget
// removes what SCIM has stored in the product's rows, and the product deletes the rows themselves.
type Joined struct {
	own  *Store
	kept store.Store
	lock func(ctx context.Context, s Session, tenant string) error // makes the changes of a tenant take turns

	forget []func(ctx context.Context, tenant string) error // removes what SCIM has stored in the rows of each table
}

var (
	_ store.Store     = (*Joined)(nil)
	_ store.Forgetter = (*Joined)(nil)
)

// Join makes a store of a product's own tables. kept is the store for everything else, in the same database. It must call [InTx] in the
// transaction of each commit, as a store of examples/sqlstore does if its option InTx is this function. db reads outside of transactions,
// and stays the caller's to close. Join returns an error if a table is described wrongly, for example if a field has no column. It doesn't
// look into the database.
func Join[U, G any](kept store.Store, db Session, in Dialect, users SQL[U], groups SQL[G], members Memberships) (*Joined, error) {
	if kept == nil || db == nil {
		return nil, errors.New("table: Join needs a store that keeps the rest, and a database")
	}
	u, err := newSQLRows(users, in)
	if err != nil {
		return nil, err
	}
	g, err := newSQLRows(groups, in)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{members.Table, members.Group, members.User} {
		if err := checkName(name); err != nil {
			return nil, fmt.Errorf("%w (of the memberships)", err)
		}
	}
	u.db, g.db = db, db
	um, gm := &mapped[U]{users.Mapping, u}, &mapped[G]{groups.Mapping, g}
	own := &Store{tables: map[string]table{"User": {um, "User", ""}, groupType: {gm, groupType, ""}}, transactor: nowhere{},
		members: &memberships[U, G]{members, um, gm, u, g}}
	j := &Joined{own: own, kept: kept, lock: func(context.Context, Session, string) error { return nil },
		forget: []func(context.Context, string) error{u.forget, g.forget}}
	if in == PostgreSQL { // SQLite has only one writer at a time
		j.lock = func(ctx context.Context, s Session, tenant string) error {
			_, err := s.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 7643))", users.Table+"\x1f"+tenant)
			return err
		}
	}
	return j, nil
}

// nowhere is the Transactor of the tables of a Joined. It refuses to begin a transaction, because only Joined does so.
type nowhere struct{}

func (nowhere) Transact(context.Context, func(context.Context) error) error {
	return errors.New("table: this store commits by Joined only")
}

// pendingKey is the key of the function that InTx calls, in the context of a commit.
type pendingKey struct{}

// InTx writes the product's own rows in the transaction of a commit. The store that was given to [Join] must call it with the context of
// its Commit, and may do so again after a rollback. If InTx returns an error, the commit must fail with it. For a commit that didn't come
// from a [Joined], InTx does nothing.
func InTx(ctx context.Context, tx Session) error {
	if write, ok := ctx.Value(pendingKey{}).(func(context.Context, Session) error); ok {
		return write(ctx, tx)
	}
	return nil
}

// Unwrap returns the store that was given to [Join], for [store.As].
func (j *Joined) Unwrap() store.Store { return j.kept }

func (j *Joined) isOwn(typ string) bool { _, ok := j.own.tables[typ]; return ok }

// Get implements [store.Store].
func (j *Joined) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	if j.isOwn(k.Type) {
		return j.own.Get(ctx, k)
	}
	return j.kept.Get(ctx, k)
}

// List implements [store.Store]. It returns an error if the types are some in the product's tables and some that aren't, because there is
// no common order of both.
func (j *Joined) List(ctx context.Context, q store.Query) (*store.Page, error) {
	own := 0
	for _, typ := range q.Types {
		if j.isOwn(typ) {
			own++
		}
	}
	switch own {
	case len(q.Types):
		return j.own.List(ctx, q)
	case 0:
		return j.kept.List(ctx, q)
	}
	return nil, fmt.Errorf("%w: the types %v are not all in the product's own tables", store.ErrTooMuch, q.Types)
}

// Members implements [store.Store].
func (j *Joined) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return j.own.Members(ctx, q)
}

// tries is how often a commit is tried if the product changes the same rows meanwhile.
const tries = 3

// Commit implements [store.Store].
func (j *Joined) Commit(ctx context.Context, c *store.Change) error {
	own, rest, written := j.part(c)
	if !written {
		return j.kept.Commit(ctx, c)
	}
	wrote := false
	ctx = context.WithValue(ctx, pendingKey{}, func(ctx context.Context, s Session) error {
		wrote = true
		ctx = context.WithValue(ctx, sessionKey{}, s)
		if err := j.lock(ctx, s, c.Tenant); err != nil {
			return err
		}
		return (&commit{Store: j.own, ctx: ctx, Change: own}).run()
	})
	for n := 1; ; n++ {
		err := j.kept.Commit(ctx, rest)
		if lost := (*taken)(nil); errors.As(err, &lost) && n < tries {
			continue // the next try sees the product's row, and the store says which attribute the two share
		}
		if err == nil && !wrote {
			return errors.New("table: the store that was given to Join has not called InTx in its transaction: see Join")
		}
		return err
	}
}

// part divides a change into the part for the product's tables and the rest. written says whether the first has anything.
func (j *Joined) part(c *store.Change) (own, rest *store.Change, written bool) {
	own = &store.Change{Tenant: c.Tenant, Members: c.Members}
	rest = &store.Change{Tenant: c.Tenant, Claims: c.Claims, Events: c.Events, Journal: c.Journal}
	to := func(typ string) *store.Change {
		if j.isOwn(typ) {
			return own
		}
		return rest
	}
	for _, a := range c.Absent {
		to := to(a.Type)
		to.Absent = append(to.Absent, a)
	}
	for _, p := range c.Put {
		to := to(p.Resource.Type)
		to.Put = append(to.Put, p)
	}
	for _, d := range c.Delete {
		to := to(d.Type)
		to.Delete = append(to.Delete, d)
	}
	return own, rest, len(own.Absent)+len(own.Put)+len(own.Members)+len(own.Delete) > 0
}

// Prune implements [store.Forgetter] by the store that was given to [Join], as the tables have nothing that gets old.
func (j *Joined) Prune(ctx context.Context, r store.Retention) (int, error) {
	if f, ok := store.As[store.Forgetter](j.kept); ok {
		return f.Prune(ctx, r)
	}
	return 0, nil
}

// Forget implements [store.Forgetter]. The rows of the tables stay, with the product's values. The product has to delete them.
func (j *Joined) Forget(ctx context.Context, tenant string) error {
	for _, forget := range j.forget {
		if err := forget(ctx, tenant); err != nil {
			return err
		}
	}
	if f, ok := store.As[store.Forgetter](j.kept); ok {
		return f.Forget(ctx, tenant)
	}
	return fmt.Errorf("table: what isn't in the product's tables can't be forgotten: %w", errors.ErrUnsupported)
}
