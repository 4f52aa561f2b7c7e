package benchmarks_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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

// BenchmarkDelivery is one process that tells events of as many people by a hook that takes 10 ms.
func BenchmarkDelivery(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(b *testing.B) store.Store
	}{
		{"memory", func(*testing.B) store.Store { return memstore.New() }},
		{"SQLite", openedSQLite},
		{"PostgreSQL", openedPostgres},
	} {
		b.Run(engine.name, func(b *testing.B) {
			s := engine.open(b)
			told := make(chan struct{}, 16)
			l, err := lifecycle.New(s, &lifecycle.Options{Hooks: lifecycle.Hooks{Any: func(context.Context, *lifecycle.Event) error {
				time.Sleep(10 * time.Millisecond)
				told <- struct{}{}
				return nil
			}}})
			require.NoError(b, err)
			for first := 0; first < b.N; first += 500 {
				var events []store.Event
				for i := first; i < min(first+500, b.N); i++ {
					id := fmt.Sprint(i)
					events = append(events, store.Event{ID: id, Kind: "updated", Subject: store.Key{Tenant: "acme", Type: "User", ID: id}, Time: time.Now(), Data: `{"v":1}`, Consumers: []string{"hooks"}})
				}
				require.NoError(b, s.Commit(b.Context(), &store.Change{Tenant: "acme", Events: events}))
			}
			b.ResetTimer()
			ended := make(chan error)
			ctx, cancel := context.WithCancel(b.Context())
			go func() { ended <- l.Run(ctx) }()
			for range b.N {
				<-told
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			cancel()
			require.NoError(b, <-ended)
		})
	}
}

func openedPostgres(b *testing.B) store.Store {
	b.Helper()
	schema := fmt.Sprintf("rollcall_bench_%d", time.Now().UnixNano())
	s, err := postgres.Open(b.Context(), postgresDSN(b), &postgres.Options{Schema: schema})
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
