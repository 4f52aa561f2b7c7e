package scim

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// Authenticator decides on whose behalf a request is made. It must be safe for concurrent use.
type Authenticator interface {
	// Authenticate returns the principal, or ErrUnauthorized (401), or an *Error, or another error (500). It gets the request with
	// its context, and must not read the body. If it refuses a credential and knows whose it is, it returns that principal beside
	// the error: then the refusal is in the tenant's journal with the text of the error, which the client never sees.
	Authenticate(r *http.Request) (Principal, error)
}

// Principal is an authenticated connection of an identity provider.
type Principal struct {
	Tenant     string   // the customer's organization; never empty
	Connection string   // the identity provider's link to it, for the journal; may be empty
	Credential string   // id of the credential, for the journal and events; never the secret itself; may be empty
	Scopes     []string // what it may do; nil means everything; see ScopeRead
	Dialect    Dialect  // which deviations from the RFCs are tolerated; the zero value is Tolerant
	// TraceUntil is until when the journal lists what the connection reads, too; zero: it doesn't.
	TraceUntil time.Time
	// Limits bound what the connection may ask for, beside Options.Limits and Options.RateLimit. The zero value bounds nothing more.
	Limits CallerLimits
	// State says whether the connection may do anything now. An empty state is live.
	State lifecycle.ConnectionState
	// TakesOver says that there may be people whom no connection manages any more: see lifecycle.Connection.
	TakesOver bool
}

// The scopes say what a credential may do (read, write) and to what (users, groups). If a list of scopes names neither of a pair,
// both are meant; an empty list that isn't nil allows nothing. A search by POST is a read. Resources of the product's own types
// are reached only by a list that names neither users nor groups.
const (
	ScopeRead   = "read"
	ScopeWrite  = "write"
	ScopeUsers  = "users"
	ScopeGroups = "groups"
)

func (p Principal) may(scope string) bool { return p.allows(scope, ScopeRead, ScopeWrite) }

// reaches says whether the credential is for resources of a type.
func (p Principal) reaches(typ string) bool {
	scope := ""
	switch typ {
	case "User":
		scope = ScopeUsers
	case "Group":
		scope = ScopeGroups
	}
	return p.allows(scope, ScopeUsers, ScopeGroups)
}

// allows says whether the scopes have one of a pair, or neither.
func (p Principal) allows(scope, one, other string) bool {
	if p.Scopes == nil {
		return true
	}
	neither := len(p.Scopes) > 0
	for _, s := range p.Scopes {
		if s == scope {
			return true
		}
		neither = neither && s != one && s != other
	}
	return neither
}

// Observer may be implemented by an Authenticator to be told of every request that it has authenticated, once it is answered. It
// is called in the request, so it must be quick, and concurrently.
type Observer interface {
	Observe(p *Principal, o Observation)
}

// Observation is what became of a request.
type Observation struct {
	Time      time.Time
	Read      bool              // nothing was to be written
	Status    int               // of the answer
	Outcome   lifecycle.Outcome // of a write; empty for a read
	Type      string            // the resource type; empty for discovery
	Detail    string            // what the client was told of an error
	Explained string            // what the journal says beside it; may be empty
	UserAgent string            // as it was sent, cut to 200 bytes
	Quirks    []string          // names of the tolerated deviations that it used
}

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

// checkAuthenticator says what is wrong with an Authenticator of this package that could let nobody in, or everybody.
func checkAuthenticator(a Authenticator) error {
	switch a := a.(type) {
	case BearerTokens:
		return a.check()
	case *BearerTokens:
		if a == nil {
			return errors.New("scim: Options.Auth is a nil *BearerTokens")
		}
		return a.check()
	case BearerPrincipals:
		return a.tenants().check()
	case NoAuth:
		return a.check()
	case *NoAuth:
		if a == nil {
			return errors.New("scim: Options.Auth is a nil *NoAuth")
		}
		return a.check()
	}
	return nil
}

// singleCredential refuses a request with several Authorization headers before the Authenticator sees it. There may be one (RFC
// 9110 section 11.6.2). If a proxy checked the first and the service took the last, a credential would count that nobody has
// checked.
type singleCredential struct{ Authenticator }

func (s singleCredential) Authenticate(r *http.Request) (Principal, error) {
	if len(r.Header["Authorization"]) > 1 {
		return Principal{}, ErrUnauthorized
	}
	return s.Authenticator.Authenticate(r)
}

// BearerTokens authenticates by fixed bearer tokens (RFC 6750): token -> tenant. NewHandler keeps only their SHA-256
// sums. Tokens should be random and at least 128 bits long, of the characters that RFC 6750 section 2.1 allows: letters,
// digits and -._~+/, with = at the end. They are hidden when they are printed, logged or made JSON.
type BearerTokens map[string]string

