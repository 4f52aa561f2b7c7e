package app_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

// shadowed makes a connection in the state shadow.
func shadowed(p *try.Product) (id, token string) {
	id, _, token = connect(p, "Entra", "entra")
	p.Do(200, "PATCH", "/app/connections/"+id+"?tenant=acme", `{"state":"shadow"}`)
	return id, token
}

func patched(op, path, value string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"` + op + `","path":"` + path + `","value":` + value + `}]}`
}

// previewed returns all pages of a preview: people by userName, and groups by displayName.
func previewed(p *try.Product, id string) (people, groups map[string]object) {
	people, groups = map[string]object{}, map[string]object{}
	for cursor := ""; ; {
		page := p.Do(200, "GET", "/app/preview?tenant=acme&connection="+id+"&cursor="+url.QueryEscape(cursor), "")
		for _, x := range page["people"].([]any) {
			people[x.(object)["userName"].(string)] = x.(object)
		}
		for _, x := range page["groups"].([]any) {
			groups[x.(object)["displayName"].(string)] = x.(object)
		}
		if cursor = page["next"].(string); cursor == "" {
			return people, groups
		}
	}
}

// truth returns the state of a tenant in the product: people, seats, events, and the resources that a credential of the product reads.
func truth(p *try.Product) []any {
	return []any{p.Do(200, "GET", "/app/users?tenant=acme", ""), p.Do(200, "GET", "/app/seats?tenant=acme", ""), p.Do(200, "GET", "/app/events?tenant=acme", ""),
		p.Do(200, "GET", "/Users?count=100", "")["Resources"], p.Do(200, "GET", "/Groups?count=100", "")["Resources"]}
}

// A connection in the state shadow gets full answers, and nothing of the product changes. The preview says what going live would do. Going live
// does that, and the identity provider sees the same before and after.
func TestShadow(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		hand := func(name string) string {
			return p.Do(200, "POST", "/app/users", `{"tenant":"acme","userName":"`+name+`","displayName":"`+name+`","title":"old"}`)["id"].(string)
		}
		ann, bob, carl, dora := hand("ann@acme.example"), hand("bob@acme.example"), hand("carl@acme.example"), hand("dora@acme.example")
		p.Do(200, "PUT", "/app/safety?tenant=acme", `{"protected":["`+dora+`"]}`)
		p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"ann@acme.example"}`)
		sales := p.Do(201, "POST", "/Groups", `{"displayName":"Sales","members":[{"value":"`+ann+`"},{"value":"`+bob+`"}]}`)["id"].(string)
		old := p.Do(201, "POST", "/Groups", `{"displayName":"Old","members":[{"value":"`+bob+`"}]}`)["id"].(string)
		p.Heard(10)
		before := truth(p)
		id, token := shadowed(p)
		ask := func(status int, method, path, body string) object { return p.As(token, status, method, path, body) }
		find := func(path, filter string) []any {
			return ask(200, "GET", path+"?filter="+url.QueryEscape(filter), "")["Resources"].([]any)
		}

		// A person who is in the product has the id that they have there. Any other gets a new one.
		assert.Equal(t, ann, find("/Users", `userName eq "ANN@acme.example"`)[0].(object)["id"])
		ask(200, "PATCH", "/Users/"+ann, patched("replace", "title", `"Dr"`))
		assert.Equal(t, carl, ask(201, "POST", "/Users", `{"userName":"carl@acme.example","externalId":"e-carl","displayName":"Carl"}`)["id"], "existingUser counts as link")
		zoe := ask(201, "POST", "/Users", `{"userName":"zoe@acme.example","externalId":"e-zoe","displayName":"Zoe"}`)["id"].(string)
		ask(409, "POST", "/Users", `{"userName":"Zoe@acme.example","externalId":"e-other"}`)
		assert.Equal(t, zoe, find("/Users", `externalId eq "e-zoe"`)[0].(object)["id"])
		ask(200, "PATCH", "/Users/"+bob, patched("replace", "active", `false`))
		assert.Contains(t, ask(403, "DELETE", "/Users/"+dora, "")["detail"], "protected")
		assert.Equal(t, 5.0, ask(200, "GET", "/Users?count=2&startIndex=2", "")["totalResults"])

		// Groups and their members.
		ask(204, "PATCH", "/Groups/"+sales, patched("add", "members", `[{"value":"`+zoe+`"}]`))
		ask(204, "PATCH", "/Groups/"+sales, patched("remove", `members[value eq \"`+bob+`\"]`, `null`))
		team := ask(201, "POST", "/Groups", `{"displayName":"Team","members":[{"value":"`+zoe+`"},{"value":"`+carl+`"}]}`)["id"].(string)
		ask(204, "DELETE", "/Groups/"+old, "")
		ask(404, "GET", "/Groups/"+old, "")
		assert.Len(t, ask(200, "GET", "/Groups/"+sales, "")["members"], 2)
		assert.Equal(t, sales, find("/Groups", `displayName eq "sales" and members eq "`+zoe+`"`)[0].(object)["id"])
		assert.Empty(t, find("/Groups", `id eq "`+sales+`" and members eq "`+bob+`"`))
		assert.Len(t, ask(200, "GET", "/Users/"+zoe, "")["groups"], 2)
		assert.NotContains(t, ask(200, "GET", "/Users/"+bob, ""), "groups")

		assert.Equal(t, before, truth(p), "nothing of the product changes")

		people, groups := previewed(p, id)
		actions := map[string]any{}
		for name, x := range people {
			actions[name] = x["action"]
		}
		assert.Equal(t, map[string]any{"ann@acme.example": "link", "bob@acme.example": "deactivate", "carl@acme.example": "link", "zoe@acme.example": "create",
			"dora@acme.example": "refuse", "Zoe@acme.example": "refuse"}, actions)
		assert.Equal(t, []any{object{"attribute": "title", "from": "old", "to": "Dr", "authority": "always"}}, people["ann@acme.example"]["changes"])
		assert.Contains(t, people["dora@acme.example"]["explanation"], "protected")
		assert.Contains(t, people["Zoe@acme.example"]["explanation"], zoe)
		assert.Equal(t, zoe, people["zoe@acme.example"]["id"])
		assert.Equal(t, []any{"change", []any{object{"id": zoe, "name": "zoe@acme.example"}}, []any{object{"id": bob, "name": "bob@acme.example"}}},
			[]any{groups["Sales"]["action"], groups["Sales"]["added"], groups["Sales"]["removed"]})
		assert.Equal(t, []any{"create", 2}, []any{groups["Team"]["action"], len(groups["Team"]["added"].([]any))})
		assert.Equal(t, "deactivate", groups["Old"]["action"])

		lines := previewCSV(t, p, id)
		assert.Equal(t, []string{"type", "id", "name", "action", "changes", "added", "removed", "explanation"}, lines[0])
		assert.Contains(t, lines, []string{"User", ann, "ann@acme.example", "link", "title: old -> Dr", "", "", people["ann@acme.example"]["explanation"].(string)})

		// Going live applies it, and the identity provider sees no difference.
		seen := func() (all []any) {
			for _, path := range []string{"/Users?count=100", "/Groups?count=100", "/Users/" + ann, "/Users/" + bob, "/Users/" + zoe, "/Groups/" + sales, "/Groups/" + team} {
				all = append(all, ask(200, "GET", path, ""))
			}
			return all
		}
		shown := seen()
		assert.Equal(t, "live", p.Do(200, "POST", "/app/connections/"+id+"/live?tenant=acme", "")["state"])
		assert.Equal(t, shown, seen())
		p.Do(409, "POST", "/app/connections/"+id+"/live?tenant=acme", "")
		p.Do(404, "POST", "/app/connections/nobody/live?tenant=acme", "")
		assert.Equal(t, []string{"active", "suspended", "provisioned", "provisioned"}, []string{p.Status("ann@acme.example"), p.Status("bob@acme.example"), p.Status("carl@acme.example"), p.Status("zoe@acme.example")})
		assert.Len(t, p.Do(200, "GET", "/Groups/"+sales, "")["members"], 2)
		assert.Equal(t, 4.0, p.Do(200, "GET", "/app/seats?tenant=acme", "")["used"])
		kinds := p.Heard(18)
		assert.Equal(t, 5, count(kinds, "provisioned"))
		assert.Equal(t, 1, count(kinds, "deactivated"))
		assert.Equal(t, 1, count(kinds, "group.deleted"))

		// From now on it changes the product, and a new shadow begins empty.
		ask(200, "PATCH", "/Users/"+zoe, patched("replace", "title", `"Prof"`))
		assert.Equal(t, "Prof", p.Do(200, "GET", "/Users/"+zoe, "")["title"])
		for _, state := range []string{"shadow", "live", "paused", "shadow"} { // from whatever state
			p.Do(200, "PATCH", "/app/connections/"+id+"?tenant=acme", `{"state":"`+state+`"}`)
		}
		people, _ = previewed(p, id)
		assert.Equal(t, []string{"dora@acme.example"}, keys(people), "it doesn't know whom it doesn't manage")
		assert.Equal(t, "unknown", people["dora@acme.example"]["action"])
		ask(200, "PATCH", "/Users/"+zoe, patched("replace", "title", `"Dean"`))
		p.Do(204, "DELETE", "/app/connections/"+id+"?tenant=acme&confirm=true", "")
		assert.Equal(t, "Prof", p.Do(200, "GET", "/Users/"+zoe, "")["title"], "a shadow ends with its connection")
	})
}

func previewCSV(t *testing.T, p *try.Product, id string) [][]string {
	t.Helper()
	at, err := url.Parse(p.Base)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+at.Host+"/app/preview?tenant=acme&connection="+id, nil)
	require.NoError(t, err)
	r.Header.Set("Accept", "text/csv")
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	require.True(t, strings.HasPrefix(res.Header.Get("Content-Type"), "text/csv"))
	lines, err := csv.NewReader(res.Body).ReadAll()
	require.NoError(t, err)
	return lines
}

func keys(m map[string]object) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

func count(list []string, one string) (n int) {
	for _, x := range list {
		if x == one {
			n++
		}
	}
	return n
}
