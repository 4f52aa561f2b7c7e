package lifecycle_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

func TestStoredSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		here, there := &lifecycle.StoredSettings{Store: fake}, &lifecycle.StoredSettings{Store: fake}
		get := func(s *lifecycle.StoredSettings, tenant string) lifecycle.Settings {
			t.Helper()
			settings, err := s.Settings(t.Context(), tenant)
			require.NoError(t, err)
			return settings
		}
		s := get(there, "acme")
		assert.Equal(t, lifecycle.DefaultSettings(), s)
		s.Review = true
		set := make(chan error)
		go func() { set <- here.Set(t.Context(), "acme", s) }()
		synctest.Wait()
		assert.True(t, get(here, "acme").Review)
		assert.False(t, get(there, "acme").Review, "remembered for a while")
		began := time.Now()
		require.NoError(t, <-set)
		assert.Equal(t, time.Second, time.Since(began))
		assert.Equal(t, s, get(there, "acme"), "where Set has returned nobody goes by the old ones")
		assert.False(t, get(there, "umbrella").Review)

		began = time.Now()
		require.NoError(t, there.Set(t.Context(), "acme", s))
		assert.Zero(t, time.Since(began), "no change is no change")
		s.Delete = "burn"
		require.Error(t, here.Set(t.Context(), "acme", s))

		s.Delete = "keep"
		ctx, stop := context.WithCancel(t.Context())
		go func() { set <- here.Set(ctx, "acme", s) }()
		synctest.Wait()
		stop()
		require.ErrorIs(t, <-set, context.Canceled)
		reads := 0
		fake.Before(func(context.Context, string) error { reads++; return nil })
		for range 3 {
			get(there, "acme")
		}
		assert.Zero(t, reads)
		time.Sleep(time.Second)
		assert.Equal(t, lifecycle.DeleteKeep, get(there, "acme").Delete)
		assert.Equal(t, 1, reads)
	})
}
