package portal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/scim/portal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// canary stands in every text of acme's.
const canary = "Canary"

// house is what acme has: the ids to fill into paths and forms.
type house struct{ connection, credential, rotating, person, group, entry string }

func furnish(t *testing.T, s *site) house {
	t.Helper()
	var h house
	c, err := s.links.Create(t.Context(), lifecycle.Request{Tenant: "acme", Who: canary}, canary+" connection", connection.Okta)
	require.NoError(t, err)
	k, err := s.links.Issue(t.Context(), lifecycle.Request{Tenant: "acme", Who: canary}, c.ID, connection.Ask{Kind: connection.Bearer})
	require.NoError(t, err)
	next, err := s.links.Rotate(t.Context(), lifecycle.Request{Tenant: "acme", Who: canary}, k.ID, time.Time{})
	require.NoError(t, err)
	h.connection, h.credential, h.rotating = c.ID, k.ID, next.ID
	settings := lifecycle.DefaultSettings()
	until := time.Now().Add(time.Hour)
	settings.KeepBodiesUntil, settings.KeepValuesUntil = &until, &until
	require.NoError(t, s.settings.Set(t.Context(), "acme", settings))
	_, person := s.scim(k.Token, http.MethodPost, "/Users", `{"userName":"leak@acme.example","displayName":"`+canary+`","phoneNumbers":[{"type":"mobile","value":"`+canary+`"}]}`)
	h.person = person["id"].(string)
	_, group := s.scim(k.Token, http.MethodPost, "/Groups", `{"displayName":"`+canary+` group","members":[{"value":"`+h.person+`"}]}`)
	h.group = group["id"].(string)
	status, _ := s.scim(k.Token, http.MethodPost, "/Users", `{"userName":"LEAK@acme.example","displayName":"`+canary+`"}`)
	require.Equal(t, 409, status)
	entries, _, err := s.handler.Lifecycle().Journal(t.Context(), lifecycle.JournalQuery{Tenant: "acme", Outcome: lifecycle.Refused})
	require.NoError(t, err)
	h.entry = entries[0].ID
	_, err = s.handler.Lifecycle().SetSafety(t.Context(), lifecycle.Request{Tenant: "acme", Who: canary}, func(x *lifecycle.Safety) error {
		x.Protected = []string{h.person}
		return nil
	})
	require.NoError(t, err)
	return h
}

// fill puts acme's ids into a path.
func (h house) fill(path string) string {
	id := h.person
	if strings.HasPrefix(path, "/groups") {
		id = h.group
	} else if strings.HasPrefix(path, "/activity") {
		id = h.entry
	}
	return strings.NewReplacer("{$}", "", "{id}", id, "{ticket}", strings.Repeat("A", 43)+".YWNtZQ").Replace(path)
}

// form is what any form could want, with acme's ids.
func (h house) form(path string) url.Values {
	f := form("connection", h.connection, "credential", h.credential, "kind", "bearer", "guide", "okta", "name", "somebody", "confirm", canary+" connection",
		"for", "minutes", "number", "60", "reason", "why not", "people-on", "1", "people-max", "999", "people-window", "1h", "review", "true", "language", "de", "back", "/setup/")
	if strings.HasSuffix(path, "complete") || strings.HasSuffix(path, "cancel") {
		f.Set("credential", h.rotating)
	}
	return f
}

// snapshot is all that is kept of a tenant but what opening pages writes, which is nothing.
func (s *site) snapshot(tenant string) []string {
	s.t.Helper()
	var all []string
	page, err := s.store.List(s.t.Context(), store.Query{Tenant: tenant, Count: 1000, Types: []string{"User", "Group", "rollcall.Connection", "rollcall.Credential", "rollcall.Settings", "rollcall.Safety"}})
	require.NoError(s.t, err)
	for _, r := range page.Resources {
		all = append(all, r.Type+" "+r.ID+" "+r.Version)
	}
	entries, err := s.store.Journal(s.t.Context(), store.JournalQuery{Tenant: tenant, Max: 1000})
	require.NoError(s.t, err)
	return append(all, fmt.Sprint(len(entries)))
}

