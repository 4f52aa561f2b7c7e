package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPortal(t *testing.T) {
	p := start(t)
	s := p.Setup("acme")
	guide := s.Post("/setup/connect", "guide", "entra")
	for _, want := range []string{"Zenkit", "preferredLanguage", "a language tag such as en or de-CH"} {
		assert.Contains(t, guide, want)
	}
	// The toggles of the page.
	p.Do(201, "POST", "/Users", `{"userName":"mila@acme.example","active":true}`)
	assert.Contains(t, s.Get("/setup/people"), "Provisioned (not billed yet)")
	toggles := s.Get("/setup/settings")
	for _, want := range []string{`name="scim" value="true" checked`, `name="sso" value="true" checked`, `name="manual" value="true" checked`} {
		assert.Contains(t, toggles, want)
	}
	s.Post("/setup/settings", "sso", "true", "manual", "true", "scimOff", "keep", "deprovision", "suspend", "existingAccount", "acquire")
	p.Do(403, "POST", "/Users", `{"userName":"nils@acme.example"}`)
	p.Do(200, "POST", "/app/accounts", `{"userName":"eve@acme.example"}`)
	assert.Contains(t, s.Post("/setup/people/acquire", "name", "eve@acme.example"), "The account is acquired")
}
