package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// postgresVariable names the database that tests use, each in a schema of its own.
const postgresVariable = "ROLLCALL_TEST_POSTGRES"

// engines open an empty store on each engine.
var engines = map[string]func(t testing.TB, o *Options) *Store{
	"SQLite":     newOnSQLite,
	"PostgreSQL": newOnPostgres,
}

func newOnSQLite(t testing.TB, o *Options) *Store {
	t.Helper()
	return openIn(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), o)
}

func newOnPostgres(t testing.TB, o *Options) *Store {
	t.Helper()
	own := Options{}
	if o != nil {
		own = *o
	}
	own.Schema = newSchema(t)
	return openIn(t, os.Getenv(postgresVariable), &own)
}

func openIn(t testing.TB, dsn string, o *Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), dsn, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// newSchema names a schema that is dropped in the end. It skips the test if there's no database to test with.
func newSchema(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv(postgresVariable)
	if dsn == "" {
		t.Skipf("no PostgreSQL to test with: set %s=postgres://user:password@host/database", postgresVariable)
	}
	schema := fmt.Sprintf("rollcall_test_%x", rand.Uint64())
	t.Cleanup(func() {
		ctx := context.Background()
		c, err := pgx.Connect(ctx, dsn)
		require.NoError(t, err)
		defer c.Close(ctx)
		_, err = c.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
		require.NoError(t, err)
	})
	return schema
}

// onEach runs a test on each engine.
func onEach(t *testing.T, test func(t *testing.T, open func(t testing.TB, o *Options) *Store)) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}
