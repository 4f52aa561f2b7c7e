package try

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/stretchr/testify/require"
)

// Setup is an administrator's browser in the portal of a product, without scripts.
type Setup struct {
	p       *Product
	origin  string
	cookies map[string]string
	At      string // the address of the page that it is on
}

// Setup begins a session of a tenant by a setup link that allows everything.
func (p *Product) Setup(tenant string) *Setup {
	p.t.Helper()
	link := p.Do(200, http.MethodPost, "/app/portal-link", fmt.Sprintf(`{"tenant":%q}`, tenant))["url"].(string)
	at := strings.Index(link, "/setup/")
	s := &Setup{p: p, origin: link[:at], cookies: map[string]string{}}
	s.Post(link[at:])
	return s
}

// Staff is a browser of somebody who works for the vendor.
func (p *Product) Staff() *Setup {
	at := strings.Index(p.Base, "/scim")
	return &Setup{p: p, origin: p.Base[:at], cookies: map[string]string{}}
}

// Send sends a form, or gets a page if it is nil. It returns the answer, and where that leads.
func (s *Setup) Send(method, path string, form url.Values, accept string) (status int, location, body string) {
	s.p.t.Helper()
	r, err := http.NewRequestWithContext(s.p.t.Context(), method, s.origin+path, strings.NewReader(form.Encode()))
	require.NoError(s.p.t, err)
	r.Header.Set("Accept", accept)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range s.cookies { // a jar sends no Secure cookie by http; browsers do on this machine
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	require.NoError(s.p.t, err)
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		s.cookies[c.Name] = c.Value
	}
	text, err := io.ReadAll(res.Body)
	require.NoError(s.p.t, err)
	return res.StatusCode, res.Header.Get("Location"), string(text)
}

// Get returns the text of a page, as HTML without escapes.
func (s *Setup) Get(path string) string {
	s.p.t.Helper()
	status, _, body := s.Send(http.MethodGet, path, nil, "text/html")
	require.Equal(s.p.t, 200, status, path)
	return html.UnescapeString(body)
}

// Post sends a form of names and values in turn, and opens the page that it leads to.
func (s *Setup) Post(path string, pairs ...string) string {
	s.p.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	status, at, body := s.Send(http.MethodPost, path, form, "text/html")
	require.Equal(s.p.t, 303, status, "%s: %s", path, body)
	s.At = at
	return s.Get(at)
}

// Model returns the JSON of a page.
func (s *Setup) Model(path string) (m map[string]any) {
	s.p.t.Helper()
	status, _, body := s.Send(http.MethodGet, path, nil, "application/json")
	require.Equal(s.p.t, 200, status, body)
	require.NoError(s.p.t, json.Unmarshal([]byte(body), &m))
	return m
}
