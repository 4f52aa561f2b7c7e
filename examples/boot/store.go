package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/store"
)

const (
	defaultStore = "sqlite:rollcall.db"
	storeNames   = "memory (gone at the end), sqlite:PATH, or postgres://USER@HOST/DATABASE"
)

// redacted returns a store's name without its password.
func redacted(name string) string {
	if u, err := url.Parse(name); err == nil {
		return u.Redacted()
	}
	return strings.SplitN(name, ":", 2)[0] + ":..."
}

// Database is a store that outlives the process, with all optional parts of the contract.
type Database interface {
	store.Store
	store.RelatedReader
	store.CounterReader
	store.EventSource
	store.EventAdmin
	store.EventNotifier
	store.FeedReader
	store.JournalReader
	store.Forgetter
	Close() error
}

// OpenDatabase opens the store that the flag -store names, which must be sqlite:PATH or postgres://..., and brings its tables up to date.
func OpenDatabase(ctx context.Context, name string) (Database, error) {
	switch {
	case strings.HasPrefix(name, "sqlite:"):
		return orNil(sqlite.Open(ctx, name, nil))
	case strings.HasPrefix(name, "postgres://"), strings.HasPrefix(name, "postgresql://"):
		return orNil(postgres.Open(ctx, name, nil))
	}
	return nil, fmt.Errorf("-store %s: want sqlite:PATH or postgres://USER@HOST/DATABASE", redacted(name))
}

// orNil returns a nil interface if db couldn't be opened, because an interface with a nil pointer isn't nil.
func orNil[T Database](db T, err error) (Database, error) {
	if err != nil {
		return nil, err
	}
	return db, nil
}

// Store is a store that is closed at the end.
type Store interface {
	store.Store
	io.Closer
}

// inMemory is a store in memory. Its Close does nothing.
type inMemory struct{ *memstore.Store }

func (inMemory) Close() error { return nil }

// OpenStore opens the store that the flag -store names. An error shows the name without its password.
func OpenStore(ctx context.Context, name string) (s Store, err error) {
	switch {
	case name == "memory":
		return inMemory{memstore.New()}, nil
	case strings.HasPrefix(name, "sqlite:"), strings.HasPrefix(name, "postgres://"), strings.HasPrefix(name, "postgresql://"):
		s, err = OpenDatabase(ctx, name)
	default:
		err = errors.New("want " + storeNames)
	}
	if err != nil {
		return nil, fmt.Errorf("-store %s: %w", redacted(name), err)
	}
	return s, nil
}
