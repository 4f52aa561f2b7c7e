package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/rollcall-dev/rollcall/scim/portal"
	"github.com/rollcall-dev/rollcall/store"
)

// customers is the product's list of its customers. The library has none, as no call to a store looks into all tenants. Here a customer is
// whoever has got a connection or a setup link; a product has its own table.
type customers struct{ store store.Store }

const (
	customerType = "app.Customer"
	vendorTenant = "app.customers" // the tenant in which customers are kept
)

func (c customers) add(ctx context.Context, tenant string) error {
	key := store.Key{Tenant: vendorTenant, Type: customerType, ID: tenant}
	if _, err := c.store.Get(ctx, key); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	at := time.Now().UTC().Truncate(time.Microsecond)
	err := c.store.Commit(ctx, &store.Change{Tenant: vendorTenant, Put: []store.Put{{Resource: &store.Resource{Key: key, Version: "1", Created: at, LastModified: at}}}})
	if exists := (*store.ConflictError)(nil); errors.As(err, &exists) {
		return nil
	}
	return err
}

func (c customers) forget(ctx context.Context, tenant string) error {
	err := c.store.Commit(ctx, &store.Change{Tenant: vendorTenant, Delete: []store.Delete{{Type: customerType, ID: tenant}}})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// list returns a page of customers, for portal.VendorOptions.
func (c customers) list(ctx context.Context, cursor string) (tenants []string, next string, err error) {
	page, err := c.store.List(ctx, store.Query{Tenant: vendorTenant, Types: []string{customerType}, Cursor: cursor, Count: 50, NoTotal: true})
	if err != nil {
		return nil, "", err
	}
	for _, r := range page.Resources {
		tenants = append(tenants, r.ID)
	}
	return tenants, page.Next, nil
}

// mountCustomers serves the vendor's view over all customers at /app/customers/. Like all of /app it isn't authenticated. A product
// checks the session of its staff.
func (a *App) mountCustomers(mux *http.ServeMux) error {
	view, err := a.Portal.Vendor(portal.VendorOptions{Path: "/app/customers", Tenants: a.customers.list, Links: true,
		Who: func(*http.Request) (string, error) { return "demo staff", nil }})
	if err != nil {
		return err
	}
	mux.Handle("GET /app/customers/", view)
	// A tenant that gets a setup link on that page is a customer from then on.
	mux.Handle("POST /app/customers/", http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if tenant := r.PostFormValue("tenant"); tenant != "" && len(tenant) <= 1_000 {
			if err := a.customers.add(r.Context(), tenant); err != nil {
				http.Error(w, "the service failed", http.StatusInternalServerError)
				return
			}
		}
		view.ServeHTTP(w, r)
	})))
	return nil
}
