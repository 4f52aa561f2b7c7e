package sqlstore_test

import (
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// tell commits an event of a tenant about a user.
func tell(t *testing.T, s *sqlstore.Store, tenant, id, user string, consumers ...string) {
	t.Helper()
	e := store.Event{ID: id, Kind: "updated", Subject: store.Key{Tenant: tenant, Type: "User", ID: user}, Time: epoch, Consumers: consumers}
	require.NoError(t, s.Commit(t.Context(), &store.Change{Tenant: tenant, Events: []store.Event{e}}))
}

// leased leases events, and returns their ids.
func leased(t *testing.T, s *sqlstore.Store, l store.Lease) (ids []string) {
	t.Helper()
	l.Owner = "one"
	if l.Max == 0 {
		l.Max = 10
	}
	events, err := s.Lease(t.Context(), l)
	require.NoError(t, err)
	for _, e := range events {
		ids = append(ids, e.ID)
		require.Equal(t, l.Consumer, e.Consumer)
	}
	return ids
}

func settle(t *testing.T, s *sqlstore.Store, x store.Settlement) {
	t.Helper()
	x.Owner = "one"
	require.NoError(t, s.Settle(t.Context(), []store.Settlement{x}))
}

// TestLeaseOf leases the events of one consumer, tenant and subject.
func TestLeaseOf(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		tell(t, s, "t", "1", "ada", "hooks", "feed")
		tell(t, s, "u", "2", "ada", "hooks")
		tell(t, s, "t", "3", "bob", "feed", "hooks", "feed")
		tell(t, s, "t", "4", "ada", "feed")
		tell(t, s, "t", "5", "eve")
		ada := []store.Key{{Tenant: "t", Type: "User", ID: "ada"}, {Tenant: "t", Type: "User", ID: "nobody"}}
		require.Equal(t, []string{"1"}, leased(t, s, store.Lease{Consumer: "feed", Tenant: "t", Subjects: ada, For: time.Hour}))
		require.Equal(t, []string{"3"}, leased(t, s, store.Lease{Consumer: "feed", Tenant: "t", For: time.Hour}), "4 comes behind 1")
		require.Empty(t, leased(t, s, store.Lease{Consumer: "feed", For: time.Hour}))
		require.Empty(t, leased(t, s, store.Lease{Consumer: "hooks", Tenant: "t", Subjects: []store.Key{}}))
		require.Equal(t, []string{"2"}, leased(t, s, store.Lease{Consumer: "hooks", Tenant: "u", For: time.Hour}))
		require.Equal(t, []string{"1", "3"}, leased(t, s, store.Lease{Consumer: "hooks", For: time.Hour}), "each consumer has a position of its own")
		require.Empty(t, leased(t, s, store.Lease{Consumer: "nobody"}))
		settle(t, s, store.Settlement{Tenant: "t", EventID: "1", Consumer: "feed", Outcome: store.Park, Reason: "no"})
		require.Equal(t, []string{"4"}, leased(t, s, store.Lease{Consumer: "feed"}), "what is parked holds up nothing")
		parked, err := s.Parked(t.Context(), "t", "", 10)
		require.NoError(t, err)
		require.Len(t, parked, 1)
		parked, err = s.Parked(t.Context(), "t", "hooks", 10)
		require.NoError(t, err)
		require.Empty(t, parked)
		require.NoError(t, s.Replay(t.Context(), store.Replay{Tenant: "t", Consumer: "feed", EventID: "1", Subject: &ada[0]}))
		require.Equal(t, []string{"1"}, leased(t, s, store.Lease{Consumer: "feed"}), "and comes again before what is behind it")
	})
}

// TestAttempts checks how attempts are counted: each lease counts, also that of a process that died, but not one that was handed back.
func TestAttempts(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		tell(t, s, "t", "1", "ada", hooks)
		of := store.Settlement{Tenant: "t", EventID: "1", Consumer: hooks}
		for i, x := range []struct {
			outcome store.Outcome
			before  int
		}{{0, 0}, {store.HandBack, 1}, {store.Retry, 1}, {0, 2}, {store.HandBack, 3}, {store.Renew, 3}, {store.Done, 4}} {
			events, err := s.Lease(t.Context(), store.Lease{Owner: "one", Consumer: hooks, Max: 1})
			require.NoError(t, err)
			require.Len(t, events, 1, i)
			require.Equal(t, x.before, events[0].Attempts, i)
			if of.Outcome = x.outcome; x.outcome != 0 {
				settle(t, s, of)
			}
		}
		require.Empty(t, leased(t, s, store.Lease{Consumer: hooks}))
	})
}

