// Package gorm makes a table of people, which a product reads and writes with gorm.io/gorm, a table.Repository, so that an identity
// provider can fill it.
package gorm

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Employee is the product's own model.
type Employee struct {
	Tenant string `gorm:"primaryKey;uniqueIndex:login"`
	ID     string `gorm:"primaryKey"`
	Email  string `scim:"userName,required" validate:"email"`
	Name   string `scim:"displayName"`
	Active bool   `scim:"active"`

	Login *string `gorm:"uniqueIndex:login"` // the address as document.Fold makes it; NULL if there is none
	Rest  string  // table.Record.Rest
}

// Employees is the table as a table.Repository.
type Employees struct{ DB *gorm.DB }

type record = table.Record[Employee]

func (t Employees) db(ctx context.Context, tenant string) *gorm.DB {
	return t.DB.WithContext(ctx).Where("tenant = ?", tenant)
}

func model(tenant string, r *record) *Employee {
	e := r.Value
	e.Tenant, e.ID, e.Rest, e.Login = tenant, r.ID, r.Rest, nil
	if login := document.Fold(e.Email); login != "" {
		e.Login = &login
	}
	return &e
}

func (t Employees) Create(ctx context.Context, tenant string, r *record) error {
	return refused(t.db(ctx, tenant).Create(model(tenant, r)).Error)
}

func (t Employees) Update(ctx context.Context, tenant string, r *record) error {
	return found(t.db(ctx, tenant).Where("id = ?", r.ID).Select("*").Updates(model(tenant, r)))
}

func (t Employees) Delete(ctx context.Context, tenant, id string) error {
	return found(t.db(ctx, tenant).Where("id = ?", id).Delete(&Employee{}))
}

func (t Employees) Get(ctx context.Context, tenant, id string) (*record, error) {
	list, err := read(t.db(ctx, tenant).Where("id = ?", id))
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
	return read(t.db(ctx, tenant).Where("login = ?", value))
}

func (t Employees) List(ctx context.Context, tenant, after string, most int) ([]*record, error) {
	return read(t.db(ctx, tenant).Where("id > ?", after).Limit(most))
}

func read(db *gorm.DB) (list []*record, err error) {
	var rows []Employee
	if err := db.Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	for _, e := range rows {
		list = append(list, &record{ID: e.ID, Value: e, Rest: e.Rest})
	}
	return list, nil
}

func found(db *gorm.DB) error {
	if db.Error == nil && db.RowsAffected == 0 {
		return store.ErrNotFound
	}
	return refused(db.Error)
}

// refused returns a *store.ConflictError if a unique column has the value already. gorm only returns the error for that if
// gorm.Config.TranslateError is set.
func refused(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &store.ConflictError{Attribute: "userName"}
	}
	return err
}
