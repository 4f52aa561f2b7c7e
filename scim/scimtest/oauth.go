package scimtest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// OAuth says how a client of the target gets access tokens (RFC 6749 section 4.4).
type OAuth struct {
	TokenURL     string // the token endpoint; if the target has a Handler, this is called for any host, such as http://scim.example.com/oauth/token
	ClientID     string
	ClientSecret string
	// Assertion makes a JWT by which the client proves who it is instead of by a secret (RFC 7523), as Entra ID does. An [Issuer] can
	// make them. It is called in the goroutine of the run, with the run's context; its error is a failure of the clause.
	Assertion func(ctx context.Context) (string, error)
	// FederatedID is the client_id that is sent with an assertion. If it is empty, none is sent, as the assertion's issuer and subject
	// are enough.
	FederatedID string
}

// granted is the answer of a token endpoint.
type granted struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
}

// token asks the token endpoint for an access token.
func (c *check) token(form url.Values) *granted {
	o := c.target.OAuth
	r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, o.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		c.fatal("", "Target.OAuth.TokenURL: %v", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answered, err := c.http.Do(r)
	if err != nil {
		c.fatal("", "no answer: %v", err)
	}
	defer answered.Body.Close()
	var g granted
	c.last = &answer{method: http.MethodPost, target: r.URL.Path, status: answered.StatusCode}
	if err := json.NewDecoder(answered.Body).Decode(&g); err != nil || answered.StatusCode != http.StatusOK || g.AccessToken == "" {
		c.fatal("access_token", "want 200 with a token from the token endpoint")
	}
	return &g
}

// admitted fails unless a token lets its client read, and is valid for as long as it should be.
func (c *check) admitted(g *granted) {
	const least, most = 60 * 60, 360 * 60
	if g.ExpiresIn < least || g.ExpiresIn > most {
		c.fail("expires_in", "want %d to %d seconds, got %d", least, most, g.ExpiresIn)
	}
	if !strings.EqualFold(g.TokenType, "Bearer") {
		c.fail("token_type", "want Bearer, got %s", show(g.TokenType))
	}
	c.status(c.req(http.MethodGet, query(c.kinds[0].endpoint, "count", "1"), nil, headers("Authorization", "Bearer "+g.AccessToken)), http.StatusOK)
}

func (c *check) tokenLifetime() {
	o := c.target.OAuth
	if o == nil || o.ClientSecret == "" {
		c.skip("Target.OAuth has no client secret")
	}
	c.admitted(c.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {o.ClientID}, "client_secret": {o.ClientSecret}}))
}

func (c *check) federated() {
	o := c.target.OAuth
	if o == nil || o.Assertion == nil {
		c.skip("Target.OAuth has no assertion")
	}
	assertion, err := o.Assertion(c.ctx)
	if err != nil {
		c.fatal("", "Target.OAuth.Assertion: %v", err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
	if o.FederatedID != "" {
		form.Set("client_id", o.FederatedID)
	}
	c.admitted(c.token(form))
}

// Issuer takes the place of Entra ID as an issuer of assertions: it signs them, and serves its public keys at /keys. It is safe for
// concurrent use.
type Issuer struct {
	URL string // the claim iss
	key *rsa.PrivateKey
}

// NewIssuer makes an issuer with a new RSA key. url is the address at which the caller serves it, and the claim iss.
func NewIssuer(url string) (*Issuer, error) {
	const bits = 2048
	key, err := rsa.GenerateKey(rand.Reader, bits)
	return &Issuer{URL: url, key: key}, err
}

// keyID is the kid of an issuer's only key.
const keyID = "kit-1"

// ServeHTTP answers with the public key (RFC 7517) at /keys, and with metadata that has its address at
// /.well-known/openid-configuration.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body any
	switch r.URL.Path {
	case "/keys":
		body = map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID,
			"n": encoded(i.key.N.Bytes()), "e": encoded(big.NewInt(int64(i.key.E)).Bytes())}}}
	case "/.well-known/openid-configuration":
		body = map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // it fails only if the client has gone
}

// Assertion returns a JWT of the issuer for a subject and an audience. It is valid for five minutes. The error says that the issuer was not
// made by [NewIssuer], or that signing failed.
func (i *Issuer) Assertion(subject, audience string) (string, error) {
	if i.key == nil {
		return "", errors.New("the issuer has no key: make it with NewIssuer")
	}
	now := time.Now()
	parts := make([]string, 2)
	for n, part := range []map[string]any{
		{"alg": "RS256", "typ": "JWT", "kid": keyID},
		{"iss": i.URL, "sub": subject, "aud": audience, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": rand.Text()},
	} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("assertion: %w", err)
		}
		parts[n] = encoded(text)
	}
	signed := strings.Join(parts, ".")
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	return signed + "." + encoded(signature), err
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
