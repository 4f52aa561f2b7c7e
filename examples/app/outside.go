package app

import (
	"context"
	"crypto/rand"
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
	nobody      = "app.outside" // the tenant of these accounts
)

// Find implements lifecycle.AccountDirectory. The demo lets every tenant know of every account, so that a script can see a
// conflict without proving whose domain an address is in. A tenant gets the same answer whether or not another tenant has the account.
func (o outside) Find(ctx context.Context, _ string, names []string) ([]string, error) {
	ids := make([]string, len(names))
	for i, name := range names {
		switch r, err := o.store.Get(ctx, o.key(name)); {
		case err == nil:
			ids[i] = r.ID
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	return ids, nil
}

// Claim implements lifecycle.AccountDirectory.
func (o outside) Claim(ctx context.Context, tenant, id string) (bool, error) {
	for {
		r, err := o.store.Get(ctx, o.key(id))
		if err != nil {
			return false, err
		}
		if owner := r.Attributes.Get("tenant").Text(); owner != "" {
			return owner == tenant, nil
		}
		next := *r
		next.Version = rand.Text()
		next.Attributes = document.Object(document.Field{Name: "tenant", Value: document.String(tenant)}).Document()
		err = o.store.Commit(ctx, &store.Change{Tenant: nobody, Put: []store.Put{{Resource: &next, IfVersion: r.Version, Was: r}}})
		if !errors.Is(err, store.ErrVersionMismatch) {
			return err == nil, err
		}
	}
}

func (o outside) key(id string) store.Key {
	return store.Key{Tenant: nobody, Type: accountType, ID: id}
}

func (o outside) add(ctx context.Context, userName string) error {
	at := time.Now().UTC().Truncate(time.Microsecond)
	r := &store.Resource{Key: o.key(document.Fold(userName)), Version: "1", Created: at, LastModified: at}
	err := o.store.Commit(ctx, &store.Change{Tenant: nobody, Put: []store.Put{{Resource: r}}})
	var exists *store.ConflictError
	if errors.As(err, &exists) {
		return nil
	}
	return err
}