// TestClockOfDatabase has a process whose clock is decades behind, as it is the year 2000 in the bubble: leases go by the clock of PostgreSQL.
func TestClockOfDatabase(t *testing.T) {
	s := newOnPostgres(t, nil)
	tell(t, s, "t", "1", "ada", hooks)
	require.Equal(t, []string{"1"}, leased(t, s, store.Lease{Consumer: hooks, For: time.Hour}))
	due := func() (at int64) {
		require.NoError(t, sqlstore.EngineOf(s).Query(t.Context(), "SELECT due FROM ~event", nil, func(rw sqlstore.Row) error { return rw.Scan(&at) }))
		return at
	}
	var now int64
	require.NoError(t, sqlstore.EngineOf(s).Query(t.Context(), "SELECT "+sqlstore.EngineOf(s).Now(nil), nil, func(rw sqlstore.Row) error { return rw.Scan(&now) }))
	require.InDelta(t, now+time.Hour.Microseconds(), due(), float64(time.Minute.Microseconds()))
	settle(t, s, store.Settlement{Tenant: "t", EventID: "1", Consumer: hooks, Outcome: store.Renew, After: 3 * time.Hour})
	require.InDelta(t, now+3*time.Hour.Microseconds(), due(), float64(time.Minute.Microseconds()))
	settle(t, s, store.Settlement{Tenant: "t", EventID: "1", Consumer: hooks, Outcome: store.Retry, After: 2 * time.Hour})
	require.InDelta(t, now+2*time.Hour.Microseconds(), due(), float64(time.Minute.Microseconds()))
	dsn := os.Getenv(postgresVariable)
	schema := sqlstore.EngineOf(s).(postgresEngine).TablesIn()
	synctest.Test(t, func(t *testing.T) {
		off, err := open(t.Context(), dsn, &sqlstore.Options{Schema: schema})
		require.NoError(t, err)
		defer off.Close()
		time.Sleep(time.Millisecond)
		require.Equal(t, 2000, time.Now().Year())
		require.Empty(t, leased(t, off, store.Lease{Consumer: hooks}), "not due by the clock of the database")
		tell(t, off, "t", "2", "bob", hooks)
		require.Equal(t, []string{"2"}, leased(t, off, store.Lease{Consumer: hooks, For: time.Hour}))
	})
	require.Empty(t, leased(t, s, store.Lease{Consumer: hooks}), "nor is what the other process has leased for an hour")
}

// TestClockOfProcess shows that leases on SQLite go by the clock of the process.
func TestClockOfProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newOnSQLite(t, nil)
		tell(t, s, "t", "1", "ada", hooks)
		require.Equal(t, []string{"1"}, leased(t, s, store.Lease{Consumer: hooks, For: time.Hour}))
		time.Sleep(time.Hour - time.Second)
		require.Empty(t, leased(t, s, store.Lease{Consumer: hooks}))
		settle(t, s, store.Settlement{Tenant: "t", EventID: "1", Consumer: hooks, Outcome: store.Renew, After: time.Hour})
		time.Sleep(time.Second)
		require.Empty(t, leased(t, s, store.Lease{Consumer: hooks}))
		time.Sleep(time.Hour)
		require.Equal(t, []string{"1"}, leased(t, s, store.Lease{Consumer: hooks, For: time.Hour}))
		settle(t, s, store.Settlement{Tenant: "t", EventID: "1", Consumer: hooks, Outcome: store.Retry, After: time.Minute})
		require.Empty(t, leased(t, s, store.Lease{Consumer: hooks}))
		time.Sleep(time.Minute)
		require.Equal(t, []string{"1"}, leased(t, s, store.Lease{Consumer: hooks}))
	})
}

