package lifecycle_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Whoever loses access is told as deactivated before anything else, whatever the way out (I14).
func TestEveryWayOutTellsDeactivatedFirst(t *testing.T) {
	off := `{"userName":"ada","active":false}`
	for _, way := range []struct {
		name   string
		change func(*lifecycle.Settings)
		out    func(h *house, ada *store.Resource)
	}{
		{"active=false, suspend", func(*lifecycle.Settings) {}, func(h *house, ada *store.Resource) { h.update(ada, off) }},
		{"active=false, deactivate", func(s *lifecycle.Settings) { s.Deprovision = "deactivate" }, func(h *house, ada *store.Resource) { h.update(ada, off) }},
		{"active=false, delete", func(s *lifecycle.Settings) { s.Deprovision = "delete" }, func(h *house, ada *store.Resource) { h.update(ada, off) }},
		{"active=false, delete and keep", func(s *lifecycle.Settings) { s.Deprovision, s.Delete = "delete", "keep" }, func(h *house, ada *store.Resource) { h.update(ada, off) }},
		{"DELETE", func(*lifecycle.Settings) {}, func(h *house, ada *store.Resource) { require.NoError(h.t, h.del(ada)) }},
		{"DELETE, keep", func(s *lifecycle.Settings) { s.Delete = "keep" }, func(h *house, ada *store.Resource) { require.NoError(h.t, h.del(ada)) }},
		{"removed by hand", func(s *lifecycle.Settings) { s.EditManaged = true }, func(h *house, ada *store.Resource) {
			require.NoError(h.t, h.s.Remove(h.t.Context(), admin, ada.ID))
		}},
		{"suspended", func(*lifecycle.Settings) {}, func(h *house, ada *store.Resource) {
			_, err := h.s.Suspend(h.t.Context(), admin, ada.ID)
			require.NoError(h.t, err)
		}},
		{"SCIM switched off", func(s *lifecycle.Settings) { s.SCIMOff = "suspend" }, nil},
	} {
		for _, signedIn := range []bool{true, false} {
			t.Run(way.name, func(t *testing.T) {
				h, settings := changeableHouse(t)
				way.change(&settings.Settings)
				ada := h.create("User", `{"userName":"ada"}`)
				crew := h.create("Group", `{"displayName":"Crew"}`)
				_, err := h.members(crew.Key, "", lifecycle.Members{Add: []store.MemberRef{{ID: ada.ID}}})
				require.NoError(t, err)
				if signedIn {
					_, err := h.login("ada")
					require.NoError(t, err)
				}
				h.told = nil
				if way.out != nil {
					way.out(h, h.read(ada))
				} else {
					settings.SCIM = false
					require.NoError(t, h.s.Apply(t.Context(), admin))
				}
				require.NotEmpty(t, h.told)
				about := []string{}
				for _, line := range h.told {
					if line != "members.changed + -"+ada.ID {
						about = append(about, line)
					}
				}
				assert.Equal(t, "deactivated ada", about[0])
				assert.Equal(t, signedIn, about[len(about)-1] == "unbilled ada" || len(about) > 1 && about[1] == "unbilled ada")
			})
		}
	}
}

// A record that is damaged lets nobody in, and no change makes it whole by forgetting the rest (I12).
func TestADamagedRecordFailsClosed(t *testing.T) {
	for _, damage := range []struct {
		name string
		do   func(r *store.Resource)
	}{
		{"the account", func(r *store.Resource) { r.Internal = r.Internal[:len(r.Internal)-8] }},
		{"the account in the middle", func(r *store.Resource) { r.Internal = r.Internal[:5] + r.Internal[13:] }},
		{"the account's state", func(r *store.Resource) { r.Internal = `{"state":"suspendet","source":"scim","held":true}` }},
		{"the account's first login", func(r *store.Resource) { r.Internal = `{"state":"provisioned","source":"scim","firstLogin":"2026-11"}` }},
		{"the attributes", func(r *store.Resource) { r.Attributes = r.Attributes[:len(r.Attributes)-8] }},
	} {
		t.Run(damage.name, func(t *testing.T) {
			h := newHouse(t)
			ada := h.create("User", `{"userName":"ada","title":"Engineer"}`)
			_, err := h.s.Suspend(t.Context(), admin, ada.ID)
			require.NoError(t, err)
			broken := h.read(ada)
			damage.do(broken)
			_, err = lifecycle.AccountOf(broken)
			inAccount := broken.Attributes == ada.Attributes
			assert.Equal(t, inAccount, err != nil)
			h.told = nil
			_, err = h.do(true, lifecycle.Draft{Key: broken.Key, Before: broken, After: document.Object(document.Field{Name: "userName", Value: document.String("ada")})})
			require.ErrorIs(t, err, store.ErrCorrupt)
			if inAccount {
				_, err = h.do(true, lifecycle.Draft{Key: broken.Key, Before: broken, Cause: lifecycle.SignIn})
				require.ErrorIs(t, err, store.ErrCorrupt)
				require.ErrorIs(t, h.del(broken), store.ErrCorrupt)
			}
			h.heard()
		})
	}
}
