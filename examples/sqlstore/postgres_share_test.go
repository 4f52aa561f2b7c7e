package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// sharers is how many shared transactions run at the same time, and mostShared how many changes share one.
const sharers, mostShared = 1, 16

// crowd has a store on PostgreSQL to which many commits add at once.
type crowd struct {
	*testing.T
	*sqlstore.Store
	on postgresEngine
}

func newCrowd(t *testing.T) crowd {
	schema := newSchema(t)
	config, err := pgxpool.ParseConfig(os.Getenv(postgresVariable))
	require.NoError(t, err)
	config.ConnConfig.RuntimeParams["application_name"] = schema // the test finds its connections by this name
	config.MaxConns = sharers + 3                                // two more hold locks, and one looks
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s, err := onPool(t.Context(), pool, &sqlstore.Options{Schema: schema})
	require.NoError(t, err)
	require.NoError(t, s.Commit(t.Context(), createUser("first", "first"))) // from here on the indexed attributes are known
	c := crowd{t, s, sqlstore.EngineOf(s).(postgresEngine)}
	transactions, each := c.on.Sharing()
	require.Equal(t, []int{sharers, mostShared}, []int{transactions, each})
	c.on.Shared().Patience = 0
	return c
}

// hold has another transaction take user names, until release rolls it back.
func (c crowd) hold(names ...string) (release func()) {
	held, ended := make(chan bool), make(chan bool)
	var all sync.WaitGroup
	all.Go(func() {
		back := errors.New("roll it back")
		err := c.Transact(context.Background(), func(tx sqlstore.Tx) error {
			for _, n := range names {
				key := sqlstore.HashOf("t", "User", sqlstore.KeyOf("userName", n))
				if err := execIn(c.Context(), tx, c.on.Fill("INSERT INTO ~keys (key, id, uniq, tenant) VALUES ($1, 'x', TRUE, 't')"), key); err != nil {
					return err
				}
			}
			held <- true
			<-ended
			return back
		})
		if !errors.Is(err, back) {
			c.Error(err)
		}
	})
	<-held
	release = sync.OnceFunc(func() { close(ended); all.Wait() })
	c.Cleanup(release)
	return release
}

// add begins a commit. It waits until so many commits wait in the queue, and so many in the database for another transaction.
func (c crowd) add(ctx context.Context, x *store.Change, queued, stuck int) <-chan error {
	done := make(chan error, 1)
	go func() { done <- c.Commit(ctx, x) }()
	c.await(queued, stuck)
	return done
}

func (c crowd) await(queued, stuck int) {
	c.Helper()
	require.Eventually(c, func() bool {
		var n int
		err := c.on.Pool().QueryRow(context.Background(), `SELECT count(*) FROM pg_stat_activity a
			WHERE strpos(query, $1) > 0 AND cardinality(pg_blocking_pids(pid)) > 0`, c.on.TablesIn()).Scan(&n)
		return err == nil && n == stuck && c.on.Shared().Length() == queued
	}, 10*time.Second, time.Millisecond)
}

// busy makes all sharers wait for other transactions.
func (c crowd) busy(name string) (release func(), done []<-chan error) {
	names := make([]string, sharers)
	for n := range names {
		names[n] = fmt.Sprint(name, n)
	}
	release = c.hold(names...)
	for n, name := range names {
		done = append(done, c.add(c.Context(), createUser(name, name), 0, n+1))
	}
	return release, done
}

// TestShare shows that changes share a transaction.
func TestShare(t *testing.T) {
	c := newCrowd(t)
	release, done := c.busy("busy")
	for n := range mostShared {
		id := fmt.Sprint(n)
		done = append(done, c.add(t.Context(), createUser(id, id), n+1, sharers))
	}
	release()
	for _, d := range done {
		require.NoError(t, <-d)
	}
	checkWhole(t, c.Store, []string{"first", "busy0", "0", "7"})
	var n int
	err := c.on.Pool().QueryRow(t.Context(), c.on.Fill("SELECT count(*) FROM ~resource GROUP BY xmin::text ORDER BY 1 DESC LIMIT 1")).Scan(&n)
	require.NoError(t, err)
	require.Equal(t, mostShared, n, "written by one transaction")
}

