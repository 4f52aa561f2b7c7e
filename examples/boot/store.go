package boot

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/examples/sqlstore"
	"github.com/rollcall-dev/rollcall/store"
)

const (
	defaultStore = "sqlite:rollcall.db"
	storeNames   = "memory (gone at the end), sqlite:PATH, or postgres://USER@HOST/DATABASE"
)

// redacted is a store's name without its password.
func redacted(name string) string {
	if u, err := url.Parse(name); err == nil {
		return u.Redacted()
	}
	return strings.SplitN(name, ":", 2)[0] + ":..."
}

// openStore opens the store of the flag -store.
func openStore(ctx context.Context, app App, name string) (store.Store, error) {
	switch {
	case app.Store != nil:
		return app.Store(ctx, name)
	case name == "memory":
		return memstore.New(), nil
	case strings.HasPrefix(name, "sqlite:"), strings.HasPrefix(name, "postgres://"), strings.HasPrefix(name, "postgresql://"):
		return sqlstore.Open(ctx, name, nil)
	}
	return nil, errors.New("want " + storeNames)
}
