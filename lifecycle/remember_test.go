package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

func TestWhoComesBackHasTheSameAccount(t *testing.T) {
	for policy, again := range map[lifecycle.DeletePolicy][]string{
		"remove": {`{"userName":"ada.new","externalId":"e1"}`, `{"userName":"ada","externalId":"e1"}`},
		"keep":   {`{"userName":"ada.new","externalId":"e1"}`, `{"userName":"ada.new"}`},
	} {
		t.Run(string(policy), func(t *testing.T) {
			h := newHouse(t, with(func(s *lifecycle.Settings) { s.Delete, s.DefaultRole, s.SameExternalID = policy, "clerk", "allow" }))
			ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
			_, err := h.login("ada")
			require.NoError(t, err)
			for _, attributes := range again {
				before := h.read(ada)
				require.NoError(t, h.del(before))
				_, err := h.fake.Get(t.Context(), ada.Key)
				require.ErrorIs(t, err, store.ErrNotFound)
				back := h.create("User", attributes)
				assert.Equal(t, ada.ID, back.ID)
				require.ErrorIs(t, h.del(before), store.ErrVersionMismatch, "what was read before is stale")
				at := account(t, back)
				assert.Equal(t, lifecycle.Provisioned, at.State)
				assert.Equal(t, "clerk", at.Role)
				assert.False(t, at.FirstLogin.IsZero())
				login, err := h.login(back.Attributes.Get("userName").Text())
				require.NoError(t, err)
				assert.Equal(t, lifecycle.Login{ID: ada.ID, State: lifecycle.Active, Billed: true, Role: "clerk"}, login, "a new period of access")
			}
			other := h.create("User", `{"userName":"bob","externalId":"e2"}`)
			assert.NotEqual(t, other.ID, h.create("User", `{"userName":"eve","externalId":"e2"}`).ID, "who is there is not remembered as gone")
			require.NoError(t, h.del(other))
			assert.Equal(t, policy == "keep", other.ID == h.create("User", `{"userName":"bob"}`).ID, "the userName counts only where accounts are kept")
		})
	}
}

// A DELETE where accounts are kept is the identity provider's last word: for the product the account is closed.
func TestKept(t *testing.T) {
	h := newHouse(t, limited(1), with(func(s *lifecycle.Settings) { s.Delete = "keep" }))
	ada := h.create("User", `{"userName":"Ada","externalId":"e1","title":"T"}`)
	_, err := h.login("ada")
	require.NoError(t, err)
	crew := h.create("Group", `{"displayName":"Crew"}`)
	_, err = h.members(crew.Key, "", lifecycle.Members{Add: []store.MemberRef{{ID: ada.ID}}})
	require.NoError(t, err)
	h.told = nil
	require.NoError(t, h.del(h.read(ada)))
	assert.ElementsMatch(t, []string{"members.changed + -" + ada.ID, "deactivated Ada", "unbilled Ada"}, h.told)
	assert.Equal(t, map[string]lifecycle.State{"Ada": lifecycle.Deactivated}, h.states())
	assert.Equal(t, 0, h.used())
	_, err = h.login("ada")
	denied(t, err, lifecycle.DeniedDeactivated)
	for _, do := range []func(context.Context, lifecycle.Request, string) (*store.Resource, error){h.s.Approve, h.s.Suspend} {
		_, err = do(t.Context(), admin, h.id("ada"))
		denied(t, err, lifecycle.DeniedNotPossible)
	}
	closed, next, err := h.s.Accounts(t.Context(), "acme", lifecycle.AccountQuery{State: lifecycle.Deactivated, Count: 10})
	require.NoError(t, err)
	require.Len(t, closed, 1)
	assert.Empty(t, next)
	assert.Equal(t, ada.ID, closed[0].ID)

	t.Run("comes back by SCIM", func(t *testing.T) {
		h.told = nil
		back := h.create("User", `{"userName":"ada","externalId":"e1"}`)
		h.heard("reactivated ada", "updated ada")
		assert.Equal(t, ada.ID, back.ID)
		assert.Equal(t, map[string]lifecycle.State{"ada": lifecycle.Provisioned}, h.states())
		require.NoError(t, h.del(back))
	})
	t.Run("finds no seat", func(t *testing.T) {
		bob := h.create("User", `{"userName":"bob"}`)
		require.Error(t, h.post(h.resource("User", `{"userName":"ada","externalId":"e1"}`)))
		_, err := h.s.Reactivate(t.Context(), admin, h.id("ada"))
		denied(t, err, lifecycle.DeniedNoSeat)
		assert.Equal(t, lifecycle.Deactivated, h.states()["ada"], "nothing is half done")
		require.NoError(t, h.del(bob))
	})
	t.Run("comes back by an administrator", func(t *testing.T) {
		back, err := h.s.Reactivate(t.Context(), admin, h.id("ADA"))
		require.NoError(t, err)
		assert.Equal(t, ada.ID, back.ID)
		assert.Equal(t, lifecycle.SourceManual, account(t, back).Source, "the identity provider has let go of it")
		login, err := h.login("ada")
		require.NoError(t, err)
		assert.Equal(t, ada.ID, login.ID)
		var taken *store.ConflictError
		require.ErrorAs(t, h.post(h.resource("User", `{"userName":"ada"}`)), &taken)
	})
	t.Run("the name is free for another", func(t *testing.T) {
		require.NoError(t, h.del(h.read(ada)))
		assert.NotEqual(t, ada.ID, h.create("User", `{"userName":"ada","externalId":"another"}`).ID, "another externalId is somebody else")
	})
}

