package lifecycle_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// Whom an administrator has shut out gets in again by no way but an administrator's.
func TestWhoIsHeldGetsInByNoOtherWay(t *testing.T) {
	suspended := func(t *testing.T, h *house) {
		_, err := h.s.Suspend(t.Context(), admin, h.id("ada"))
		require.NoError(t, err)
	}
	rejected := func(t *testing.T, h *house) {
		_, err := h.s.Reject(t.Context(), admin, h.id("ada"))
		require.NoError(t, err)
	}
	removed := func(t *testing.T, h *house) {
		r, err := h.s.Find(t.Context(), "acme", "ada")
		require.NoError(t, err)
		require.NoError(t, h.del(r))
	}
	for _, shut := range []struct {
		name string
		do   func(t *testing.T, h *house)
	}{{"suspended", suspended}, {"rejected", rejected}} {
		for _, retain := range []lifecycle.DeletePolicy{"remove", "keep"} {
			for _, way := range []struct {
				name string
				do   func(t *testing.T, h *house)
				user string // who must not get in
			}{
				{"created anew with the same externalId", func(t *testing.T, h *house) {
					removed(t, h)
					h.create("User", `{"userName":"ada","externalId":"e1"}`)
				}, "ada"},
				{"created anew with another externalId", func(t *testing.T, h *house) {
					removed(t, h)
					h.create("User", `{"userName":"ADA","externalId":"e2"}`)
				}, "ada"},
				{"created anew without an externalId", func(t *testing.T, h *house) {
					removed(t, h)
					h.create("User", `{"userName":"ada"}`)
				}, "ada"},
				{"signs in after a deletion", removed, "ada"},
				{"signs in by the address after a deletion", removed, "ada@x.example"},
				{"renamed away, and the old name created", func(t *testing.T, h *house) {
					r, err := h.s.Find(t.Context(), "acme", "ada")
					require.NoError(t, err)
					h.update(r, `{"userName":"zoe","externalId":"e1"}`)
					h.create("User", `{"userName":"ada","externalId":"e2"}`)
				}, "ada"},
				{"renamed away, and signs in by the old name", func(t *testing.T, h *house) {
					r, err := h.s.Find(t.Context(), "acme", "ada")
					require.NoError(t, err)
					h.update(r, `{"userName":"zoe","externalId":"e1"}`)
				}, "ada"},
				{"renamed away, deleted, and the old name created", func(t *testing.T, h *house) {
					r, err := h.s.Find(t.Context(), "acme", "ada")
					require.NoError(t, err)
					require.NoError(t, h.del(h.update(r, `{"userName":"zoe","externalId":"e1"}`)))
					h.create("User", `{"userName":"ada","externalId":"e2"}`)
				}, "ada"},
				{"another user gets the name", func(t *testing.T, h *house) {
					removed(t, h)
					bob := h.create("User", `{"userName":"bob","externalId":"e2"}`)
					next := *bob
					next.Attributes = attrs(t, `{"userName":"ada","externalId":"e2"}`)
					require.ErrorContains(t, h.put(bob, &next, nil), "suspended or rejected")
				}, "ada"},
				{"off and on", func(t *testing.T, h *house) {
					r, err := h.s.Find(t.Context(), "acme", "ada")
					require.NoError(t, err)
					h.update(h.update(r, `{"userName":"ada","externalId":"e1","active":false}`), `{"userName":"ada","externalId":"e1","active":true}`)
				}, "ada"},
			} {
				t.Run(shut.name+", "+string(retain)+", "+way.name, func(t *testing.T) {
					h, settings := changeableHouse(t)
					settings.Review, settings.Delete, settings.JIT = shut.name == "rejected", retain, true
					h.create("User", `{"userName":"ada","externalId":"e1","emails":[{"value":"ada@x.example"}]}`)
					shut.do(t, h)
					settings.Review = false
					way.do(t, h)
					_, err := h.s.Login(t.Context(), "acme", lifecycle.Identity{UserName: way.user, Mail: "ada@x.example"})
					var denied *lifecycle.Denied
					require.ErrorAs(t, err, &denied)
					assert.Contains(t, []lifecycle.DeniedReason{lifecycle.DeniedSuspended, lifecycle.DeniedDeactivated}, denied.Reason)
				})
			}
		}
	}
}

// An administrator lets in again whom an administrator has shut out, be it under a new record.
func TestAnAdministratorLetsInWhoIsHeld(t *testing.T) {
	h := newHouse(t)
	ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
	_, err := h.s.Suspend(t.Context(), admin, ada.ID)
	require.NoError(t, err)
	require.NoError(t, h.del(h.read(ada)))
	other := h.create("User", `{"userName":"ada","externalId":"e2","active":true}`)
	assert.NotEqual(t, ada.ID, other.ID, "it is somebody else, who has the name")
	assert.True(t, other.Attributes.Get("active").True(), "active is what the identity provider sent")
	_, err = h.s.Reactivate(t.Context(), admin, other.ID)
	require.NoError(t, err)
	_, err = h.login("ada")
	require.NoError(t, err)

	eve := h.create("User", `{"userName":"eve"}`)
	_, err = h.s.Suspend(t.Context(), admin, eve.ID)
	require.NoError(t, err)
	require.NoError(t, h.del(h.read(eve)))
	_, err = h.s.Add(t.Context(), admin, lifecycle.Identity{UserName: "eve"})
	require.NoError(t, err, "by adding the person the administrator lets it in")
	_, err = h.login("eve")
	require.NoError(t, err)
}

