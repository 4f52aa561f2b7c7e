package app

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// The product keeps its own records as resources of types with a dot in their names, so that they are in the same
// database as everything else, whichever that is.
const (
	deliveryType = "app.Delivery"
	accountType  = "app.Account"
	nobody       = "app.outside" // the tenant of accounts outside any organization
)

// ledger is the product's record of what its hook was told, duplicates included.
type ledger struct{ store store.Store }

// delivery is a line of it.
type delivery struct {
	Delivery string `json:"delivery"`
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Subject  string `json:"subject"`
	UserName string `json:"userName"`
	Time     string `json:"time"`
}

// record is the hook: what it returns without an error is on disk.
func (l *ledger) record(ctx context.Context, e *lifecycle.Event) error {
	member := func(name, text string) document.Member {
		return document.Member{Name: name, Value: document.String(text)}
	}
	at := time.Now().UTC().Truncate(time.Microsecond)
	id := uuid.Must(uuid.NewV7()).String()
	r := &store.Resource{
		Key: store.Key{Tenant: e.Subject.Tenant, Type: deliveryType, ID: id}, Version: id, Created: at, LastModified: at,
		Internal: document.Object(member("id", e.ID), member("kind", string(e.Kind)), member("subject", e.Subject.ID),
			member("userName", e.UserName), member("time", e.Time.Format(time.RFC3339Nano))).Document(),
	}
	return l.store.Commit(ctx, &store.Change{Tenant: r.Tenant, Put: []store.Put{{Resource: r}}})
}

// read reads deliveries behind one of them.
func (l *ledger) read(ctx context.Context, tenant, after string) ([]delivery, error) {
	const page = 1_000
	q := store.Query{Tenant: tenant, Types: []string{deliveryType}, Count: page, NoTotal: true}
	if after != "" {
		q.Filter = filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: "id"}, Type: filter.String, CaseExact: true},
			Op: filter.Gt, Value: document.String(after)}
	}
	list := []delivery{}
	found, err := l.store.List(ctx, q)
	if err != nil {
		return list, err
	}
	for _, r := range found.Resources {
		text := func(name string) string { return r.Internal.Get(name).Text() }
		list = append(list, delivery{r.ID, text("id"), text("kind"), text("subject"), text("userName"), text("time")})
	}
	return list, nil
}

// outside is the product's list of accounts outside any organization, by name.
type outside struct{ store store.Store }

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
