package scim_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// TestAddressesThatAreAlmostRight checks that a 404 says what was seen and what would be right.
func TestAddressesThatAreAlmostRight(t *testing.T) {
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
	require.NoError(t, err)
	for _, c := range []struct{ target, words string }{
		{"/users", "it is /Users"},
		{"/GROUPS/x", "it is /Groups"},
		{"/serviceproviderconfig", "it is /ServiceProviderConfig"},
		{"/resourcetypes", "it is /ResourceTypes"},
		{"/bulk", "it is /Bulk"},
		{"/scim/v2/Users", `http.StripPrefix(\"/scim/v2\", handler)`},
		{"/scim/v2/users/x", `http.StripPrefix(\"/scim/v2\", handler)`},
		{"/scim/ServiceProviderConfig", `http.StripPrefix(\"/scim\", handler)`},
		{"/nothing/at/all", "see ResourceTypes"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.target, nil))
		assert.Equal(t, 404, w.Code, c.target)
		assert.Contains(t, w.Body.String(), c.words, c.target)
	}
}

// TestDiscoveryWithoutACredential checks what RFC 7643 section 5 has clients read before they authenticate.
func TestDiscoveryWithoutACredential(t *testing.T) {
	for _, public := range []bool{false, true} {
		s := serve(t, func(o *scim.Options) { o.PublicDiscovery = public })
		s.do("GET", "/ServiceProviderConfig", "", "Authorization: ").is(401)
		for _, c := range []struct {
			path string
			open bool
		}{
			{"/ServiceProviderConfig", true}, {"/Schemas", public}, {"/Schemas/" + userURN, public}, {"/ResourceTypes", public},
			{"/ResourceTypes/User", public}, {"/Users", false}, {"/", false}, {"/Me", false}, {"/Nowhere", false},
		} {
			res, err := http.Get(s.url + c.path)
			require.NoError(t, err)
			res.Body.Close()
			want := 401
			if c.open {
				want = 200
			}
			assert.Equal(t, want, res.StatusCode, c.path)
			s.do("GET", c.path, "", "Authorization: Bearer wrong").is(401) // who has a credential is told that it is wrong
		}
	}
}

func TestRequestID(t *testing.T) {
	s := serve(t)
	for _, id := range []string{"a", "7d1c.-_~:+/=@", "4bf92f3577b34da6a3ce929d0e0e4736"} {
		assert.Equal(t, id, s.do("GET", "/Users", "", "X-Request-Id: "+id).is(200).header.Get("X-Request-Id"))
		assert.Equal(t, id, s.do("GET", "/Users", "", "X-Request-Id: "+id, "Authorization: Bearer no").is(401).header.Get("X-Request-Id"))
	}
	for _, id := range []string{"a b", "a\tb", "<script>", "é", long[:129], `"x"`} {
		assert.NotEqual(t, id, s.do("GET", "/Users", "", "X-Request-Id: "+id).is(200).header.Get("X-Request-Id"))
	}
}
