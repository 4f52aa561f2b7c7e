package scim_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A fixed token can carry a whole principal, and is shown nowhere.
func TestBearerPrincipals(t *testing.T) {
	tokens := scim.BearerPrincipals{"reader-of-users": {Tenant: "acme", Scopes: []string{"read", "users"}}, "groups": {Tenant: "acme", Scopes: []string{"groups"}}, "none": {Tenant: "acme", Scopes: []string{}}}
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: tokens})
	require.NoError(t, err)
	for _, x := range []struct {
		token, method, path string
		status              int
	}{
		{"reader-of-users", "GET", "/Users", 200}, {"reader-of-users", "POST", "/Users", 403}, {"reader-of-users", "GET", "/Groups", 403},
		{"reader-of-users", "POST", "/Users/.search", 200}, {"groups", "GET", "/Groups", 200}, {"groups", "POST", "/Groups", 201}, {"groups", "POST", "/Users", 403},
		{"none", "GET", "/Users", 403}, {"none", "GET", "/Schemas", 200}, {"x", "GET", "/Users", 401},
	} {
		r := httptest.NewRequestWithContext(t.Context(), x.method, x.path, strings.NewReader(`{"userName":"ada","displayName":"g"}`))
		if strings.HasSuffix(x.path, ".search") {
			r = httptest.NewRequestWithContext(t.Context(), x.method, x.path, strings.NewReader(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`))
		}
		r.Header.Set("Authorization", "Bearer "+x.token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, x.status, w.Code, "%v: %s", x, w.Body)
	}
	text, err := json.Marshal(tokens)
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "tokens", tokens)
	assert.NotContains(t, fmt.Sprint(tokens)+fmt.Sprintf("%#v", tokens)+string(text)+log.String(), "reader-of-users")
	_, err = scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.BearerPrincipals{"x": {}}})
	assert.Error(t, err)
}
