package ent_test

import (
	"database/sql"
	"flag"
	"net/http/httptest"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	_ "modernc.org/sqlite"

	own "github.com/rollcall-dev/rollcall/examples/ent"
	"github.com/rollcall-dev/rollcall/examples/ent/gen"
	"github.com/rollcall-dev/rollcall/examples/ent/gen/employee"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/typed"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

var employees = mapping.Must(mapping.For[gen.Employee]())

func open(t *testing.T) (*gen.Client, *table.Store) {
	t.Helper()
	db, err := sql.Open("sqlite", "file::memory:?_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	client := gen.NewClient(gen.Driver(entsql.OpenDB(dialect.SQLite, db)))
	t.Cleanup(func() { client.Close() })
	if err := client.Schema.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := table.New(table.Of(employees, own.Employees{Client: client}), table.Table{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client, s
}

func TestProvisioned(t *testing.T) {
	client, s := open(t)
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
	e, err := client.Employee.Query().Where(employee.Tenant("acme"), employee.Email("Ada@acme.example")).Only(t.Context())
	if err != nil || e.Name != "Ada" || !e.Active {
		t.Errorf("the row is %v, %v", e, err)
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
