package app

import (
	"context"
	"errors"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// outside is the product's list of accounts outside any organization, by name: resources of a type with a dot in its name,
// which no identity provider sees.
type outside struct{ store store.Store }

const (
	accountType = "app.Account"
	nobody      = "app.outside" // their tenant
)

// Find implements lifecycle.AccountDirectory.
func (o outside) Find(ctx context.Context, names []string) (string, error) {
	for _, name := range names {
		r, err := o.store.Get(ctx, store.Key{Tenant: nobody, Type: accountType, ID: name})
		if err == nil {
			return r.ID, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
	}
	return "", nil
}

func (o outside) add(ctx context.Context, userName string) error {
	at := time.Now().UTC().Truncate(time.Microsecond)
	r := &store.Resource{Key: store.Key{Tenant: nobody, Type: accountType, ID: document.Fold(userName)}, Version: "1", Created: at, LastModified: at}
	err := o.store.Commit(ctx, &store.Change{Tenant: nobody, Put: []store.Put{{Resource: r}}})
	var exists *store.ConflictError
	if errors.As(err, &exists) {
		return nil
	}
	return err
}