// TestShareRefused has some of the changes that share a transaction be refused or withdrawn: the others are committed.
func TestShareRefused(t *testing.T) {
	c := newCrowd(t)
	release, done := c.busy("busy")
	ctx, leave := context.WithCancel(t.Context())
	unwanted := c.add(ctx, createUser("1", "eve"), 1, sharers)
	late := c.add(t.Context(), createUser("2", "FIRST"), 2, sharers)
	one := c.add(t.Context(), createUser("3", "ada"), 3, sharers)
	other := c.add(t.Context(), createUser("4", "ADA"), 4, sharers)
	again := c.add(t.Context(), createUser("first", "new"), 5, sharers)
	done = append(done, c.add(t.Context(), createUser("5", "bob"), 6, sharers))
	leave()
	require.ErrorIs(t, <-unwanted, context.Canceled)
	c.await(5, sharers)
	release()
	for _, d := range done {
		require.NoError(t, <-d)
	}
	var taken *store.ConflictError
	require.ErrorAs(t, <-late, &taken)
	require.Equal(t, "userName", taken.Attribute)
	require.ErrorAs(t, <-again, &taken)
	require.Equal(t, "id", taken.Attribute)
	both := []error{<-one, <-other}
	require.ErrorAs(t, errors.Join(both...), &taken)
	require.Equal(t, "userName", taken.Attribute)
	require.Contains(t, both, error(nil))
	checkWhole(t, c.Store, []string{"5"})
}

// renamed returns a change that gives a user its second version, with another displayName.
func renamed(id, name string) *store.Change {
	was, r := testUser(id, id), testUser(id, id)
	r.Version, r.LastModified = "v2 of "+name, epoch.Add(time.Second)
	r.Index = append(r.Index, store.IndexKey{Attribute: "displayName", Value: name})
	return &store.Change{Tenant: "t", Put: []store.Put{{Resource: r, IfVersion: "v1", Was: was}}}
}

// TestShareRewrites shows that changes of existing users share a transaction. A change that can't succeed doesn't fail the others: a second
// change of the same version, or a change of a version that is gone. A change of a unique key shares with nobody.
func TestShareRewrites(t *testing.T) {
	c := newCrowd(t)
	for n := range 6 {
		id := fmt.Sprint(n)
		require.NoError(t, c.Commit(t.Context(), createUser(id, id)))
	}
	first := renamed("0", "known") // the attributes are known from here on
	require.NoError(t, c.Commit(t.Context(), first))

	release, done := c.busy("busy")
	for n := 5; n > 0; n-- { // not in the order in which rows are locked
		id := fmt.Sprint(n)
		done = append(done, c.add(t.Context(), renamed(id, "new "+id), 6-n, sharers))
	}
	release()
	for _, d := range done {
		require.NoError(t, <-d)
	}
	var n int
	err := c.on.Pool().QueryRow(t.Context(), c.on.Fill("SELECT count(*) FROM ~resource WHERE strpos(version, 'v2 of new') = 1 GROUP BY xmin::text ORDER BY 1 DESC LIMIT 1")).Scan(&n)
	require.NoError(t, err)
	require.Equal(t, 5, n, "written by one transaction")
	for n := 1; n <= 5; n++ {
		require.Equal(t, []string{fmt.Sprint(n)}, c.found(fmt.Sprint("new ", n)))
	}

	for _, id := range []string{"6", "7", "8", "9"} {
		require.NoError(t, c.Commit(t.Context(), createUser(id, id)))
	}
	release, done = c.busy("again")
	one := c.add(t.Context(), renamed("6", "one"), 1, sharers)
	other := c.add(t.Context(), renamed("6", "other"), 2, sharers)
	late := c.add(t.Context(), renamed("1", "late"), 3, sharers)
	done = append(done, c.add(t.Context(), renamed("7", "seventh"), 4, sharers))
	unique := renamed("8", "eighth")
	unique.Put[0].Resource.Index[0].Value = "ninth"
	require.False(t, c.on.Shares(unique))
	release()
	for _, d := range done {
		require.NoError(t, <-d)
	}
	require.ErrorIs(t, <-late, store.ErrVersionMismatch)
	both := []error{<-one, <-other}
	require.ErrorIs(t, errors.Join(both...), store.ErrVersionMismatch)
	require.Contains(t, both, error(nil))
	require.Equal(t, 1, len(c.found("one"))+len(c.found("other")))
	require.Equal(t, []string{"7"}, c.found("seventh"))
	require.Empty(t, c.found("late"))
}

