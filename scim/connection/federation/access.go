package federation

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

const accessType = "at+jwt"

// AccessTokens is a scim.Authenticator by access tokens of the product's own issuer, which are JWTs (RFC 9068). It may be the
// Fallback of a connection.Service.
type AccessTokens struct {
	Verifier *Verifier
	Issuer   string
	JWKS     string
	Audience string // the resource that the tokens must be for
	// Principal says on whose behalf a token that is right is used. The claim scope, if there is one, limits it further.
	Principal func(c Claims) (scim.Principal, error)
}

// Claims are those of an access token.
type Claims struct {
	Subject  string
	ClientID string
	Scopes   []string
	Extra    map[string]any // all claims
}

// Authenticate implements scim.Authenticator.
func (a *AccessTokens) Authenticate(r *http.Request) (scim.Principal, error) {
	text, ok := scim.BearerToken(r)
	if !ok || strings.Count(text, ".") != 2 {
		return scim.Principal{}, scim.ErrUnauthorized
	}
	token, err := parse(text)
	if err != nil {
		return scim.Principal{}, scim.ErrUnauthorized
	}
	typ, _ := token.Headers[0].ExtraHeaders[jose.HeaderType].(string)
	if !strings.EqualFold(typ, accessType) && !strings.EqualFold(typ, "application/"+accessType) { // RFC 9068 section 4
		return scim.Principal{}, scim.ErrUnauthorized
	}
	var (
		c     jwt.Claims
		extra map[string]any
	)
	if err := a.Verifier.verify(r.Context(), token, a.Issuer, a.JWKS, a.Audience, &c, &extra); err != nil {
		if errors.Is(err, store.ErrUnavailable) {
			return scim.Principal{}, err
		}
		return scim.Principal{}, scim.ErrUnauthorized
	}
	claims := Claims{Subject: c.Subject, Extra: extra}
	claims.ClientID, _ = extra["client_id"].(string)
	scope, _ := extra["scope"].(string)
	claims.Scopes = strings.Fields(scope)
	if claims.Subject == "" || claims.ClientID == "" {
		return scim.Principal{}, scim.ErrUnauthorized
	}
	p, err := a.Principal(claims)
	if err == nil && p.Scopes == nil && len(claims.Scopes) > 0 {
		p.Scopes = claims.Scopes
	}
	return p, err
}

// Check says what is wrong with how it was made.
func (a *AccessTokens) Check() error {
	switch u, err := url.Parse(a.JWKS); {
	case a.Verifier == nil || a.Principal == nil || a.Issuer == "" || a.Audience == "":
		return errors.New("federation: AccessTokens needs Verifier, Issuer, JWKS, Audience and Principal")
	case err != nil || u.Host == "":
		return errors.New("federation: AccessTokens.JWKS: want an address")
	}
	return a.Verifier.checkURL("jwks", a.JWKS)
}
