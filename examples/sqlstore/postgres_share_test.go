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
)

// sharers is how many transactions of additions run at the same time, and mostShared how many additions share one.
const sharers, mostShared = 2, 8

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
	c.on.Additions().Patience = 0
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
		return err == nil && n == stuck && c.on.Additions().Length() == queued
	}, 10*time.Second, time.Millisecond)
}

// busy makes all sharers wait for other transactions.
func (c crowd) busy() (release func(), done []<-chan error) {
	names := make([]string, sharers)
	for n := range names {
		names[n] = fmt.Sprint("busy", n)
	}
	release = c.hold(names...)
	for n, name := range names {
		done = append(done, c.add(c.Context(), createUser(name, name), 0, n+1))
	}
	return release, done
}

// TestShare shows that additions share a transaction.
func TestShare(t *testing.T) {
	c := newCrowd(t)
	release, done := c.busy()
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

// TestShareRefused has some of the additions that share a transaction be refused or withdrawn: the others are committed.
func TestShareRefused(t *testing.T) {
	c := newCrowd(t)
	release, done := c.busy()
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

// TestShareLeave ends the contexts of additions that share a transaction, while it waits: it goes on for the others, and ends with the last.
func TestShareLeave(t *testing.T) {
	c := newCrowd(t)
	release, done := c.busy()
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
		if c.on.Additions().Places() > 0 {
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

// TestSharePatience has all sharers wait for another transaction for long: other additions don't wait with them.
func TestSharePatience(t *testing.T) {
	c := newCrowd(t)
	c.on.Additions().Patience = time.Millisecond
	release, done := c.busy()
	for n := range 20 {
		id := fmt.Sprint(n)
		require.NoError(t, c.Commit(t.Context(), createUser(id, id)))
	}
	release()
	for _, d := range done {
		require.NoError(t, <-d)
	}
	checkWhole(t, c.Store, []string{"first", "busy0", "0", "19"})
	require.Eventually(t, func() bool { return c.on.Additions().Places() == 0 }, 10*time.Second, time.Millisecond)
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
