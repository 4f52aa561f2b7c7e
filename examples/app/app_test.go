package app_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/try"
)

func TestProduct(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		ada := `{"tenant":"acme","userName":"ada"}`
		assert.Equal(t, "unknown", p.Do(404, "POST", "/app/login", ada)["reason"])
		id := p.Do(201, "POST", "/Users", `{"userName":"ada","active":true}`)["id"].(string)
		login := p.Do(200, "POST", "/app/login", ada)
		assert.Equal(t, map[string]any{"status": "active", "firstLogin": true, "billed": true, "id": id, "role": "", "groups": []any{}}, login)
		assert.Equal(t, false, p.Do(200, "POST", "/app/login", ada)["billed"])
		p.Do(200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`)
		assert.Equal(t, "suspended", p.Do(403, "POST", "/app/login", ada)["reason"])
		assert.Equal(t, []string{"provisioned", "activated", "billed", "deactivated", "unbilled"}, p.Heard(5))

		events := p.Do(200, "GET", "/app/events?tenant=acme", "")
		again := p.Do(200, "GET", "/app/events?tenant=acme&after="+events["next"].(string), "")
		assert.Empty(t, again["events"])
		assert.Equal(t, events["next"], again["next"], "a place to go on from")

		users := p.Do(200, "GET", "/app/users?tenant=acme", "")["users"].([]any)
		require.Len(t, users, 1)
		u := users[0].(map[string]any)
		assert.NotNil(t, u["firstLogin"])
		delete(u, "firstLogin")
		assert.Equal(t, map[string]any{"id": id, "userName": "ada", "status": "suspended", "billed": false, "active": false, "managedBy": "scim"}, u)

		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"review":true,"seatLimit":1}`)
		assert.Equal(t, true, p.Do(200, "GET", "/app/settings?tenant=acme", "")["review"])
		p.Do(400, "PUT", "/app/settings?tenant=acme", `{"deprovision":"explode"}`)
		p.Do(201, "POST", "/Users", `{"userName":"bob"}`)
		p.Do(201, "POST", "/Users", `{"userName":"eve"}`)
		assert.Equal(t, map[string]any{"limit": 1.0, "used": 0.0}, p.Do(200, "GET", "/app/seats?tenant=acme", ""))
		assert.Equal(t, "pending", p.Do(403, "POST", "/app/login", `{"tenant":"acme","userName":"bob"}`)["reason"])
		p.Do(200, "POST", "/app/approve", `{"tenant":"acme","userName":"bob"}`)
		assert.Equal(t, map[string]any{"limit": 1.0, "used": 1.0}, p.Do(200, "GET", "/app/seats?tenant=acme", ""))
		assert.Equal(t, "noSeat", p.Do(403, "POST", "/app/approve", `{"tenant":"acme","userName":"eve"}`)["reason"])
		assert.Equal(t, "deactivated", p.Do(200, "POST", "/app/reject", `{"tenant":"acme","userName":"eve"}`)["status"])
		p.Do(409, "POST", "/app/approve", `{"tenant":"acme","userName":"bob"}`)
		p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"bob"}`)
		assert.Equal(t, "suspended", p.Do(200, "POST", "/app/suspend", `{"tenant":"acme","userName":"bob"}`)["status"])
		p.Do(200, "POST", "/app/reactivate", `{"tenant":"acme","userName":"bob"}`)

		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"review":false}`)
		assert.Contains(t, p.Do(403, "POST", "/Users", `{"userName":"zoe"}`)["detail"], "1 seats")
		assert.Equal(t, "noSeat", p.Do(403, "POST", "/app/users", `{"tenant":"acme","userName":"zoe"}`)["reason"])
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"seatLimit":null}`)
		p.Do(200, "POST", "/app/accounts", `{"userName":"mila@x.example"}`)
		assert.Contains(t, p.Do(409, "POST", "/Users", `{"userName":"Mila@x.example"}`)["detail"], "acquire")
		p.Do(200, "POST", "/app/acquire", `{"tenant":"acme","userName":"mila@x.example"}`)
		p.Do(201, "POST", "/Users", `{"userName":"Mila@x.example"}`)
		assert.Equal(t, "manual", p.Do(200, "POST", "/app/users", `{"tenant":"acme","userName":"zoe","attributes":{"title":"T"}}`)["managedBy"])
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"scim":false}`)
		for _, request := range [][2]string{{"GET", "/Users"}, {"POST", "/Users"}, {"GET", "/Users/" + id}, {"DELETE", "/Users/" + id}} {
			assert.Contains(t, p.Do(403, request[0], request[1], `{"userName":"q"}`)["detail"], "switched off")
		}
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"scim":true,"plan":"Basic","planAllows":false}`)
		assert.Contains(t, p.Do(403, "GET", "/Users", "")["detail"], "the plan Basic")
	})
}

// onStores runs a test on a server with each store.
func onStores(t *testing.T, test func(t *testing.T, p *try.Product)) {
	try.OnStores(t, func(t *testing.T, store string) {
		test(t, try.Start(t, new(app.App).Boot("app"), "-store", store))
	})
}

// TestWaysIn makes accounts by sign-in, by hand and by SCIM, and brings them back.
func TestWaysIn(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		login := func(name string) map[string]any {
			return p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"`+name+`"}`)
		}
		assert.Equal(t, true, p.Do(200, "PUT", "/app/settings?tenant=acme", `{"jit":true,"existingUser":"link"}`)["jit"])
		jit := login("Jo@x.example")
		assert.Equal(t, []any{true, true}, []any{jit["firstLogin"], jit["billed"]})
		linked := p.Do(201, "POST", "/Users", `{"userName":"jo@x.example","externalId":"e-jo","active":true}`)
		assert.Equal(t, jit["id"], linked["id"], "SCIM takes over who signed in before")
		p.Do(409, "POST", "/Users", `{"userName":"jo@x.example","externalId":"e-jo"}`)
		by := p.Do(200, "POST", "/app/users", `{"tenant":"acme","userName":"hand"}`)
		assert.Equal(t, by["id"], p.Do(201, "POST", "/Users", `{"userName":"hand","externalId":"e-hand"}`)["id"])

		p.Do(204, "DELETE", "/Users/"+linked["id"].(string), "")
		p.Do(404, "GET", "/Users/"+linked["id"].(string), "")
		back := p.Do(201, "POST", "/Users", `{"userName":"jo.new@x.example","externalId":"e-jo"}`)
		assert.Equal(t, linked["id"], back["id"])
		again := login("jo.new@x.example")
		assert.Equal(t, []any{false, true, back["id"]}, []any{again["firstLogin"], again["billed"], again["id"]}, "the same person, in a new period of access")
		assert.Equal(t, map[string]any{"limit": nil, "used": 2.0}, p.Do(200, "GET", "/app/seats?tenant=acme", ""))

		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"sso":false}`)
		assert.Equal(t, "ssoDisabled", p.Do(403, "POST", "/app/login", `{"tenant":"acme","userName":"hand"}`)["reason"])
		p.Do(400, "GET", "/app/events?tenant=acme&after=x", "")
	})
}

// TestKept deletes a person whom the settings keep. Only the identity provider doesn't see them any more.
func TestKept(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"delete":"keep"}`)
		ada := `{"tenant":"acme","userName":"ada"}`
		id := p.Do(201, "POST", "/Users", `{"userName":"ada","externalId":"e1"}`)["id"].(string)
		p.Do(200, "POST", "/app/login", ada)
		p.Do(204, "DELETE", "/Users/"+id, "")
		p.Do(404, "GET", "/Users/"+id, "")
		assert.EqualValues(t, 0, p.Do(200, "GET", "/Users?filter=userName%20eq%20%22ada%22", "")["totalResults"])
		users := p.Do(200, "GET", "/app/users?tenant=acme", "")["users"].([]any)
		require.Len(t, users, 1)
		assert.Equal(t, []any{id, "deactivated", false}, []any{users[0].(map[string]any)["id"], users[0].(map[string]any)["status"], users[0].(map[string]any)["billed"]})
		assert.Equal(t, "deactivated", p.Do(403, "POST", "/app/login", ada)["reason"])
		assert.Equal(t, id, p.Do(201, "POST", "/Users", `{"userName":"ada","externalId":"e1"}`)["id"])
		assert.Equal(t, map[string]any{"status": "active", "firstLogin": false, "billed": true, "id": id, "role": "", "groups": []any{}}, p.Do(200, "POST", "/app/login", ada))
		assert.Equal(t, []string{"provisioned", "activated", "billed", "deactivated", "unbilled", "reactivated", "activated", "billed"}, p.Heard(8))
		p.Do(204, "DELETE", "/Users/"+id, "")
		assert.Equal(t, "provisioned", p.Do(200, "POST", "/app/reactivate", ada)["status"])
		assert.Equal(t, "manual", p.Do(200, "GET", "/app/users?tenant=acme", "")["users"].([]any)[0].(map[string]any)["managedBy"])
		p.Do(200, "GET", "/Users/"+id, "")
		assert.Equal(t, map[string]any{"limit": nil, "used": 1.0}, p.Do(200, "GET", "/app/seats?tenant=acme", ""))
	})
}

