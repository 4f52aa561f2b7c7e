package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
)

func start(t *testing.T, flags ...string) *try.Product {
	t.Helper()
	return try.Run(t, run, flags...)
}

func TestConversations(t *testing.T) {
	for _, file := range []string{"06-zkipster-okta-phone-format.json", "08-zkipster-okta-groups-teams.json"} {
		t.Run(file, func(t *testing.T) {
			try.OnStores(t, func(t *testing.T, store string) { start(t, "-store", store).Replay(file) })
		})
	}
	t.Run("07-zkipster-okta-seats.json", func(t *testing.T) {
		try.OnStores(t, func(t *testing.T, store string) {
			p := start(t, "-store", store, "-seats", "1")
			p.Replay("07-zkipster-okta-seats.json")
			assert.Equal(t, map[string]any{"limit": 1.0, "used": 0.0}, p.Do(200, "GET", "/app/seats?tenant=acme", ""), "the deactivation freed the seat")
			assert.Empty(t, p.Status("seat2@zifix.example"), "the second was refused")
		})
	})
}

// The rules of the product are no breach of the RFCs: with phones in its format every clause holds.
func TestConformance(t *testing.T) {
	scimtest.Run(t, scimtest.Target{URL: start(t).Base, Token: try.Token, Value: func(_, attribute string, n int) any {
		if attribute == "phoneNumbers.value" {
			return fmt.Sprintf("+41 555%04d", n)
		}
		return nil
	}})
}

func TestSeats(t *testing.T) {
	p := start(t, "-seats", "1")
	one := p.Do(201, "POST", "/Users", `{"userName":"one@acme.example","active":true}`)["id"].(string)
	refused := p.Do(403, "POST", "/Users", `{"userName":"two@acme.example","active":true}`)
	assert.Equal(t, "all 1 seats of this organization's plan are in use; deactivate somebody or enlarge the plan, and try again", refused["detail"])
	p.Patch(200, "/Users/"+one, "replace", "active", "false")
	p.Do(201, "POST", "/Users", `{"userName":"two@acme.example","active":true}`)
	p.Patch(403, "/Users/"+one, "replace", "active", "true")
	p.Do(200, "PUT", "/app/settings?tenant=acme", `{"seatLimit":2}`)
	p.Patch(200, "/Users/"+one, "replace", "active", "true")
	assert.Equal(t, map[string]any{"limit": 2.0, "used": 2.0}, p.Do(200, "GET", "/app/seats?tenant=acme", ""))
	p.As(try.Other, 201, "POST", "/Users", `{"userName":"one@acme.example","active":true}`) // another customer's plan
}

func TestPhones(t *testing.T) {
	p := start(t)
	with := func(phones string) string { return `{"userName":"ada@acme.example","phoneNumbers":` + phones + `}` }
	for _, phones := range []string{`[{"value":"00415550101","type":"work"}]`, `[{"value":"+415550101"}]`, `[{"value":"+41 5550102"},{"value":"5550102"}]`, `[{"value":"+41 555 01 02"}]`} {
		answer := p.Do(400, "POST", "/Users", with(phones))
		assert.Equal(t, "invalidValue", answer["scimType"])
		assert.Contains(t, answer["detail"], "phoneNumbers.value: want <country_prefix> <telephone_number>, such as +49 301234567, got ")
	}
	at := "/Users/" + p.Do(201, "POST", "/Users", with(`[{"value":"+41 5550102","type":"work","primary":true}]`))["id"].(string)
	p.Patch(400, at, "replace", `phoneNumbers[type eq "work"].value`, `"12"`)
	p.Patch(400, at, "add", "phoneNumbers", `[{"type":"mobile","value":"x"}]`)
	got := p.Patch(200, at, "replace", `phoneNumbers[type eq "work"].value`, `"+41 5550103"`)
	assert.Equal(t, []any{map[string]any{"value": "+41 5550103", "type": "work", "primary": true}}, got["phoneNumbers"])
}

func TestTeams(t *testing.T) {
	p := start(t)
	ada := p.Do(201, "POST", "/Users", `{"userName":"ada@acme.example"}`)["id"].(string)
	eve := p.Do(201, "POST", "/Users", `{"userName":"eve@acme.example","displayName":"Eve"}`)["id"].(string)
	p.Do(201, "POST", "/Groups", `{"displayName":"Front Door","members":[{"value":"`+ada+`"},{"value":"`+eve+`"}]}`)
	group := p.Do(201, "POST", "/Groups", `{"displayName":"admins"}`)["id"].(string)
	p.Patch(204, "/Groups/"+group, "add", "members", `[{"value":"`+eve+`"}]`)
	mate := func(name, role string) map[string]any { return map[string]any{"name": name, "role": role} }
	teams := func() any { return p.Do(200, "GET", "/app/teams?tenant=acme", "")["teams"] }
	assert.Equal(t, []any{
		map[string]any{"name": "Front Door", "members": []any{mate("ada@acme.example", "check-in"), mate("Eve", "administrator")}},
		map[string]any{"name": "admins", "members": []any{mate("Eve", "administrator")}},
	}, teams())
	p.Do(400, "GET", "/app/teams", "")
	p.Do(400, "POST", "/Groups", `{"displayName":"`+longName+`"}`)
	p.Do(204, "DELETE", "/Users/"+eve, "")
	p.Do(204, "DELETE", "/Groups/"+group, "")
	assert.Equal(t, []any{map[string]any{"name": "Front Door", "members": []any{mate("ada@acme.example", "check-in")}}}, teams())
}

const longName = "a name of a team that nobody could read on the small screen of a telephone"

func TestPlanGate(t *testing.T) {
	p := start(t)
	p.Do(200, "PUT", "/app/settings?tenant=acme", `{"plan":"Basic","planAllows":false}`)
	assert.Contains(t, p.Do(403, "POST", "/Users", `{"userName":"ada@acme.example"}`)["detail"], "the plan Basic of this organization doesn't include")
	p.As(try.Other, 201, "POST", "/Users", `{"userName":"ada@acme.example"}`)
}

func TestRoles(t *testing.T) { require.NoError(t, roles.Check("administrator", "check-in", "viewer")) }
