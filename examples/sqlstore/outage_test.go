package sqlstore_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/store"
)

// TestTakesNoConnections has a database that accepts no connections any more (SQLSTATE 55000), and ends those that there were (57P01). Both
// mean that the database is unavailable.
func TestTakesNoConnections(t *testing.T) {
	dsn := newDatabase(t)
	pool, err := pgxpool.New(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s, err := onPool(t.Context(), pool, nil)
	require.NoError(t, err)
	commit(t, s, create(testUser("ada", "ada")))
	admin, err := pgx.Connect(t.Context(), os.Getenv(postgresVariable))
	require.NoError(t, err)
	defer admin.Close(context.Background())
	name := pool.Config().ConnConfig.Database
	allow := func(yes string) {
		_, err := admin.Exec(t.Context(), "ALTER DATABASE "+name+" WITH ALLOW_CONNECTIONS "+yes)
		require.NoError(t, err)
	}
	allow("false")
	_, err = admin.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
	require.NoError(t, err)
	for range 3 {
		_, err = s.Get(t.Context(), store.Key{Tenant: "t", Type: "User", ID: "ada"})
		require.ErrorIs(t, err, store.ErrUnavailable)
		_, err = s.List(t.Context(), store.Query{Tenant: "t", Types: []string{"User"}, Count: 1})
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.ErrorIs(t, s.Commit(t.Context(), createUser("bob", "bob")), store.ErrUnavailable)
		_, err = s.Lease(t.Context(), store.Lease{Owner: "one", Consumer: hooks, Max: 1})
		require.ErrorIs(t, err, store.ErrUnavailable)
		_, err = s.Prune(t.Context(), store.Retention{Journal: epoch})
		require.ErrorIs(t, err, store.ErrUnavailable)
	}
	allow("true")
	require.NoError(t, s.Commit(t.Context(), createUser("bob", "bob")))
}

// TestRetries has transactions roll back because of others, again and again: each is tried again a few times, and then the store is
// unavailable.
func TestRetries(t *testing.T) {
	for _, code := range []string{"40P01", "40001", "55P03"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			tries := 0
			var fails int
			s := newOnPostgres(t, &sqlstore.Options{InTx: func(ctx context.Context, tx sqlstore.Tx, _ *store.Change) error {
				if tries++; tries > fails {
					return nil
				}
				return execIn(ctx, tx, "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '"+code+"'; END $$")
			}})
			tries, fails = 0, 3
			require.NoError(t, s.Commit(t.Context(), createUser("ada", "ada")))
			require.Equal(t, 4, tries)
			tries, fails = 0, 1<<20
			require.ErrorIs(t, s.Commit(t.Context(), createUser("bob", "bob")), store.ErrUnavailable)
			require.Less(t, tries, 20)
			checkWhole(t, s, []string{"ada"})
		})
	}
}

// TestLocked has another process hold the lock of a SQLite file for longer than the product waits for it.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(1)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := sqlite.OnDB(t.Context(), db, nil)
	require.NoError(t, err)
	other := openIn(t, "sqlite:"+path, nil)
	require.NoError(t, other.Transact(t.Context(), func(sqlstore.Tx) error {
		require.ErrorIs(t, s.Commit(t.Context(), createUser("ada", "ada")), store.ErrUnavailable)
		return nil
	}))
	require.NoError(t, s.Commit(t.Context(), createUser("ada", "ada")))
	checkWhole(t, s.Store, []string{"ada"})
}