// Who was kept can be removed for good, and not be changed.
func TestKeptCanBeRemoved(t *testing.T) {
	for name, remove := range map[string]func(h *house, kept *store.Resource) error{
		"as it was listed": func(h *house, kept *store.Resource) error { return h.del(kept) },
		"by hand":          func(h *house, _ *store.Resource) error { return h.s.Remove(h.t.Context(), admin, h.id("ADA")) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, with(func(s *lifecycle.Settings) { s.Delete = "keep" }))
			ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
			require.NoError(t, h.del(ada))
			users, _, err := h.s.Accounts(t.Context(), "acme", lifecycle.AccountQuery{Count: 10})
			require.NoError(t, err)
			next := *users[0]
			next.Attributes = attrs(t, `{"userName":"eve"}`)
			require.ErrorIs(t, h.put(users[0], &next, nil), store.ErrNotFound)
			_, err = h.s.Edit(t.Context(), admin, h.id("ada"), value(t, `{}`))
			denied(t, err, lifecycle.DeniedNotPossible)
			h.told = nil
			require.NoError(t, remove(h, users[0]))
			h.heard("deleted ada")
			assert.Empty(t, h.states())
			_, err = h.login("ada")
			denied(t, err, lifecycle.DeniedUnknown)
			assert.NotEqual(t, ada.ID, h.create("User", `{"userName":"ada","externalId":"e1"}`).ID, "nothing is remembered")
		})
	}
}

// Pages of accounts go on to those that were kept.
func TestKeptAreListedLast(t *testing.T) {
	h := newHouse(t, with(func(s *lifecycle.Settings) { s.Delete = "keep" }))
	for i := range 7 {
		u := h.create("User", `{"userName":"u`+strconv.Itoa(i)+`"}`)
		if i%2 == 0 {
			require.NoError(t, h.del(u))
		}
	}
	for _, count := range []int{1, 2, 3, 4, 7, 8} {
		var names []string
		for cursor := ""; ; {
			users, next, err := h.s.Accounts(t.Context(), "acme", lifecycle.AccountQuery{Cursor: cursor, Count: count})
			require.NoError(t, err)
			require.LessOrEqual(t, len(users), count)
			for _, u := range users {
				names = append(names, u.Attributes.Get("userName").Text())
			}
			if cursor = next; next == "" {
				break
			}
		}
		assert.Equal(t, []string{"u1", "u3", "u5", "u0", "u2", "u4", "u6"}, names, count)
	}
	_, _, err := h.s.Accounts(t.Context(), "acme", lifecycle.AccountQuery{Cursor: "x", Count: 10})
	require.ErrorIs(t, err, store.ErrCursor)
}