// TestForget removes one tenant of two in batches, after it was interrupted: nothing is left of it in any table, and nothing
// of the other one is gone (I13).
func TestForget(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		fill(t, s, "t", sqlstore.Batch+5)
		fill(t, s, "other", 3)
		before := rowsOf(t, s, "other")
		for table, n := range rowsOf(t, s, "t") {
			require.NotZero(t, n, table)
		}
		_, err := sqlstore.EngineOf(s).Apply(t.Context(), []sqlstore.Statement{{SQL: sqlstore.EngineOf(s).Remove("resource", "tenant, type, id", "tenant = 't' LIMIT 700")}})
		require.NoError(t, err) // this is what an interrupted Forget has done
		require.NoError(t, s.Forget(t.Context(), "t"))
		for table, n := range rowsOf(t, s, "t") {
			require.Zero(t, n, table)
		}
		require.Equal(t, before, rowsOf(t, s, "other"))
		require.NoError(t, s.Forget(t.Context(), "t"))
		fill(t, s, "t", 1) // the unique names are free again
	})
}

// fill commits a group with so many members, and some events in each state.
func fill(t *testing.T, s *sqlstore.Store, tenant string, users int) {
	t.Helper()
	g := testGroup("g")
	c := &store.Change{Tenant: tenant, Put: []store.Put{{Resource: g}}, Members: []store.MemberDelta{{Group: "g"}},
		Claims: []store.Claim{{Counter: seats, Take: users, Limit: -1}, {Counter: "brake", Take: 1, Limit: 5, Window: time.Hour, At: epoch}}}
	for n := range users {
		u := testUser(fmt.Sprint("u", n), fmt.Sprint(n))
		c.Put = append(c.Put, store.Put{Resource: u})
		c.Members[0].Add = append(c.Members[0].Add, store.MemberRef{Type: "User", ID: u.ID})
		e := store.Event{ID: fmt.Sprintf("%s %04d", tenant, n), Kind: "provisioned", Subject: u.Key, Time: epoch.Add(time.Duration(n) * time.Second), Consumers: []string{hooks}}
		c.Events = append(c.Events, e)
		c.Journal = append(c.Journal, store.Entry{ID: e.ID, Time: e.Time, Subject: u.Key})
	}
	require.NoError(t, s.Commit(t.Context(), c))
}

// rowsOf counts a tenant's rows in each table that has a column with the tenant.
func rowsOf(t *testing.T, s *sqlstore.Store, tenant string) map[string]int {
	t.Helper()
	rows := map[string]int{}
	for _, table := range []string{"resource", "keys", "count", "member", "event", "journal"} {
		require.NoError(t, sqlstore.EngineOf(s).Query(t.Context(), "SELECT count(*) FROM ~"+table+" WHERE tenant = $1", []any{tenant}, func(rw sqlstore.Row) error {
			var n int
			err := rw.Scan(&n)
			rows[table] = n
			return err
		}))
	}
	return rows
}

// TestPrune removes what is old of all tenants, in batches: done deliveries, parked ones, and entries of the journal, each kind by its own
// age.
func TestPrune(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		const users = 2*sqlstore.Batch + 10
		fill(t, s, "t", users)
		fill(t, s, "u", 3)
		events, err := s.Lease(t.Context(), store.Lease{Owner: "one", Consumer: hooks, Max: users + 3, For: time.Hour})
		require.NoError(t, err)
		require.Len(t, events, users+3)
		var settled []store.Settlement
		for _, e := range events {
			x := store.Settlement{Tenant: e.Subject.Tenant, EventID: e.ID, Consumer: hooks, Owner: "one", Outcome: store.Done}
			switch e.ID[len(e.ID)-1] {
			case '0':
				x.Outcome = store.Park
			case '1':
				continue // the event is yet to be told
			}
			settled = append(settled, x)
		}
		require.NoError(t, s.Settle(t.Context(), settled))
		prune := func(r store.Retention, want int) {
			t.Helper()
			n, err := s.Prune(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		const tens = users / 10
		prune(store.Retention{}, 0)
		prune(store.Retention{Done: epoch}, 0)
		prune(store.Retention{Done: epoch.Add(10 * time.Second)}, 8+1)
		prune(store.Retention{Done: epoch.Add(24 * time.Hour)}, 8*(tens-1))
		prune(store.Retention{Parked: epoch.Add(10 * time.Second)}, 1+1)
		prune(store.Retention{Parked: epoch.Add(24 * time.Hour)}, tens-1)
		require.Equal(t, tens, rowsOf(t, s, "t")["event"])
		require.Equal(t, 1, rowsOf(t, s, "u")["event"])
		prune(store.Retention{Journal: epoch.Add(5 * time.Second)}, 5+3)
		prune(store.Retention{Journal: epoch.Add((users - 5) * time.Second)}, users-10)
		require.Equal(t, 5, rowsOf(t, s, "t")["journal"])
	})
}