// Every page and form is walked with no session, with another tenant's, and with each ability but the one that it needs: nothing
// of acme's is shown, and nothing changes.
func TestIsolation(t *testing.T) {
	s := newSite(t)
	h := furnish(t, s)
	rows := 0
	strangers := map[string]*visitor{"nobody": s.stranger(), "another tenant": s.admin("umbrella")}
	for _, missing := range portal.Abilities() {
		var rest []portal.Ability
		for _, a := range portal.Abilities() {
			if a != missing {
				rest = append(rest, a)
			}
		}
		strangers["without "+string(missing)] = s.admin("acme", rest...)
	}
	// What is umbrella's own may be made; whatever a stranger to an ability does in acme must not.
	before := s.snapshot("acme")
	walk := func(name string, v *visitor, method string, x portal.Pattern) {
		mine := name != "nobody" && name != "another tenant"
		if x.Open || mine && name != "without "+string(x.Needs) {
			return
		}
		for _, accept := range []string{"text/html", "application/json"} {
			if x.Path == "/live" && accept == "text/html" && name != "nobody" {
				continue // it goes on for minutes
			}
			rows++
			var p *page
			if method == http.MethodGet {
				p = v.get("/setup"+h.fill(x.Path), "Accept", accept)
			} else {
				p = v.post("/setup"+h.fill(x.Path), h.form(x.Path), "Accept", accept)
			}
			row := fmt.Sprintf("%s %s as %s (%s)", method, x.Path, name, accept)
			switch {
			case name == "nobody":
				assert.Equal(t, 401, p.status, row)
			case mine:
				assert.Equal(t, 403, p.status, row)
			case strings.Contains(x.Path, "{id}") || strings.HasPrefix(x.Path, "/credentials/") || strings.HasPrefix(x.Path, "/safety/") && !strings.HasSuffix(x.Path, "brakes") || x.Path == "/on":
				assert.Equal(t, 404, p.status, row)
			}
			for _, leak := range []string{canary, h.person, h.group, h.credential, "leak@acme"} {
				assert.False(t, p.has(leak), "%s: %s", row, leak)
			}
		}
	}
	gets, posts := portal.Patterns()
	for name, v := range strangers {
		for _, x := range gets {
			walk(name, v, http.MethodGet, x)
		}
		for _, x := range posts {
			walk(name, v, http.MethodPost, x)
		}
	}
	assert.Equal(t, before, s.snapshot("acme"), "nothing of acme's has changed")
	assert.Greater(t, rows, 80)
	t.Logf("%d rows", rows)
}

// missing is a key of the catalogue where its text should be.
var missing = regexp.MustCompile(`[>"](overview|connect|credentials|people|person|groups?|activity|entry|safety|off|settings?|effect|word|done|error|state|source|outcome|authority|kind|trust|secret|chart|why|do|vendor|ability|pager|sort)\.[a-zA-Z.]*[<"]`)

// With all abilities every page opens and shows acme's own, so that the test above can fail.
func TestAllPages(t *testing.T) {
	s := newSite(t)
	h := furnish(t, s)
	v := s.admin("acme")
	gets, _ := portal.Patterns()
	for _, x := range gets {
		if x.Open || x.Path == "/live" || x.Path == "/preview.csv" { // the last is of a preview only
			continue
		}
		for _, language := range []string{"en", "de"} {
			p := v.get("/setup"+h.fill(x.Path), "Accept-Language", language)
			assert.Equal(t, 200, p.status, x.Path)
			if strings.Contains(p.header.Get("Content-Type"), "html") {
				assert.Equal(t, language, p.header.Get("Content-Language"))
				assert.Empty(t, missing.FindString(p.body), "%s: a text is missing", x.Path)
				assert.False(t, p.has("%!"), "%s: an argument is missing", x.Path)
				assert.False(t, p.has("ZgotmplZ"), x.Path)
			}
		}
		if p := v.get("/setup"+h.fill(x.Path), "Accept", "application/json"); !strings.Contains(x.Path, ".") {
			assert.Equal(t, "application/json", p.header.Get("Content-Type"), x.Path)
		}
		p := v.do(http.MethodHead, "/setup"+h.fill(x.Path), nil)
		assert.Equal(t, 200, p.status, x.Path)
		assert.Empty(t, p.body)
	}
	for _, path := range []string{"people", "people/" + h.person, "groups", "groups/" + h.group, "activity", "safety", "off", "credentials"} {
		assert.True(t, v.get(path).has(canary), path)
	}
}

