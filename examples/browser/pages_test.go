package browser_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/browser"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/scim/scimtest/idp"
)

var (
	update = flag.Bool("update", false, "write the screenshots")
	screen = flag.String("screens", filepath.Join("..", "..", "docs", "screens"), "the `folder` of the screenshots")
	speak  = flag.String("language", "en", "what the screenshots speak")
	width  = flag.Int64("width", 1000, "how wide they are, in pixels")
)

// most is how large a page may be, in bytes, with all that it loads and before compression.
const most = 50_000

// users is the beginning of a user's resource.
const users = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],`

// company brings an organization to life: people and groups of an identity provider in all states, refusals, held changes, and an
// account by hand. It returns the connection's token.
func company(t *testing.T, s *site, tenant string) (connection, token string) {
	t.Helper()
	connection, token = s.connection(tenant, "Okta of "+tenant, "okta")
	_, err := idp.Simulate(t.Context(), idp.Options{IdP: "okta", URL: s.Base, Token: token, Seed: 7, People: 36, Days: 1, Keep: true})
	require.NoError(t, err)
	s.Do(http.StatusOK, "POST", "/app/users", `{"tenant":"`+tenant+`","userName":"by.hand@acme.example","displayName":"Made by Hand"}`)
	s.Do(http.StatusOK, "POST", "/app/accounts", `{"userName":"grace@acme.example"}`)
	ids := s.ids(token)
	name := func(i int) string {
		return s.As(token, http.StatusOK, "GET", ids[i], "")["userName"].(string)
	}
	for i := range 6 {
		s.Do(http.StatusOK, "POST", "/app/login", fmt.Sprintf(`{"tenant":%q,"userName":%q}`, tenant, name(i)))
	}
	s.Do(http.StatusOK, "POST", "/app/suspend", fmt.Sprintf(`{"tenant":%q,"userName":%q,"who":"Ada Lovelace"}`, tenant, name(1)))
	s.Do(http.StatusOK, "PUT", "/app/settings?tenant="+tenant, `{"review":true}`)
	for _, who := range []string{"wen", "yara"} { // they wait for an approval
		s.As(token, http.StatusCreated, "POST", "/Users", users+`"userName":"`+who+`@acme.example","displayName":"`+strings.ToUpper(who[:1])+who[1:]+` New","active":true}`)
	}
	s.Do(http.StatusOK, "PUT", "/app/settings?tenant="+tenant, `{"seatLimit":40}`)
	s.As(token, http.StatusConflict, "POST", "/Users", users+`"userName":"`+strings.ToUpper(name(2))+`","externalId":"another","active":true}`)
	s.As(token, http.StatusConflict, "POST", "/Users", users+`"userName":"grace@acme.example","active":true}`)
	s.As(token, http.StatusBadRequest, "POST", "/Users", users+`"active":true}`)
	s.Do(http.StatusOK, "PUT", "/app/safety?tenant="+tenant, `{"people":{"max":10,"window":"1h"},"protected":["`+ids[3][len("/Users/"):]+`"]}`)
	for i := 8; i < 21; i++ { // ten pass, three are held
		s.send(token, "PATCH", ids[i], deactivation)
	}
	s.send(token, "PATCH", ids[3], deactivation) // who is protected
	return connection, token
}

const deactivation = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`

// connection makes a connection with a token.
func (s *site) connection(tenant, name, provider string) (id, token string) {
	id = s.Do(http.StatusCreated, "POST", "/app/connections?tenant="+tenant, fmt.Sprintf(`{"name":%q,"provider":%q}`, name, provider))["id"].(string)
	made := s.Do(http.StatusCreated, "POST", "/app/connections/"+id+"/credentials?tenant="+tenant, `{"kind":"bearer"}`)
	return id, made["token"].(string)
}

// send sends a request whose answer may be a refusal.
func (s *site) send(token, method, path, body string) (int, map[string]any) {
	status, answer, err := try.Send(s.t.Context(), s.Base, token, method, path, body)
	require.NoError(s.t, err)
	return status, answer
}