// Authenticate implements Authenticator.
func (t BearerTokens) Authenticate(r *http.Request) (Principal, error) {
	return t.hashed().Authenticate(r)
}

// check says what is wrong with a token, without showing it.
func (t BearerTokens) check() error {
	if len(t) == 0 {
		return errors.New("scim: BearerTokens has no token, so that nobody could get in: give it token -> tenant")
	}
	for token, tenant := range t {
		switch {
		case tenant == "":
			return errors.New("scim: BearerTokens has a token without a tenant: give it token -> tenant")
		case token == "":
			return fmt.Errorf("scim: BearerTokens has an empty token for the tenant %q; is the variable set that it comes from?", tenant)
		case !isToken(token):
			return fmt.Errorf("scim: BearerTokens has a token for the tenant %q that no client can send: a token has letters, digits and -._~+/ only, with = at the end (RFC 6750 section 2.1)", tenant)
		}
	}
	return nil
}

// hidden is what is shown in the place of tokens.
func (t BearerTokens) hidden() string { return "BearerTokens(" + strconv.Itoa(len(t)) + " hidden)" }

// Format implements fmt.Formatter, for every verb.
func (t BearerTokens) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.hidden()) }

// LogValue implements slog.LogValuer.
func (t BearerTokens) LogValue() slog.Value { return slog.StringValue(t.hidden()) }

// MarshalJSON implements json.Marshaler.
func (t BearerTokens) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, t.hidden()), nil }

// BearerPrincipals is BearerTokens with a whole Principal for each token, that is with a connection, scopes or a dialect. What
// BearerTokens says of tokens holds here too.
type BearerPrincipals map[string]Principal

func (t BearerPrincipals) tenants() BearerTokens {
	tenants := make(BearerTokens, len(t))
	for token, p := range t {
		tenants[token] = p.Tenant
	}
	return tenants
}

// Authenticate implements Authenticator.
func (t BearerPrincipals) Authenticate(r *http.Request) (Principal, error) {
	return t.hashed().Authenticate(r)
}

// Format implements fmt.Formatter, for every verb.
func (t BearerPrincipals) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.tenants().hidden()) }

// LogValue implements slog.LogValuer.
func (t BearerPrincipals) LogValue() slog.Value { return slog.StringValue(t.tenants().hidden()) }

// MarshalJSON implements json.Marshaler.
func (t BearerPrincipals) MarshalJSON() ([]byte, error) { return t.tenants().MarshalJSON() }

func (t BearerPrincipals) hashed() tokenSums {
	sums := make(tokenSums, len(t))
	for token, p := range t {
		sum := sha256.Sum256([]byte(token))
		sums[[8]byte(sum[:8])] = append(sums[[8]byte(sum[:8])], tokenSum{sum, p})
	}
	return sums
}

// Hashed returns an Authenticator by the same tokens that keeps only their SHA-256 sums. It is for an Authenticator that asks this
// one, as package connection does for its Fallback. It returns an error if a token can't be used.
func (t BearerTokens) Hashed() (Authenticator, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	return t.hashed(), nil
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

// tokenSums finds a token by the first bytes of its sum, and then compares the whole sum in constant time. The time of the look-up
// could tell something of the sum of a guess at most, which is worth nothing.
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

// bearerToken is the token of a request that has one: the word Bearer, one or more blanks, and the token (RFC 6750 section 2.1,
// RFC 7235 section 2.1). Blanks around a header's value are no part of it (RFC 9110 section 5.5). Several headers are none.
func bearerToken(r *http.Request) (string, bool) {
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(strings.Trim(values[0], " \t"), " ")
	token = strings.TrimLeft(token, " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && isToken(token)
}

// BearerToken is the token of a request that has one, for an Authenticator: see RFC 6750 section 2.1.
func BearerToken(r *http.Request) (token string, ok bool) { return bearerToken(r) }

// isToken says whether s is a b64token (RFC 6750 section 2.1).
func isToken(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~', c == '+', c == '/':
		default:
			return false
		}
	}
	return s != ""
}

// NoAuth lets every request in, for one tenant, which must be named: for tests, and for products whose own middleware has
// checked already.
type NoAuth struct{ Tenant string }

func (n NoAuth) check() error {
	if n.Tenant == "" {
		return errors.New("scim: NoAuth has no tenant: name the one that every request is for")
	}
	return nil
}

// Authenticate implements Authenticator.
func (n NoAuth) Authenticate(*http.Request) (Principal, error) {
	return Principal{Tenant: n.Tenant}, nil
}
