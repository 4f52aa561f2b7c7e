package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// stores are all there are.
var stores = map[string]func(t *testing.T) store.Store{
	"memstore": func(*testing.T) store.Store { return memstore.New() },
	"fake":     func(*testing.T) store.Store { return storetest.NewFake() },
	"sqlite": func(t *testing.T) store.Store {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "replay.db"), nil)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, s.Close()) })
		return s
	},
	"postgres": func(t *testing.T) store.Store {
		dsn := os.Getenv("ROLLCALL_TEST_POSTGRES")
		if dsn == "" {
			t.Skip("no PostgreSQL to test with: set ROLLCALL_TEST_POSTGRES=postgres://user:password@host/database")
		}
		schema := fmt.Sprintf("rollcall_replay_%x", rand.Uint64())
		t.Cleanup(func() {
			ctx := context.Background()
			c, err := pgx.Connect(ctx, dsn)
			require.NoError(t, err)
			defer c.Close(ctx)
			_, err = c.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
			assert.NoError(t, err)
		})
		s, err := postgres.Open(t.Context(), dsn, &postgres.Options{Schema: schema})
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, s.Close()) })
		return s
	},
}

// Every conversation goes well alone, in a tenant of its own, which is as good as a service of its own.
func TestEachAlone(t *testing.T) {
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			for _, c := range recorded(t) {
				t.Run(title(c), func(t *testing.T) { replayed(t, service(t, s, title(c)), c) })
			}
		})
	}
}

// All go well in one tenant, one after the other: what one leaves behind is in no other's way. Okta's suite reads the
// first user of the service, so that it needs one of its own.
func TestAllInOne(t *testing.T) {
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			runner := service(t, newStore(t), "acme")
			for _, c := range recorded(t) {
				if !strings.HasSuffix(c.File, "okta-spec-suite/01-full-suite.json") {
					t.Run(title(c), func(t *testing.T) { replayed(t, runner, c) })
				}
			}
		})
	}
}

func recorded(t *testing.T) []*replay.Scenario {
	all, err := replay.LoadAll(os.DirFS("../../testdata"), ".", "products")
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(all), 75)
	return all
}

func title(s *replay.Scenario) string { return strings.TrimSuffix(s.File, ".json") }

// service returns a runner for a service, mounted under a prefix as products do.
func service(t *testing.T, s store.Store, tenant string) *replay.Runner {
	h, err := scim.NewHandler(s, &scim.Options{Auth: scim.BearerTokens{"a-token-of-acme": tenant}})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/scim/v2/", http.StripPrefix("/scim/v2", h))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &replay.Runner{BaseURL: server.URL + "/scim/v2", Token: "a-token-of-acme", Client: server.Client(), Conventions: true, Optional: true}
}

func replayed(t *testing.T, runner *replay.Runner, c *replay.Scenario) {
	for _, result := range runner.Run(t.Context(), c) {
		if !result.OK() {
			t.Errorf("%s\n    sent: %s", result, result.Sent)
		}
	}
}
