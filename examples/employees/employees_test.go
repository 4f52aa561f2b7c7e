package employees_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/rollcall-dev/rollcall/examples/employees"
	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// The product's own tables, as they were before anybody thought of SCIM. Bills forbid that a row of users is deleted.
const postgresTables = `
CREATE TABLE users (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL DEFAULT '',
	active BOOLEAN NOT NULL DEFAULT TRUE, created_at TIMESTAMPTZ NOT NULL DEFAULT now(), deleted_at TIMESTAMPTZ);
CREATE UNIQUE INDEX users_email ON users (org, lower(email)) WHERE deleted_at IS NULL AND email <> '';
CREATE TABLE teams (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org TEXT NOT NULL, name TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL DEFAULT now());
CREATE TABLE team_members (team_id BIGINT NOT NULL REFERENCES teams (id), user_id BIGINT NOT NULL REFERENCES users (id), PRIMARY KEY (team_id, user_id));
CREATE TABLE bills (user_id BIGINT NOT NULL REFERENCES users (id), amount INT NOT NULL);
INSERT INTO users (org, email, name, created_at) VALUES ('acme', 'Old@acme.example', 'Old', '2020-02-03T04:05:06Z');
INSERT INTO bills VALUES (1, 100);
`

const sqliteTables = `
CREATE TABLE users (id INTEGER PRIMARY KEY, org TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL DEFAULT '',
	active BOOLEAN NOT NULL DEFAULT TRUE, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, deleted_at TIMESTAMP);
CREATE UNIQUE INDEX users_email ON users (org, lower(email)) WHERE deleted_at IS NULL AND email <> '';
CREATE TABLE teams (id INTEGER PRIMARY KEY, org TEXT NOT NULL, name TEXT NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE team_members (team_id BIGINT NOT NULL REFERENCES teams (id), user_id BIGINT NOT NULL REFERENCES users (id), PRIMARY KEY (team_id, user_id));
CREATE TABLE bills (user_id BIGINT NOT NULL REFERENCES users (id), amount INT NOT NULL);
INSERT INTO users (org, email, name, created_at) VALUES ('acme', 'Old@acme.example', 'Old', '2020-02-03 04:05:06');
INSERT INTO bills VALUES (1, 100);
`

// product is a store on the product's tables, and what the product itself does in its database.
type product struct {
	store.Store
	exec func(query string)
	ask  func(query string) string
}

func onSQLite(t *testing.T) *product {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "own.db")+"?_pragma=journal_mode(wal)&_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	p := &product{exec: func(query string) {
		_, err := db.ExecContext(context.WithoutCancel(t.Context()), query)
		require.NoError(t, err)
	}, ask: func(query string) (answer string) {
		require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&answer))
		return answer
	}}
	p.exec(sqliteTables)
	migrate(t, p, table.SQLite)
	p.Store, err = employees.OnSQLite(t.Context(), db)
	require.NoError(t, err)
	return p
}

func onPostgres(t *testing.T) *product {
	t.Helper()
	dsn := os.Getenv("ROLLCALL_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("no PostgreSQL to test with: set ROLLCALL_TEST_POSTGRES=postgres://user:password@host/database")
	}
	schema := fmt.Sprintf("employees_%d_%s", os.Getpid(), strings.ToLower(strings.NewReplacer("/", "_").Replace(t.Name())))
	if len(schema) > 60 {
		schema = schema[:60]
	}
	c, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	admin, err := pgx.ConnectConfig(t.Context(), c.ConnConfig.Copy())
	require.NoError(t, err)
	_, err = admin.Exec(t.Context(), "DROP SCHEMA IF EXISTS "+schema+" CASCADE; CREATE SCHEMA "+schema)
	require.NoError(t, err)
	c.ConnConfig.RuntimeParams["search_path"] = schema
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() {
		pool.Close()
		_, _ = admin.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE")
		_ = admin.Close(context.Background())
	})
	p := &product{exec: func(query string) {
		_, err := pool.Exec(context.WithoutCancel(t.Context()), query)
		require.NoError(t, err)
	}, ask: func(query string) (answer string) {
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT x::text FROM ("+query+") q (x)").Scan(&answer))
		return answer
	}}
	p.exec(postgresTables)
	migrate(t, p, table.PostgreSQL)
	p.Store, err = employees.OnPostgres(t.Context(), pool)
	require.NoError(t, err)
	return p
}

func migrate(t *testing.T, p *product, d table.Dialect) {
	t.Helper()
	statements, err := employees.Migration(d)
	require.NoError(t, err)
	for _, s := range statements {
		p.exec(s)
	}
}

// TestMigrationRunsAgain shows that a product on PostgreSQL may run the migration each time that it starts.
func TestMigrationRunsAgain(t *testing.T) {
	p := onPostgres(t)
	migrate(t, p, table.PostgreSQL)
}

// onEach runs a test on both databases.
func onEach(t *testing.T, do func(t *testing.T, open func(t *testing.T) *product)) {
	t.Run("SQLite", func(t *testing.T) { do(t, onSQLite) })
	t.Run("PostgreSQL", func(t *testing.T) { do(t, onPostgres) })
}

// subset is what these tables leave out of the contract.
var subset = storetest.Subset{
	"List/Types":         "lists are of the product's types, or of others: SCIM has no list of both",
	"Unique/Shared":      "the column email is unique, whether SCIM wants it or not",
	"Unique/AsGiven":     "the column email is unique in any case",
	"Filter/Related":     "teams have people only",
	"Forget/Forget":      "the rows are the product's: it deletes them itself, as it always did",
	"Forget/ForgetAgain": "the rows are the product's: it deletes them itself, as it always did",
	"Members/Nested":     "teams have people only",
	"Members/Leave":      "teams have people only",
	"Members/Unknown":    "teams have people only",
}

func TestStore(t *testing.T) {
	short := testing.Short()
	require.NoError(t, flag.Set("test.short", "true")) // 3,000 members will do
	onEach(t, func(t *testing.T, open func(t *testing.T) *product) {
		if short && strings.HasSuffix(t.Name(), "PostgreSQL") {
			t.Skip("it takes half a minute, and with -race some")
		}
		storetest.RunSubset(t, subset, func(t *testing.T) store.Store { return open(t).Store })
	})
}

// The promise is less than 100 lines of code, imports aside.
func TestLines(t *testing.T) {
	src, err := os.ReadFile("employees.go")
	require.NoError(t, err)
	_, code, ok := strings.Cut(string(src), "\n)\n")
	require.True(t, ok)
	n := 0
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	assert.Less(t, n, 100)
}
