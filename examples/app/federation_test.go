package app_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/try"
)

// A client authenticates by an assertion of its identity provider. The flag -jwks-host lets the server fetch the provider's keys.
func TestFederationPages(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k1", Use: "sig"}}})
	}))
	defer issuer.Close()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, nil)
	require.NoError(t, err)
	assertion := func(subject string) url.Values {
		text, err := jwt.Signed(signer).Claims(jwt.Claims{Issuer: issuer.URL, Subject: subject, Audience: jwt.Audience{"api://rollcall"},
			Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour))}).Serialize()
		require.NoError(t, err)
		return url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {text}}
	}
	try.OnStores(t, func(t *testing.T, store string) {
		p := try.Start(t, new(app.App).Boot("app"), "-store", store, "-jwks-host", strings.TrimPrefix(issuer.URL, "http://"))
		id := p.Do(201, "POST", "/app/connections?tenant=acme", `{"name":"Entra","provider":"entra"}`)["id"].(string)
		path := "/app/connections/" + id + "/credentials?tenant=acme"
		trust := func(jwks string) string {
			return `{"kind":"federation","issuer":"` + issuer.URL + `","jwks":"` + jwks + `","subject":"app-1","audience":"api://rollcall"}`
		}
		for _, bad := range []string{"", "http://10.0.0.1/keys", "https://localhost/keys", "http://127.0.0.1:1/keys", "ftp://" + issuer.URL} {
			p.Do(400, "POST", path, trust(bad))
		}
		p.Do(400, "POST", path, `{"kind":"federation","issuer":"`+issuer.URL+`"}`)
		made := p.Do(201, "POST", path, trust(issuer.URL+"/keys"))
		assert.NotContains(t, made, "clientSecret")
		for _, clientID := range []string{"", made["clientId"].(string)} {
			form := assertion("app-1")
			if clientID != "" {
				form.Set("client_id", clientID)
			}
			status, answer := tokenRequest(t, p, form, "")
			require.Equal(t, 200, status, answer)
			p.As(answer["access_token"].(string), 200, "GET", "/Users", "")
		}
		status, answer := tokenRequest(t, p, assertion("app-2"), "")
		assert.Equal(t, []any{401, "invalid_client"}, []any{status, answer["error"]})
		_, answer = tokenRequest(t, p, assertion("app-1"), "")
		p.Do(204, "DELETE", "/app/credentials/"+made["id"].(string)+"?tenant=acme", "")
		p.As(answer["access_token"].(string), 401, "GET", "/Users", "")
		status, _ = tokenRequest(t, p, assertion("app-1"), "")
		assert.Equal(t, 401, status)
	})
}
