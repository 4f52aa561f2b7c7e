package scimtest_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
)

// tokens is a token endpoint in front of a service.
type tokens struct {
	service http.Handler
	issuer  *scimtest.Issuer
	expires int
	kind    string
}

func (o tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/oauth/token" {
		o.service.ServeHTTP(w, r)
		return
	}
	good := r.FormValue("grant_type") == "client_credentials" &&
		(r.FormValue("client_id") == "entra" && r.FormValue("client_secret") == "secret" || o.signed(r.FormValue("client_assertion")))
	if !good {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client"}`)
		return
	}
	fmt.Fprintf(w, `{"access_token":%q,"token_type":%q,"expires_in":%d}`, token, o.kind, o.expires)
}

// signed checks an assertion by the keys that its issuer publishes.
func (o tokens) signed(assertion string) bool {
	w := httptest.NewRecorder()
	o.issuer.ServeHTTP(w, httptest.NewRequest("GET", "/keys", nil))
	var set struct{ Keys []struct{ N, E, Kid string } }
	parts := strings.Split(assertion, ".")
	if json.Unmarshal(w.Body.Bytes(), &set) != nil || len(set.Keys) != 1 || len(parts) != 3 {
		return false
	}
	decoded := func(s string) []byte {
		b, _ := base64.RawURLEncoding.DecodeString(s)
		return b
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(decoded(set.Keys[0].N)), E: int(new(big.Int).SetBytes(decoded(set.Keys[0].E)).Int64())}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	var claims struct{ Iss, Sub, Aud string }
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], decoded(parts[2])) == nil &&
		json.Unmarshal(decoded(parts[1]), &claims) == nil && claims.Iss == "https://login.example.com" && claims.Sub == "app" && claims.Aud == "api://rollcall"
}

// TestOAuth shows that the clauses about token lifetime and federation pass for a right token endpoint, and fail for wrong ones.
func TestOAuth(t *testing.T) {
	issuer, err := scimtest.NewIssuer("https://login.example.com")
	require.NoError(t, err)
	run := func(o tokens, audience, secret string) *scimtest.Report {
		o.service, o.issuer = service(t, scim.Tolerant()), issuer
		report, err := scimtest.Check(t.Context(), scimtest.Target{
			Handler: o, Token: token, Profile: "entra-gallery", Only: []string{"gallery-token", "gallery-federation"},
			OAuth: &scimtest.OAuth{TokenURL: "http://scim.example.com/oauth/token", ClientID: "entra", ClientSecret: secret,
				Assertion: func(context.Context) (string, error) { return issuer.Assertion("app", audience) }},
		})
		require.NoError(t, err)
		return report
	}
	const audience, secret = "api://rollcall", "secret"
	good := tokens{expires: 3600, kind: "Bearer"}
	assert.Equal(t, 2, run(good, audience, secret).Totals.Passed)
	assert.Equal(t, []string{"gallery-federation"}, run(good, "api://other", secret).Failed(), "an assertion for somebody else")
	assert.Equal(t, []string{"gallery-token"}, run(good, audience, "wrong").Failed(), "a wrong secret")
	for name, bad := range map[string]tokens{
		"too short": {expires: 60, kind: "Bearer"}, "too long": {expires: 7 * 3600, kind: "Bearer"}, "no bearer token": {expires: 3600, kind: "mac"},
	} {
		assert.Equal(t, []string{"gallery-token", "gallery-federation"}, run(bad, audience, secret).Failed(), name)
	}
	metadata := httptest.NewRecorder()
	issuer.ServeHTTP(metadata, httptest.NewRequest("GET", "/.well-known/openid-configuration", nil))
	assert.JSONEq(t, `{"issuer":"https://login.example.com","jwks_uri":"https://login.example.com/keys","id_token_signing_alg_values_supported":["RS256"]}`, metadata.Body.String())
	_, err = (&scimtest.Issuer{}).Assertion("a", "b")
	assert.Error(t, err)
}