// An id is of one person, so two who are the same by different words can't have it both.
func TestOneAccountIsNotTwo(t *testing.T) {
	settings := &changeable{lifecycle.DefaultSettings()}
	settings.Delete, settings.SameExternalID = "keep", "allow"
	h := newHouse(t)
	h.s, _ = lifecycle.New(h.fake, &lifecycle.Options{Settings: source(settings.settings)})
	ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
	require.NoError(t, h.del(ada))
	settings.Delete = "remove"
	byID := h.create("User", `{"userName":"ada.new","externalId":"e1"}`)
	assert.Equal(t, ada.ID, byID.ID)
	settings.Delete = "keep"
	byName := h.create("User", `{"userName":"ada"}`)
	assert.NotEqual(t, ada.ID, byName.ID)
	assert.Len(t, h.states(), 2)

	// What is remembered of somebody who is there, as by a store that was restored, is worth nothing.
	require.NoError(t, h.del(byID))
	tombstones, err := h.fake.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"rollcall.Tombstone"}, Count: 10})
	require.NoError(t, err)
	back := h.create("User", `{"userName":"ada.new","externalId":"e1"}`)
	for _, g := range tombstones.Resources {
		require.NoError(t, h.fake.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: g}}}))
	}
	other := h.create("User", `{"userName":"other","externalId":"e1"}`)
	assert.NotEqual(t, back.ID, other.ID)
}

func TestSuspendedStaysOutThroughADeletion(t *testing.T) {
	h := newHouse(t)
	ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
	_, err := h.s.Suspend(t.Context(), admin, h.id("ada"))
	require.NoError(t, err)
	require.NoError(t, h.del(h.read(ada)))
	back := h.create("User", `{"userName":"ada","externalId":"e1","active":true}`)
	_, err = h.login("ada")
	denied(t, err, lifecycle.DeniedDeactivated)
	h.update(h.update(back, `{"userName":"ada","externalId":"e1","active":false}`), `{"userName":"ada","externalId":"e1","active":true}`)
	_, err = h.login("ada")
	denied(t, err, lifecycle.DeniedDeactivated)
	_, err = h.s.Reactivate(t.Context(), admin, h.id("ada"))
	require.NoError(t, err)
	_, err = h.login("ada")
	require.NoError(t, err)
}

func TestDeprovisionedByDeletingComesBack(t *testing.T) {
	for policy, want := range map[lifecycle.DeletePolicy]map[string]lifecycle.State{"remove": {}, "keep": {"ada": lifecycle.Deactivated}} {
		h := newHouse(t, with(func(s *lifecycle.Settings) { s.Deprovision, s.Delete = "delete", policy }))
		ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
		h.update(ada, `{"userName":"ada","externalId":"e1","active":false}`)
		assert.Equal(t, want, h.states())
		assert.Equal(t, ada.ID, h.create("User", `{"userName":"ada","externalId":"e1"}`).ID)
	}
}

func TestCreationIsOneCall(t *testing.T) {
	h := newHouse(t)
	h.s, _ = lifecycle.New(h.fake, nil)
	ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
	var calls []string
	h.fake.Before(func(_ context.Context, method string) error { calls = append(calls, method); return nil })
	h.create("User", `{"userName":"bob","externalId":"e2"}`)
	assert.Equal(t, []string{"Commit"}, calls, "nobody looks before; the commit knows who was there")

	// Whoever is deleted while somebody plans to create them again comes back too.
	h.fake.Before(func(context.Context, string) error {
		h.fake.Before(nil)
		return h.del(ada)
	})
	assert.Equal(t, ada.ID, h.create("User", `{"userName":"ada","externalId":"e1"}`).ID)
}

func TestOneOfManyTakesOverTheOldAccount(t *testing.T) {
	h := newHouse(t)
	settings := lifecycle.DefaultSettings()
	settings.SameExternalID = "allow"
	h.s, _ = lifecycle.New(h.fake, &lifecycle.Options{Settings: lifecycle.FixedSettings(settings)})
	ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
	require.NoError(t, h.del(ada))
	same := make([]bool, 16)
	for _, err := range raceOf(len(same), func(i int) error {
		r := h.resource("User", `{"externalId":"e1","userName":"u`+strconv.Itoa(i)+`"}`)
		err := h.post(r)
		same[i] = r.ID == ada.ID
		return err
	}) {
		require.NoError(t, err)
	}
	assert.Equal(t, 1, strings.Count(fmt.Sprint(same), "true"))
	users, _, err := h.s.Accounts(t.Context(), "acme", lifecycle.AccountQuery{Count: 100})
	require.NoError(t, err)
	require.Len(t, users, len(same))
	for _, err := range raceOf(len(users), func(i int) error {
		for {
			if err := h.del(users[i]); !errors.Is(err, store.ErrVersionMismatch) {
				return err
			}
		}
	}) {
		require.NoError(t, err, "one tombstone is enough for all")
	}
}