// found returns the ids of the users with a displayName.
func (c crowd) found(name string) (ids []string) {
	by := filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: "displayName"}, Type: filter.String}, Op: filter.Eq, Value: document.String(name)}
	p, err := c.List(c.Context(), store.Query{Tenant: "t", Types: []string{"User"}, Filter: by, Count: 10})
	require.NoError(c, err)
	for _, r := range p.Resources {
		ids = append(ids, r.ID)
	}
	return ids
}

// TestShareLeave ends the contexts of changes while the transaction that they share waits. The transaction goes on for the other changes, and
// ends when the last context has ended.
func TestShareLeave(t *testing.T) {
	c := newCrowd(t)
	release, done := c.busy("busy")
	c.hold("held")
	ctx1, leave1 := context.WithCancel(t.Context())
	ctx2, leave2 := context.WithCancel(t.Context())
	one := c.add(ctx1, createUser("1", "held"), 1, sharers)
	two := c.add(ctx2, createUser("2", "eve"), 2, sharers)
	release()
	for _, d := range done {
		require.NoError(t, <-d)
	}
	c.await(0, 1)
	leave1()
	require.ErrorIs(t, <-one, context.Canceled)
	c.await(0, 1)
	leave2()
	require.ErrorIs(t, <-two, context.Canceled)
	c.await(0, 0)
	ctx3, leave3 := context.WithCancel(t.Context())
	alone := c.add(ctx3, createUser("2", "held"), 0, 1)
	leave3()
	require.ErrorIs(t, <-alone, context.Canceled)
	c.await(0, 0)
	require.NoError(t, c.Commit(t.Context(), createUser("3", "eve")))
	checkWhole(t, c.Store, []string{"3"})
}

