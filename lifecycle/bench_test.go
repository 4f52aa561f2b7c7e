package lifecycle_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// BenchmarkLoginAgain is a login that changes nothing: calls/op says how often it asks the store.
func BenchmarkLoginAgain(b *testing.B) {
	fake := storetest.NewFake()
	s, err := lifecycle.New(fake, nil)
	require.NoError(b, err)
	_, err = s.AddManually(b.Context(), "acme", lifecycle.Identity{UserName: "ada"})
	require.NoError(b, err)
	_, err = s.Login(b.Context(), "acme", lifecycle.Identity{UserName: "ada"})
	require.NoError(b, err)
	calls := 0
	fake.Before(func(context.Context, string) error { calls++; return nil })
	for b.Loop() {
		_, err = s.Login(b.Context(), "acme", lifecycle.Identity{UserName: "ada"})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(calls)/float64(b.N), "calls/op")
}

// nowhere keeps nothing, so that what is measured is the lifecycle alone.
type nowhere struct{ store.Store }

func (nowhere) Commit(context.Context, *store.Change) error { return nil }

// BenchmarkCreateAlone is what the lifecycle adds to a SCIM create.
func BenchmarkCreateAlone(b *testing.B) {
	for name, hooks := range map[string]lifecycle.Hooks{"no hooks": {}, "hooks": {Provisioned: func(context.Context, *lifecycle.Event) error { return nil }}} {
		b.Run(name, func(b *testing.B) {
			s, err := lifecycle.New(nowhere{}, &lifecycle.Options{Hooks: hooks})
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				_ = s.Create(b.Context(), actor, &store.Resource{Key: store.Key{Tenant: "acme", Type: "User"},
					Attributes: `{"userName":"ada@acme.example","name":{"givenName":"Ada","familyName":"L"},"active":true}`}, nil)
			}
		})
	}
}
