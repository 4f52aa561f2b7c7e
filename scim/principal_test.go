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
	"github.com/rollcall-dev/rollcall/store"
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

// Each operation of a bulk request that is refused has an entry, whatever stage refused it.
func TestBulkRefusalsAreJournalled(t *testing.T) {
	fake := storetest.NewFake()
	h, err := scim.NewHandler(fake, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/Bulk", strings.NewReader(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
		{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":7}},
		{"method":"POST","path":"/Users","bulkId":"b","data":{"userName":"bob"}},
		{"method":"PATCH","path":"/Groups/bulkId:nobody","data":{"Operations":[{"op":"add","path":"members","value":[]}]}},
		{"method":"DELETE","path":"/Users/nobody"}]}`))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, 200, w.Code, w.Body)
	entries, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 10})
	require.NoError(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Action+" "+e.Outcome)
		assert.Equal(t, w.Header().Get("X-Request-Id"), e.Request)
	}
	assert.ElementsMatch(t, []string{"POST /Users refused", "POST /Users created", "PATCH /Groups refused", "DELETE /Users refused"}, got)
}
