package portal_test

import (
	"bufio"
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/portal"
)

// From the link to the first person, without scripts.
func TestSetUp(t *testing.T) {
	s := newSite(t)
	v := s.stranger()
	link := s.link("acme", portal.Abilities()...)
	opened := v.get(link)
	assert.Equal(t, 200, opened.status)
	assert.True(t, opened.has("the identity provider of acme to Acme Notes"), opened.body)
	assert.Equal(t, http.StatusUnauthorized, v.get("").status, "to open a link does nothing")

	first := v.post(link, nil)
	assert.Equal(t, "/setup/", first.at)
	assert.True(t, first.has("No identity provider is connected"))

	assert.True(t, v.get("connect").has("Microsoft Entra ID"))
	guide := v.post("connect", form("guide", "okta-bearer"))
	assert.Equal(t, guide.at, v.post("connect", form("guide", "okta-bearer")).at, "who chooses twice gets one connection")
	assert.True(t, guide.has("Browse App Catalog"))
	assert.True(t, guide.has("an e-mail address such as ada@example.com"), "the table is that of the product's mapping")
	assert.True(t, guide.has(s.server.URL+"/scim/v2"))

	id, token := v.connect()
	assert.NotContains(t, v.get("connect?connection="+id+"&guide=okta-bearer").body, token, "it is shown once")
	assert.True(t, v.get("connect?connection="+id).has("Waiting for your test"))

	status, _ := s.scim(token, http.MethodGet, "/Users?count=1", "")
	require.Equal(t, 200, status)
	assert.EqualValues(t, "testReceived", model[portal.LiveModel](v, "live?connection="+id).State)
	assert.True(t, v.get("connect?connection="+id).has("Test received"))
	status, _ = s.scim(token, http.MethodPost, "/Users", `{"userName":"ada@acme.example","displayName":"Ada"}`)
	require.Equal(t, 201, status)
	m := model[portal.OverviewModel](v, "")
	assert.EqualValues(t, "firstPerson", m.State)
	assert.Equal(t, 1, m.Seats.Used)
	assert.Equal(t, 1, m.People[0].Count)
	assert.True(t, v.get("").has("First person"))
}

// What went wrong with the test is said.
func TestWrongTest(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	id, token := v.connect()
	status, _ := s.scim(token, http.MethodPost, "/Users", `{"displayName":"nobody"}`)
	require.Equal(t, 400, status)
	p := v.get("connect?connection=" + id)
	assert.True(t, p.has("The last request was refused"), p.body)
	assert.True(t, p.has("userName"))
}

func TestRotation(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	id, first := v.connect()
	old := model[portal.CredentialsModel](v, "credentials").Credentials[0].ID
	works := func(token string) bool {
		status, _ := s.scim(token, http.MethodGet, "/Users?count=1", "")
		return status == 200
	}

	p := v.post("credentials/rotate", form("credential", old, "connection", id))
	second := tokenForm.FindString(p.body)
	require.NotEmpty(t, second)
	assert.NotContains(t, v.get(p.at).body, second)
	assert.True(t, works(first))
	assert.True(t, works(second))
	list := model[portal.CredentialsModel](v, "credentials").Credentials
	require.Len(t, list, 2)
	assert.Equal(t, old, list[1].Replaces)

	assert.True(t, v.post("credentials/complete", form("credential", list[1].ID, "connection", id)).has("The old credential is refused everywhere"))
	assert.False(t, works(first))
	assert.True(t, works(second))

	third := tokenForm.FindString(v.post("credentials/rotate", form("credential", list[1].ID, "connection", id)).body)
	list = model[portal.CredentialsModel](v, "credentials").Credentials
	v.post("credentials/cancel", form("credential", list[1].ID, "connection", id))
	assert.False(t, works(third))
	assert.True(t, works(second))
	v.post("credentials/revoke", form("credential", list[0].ID, "connection", id))
	assert.False(t, works(second))

	wrong := v.post("credentials/issue", form("connection", id, "kind", "bearer", "days", "-1"))
	assert.Equal(t, 400, wrong.status)
	assert.True(t, wrong.has("from 1 to 3650"))
	assert.True(t, wrong.has("Credentials of Okta"), "the page of the form says it")
}

