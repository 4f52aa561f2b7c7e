package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
)

// The demo product passes all of Microsoft's 25 checks on each store, with access tokens of its own token endpoint: by a secret, and
// by an assertion of a stand-in for Entra ID.
func TestGallery(t *testing.T) {
	issuer, err := scimtest.NewIssuer("")
	require.NoError(t, err)
	keys := httptest.NewServer(issuer)
	defer keys.Close()
	issuer.URL = keys.URL
	try.OnStores(t, func(t *testing.T, store string) {
		p := try.Start(t, (&app.App{}).Boot("conformance"), "-store", store, "-jwks-host", "127.0.0.1")
		connection := p.Do(201, "POST", "/app/connections?tenant=acme", `{"name":"Entra","provider":"entra"}`)["id"].(string)
		issue := func(body string) map[string]any {
			return p.Do(201, "POST", "/app/connections/"+connection+"/credentials?tenant=acme", body)
		}
		client := issue(`{"kind":"client"}`)
		issue(fmt.Sprintf(`{"kind":"federation","issuer":%q,"jwks":%q,"subject":"app","audience":"api://rollcall"}`, issuer.URL, issuer.URL+"/keys"))
		report := scimtest.Run(t, scimtest.Target{
			URL: p.Base, Token: try.Token, Profile: "entra-gallery",
			OAuth: &scimtest.OAuth{
				TokenURL: p.Base[:len(p.Base)-len("/scim/v2")] + "/oauth/token",
				ClientID: client["clientId"].(string), ClientSecret: client["clientSecret"].(string),
				Assertion: func(context.Context) (string, error) { return issuer.Assertion("app", "api://rollcall") },
			},
		})
		assert.Equal(t, 25, report.Totals.Passed)
	})
}
