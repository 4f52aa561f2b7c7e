package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

// On each store an administrator goes from the link to the first person, by the pages alone, and later releases a brake.
func TestPortal(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		link := p.Do(200, "POST", "/app/portal-link", `{"tenant":"acme","abilities":["see","connect","people","safety"]}`)["url"].(string)
		origin := link[:strings.Index(link, "/setup/")]
		cookies := map[string]string{}
		send := func(method, path string, form url.Values, accept string) (int, string, string) {
			r, err := http.NewRequestWithContext(t.Context(), method, origin+path, strings.NewReader(form.Encode()))
			require.NoError(t, err)
			r.Header.Set("Accept", accept)
			if form != nil {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			for name, value := range cookies { // a jar doesn't send Secure cookies by http; browsers do on this machine
				r.AddCookie(&http.Cookie{Name: name, Value: value})
			}
			client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			res, err := client.Do(r)
			require.NoError(t, err)
			defer res.Body.Close()
			for _, c := range res.Cookies() {
				cookies[c.Name] = c.Value
			}
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			return res.StatusCode, res.Header.Get("Location"), string(body)
		}
		// post sends a form, and opens the page that it leads to.
		post := func(path string, pairs ...string) (at, body string) {
			t.Helper()
			form := url.Values{}
			for i := 0; i+1 < len(pairs); i += 2 {
				form.Set(pairs[i], pairs[i+1])
			}
			status, at, body := send("POST", path, form, "text/html")
			require.Equal(t, 303, status, body)
			status, _, body = send("GET", at, nil, "text/html")
			require.Equal(t, 200, status)
			return at, body
		}
		model := func(path string) (m map[string]any) {
			t.Helper()
			status, _, body := send("GET", path, nil, "application/json")
			require.Equal(t, 200, status, body)
			require.NoError(t, json.Unmarshal([]byte(body), &m))
			return m
		}

		status, _, _ := send("GET", "/setup/", nil, "text/html")
		assert.Equal(t, 401, status)
		post(strings.TrimPrefix(link, origin))
		at, _ := post("/setup/connect", "guide", "okta-bearer")
		u, err := url.Parse(at)
		require.NoError(t, err)
		id := u.Query().Get("connection")
		_, body := post("/setup/credentials/issue", "connection", id, "kind", "bearer", "guide", "okta-bearer")
		token := regexp.MustCompile(`rollcall_scim_\w{49}`).FindString(body)
		require.NotEmpty(t, token)
		assert.Equal(t, "waitingForTest", model("/setup/live?connection=" + id)["state"])
		p.As(token, 200, "GET", "/Users?count=1", "")
		assert.Equal(t, "testReceived", model("/setup/live?connection=" + id)["state"])
		ada := p.As(token, 201, "POST", "/Users", `{"userName":"ada@acme.example","active":true}`)["id"].(string)
		assert.Equal(t, "firstPerson", model("/setup/")["state"])
		assert.Len(t, model("/setup/people?q=ada")["people"], 1)
		for _, path := range []string{"/setup/people?sort=modified", "/setup/people?sort=oldest", "/setup/people?state=provisioned", "/setup/people/" + ada, "/setup/groups", "/setup/activity", "/setup/safety", "/setup/settings", "/setup/off"} {
			status, _, _ := send("GET", path, nil, "text/html")
			assert.Equal(t, 200, status, path)
		}

		_, body = post("/setup/people/" + ada + "/suspend")
		assert.Contains(t, body, "Suspended")
		assert.Equal(t, "suspended", p.Do(403, "POST", "/app/login", `{"tenant":"acme","userName":"ada@acme.example"}`)["reason"])
		post("/setup/people/" + ada + "/reactivate")
		p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"ada@acme.example"}`)

		post("/setup/safety/brakes", "people-on", "1", "people-max", "10", "people-window", "1h")
		for i := range 11 {
			who := p.As(token, 201, "POST", "/Users", `{"userName":"u`+string(rune('a'+i))+`@acme.example"}`)["id"].(string)
			if i < 10 {
				p.As(token, 204, "DELETE", "/Users/"+who, "")
			} else {
				p.As(token, 429, "DELETE", "/Users/"+who, "")
				_, body = post("/setup/safety/release", "for", "once", "reason", "meant")
				assert.Contains(t, body, "Released")
				p.As(token, 204, "DELETE", "/Users/"+who, "")
			}
		}
		assert.Equal(t, 401, func() int {
			_, _, _ = send("POST", "/setup/end", url.Values{}, "text/html")
			status, _, _ := send("GET", "/setup/people", nil, "text/html")
			return status
		}())
	})
}
