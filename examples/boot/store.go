package boot

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/store"
)

const (
	defaultStore = "memory"
	storeNames   = "memory (gone at the end)"
)

// openStore opens the store of the flag -store.
func openStore(ctx context.Context, app App, name string) (store.Store, error) {
	switch {
	case app.Store != nil:
		return app.Store(ctx, name)
	case name == "memory":
		return memstore.New(), nil
	}
	return nil, errors.New("want " + storeNames)
}
