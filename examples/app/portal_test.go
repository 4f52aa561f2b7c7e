package app_test

import (
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/try"
)

// On each store an administrator uses only the pages to get from the setup link to the first person, and later to release a brake.
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
		for _, path := range []string{"people?sort=created", "people?sort=userName", "people?sort=userNameDown", "people?state=provisioned", "people/" + ada, "groups", "activity", "preview", "safety", "settings", "check", "off"} {
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

// The vendor's staff see all customers, first those that need attention, and make setup links for them.
func TestCustomers(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		p.Setup("acme")
		made := p.Do(201, "POST", "/app/connections?tenant=umbrella", `{"name":"Okta","provider":"okta"}`)
		token := p.Do(201, "POST", "/app/connections/"+made["id"].(string)+"/credentials?tenant=umbrella", `{"kind":"bearer"}`)["token"].(string)
		p.As(token, 400, "POST", "/Users", `{"displayName":"nobody"}`)
		staff := p.Staff()
		list := staff.Model("/app/customers/")["tenants"].([]any)
		require.Len(t, list, 2)
		assert.Equal(t, []any{"umbrella", "attention"}, []any{list[0].(map[string]any)["tenant"], list[0].(map[string]any)["state"]})
		assert.Equal(t, []any{"acme", "notSetUp"}, []any{list[1].(map[string]any)["tenant"], list[1].(map[string]any)["state"]})

		page := staff.Post("/app/customers/link", "tenant", "hooli", "who", "gavin@hooli.example", "see", "1", "connect", "1")
		link := regexp.MustCompile(`/setup/begin/[^<"]+`).FindString(page)
		require.NotEmpty(t, link, page)
		assert.Contains(t, staff.Get("/app/customers/"), "hooli")
		assert.Contains(t, staff.Post(link), "Provisioning for hooli")
		p.Do(204, "DELETE", "/app/tenant?tenant=hooli&confirm=hooli", "")
		assert.NotContains(t, staff.Get("/app/customers/"), "hooli")
	})
}

// Groups that the product protects are marked.
func TestProtectedGroups(t *testing.T) {
	p := try.Start(t, new(app.App).Boot("app"), "-protect-group", "Owners")
	ada := p.Do(201, "POST", "/Users", `{"userName":"ada@acme.example","active":true}`)["id"].(string)
	owners := p.Do(201, "POST", "/Groups", `{"displayName":"Owners","members":[{"value":"`+ada+`"}]}`)["id"].(string)
	p.Do(201, "POST", "/Groups", `{"displayName":"Everybody"}`)
	p.Do(403, "DELETE", "/Groups/"+owners, "")
	s := p.Setup("acme")
	assert.Contains(t, s.Get("/setup/groups/"+owners), "protected")
	for _, g := range s.Model("/setup/groups")["groups"].([]any) {
		g := g.(map[string]any)
		assert.Equal(t, g["name"] == "Owners", g["protected"], g["name"])
	}
}
