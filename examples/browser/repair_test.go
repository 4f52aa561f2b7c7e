package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/browser"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/scim/scimtest/idp"
)

// each runs a test with scripts and without, each on a company of its own.
func each(t *testing.T, test func(t *testing.T, s *site, tab *browser.Tab, connection, token string)) {
	s := start(t)
	for look, name := range map[browser.Look]string{{}: "on", {NoScripts: true}: "off"} {
		t.Run("scripts "+name, func(t *testing.T) {
			tenant := "acme"
			if look.NoScripts {
				tenant = "umbrella"
			}
			connection, token := company(t, s, tenant)
			tab := s.visit(t, tenant, look)
			test(t, s, tab, connection, token)
			assert.Empty(t, tab.Faults())
		})
	}
}

// An administrator rotates the token while the identity provider works, and not one of its requests is refused.
func TestRotationUnderLoad(t *testing.T) {
	each(t, func(t *testing.T, s *site, tab *browser.Tab, _, token string) {
		old, row := token, `tr:has(code)`
		var now atomic.Pointer[string]
		now.Store(&token)
		var all, refused atomic.Int64
		ctx, stop := context.WithCancel(t.Context())
		var load sync.WaitGroup
		for i := range 4 {
			load.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					method, path, body := "GET", "/Users?count=5", ""
					if n%5 == 0 {
						method, path, body = "POST", "/Users", fmt.Sprintf(`%s"userName":"load-%d-%d-%t@acme.example","active":false}`, users, i, n, tab.Scripts())
					}
					status, answer, err := try.Send(context.WithoutCancel(ctx), s.Base, *now.Load(), method, path, body)
					all.Add(1)
					if err != nil || status >= 300 {
						refused.Add(1)
						t.Errorf("%s %s: %d %v %v", method, path, status, answer, err)
						return
					}
				}
			})
		}
		some := func() { // requests of the token that is used now
			until := all.Load() + 40
			require.Eventually(t, func() bool { return all.Load() >= until || refused.Load() > 0 }, time.Minute, time.Millisecond)
		}
		some()
		tab.Go("/setup/credentials")
		tab.Confirm(row + ` button[formaction$="/rotate"]`)
		next := tab.Text("#secret-token")
		require.NotEqual(t, old, next)
		some() // both are good
		now.Store(&next)
		some()
		tab.Go("/setup/credentials")
		tab.Confirm(`button[formaction$="/complete"]`)
		some()
		stop()
		load.Wait()
		assert.Zero(t, refused.Load())
		status, _ := s.send(old, "GET", "/Users", "")
		assert.Equal(t, http.StatusUnauthorized, status, "the old token ended when the page came")
		t.Logf("%d requests", all.Load())
	})
}

// Too many people are deactivated by mistake, or not: an administrator sees whom, lets it through with a reason, and it passes.
func TestHeldBrakeIsReleased(t *testing.T) {
	each(t, func(t *testing.T, s *site, tab *browser.Tab, _, token string) {
		held := s.ids(token)[18:21] // see company
		for _, path := range held {
			require.Equal(t, true, s.As(token, http.StatusOK, "GET", path, "")["active"])
		}
		tab.Press(`nav a[href$="/safety"]`)
		page := tab.Text("main")
		for _, path := range held {
			assert.Contains(t, page, s.As(token, http.StatusOK, "GET", path, "")["userName"], "the page names whom the brake holds")
		}
		tab.Tick("#count")
		tab.Fill("#number", "3")
		tab.Fill("#reason", "the Berlin office has closed")
		tab.Press(`form[action$="/release"] button`)
		assert.Contains(t, tab.Text(".note.good"), "Released")
		for _, path := range held {
			status, answer := s.send(token, "PATCH", path, deactivation)
			assert.Equal(t, http.StatusOK, status, answer)
			assert.Equal(t, false, s.As(token, http.StatusOK, "GET", path, "")["active"])
		}
		status, _ := s.send(token, "PATCH", s.ids(token)[22], deactivation)
		assert.NotEqual(t, http.StatusOK, status, "it was for three")
		tab.Press(`nav a[href$="/activity"]`)
		assert.Contains(t, tab.Text("main"), "the Berlin office has closed")
	})
}

// Somebody can't be created: an administrator finds the refusal, reads why, repairs it, and the next attempt succeeds.
func TestRefusedPersonIsRepaired(t *testing.T) {
	each(t, func(t *testing.T, s *site, tab *browser.Tab, _, token string) {
		grace := "grace-" + strings.ToLower(t.Name()[len(t.Name())-3:]) + "@acme.example"
		s.Do(http.StatusOK, "POST", "/app/accounts", `{"userName":"`+grace+`"}`)
		body := users + `"userName":"` + grace + `","displayName":"Grace Hopper","active":true}`
		s.As(token, http.StatusConflict, "POST", "/Users", body)

		tab.Reload()
		tab.Until(".state", "^Needs attention$")
		tab.Until(".note", "acquire it first")
		tab.Press(`.note a[href*="outcome=refused"]`)
		assert.Contains(t, tab.Text("main"), grace)
		tab.Press(`main tbody tr:first-child th a`)
		why := tab.Text("main")
		assert.Contains(t, why, grace)
		assert.Contains(t, why, "cquire", "it says what would help")

		tab.Press(`nav a[href$="/people"]`)
		tab.Fill("#name", grace)
		tab.Press(`form[action$="/acquire"] button`)
		assert.Contains(t, tab.Text(".note.good"), "acquired")

		status, answer := s.send(token, "POST", "/Users", body) // the identity provider tries again
		require.Contains(t, []int{http.StatusOK, http.StatusCreated}, status, answer)
		tab.Press(`nav a[href$="/setup/"]`)
		tab.Until(".state", "^In sync$")
		tab.Press(`nav a[href$="/people"]`)
		tab.Fill("#q", grace)
		tab.Press(`form[role="search"] button`)
		tab.Press(`main tbody th a`)
		assert.Contains(t, tab.Text("h1"), "Grace Hopper")
		assert.Contains(t, tab.Text("main"), "What happened")
	})
}