// TestShareForgets changes a change after its commit has returned, although its transaction goes on: the race detector shows that nobody reads
// it any more.
func TestShareForgets(t *testing.T) {
	c := newCrowd(t)
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for n := range 100 {
				ctx, leave := context.WithCancel(t.Context())
				id := fmt.Sprint(w, "-", n)
				x := createUser(id, id)
				go leave()
				if err := c.Commit(ctx, x); err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("create: %v", err)
				}
				x.Put[0].Resource.Label, x.Put[0] = "another", store.Put{}
			}
		})
	}
	all.Wait()
	// Commits that nobody waits for may still be with a worker, or with the server, which may not have read yet what a connection sent that
	// is closed by now. When there is no other connection left, all of them have ended.
	require.Eventually(t, func() bool {
		if c.on.Shared().Places() > 0 {
			return false
		}
		c.on.Pool().Reset()
		var others int
		err := c.on.Pool().QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()`).Scan(&others)
		return err == nil && others == 0
	}, 30*time.Second, 10*time.Millisecond)
	checkWhole(t, c.Store, nil)
}

// TestSharePatience has all sharers wait for another transaction for long: other changes don't wait with them.
func TestSharePatience(t *testing.T) {
	c := newCrowd(t)
	c.on.Shared().Patience = time.Millisecond
	release, done := c.busy("busy")
	for n := range 20 {
		id := fmt.Sprint(n)
		require.NoError(t, c.Commit(t.Context(), createUser(id, id)))
	}
	release()
	for _, d := range done {
		require.NoError(t, <-d)
	}
	checkWhole(t, c.Store, []string{"first", "busy0", "0", "19"})
	require.Eventually(t, func() bool { return c.on.Shared().Places() == 0 }, 10*time.Second, time.Millisecond)
}

// TestSharePatienceTogether has one of the changes that share a transaction wait for a lock: the others don't wait with it.
func TestSharePatienceTogether(t *testing.T) {
	c := newCrowd(t)
	c.on.Shared().Patience = 300 * time.Millisecond
	held := c.hold("held")
	release, done := c.busy("busy")
	stuck := make(chan error, 1)
	go func() { stuck <- c.Commit(t.Context(), createUser("1", "held")) }()
	for _, id := range []string{"2", "3"} {
		free := make(chan error, 1)
		go func() { free <- c.Commit(t.Context(), createUser(id, id)) }()
		done = append(done, free)
	}
	release()
	for _, d := range done {
		require.NoError(t, <-d)
	}
	select {
	case err := <-stuck:
		require.NoError(t, err, "must wait")
		t.Error("didn't wait")
	default:
	}
	held()
	require.NoError(t, <-stuck)
	checkWhole(t, c.Store, []string{"first", "busy0", "1", "2", "3"})
}

// TestShareRace has two processes create users with the same names, in any order: each name is taken once, and the others get a conflict.
func TestShareRace(t *testing.T) {
	schema := newSchema(t)
	dsn := os.Getenv(postgresVariable)
	const writers, names = 8, 20
	var (
		all   sync.WaitGroup
		taken [names]atomic.Int64
	)
	for p := range 2 {
		s := openIn(t, dsn, &sqlstore.Options{Schema: schema})
		for w := range writers {
			all.Go(func() {
				for i := range names {
					n := (i*7 + w*3 + p) % names
					id := fmt.Sprintf("%d-%d-%d", p, w, n)
					err := s.Commit(t.Context(), createUser(id, fmt.Sprint(n)))
					if err == nil {
						taken[n].Add(1)
					} else if c := new(store.ConflictError); !errors.As(err, &c) || c.Attribute != "userName" {
						t.Errorf("create: %v", err)
					}
				}
			})
		}
	}
	all.Wait()
	for n := range taken {
		require.EqualValues(t, 1, taken[n].Load(), n)
	}
	checkWhole(t, openIn(t, dsn, &sqlstore.Options{Schema: schema}), nil)
}

// TestShareRewritesRace has two processes change the same users, each in the version that was read: every acknowledged change is made once,
// on the version before it.
func TestShareRewritesRace(t *testing.T) {
	schema := newSchema(t)
	dsn := os.Getenv(postgresVariable)
	const writers, users, changes = 8, 4, 20
	first := openIn(t, dsn, &sqlstore.Options{Schema: schema})
	for n := range users {
		id := fmt.Sprint(n)
		require.NoError(t, first.Commit(t.Context(), createUser(id, id)))
	}
	var (
		all  sync.WaitGroup
		made [users]atomic.Int64
	)
	for _, s := range []*sqlstore.Store{first, openIn(t, dsn, &sqlstore.Options{Schema: schema})} {
		for range writers {
			all.Go(func() {
				for i := range changes {
					n := i % users
					if err := countUp(t.Context(), s, fmt.Sprint(n)); err == nil {
						made[n].Add(1)
					} else if !errors.Is(err, store.ErrVersionMismatch) {
						t.Errorf("change: %v", err)
					}
				}
			})
		}
	}
	all.Wait()
	for n := range made {
		r, err := first.Get(t.Context(), store.Key{Tenant: "t", Type: "User", ID: fmt.Sprint(n)})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint("v", 1+made[n].Load()), r.Version)
		require.Len(t, r.Index, 2)
		require.Equal(t, "number "+r.Version, r.Index[1].Value)
	}
	var rows int
	err := sqlstore.EngineOf(first).Query(t.Context(), "SELECT COUNT(*) FROM ~keys", nil, func(rw sqlstore.Row) error { return rw.Scan(&rows) })
	require.NoError(t, err)
	require.Equal(t, 2*users, rows, "each has a userName and a displayName")
}

// countUp gives a user the next version, and a displayName with that version in it.
func countUp(ctx context.Context, s *sqlstore.Store, id string) error {
	was, err := s.Get(ctx, store.Key{Tenant: "t", Type: "User", ID: id})
	if err != nil {
		return err
	}
	r := *was
	var n int
	if _, err := fmt.Sscanf(was.Version, "v%d", &n); err != nil {
		return err
	}
	r.Version = fmt.Sprint("v", n+1)
	r.Index = append(r.Index[:1:1], store.IndexKey{Attribute: "displayName", Value: "number " + r.Version})
	return s.Commit(ctx, &store.Change{Tenant: "t", Put: []store.Put{{Resource: &r, IfVersion: was.Version, Was: was}}})
}
