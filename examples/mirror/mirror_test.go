package mirror_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/mirror"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/document"
)

const productTable = `CREATE TABLE users (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL,
	enabled BOOLEAN NOT NULL DEFAULT TRUE, scim_id TEXT, UNIQUE (org, scim_id));
CREATE UNIQUE INDEX users_email ON users (org, lower(email));
INSERT INTO users (org, email, name) VALUES ('acme', 'Old@acme.example', 'Old'), ('other', 'ada@acme.example', 'Stranger')`

// database returns a pool on a schema of its own.
func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	dsn := os.Getenv("ROLLCALL_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("no PostgreSQL to test with: set ROLLCALL_TEST_POSTGRES=postgres://user:password@host/database")
	}
	schema := fmt.Sprintf("mirror_test_%x", rand.Uint64())
	c, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	admin, err := pgx.ConnectConfig(t.Context(), c.ConnConfig.Copy())
	require.NoError(t, err)
	_, err = admin.Exec(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	c.ConnConfig.RuntimeParams["search_path"] = schema
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() {
		pool.Close()
		_, _ = admin.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE")
		_ = admin.Close(context.Background())
	})
	_, err = pool.Exec(t.Context(), productTable)
	require.NoError(t, err)
	return pool
}

func TestMirror(t *testing.T) {
	pool := database(t)
	s, err := postgres.OnPool(t.Context(), pool, &postgres.Options{InTx: mirror.InTx})
	require.NoError(t, err)
	settings := lifecycle.DefaultSettings()
	h, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, Types: []scim.Type{mirror.Users},
		Lifecycle: lifecycle.Options{Settings: lifecycle.FixedSettings(settings)}})
	require.NoError(t, err)
	call := func(status int, method, path, body string) document.Value {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		require.Equal(t, status, w.Code, w.Body)
		v, _ := document.Parse(w.Body.String(), 0)
		return v
	}
	rows := func() (all []string) {
		t.Helper()
		found, err := pool.Query(t.Context(), `SELECT id, org, email, name, enabled, scim_id IS NOT NULL FROM users ORDER BY id`)
		require.NoError(t, err)
		for found.Next() {
			values, err := found.Values()
			require.NoError(t, err)
			all = append(all, strings.Trim(fmt.Sprint(values), "[]"))
		}
		return all
	}
	old := call(201, "POST", "/Users", `{"userName":"old@acme.example","displayName":"Older"}`).Get("id").Text()
	stranger := "2 other ada@acme.example Stranger true false"
	assert.Equal(t, []string{"1 acme Old@acme.example Older true true", stranger}, rows(), "the row that was there is adopted")
	ada := call(201, "POST", "/Users", `{"userName":"ada@acme.example","displayName":"Ada"}`).Get("id").Text()
	call(200, "PATCH", "/Users/"+ada, `{"Operations":[{"op":"replace","path":"displayName","value":"Eve"},{"op":"replace","path":"active","value":false}]}`)
	assert.Equal(t, []string{"1 acme Old@acme.example Older true true", stranger, "3 acme ada@acme.example Eve false true"}, rows())
	login, err := h.Lifecycle().Login(t.Context(), "acme", lifecycle.Identity{UserName: "old@acme.example"})
	require.NoError(t, err)
	assert.Equal(t, old, login.ID)
	_, err = h.Lifecycle().Suspend(t.Context(), lifecycle.Request{Tenant: "acme"}, old)
	require.NoError(t, err)
	assert.Equal(t, "1 acme old@acme.example Older false true", rows()[0], "whatever takes access away is mirrored")
	call(204, "DELETE", "/Users/"+ada, "")
	assert.Equal(t, 2, len(rows()))

	// What the product's table refuses is refused, and SCIM keeps nothing of it.
	_, err = pool.Exec(t.Context(), `INSERT INTO users (org, email, name, scim_id) VALUES ('acme', 'taken@acme.example', 'Taken', 'elsewhere')`)
	require.NoError(t, err)
	call(409, "POST", "/Users", `{"userName":"taken@acme.example"}`)
	assert.Equal(t, "0", call(200, "GET", `/Users?filter=userName+eq+"taken@acme.example"`, "").Get("totalResults").Text())
	call(400, "POST", "/Users", `{"userName":"no address"}`)
}

// The promise is less than 40 lines of code, imports aside.
func TestLines(t *testing.T) {
	src, err := os.ReadFile("mirror.go")
	require.NoError(t, err)
	_, code, ok := strings.Cut(string(src), "\n)\n")
	require.True(t, ok)
	n := 0
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	assert.Less(t, n, 40)
}