// An id is never another person's: a used userName with another externalId is somebody else (I16).
func TestAUsedNameIsSomebodyElse(t *testing.T) {
	for _, retain := range []lifecycle.DeletePolicy{"remove", "keep"} {
		h := newHouse(t, with(func(s *lifecycle.Settings) { s.Delete, s.DefaultRole = retain, "clerk" }))
		ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
		_, err := h.login("ada")
		require.NoError(t, err)
		require.NoError(t, h.del(h.read(ada)))
		other := h.create("User", `{"userName":"ada","externalId":"e2"}`)
		assert.NotEqual(t, ada.ID, other.ID)
		assert.True(t, account(t, other).FirstLogin.IsZero(), "the account is a new one")
		require.NoError(t, h.del(other))
		assert.Equal(t, ada.ID, h.create("User", `{"userName":"ada.new","externalId":"e1"}`).ID, "the first is still remembered")
	}
}

// The address of a sign-in is verified, so whoever was shut out isn't somebody new by it; and whoever is created beside somebody who is
// shut out, with the same externalId, is the same person.
func TestWhoIsHeldGetsInUnderNoOtherName(t *testing.T) {
	for _, x := range []struct {
		name string
		do   func(h *house, ada *store.Resource)
	}{
		{"deleted", func(h *house, ada *store.Resource) { require.NoError(h.t, h.del(ada)) }},
		{"the address taken away", func(h *house, ada *store.Resource) {
			h.update(ada, `{"userName":"ada","externalId":"e1","emails":[{"value":"zoe@x.example"}]}`)
		}},
		{"the address is another's, too", func(h *house, _ *store.Resource) {
			h.create("User", `{"userName":"bob","externalId":"e2","emails":[{"value":"ADA@x.example"}]}`)
		}},
		{"the same externalId under another name", func(h *house, _ *store.Resource) {
			h.create("User", `{"userName":"ada.lovelace","externalId":"e1"}`)
		}},
	} {
		for _, retain := range []lifecycle.DeletePolicy{"remove", "keep"} {
			t.Run(x.name+", "+string(retain), func(t *testing.T) {
				h := newHouse(t, with(func(s *lifecycle.Settings) { s.JIT, s.Delete, s.SameExternalID = true, retain, "allow" }))
				ada := h.create("User", `{"userName":"ada","externalId":"e1","emails":[{"value":"ada@x.example"}]}`)
				_, err := h.s.Suspend(t.Context(), admin, ada.ID)
				require.NoError(t, err)
				x.do(h, h.read(ada))
				_, err = h.s.Login(t.Context(), "acme", lifecycle.Identity{UserName: "ada.lovelace", Mail: "ada@x.example"})
				var denied *lifecycle.Denied
				require.ErrorAs(t, err, &denied)
				assert.Contains(t, []lifecycle.DeniedReason{lifecycle.DeniedSuspended, lifecycle.DeniedDeactivated}, denied.Reason)
			})
		}
	}
	t.Run("reactivated", func(t *testing.T) {
		h := newHouse(t, with(func(s *lifecycle.Settings) { s.SameExternalID = "allow" }))
		ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
		_, err := h.s.Suspend(t.Context(), admin, ada.ID)
		require.NoError(t, err)
		_, err = h.s.Reactivate(t.Context(), admin, ada.ID)
		require.NoError(t, err)
		h.create("User", `{"userName":"ada.lovelace","externalId":"e1"}`)
		_, err = h.login("ada.lovelace")
		require.NoError(t, err, "nobody is held any more")
	})
}

// Whoever comes back under another name is held under the old one, too.
func TestWhoIsHeldAndComesBackIsHeldUnderBothNames(t *testing.T) {
	for _, retain := range []lifecycle.DeletePolicy{"remove", "keep"} {
		h := newHouse(t, with(func(s *lifecycle.Settings) { s.JIT, s.Delete = true, retain }))
		ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
		_, err := h.s.Suspend(t.Context(), admin, ada.ID)
		require.NoError(t, err)
		require.NoError(t, h.del(h.read(ada)))
		assert.Equal(t, ada.ID, h.create("User", `{"userName":"zoe","externalId":"e1"}`).ID)
		for _, name := range []string{"ada", "zoe"} {
			_, err := h.login(name)
			require.ErrorAs(t, err, new(*lifecycle.Denied), "%s: %s", retain, name)
		}
	}
}
