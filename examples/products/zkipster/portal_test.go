package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPortal(t *testing.T) {
	p := start(t, "-seats", "5")
	ada := p.Do(201, "POST", "/Users", `{"userName":"ada@acme.example","active":true,"phoneNumbers":[{"type":"work","value":"+49 301234567"}]}`)["id"].(string)
	for _, group := range []string{"Admins", "Everybody"} {
		p.Do(201, "POST", "/Groups", `{"displayName":"`+group+`","members":[{"value":"`+ada+`"}]}`)
	}
	s := p.Setup("acme")
	overview := s.Get("/setup/")
	assert.Contains(t, overview, "zkipster")
	assert.Contains(t, overview, "Seats of your plan")
	assert.Contains(t, overview, "of 5")
	teams := s.Get("/setup/groups")
	assert.Contains(t, teams, "<h1>Teams</h1>")
	assert.Contains(t, teams, "administrator")
	assert.Contains(t, teams, "viewer: no role of its own")
	assert.Contains(t, s.Post("/setup/connect", "guide", "okta"), "<country_prefix> <telephone_number>")
	assert.Contains(t, s.Get("/setup/assets/portal.css"), "#b3261e")
}