// A connection begins as a preview: an administrator sees what the identity provider would do, and goes live.
func TestPreviewGoesLive(t *testing.T) {
	t.Parallel()
	axe := browser.NeedAxe(t)
	s := start(t)
	for look, name := range map[browser.Look]string{{}: "on", {NoScripts: true}: "off"} {
		t.Run("scripts "+name, func(t *testing.T) {
			tenant := "preview-" + name
			s.preview(t, tenant)
			tab := s.visit(t, tenant, look)
			tab.Press(`nav a[href$="/preview"]`)
			page := tab.Text("main")
			assert.Contains(t, page, "nothing is changed yet")
			assert.Equal(t, 1, s.people(tenant), "only who was there before")
			for _, dark := range []bool{false, true} {
				tab.Scheme(dark)
				for _, v := range tab.Axe(axe) {
					t.Errorf("dark: %v: %s", dark, v)
				}
			}
			assert.Less(t, tab.Bytes(), most)
			tab.Resize(320)
			assert.Empty(t, tab.Overflow())
			tab.Resize(1000)
			tab.Confirm(`form[action$="/preview/live"] button`)
			for look.NoScripts && tab.Has(`form[data-go] button`) { // with scripts it goes on by itself
				tab.Press(`form[data-go] button`)
			}
			tab.Until("main", "The connection is live")
			assert.Equal(t, 13, s.people(tenant))
			assert.Empty(t, tab.Faults())
		})
	}
}

// preview makes a connection that begins as a preview, by which 12 people come where there is one.
func (s *site) preview(t *testing.T, tenant string) {
	s.Do(http.StatusOK, "POST", "/app/users", `{"tenant":"`+tenant+`","userName":"by.hand@acme.example"}`)
	_, token := s.connection(tenant, "Entra ID of "+tenant, "entra")
	tab := s.visit(t, tenant, browser.Look{})
	tab.Go("/setup/preview")
	tab.Press(`form[action$="/preview/begin"] button`)
	_, err := idp.Simulate(t.Context(), idp.Options{IdP: "entra", URL: s.Base, Token: token, Seed: 3, People: 12, Days: 1, Keep: true})
	require.NoError(t, err)
}

// people are how many people an organization has.
func (s *site) people(tenant string) int {
	return len(s.Do(http.StatusOK, "GET", "/app/users?tenant="+tenant, "")["users"].([]any))
}

// What the harness reports is what a page does wrong: each row is a page that does one thing that it must not.
func TestTheHarnessSeesFaults(t *testing.T) {
	axe := browser.NeedAxe(t)
	elsewhere := serve(t, "", "")
	for name, row := range map[string]struct{ policy, body, fault, axe string }{
		"nothing":              {"default-src 'none'", `<main><h1>Good</h1></main>`, "", ""},
		"a picture elsewhere":  {"default-src *", `<main><h1>x</h1><img alt="" src="` + elsewhere + `/x.png"></main>`, "a request to elsewhere", ""},
		"an inline script":     {"default-src 'none'", `<main><h1>x</h1><script>1</script></main>`, "ContentSecurityPolicyIssue", ""},
		"an inline style":      {"default-src 'none'", `<main><h1 style="color:red">x</h1></main>`, "ContentSecurityPolicyIssue", ""},
		"an error of a script": {"", `<main><h1>x</h1><script>nobody()</script></main>`, "an exception", ""},
		"no alternative text":  {"", `<main><h1>x</h1><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></main>`, "", "image-alt"},
		"no contrast":          {"", `<main><h1 style="color:#eee;background:#fff">Pale</h1></main>`, "", "color-contrast"},
		"no label":             {"", `<main><h1>x</h1><input></main>`, "GenericIssue", "label"},
	} {
		t.Run(name, func(t *testing.T) {
			origin := serve(t, row.policy, row.body)
			tab := browser.Open(t, origin, browser.Look{})
			tab.Go("/")
			var rules []string
			for _, v := range tab.Axe(axe) {
				rules = append(rules, v.ID)
			}
			if row.axe == "" {
				assert.Empty(t, rules)
			} else {
				assert.Contains(t, rules, row.axe)
			}
			if row.fault == "" {
				assert.Empty(t, tab.Faults())
			} else {
				assert.Contains(t, strings.Join(tab.Faults(), "\n"), row.fault)
			}
			assert.Empty(t, tab.Overflow())
		})
	}
	tab := browser.Open(t, serve(t, "", `<main><h1 style="width:900px">x</h1></main>`), browser.Look{Width: 320})
	tab.Go("/")
	assert.Contains(t, tab.Overflow(), "900px")
}
