package main

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

func start(t *testing.T, flags ...string) *try.Product {
	t.Helper()
	return try.Run(t, run, flags...)
}

func TestConversations(t *testing.T) {
	const file = "09-z8-review-and-deprovision.json"
	for name, settings := range map[string]string{
		"review, suspend":             `{"review":true,"deprovision":"suspend"}`,
		"review, deactivate":          `{"review":true,"deprovision":"deactivate"}`,
		"auto-activation, suspend":    `{"review":false,"deprovision":"suspend"}`,
		"auto-activation, deactivate": `{"review":false,"deprovision":"deactivate"}`,
	} {
		t.Run(name, func(t *testing.T) {
			try.OnStores(t, func(t *testing.T, store string) {
				p := start(t, "-store", store)
				p.Do(200, "PUT", "/app/settings?tenant=acme", settings)
				p.Replay(file)
			})
		})
	}
}

// Two organizations side by side: the same names in both, and nothing of the one in the other.
func TestOrganizations(t *testing.T) {
	p := start(t)
	const uma = `{"userName":"uma@z8.example","externalId":"z8-1"}`
	ours := p.Do(201, "POST", "/Users", uma)["id"].(string)
	theirs := p.As(try.Other, 201, "POST", "/Users", uma)["id"].(string)
	p.As(try.Other, 404, "GET", "/Users/"+ours, "")
	p.As(try.Other, 404, "DELETE", "/Users/"+ours, "")
	p.As(try.Other, 404, "PUT", "/Users/"+ours, uma)
	p.Do(400, "POST", "/Groups", `{"displayName":"G","members":[{"value":"`+theirs+`"}]}`)
	assert.Equal(t, 1.0, p.Do(200, "GET", "/Users", "")["totalResults"])
	p.Do(200, "PUT", "/app/settings?tenant=umbrella", `{"review":false,"defaultRole":"manager"}`)
	assert.Equal(t, true, p.Do(200, "GET", "/app/settings?tenant=acme", "")["review"])
	assert.Equal(t, "employee", p.Do(200, "GET", "/app/settings?tenant=acme", "")["defaultRole"])
}

// Under review active reads back as it was sent, and nobody signs in before the approval.
func TestReview(t *testing.T) {
	p := start(t)
	at := "/Users/" + p.Do(201, "POST", "/Users", `{"userName":"uma@z8.example","active":true}`)["id"].(string)
	assert.Equal(t, true, p.Do(200, "GET", at, "")["active"])
	login := `{"tenant":"acme","userName":"uma@z8.example"}`
	assert.Equal(t, "pending", p.Do(403, "POST", "/app/login", login)["reason"])
	p.Do(200, "POST", "/app/approve", login)
	p.Do(200, "POST", "/app/login", login)
	p.Patch(200, at, "replace", "active", "false")
	assert.Equal(t, "suspended", p.Status("uma@z8.example"))
	p.Do(200, "PUT", "/app/settings?tenant=acme", `{"deprovision":"deactivate"}`)
	p.Patch(200, at, "replace", "active", "true")
	p.Patch(200, at, "replace", "active", "false")
	assert.Equal(t, "deactivated", p.Status("uma@z8.example"))

	newestFirst := []string{"deactivated", "reactivated", "deactivated", "activated", "activated", "provisioned"}
	var what []string
	told := func() bool {
		what = nil
		for _, l := range p.Do(200, "GET", "/app/activity?tenant=acme", "")["activity"].([]any) {
			assert.Equal(t, "uma@z8.example", l.(map[string]any)["who"])
			what = append(what, l.(map[string]any)["what"].(string))
		}
		return slices.Equal(newestFirst, what)
	}
	if !assert.Eventually(t, told, 10*time.Second, 20*time.Millisecond) {
		assert.Equal(t, newestFirst, what)
	}
	assert.Empty(t, p.Do(200, "GET", "/app/activity?tenant=umbrella", "")["activity"])
}

// The product's own attributes are told in /Schemas, and taken by their authority.
func TestOwnAttributes(t *testing.T) {
	p := start(t)
	text, err := json.Marshal(p.Do(200, "GET", "/Schemas/urn:example:z8:Member", "")["attributes"])
	require.NoError(t, err)
	var attributes []struct{ Name, Type, Mutability string }
	require.NoError(t, json.Unmarshal(text, &attributes))
	assert.Equal(t, []struct{ Name, Type, Mutability string }{
		{"weeklyHours", "decimal", "immutable"}, {"balanceMinutes", "integer", "readOnly"},
	}, attributes)

	at := "/Users/" + p.Do(201, "POST", "/Users", `{"userName":"uma@z8.example","urn:example:z8:Member":{"weeklyHours":38.5,"balanceMinutes":7}}`)["id"].(string)
	hours := func() any { return p.Do(200, "GET", at, "")["urn:example:z8:Member"] }
	assert.Equal(t, map[string]any{"weeklyHours": 38.5}, hours())
	p.Patch(200, at, "replace", "urn:example:z8:Member:weeklyHours", "20")
	assert.Equal(t, map[string]any{"weeklyHours": 38.5}, hours(), "the product has a value already")
	p.Patch(200, at, "replace", "urn:example:z8:Member:balanceMinutes", "9")
	assert.Equal(t, map[string]any{"weeklyHours": 38.5}, hours(), "the product decides it")
}

func TestBadInput(t *testing.T) {
	p := start(t)
	for body, want := range map[string]string{
		`{"userName":"uma"}`: "userName: want an e-mail address",
		`{"userName":"u@x.example","urn:example:z8:Member":{"weeklyHours":100}}`:    "urn:example:z8:Member:weeklyHours: want at most 80, got 100",
		`{"userName":"u@x.example","urn:example:z8:Member":{"weeklyHours":"much"}}`: "weeklyHours",
	} {
		answer := p.Do(400, "POST", "/Users", body)
		assert.Equal(t, "invalidValue", answer["scimType"])
		assert.Contains(t, answer["detail"], want)
	}
	p.As("", 401, "GET", "/Users", "")
	p.Do(400, "GET", "/app/activity", "")
}
