package scim_test

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

func TestDiscovery(t *testing.T) {
	s := serve(t, func(o *scim.Options) { o.Documentation = "https://help.example/scim" })
	a := s.do("GET", "/ServiceProviderConfig", "").is(200)
	for _, feature := range []string{"bulk", "patch", "filter", "sort", "etag"} {
		assert.Equal(t, true, a.at(feature, "supported"), feature)
	}
	for _, feature := range []string{"changePassword"} {
		assert.Equal(t, false, a.at(feature, "supported"), feature)
	}
	assert.Equal(t, "oauthbearertoken", a.at("authenticationSchemes", 0, "type"))
	assert.Equal(t, "https://help.example/scim", a.at("documentationUri"))
	assert.Equal(t, s.url+"/ServiceProviderConfig", a.at("meta", "location"))
	assert.Equal(t, "ServiceProviderConfig", a.at("meta", "resourceType"))

	for list, want := range map[string][]string{"Schemas": {userURN, enterpriseURN, groupURN}, "ResourceTypes": {"User", "Group"}} {
		a := s.do("GET", "/"+list, "").is(200)
		assert.EqualValues(t, len(want), a.at("totalResults"))
		for i, id := range want {
			assert.Equal(t, id, a.at("Resources", i, "id"))
			one := s.do("GET", "/"+list+"/"+id, "").is(200)
			assert.Equal(t, a.at("Resources", i), any(one.body))
			assert.Equal(t, s.url+"/"+list+"/"+id, one.at("meta", "location"))
			assert.Equal(t, strings.TrimSuffix(list, "s"), one.at("meta", "resourceType"))
			assert.NotContains(t, one.text, "null")
		}
		s.do("GET", "/"+list+`?filter=id%20eq%20"x"`, "").fails(403, "", "filter")
		s.do("GET", "/"+list+"?startIndex=2&count=1&sortBy=id", "").is(200)
	}
}

func TestLocation(t *testing.T) {
	h := func(change func(*scim.Options)) *scim.Handler {
		o := &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}}
		change(o)
		h, err := scim.NewHandler(storetest.NewFake(), o)
		require.NoError(t, err)
		return h
	}
	plain := h(func(*scim.Options) {})
	trusting := h(func(o *scim.Options) { o.TrustForwarded = true })
	fixed := h(func(o *scim.Options) { o.BaseURL = "https://api.example/scim/" })
	for _, c := range []struct {
		name    string
		h       http.Handler
		target  string
		tls     bool
		headers map[string]string
		want    string
	}{
		{"at the root", plain, "http://a.example/Users", false, nil, "http://a.example/Users/"},
		{"TLS", plain, "http://a.example/Users", true, nil, "https://a.example/Users/"},
		{"under a prefix", http.StripPrefix("/x/y", plain), "http://a.example/x/y/Users", false, nil, "http://a.example/x/y/Users/"},
		{"with a query", http.StripPrefix("/x", plain), "http://a.example/x/Users?a=/Users", false, nil, "http://a.example/x/Users/"},
		{"forwarded, untrusted", plain, "http://a.example/Users", false, map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}, "http://a.example/Users/"},
		{"forwarded, trusted", http.StripPrefix("/x", trusting), "http://a.example/x/Users", false,
			map[string]string{"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "p.example", "X-Forwarded-Prefix": "/api/"}, "https://p.example/api/x/Users/"},
		{"fixed", http.StripPrefix("/x", fixed), "http://a.example/x/Users", false, map[string]string{"X-Forwarded-Host": "evil.example"}, "https://api.example/scim/Users/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", c.target, strings.NewReader(userBody("user-"+strings.ReplaceAll(c.name, " ", "-"))))
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for k, v := range c.headers {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			c.h.ServeHTTP(w, r)
			require.Equal(t, 201, w.Code, w.Body.String())
			assert.True(t, strings.HasPrefix(w.Header().Get("Location"), c.want), w.Header().Get("Location"))
			assert.Contains(t, w.Body.String(), `"location":"`+w.Header().Get("Location")+`"`)
		})
	}
}

// failing is an Authenticator that fails as a broken dependency would.
type failing struct{ err error }

func (f failing) Authenticate(*http.Request) (scim.Principal, error) {
	if f.err == nil {
		panic("secret text")
	}
	return scim.Principal{}, f.err
}

func TestInternalFaultsStayInside(t *testing.T) {
	for name, err := range map[string]error{"error": errors.New("secret text"), "panic": nil} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			s := serve(t, func(o *scim.Options) { o.Auth, o.Logger = failing{err}, textLogger(&log) })
			a := s.do("GET", "/Users", "").fails(500, "", "request id")
			assert.NotContains(t, a.text, "secret")
			id := a.header.Get("X-Request-Id")
			assert.Contains(t, a.at("detail"), id)
			assert.Contains(t, log.String(), id)
			assert.Contains(t, log.String(), "secret text")
		})
	}
}

func textLogger(w *strings.Builder) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
