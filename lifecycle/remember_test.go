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
	for policy, again := range map[string][]string{
		"remove": {`{"userName":"ada.new","externalId":"e1"}`, `{"userName":"ada","externalId":"e1"}`},
		"keep":   {`{"userName":"ada.new","externalId":"e1"}`, `{"userName":"ada.new"}`},
	} {
		t.Run(policy, func(t *testing.T) {
			h := newHouse(t, with(func(s *lifecycle.Settings) { s.Delete, s.DefaultRole = policy, "clerk" }))
			ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
			person := ada.ID
			_, err := h.login("ada")
			require.NoError(t, err)
			for _, attributes := range again {
				require.NoError(t, h.s.Delete(t.Context(), actor, h.read(ada)))
				back := h.create("User", attributes)
				assert.NotEqual(t, ada.ID, back.ID, "ids are never used again")
				account := lifecycle.AccountOf(back)
				assert.Equal(t, person, account.Person)
				assert.Equal(t, lifecycle.Provisioned, account.State)
				assert.Equal(t, "clerk", account.Role)
				assert.False(t, account.FirstLogin.IsZero())
				login, err := h.login(back.Attributes.Get("userName").Text())
				require.NoError(t, err)
				assert.False(t, login.FirstLogin)
				assert.True(t, login.Billed, "a new period of access")
				ada = back
			}
			other := h.create("User", `{"userName":"bob","externalId":"e2"}`)
			assert.Empty(t, lifecycle.AccountOf(other).Person)
			assert.Empty(t, lifecycle.AccountOf(h.create("User", `{"userName":"eve","externalId":"e2"}`)).Person, "who is there is not remembered as gone")
			require.NoError(t, h.s.Delete(t.Context(), actor, other))
			other = h.create("User", `{"userName":"bob"}`)
			assert.Equal(t, policy == "keep", lifecycle.AccountOf(other).Person != "", "the userName counts only where accounts are kept")
		})
	}
}

func TestSuspendedStaysOutThroughADeletion(t *testing.T) {
	h := newHouse(t)
	ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
	_, err := h.s.Suspend(t.Context(), "acme", "ada")
	require.NoError(t, err)
	require.NoError(t, h.s.Delete(t.Context(), actor, h.read(ada)))
	back := h.create("User", `{"userName":"ada","externalId":"e1","active":true}`)
	_, err = h.login("ada")
	denied(t, err, lifecycle.DeniedDeactivated)
	h.update(h.update(back, `{"userName":"ada","externalId":"e1","active":false}`), `{"userName":"ada","externalId":"e1","active":true}`)
	_, err = h.login("ada")
	denied(t, err, lifecycle.DeniedDeactivated)
	_, err = h.s.Reactivate(t.Context(), "acme", "ada")
	require.NoError(t, err)
	_, err = h.login("ada")
	require.NoError(t, err)
}

func TestDeprovisionedByDeletingComesBack(t *testing.T) {
	h := newHouse(t, with(func(s *lifecycle.Settings) { s.Deprovision = "delete" }))
	ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
	h.update(ada, `{"userName":"ada","externalId":"e1","active":false}`)
	assert.Equal(t, ada.ID, lifecycle.AccountOf(h.create("User", `{"userName":"ada","externalId":"e1"}`)).Person)
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
		return h.s.Delete(t.Context(), actor, ada)
	})
	assert.Equal(t, ada.ID, lifecycle.AccountOf(h.create("User", `{"userName":"ada","externalId":"e1"}`)).Person)
}

func TestOneOfManyTakesOverTheOldAccount(t *testing.T) {
	h := newHouse(t)
	h.s, _ = lifecycle.New(h.fake, nil)
	ada := h.create("User", `{"userName":"ada","externalId":"e1"}`)
	require.NoError(t, h.s.Delete(t.Context(), actor, ada))
	same := make([]bool, 16)
	for _, err := range raceOf(len(same), func(i int) error {
		r := h.resource("User", `{"externalId":"e1","userName":"u`+strconv.Itoa(i)+`"}`)
		err := h.s.Create(context.Background(), actor, r, nil)
		same[i] = lifecycle.AccountOf(r).Person == ada.ID
		return err
	}) {
		require.NoError(t, err)
	}
	assert.Equal(t, 1, strings.Count(fmt.Sprint(same), "true"))
	users, _, err := h.s.Accounts(t.Context(), "acme", lifecycle.None, "", 100)
	require.NoError(t, err)
	require.Len(t, users, len(same))
	for _, err := range raceOf(len(users), func(i int) error {
		for {
			if err := h.s.Delete(context.Background(), actor, users[i]); !errors.Is(err, store.ErrVersionMismatch) {
				return err
			}
		}
	}) {
		require.NoError(t, err, "one tombstone is enough for all")
	}
}
