package browser_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/browser"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim/portal"
	"github.com/rollcall-dev/rollcall/scim/scimtest/idp"
)

func TestMain(m *testing.M) {
	status := m.Run()
	browser.Close()
	os.Exit(status)
}

// person is what the product of these tests maps.
type person struct {
	Login  string `scim:"userName,required" validate:"email"`
	Key    string `scim:"externalId"`
	Given  string `scim:"name.givenName"`
	Family string `scim:"name.familyName"`
	Name   string `scim:"displayName,ifEmpty"`
	Mail   string `scim:"emails[type eq \"work\"].value" validate:"omitempty,email"`
	Mobile string `scim:"phoneNumbers[type eq \"mobile\"].value" validate:"omitempty,phone_cc"`
	Title  string `scim:"title"`
	Active bool   `scim:"active"`
}

// protected is the name of a group that company brings, and that the flag -protect-group protects.
const protected = "Legal 37"

// site is a running product with the portal.
type site struct {
	*try.Product
	t      *testing.T
	origin string
	slow   atomic.Int64 // how long the answer to a form takes, as a time.Duration
}

func start(t *testing.T, flags ...string) *site {
	t.Helper()
	browser.Need(t)
	x := &site{t: t}
	a := &app.App{}
	server := a.Boot("server")
	demo := server.Mount
	server.Mount = func(mux *http.ServeMux, b *boot.Service) (err error) {
		pages := http.NewServeMux()
		if err := demo(pages, b); err != nil {
			return err
		}
		// A portal that knows what the product maps, in the place of the demo's.
		a.Portal, err = portal.New(portal.Options{Store: b.Store, Handler: b.Handler, Connections: a.Connections, URL: b.Origin + "/setup", SCIM: b.Public,
			TokenURL: b.Origin + "/oauth/token", Settings: a.Settings, Choices: portal.ChoiceNames(), Check: app.Check(b.Handler), Logger: b.Log,
			Theme:  portal.Theme{Product: "Acme Planner", Support: "mailto:help@planner.example"},
			People: mapping.Must(mapping.For[person]()).Attributes(), ProtectedGroups: []string{protected}})
		if err != nil {
			return err
		}
		staff, err := a.Portal.Vendor(portal.VendorOptions{Path: "/staff", Links: true,
			Who: func(*http.Request) (string, error) { return "Vera of Acme Planner", nil },
			Tenants: func(context.Context, string) ([]string, string, error) {
				return []string{"umbrella", "acme", "wayne"}, "", nil
			}})
		mux.Handle("/setup/", x.delayed(a.Portal))
		mux.Handle("/staff/", staff)
		mux.Handle("/", pages)
		return err
	}
	p := try.Start(t, server, flags...)
	at, err := url.Parse(p.Base)
	require.NoError(t, err)
	x.Product, x.origin = p, at.Scheme+"://"+at.Host
	return x
}

// delayed has the answers to forms take as long as on a slow line: what was asked for is done, and told later.
func (s *site) delayed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait := time.Duration(s.slow.Load())
		if wait == 0 || r.Method != http.MethodPost {
			h.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// link makes a setup link for an organization.
func (s *site) link(tenant string) string {
	return s.Do(http.StatusOK, "POST", "/app/portal-link", fmt.Sprintf(`{"tenant":%q,"who":"Ada Lovelace"}`, tenant))["url"].(string)
}

// visit opens a tab in which an administrator of an organization is signed in.
func (s *site) visit(t *testing.T, tenant string, look browser.Look) *browser.Tab {
	t.Helper()
	tab := browser.Open(t, s.origin, look)
	tab.Go(s.link(tenant))
	tab.Press(`form[action*="/begin/"] button`)
	return tab
}

// provider is a simulated identity provider that stops behind its test of the connection, until it may go on.
type provider struct {
	name   string
	tested chan struct{}
	goOn   chan struct{}
	done   chan error
	report *idp.Report
}

// probes are how many requests the test of each simulated provider has.
var probes = map[string]int{"entra": 1, "entra-aadoptscim": 1, "okta": 1, "onelogin": 1, "google": 1, "jumpcloud": 4, "ping": 1}

// provide has a simulated identity provider bring its people to the service.
func provide(t *testing.T, s *site, name, token string, people int) *provider {
	t.Helper()
	p := &provider{name: name, tested: make(chan struct{}), goOn: make(chan struct{}), done: make(chan error, 1)}
	target, err := url.Parse(s.origin)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	requests := 0
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.URL.Path, r.Out.Host = "/scim/v2"+r.In.URL.Path, target.Host
	}}
	gate := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests == probes[name] {
			close(p.tested)
			select {
			case <-p.goOn:
			case <-ctx.Done():
			}
		}
		requests++
		forward.ServeHTTP(w, r)
	})
	go func() {
		report, err := idp.Simulate(ctx, idp.Options{IdP: name, Handler: gate, Token: token, Seed: 1, People: people, Days: 1, Keep: true})
		p.report = report
		if err == nil && len(report.Disagreements) > 0 {
			err = fmt.Errorf("%v", report.Disagreements)
		}
		p.done <- err
	}()
	t.Cleanup(cancel)
	return p
}

// serve serves one page with a policy, and returns its origin.
func serve(t *testing.T, policy, body string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><head><title>Page</title><meta name="viewport" content="width=device-width"></head><body>%s</body></html>`, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
