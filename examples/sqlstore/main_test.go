package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/store"
)

// postgresVariable is the environment variable with the address of the database. Each test uses another schema in it.
const postgresVariable = "ROLLCALL_TEST_POSTGRES"

// engines open an empty store on each engine.
var engines = map[string]func(t testing.TB, o *sqlstore.Options) *sqlstore.Store{
	"SQLite":     newOnSQLite,
	"PostgreSQL": newOnPostgres,
}

func newOnSQLite(t testing.TB, o *sqlstore.Options) *sqlstore.Store {
	t.Helper()
	return openIn(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), o)
}

func newOnPostgres(t testing.TB, o *sqlstore.Options) *sqlstore.Store {
	t.Helper()
	own := sqlstore.Options{}
	if o != nil {
		own = *o
	}
	own.Schema = newSchema(t)
	return openIn(t, os.Getenv(postgresVariable), &own)
}

// openIn opens a store by the address of its database, and closes it when the test ends.
func openIn(t testing.TB, dsn string, o *sqlstore.Options) *sqlstore.Store {
	t.Helper()
	s, err := open(context.Background(), dsn, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// open opens a store by the address of its database.
func open(ctx context.Context, dsn string, o *sqlstore.Options) (*sqlstore.Store, error) {
	if strings.HasPrefix(dsn, "sqlite:") {
		s, err := sqlite.Open(ctx, dsn, onSQLite(o))
		if err != nil {
			return nil, err
		}
		return s.Store, nil
	}
	s, err := postgres.Open(ctx, dsn, onPostgres(o))
	if err != nil {
		return nil, err
	}
	return s.Store, nil
}

// onPool opens a store on PostgreSQL.
func onPool(ctx context.Context, pool *pgxpool.Pool, o *sqlstore.Options) (*sqlstore.Store, error) {
	s, err := postgres.OnPool(ctx, pool, onPostgres(o))
	if err != nil {
		return nil, err
	}
	return s.Store, nil
}

func onPostgres(o *sqlstore.Options) *postgres.Options {
	if o == nil {
		return nil
	}
	own := &postgres.Options{Prefix: o.Prefix, Schema: o.Schema, NoMigrate: o.NoMigrate, Scans: o.Scans, ScanTime: o.ScanTime, ScanRows: o.ScanRows}
	if o.InTx != nil {
		own.InTx = func(ctx context.Context, tx pgx.Tx, c *store.Change) error { return o.InTx(ctx, tx, c) }
	}
	return own
}

func onSQLite(o *sqlstore.Options) *sqlite.Options {
	if o == nil {
		return nil
	}
	own := &sqlite.Options{Prefix: o.Prefix, NoMigrate: o.NoMigrate, Scans: o.Scans, ScanTime: o.ScanTime, ScanRows: o.ScanRows}
	if o.InTx != nil {
		own.InTx = func(ctx context.Context, tx *sql.Tx, c *store.Change) error { return o.InTx(ctx, tx, c) }
	}
	return own
}

// execIn runs a statement in a transaction of either engine.
func execIn(ctx context.Context, tx sqlstore.Tx, text string, args ...any) (err error) {
	switch tx := tx.(type) {
	case pgx.Tx:
		_, err = tx.Exec(ctx, text, args...)
	case *sql.Tx:
		_, err = tx.ExecContext(ctx, text, args...)
	}
	return err
}

// postgresEngine and liteEngine are the methods that the engines have for tests.
type (
	postgresEngine interface {
		sqlstore.Engine
		Pool() *pgxpool.Pool
		Fill(string) string
		Made() *sqlstore.Texts
		TablesIn() string
		Shared() *sqlstore.Queue[*store.Change]
		Sharing() (transactions, each int)
		Shares(c *store.Change) bool
	}
	liteEngine interface {
		sqlstore.Engine
		Reader() *sql.DB
		Writer() *sql.DB
		Waiting() int
		Prepared() (read, written []string)
		Fill(string) string
		Made() *sqlstore.Texts
		ForgetTexts()
	}
)

// newSchema returns the name of a schema that is dropped when the test ends. It skips the test if there is no database to test with.
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
func onEach(t *testing.T, test func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store)) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}
