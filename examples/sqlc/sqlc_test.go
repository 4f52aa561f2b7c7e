package sqlc_test

import (
	"database/sql"
	_ "embed"
	"flag"
	"net/http/httptest"
	"strings"
	"testing"

	own "github.com/rollcall-dev/rollcall/examples/sqlc"
	"github.com/rollcall-dev/rollcall/examples/sqlc/gen"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/typed"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

var employees = mapping.Must(mapping.For[gen.Employee]())

//go:embed schema.sql
var schema string

func open(t *testing.T) (*gen.Queries, *table.Store) {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	t.Cleanup(func() { db.Close() })
	if _, err := db.ExecContext(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	queries := gen.New(db)
	s, err := table.New(table.Of(employees, own.Employees{Queries: queries}), table.Table{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return queries, s
}

func TestProvisioned(t *testing.T) {
	queries, s := open(t)
	h, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, Types: []scim.Type{typed.Users(employees)}})
	if err != nil {
		t.Fatal(err)
	}
	call := func(status int, method, path, body string) {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		if w.Code != status {
			t.Errorf("%s %s: got %d %s, want %d", method, path, w.Code, w.Body, status)
		}
	}
	call(201, "POST", "/Users", `{"userName":"Ada@acme.example","displayName":"Ada","active":true}`)
	call(409, "POST", "/Users", `{"userName":"ADA@acme.example"}`)
	call(400, "POST", "/Users", `{"userName":"no address"}`)
	login := "ada@acme.example"
	rows, err := queries.FindEmployees(t.Context(), gen.FindEmployeesParams{Tenant: "acme", Login: &login})
	if err != nil || len(rows) != 1 || rows[0].Name != "Ada" || !rows[0].Active {
		t.Errorf("the rows are %v, %v", rows, err)
	}
}

func TestStore(t *testing.T) {
	if err := flag.Set("test.short", "true"); err != nil {
		t.Fatal(err)
	}
	subset := storetest.Subset{
		"Unique/Shared":  "an address is unique, whether SCIM wants it or not",
		"Unique/AsGiven": "an address is unique in any case",
	}
	storetest.RunSubset(t, subset, func(t *testing.T) store.Store {
		_, s := open(t)
		return s
	})
}
