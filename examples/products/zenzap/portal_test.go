package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPortal(t *testing.T) {
	p := start(t)
	s := p.Setup("acme")
	assert.Contains(t, s.Post("/setup/connect", "guide", "entra"), "your identity provider when it creates the person; then the person")
	p.Do(201, "POST", "/Groups", `{"displayName":"News"}`)
	assert.Contains(t, s.Get("/setup/groups"), "<h1>Channels</h1>")
}
