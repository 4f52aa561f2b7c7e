package benchmarks_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// BenchmarkLifecycle measures what package lifecycle does for a new user, with a hook and a store that keeps nothing, and a whole create over
// loopback HTTP on the fastest store. The first should take less than a tenth of the second.
func BenchmarkLifecycle(b *testing.B) {
	hooks := lifecycle.Hooks{Provisioned: func(context.Context, *lifecycle.Event) error { return nil }}
	b.Run("alone", func(b *testing.B) {
		s, err := lifecycle.New(nothing{}, &lifecycle.Options{Hooks: hooks})
		require.NoError(b, err)
		v, err := document.Parse(user("ada"), 0)
		require.NoError(b, err)
		v.Delete("schemas")
		b.ReportAllocs()
		for b.Loop() {
			r := &lifecycle.Request{Tenant: bareTenant, By: lifecycle.SourceSCIM, Action: "POST /Users"}
			_, err := s.Do(b.Context(), r, func(context.Context) (lifecycle.Draft, error) {
				return lifecycle.Draft{Key: store.Key{Type: "User"}, After: v}, nil
			})
			require.NoError(b, err)
		}
	})
	b.Run("whole", func(b *testing.B) {
		h, err := scim.NewHandler(memstore.New(), &scim.Options{Auth: scim.BearerTokens{"benchmark-token": bareTenant}, Hooks: hooks})
		require.NoError(b, err)
		s := httptest.NewServer(h)
		defer s.Close()
		c := &client{http: s.Client(), base: s.URL}
		n := 0
		for b.Loop() {
			n++
			require.NoError(b, c.do(http.MethodPost, "/Users", user(strconv.Itoa(n)), http.StatusCreated, ""))
		}
	})
}

// nothing is a store that accepts every change and keeps none.
type nothing struct{ store.Store }

func (nothing) Get(context.Context, store.Key) (*store.Resource, error) {
	return nil, store.ErrNotFound
}
func (nothing) Commit(context.Context, *store.Change) error { return nil }
