package lifecycle_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// BenchmarkLoginAgain is a login that changes nothing: calls/op says how often it asks the store.
func BenchmarkLoginAgain(b *testing.B) {
	fake := storetest.NewFake()
	s, err := lifecycle.New(fake, nil)
	require.NoError(b, err)
	_, err = s.Add(b.Context(), admin, lifecycle.Identity{UserName: "ada"})
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
