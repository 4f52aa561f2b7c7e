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

// seats is a counter that the tests claim from.
const seats = "seats"

func claims(c ...store.Claim) *store.Change { return &store.Change{Tenant: "t", Claims: c} }

// count returns a counter.
func count(t *testing.T, s *sqlstore.Store, name string) store.Counter {
	t.Helper()
	all, err := s.Counters(t.Context(), "t", "other", name)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, store.Counter{Name: "other"}, all[0])
	return all[1]
}

// TestClaims takes and gives back step by step. at is in minutes, and a negative limit means none.
func TestClaims(t *testing.T) {
	type step struct {
		take, limit int
		at          int
		want        int
		refused     bool
	}
	for name, x := range map[string]struct {
		window time.Duration
		steps  []step
	}{
		"for good": {0, []step{
			{take: 2, limit: 3, want: 2}, {take: 2, limit: 3, want: 2, refused: true}, {take: 5, limit: -1, want: 7},
			{take: 0, limit: 3, want: 7}, {take: -3, limit: 0, want: 4}, {take: -9, limit: 0, want: 0},
			{take: 1, limit: 0, want: 0, refused: true}, {take: 1, limit: -1, want: 1}, {take: 1, limit: 2, want: 2},
		}},
		"free first": {0, []step{{take: 2, limit: -1, want: 2}, {take: 1, limit: 2, want: 2, refused: true}, {take: 1, limit: 3, want: 3}, {take: -3, want: 0}}},
		"in a window": {time.Hour, []step{
			{take: 2, limit: 3, at: 10, want: 2}, {take: 2, limit: 3, at: 69, want: 2, refused: true}, {take: 1, limit: -1, at: 69, want: 3},
			{take: 1, limit: 3, at: 69, want: 3, refused: true}, {take: -1, limit: 3, at: 69, want: 2}, {take: 3, limit: 3, at: 70, want: 3},
			{take: 1, limit: -1, at: 100, want: 4}, {take: 2, limit: -1, at: 300, want: 2}, {take: -9, at: 301, want: 0}, {take: 2, limit: -1, at: 302, want: 2},
		}},
	} {
		onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
			t.Run(name, func(t *testing.T) {
				s := open(t, nil)
				for i, step := range x.steps {
					c := store.Claim{Counter: seats, Take: step.take, Limit: step.limit, Window: x.window}
					if x.window > 0 {
						c.At = epoch.Add(time.Duration(step.at) * time.Minute)
					}
					err := s.Commit(t.Context(), claims(c))
					if step.refused {
						var refused *store.ClaimError
						require.ErrorAs(t, err, &refused, i)
						require.Equal(t, seats, refused.Counter)
					} else {
						require.NoError(t, err, i)
					}
					require.Equal(t, step.want, count(t, s, seats).Count, "step %d", i)
				}
				if began := count(t, s, seats).Began; x.window > 0 {
					require.Equal(t, epoch.Add(300*time.Minute), began)
				} else {
					require.Zero(t, began)
				}
			})
		})
	}
}

// TestClaimsTogether has two processes claim from a counter, some with a limit and some without, and give back: no claim is lost, and no
// limit is exceeded.
func TestClaimsTogether(t *testing.T) {
	const limit, each = 20, 30
	for name, window := range map[string]time.Duration{"for good": 0, "in a window": time.Hour} {
		t.Run(name, func(t *testing.T) {
			schema := newSchema(t)
			var (
				all   sync.WaitGroup
				stood atomic.Int64 // the sum of the claims that succeeded, which never exceeds the limit while all claims have it
				got   atomic.Int64
			)
			run := func(take, most int) {
				for range 2 {
					s := openIn(t, os.Getenv(postgresVariable), &sqlstore.Options{Schema: schema})
					for range 4 {
						all.Go(func() {
							for range each {
								err := s.Commit(t.Context(), claims(store.Claim{Counter: seats, Take: take, Limit: most, Window: window, At: epoch}))
								if err == nil {
									got.Add(int64(take))
									stood.Add(1)
								} else if !errors.As(err, new(*store.ClaimError)) {
									t.Error(err)
								}
							}
						})
					}
				}
			}
			s := openIn(t, os.Getenv(postgresVariable), &sqlstore.Options{Schema: schema})
			run(1, limit)
			all.Wait()
			require.EqualValues(t, limit, stood.Load())
			run(2, -1)
			run(-1, 0)
			run(1, limit)
			all.Wait()
			require.EqualValues(t, got.Load(), count(t, s, seats).Count)
		})
	}
}

// TestFreeClaimsDontWait lets a commit that claims without a limit wait in the product's own code: others that claim from the
// same counter without a limit don't wait for it.
func TestFreeClaimsDontWait(t *testing.T) {
	for name, window := range map[string]time.Duration{"for good": 0, "in a window": time.Hour} {
		t.Run(name, func(t *testing.T) {
			held, ended := make(chan bool), make(chan bool)
			s, err := onPool(t.Context(), apart(t), &sqlstore.Options{Schema: newSchema(t), InTx: func(_ context.Context, _ sqlstore.Tx, c *store.Change) error {
				if c.Claims[0].Take == 5 {
					held <- true
					<-ended
				}
				return nil
			}})
			require.NoError(t, err)
			claim := func(take int) error {
				return s.Commit(t.Context(), claims(store.Claim{Counter: seats, Take: take, Limit: -1, Window: window, At: epoch}))
			}
			require.NoError(t, claim(1)) // the window has begun
			done := make(chan error)
			go func() { done <- claim(5) }()
			<-held
			for i := range 3 {
				require.NoError(t, claim(1), i)
			}
			require.Equal(t, 4, count(t, s, seats).Count)
			close(ended)
			require.NoError(t, <-done)
			require.Equal(t, 9, count(t, s, seats).Count)
		})
	}
}

// apart makes a pool of two connections that count in different shards.
func apart(t *testing.T) *pgxpool.Pool {
	dsn := os.Getenv(postgresVariable)
	if dsn == "" {
		t.Skip("no PostgreSQL to test with: set ROLLCALL_TEST_POSTGRES=postgres://user:password@host/database")
	}
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	config.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.Eventually(t, func() bool {
		one, err := pool.Acquire(t.Context())
		require.NoError(t, err)
		defer one.Release()
		other, err := pool.Acquire(t.Context())
		require.NoError(t, err)
		defer other.Release()
		if one.Conn().PgConn().PID()%64 != other.Conn().PgConn().PID()%64 {
			return true
		}
		require.NoError(t, other.Conn().Close(t.Context()))
		return false
	}, 10*time.Second, time.Millisecond)
	return pool
}

// TestClaimsInAnyOrder has changes claim from several counters, each in another order.
func TestClaimsInAnyOrder(t *testing.T) {
	s := newOnPostgres(t, nil)
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for n := range 20 {
				var c []store.Claim
				for i := range 4 {
					c = append(c, store.Claim{Counter: fmt.Sprint((i*(1+2*(w%2)) + n) % 4), Take: 1, Limit: 1 << 20})
				}
				if err := s.Commit(t.Context(), claims(c...)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Equal(t, 160, count(t, s, "3").Count)
}
