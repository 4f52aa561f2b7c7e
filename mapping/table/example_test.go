package table_test

import (
	"context"
	"fmt"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/store"
)

// A product's own repository becomes a store. SCIM shows what the product changes in its rows.
func ExampleNew() {
	type Employee struct {
		Email string `scim:"userName"`
		Name  string `scim:"displayName"`
	}
	rows := table.NewMemory[Employee]() // in a product: its own table.Repository
	s, err := table.New(table.Of(mapping.Must(mapping.For[Employee]()), rows), table.Table{}, nil)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	ada := &store.Resource{Key: store.Key{Type: "User", ID: "7"}, Version: "1", Attributes: `{"userName":"ada@acme.example","title":"Dr"}`}
	if err := s.Commit(ctx, &store.Change{Tenant: "acme", Put: []store.Put{{Resource: ada}}}); err != nil {
		panic(err)
	}
	row, _ := rows.Get(ctx, "acme", "7")
	fmt.Println(row.Value.Email)
	row.Value.Name = "Ada" // this is a change that the product itself makes
	_ = rows.Update(ctx, "acme", row)
	r, _ := s.Get(ctx, store.Key{Tenant: "acme", Type: "User", ID: "7"})
	fmt.Println(r.Attributes)
	// Output:
	// ada@acme.example
	// {"userName":"ada@acme.example","title":"Dr","displayName":"Ada"}
}

// A table is described by tags and a few names. Columns returns the statements that add to the table what SCIM needs.
func ExampleSQL_Columns() {
	type Team struct {
		Name string `scim:"displayName" db:"name"`
	}
	teams := table.SQL[Team]{Mapping: mapping.Must(mapping.For[Team]()), Table: "teams", Tenant: "org"}
	statements, err := teams.Columns(table.SQLite)
	for _, s := range statements {
		fmt.Println(s)
	}
	fmt.Println(err)
	type Nowhere struct {
		Name string `scim:"displayName"`
	}
	_, err = table.SQL[Nowhere]{Mapping: mapping.Must(mapping.For[Nowhere]()), Table: "teams"}.Columns(table.SQLite)
	fmt.Println(err)
	// Output:
	// ALTER TABLE teams ADD COLUMN scim_id TEXT
	// ALTER TABLE teams ADD COLUMN scim_rest TEXT NOT NULL DEFAULT ''
	// ALTER TABLE teams ADD COLUMN scim_name TEXT
	// ALTER TABLE teams ADD COLUMN scim_external TEXT
	// CREATE UNIQUE INDEX teams_scim_id ON teams (org, (COALESCE(scim_id, CAST(id AS TEXT))))
	// CREATE INDEX teams_scim_name ON teams (org, scim_name)
	// CREATE INDEX teams_scim_external ON teams (org, scim_external)
	// CREATE INDEX teams_scim_lower ON teams (org, lower(name))
	// <nil>
	// table: field Name of table_test.Nowhere has the attribute displayName, and no column: add a tag such as `db:"name"`
}
