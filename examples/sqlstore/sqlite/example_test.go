package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// A service can keep everything in one file.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "rollcall")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	s, err := sqlite.Open(context.Background(), filepath.Join(dir, "rollcall.db"), nil)
	if err != nil {
		panic(err)
	}
	defer s.Close()
	h, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
	if err != nil {
		panic(err)
	}
	for range 2 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/Users", strings.NewReader(`{"userName":"ada@acme.example"}`)))
		fmt.Println(w.Code)
	}
	// Output:
	// 201
	// 409
}

// The product writes its own rows in the transaction of each commit, and may refuse the commit.
func ExampleOptions_inTx() {
	dir, err := os.MkdirTemp("", "rollcall")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	s, err := sqlite.Open(ctx, filepath.Join(dir, "rollcall.db"), &sqlite.Options{
		InTx: func(ctx context.Context, tx *sql.Tx, c *store.Change) error {
			for _, p := range c.Put {
				if p.Resource.Type == "User" {
					_, err := tx.ExecContext(ctx, "INSERT INTO people (id, name) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name", p.Resource.ID, p.Resource.Label)
					if err != nil {
						return err
					}
				}
			}
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	defer s.Close()
	err = s.Transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE people (id text PRIMARY KEY, name text)")
		return err
	})
	if err != nil {
		panic(err)
	}
	h, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
	if err != nil {
		panic(err)
	}
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/Users", strings.NewReader(`{"userName":"ada@acme.example","displayName":"Ada"}`)))
	err = s.Transact(ctx, func(tx *sql.Tx) error {
		var name string
		err := tx.QueryRowContext(ctx, "SELECT name FROM people").Scan(&name)
		fmt.Println(name)
		return err
	})
	fmt.Println(err)
	// Output:
	// Ada
	// <nil>
}
