// Package employees is all that a product writes so that an identity provider can fill its own tables of users, teams and team members, on
// PostgreSQL or SQLite. README.md says what each part is for.
package employees

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/typed"
	"github.com/rollcall-dev/rollcall/store"
)

// Employee is the product's own type of people, and Team that of groups.
type (
	Employee struct {
		Email  string `scim:"userName,required" db:"email" validate:"email"`
		Name   string `scim:"displayName" db:"name"`
		Active bool   `scim:"active" db:"active"`
	}
	Team struct {
		Name string `scim:"displayName,required" db:"name"`
	}
)

var (
	employees = mapping.Must(mapping.For[Employee]())
	groups    = mapping.Must(mapping.For[Team]())

	users   = table.SQL[Employee]{Mapping: employees, Table: "users", Tenant: "org", Created: "created_at", Deleted: "deleted_at"}
	teams   = table.SQL[Team]{Mapping: groups, Table: "teams", Tenant: "org", Created: "created_at"}
	members = table.Memberships{Table: "team_members", Group: "team_id", User: "user_id"}
)

// Types returns the resource types for scim.Options.Types.
func Types() []scim.Type {
	return []scim.Type{typed.Users(employees, typed.LinkBy("externalId")), typed.Groups(groups)}
}

// Migration returns the statements of the product's migration, which add to its tables what SCIM needs.
func Migration(d table.Dialect) ([]string, error) {
	forUsers, err := users.Columns(d)
	if err != nil {
		return nil, err
	}
	forTeams, err := teams.Columns(d)
	return append(forUsers, forTeams...), err
}

// OnPostgres makes the store on the product's pool. Events, journal and settings are in tables of the library in the same database.
func OnPostgres(ctx context.Context, pool *pgxpool.Pool) (store.Store, error) {
	kept, err := postgres.OnPool(ctx, pool, &postgres.Options{InTx: func(ctx context.Context, tx pgx.Tx, _ *store.Change) error {
		return table.InTx(ctx, session{tx})
	}})
	if err != nil {
		return nil, err
	}
	return table.Join(kept, table.Standard(stdlib.OpenDBFromPool(pool)), table.PostgreSQL, users, teams, members)
}

// OnSQLite makes the store on the product's database.
func OnSQLite(ctx context.Context, db *sql.DB) (store.Store, error) {
	kept, err := sqlite.OnDB(ctx, db, &sqlite.Options{InTx: func(ctx context.Context, tx *sql.Tx, _ *store.Change) error {
		return table.InTx(ctx, table.Standard(tx))
	}})
	if err != nil {
		return nil, err
	}
	return table.Join(kept, table.Standard(db), table.SQLite, users, teams, members)
}

// session is a transaction of pgx as package table knows it.
type session struct{ pgx.Tx }

func (s session) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := s.Tx.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (s session) Query(ctx context.Context, query string, args ...any) (table.Rows, error) {
	return s.Tx.Query(ctx, query, args...)
}
