package lifecycle_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

func value(t *testing.T, text string) document.Value {
	v, err := document.Parse(text, 0)
	require.NoError(t, err)
	return v
}

func TestByHand(t *testing.T) {
	h := newHouse(t)
	bob, err := h.s.Add(t.Context(), admin, lifecycle.Identity{UserName: "bob", Attributes: attrs(t, `{"title":"T","nickName":"N"}`)})
	require.NoError(t, err)
	h.create("User", `{"userName":"ada"}`)
	_, err = h.login("bob")
	require.NoError(t, err)
	h.told = nil
	edited, err := h.s.Edit(t.Context(), admin, h.id("BOB"), value(t, `{"userName":"robert","title":null,"locale":"en"}`))
	require.NoError(t, err)
	h.heard("updated robert")
	assert.JSONEq(t, `{"userName":"robert","nickName":"N","locale":"en"}`, string(edited.Attributes))
	assert.Equal(t, edited, h.read(bob))
	at := account(t, edited)
	assert.Equal(t, []any{lifecycle.SourceManual, lifecycle.Active}, []any{at.Source, at.State})
	same, err := h.s.Edit(t.Context(), admin, h.id("robert"), value(t, `{"locale":"en"}`))
	require.NoError(t, err)
	assert.Equal(t, edited.Version, same.Version, "no difference, no write")

	_, err = h.s.Edit(t.Context(), admin, h.id("robert"), value(t, `{"userName":"ADA"}`))
	denied(t, err, lifecycle.DeniedExists)
	_, err = h.s.Edit(t.Context(), admin, h.id("robert"), value(t, `{"active":false}`))
	var refusal *lifecycle.Refusal
	require.ErrorAs(t, err, &refusal)
	assert.Equal(t, lifecycle.Invalid, refusal.Reason)
	for name, reason := range map[string]lifecycle.DeniedReason{"ada": lifecycle.DeniedManaged, "nobody": lifecycle.DeniedUnknown} {
		_, err = h.s.Edit(t.Context(), admin, h.id(name), value(t, `{"title":"T"}`))
		denied(t, err, reason)
		denied(t, h.s.Remove(t.Context(), admin, h.id(name)), reason)
	}
	require.NoError(t, h.s.Remove(t.Context(), admin, h.id("robert")))
	h.heard("deactivated robert", "deleted robert", "unbilled robert")
	_, err = h.fake.Get(t.Context(), bob.Key)
	require.ErrorIs(t, err, store.ErrNotFound)

	h = newHouse(t, with(func(s *lifecycle.Settings) { s.EditManaged = true }))
	ada := h.create("User", `{"userName":"ada"}`)
	_, err = h.s.Edit(t.Context(), admin, h.id("ada"), value(t, `{"title":"T"}`))
	require.NoError(t, err)
	assert.Equal(t, lifecycle.SourceSCIM, account(t, h.read(ada)).Source, "the identity provider still manages it")
	require.NoError(t, h.s.Remove(t.Context(), admin, h.id("ada")))

	h = newHouse(t, with(func(s *lifecycle.Settings) { s.Manual = false }))
	_, err = h.s.Edit(t.Context(), admin, h.id("ada"), value(t, `{}`))
	denied(t, err, lifecycle.DeniedManual)
}
