package lifecycle_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// changeable is a SettingsSource that a test may change.
type changeable struct{ lifecycle.Settings }

func (c *changeable) settings() lifecycle.Settings { return c.Settings }

type source func() lifecycle.Settings

func (s source) Settings(context.Context, string) (lifecycle.Settings, error) { return s(), nil }

// changeableHouse is a house whose settings the test may change.
func changeableHouse(t *testing.T) (*house, *changeable) {
	settings := &changeable{lifecycle.DefaultSettings()}
	h := newHouse(t)
	var err error
	h.s, err = lifecycle.New(h.fake, &lifecycle.Options{Settings: source(settings.settings), Hooks: h.hooks})
	require.NoError(t, err)
	return h, settings
}

// states are those of everybody, by userName.
func (h *house) states() map[string]lifecycle.State {
	h.t.Helper()
	users, _, err := h.s.Accounts(h.t.Context(), "acme", lifecycle.AccountQuery{Count: 100})
	require.NoError(h.t, err)
	m := map[string]lifecycle.State{}
	for _, u := range users {
		m[u.Attributes.Get("userName").Text()] = account(h.t, u).State
	}
	return m
}

// used is how many seats are.
func (h *house) used() int {
	h.t.Helper()
	used, _, err := h.s.Seats(h.t.Context(), "acme")
	require.NoError(h.t, err)
	return used
}

func TestSCIMOffAndOn(t *testing.T) {
	h, settings := changeableHouse(t)
	for _, u := range []string{`{"userName":"ada"}`, `{"userName":"off","active":false}`, `{"userName":"held"}`} {
		h.create("User", u)
	}
	_, err := h.s.Add(t.Context(), admin, lifecycle.Identity{UserName: "hand"})
	require.NoError(t, err)
	_, err = h.s.Suspend(t.Context(), admin, h.id("held"))
	require.NoError(t, err)
	before := h.states()
	apply := func() {
		t.Helper()
		for range 2 { // twice is once
			require.NoError(t, h.s.Apply(t.Context(), admin))
		}
	}
	settings.SCIM = false
	apply()
	assert.Equal(t, before, h.states(), "keep")
	settings.SCIMOff = "suspend"
	apply()
	assert.Equal(t, map[string]lifecycle.State{"ada": lifecycle.Suspended, "off": lifecycle.Deactivated, "held": lifecycle.Suspended, "hand": lifecycle.Provisioned}, h.states())
	assert.Equal(t, 1, h.used())

	settings.SCIMOff = "keep"
	apply()
	assert.Equal(t, before, h.states(), "who was kept out by the setting is let in by it")

	settings.SCIMOff = "suspend"
	apply()
	one := 1
	settings.SCIM, settings.SeatLimit = true, &one
	h.told = nil
	apply()
	assert.Equal(t, lifecycle.Suspended, h.states()["ada"], "no seat is left")
	assert.Equal(t, []string{"seat.refused ada", "seat.refused ada"}, h.told)
	settings.SeatLimit = nil
	apply()
	assert.Equal(t, before, h.states())
	assert.Equal(t, 2, h.used())
}

func TestSeatsAreCountedAnew(t *testing.T) {
	h, settings := changeableHouse(t)
	for _, name := range []string{"ada", "bob", "eve"} {
		h.create("User", `{"userName":"`+name+`"}`)
	}
	_, err := h.login("ada")
	require.NoError(t, err)
	assert.Equal(t, 3, h.used())
	one := 1
	settings.SeatCounting, settings.SeatLimit = "billed", &one
	require.NoError(t, h.s.Apply(t.Context(), admin))
	assert.Equal(t, 1, h.used())
	_, err = h.login("bob")
	denied(t, err, lifecycle.DeniedNoSeat)
	settings.SeatCounting = "provisioned"
	require.NoError(t, h.s.Apply(t.Context(), admin))
	assert.Equal(t, 3, h.used(), "more than the limit, which keeps out only those who come")
	_, err = h.login("bob")
	require.NoError(t, err)
	require.Error(t, h.post(h.resource("User", `{"userName":"new"}`)))
}
