package employees_test

import (
	"bytes"
	"database/sql"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/rollcall-dev/rollcall/examples/employees"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/typed"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

func open(t *testing.T) employees.Table {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	_, err = db.ExecContext(t.Context(), `CREATE TABLE employees (tenant TEXT NOT NULL, id TEXT NOT NULL, email TEXT NOT NULL,
		name TEXT NOT NULL DEFAULT '', active BOOLEAN NOT NULL DEFAULT TRUE, PRIMARY KEY (tenant, id))`)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO employees (tenant, id, email) VALUES ('acme', '0', 'Old@acme.example')`)
	require.NoError(t, err)
	for _, statement := range employees.Columns { // what SCIM asks for
		_, err = db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	return employees.Table{DB: db}
}

func newStore(t *testing.T, own employees.Table) *table.Store {
	t.Helper()
	m, err := mapping.For[employees.Employee]()
	require.NoError(t, err)
	s, err := table.New(table.Of(m, own), table.Table{}, nil)
	require.NoError(t, err)
	return s
}

func TestProvisioned(t *testing.T) {
	table := open(t)
	m, err := mapping.For[employees.Employee]()
	require.NoError(t, err)
	h, err := scim.NewHandler(newStore(t, table), &scim.Options{
		Auth: scim.BearerTokens{"secret": "acme"}, Types: []scim.Type{typed.Users(m)},
	})
	require.NoError(t, err)
	call := func(method, path, body string) (int, string) {
		r := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewBufferString(body))
		r.Header.Set("Authorization", "Bearer secret")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	status, body := call(http.MethodPost, "/Users", `{"userName":"Ada@acme.example","displayName":"Ada","active":true,"title":"Dr","externalId":"x"}`)
	require.Equal(t, 201, status, body)
	id := between(body, `"id":"`, `"`)
	row := func() (email, name string, active bool) {
		err := table.QueryRowContext(t.Context(), `SELECT email, name, active FROM employees WHERE id = ?`, id).Scan(&email, &name, &active)
		require.NoError(t, err)
		return
	}
	email, name, active := row()
	assert.Equal(t, []any{"Ada@acme.example", "Ada", true}, []any{email, name, active})

	status, body = call(http.MethodPatch, "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
		"Operations":[{"op":"Replace","path":"active","value":"False"}]}`)
	require.Less(t, status, 300, body)
	_, _, active = row()
	assert.False(t, active)

	_, err = table.ExecContext(t.Context(), `UPDATE employees SET name = 'Countess' WHERE id = ?`, id)
	require.NoError(t, err)
	status, body = call(http.MethodGet, "/Users/"+id, "")
	assert.Equal(t, 200, status)
	for _, want := range []string{`"displayName":"Countess"`, `"title":"Dr"`, `"active":false`, `"externalId":"x"`} {
		assert.Contains(t, body, want)
	}
	for filter, total := range map[string]string{`userName+eq+"ADA@acme.example"`: "1", `userName+eq+"old@acme.example"`: "1", `externalId+eq+"x"`: "1", `title+sw+"d"`: "1", `userName+eq+"eve"`: "0"} {
		_, body = call(http.MethodGet, "/Users?filter="+filter, "")
		assert.Contains(t, body, `"totalResults":`+total, filter)
	}
	status, _ = call(http.MethodPost, "/Users", `{"userName":"OLD@acme.example"}`)
	assert.Equal(t, 409, status)
	status, body = call(http.MethodPost, "/Users", `{"userName":"no address"}`)
	assert.Equal(t, 400, status)
	assert.Contains(t, body, "userName: want an e-mail address")
	status, _ = call(http.MethodDelete, "/Users/"+id, "")
	assert.Equal(t, 204, status)
}

func between(s, start, end string) string {
	_, s, _ = strings.Cut(s, start)
	s, _, _ = strings.Cut(s, end)
	return s
}

func TestStore(t *testing.T) {
	require.NoError(t, flag.Set("test.short", "true")) // 3,000 members will do: SQLite is not what is tested
	storetest.Run(t, func(t *testing.T) store.Store { return newStore(t, open(t)) })
}

// The promise is 60 lines of code, imports aside.
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
	assert.Less(t, n, 60)
}
