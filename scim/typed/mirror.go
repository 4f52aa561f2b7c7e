package typed

import (
	"context"
	"fmt"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store"
)

// Row is what a commit makes of a resource, for a table of the product's.
type Row[T any] struct {
	Key   store.Key // the tenant, and the SCIM id
	Value *T        // as the mapping of the tenant reads it; nil: the resource is gone
	// Access says whether a user may use the product: not while waiting for review, suspended or deactivated, nor when gone. Of other
	// types it is whether the resource is there.
	Access   bool
	Created  bool            // the resource was not there before
	Resource *store.Resource // all of it, to read only; nil: it is gone
	// Unread is why the mapping could not read all of Value, if it couldn't: the resource was written under other rules. Access may
	// have to be taken away nevertheless, so that is no reason by itself to refuse the commit.
	Unread error
}

// Mirror keeps a table of the product's in step with the resources of a type: SCIM lives in a store of its own, and write writes
// the product's rows in the same transaction. The function that Mirror returns is for the option InTx of the stores in
// examples/sqlstore; Tx is the transaction that they give. So either both are written, or nothing is.
//
// write is called for each resource of the type that is created, changed or gone, in the order of the commit. If it returns an
// error nothing is committed: an error of package store, such as a *store.ConflictError, is answered as such, and another one is a
// failure of the service. write may be called again for the same commit, after a rollback, and concurrently for different ones. It
// gets the context of the request. To adopt a row that was in the table before SCIM came, write finds it by its e-mail address,
// for instance.
func Mirror[T, Tx any](t *Type[T], write func(ctx context.Context, tx Tx, row Row[T]) error) func(ctx context.Context, tx Tx, c *store.Change) error {
	return func(ctx context.Context, tx Tx, c *store.Change) error {
		for i := range c.Put {
			p := &c.Put[i]
			if p.Resource.Type != t.Name() {
				continue
			}
			row, err := t.row(ctx, c.Tenant, p)
			if err != nil {
				return err
			}
			if err := write(ctx, tx, row); err != nil {
				return err
			}
		}
		for _, d := range c.Delete {
			if d.Type != t.Name() {
				continue
			}
			if err := write(ctx, tx, Row[T]{Key: store.Key{Tenant: c.Tenant, Type: d.Type, ID: d.ID}}); err != nil {
				return err
			}
		}
		return nil
	}
}

// row reads what a put makes of a resource.
func (t *Type[T]) row(ctx context.Context, tenant string, p *store.Put) (Row[T], error) {
	r := *p.Resource
	r.Tenant = tenant
	row := Row[T]{Key: r.Key, Created: p.IfVersion == "", Access: true, Resource: &r}
	if t.Name() == "User" {
		account, err := lifecycle.AccountOf(&r)
		if err != nil {
			return row, err
		}
		row.Access = account.State == lifecycle.Provisioned || account.State == lifecycle.Active
	}
	m, err := t.For(ctx, tenant)
	if err != nil {
		return row, err
	}
	row.Value, row.Unread, err = lenient(m, &r)
	return row, err
}

// lenient reads as much of a resource as the mapping can.
func lenient[T any](m *mapping.Mapping[T], r *store.Resource) (v *T, unread, err error) {
	attributes, err := r.Attributes.Tree()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: attributes of %s %s", store.ErrCorrupt, r.Type, r.ID)
	}
	v = new(T)
	unread = m.FromSCIM(attributes, v)
	return v, unread, nil
}
