package try

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const postgresVariable = "ROLLCALL_TEST_POSTGRES"

// OnStores runs a test with each store, by what the flag -store says.
func OnStores(t *testing.T, test func(t *testing.T, name string)) {
	t.Run("memory", func(t *testing.T) { test(t, "memory") })
	OnEngines(t, test)
}

// OnEngines runs a test on an empty database of each engine.
func OnEngines(t *testing.T, test func(t *testing.T, name string)) {
	t.Run("SQLite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "try.db")) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, newSchema(t)) })
}

// newSchema names a database whose tables are in a schema of their own, which is dropped in the end.
func newSchema(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv(postgresVariable)
	if dsn == "" {
		t.Skipf("no PostgreSQL to test with: set %s=postgres://user:password@host/database", postgresVariable)
	}
	schema := fmt.Sprintf("rollcall_try_%x", rand.Uint64())
	run := func(sql string) {
		c, err := pgx.Connect(context.Background(), dsn)
		require.NoError(t, err)
		defer c.Close(context.Background())
		_, err = c.Exec(context.Background(), sql)
		require.NoError(t, err)
	}
	run("CREATE SCHEMA " + schema)
	t.Cleanup(func() { run("DROP SCHEMA " + schema + " CASCADE") })
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}
