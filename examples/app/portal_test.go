package app_test

import (
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

// On each store an administrator goes from the link to the first person, by the pages alone, and later releases a brake.
func TestPortal(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		s := p.Setup("acme")
		s.Post("/setup/connect", "guide", "okta-bearer")
		at, err := url.Parse(s.At)
		require.NoError(t, err)
		id := at.Query().Get("connection")
		token := regexp.MustCompile(`rollcall_scim_\w{49}`).FindString(s.Post("/setup/credentials/issue", "connection", id, "kind", "bearer", "guide", "okta-bearer"))
		require.NotEmpty(t, token)
		state := func() any { return s.Model("/setup/live?connection=" + id)["state"] }
		assert.Equal(t, "waitingForTest", state())
		p.As(token, 200, "GET", "/Users?count=1", "")
		assert.Equal(t, "testReceived", state())
		ada := p.As(token, 201, "POST", "/Users", `{"userName":"ada@acme.example","active":true}`)["id"].(string)
		assert.Equal(t, "firstPerson", state())
		assert.Len(t, s.Model("/setup/people?q=ada")["people"], 1)
		for _, path := range []string{"people?sort=created", "people?sort=modified", "people?sort=oldest", "people?state=provisioned", "people/" + ada, "groups", "activity", "preview", "safety", "settings", "check", "off"} {
			s.Get("/setup/" + path)
		}

		assert.Contains(t, s.Post("/setup/people/"+ada+"/suspend"), "Suspended")
		assert.Equal(t, "suspended", p.Do(403, "POST", "/app/login", `{"tenant":"acme","userName":"ada@acme.example"}`)["reason"])
		s.Post("/setup/people/" + ada + "/reactivate")
		p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"ada@acme.example"}`)

		s.Post("/setup/safety/brakes", "people-on", "1", "people-max", "10", "people-window", "1h")
		for i := range 11 {
			who := p.As(token, 201, "POST", "/Users", `{"userName":"u`+string(rune('a'+i))+`@acme.example"}`)["id"].(string)
			if i == 10 {
				p.As(token, 429, "DELETE", "/Users/"+who, "")
				assert.Contains(t, s.Post("/setup/safety/release", "for", "once", "reason", "meant"), "Released")
			}
			p.As(token, 204, "DELETE", "/Users/"+who, "")
		}

		s.Post("/setup/connect", "guide", "entra")
		at, err = url.Parse(s.At)
		require.NoError(t, err)
		id = at.Query().Get("connection")
		s.Post("/setup/preview/begin", "connection", id)
		token = regexp.MustCompile(`rollcall_scim_\w{49}`).FindString(s.Post("/setup/credentials/issue", "connection", id, "kind", "bearer"))
		grace := p.As(token, 201, "POST", "/Users", `{"userName":"grace@acme.example","active":true}`)["id"].(string)
		assert.Empty(t, s.Model("/setup/people?q=grace@acme.example")["people"])
		assert.Contains(t, s.Get("/setup/preview?connection="+id), "grace@acme.example")
		assert.Contains(t, s.Post("/setup/preview/live", "connection", id), "The connection is live")
		assert.Contains(t, s.Get("/setup/people/"+grace), "grace@acme.example")

		_, _, _ = s.Send("POST", "/setup/end", url.Values{}, "text/html")
		status, _, _ := s.Send("GET", "/setup/people", nil, "text/html")
		assert.Equal(t, 401, status)
	})
}
