package federation_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/scim/connection/federation"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// service is a SCIM service with federated clients of two tenants.
type service struct {
	t           *testing.T
	fake        *storetest.Fake
	entra       *entra
	connections *connection.Service
	handler     *scim.Handler
	id, other   *connection.Issued // of acme and of umbrella
	secret      *connection.Issued // a client of acme with a secret
	bearer      *connection.Issued
}

func newService(t *testing.T) *service {
	s := &service{t: t, fake: storetest.NewFake(), entra: newEntra(t)}
	host := strings.TrimPrefix(s.entra.URL, "http://")
	var err error
	s.connections, err = connection.New(s.fake, &connection.Options{Hold: 20 * time.Millisecond, Federation: federation.New(&federation.Options{Hosts: []string{host}})})
	s.must(err)
	s.handler, err = scim.NewHandler(s.fake, &scim.Options{Auth: s.connections})
	s.must(err)
	s.id = s.federate("acme", connection.Trust{Issuer: s.entra.URL, JWKS: s.entra.URL + "/keys", Subject: "app-1", Audience: "api://rollcall"})
	s.other = s.federate("umbrella", connection.Trust{Issuer: s.entra.URL, JWKS: s.entra.URL + "/keys", Subject: "app-2", Audience: "api://rollcall"})
	by := lifecycle.Request{Tenant: "acme", Who: "test"}
	s.secret, err = s.connections.Issue(t.Context(), by, s.id.Connection, connection.Ask{Kind: connection.Client})
	s.must(err)
	s.bearer, err = s.connections.Issue(t.Context(), by, s.id.Connection, connection.Ask{Kind: connection.Bearer})
	s.must(err)
	return s
}

func (s *service) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) federate(tenant string, trust connection.Trust) *connection.Issued {
	s.t.Helper()
	by := lifecycle.Request{Tenant: tenant, Who: "test"}
	c, err := s.connections.Create(s.t.Context(), by, "Entra", connection.Entra)
	s.must(err)
	k, err := s.connections.Issue(s.t.Context(), by, c.ID, connection.Ask{Kind: connection.Federation, Trust: trust})
	s.must(err)
	return k
}

// ask is a token request.
func (s *service) ask(form url.Values, headers ...string) (int, map[string]any) {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), "POST", "/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.connections.TokenEndpoint().ServeHTTP(w, r)
	var answer map[string]any
	s.must(json.Unmarshal(w.Body.Bytes(), &answer))
	return w.Code, answer
}

func assertionForm(assertion, clientID string) url.Values {
	f := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}
	if clientID != "" {
		f.Set("client_id", clientID)
	}
	return f
}

