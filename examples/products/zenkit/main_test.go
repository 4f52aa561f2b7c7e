package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
)

func start(t *testing.T, flags ...string) *try.Product {
	t.Helper()
	return try.Run(t, run, flags...)
}

func TestConversations(t *testing.T) {
	for _, file := range []string{"01-zenkit-entra-user.json", "02-zenkit-existing-account.json", "03-zenkit-entra-group.json"} {
		t.Run(file, func(t *testing.T) {
			try.OnStores(t, func(t *testing.T, store string) { start(t, "-store", store).Replay(file) })
		})
	}
}

// From provisioned to billed: nobody pays for who never signs in.
func TestBilledAtFirstLogin(t *testing.T) {
	p := start(t)
	p.Do(201, "POST", "/Users", `{"userName":"mila@acme.example","displayName":"Mila","active":true}`)
	assert.Equal(t, "provisioned", p.Status("mila@acme.example"))
	assert.Equal(t, 0.0, p.Do(200, "GET", "/app/seats?tenant=acme", "")["used"])
	login := p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"Mila@acme.example"}`)
	assert.Equal(t, []any{true, true}, []any{login["firstLogin"], login["billed"]})
	assert.Equal(t, 1.0, p.Do(200, "GET", "/app/seats?tenant=acme", "")["used"])
	assert.Equal(t, []string{"provisioned", "activated", "billed"}, p.Heard(3))
}

// An account outside the organization is refused until an administrator acquires it; then the next try succeeds.
func TestAcquire(t *testing.T) {
	p := start(t)
	p.Do(200, "POST", "/app/accounts", `{"userName":"outside@zkfix.example"}`)
	p.Replay("02-zenkit-existing-account.json")
	refused := p.Do(409, "POST", "/Users", `{"userName":"Outside@zkfix.example"}`)
	assert.Equal(t, "uniqueness", refused["scimType"])
	assert.Contains(t, refused["detail"], "an administrator of acme must acquire it first")
	p.Do(200, "POST", "/app/acquire", `{"tenant":"acme","userName":"outside@zkfix.example"}`)
	p.Do(201, "POST", "/Users", `{"userName":"Outside@zkfix.example"}`)
}

func TestToggles(t *testing.T) {
	p := start(t)
	id := p.Do(201, "POST", "/Users", `{"userName":"mila@acme.example"}`)["id"].(string)
	p.Do(200, "PUT", "/app/settings?tenant=acme", `{"scim":false}`)
	assert.Contains(t, p.Do(403, "POST", "/Users", `{"userName":"eve@acme.example"}`)["detail"], "switched off")
	p.Patch(403, "/Users/"+id, "replace", "displayName", `"M"`)
	p.Do(200, "PUT", "/app/settings?tenant=acme", `{"scim":true,"sso":false,"manual":false}`)
	p.Do(201, "POST", "/Users", `{"userName":"eve@acme.example"}`)
	assert.Equal(t, "ssoDisabled", p.Do(403, "POST", "/app/login", `{"tenant":"acme","userName":"eve@acme.example"}`)["reason"])
	assert.Equal(t, "manualDisabled", p.Do(403, "POST", "/app/users", `{"tenant":"acme","userName":"zoe@acme.example"}`)["reason"])
}

func TestGroupsByObjectID(t *testing.T) {
	p := start(t)
	p.Do(201, "POST", "/Groups", `{"displayName":"Team","externalId":"a"}`)
	p.Do(201, "POST", "/Groups", `{"displayName":"Team","externalId":"b"}`)
	assert.Contains(t, p.Do(409, "POST", "/Groups", `{"displayName":"Other","externalId":"a"}`)["detail"], "externalId")
}

// Four attributes are kept and no more, whatever rows an administrator left in the mapping.
func TestFourAttributes(t *testing.T) {
	p := start(t)
	at := "/Users/" + p.Do(201, "POST", "/Users", `{"userName":"mila@acme.example","displayName":"Mila","preferredLanguage":"de-DE","active":true,
		"externalId":"mila","title":"Dr","name":{"givenName":"M"},"emails":[{"type":"work","value":"mila@acme.example"}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D"}}`)["id"].(string)
	kept := func(user map[string]any) {
		t.Helper()
		assert.ElementsMatch(t, []string{"schemas", "id", "externalId", "userName", "displayName", "preferredLanguage", "active", "meta"}, slices.Collect(maps.Keys(user)))
		assert.Equal(t, []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, user["schemas"])
	}
	kept(p.Do(200, "GET", at, ""))
	kept(p.Patch(200, at, "add", "title", `"Prof"`))
	kept(p.Do(200, "PUT", at, `{"userName":"mila@acme.example","displayName":"Mila","preferredLanguage":"de-DE","externalId":"mila","nickName":"M"}`))
}

// /Schemas shows what is kept, and the kit finds that what is shown is kept.
func TestSchemas(t *testing.T) {
	p := start(t)
	names := func(urn string) (names []string) {
		for _, a := range p.Do(200, "GET", "/Schemas/"+urn, "")["attributes"].([]any) {
			names = append(names, a.(map[string]any)["name"].(string))
		}
		return names
	}
	assert.ElementsMatch(t, []string{"userName", "displayName", "preferredLanguage", "active", "groups"}, names("urn:ietf:params:scim:schemas:core:2.0:User"))
	p.Do(404, "GET", "/Schemas/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "")
	assert.Empty(t, p.Do(200, "GET", "/ResourceTypes/User", "")["schemaExtensions"])
	report := scimtest.Run(t, scimtest.Target{URL: p.Base, Token: try.Token})
	assert.Greater(t, report.Totals.Passed, 200)
}

// An administrator's bad input is told, too.
func TestManual(t *testing.T) {
	p := start(t)
	assert.Contains(t, p.Do(400, "POST", "/app/users", `{"tenant":"acme","userName":"mila"}`)["error"], "want an e-mail address")
	p.Do(200, "POST", "/app/users", `{"tenant":"acme","userName":"mila@acme.example"}`)
}

func TestBadInput(t *testing.T) {
	p := start(t)
	id := p.Do(201, "POST", "/Users", `{"userName":"mila@acme.example"}`)["id"].(string)
	for body, want := range map[string]string{
		`{"userName":" mila@acme.example "}`:                     `userName: want an e-mail address such as ada@example.com, got " mila@acme.example "`,
		`{"userName":"mila"}`:                                    `userName: want an e-mail address such as ada@example.com, got "mila"`,
		`{"userName":"m@x.example","preferredLanguage":"de_DE"}`: `preferredLanguage: want a language tag such as en or de-CH, got "de_DE"`,
		`{"userName":"m@x.example","displayName":[true]}`:        `displayName`,
		`{"displayName":"nobody"}`:                               `userName`,
	} {
		answer := p.Do(400, "POST", "/Users", body)
		assert.Equal(t, "invalidValue", answer["scimType"], body)
		assert.Contains(t, answer["detail"], want)
	}
	assert.Contains(t, p.Patch(400, "/Users/"+id, "replace", "userName", `"nobody"`)["detail"], `userName: want an e-mail address`)
	assert.Equal(t, "mila@acme.example", p.Do(200, "GET", "/Users/"+id, "")["userName"])
}