// TestConflictTellsNothing shows that an organization gets the same answer about an account elsewhere, whoever has the account.
func TestConflictTellsNothing(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		conflict := func(token, userName string) any {
			t.Helper()
			answer := p.As(token, 409, "POST", "/Users", `{"userName":"`+userName+`"}`)
			assert.Equal(t, "uniqueness", answer["scimType"])
			return answer["detail"]
		}
		for _, name := range []string{"mila@x.example", "olga@x.example"} {
			p.Do(200, "POST", "/app/accounts", `{"userName":"`+name+`"}`)
		}
		p.Do(201, "POST", "/Users", `{"userName":"ada"}`)
		p.As(try.Other, 201, "POST", "/Users", `{"userName":"ada"}`) // people of another organization are no accounts outside of any
		p.Do(200, "POST", "/app/acquire", `{"tenant":"acme","userName":"mila@x.example"}`)
		p.Do(201, "POST", "/Users", `{"userName":"mila@x.example"}`)
		taken, free := conflict(try.Other, "mila@x.example"), conflict(try.Other, "olga@x.example")
		assert.Equal(t, free, taken)
		assert.NotContains(t, taken, "acme")
		p.Do(409, "POST", "/Users", `{"userName":"olga@x.example"}`)
		assert.Empty(t, p.Do(200, "GET", "/app/users?tenant=umbrella", "")["users"].([]any)[1:])
	})
}
