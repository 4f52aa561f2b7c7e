package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// exportPerson answers GET /app/people/{id}/export: all that is kept about somebody.
func (a *App) exportPerson(r *http.Request, in adminInput) (int, any, error) {
	x, err := a.service.ExportPerson(r.Context(), in.Tenant, r.PathValue("id"))
	if errors.Is(err, store.ErrNotFound) {
		err = &lifecycle.Denied{Reason: lifecycle.DeniedUnknown}
	}
	return http.StatusOK, x, err
}

// erasePerson answers DELETE /app/people/{id}/data: it erases all that identifies a person, in the store and in the product's own tables.
func (a *App) erasePerson(r *http.Request, in adminInput) (int, any, error) {
	ctx, id := r.Context(), r.PathValue("id")
	linked := ""
	if cur, err := a.service.ExportPerson(ctx, in.Tenant, id); err == nil {
		linked = cur.Account.Linked
	} else if !errors.Is(err, store.ErrNotFound) {
		return 0, nil, err
	}
	known, err := a.service.Erase(ctx, in.click(), id)
	if err == nil && !known {
		err = &lifecycle.Denied{Reason: lifecycle.DeniedUnknown}
	}
	if err != nil {
		return 0, nil, err
	}
	if err := a.Connections.EraseProblems(ctx, in.Tenant); err != nil {
		return 0, nil, err
	}
	if linked != "" {
		if err := a.outside.remove(ctx, linked); err != nil {
			return 0, nil, err
		}
	}
	return http.StatusNoContent, nil, a.ledger.erase(ctx, in.Tenant, id)
}

// forgetTenant answers DELETE /app/tenant?tenant=&confirm=: it erases all that is kept of a tenant, if confirm is the tenant's name.
func (a *App) forgetTenant(r *http.Request, in adminInput) (int, any, error) {
	ctx := r.Context()
	if r.URL.Query().Get("confirm") != in.Tenant {
		return 0, nil, badInput{errors.New("confirm: want the name of the tenant, as nothing of it will remain")}
	}
	if err := a.Connections.Forget(ctx, in.Tenant); err != nil {
		return 0, nil, err
	}
	if err := a.outside.forget(ctx, in.Tenant); err != nil {
		return 0, nil, err
	}
	if err := a.customers.forget(ctx, in.Tenant); err != nil {
		return 0, nil, err
	}
	if err := a.service.Forget(ctx, in.Tenant); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, a.ledger.forget(ctx, in.Tenant)
}

// remove removes an account.
func (o outside) remove(ctx context.Context, id string) error {
	err := o.store.Commit(ctx, &store.Change{Tenant: nobody, Delete: []store.Delete{{Type: accountType, ID: document.Fold(id)}}})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// forget removes the accounts that a tenant has acquired.
func (o outside) forget(ctx context.Context, tenant string) error {
	q := store.Query{Tenant: nobody, Types: []string{accountType}, Count: 500, NoTotal: true}
	for {
		page, err := o.store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page.Resources {
			if r.Attributes.Get("tenant").Text() == tenant {
				if err := o.remove(ctx, r.ID); err != nil {
					return err
				}
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}
