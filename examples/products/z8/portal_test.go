package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPortal(t *testing.T) {
	p := start(t)
	p.Do(201, "POST", "/Users", `{"userName":"uma@z8.example","active":true}`)
	s := p.Setup("acme")
	wizard := s.Post("/setup/connect", "guide", "entra")
	for _, want := range []string{"Provisioning wizard", "Set up single sign-on to Z8 first", "Review and deprovisioning", "urn:example:z8:Member:weeklyHours", "your identity provider, as long as it is empty"} {
		assert.Contains(t, wizard, want)
	}
	id := s.Model("/setup/people?state=pending")["people"].([]any)[0].(map[string]any)["id"].(string)
	assert.Contains(t, s.Post("/setup/people/"+id+"/approve"), "Approved")
	p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"uma@z8.example"}`)

	// The page of a person has what z8 holds beside what was sent, and who decides each.
	p.Do(200, "PUT", "/app/settings?tenant=acme", `{"editManaged":true}`)
	p.Do(200, "PATCH", "/app/users", `{"tenant":"acme","userName":"uma@z8.example","urn:example:z8:Member":{"weeklyHours":38.5,"balanceMinutes":-75}}`)
	page := s.Get("/setup/people/" + id)
	for _, want := range []string{"In Z8", "38.5 h", "−1:15 h", "the product"} {
		assert.Contains(t, page, want)
	}

	// What the organization decides is review, and what becomes of who is deactivated; nothing else.
	assert.Contains(t, s.Get("/setup/settings?change=1&deprovision=deactivate"), "would be closed if made inactive")
	s.Post("/setup/settings", "deprovision", "deactivate", "sso", "false", "seatLimit", "1")
	settings := p.Do(200, "GET", "/app/settings?tenant=acme", "")
	assert.Equal(t, []any{"deactivate", false, true, nil}, []any{settings["deprovision"], settings["review"], settings["sso"], settings["seatLimit"]})
	other := p.Setup("umbrella")
	assert.Empty(t, other.Model("/setup/people")["people"], "organizations share nothing")
}