// get reads users by a token.
func (s *service) get(token string) int {
	r := httptest.NewRequestWithContext(s.t.Context(), "GET", "/Users", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Code
}

func TestFederation(t *testing.T) {
	s := newService(t)
	for _, clientID := range []string{"", s.id.ClientID} {
		status, answer := s.ask(assertionForm(s.entra.assertion(t, s.entra.claims()), clientID))
		if status != 200 {
			t.Fatal(status, answer)
		}
		if got := s.get(answer["access_token"].(string)); got != 200 {
			t.Fatal(got)
		}
	}
	if n := s.entra.fetches(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
	s.entra.set(true)
	if status, answer := s.ask(assertionForm(s.entra.assertion(t, s.entra.claims()), "")); status != 200 {
		t.Error("the keys are kept while their address is away:", status, answer)
	}
	s.entra.set(false)
	claims := s.entra.claims()
	claims["aud"] = []string{"x", "api://rollcall"}
	if status, _ := s.ask(assertionForm(s.entra.assertion(t, claims), "")); status != 200 {
		t.Error("a list of audiences:", status)
	}
	_, answer := s.ask(assertionForm(s.entra.assertion(t, s.entra.claims()), ""))
	s.must(s.connections.Revoke(t.Context(), lifecycle.Request{Tenant: "acme"}, s.id.ID))
	if got := s.get(answer["access_token"].(string)); got != 401 {
		t.Error("an access token outlives its client:", got)
	}
	if status, _ := s.ask(assertionForm(s.entra.assertion(t, s.entra.claims()), "")); status != 401 {
		t.Error("an assertion for a revoked client:", status)
	}
}

// A new key is fetched when it is first used, but not within a minute of the last fetch.
func TestKeysRotate(t *testing.T) {
	e := newEntra(t)
	v := federation.New(&federation.Options{Hosts: []string{strings.TrimPrefix(e.URL, "http://")}})
	trust := connection.Trust{Issuer: e.URL, JWKS: e.URL + "/keys", Subject: "app-1", Audience: "api://rollcall"}
	if err := v.Verify(t.Context(), e.assertion(t, e.claims()), trust); err != nil {
		t.Fatal(err)
	}
	e.rotate("k2", made()[1])
	for range 3 {
		if err := v.Verify(t.Context(), e.assertion(t, e.claims()), trust); err == nil {
			t.Fatal("a fetch within a minute of the last one")
		}
	}
	if n := e.fetches(); n != 1 {
		t.Fatalf("%d fetches", n)
	}
	v = federation.New(&federation.Options{Hosts: []string{strings.TrimPrefix(e.URL, "http://")}})
	if err := v.Verify(t.Context(), e.assertion(t, e.claims()), trust); err != nil {
		t.Fatal(err)
	}
}

// TestAttacks tries what must not get in. Each row is a token request, or a request with a token.
func TestAttacks(t *testing.T) {
	s := newService(t)
	e := s.entra
	public, err := x509.MarshalPKIXPublicKey(&e.key.PublicKey)
	s.must(err)
	good := e.assertion(t, e.claims())
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	with := func(name string, value any) string {
		c := e.claims()
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return e.assertion(t, c)
	}
	header := func(h map[string]any) string { return sign(t, jose.RS256, e.key, h, e.claims()) }
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	foreign := newEntra(t)
	foreign.rotate("k1", made()[1])
	foreignClaims := e.claims()

	assertions := map[string]string{
		"empty":                             "",
		"no JWT":                            "x",
		"two parts":                         parts[0] + "." + parts[1],
		"four parts":                        good + ".x",
		"algorithm none":                    b64([]byte(`{"alg":"none","kid":"k1"}`)) + "." + parts[1] + ".",
		"algorithm None":                    b64([]byte(`{"alg":"None","kid":"k1"}`)) + "." + parts[1] + ".",
		"algorithm none with a signature":   b64([]byte(`{"alg":"none","kid":"k1"}`)) + "." + parts[1] + "." + parts[2],
		"no algorithm":                      b64([]byte(`{"kid":"k1"}`)) + "." + parts[1] + "." + parts[2],
		"HS256 with the public key":         sign(t, jose.HS256, public, map[string]any{"kid": "k1"}, e.claims()),
		"HS256 with the modulus":            sign(t, jose.HS256, e.key.PublicKey.N.Bytes(), map[string]any{"kid": "k1"}, e.claims()),
		"HS512 with the public key":         sign(t, jose.HS512, public, map[string]any{"kid": "k1"}, e.claims()),
		"PS256":                             sign(t, jose.PS256, e.key, map[string]any{"kid": "k1"}, e.claims()),
		"RS512":                             sign(t, jose.RS512, e.key, map[string]any{"kid": "k1"}, e.claims()),
		"another key":                       sign(t, jose.RS256, made()[1], map[string]any{"kid": "k1"}, foreignClaims),
		"a weak key":                        sign(t, jose.RS256, made()[1], map[string]any{"kid": "weak"}, foreignClaims),
		"no kid":                            header(nil),
		"an unknown kid":                    header(map[string]any{"kid": "nobody"}),
		"a kid that is a path":              header(map[string]any{"kid": "../../etc/passwd"}),
		"a kid that is SQL":                 header(map[string]any{"kid": "k1' OR '1'='1"}),
		"a kid that is an address":          header(map[string]any{"kid": foreign.URL + "/keys"}),
		"a kid of another case":             header(map[string]any{"kid": "K1"}),
		"a huge kid":                        header(map[string]any{"kid": strings.Repeat("k", 5_000)}),
		"a key in the header":               sign(t, jose.RS256, made()[1], map[string]any{"kid": "x", "jwk": jose.JSONWebKey{Key: &made()[1].PublicKey, KeyID: "x"}}, e.claims()),
		"an address of keys in the header":  sign(t, jose.RS256, made()[1], map[string]any{"kid": "k1", "jku": foreign.URL + "/keys"}, e.claims()),
		"a critical header":                 header(map[string]any{"kid": "k1", "crit": []string{"exp"}, "exp": 1}),
		"an access token":                   header(map[string]any{"kid": "k1", "typ": "at+jwt"}),
		"an access token by its media type": header(map[string]any{"kid": "k1", "typ": "application/at+jwt"}),
		"no issuer":                         with("iss", nil),
		"another issuer":                    with("iss", "https://login.example.com"),
		"an issuer with a slash more":       with("iss", e.URL+"/"),
		"an issuer of another case":         with("iss", strings.ToUpper(e.URL)),
		"an issuer that is a list":          with("iss", []string{e.URL}),
		"no subject":                        with("sub", nil),
		"another subject":                   with("sub", "app-9"),
		"a subject with a blank":            with("sub", "app-1 "),
		"a subject of another case":         with("sub", "APP-1"),
		"no audience":                       with("aud", nil),
		"another audience":                  with("aud", "api://other"),
		"an empty audience":                 with("aud", ""),
		"an audience that only begins so":   with("aud", "api://rollcall/x"),
		"a list without the audience":       with("aud", []string{"a", "b"}),
		"an audience that is a number":      with("aud", 7),
		"no expiry":                         with("exp", nil),
		"expired":                           with("exp", at(-2*time.Minute)),
		"expired long ago":                  with("exp", at(-1000*time.Hour)),
		"an expiry that is a text":          with("exp", "never"),
		"an expiry of 0":                    with("exp", 0),
		"an expiry below 0":                 with("exp", -1),
		"an expiry in years":                with("exp", at(10_000*time.Hour)),
		"not valid yet":                     with("nbf", at(2*time.Minute)),
		"issued in the future":              with("iat", at(2*time.Minute)),
		"huge":                              with("x", strings.Repeat("x", 20_000)),
		"a signature cut off":               good[:len(good)-8],
		"no signature":                      parts[0] + "." + parts[1] + ".",
		"a signature of another":            parts[0] + "." + parts[1] + "." + strings.Split(with("sub", "app-2"), ".")[2],
		"claims of another":                 parts[0] + "." + strings.Split(with("exp", at(9*time.Hour)), ".")[1] + "." + parts[2],
		"a header of another":               b64([]byte(`{"alg":"RS256","kid":"k1","x":1}`)) + "." + parts[1] + "." + parts[2],
		"JSON instead of the compact form":  `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"an issuer that is there twice":     parts[0] + "." + b64([]byte(`{"iss":"x","iss":"`+e.URL+`","sub":"app-1"}`)) + "." + parts[2],
		"claims that are no object":         parts[0] + "." + b64([]byte(`[]`)) + "." + parts[2],
		"padding":                           parts[0] + "." + parts[1] + "." + parts[2] + "==",
	}
	rows := 0
	for name, assertion := range assertions {
		for _, clientID := range []string{"", s.id.ClientID} {
			status, answer := s.ask(assertionForm(assertion, clientID))
			if status < 400 || status >= 500 || answer["access_token"] != nil {
				t.Errorf("%s: %d %v", name, status, answer)
			}
		}
		rows++
	}
	for name, x := range map[string]struct {
		form    url.Values
		headers []string
	}{
		"another tenant's client id with a right assertion": {assertionForm(good, s.other.ClientID), nil},
		"a client with a secret by an assertion":            {assertionForm(good, s.secret.ClientID), nil},
		"an unknown client id":                              {assertionForm(good, "rollcall-nobody"), nil},
		"an assertion and a secret":                         {func() url.Values { f := assertionForm(good, s.id.ClientID); f.Set("client_secret", "x"); return f }(), nil},
		"an assertion of another type":                      {func() url.Values { f := assertionForm(good, ""); f.Set("client_assertion_type", "saml"); return f }(), nil},
		"an assertion twice":                                {func() url.Values { f := assertionForm(good, ""); f.Add("client_assertion", good); return f }(), nil},
		"a federated client without a secret":               {url.Values{"grant_type": {"client_credentials"}, "client_id": {s.id.ClientID}}, nil},
		"a federated client with an empty secret":           {url.Values{"grant_type": {"client_credentials"}, "client_id": {s.id.ClientID}, "client_secret": {""}}, nil},
		"a federated client with any secret":                {url.Values{"grant_type": {"client_credentials"}, "client_id": {s.id.ClientID}, "client_secret": {"x"}}, nil},
		"a client's secret under another's id":              {url.Values{"grant_type": {"client_credentials"}, "client_id": {s.other.ClientID}, "client_secret": {s.secret.Secret}}, nil},
		"a bearer token as a secret":                        {url.Values{"grant_type": {"client_credentials"}, "client_id": {s.secret.ClientID}, "client_secret": {s.bearer.Token}}, nil},
		"a hash as a secret":                                {url.Values{"grant_type": {"client_credentials"}, "client_id": {s.secret.ClientID}, "client_secret": {strings.Repeat("0", 64)}}, nil},
		"Basic without a colon":                             {url.Values{"grant_type": {"client_credentials"}}, []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(s.secret.ClientID))}},
		"Basic twice": {url.Values{"grant_type": {"client_credentials"}}, []string{"Authorization", "Basic eDp5", "Authorization", "Basic " +
			base64.StdEncoding.EncodeToString([]byte(s.secret.ClientID+":"+s.secret.Secret))}},
		"a scope of others": {url.Values{"grant_type": {"client_credentials"}, "client_id": {s.secret.ClientID}, "client_secret": {s.secret.Secret}, "scope": {"read admin"}}, nil},
	} {
		if status, answer := s.ask(x.form, x.headers...); status < 400 || status >= 500 || answer["access_token"] != nil {
			t.Errorf("%s: %d %v", name, status, answer)
		}
		rows++
	}
	_, answer := s.ask(assertionForm(good, ""))
	access := answer["access_token"].(string)
	for name, token := range map[string]string{
		"a client's secret as a bearer token": s.secret.Secret,
		"a client id as a bearer token":       s.secret.ClientID,
		"an assertion as a bearer token":      good,
		"an access token cut off":             access[:len(access)-2],
		"an access token of another prefix":   strings.Replace(access, ".", "x.", 1),
		"an access token that is too long":    access + strings.Repeat("A", 10_000),
		"a token with one character changed":  s.bearer.Token[:20] + "!" + s.bearer.Token[21:],
		"a token without its checksum":        s.bearer.Token[:len(s.bearer.Token)-6],
		"a look-up's id as a token":           strings.Repeat("a", 64),
		"only the marker of an access token":  "rollcall_at_",
		"an access token with an empty seal":  "rollcall_at_.",
		"a token of another case":             strings.ToUpper(s.bearer.Token),
	} {
		if status := s.get(token); status != 401 {
			t.Errorf("%s: %d", name, status)
		}
		rows++
	}
	if got := s.get(s.bearer.Token); got != 200 {
		t.Error("the right token:", got)
	}
	if rows < 60 {
		t.Errorf("only %d rows", rows)
	}
	t.Logf("%d attacks", rows)
	for _, tenant := range []string{"acme", "umbrella"} {
		entries, err := s.fake.Journal(t.Context(), store.JournalQuery{Tenant: tenant, Max: 1_000})
		s.must(err)
		for _, e := range entries {
			if strings.Contains(string(e.Data), s.bearer.Token) || strings.Contains(string(e.Data), s.secret.Secret) || strings.Contains(string(e.Data), parts[2]) {
				t.Error("a secret in the journal:", e)
			}
		}
	}
}

// Credentials of another tenant can't be reached by their ids.
func TestAnotherTenantsCredential(t *testing.T) {
	s := newService(t)
	by := lifecycle.Request{Tenant: "umbrella"}
	for name, do := range map[string]func(context.Context, lifecycle.Request, string) error{
		"Revoke": s.connections.Revoke, "Complete": s.connections.Complete, "SwitchOff": s.connections.SwitchOff,
	} {
		for _, id := range []string{s.bearer.ID, s.bearer.Connection, s.secret.ID} {
			if err := do(t.Context(), by, id); err == nil {
				t.Errorf("%s of %s by another tenant", name, id)
			}
		}
	}
	if got := s.get(s.bearer.Token); got != 200 {
		t.Error(got)
	}
}

// Of tenants that trust the same issuer and subject, none gets what is meant for another one, or holds it up.
func TestAnotherTenantTrustsTheSame(t *testing.T) {
	s := newService(t)
	ask := func(clientID string) (int, map[string]any) {
		return s.ask(assertionForm(s.entra.assertion(t, s.entra.claims()), clientID))
	}
	trust := connection.Trust{Issuer: s.entra.URL, JWKS: s.entra.URL + "/nowhere", Subject: "app-1", Audience: "api://rollcall"}
	s.federate("umbrella", trust)
	for range 2 {
		if status, answer := ask(""); status != 200 {
			t.Fatal("another tenant's keys are away:", status, answer)
		}
	}
	trust.JWKS = s.entra.URL + "/keys"
	thief := s.federate("umbrella", trust)
	if status, answer := ask(""); status != 400 || !strings.Contains(fmt.Sprint(answer), "client_id") {
		t.Error("it is not known whose it is:", status, answer)
	}
	if status, _ := ask(s.id.ClientID); status != 200 {
		t.Error(status)
	}
	s.must(s.connections.Revoke(t.Context(), lifecycle.Request{Tenant: "acme"}, s.id.ID))
	if status, answer := ask(""); status != 400 {
		t.Error("the provider of acme goes on, and would tell umbrella of its people:", status, answer)
	}
	if status, _ := ask(s.id.ClientID); status != 401 {
		t.Error("an assertion for a revoked client:", status)
	}
	if status, _ := ask(thief.ClientID); status != 200 {
		t.Error("who sends a client id means it:", status)
	}
}

// In one tenant a client may take the place of another one that has ended.
func TestFederationAnew(t *testing.T) {
	s := newService(t)
	s.must(s.connections.Revoke(t.Context(), lifecycle.Request{Tenant: "acme"}, s.id.ID))
	s.federate("acme", connection.Trust{Issuer: s.entra.URL, JWKS: s.entra.URL + "/keys", Subject: "app-1", Audience: "api://rollcall"})
	if status, answer := s.ask(assertionForm(s.entra.assertion(t, s.entra.claims()), "")); status != 200 {
		t.Error(status, answer)
	}
}

// An address of keys that leads inside, or answers nonsense, is neither set up nor followed.
func TestAddressesOfKeys(t *testing.T) {
	e := newEntra(t)
	host := strings.TrimPrefix(e.URL, "http://")
	v := federation.New(&federation.Options{Hosts: []string{host}})
	trust := func(jwks string) connection.Trust {
		return connection.Trust{Issuer: e.URL, JWKS: jwks, Subject: "app-1", Audience: "api://rollcall"}
	}
	for _, jwks := range []string{
		"http://login.microsoftonline.com/keys", "https://127.0.0.1/keys", "https://localhost/keys", "https://10.0.0.1/keys", "https://169.254.169.254/latest",
		"https://[::1]/keys", "https://[fd00::1]/keys", "https://[::ffff:10.0.0.1]/keys",
		"https://[::127.0.0.1]/keys", "https://[::ffff:0:127.0.0.1]/keys", "https://[fec0::1]/keys", "https://[fe80::1%25eth0]/keys", "https://2130706433/keys",
		"https://192.168.1.1/keys", "https://100.64.0.1/keys", "https://0.0.0.0/keys",
		"https://metadata/keys", "ftp://" + host + "/keys", "file:///etc/passwd", "gopher://x.example/", "https://user:x@keys.example.com/", "https://keys.example.com/#x", "", "x",
	} {
		if err := v.Allow(trust(jwks)); err == nil {
			t.Errorf("%q is allowed", jwks)
		}
		if err := v.Verify(t.Context(), e.assertion(t, e.claims()), trust(jwks)); err == nil {
			t.Errorf("%q is followed", jwks)
		}
	}
	if err := v.Allow(trust("https://login.microsoftonline.com/x/discovery/v2.0/keys")); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"/redirect", "/huge", "/html", "/empty", "/weak", "/encryption", "/nowhere"} {
		if err := v.Verify(t.Context(), e.assertion(t, e.claims()), trust(e.URL+path)); err == nil {
			t.Errorf("%s is taken", path)
		}
	}
	if e.fetches() > 10 {
		t.Error("it was asked too often")
	}
}

// Access tokens of the product's own issuer are taken if they are for the service, and of the type at+jwt.
func TestAccessTokens(t *testing.T) {
	e := newEntra(t)
	a := &federation.AccessTokens{Verifier: federation.New(&federation.Options{Hosts: []string{strings.TrimPrefix(e.URL, "http://")}}),
		Issuer: e.URL, JWKS: e.URL + "/keys", Audience: "api://rollcall", Principal: func(c federation.Claims) (scim.Principal, error) {
			tenant, _ := c.Extra["tenant"].(string)
			return scim.Principal{Tenant: tenant, Credential: c.ClientID}, nil
		}}
	if err := a.Check(); err != nil {
		t.Fatal(err)
	}
	claims := func(change func(map[string]any)) map[string]any {
		c := e.claims()
		c["client_id"], c["tenant"], c["scope"] = "c1", "acme", "read users"
		change(c)
		return c
	}
	ask := func(typ string, c map[string]any) (scim.Principal, error) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/Users", nil)
		r.Header.Set("Authorization", "Bearer "+sign(t, jose.RS256, e.key, map[string]any{"kid": e.kid, "typ": typ}, c))
		return a.Authenticate(r)
	}
	p, err := ask("at+jwt", claims(func(map[string]any) {}))
	if err != nil || p.Tenant != "acme" || p.Credential != "c1" || len(p.Scopes) != 2 {
		t.Fatal(p, err)
	}
	for name, change := range map[string]func(map[string]any){
		"another audience": func(c map[string]any) { c["aud"] = "x" }, "another issuer": func(c map[string]any) { c["iss"] = "x" },
		"expired": func(c map[string]any) { c["exp"] = 1 }, "no client": func(c map[string]any) { delete(c, "client_id") },
	} {
		if _, err := ask("at+jwt", claims(change)); err == nil {
			t.Error(name)
		}
	}
	if _, err := ask("JWT", claims(func(map[string]any) {})); err == nil {
		t.Error("an ID token is taken for an access token")
	}
}

func FuzzAssertion(f *testing.F) {
	v := federation.New(nil)
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.e30.AA")
	f.Fuzz(func(t *testing.T, text string) {
		_, _, _ = v.Claims(text)
		if v.Verify(t.Context(), text, connection.Trust{Issuer: "https://x.invalid", JWKS: "http://127.0.0.1/keys", Subject: "s", Audience: "a"}) == nil {
			t.Error("taken:", text)
		}
	})
}