func TestLinks(t *testing.T) {
	s := newSite(t)
	furnish(t, s)
	count := func() int {
		entries, err := s.store.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 1000})
		require.NoError(t, err)
		return len(entries)
	}
	good := s.link("acme", portal.See)
	begin, ticket := good[:strings.LastIndex(good, "/")+1], good[strings.LastIndex(good, "/")+1:]
	secret, tenant, _ := strings.Cut(ticket, ".")
	before := count()

	// A mail scanner opens it as often as it likes.
	for range 3 {
		v := s.stranger()
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
			v.do(method, good, nil)
			assert.Equal(t, 401, v.get("people").status)
		}
	}
	assert.Equal(t, before, count(), "nothing has happened")

	for name, path := range map[string]string{
		"guessed":              begin + strings.Repeat("A", 43) + "." + tenant,
		"of another tenant":    begin + secret + ".dW1icmVsbGE",
		"without a tenant":     begin + secret + ".",
		"without a dot":        begin + secret,
		"cut off":              begin + ticket[:len(ticket)-1],
		"longer":               begin + ticket + "A",
		"of the library":       begin + secret + ".cm9sbGNhbGwubGlicmFyeQ",
		"too long":             begin + secret + "." + strings.Repeat("A", 3000),
		"with an escaped dot":  begin + secret + "%2E" + tenant + "%2E",
		"empty":                begin,
		"with a path":          good + "/x",
		"with other base64":    begin + secret + "." + tenant + "=",
		"with a line break":    begin + secret + ".%0A" + tenant,
		"by its hash":          begin + strings.Repeat("0", 64) + "." + tenant,
		"with a null byte":     begin + secret + "%00." + tenant,
		"with lower-case name": begin + strings.ToLower(secret) + "." + tenant,
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			v := s.stranger()
			p := v.do(method, path, nil)
			assert.Contains(t, []int{404, 410}, p.status, "%s %s", method, name)
			assert.Equal(t, 401, v.get("people").status, name)
		}
	}
	assert.Equal(t, before, count())

	// From another site.
	v := s.stranger()
	for name, headers := range map[string][]string{"site": {"Sec-Fetch-Site", "cross-site"}, "subdomain": {"Sec-Fetch-Site", "same-site"}, "origin": {"Origin", "https://evil.example"}} {
		assert.Equal(t, 403, v.post(good, nil, headers...).status, name)
	}
	assert.Equal(t, 401, v.get("people").status)

	// Of many who begin at once one is let in.
	var group sync.WaitGroup
	let := make(chan int, 8)
	for range cap(let) {
		v := s.stranger()
		group.Go(func() { let <- v.post(good, nil, "Sec-Fetch-Site", "same-origin").status })
	}
	group.Wait()
	close(let)
	counts := map[int]int{}
	for status := range let {
		counts[status]++
	}
	assert.Equal(t, map[int]int{200: 1, 410: 7}, counts)
	assert.Equal(t, 410, s.stranger().get(good).status, "used")
	assert.Equal(t, 410, s.stranger().post(good, nil).status, "used twice")

	// A session is no other one's, and ends.
	a := s.admin("acme")
	assert.Equal(t, 200, a.get("people").status)
	a.post("end", nil)
	assert.Equal(t, 401, a.get("people").status)
	b := s.admin("acme")
	require.NoError(t, s.portal.EndSessions(t.Context(), "acme"))
	assert.Equal(t, 401, b.get("people").status)
}

