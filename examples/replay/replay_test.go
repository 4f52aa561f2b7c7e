package replay_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/examples/replay"
	"github.com/rollcall-dev/rollcall/examples/sqlstore"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

var stores = map[string]func(t *testing.T) store.Store{
	"memstore": func(*testing.T) store.Store { return memstore.New() },
	"fake":     func(*testing.T) store.Store { return storetest.NewFake() },
	"sqlite": func(t *testing.T) store.Store {
		s, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "replay.db"), nil)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, s.Close()) })
		return s
	},
}

// Every conversation goes well on a service of its own.
func TestEachAlone(t *testing.T) {
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			for _, s := range conversations(t) {
				t.Run(title(s), func(t *testing.T) { run(t, service(t, newStore(t)), s) })
			}
		})
	}
}

// All go well on one service, one after the other: what one leaves behind is in no other's way. Okta's suite reads the
// first user of the service, so that it needs one of its own.
func TestAllOnOne(t *testing.T) {
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			runner := service(t, newStore(t))
			for _, s := range conversations(t) {
				if !strings.HasSuffix(s.File, "okta-spec-suite/01-full-suite.json") {
					t.Run(title(s), func(t *testing.T) { run(t, runner, s) })
				}
			}
		})
	}
}

func conversations(t *testing.T) []*replay.Scenario {
	all, err := replay.LoadAll(os.DirFS("../../testdata"), ".", "products", "rfc9865")
	require.NoError(t, err)
	return all
}

func title(s *replay.Scenario) string { return strings.TrimSuffix(s.File, ".json") }

// service is a runner for a new service, mounted under a prefix as products do.
func service(t *testing.T, s store.Store) *replay.Runner {
	h, err := scim.NewHandler(s, &scim.Options{Auth: scim.BearerTokens{"a-token-of-acme": "acme"}})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/scim/v2/", http.StripPrefix("/scim/v2", h))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &replay.Runner{BaseURL: server.URL + "/scim/v2", Token: "a-token-of-acme", Client: server.Client(), Conventions: true, Optional: true}
}

func run(t *testing.T, runner *replay.Runner, s *replay.Scenario) {
	for _, result := range runner.Run(t.Context(), s) {
		if !result.OK() {
			t.Errorf("%s\n    sent: %s", result, result.Sent)
		}
	}
}
