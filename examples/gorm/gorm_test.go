package gorm_test

import (
	"flag"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	own "github.com/rollcall-dev/rollcall/examples/gorm"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/typed"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

var employees = mapping.Must(mapping.For[own.Employee]())

func open(t *testing.T) (*gorm.DB, *table.Store) {
	t.Helper()
	db, err := gorm.Open(sqlite.Open(":memory:"), &gorm.Config{TranslateError: true, Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	plain.SetMaxOpenConns(1) // each connection would have a database of its own
	t.Cleanup(func() { plain.Close() })
	if err := db.AutoMigrate(&own.Employee{}); err != nil {
		t.Fatal(err)
	}
	s, err := table.New(table.Of(employees, own.Employees{DB: db}), table.Table{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return db, s
}

func TestProvisioned(t *testing.T) {
	db, s := open(t)
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
	var e own.Employee
	if err := db.First(&e, "tenant = ? AND email = ?", "acme", "Ada@acme.example").Error; err != nil || e.Name != "Ada" || !e.Active {
		t.Errorf("the row is %+v, %v", e, err)
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
