// Package mirror writes a product's own table of users together with the store that has the SCIM resources: each change of a person and the
// product's row are written in one transaction.
package mirror

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim/typed"
	"github.com/rollcall-dev/rollcall/store"
)

// User is the product's own type.
type User struct {
	Email string `scim:"userName,required" validate:"email"`
	Name  string `scim:"displayName"`
}

// Users are served, as scim.Options.Types; their mapping fills the table.
var Users = typed.Users(mapping.Must(mapping.For[User]()))

// InTx is the option InTx of the SQL store, by which it also writes the product's rows.
var InTx = typed.Mirror(Users, write)

// write writes the table users (id, org, email, name, enabled, scim_id), in which email and scim_id are unique for each organization.
// It adopts an existing row with the same address, unless the row belongs to another SCIM user.
func write(ctx context.Context, tx pgx.Tx, row typed.Row[User]) error {
	if row.Value == nil {
		_, err := tx.Exec(ctx, `DELETE FROM users WHERE org = $1 AND scim_id = $2`, row.Key.Tenant, row.Key.ID)
		return err
	}
	if row.Created {
		adopted, err := tx.Exec(ctx, `UPDATE users SET scim_id = $2, name = $4, enabled = $5 WHERE org = $1 AND lower(email) = lower($3) AND scim_id IS NULL`,
			row.Key.Tenant, row.Key.ID, row.Value.Email, row.Value.Name, row.Access)
		if err != nil || adopted.RowsAffected() > 0 {
			return err
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO users (org, scim_id, email, name, enabled) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (org, scim_id) DO UPDATE SET email = excluded.email, name = excluded.name, enabled = excluded.enabled`,
		row.Key.Tenant, row.Key.ID, row.Value.Email, row.Value.Name, row.Access)
	if taken := (*pgconn.PgError)(nil); errors.As(err, &taken) && taken.Code == "23505" {
		return &store.ConflictError{Attribute: "userName"}
	}
	return err
}
