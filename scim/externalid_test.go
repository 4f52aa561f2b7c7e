package scim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// sharing is a service whose tenant refuses, or allows, that two users have the same externalId.
func sharing(t *testing.T, s store.Store, word lifecycle.SameExternalID) (h *scim.Handler, do func(method, path, body string) (status int, answer string)) {
	settings := lifecycle.DefaultSettings()
	settings.SameExternalID = word
	h, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, Lifecycle: lifecycle.Options{Settings: lifecycle.FixedSettings(settings)}})
	require.NoError(t, err)
	return h, func(method, path, body string) (int, string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/scim+json")
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
}

func idOf(answer string) string {
	_, rest, _ := strings.Cut(answer, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func replaces(path, value string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"` + path + `","value":` + value + `}]}`
}

// By default nobody gets the externalId of somebody else, by whatever verb.
func TestSameExternalID(t *testing.T) {
	_, do := sharing(t, storetest.NewFake(), lifecycle.SameExternalIDRefuse)
	_, ann := do(http.MethodPost, "/Users", `{"userName":"ann","externalId":"e1"}`)
	_, bob := do(http.MethodPost, "/Users", `{"userName":"bob","externalId":"e2"}`)
	for _, tt := range []struct{ method, path, body string }{
		{http.MethodPost, "/Users", `{"userName":"carl","externalId":"e1"}`},
		{http.MethodPut, "/Users/" + idOf(bob), `{"userName":"bob","externalId":"e1"}`},
		{http.MethodPatch, "/Users/" + idOf(bob), replaces("externalId", `"e1"`)},
	} {
		status, answer := do(tt.method, tt.path, tt.body)
		assert.Equal(t, http.StatusConflict, status, answer)
		assert.Contains(t, answer, `"scimType":"uniqueness"`)
		assert.Contains(t, answer, "externalId: the user "+idOf(ann)+" has this externalId already; each person needs one of their own")
	}
	status, answer := do(http.MethodPatch, "/Users/"+idOf(bob), replaces("externalId", `"e3"`))
	assert.Equal(t, http.StatusOK, status, answer)
}

// Who has shared an externalId since before it was refused can be changed all the same, above all be taken the access. Once they were
// indexed again nobody else gets that externalId.
func TestSharedExternalID(t *testing.T) {
	s := storetest.NewFake()
	_, do := sharing(t, s, lifecycle.SameExternalIDAllow)
	_, ann := do(http.MethodPost, "/Users", `{"userName":"ann","externalId":"e"}`)
	_, bob := do(http.MethodPost, "/Users", `{"userName":"bob","externalId":"e"}`)
	_, lone := do(http.MethodPost, "/Users", `{"userName":"lone","externalId":"l"}`)

	h, do := sharing(t, s, lifecycle.SameExternalIDRefuse)
	change := func() {
		t.Helper()
		for _, answer := range []string{ann, bob, lone} {
			for _, body := range []string{replaces("title", `"Dr"`), replaces("active", "false"), replaces("active", "true"), replaces("title", `"Prof"`)} {
				status, answer := do(http.MethodPatch, "/Users/"+idOf(answer), body)
				assert.Equal(t, http.StatusOK, status, answer)
			}
		}
	}
	change()
	require.NoError(t, h.Lifecycle().Reindex(t.Context(), "acme", "User"))
	require.NoError(t, h.Lifecycle().Reindex(t.Context(), "acme", "User"), "again, with nothing to do")
	change()
	for _, id := range []string{"e", "l"} {
		status, answer := do(http.MethodPost, "/Users", `{"userName":"new`+id+`","externalId":"`+id+`"}`)
		assert.Equal(t, http.StatusConflict, status, answer)
	}
	status, answer := do(http.MethodPut, "/Users/"+idOf(bob), `{"userName":"bob","externalId":"e","active":false}`)
	assert.Equal(t, http.StatusOK, status, answer)
	assert.Contains(t, answer, `"active":false`)
	status, _ = do(http.MethodDelete, "/Users/"+idOf(ann), "")
	assert.Equal(t, http.StatusNoContent, status)
}
