package app_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// calls counts the calls to a store that reads groups together with people.
type calls struct {
	relatedStore
	n int
}

type relatedStore interface {
	store.Store
	store.RelatedReader
}

func (c *calls) GetRelated(ctx context.Context, k store.Key) (*store.Resource, []store.Member, error) {
	c.n++
	return c.relatedStore.GetRelated(ctx, k)
}

func (c *calls) ListRelated(ctx context.Context, q store.Query, most int) (*store.Page, []store.Member, int, error) {
	c.n++
	return c.relatedStore.ListRelated(ctx, q, most)
}

func (c *calls) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	c.n++
	return c.relatedStore.Get(ctx, k)
}

func (c *calls) List(ctx context.Context, q store.Query) (*store.Page, error) {
	c.n++
	return c.relatedStore.List(ctx, q)
}

func (c *calls) Commit(ctx context.Context, change *store.Change) error {
	c.n++
	return c.relatedStore.Commit(ctx, change)
}

// trips counts the round trips to PostgreSQL.
type trips struct{ n atomic.Int32 }

func (c *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	return ctx
}

func (*trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// A login that changes nothing costs one read, also if the settings are stored. On PostgreSQL that is one round trip.
func TestLoginIsOneRead(t *testing.T) {
	test := func(t *testing.T, s relatedStore, trips func() int32) {
		counted := &calls{relatedStore: s}
		h, err := scim.NewHandler(counted, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, Lifecycle: lifecycle.Options{
			Settings: &lifecycle.StoredSettings{Store: counted, MaxAge: time.Hour}}})
		require.NoError(t, err)
		_, err = h.Lifecycle().Add(t.Context(), lifecycle.Request{Tenant: "acme"}, lifecycle.Identity{UserName: "ada"})
		require.NoError(t, err)
		for _, want := range []int{2, 1, 1} { // the first one changes something
			counted.n = 0
			before := trips()
			login, err := h.Lifecycle().Login(t.Context(), "acme", lifecycle.Identity{UserName: "Ada"})
			require.NoError(t, err)
			assert.Equal(t, want == 2, login.Billed)
			assert.Equal(t, want, counted.n)
			if before > 0 && want == 1 {
				assert.EqualValues(t, want, trips()-before)
			}
		}
	}
	none := func() int32 { return 0 }
	t.Run("memory", func(t *testing.T) { test(t, memstore.New(), none) })
	try.OnEngines(t, func(t *testing.T, name string) {
		if !strings.HasPrefix(name, "postgres") {
			s, err := boot.OpenDatabase(t.Context(), name)
			require.NoError(t, err)
			defer s.Close()
			test(t, s, none)
			return
		}
		config, err := pgxpool.ParseConfig(name)
		require.NoError(t, err)
		postgres.Tune(config)
		var c trips
		config.ConnConfig.Tracer = &c
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		require.NoError(t, err)
		defer pool.Close()
		s, err := postgres.OnPool(t.Context(), pool, nil)
		require.NoError(t, err)
		defer s.Close()
		test(t, s, c.n.Load)
	})
}
