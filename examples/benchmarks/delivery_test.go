package benchmarks_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// BenchmarkDelivery measures how one process delivers events to a hook, on each store. Before and After are the throughput with a hook that
// takes 10 ms: with one worker, and with the default number of workers. Latency is the time from the beginning of a commit to the hook, at 200
// commits a second. LatencyElsewhere has the hook in another process, which PostgreSQL wakes. Backlog delivers 100,000 events, or as many as
// ROLLCALL_BENCH_EVENTS says, and reports how long the event of a person who loses access meanwhile has to wait.
//
//	ROLLCALL_TEST_POSTGRES=postgres://... go test -run '^$' -bench Delivery -benchtime 1000x ./examples/benchmarks
func BenchmarkDelivery(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(b *testing.B) store.Store
	}{
		{"memory", func(*testing.B) store.Store { return memstore.New() }},
		{"SQLite", openedSQLite},
		{"PostgreSQL", openedPostgres},
	} {
		b.Run("Before/"+engine.name, func(b *testing.B) { throughput(b, engine.open(b), 1) })
		b.Run("After/"+engine.name, func(b *testing.B) { throughput(b, engine.open(b), 0) })
		b.Run("Latency/"+engine.name, func(b *testing.B) { latency(b, engine.open(b)) })
		b.Run("Backlog/"+engine.name, func(b *testing.B) { backlog(b, engine.open(b)) })
	}
	b.Run("LatencyElsewhere/PostgreSQL", latencyElsewhere)
}

// telling returns a service with a hook and a number of workers; 0 means the default.
func telling(b *testing.B, s store.Store, workers int, hook func(*lifecycle.Event)) *lifecycle.Service {
	b.Helper()
	l, err := lifecycle.New(s, &lifecycle.Options{Delivery: lifecycle.Delivery{Workers: workers}, Hooks: lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error {
		hook(e)
		return nil
	}}})
	require.NoError(b, err)
	return l
}

// running runs the delivery until the function that it returns is called.
func running(b *testing.B, l *lifecycle.Service) (stop func()) {
	b.Helper()
	ended := make(chan error)
	ctx, cancel := context.WithCancel(b.Context())
	go func() { ended <- l.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(b, <-ended)
	}
}

// waiting commits events of many people, before any delivery runs.
func waiting(b *testing.B, s store.Store, n int) {
	b.Helper()
	const atOnce = 500
	for first := 0; first < n; first += atOnce {
		var events []store.Event
		for i := first; i < min(first+atOnce, n); i++ {
			id := fmt.Sprint(i)
			events = append(events, store.Event{ID: id, Kind: "updated", Subject: store.Key{Tenant: "acme", Type: "User", ID: id}, Time: time.Now(), Data: `{"v":1}`, Consumers: []string{"hooks"}})
		}
		require.NoError(b, s.Commit(b.Context(), &store.Change{Tenant: "acme", Events: events}))
	}
}

func throughput(b *testing.B, s store.Store, workers int) {
	told := make(chan struct{}, 16)
	l := telling(b, s, workers, func(*lifecycle.Event) {
		time.Sleep(10 * time.Millisecond)
		told <- struct{}{}
	})
	waiting(b, s, b.N)
	b.ResetTimer()
	stop := running(b, l)
	for range b.N {
		<-told
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(0, "ns/op")
	stop()
}

// tell commits an event about the person with an id.
func tell(b *testing.B, l *lifecycle.Service, kind lifecycle.Kind, id string) {
	b.Helper()
	require.NoError(b, l.Tell(b.Context(), lifecycle.Request{Tenant: "acme"}, &store.Change{Tenant: "acme"},
		&lifecycle.Event{Kind: kind, Subject: store.Key{Tenant: "acme", Type: "User", ID: id}}))
}

const pause = time.Second / 200 // between commits whose latency is measured

func latency(b *testing.B, s store.Store) {
	began := make([]time.Time, b.N)
	took := make(chan time.Duration, b.N)
	l := telling(b, s, 0, func(e *lifecycle.Event) {
		at := time.Now()
		i, _ := strconv.Atoi(e.Subject.ID)
		took <- at.Sub(began[i])
	})
	stop := running(b, l)
	ticks := time.NewTicker(pause)
	defer ticks.Stop()
	for i := range b.N {
		<-ticks.C
		began[i] = time.Now()
		tell(b, l, lifecycle.KindUpdated, strconv.Itoa(i))
	}
	all := make([]time.Duration, b.N)
	for i := range all {
		all[i] = <-took
	}
	stop()
	report(b, "", all)
}

// report reports the median and the 99th percentile of times.
func report(b *testing.B, what string, all []time.Duration) {
	b.ReportMetric(0, "ns/op")
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(all[min(len(all)*percent/100, len(all)-1)].Microseconds())/1000, fmt.Sprintf("ms-%sp%d", what, percent))
	}
}

func backlog(b *testing.B, s store.Store) {
	if b.N == 1 && flag.Lookup("test.benchtime").Value.String() != "1x" {
		return // package testing tries each benchmark once before: the number of events doesn't depend on N
	}
	events := 100_000
	if n, err := strconv.Atoi(os.Getenv("ROLLCALL_BENCH_EVENTS")); err == nil {
		events = n
	}
	if testing.Short() {
		events = 1_000
	}
	waiting(b, s, events)
	told := make(chan struct{}, 256)
	var mu sync.Mutex
	began := map[string]time.Time{}
	var urgent []time.Duration
	l := telling(b, s, 0, func(e *lifecycle.Event) {
		if e.Kind == lifecycle.KindDeactivated {
			mu.Lock()
			urgent = append(urgent, time.Since(began[e.Subject.ID]))
			mu.Unlock()
		}
		told <- struct{}{}
	})
	const every = 500
	b.ResetTimer()
	stop := running(b, l)
	total := events
	for n := 0; n < total; n++ {
		<-told
		if n%every == every-1 && n < events { // somebody loses access
			id := fmt.Sprint("urgent", n)
			mu.Lock()
			began[id] = time.Now()
			mu.Unlock()
			tell(b, l, lifecycle.KindDeactivated, id)
			total++
		}
	}
	b.StopTimer()
	stop()
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "events/s")
	report(b, "urgent-", urgent)
}

func openedPostgres(b *testing.B) store.Store {
	b.Helper()
	return openedIn(b, postgresDSN(b), newSchema())
}

func newSchema() string { return fmt.Sprintf("rollcall_bench_%d", time.Now().UnixNano()) }

// openedIn opens a schema of PostgreSQL, and drops it in the end.
func openedIn(b *testing.B, dsn, schema string) store.Store {
	b.Helper()
	s, err := postgres.Open(b.Context(), dsn, &postgres.Options{Schema: schema})
	require.NoError(b, err)
	b.Cleanup(func() {
		_ = s.Transact(context.Background(), func(tx pgx.Tx) error {
			_, err := tx.Exec(context.Background(), "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
			return err
		})
		require.NoError(b, s.Close())
	})
	return s
}

func openedSQLite(b *testing.B) store.Store {
	b.Helper()
	s, err := sqlite.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "b.db"), nil)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	return s
}

func postgresDSN(b *testing.B) string {
	b.Helper()
	dsn := os.Getenv("ROLLCALL_TEST_POSTGRES")
	if dsn == "" {
		b.Skip("no PostgreSQL to test with: set ROLLCALL_TEST_POSTGRES=postgres://user:password@host/database")
	}
	return dsn
}
