package lifecycle_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
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
