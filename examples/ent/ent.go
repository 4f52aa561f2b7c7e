// Package ent makes a table of people, which a product reads and writes with entgo.io/ent, a table.Repository, so that an identity
// provider can fill it. Package schema declares the table, and package gen is generated from that:
//
//	go generate ./examples/ent
package ent

//go:generate go run entgo.io/ent/cmd/ent@v0.14.5 generate --target gen ./schema

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/examples/ent/gen"
	"github.com/rollcall-dev/rollcall/examples/ent/gen/employee"
	"github.com/rollcall-dev/rollcall/examples/ent/gen/predicate"
	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Employees is the table as a table.Repository.
type Employees struct{ Client *gen.Client }

type record = table.Record[gen.Employee]

func login(r *record) *string {
	if login := document.Fold(r.Value.Email); login != "" {
		return &login
	}
	return nil
}

func (t Employees) Create(ctx context.Context, tenant string, r *record) error {
	return refused(t.Client.Employee.Create().SetTenant(tenant).SetScimID(r.ID).SetEmail(r.Value.Email).SetName(r.Value.Name).
		SetActive(r.Value.Active).SetNillableLogin(login(r)).SetRest(r.Rest).Exec(ctx))
}

func (t Employees) Update(ctx context.Context, tenant string, r *record) error {
	u := t.Client.Employee.Update().Where(employee.Tenant(tenant), employee.ScimID(r.ID)).
		SetEmail(r.Value.Email).SetName(r.Value.Name).SetActive(r.Value.Active).SetRest(r.Rest).ClearLogin()
	if login := login(r); login != nil {
		u.SetLogin(*login)
	}
	return found(u.Save(ctx))
}

func (t Employees) Delete(ctx context.Context, tenant, id string) error {
	return found(t.Client.Employee.Delete().Where(employee.Tenant(tenant), employee.ScimID(id)).Exec(ctx))
}

func (t Employees) Get(ctx context.Context, tenant, id string) (*record, error) {
	list, err := t.read(ctx, 1, employee.Tenant(tenant), employee.ScimID(id))
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

func (t Employees) Find(ctx context.Context, tenant, path, value string) ([]*record, error) {
	if path != "userName" || value == "" {
		return nil, errors.ErrUnsupported
	}
	return t.read(ctx, 1, employee.Tenant(tenant), employee.Login(value))
}

func (t Employees) List(ctx context.Context, tenant, after string, most int) ([]*record, error) {
	return t.read(ctx, most, employee.Tenant(tenant), employee.ScimIDGT(after))
}

func (t Employees) read(ctx context.Context, most int, which ...predicate.Employee) (list []*record, err error) {
	rows, err := t.Client.Employee.Query().Where(which...).Order(gen.Asc(employee.FieldScimID)).Limit(most).All(ctx)
	for _, e := range rows {
		list = append(list, &record{ID: e.ScimID, Value: *e, Rest: e.Rest})
	}
	return list, err
}

func found(rows int, err error) error {
	if err == nil && rows == 0 {
		return store.ErrNotFound
	}
	return refused(err)
}

// refused returns a *store.ConflictError if a unique column has the value already.
func refused(err error) error {
	if gen.IsConstraintError(err) {
		return &store.ConflictError{Attribute: "userName"}
	}
	return err
}