func TestLinkRefuses(t *testing.T) {
	s := newSite(t)
	for want, link := range map[string]portal.Link{
		"tenant: want":    {Abilities: portal.Abilities()},
		"abilities: want": {Tenant: "acme"},
		"there is no":     {Tenant: "acme", Abilities: []portal.Ability{"everything"}},
		"expires: want":   {Tenant: "acme", Abilities: portal.Abilities(), Expires: time.Now().Add(-time.Second)},
		"return: want":    {Tenant: "acme", Abilities: portal.Abilities(), Return: "javascript:alert(1)"},
		"language":        {Tenant: "acme", Abilities: portal.Abilities(), Language: "tlh"},
		"zone: want":      {Tenant: "acme", Abilities: portal.Abilities(), Zone: "Mars/Olympus"},
		"who: want":       {Tenant: "acme", Abilities: portal.Abilities(), Who: strings.Repeat("x", 201)},
		"organization":    {Tenant: "rollcall.library", Abilities: portal.Abilities()},
	} {
		_, err := s.portal.Link(t.Context(), link)
		assert.ErrorContains(t, err, want)
	}
}

// Links and sessions expire, and what is shown once isn't kept.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		links, err := connection.New(fake, nil)
		require.NoError(t, err)
		h, err := scim.NewHandler(fake, &scim.Options{Auth: links})
		require.NoError(t, err)
		p, err := portal.New(portal.Options{Store: fake, Handler: h, Connections: links, URL: "https://app.example/setup", SCIM: "https://app.example/scim"})
		require.NoError(t, err)
		cookies := map[string]string{}
		do := func(method, path string) int {
			r, err := http.NewRequestWithContext(t.Context(), method, "https://app.example"+path, nil)
			require.NoError(t, err)
			for name, value := range cookies {
				r.AddCookie(&http.Cookie{Name: name, Value: value})
			}
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			for _, c := range w.Result().Cookies() {
				cookies[c.Name] = c.Value
				assert.True(t, strings.HasPrefix(c.Name, "__Host-") && c.Secure && c.HttpOnly && c.Path == "/" && c.Domain == "" && c.MaxAge > 0, c)
			}
			return w.Code
		}
		link := func() string {
			text, err := p.Link(t.Context(), portal.Link{Tenant: "acme", Abilities: portal.Abilities()})
			require.NoError(t, err)
			return strings.TrimPrefix(text, "https://app.example")
		}
		late, good := link(), link()
		assert.Equal(t, 303, do(http.MethodPost, good))
		assert.Equal(t, 200, do(http.MethodGet, "/setup/people"))
		time.Sleep(8*time.Hour - time.Second)
		assert.Equal(t, 200, do(http.MethodGet, "/setup/people"))
		time.Sleep(2 * time.Second)
		assert.Equal(t, 401, do(http.MethodGet, "/setup/people"))
		time.Sleep(7 * 24 * time.Hour)
		assert.Equal(t, 410, do(http.MethodGet, late))
		assert.Equal(t, 410, do(http.MethodPost, late))
		link() // sweeps
		page, err := fake.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"rollcall.PortalLink", "rollcall.PortalSession"}, Count: 10})
		require.NoError(t, err)
		assert.Len(t, page.Resources, 1)
		assert.NotContains(t, string(page.Resources[0].Internal), "see.", "no ticket is kept")
	})
}

