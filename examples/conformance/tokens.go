package main

import (
	"net/http"

	"github.com/rollcall-dev/rollcall/scim"
)

// tokens authenticates, and pins connections that are tested by a stricter profile to what that profile allows.
type tokens struct {
	scim.BearerTokens
	profile string
}

// Authenticate implements scim.Authenticator.
func (t tokens) Authenticate(r *http.Request) (scim.Principal, error) {
	who, err := t.BearerTokens.Authenticate(r)
	if t.profile == "strict" {
		who.Dialect = scim.Strict()
	}
	return who, err
}
