package portal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/scim/portal"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// site is a product with a portal, over https.
type site struct {
	t        *testing.T
	store    *storetest.Fake
	handler  *scim.Handler
	links    *connection.Service
	portal   *portal.Portal
	server   *httptest.Server
	settings *lifecycle.StoredSettings
}

type person struct {
	Email  string `scim:"userName,required" validate:"email"`
	Name   string `scim:"displayName,create"`
	Mobile string `scim:"phoneNumbers[type eq \"mobile\"].value" validate:"omitempty,phone_cc"`
	Active bool   `scim:"active"`
}

func newSite(t *testing.T, change ...func(*portal.Options)) *site {
	t.Helper()
	s := &site{t: t, store: storetest.NewFake()}
	mux := http.NewServeMux()
	s.server = httptest.NewTLSServer(mux)
	t.Cleanup(s.server.Close)
	var err error
	s.links, err = connection.New(s.store, &connection.Options{Hold: 10 * time.Millisecond, Federation: trusting{}})
	require.NoError(t, err)
	s.settings = &lifecycle.StoredSettings{Store: s.store, MaxAge: time.Millisecond}
	s.handler, err = scim.NewHandler(s.store, &scim.Options{Auth: s.links, Lifecycle: lifecycle.Options{Settings: s.settings, Bodies: lifecycle.RandomKeyRing(),
		Safety: func() lifecycle.Safety {
			most := 10
			return lifecycle.Safety{People: &lifecycle.Brake{Max: &most, Window: lifecycle.Window(time.Hour)}}
		}}})
	require.NoError(t, err)
	m, err := mapping.For[person]()
	require.NoError(t, err)
	o := portal.Options{Store: s.store, Handler: s.handler, Connections: s.links, URL: s.server.URL + "/setup", SCIM: s.server.URL + "/scim/v2",
		TokenURL: s.server.URL + "/oauth/token", People: m.Attributes(), Settings: s.settings, Choices: portal.ChoiceNames(), Theme: portal.Theme{Product: "Acme Notes"}, Check: func(ctx context.Context, r portal.CheckRequest) ([]portal.CheckLine, error) {
			status, _ := s.scim(r.Token, http.MethodGet, "/Users?count=1", "")
			return []portal.CheckLine{{Name: "passes", Result: "pass"}, {Name: "reads", Rule: fmt.Sprint("GET is answered for ", r.Provider), Result: "fail", Detail: fmt.Sprint(status)}, {Name: "not", Result: "not claimed"}}, nil
		}}
	for _, c := range change {
		c(&o)
	}
	s.portal, err = portal.New(o)
	require.NoError(t, err)
	mux.Handle("/setup", s.portal)
	mux.Handle("/setup/", s.portal)
	mux.Handle("/scim/v2/", http.StripPrefix("/scim/v2", s.handler))
	return s
}

// trusting takes every issuer for one that may be trusted, and no assertion for a good one.
type trusting struct{}

func (trusting) Allow(connection.Trust) error { return nil }

func (trusting) Claims(string) (issuer, subject string, err error) { return "", "", io.EOF }

func (trusting) Verify(context.Context, string, connection.Trust) error { return io.EOF }

// visitor is a browser.
type visitor struct {
	*site
	client *http.Client
}

// page is an answer.
type page struct {
	t      *testing.T
	status int
	header http.Header
	body   string
	at     string // the path that redirects led to
}

func (s *site) stranger() *visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	c := s.server.Client()
	own := *c
	own.Jar = jar
	return &visitor{s, &own}
}

func (s *site) link(tenant string, abilities ...portal.Ability) string {
	s.t.Helper()
	link, err := s.portal.Link(s.t.Context(), portal.Link{Tenant: tenant, Who: "ann@" + tenant, Abilities: abilities})
	require.NoError(s.t, err)
	return strings.TrimPrefix(link, s.server.URL)
}

// admin is somebody who came by a setup link.
func (s *site) admin(tenant string, abilities ...portal.Ability) *visitor {
	s.t.Helper()
	if len(abilities) == 0 {
		abilities = portal.Abilities()
	}
	v := s.stranger()
	require.Equal(s.t, 200, v.post(s.link(tenant, abilities...), nil).status)
	return v
}

func (v *visitor) do(method, path string, form url.Values, headers ...string) *page {
	v.t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = "/setup/" + path
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.server.URL+path, body)
	require.NoError(v.t, err)
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := v.client.Do(r)
	require.NoError(v.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(v.t, err)
	p := &page{v.t, res.StatusCode, res.Header, string(text), res.Request.URL.RequestURI()}
	assert.Equal(v.t, "no-referrer", p.header.Get("Referrer-Policy"), path)
	assert.Contains(v.t, p.header.Get("Content-Security-Policy"), "default-src 'none'", path)
	assert.Equal(v.t, "nosniff", p.header.Get("X-Content-Type-Options"), path)
	if !strings.Contains(path, "/assets/") {
		assert.Equal(v.t, "no-store", p.header.Get("Cache-Control"), path)
		assert.Less(v.t, len(p.body), 50<<10, "%s: a page is under 50 kB", path)
	}
	return p
}

func (v *visitor) get(path string, headers ...string) *page {
	v.t.Helper()
	return v.do(http.MethodGet, path, nil, headers...)
}

func (v *visitor) post(path string, form url.Values, headers ...string) *page {
	v.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	return v.do(http.MethodPost, path, form, headers...)
}

// model is the JSON twin of a page.
func model[T any](v *visitor, path string) (m T) {
	v.t.Helper()
	p := v.get(path, "Accept", "application/json")
	require.Equal(v.t, 200, p.status, p.body)
	require.NoError(v.t, json.Unmarshal([]byte(p.body), &m))
	return m
}

func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

// has says whether the page shows a text.
func (p *page) has(text string) bool {
	return strings.Contains(html.UnescapeString(p.body), text)
}

var tokenForm = regexp.MustCompile(`[0-9A-Za-z]+_scim_[0-9A-Za-z]{49}`)

// scim sends a request as an identity provider.
func (s *site) scim(token, method, path, body string) (int, map[string]any) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+"/scim/v2"+path, strings.NewReader(body))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/scim+json")
	res, err := s.server.Client().Do(r)
	require.NoError(s.t, err)
	defer res.Body.Close()
	var answer map[string]any
	_ = json.NewDecoder(res.Body).Decode(&answer)
	return res.StatusCode, answer
}

// connect sets up a connection by the pages, and returns its id and a token.
func (v *visitor) connect() (id, token string) {
	v.t.Helper()
	p := v.post("connect", form("guide", "okta-bearer"))
	require.Equal(v.t, 200, p.status)
	at, err := url.Parse(p.at)
	require.NoError(v.t, err)
	id = at.Query().Get("connection")
	token = tokenForm.FindString(v.post("credentials/issue", form("connection", id, "kind", "bearer", "guide", "okta-bearer")).body)
	require.NotEmpty(v.t, token)
	return id, token
}
