package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// A person who comes in two ways has one account on every store. A sign-in finds the account by a verified address. A POST of the identity
// provider finds an account that JIT has made, by the attributes of Link.
func TestOnePerson(t *testing.T) {
	onAllStores(t, func(t *testing.T, s store.Store) {
		settings := lifecycle.DefaultSettings()
		settings.JIT = true
		h, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, Lifecycle: lifecycle.Options{
			Settings: lifecycle.FixedSettings(settings),
			Link:     map[string][]string{"User": {"externalId", `emails[type eq "work"].value`}},
		}})
		require.NoError(t, err)
		post := func(status int, body string) (answer map[string]any) {
			t.Helper()
			r := httptest.NewRequest(http.MethodPost, "/Users", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/scim+json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, status, w.Code, w.Body)
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
			return answer
		}
		login := func(userName, mail string) lifecycle.Login {
			t.Helper()
			l, err := h.Lifecycle().Login(t.Context(), "acme", lifecycle.Identity{UserName: userName, Mail: mail})
			require.NoError(t, err)
			return l
		}
		const work = `"emails":[{"type":"work","value":"Ada@corp.example"}]`

		ada := post(http.StatusCreated, `{"userName":"ada","externalId":"e1",`+work+`}`)["id"]
		first := login("sso|77", "ada@CORP.example")
		assert.Equal(t, lifecycle.Login{ID: ada.(string), State: lifecycle.Active, FirstLogin: true, Billed: true}, first, "by the verified address")

		bob := login("bob", "bob@corp.example")
		assert.True(t, bob.Billed, "made by JIT")
		assert.Equal(t, bob.ID, login("BOB", "").ID)

		assert.Equal(t, ada, post(http.StatusCreated, `{"userName":"ada.lovelace","externalId":"e1"}`)["id"], "by the externalId")
		assert.Equal(t, ada, post(http.StatusCreated, `{"userName":"ada","externalId":"e1",`+work+`}`)["id"])
		assert.Equal(t, ada, post(http.StatusCreated, `{"userName":"ada.l","externalId":"e9",`+work+`}`)["id"], "by the address at work")
		assert.False(t, login("ada.l", "").Billed, "billed already")

		conflict := post(http.StatusConflict, `{"userName":"Bob"}`)
		assert.Equal(t, "uniqueness", conflict["scimType"])
		_, err = h.Lifecycle().Login(t.Context(), "umbrella", lifecycle.Identity{UserName: "ada.l"})
		require.NoError(t, err, "another tenant's ada is another person")
		used, _, err := h.Lifecycle().Seats(t.Context(), "acme")
		require.NoError(t, err)
		assert.Equal(t, 2, used)
	})
}
