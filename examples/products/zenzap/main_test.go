package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/examples/try"
)

func start(t *testing.T, flags ...string) *try.Product {
	t.Helper()
	return try.Run(t, run, flags...)
}

func TestConversations(t *testing.T) {
	try.OnStores(t, func(t *testing.T, store string) { start(t, "-store", store).Replay("04-zenzap-entra.json") })
}

const noa = `{"userName":"noa@acme.example","displayName":"Noa","active":true,
	"phoneNumbers":[{"type":"mobile","value":"+972 50-0000001"},{"type":"work","value":"1"}],"title":"Dr"}`

// What is taken at creation only is answered as it was, whichever way the identity provider sends another value.
func TestOnlyDuringCreation(t *testing.T) {
	p := start(t)
	created := p.Do(201, "POST", "/Users", noa)
	at := "/Users/" + created["id"].(string)
	check := func(title string) {
		t.Helper()
		now := p.Do(200, "GET", at, "")
		assert.Equal(t, "Noa", now["displayName"])
		assert.Contains(t, now["phoneNumbers"], map[string]any{"type": "mobile", "value": "+972 50-0000001"})
		assert.Equal(t, title, now["title"], "other attributes are the identity provider's")
	}
	version := func() any { return p.Do(200, "GET", at, "")["meta"].(map[string]any)["version"] }
	before := version()
	assert.Equal(t, "Noa", p.Patch(200, at, "Replace", "displayName", `"Countess"`)["displayName"])
	p.Patch(200, at, "Replace", `phoneNumbers[type eq "mobile"].value`, `"+1 1"`)
	p.Patch(200, at, "Remove", "displayName", "null")
	check("Dr")
	assert.Equal(t, before, version(), "nothing was changed")
	p.Do(200, "PUT", at, `{"userName":"noa@acme.example","displayName":"Countess","active":true,"title":"Prof","phoneNumbers":[{"type":"mobile","value":"2"}]}`)
	check("Prof")
	p.Patch(200, at, "Replace", "userName", `"noa.b@acme.example"`)
	check("Prof")
	p.Do(409, "POST", "/Users", `{"userName":"NOA.B@acme.example"}`)
}

// /Schemas says that a name doesn't change, though a change of it is no error.
func TestSchema(t *testing.T) {
	p := start(t)
	mutability := map[any]any{}
	for _, a := range p.Do(200, "GET", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "")["attributes"].([]any) {
		mutability[a.(map[string]any)["name"]] = a.(map[string]any)["mutability"]
	}
	assert.Equal(t, []any{"immutable", "readWrite", "readWrite"}, []any{mutability["displayName"], mutability["userName"], mutability["phoneNumbers"]})
}

// Okta: found by its address, updated by PUT, in groups, deactivated and back.
func TestOkta(t *testing.T) {
	p := start(t)
	id := p.Do(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"noa@acme.example","displayName":"Noa",
		"name":{"givenName":"Noa","familyName":"Z"},"emails":[{"primary":true,"value":"noa@acme.example","type":"work"}],"groups":[],"password":"x7","externalId":"00u1","active":true}`)["id"].(string)
	for _, filter := range []string{`userName+eq+"noa@acme.example"`, `emails.value+eq+"NOA@acme.example"`, `emails+eq+"noa@acme.example"`, `email+eq+"noa@acme.example"`} {
		assert.Equal(t, 1.0, p.Do(200, "GET", "/Users?startIndex=1&count=100&filter="+filter, "")["totalResults"], filter)
	}
	refused := p.Do(409, "POST", "/Users", `{"userName":"n.z@acme.example","emails":[{"value":"Noa@acme.example"}]}`)
	assert.Equal(t, "uniqueness", refused["scimType"])
	assert.Contains(t, refused["detail"], "emails")
	group := p.Do(201, "POST", "/Groups", `{"displayName":"Chat","members":[]}`)["id"].(string)
	p.Patch(204, "/Groups/"+group, "add", "members", `[{"value":"`+id+`"}]`)
	p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"noa@acme.example"}`)
	p.Do(200, "PUT", "/Users/"+id, `{"id":"`+id+`","userName":"noa@acme.example","displayName":"Other","active":false}`)
	assert.Equal(t, "deactivated", p.Status("noa@acme.example"))
	assert.Equal(t, "deactivated", p.Do(403, "POST", "/app/login", `{"tenant":"acme","userName":"noa@acme.example"}`)["reason"])
	back := p.Do(200, "PUT", "/Users/"+id, `{"id":"`+id+`","userName":"noa@acme.example","active":true}`)
	assert.Equal(t, "Noa", back["displayName"])
	assert.Len(t, back["groups"], 1, "memberships are kept")
	p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"noa@acme.example"}`)
}

func TestBadInput(t *testing.T) {
	p := start(t)
	for body, want := range map[string]string{
		`{"userName":"noa"}`: `userName: want an e-mail address such as ada@example.com, got "noa"`,
		`{"userName":"n@x.example","phoneNumbers":[{"type":"mobile","value":"+1 12345678901234567890123456789012345678"}]}`: `phoneNumbers[type eq "mobile"].value: want at most 40 characters`,
		`{"userName":"n@x.example","active":"perhaps"}`:                                                                     `active`,
	} {
		answer := p.Do(400, "POST", "/Users", body)
		assert.Contains(t, answer["detail"], want, body)
	}
}
