package lifecycle_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

func TestSeats(t *testing.T) {
	h := newHouse(t, limited(2))
	ada := h.create("User", `{"userName":"ada"}`)
	h.create("User", `{"userName":"bob"}`)
	h.told = nil
	err := h.post(h.resource("User", `{"userName":"eve"}`))
	var refusal *lifecycle.Refusal
	require.ErrorAs(t, err, &refusal)
	assert.Equal(t, lifecycle.NoSeat, refusal.Reason)
	assert.Contains(t, refusal.Detail, "2 seats")
	h.heard("seat.refused eve")
	_, err = h.s.Add(t.Context(), admin, lifecycle.Identity{UserName: "eve"})
	denied(t, err, lifecycle.DeniedNoSeat)

	off := h.update(ada, `{"userName":"ada","active":false}`)
	h.update(off, `{"userName":"ada","active":false,"title":"T"}`) // frees once
	eve := h.create("User", `{"userName":"eve"}`)
	used, limit, err := h.s.Seats(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, [2]int{2, 2}, [2]int{used, limit})
	_, err = h.s.Reactivate(t.Context(), admin, h.id("ada"))
	denied(t, err, lifecycle.DeniedNoSeat)
	require.NoError(t, h.del(eve))
	_, err = h.s.Reactivate(t.Context(), admin, h.id("ada"))
	require.NoError(t, err)

	t.Run("never oversold", func(t *testing.T) {
		h := newHouse(t, limited(10))
		h.s, _ = lifecycle.New(h.fake, &lifecycle.Options{Settings: lifecycle.FixedSettings(func() lifecycle.Settings {
			s, n := lifecycle.DefaultSettings(), 10
			s.SeatLimit = &n
			return s
		}())})
		made := 0
		for _, err := range raceOf(64, func(i int) error {
			return h.post(h.resource("User", `{"userName":"u`+strconv.Itoa(i)+`"}`))
		}) {
			if err == nil {
				made++
			}
		}
		assert.Equal(t, 10, made)
	})
	t.Run("billed counting", func(t *testing.T) {
		h := newHouse(t, limited(1), with(func(s *lifecycle.Settings) { s.SeatCounting = "billed" }))
		h.create("User", `{"userName":"ada"}`)
		h.create("User", `{"userName":"bob"}`)
		_, err := h.login("ada")
		require.NoError(t, err)
		_, err = h.login("bob")
		denied(t, err, lifecycle.DeniedNoSeat)
	})
	t.Run("review", func(t *testing.T) {
		h := newHouse(t, limited(1), with(func(s *lifecycle.Settings) { s.Review = true }))
		h.create("User", `{"userName":"ada"}`)
		bob := h.create("User", `{"userName":"bob"}`)
		assert.Equal(t, 0, h.used(), "who waits has no seat")
		_, err := h.s.Approve(t.Context(), admin, h.id("ada"))
		require.NoError(t, err)
		_, err = h.s.Approve(t.Context(), admin, h.id("bob"))
		denied(t, err, lifecycle.DeniedNoSeat)
		assert.Equal(t, lifecycle.Pending, account(t, h.read(bob)).State)
		assert.Equal(t, 1, h.used())
	})
}

// A seat is not taken by a limit that was replaced before, though the commit was under way when Set returned.
func TestNoSeatByAnOldLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.fake = storetest.NewFake()
		here, there := &lifecycle.StoredSettings{Store: h.fake}, &lifecycle.StoredSettings{Store: h.fake}
		var err error
		h.s, err = lifecycle.New(h.fake, &lifecycle.Options{Settings: here})
		require.NoError(t, err)
		limit := func(n int) lifecycle.Settings {
			settings := lifecycle.DefaultSettings()
			settings.SeatLimit = &n
			return settings
		}
		require.NoError(t, there.Set(t.Context(), "acme", limit(2)))
		h.create("User", `{"userName":"ada"}`)

		held, begun := make(chan struct{}), false
		h.fake.Before(func(_ context.Context, method string) error {
			if method == "Commit" && !begun { // that of the creation
				begun = true
				<-held
			}
			return nil
		})
		made := make(chan error)
		bob := h.resource("User", `{"userName":"bob"}`)
		go func() { made <- h.post(bob) }()
		synctest.Wait()
		require.True(t, begun)
		require.NoError(t, there.Set(t.Context(), "acme", limit(1)))
		close(held)
		var refusal *lifecycle.Refusal
		require.ErrorAs(t, <-made, &refusal)
		assert.Equal(t, lifecycle.NoSeat, refusal.Reason)
		assert.Contains(t, refusal.Detail, "all 1 seats", "the limit that holds now")

		require.NoError(t, there.Set(t.Context(), "acme", limit(3)))
		require.NoError(t, h.post(bob))
		// A record that somebody has put back doesn't keep everybody out.
		require.NoError(t, h.fake.Commit(t.Context(), &store.Change{Tenant: "acme", Claims: []store.Claim{{Counter: "rollcall.settings", Take: 5, Limit: -1}}}))
		h.create("User", `{"userName":"eve"}`)
		assert.Equal(t, 3, h.used())
	})
}
