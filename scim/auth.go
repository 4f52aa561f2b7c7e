package scim

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// Authenticator decides on whose behalf a request is made. It must be safe for concurrent use.
type Authenticator interface {
	// Authenticate returns the principal, or ErrUnauthorized (401), or an *Error, or another error (500).
	Authenticate(r *http.Request) (Principal, error)
}

// Principal is an authenticated connection of an identity provider.
type Principal struct {
	Tenant     string   // the customer's organization; never empty
	Connection string   // the identity provider's link to it, for the journal; may be empty
	Scopes     []string // what it may do: ScopeRead, ScopeWrite; nil means both
	Strict     bool     // refuse what the quirk table would tolerate
}

// The scopes.
const (
	ScopeRead  = "read"
	ScopeWrite = "write"
)

func (p Principal) may(scope string) bool { return p.Scopes == nil || slices.Contains(p.Scopes, scope) }

type principalKey struct{}

// PrincipalFrom is the principal of the request that a store, guard or hook is working for.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(*Principal)
	if !ok {
		return Principal{}, false
	}
	return *p, true
}

// ErrUnauthorized says that a request has no valid credential.
var ErrUnauthorized = errors.New("scim: unauthorized")

// BearerTokens authenticates by fixed bearer tokens (RFC 6750): token -> tenant. NewHandler keeps only their SHA-256
// sums. Tokens should be random and at least 128 bits long.
type BearerTokens map[string]string

// Authenticate implements Authenticator.
func (t BearerTokens) Authenticate(r *http.Request) (Principal, error) {
	return t.hashed().Authenticate(r)
}

// hashed is the form that a Handler keeps.
func (t BearerTokens) hashed() tokenSums {
	sums := make(tokenSums, len(t))
	for token, tenant := range t {
		sum := sha256.Sum256([]byte(token))
		sums[[8]byte(sum[:8])] = append(sums[[8]byte(sum[:8])], tokenSum{sum, Principal{Tenant: tenant}})
	}
	return sums
}

// tokenSums finds a token by the first bytes of its sum, and then compares the whole sum in constant time. What the
// look-up's time could tell is the sum of a guess, which is worth nothing.
type tokenSums map[[8]byte][]tokenSum

type tokenSum struct {
	sum       [sha256.Size]byte
	principal Principal
}

func (t tokenSums) Authenticate(r *http.Request) (Principal, error) {
	token, ok := bearerToken(r)
	if !ok {
		return Principal{}, ErrUnauthorized
	}
	sum := sha256.Sum256([]byte(token))
	for _, s := range t[[8]byte(sum[:8])] {
		if subtle.ConstantTimeCompare(s.sum[:], sum[:]) == 1 {
			return s.principal, nil
		}
	}
	return Principal{}, ErrUnauthorized
}

func bearerToken(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

// NoAuth lets every request in, for one tenant: for tests, and for products whose own middleware has checked already.
type NoAuth struct{ Tenant string }

// Authenticate implements Authenticator.
func (n NoAuth) Authenticate(*http.Request) (Principal, error) {
	return Principal{Tenant: n.Tenant}, nil
}