// ids are the paths of the people that a token sees.
func (s *site) ids(token string) (paths []string) {
	for _, r := range s.As(token, http.StatusOK, "GET", "/Users?count=100", "")["Resources"].([]any) {
		paths = append(paths, "/Users/"+r.(map[string]any)["id"].(string))
	}
	return paths
}

var id = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27,}`)

// pageName is the same for addresses of one kind of page: the path without ids, with what makes it another page.
func pageName(href string) string {
	u, err := url.Parse(href)
	if err != nil {
		return href
	}
	path := strings.Trim(strings.TrimPrefix(id.ReplaceAllString(u.Path, "one"), "/setup"), "/")
	if path == "" {
		path = "overview"
	}
	for _, name := range []string{"guide", "outcome", "new"} {
		if v := u.Query().Get(name); v != "" {
			path += "-" + v
		}
	}
	return strings.ReplaceAll(path, "/", "-")
}

// walk opens every page that links lead to, each kind once, and calls a function on it.
func walk(t *testing.T, tab *browser.Tab, visit func(name string)) (seen []string) {
	t.Helper()
	queue := []string{"/setup/"}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if name := pageName(at); !slices.Contains(seen, name) {
			seen = append(seen, name)
			tab.Go(at)
			queue = append(queue, tab.Links()...)
			visit(name)
		}
	}
	return seen
}

// Every page can be used by everybody, in both colour schemes and at every width; it loads nothing from elsewhere, keeps to its own
// policy, and is small.
func TestPages(t *testing.T) {
	axe := browser.NeedAxe(t)
	s := start(t, "-protect-group", protected)
	company(t, s, "acme")
	var largest struct {
		name string
		size int
	}
	check := func(tab *browser.Tab) func(string) {
		return func(name string) {
			size := tab.Bytes()
			assert.Less(t, size, most, "%s is too large", name)
			if size > largest.size {
				largest.name, largest.size = name, size
			}
			for _, dark := range []bool{false, true} {
				tab.Scheme(dark)
				for _, v := range tab.Axe(axe) {
					t.Errorf("%s, dark: %v: %s", name, dark, v)
				}
			}
			tab.Resize(320)
			assert.Empty(t, tab.Overflow(), "%s is wider than 320 pixels", name)
			tab.Resize(1000)
			tab.Scheme(false)
		}
	}
	tab := browser.Open(t, s.origin, browser.Look{})
	tab.Go(s.link("acme"))
	check(tab)("begin")
	tab.Press(`form[action*="/begin/"] button`)
	seen := walk(t, tab, check(tab))
	for _, want := range []string{"overview", "connect", "connect-1", "connect-okta", "credentials", "people", "people-one", "groups", "groups-one", "activity", "activity-refused",
		"activity-one", "safety", "settings", "check", "off"} {
		assert.Contains(t, seen, want, "no link leads there")
	}
	tab.Go("/setup/credentials")
	tab.Press(`form[action$="/credentials/issue"] button`)
	check(tab)("secret")
	tab.Go("/setup/settings")
	tab.Choose("#deprovision", "deactivate")
	tab.Press("main button.main")
	assert.Contains(t, tab.Text("main tbody"), "25 people", "it says how many people the change is about")
	check(tab)("review")
	tab.Go("/setup/check")
	tab.Tick("#sure")
	tab.Press("main button.main")
	check(tab)("checked")
	tab.Go("/staff/")
	check(tab)("vendor")
	tab.Fill("#tenant", "wayne")
	tab.Press("main button.main")
	check(tab)("link")
	tab.Go("/setup/people/nobody")
	check(tab)("problem")
	tab.Go("/setup/")
	tab.Press(`form[action$="/end"] button`)
	check(tab)("bye")
	assert.Empty(t, tab.Faults())
	t.Logf("the largest page is %s with %d bytes; %d pages: %s", largest.name, largest.size, len(seen)+8, strings.Join(seen, " "))
}

// The pages are in the language of the browser or the link, or that was chosen, and hold none of another.
func TestGerman(t *testing.T) {
	axe := browser.NeedAxe(t)
	s := start(t, "-protect-group", protected)
	company(t, s, "acme")
	tab := s.visit(t, "acme", browser.Look{})
	tab.Press(`button[lang="de"]`)
	english := regexp.MustCompile(`(?i)\b(the|belongs|account|must|can't|this|with|changed|suspend|wants?)\b`)
	walk(t, tab, func(name string) {
		assert.Equal(t, "de", tab.Attribute("html", "lang"), name)
		if !strings.HasPrefix(name, "connect") && name != "check" { // guides name what providers have in English
			assert.Empty(t, english.FindAllString(tab.Text("main"), -1), name)
		}
		for _, v := range tab.Axe(axe) {
			t.Errorf("%s: %s", name, v)
		}
		tab.Resize(320)
		assert.Empty(t, tab.Overflow(), "%s is wider than 320 pixels", name)
		tab.Resize(1000)
	})
}

