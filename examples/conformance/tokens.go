package main

import (
	"net/http"

	"github.com/rollcall-dev/rollcall/scim"
)

// tokens authenticates requests, and gives connections that are tested by a stricter profile the dialect of that profile.
type tokens struct {
	scim.BearerTokens
	profile string
}

// Authenticate implements scim.Authenticator.
func (t tokens) Authenticate(r *http.Request) (scim.Principal, error) {
	who, err := t.BearerTokens.Authenticate(r)
	switch t.profile {
	case "strict":
		who.Dialect = scim.Strict()
	case "interop", "ipsie-al1", "ipsie-al2": // IPSIE builds on the interoperability profile
		who.Dialect = scim.Interop()
	}
	return who, err
}
