// Package employees provisions a plain table: all that a product writes to have an identity provider fill a table of
// its own. README.md says what each part is for.
package employees

import (
	"cmp"
	"context"
	"database/sql"
	"errors"

	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Employee is the product's own type.
type Employee struct {
	Email  string `scim:"userName" validate:"email"`
	Name   string `scim:"displayName"`
	Active bool   `scim:"active"`
}

// Columns are what the product's table, employees (tenant, id, email, name, active), gets: the text that Record.Rest
// is, and what a userName is found by, which is the address folded.
var Columns = []string{
	`ALTER TABLE employees ADD COLUMN rest TEXT NOT NULL DEFAULT ''`,
	`ALTER TABLE employees ADD COLUMN login TEXT NOT NULL DEFAULT ''`,
	`UPDATE employees SET login = lower(email)`,
	`CREATE INDEX employees_login ON employees (tenant, login)`,
}

// Table is the product's own table.
type Table struct{ *sql.DB }

type record = table.Record[Employee]

func (t Table) write(ctx context.Context, query, tenant string, r *record) error {
	_, err := t.ExecContext(ctx, query, r.Value.Email, document.Fold(r.Value.Email), r.Value.Name, r.Value.Active, r.Rest, tenant, r.ID)
	return err
}

func (t Table) Create(ctx context.Context, tenant string, r *record) error {
	return t.write(ctx, `INSERT INTO employees (email, login, name, active, rest, tenant, id) VALUES (?, ?, ?, ?, ?, ?, ?)`, tenant, r)
}

func (t Table) Update(ctx context.Context, tenant string, r *record) error {
	return t.write(ctx, `UPDATE employees SET email = ?, login = ?, name = ?, active = ?, rest = ? WHERE tenant = ? AND id = ?`, tenant, r)
}

func (t Table) Delete(ctx context.Context, tenant, id string) error {
	_, err := t.ExecContext(ctx, `DELETE FROM employees WHERE tenant = ? AND id = ?`, tenant, id)
	return err
}

func (t Table) Get(ctx context.Context, tenant, id string) (*record, error) {
	list, err := t.read(ctx, `id = ?2`, tenant, id, 1)
	if err != nil || len(list) == 0 {
		return nil, cmp.Or(err, store.ErrNotFound)
	}
	return list[0], nil
}

func (t Table) Find(ctx context.Context, tenant, path, value string) ([]*record, error) {
	if path != "userName" {
		return nil, errors.ErrUnsupported
	}
	return t.read(ctx, `login = ?2`, tenant, value, 10)
}

func (t Table) List(ctx context.Context, tenant, after string, max int) ([]*record, error) {
	return t.read(ctx, `id > ?2`, tenant, after, max)
}

func (t Table) read(ctx context.Context, where, tenant, arg string, max int) (list []*record, err error) {
	rows, err := t.QueryContext(ctx, `SELECT id, email, name, active, rest FROM employees WHERE tenant = ?1 AND `+where+` ORDER BY id LIMIT ?3`, tenant, arg, max)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r record
		if err := rows.Scan(&r.ID, &r.Value.Email, &r.Value.Name, &r.Value.Active, &r.Rest); err != nil {
			return nil, err
		}
		list = append(list, &r)
	}
	return list, rows.Err()
}