// Screenshots for docs/portal.md: go test ./examples/browser -run 'TestScreens|TestProducts' -update
func TestScreens(t *testing.T) {
	if !*update {
		t.Skip("writes docs/screens with -update only")
	}
	s := start(t, "-protect-group", protected)
	company(t, s, "acme")
	dir := *screen
	require.NoError(t, os.MkdirAll(dir, 0o755))
	old, err := filepath.Glob(filepath.Join(dir, "*-*.png"))
	require.NoError(t, err)
	for _, name := range old {
		require.NoError(t, os.Remove(name))
	}
	tab := browser.Open(t, s.origin, browser.Look{Width: *width})
	shoot := func(tab *browser.Tab, name string) {
		for _, dark := range []bool{false, true} {
			tab.Scheme(dark)
			file := name + "-light.png"
			if dark {
				file = name + "-dark.png"
			}
			shot := tab.Screen()
			if len(shot) > 100_000 {
				t.Errorf("%s has %d bytes", file, len(shot))
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, file), shot, 0o644))
		}
		tab.Scheme(false)
	}
	tab.Go(s.link("acme"))
	if *speak != "en" {
		tab.Press(`button[lang="` + *speak + `"]`)
	}
	shoot(tab, "begin")
	tab.Press(`form[action*="/begin/"] button`)
	s.preview(t, "wayne")
	for _, page := range screens {
		tab := tab
		if page.name == "preview" {
			tab = s.visit(t, "wayne", browser.Look{Width: *width})
		}
		tab.Go("/setup/" + page.path)
		if page.do != nil {
			page.do(tab)
		}
		shoot(tab, page.name)
	}
}

// screens are the pages that the documents show, and what is done on each before the picture is taken.
var screens = []struct {
	name, path string
	do         func(*browser.Tab)
}{
	{"overview", "", nil},
	{"choose", "connect?new=1", nil},
	{"connect", "connect", nil},
	{"credentials", "credentials", nil},
	{"secret", "credentials", press(`form[action$="/credentials/issue"] button`)},
	{"people", "people?sort=userName", nil},
	{"person", "people?state=pending", press("main tbody th a")},
	{"groups", "groups", nil},
	{"group", "groups", press("main tbody th a")},
	{"activity", "activity", nil},
	{"entry", "activity?outcome=refused", press("main tbody th a")},
	{"safety", "safety", nil},
	{"settings", "settings", nil},
	{"review", "settings", func(tab *browser.Tab) {
		tab.Choose("#deprovision", "deactivate")
		tab.Press("main button.main")
	}},
	{"check", "check", func(tab *browser.Tab) {
		tab.Tick("#sure")
		tab.Press("main button.main")
	}},
	{"preview", "preview", nil},
	{"off", "off", nil},
	{"vendor", "../staff/", nil},
}

func press(selector string) func(*browser.Tab) {
	return func(tab *browser.Tab) { tab.Press(selector) }
}