// The product's own session lets its administrators in, each to their tenant.
func TestOwnSession(t *testing.T) {
	s := newSite(t, func(o *portal.Options) {
		o.Session = func(r *http.Request) (portal.Admin, error) {
			switch who := r.Header.Get("X-Product"); who {
			case "":
				return portal.Admin{}, portal.ErrNobody
			case "broken":
				return portal.Admin{Tenant: "acme"}, nil // without abilities
			default:
				return portal.Admin{Tenant: who, Who: "own", Abilities: []portal.Ability{portal.See}, Language: "de"}, nil
			}
		}
	})
	furnish(t, s)
	v := s.stranger()
	assert.Equal(t, 401, v.get("").status)
	assert.Equal(t, 500, v.get("", "X-Product", "broken").status)
	p := v.get("people", "X-Product", "acme")
	assert.Equal(t, 200, p.status)
	assert.True(t, p.has(canary))
	assert.True(t, p.has("Personen"), "the administrator's language")
	assert.False(t, p.has("Sign out"))
	assert.False(t, v.get("people", "X-Product", "umbrella").has(canary))
	assert.Equal(t, 403, v.get("credentials", "X-Product", "acme").status)
}

// In a frame only the product's origins may show it, and cookies are partitioned.
func TestFrames(t *testing.T) {
	s := newSite(t, func(o *portal.Options) { o.Frames = []string{"https://app.example", "https://other.example"} })
	v := s.stranger()
	p := v.get("")
	assert.Contains(t, p.header.Get("Content-Security-Policy"), "frame-ancestors https://app.example https://other.example")
	assert.Empty(t, p.header.Get("X-Frame-Options"))
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cookie := v.post(s.link("acme", portal.See), nil).header.Get("Set-Cookie")
	for _, want := range []string{"__Host-", "Partitioned", "SameSite=None", "Secure", "HttpOnly", "Path=/"} {
		assert.Contains(t, cookie, want)
	}
	assert.Contains(t, newSite(t).stranger().get("").header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
}

func TestVendor(t *testing.T) {
	s := newSite(t)
	furnish(t, s)
	_, err := s.links.Create(t.Context(), lifecycle.Request{Tenant: "umbrella"}, "New", connection.Okta)
	require.NoError(t, err)
	h, err := s.portal.Vendor(portal.VendorOptions{Path: "/staff", Links: true,
		Who: func(r *http.Request) (string, error) {
			if r.Header.Get("X-Staff") == "" {
				return "", portal.ErrNobody
			}
			return "vera", nil
		},
		Tenants: func(_ context.Context, cursor string) ([]string, string, error) {
			if cursor != "" {
				return []string{"last"}, "", nil
			}
			return []string{"umbrella", "acme"}, "more", nil
		}})
	require.NoError(t, err)
	s.server.Config.Handler.(*http.ServeMux).Handle("/staff/", h)
	v := s.admin("acme")
	assert.Equal(t, 401, v.get("/staff/").status, "a customer's session is none here")
	assert.Equal(t, 401, v.post("/staff/link", form("tenant", "acme", "see", "1")).status)
	p := v.get("/staff/", "X-Staff", "1", "Accept", "application/json")
	var m portal.VendorModel
	require.NoError(t, json.Unmarshal([]byte(p.body), &m))
	require.Len(t, m.Tenants, 2)
	assert.Equal(t, "acme", m.Tenants[0].Tenant, "who needs attention comes first")
	assert.EqualValues(t, "attention", m.Tenants[0].State)
	assert.Equal(t, "more", m.Next)
	p = v.get("/staff/", "X-Staff", "1")
	assert.True(t, p.has("Needs attention"), p.body)
	assert.False(t, p.has("Credentials"))
	v.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error { r.Header.Set("X-Staff", "1"); return nil }
	p = v.post("/staff/link", form("tenant", "umbrella", "see", "1"), "X-Staff", "1")
	link := regexp.MustCompile(`/setup/begin/[\w.-]+`).FindString(p.body)
	require.NotEmpty(t, link, p.body)
	assert.NotContains(t, v.get("/staff/", "X-Staff", "1").body, link, "it is shown once")
	assert.Equal(t, 200, s.stranger().post(link, nil).status)
	assert.Equal(t, 400, v.post("/staff/link", form("tenant", "umbrella"), "X-Staff", "1").status)
}