// Forms answer JSON to who asks for it, with the secret.
func TestJSONForms(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	id, _ := v.connect()
	p := v.post("credentials/issue", form("connection", id, "kind", "client"), "Accept", "application/json")
	assert.Equal(t, 200, p.status)
	assert.Contains(t, p.body, `"clientSecret":"rollcall_scim_`)
	p = v.post("credentials/issue", form("connection", id, "kind", "stamp"), "Accept", "application/json")
	assert.Equal(t, 400, p.status)
	assert.Contains(t, p.body, `"error":"kind: want one of`)
}

// The page is told by server-sent events when the test call arrives, and no more once the session has ended.
func TestLive(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	id, token := v.connect()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/setup/live?connection="+id, nil)
	require.NoError(t, err)
	r.Header.Set("Accept", "text/event-stream")
	res, err := v.client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	lines := bufio.NewScanner(res.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return "the end"
	}
	assert.Equal(t, "waitingForTest", next())
	status, _ := s.scim(token, http.MethodGet, "/Users?count=1", "")
	require.Equal(t, 200, status)
	assert.Equal(t, "testReceived", next())
	require.NoError(t, s.portal.EndSessions(t.Context(), "acme"))
	assert.Equal(t, "the end", next())
}

// Entra ID shows the scope by which it asks for its assertion; the assertion is for what stands in front of /.default.
func TestEntraAudience(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	id, _ := v.connect()
	trust := func(pairs ...string) string {
		p := v.post("credentials/issue", form(append(pairs, "connection", id, "kind", "federation")...))
		require.Equal(t, 200, p.status, p.body)
		list, err := s.links.List(t.Context(), "acme")
		require.NoError(t, err)
		return list[0].Credentials[len(list[0].Credentials)-1].Trust.Audience
	}
	assert.Equal(t, "api://app", trust("entra", "directory", "subject", "a", "audience", "api://app/.default"))
	assert.Equal(t, "api://app", trust("issuer", "https://login.microsoftonline.com/directory/v2.0", "jwks", "https://login.microsoftonline.com/keys", "subject", "b", "audience", "api://app/.default"))
	assert.Equal(t, "api://app/.default", trust("issuer", "https://idp.example", "jwks", "https://idp.example/keys", "subject", "c", "audience", "api://app/.default"))
}

// What is wrong with a form is said in the page's language.
func TestFormsAreGerman(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	id, _ := v.connect()
	vendor, err := s.portal.Vendor(portal.VendorOptions{Path: "/staff", Who: func(*http.Request) (string, error) { return "ann", nil }, Links: true,
		Tenants: func(context.Context, string) ([]string, string, error) { return []string{"acme"}, "", nil }})
	require.NoError(t, err)
	s.server.Config.Handler.(*http.ServeMux).Handle("/staff/", vendor)
	alert := regexp.MustCompile(`role="alert">([^<]*)`)
	for path, f := range map[string]url.Values{
		"safety/brakes":      form("people-on", "1", "people-max", "3", "people-window", "1h"),
		"connect":            form("guide", "okta", "name", strings.Repeat("x", 1000)),
		"credentials/issue":  form("connection", id, "kind", "federation", "subject", "x"),
		"credentials/rotate": form("connection", id, "credential", "none", "days", "0"),
		"/staff/link":        form("tenant", "acme"),
	} {
		p := v.post(path, f, "Accept-Language", "de")
		assert.Equal(t, 400, p.status, path)
		text := html.UnescapeString(alert.FindStringSubmatch(p.body + `role="alert">nothing`)[1])
		assert.NotEqual(t, "nothing", text, path)
		assert.Empty(t, english.FindString(text), "%s: %s", path, text)
	}
}
