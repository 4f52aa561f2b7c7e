package browser_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
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

	"github.com/rollcall-dev/rollcall/examples/browser"
	"github.com/rollcall-dev/rollcall/scim/portal/guide"
)

// What each thing takes that an administrator does, to know how long a set-up takes: reading and doing one line of a guide, and one
// click, choice or field on the portal's pages.
const (
	perLine  = 15 * time.Second
	perClick = 5 * time.Second
)

// simulated says which simulator plays the identity provider of a guide.
var simulated = map[string]string{"entra": "entra", "entra-oauth": "entra-aadoptscim", "entra-federation": "entra", "okta": "okta", "okta-bearer": "okta", "onelogin": "onelogin",
	"google": "google", "jumpcloud": "jumpcloud", "ping": "ping", "other": "okta"}

// For each guide, an administrator goes from the setup link to the first person, with the portal's own pages alone.
func TestConnect(t *testing.T) {
	issuer := newIssuer(t)
	s := start(t, "-jwks-host", strings.TrimPrefix(issuer.URL, "http://"))
	library, err := guide.New()
	require.NoError(t, err)
	for _, g := range library.Guides("en") {
		for look, name := range map[browser.Look]string{{}: "scripts on", {NoScripts: true}: "scripts off"} {
			t.Run(g.ID+", "+name, func(t *testing.T) {
				t.Parallel()
				tenant := strings.NewReplacer(", ", "-", " ", "-").Replace(g.ID + ", " + name)
				a := &administrator{t: t, site: s, tab: browser.Open(t, s.origin, look), look: look, issuer: issuer, tenant: tenant}
				a.connect(g)
				assert.Less(t, a.took(g), 10*time.Minute)
				assert.Empty(t, a.tab.Faults())
			})
		}
	}
}

// To issue a credential changes the connection's state, of which the page hears before the answer comes on a slow line. It must
// not load itself again then: that would stop the answer, and nobody would ever see the secret.
func TestNewsDoesNotStopAnAnswer(t *testing.T) {
	s := start(t)
	tab := s.visit(t, "acme", browser.Look{})
	tab.Press(`main a.main`)
	tab.Press(`form:has(input[name="guide"][value="okta"]) button`)
	s.slow.Store(int64(6 * time.Second))
	tab.Press(`form[action$="/credentials/issue"] button`)
	assert.True(t, tab.Has("#secret-token"), "the page with the secret didn't come")
}

// administrator connects an identity provider by the portal's pages.
type administrator struct {
	t      *testing.T
	site   *site
	tab    *browser.Tab
	look   browser.Look
	issuer *issuer
	tenant string
}

func (a *administrator) connect(g *guide.Guide) {
	t, tab := a.t, a.tab
	tab.Go(a.site.link(a.tenant))
	tab.Press(`form[action*="/begin/"] button`)
	tab.Press(`main a.main`) // there is no connection yet
	tab.Press(`form:has(input[name="guide"][value="` + g.ID + `"]) button`)
	token := a.credential(g)

	p := provide(t, a.site, simulated[g.ID], token, 1)
	select {
	case <-p.tested:
	case err := <-p.done:
		t.Fatalf("the test of the connection failed: %v", err)
	}
	if a.look.NoScripts {
		a.keepsSecret()
	} else if tab.Has("[data-secret]") { // a page with a secret on it isn't loaded again by itself
		tab.See("[data-news] a")
		tab.Press("[data-news] a")
	}
	tab.Until(".state", "^Test received$") // although JumpCloud's test creates somebody, and takes them away again
	close(p.goOn)
	require.NoError(t, <-p.done)
	require.Zero(t, p.report.Failed, p.report.Failures)

	tab.Press(`nav a[href$="/setup/"]`)
	tab.Until(".state", "^(First person|In sync)$")
	tab.Until(".cards", "(?m)^1$") // and not ended, waiting or refused
}

// keepsSecret sees that the page doesn't take the secret away before somebody could copy it.
func (a *administrator) keepsSecret() {
	if a.tab.Has("[data-secret]") {
		assert.False(a.t, a.tab.Has(`meta[http-equiv="refresh"]`), "the page with the secret loads itself again, without it")
	}
}

// credential issues what the guide asks for, and returns the token that the identity provider sends then.
func (a *administrator) credential(g *guide.Guide) string {
	t, tab := a.t, a.tab
	if g.Credential == "federation" {
		if !tab.Has("details[open]") {
			tab.Tick("#credential details summary")
		}
		tab.Fill("#subject", "app-1")
		tab.Fill("#audience", "api://rollcall")
		tab.Fill("#issuer", a.issuer.URL)
		tab.Fill("#jwks", a.issuer.URL+"/keys")
	}
	tab.Press(`form[action$="/credentials/issue"] button`)
	base := tab.Text("#baseurl")
	assert.Equal(t, a.site.Base, base)
	form := url.Values{"grant_type": {"client_credentials"}}
	switch g.Credential {
	case "bearer":
		token := tab.Text("#secret-token")
		assert.Contains(t, tab.Text("ol.steps"), token, "the guide shows what to enter")
		return token
	case "client":
		form.Set("client_id", tab.Text("#secret-client"))
		form.Set("client_secret", tab.Text("#secret-secret"))
	case "federation":
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", a.issuer.assertion(t))
		form.Set("client_id", tab.Text("#secret-client"))
	}
	r, err := http.PostForm(tab.Text("#tokenurl"), form)
	require.NoError(t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	var answer struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal(text, &answer), string(text))
	require.NotEmpty(t, answer.Token, string(text))
	return answer.Token
}

// took is how long a person would have needed.
func (a *administrator) took(g *guide.Guide) time.Duration {
	lines := 0
	for _, s := range g.Steps {
		for _, b := range s.Blocks {
			if b.Kind == guide.Actions {
				lines += len(b.Items)
			}
		}
	}
	took := time.Duration(lines)*perLine + time.Duration(a.tab.Clicks)*perClick
	a.t.Logf("%s: %d lines of the guide and %d clicks take %s", g.ID, lines, a.tab.Clicks, took)
	return took
}

// issuer signs assertions, as Entra ID does for a workload identity.
type issuer struct {
	*httptest.Server
	signer jose.Signer
}

func newIssuer(t *testing.T) *issuer {
	browser.Need(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k1", Use: "sig"}}})
	}))
	t.Cleanup(server.Close)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, nil)
	require.NoError(t, err)
	return &issuer{server, signer}
}

func (i *issuer) assertion(t *testing.T) string {
	text, err := jwt.Signed(i.signer).Claims(jwt.Claims{Issuer: i.URL, Subject: "app-1", Audience: jwt.Audience{"api://rollcall"},
		Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour))}).Serialize()
	require.NoError(t, err)
	return text
}
