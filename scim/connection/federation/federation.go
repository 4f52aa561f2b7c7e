// Package federation checks what OAuth clients prove themselves with when they have no secret: assertions that their identity
// provider signs (RFC 7523, workload identity federation), and access tokens of the product's own issuer (RFC 9068). It is a
// module of its own, so that only who needs it depends on go-jose.
//
//	connections, err := connection.New(store, &connection.Options{Federation: federation.New(nil)})
package federation

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/rollcall-dev/rollcall/lifecycle/address"
	"github.com/rollcall-dev/rollcall/scim/connection"
)

// Options configure a Verifier. The zero Options are sensible.
type Options struct {
	// Hosts may be asked for keys by http and at private addresses, too: for tests, and for an issuer in the product's own
	// network. A host with a port means only that port. Every other host is asked by https and at public addresses only.
	Hosts []string

	// Only, if it isn't empty, names the hosts that may be asked for keys beside Hosts.
	Only []string

	// Leeway is how far clocks may differ. Default 1 minute.
	Leeway time.Duration
}

const (
	mostAssertion = 16 << 10
	mostLifetime  = 25 * time.Hour // of an assertion
	leastBits     = 2048           // of a key
)

// Verifier implements connection.AssertionVerifier. It is safe for concurrent use.
type Verifier struct {
	opts Options
	keys *keys
}

var _ connection.AssertionVerifier = (*Verifier)(nil)

// New makes a Verifier.
func New(o *Options) *Verifier {
	v := &Verifier{}
	if o != nil {
		v.opts = *o
	}
	if v.opts.Leeway <= 0 {
		v.opts.Leeway = time.Minute
	}
	v.keys = newKeys(v.opts.Hosts)
	return v
}

// Allow implements connection.AssertionVerifier.
func (v *Verifier) Allow(t connection.Trust) error {
	if err := v.checkURL("issuer", t.Issuer); err != nil {
		return err
	}
	return v.checkURL("jwks", t.JWKS)
}

func (v *Verifier) checkURL(what, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return &connection.InvalidError{Detail: what + ": want an address such as https://login.microsoftonline.com/TENANT/v2.0"}
	}
	if known(v.opts.Hosts, u) {
		if u.Scheme != "http" && u.Scheme != "https" {
			return &connection.InvalidError{Detail: what + ": want https"}
		}
		return nil
	}
	ip, notIP := netip.ParseAddr(u.Hostname())
	switch {
	case u.Scheme != "https":
		return &connection.InvalidError{Detail: what + ": want https"}
	case notIP == nil && !address.IsPublic(ip), notIP != nil && !strings.Contains(strings.Trim(u.Hostname(), "."), "."):
		return &connection.InvalidError{Detail: what + ": want a host that everybody can reach"}
	case what == "jwks" && len(v.opts.Only) > 0 && !known(v.opts.Only, u):
		return &connection.InvalidError{Detail: what + ": this host may not be asked for keys; the product allows some only"}
	}
	return nil
}

// known says whether a list has an address's host, with its port or without one.
func known(hosts []string, u *url.URL) bool {
	return slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, u.Host) || strings.EqualFold(h, u.Hostname()) })
}

// Claims implements connection.AssertionVerifier.
func (v *Verifier) Claims(assertion string) (issuer, subject string, err error) {
	token, err := parse(assertion)
	if err != nil {
		return "", "", err
	}
	var c jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&c); err != nil || c.Issuer == "" || c.Subject == "" {
		return "", "", errors.New("it has no issuer and subject")
	}
	return c.Issuer, c.Subject, nil
}

// parse reads a JWT that is signed by RS256, once: no other algorithm is even looked at.
func parse(text string) (*jwt.JSONWebToken, error) {
	if len(text) > mostAssertion {
		return nil, errors.New("it is too long")
	}
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, errors.New("it is no JWT that is signed by RS256")
	}
	if len(token.Headers) != 1 || token.Headers[0].KeyID == "" || len(token.Headers[0].KeyID) > 300 {
		return nil, errors.New("it names no key (kid)")
	}
	return token, nil
}

// Verify implements connection.AssertionVerifier.
func (v *Verifier) Verify(ctx context.Context, assertion string, t connection.Trust) error {
	token, err := parse(assertion)
	if err != nil {
		return err
	}
	if typ, _ := token.Headers[0].ExtraHeaders[jose.HeaderType].(string); strings.EqualFold(typ, accessType) || strings.EqualFold(typ, "application/"+accessType) {
		return errors.New("it is an access token, not an assertion")
	}
	var c jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&c); err != nil {
		return errors.New("its claims can't be read")
	}
	if c.Subject != t.Subject { // before any key is fetched
		return errors.New("it is of another subject")
	}
	return v.verify(ctx, token, t.Issuer, t.JWKS, t.Audience, &c)
}

// verify checks signature, issuer, audience and times, and reads the claims once more, from what was signed.
func (v *Verifier) verify(ctx context.Context, token *jwt.JSONWebToken, issuer, jwks, audience string, c *jwt.Claims, more ...any) error {
	var unsafe jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&unsafe); err != nil {
		return errors.New("its claims can't be read")
	}
	if unsafe.Issuer != issuer {
		return errors.New("it is of another issuer")
	}
	u, err := url.Parse(jwks)
	if err != nil || v.checkURL("jwks", jwks) != nil {
		return errors.New("its keys may not be fetched")
	}
	key, err := v.keys.get(ctx, u, token.Headers[0].KeyID)
	if err != nil {
		return err
	}
	*c = jwt.Claims{}
	if err := token.Claims(key, append([]any{c}, more...)...); err != nil {
		return errors.New("its signature is wrong")
	}
	now := time.Now()
	switch {
	case c.Issuer != issuer:
		return errors.New("it is of another issuer")
	case !c.Audience.Contains(audience):
		return errors.New("it is for another audience")
	case c.Expiry == nil:
		return errors.New("it never expires")
	case now.After(c.Expiry.Time().Add(v.opts.Leeway)):
		return errors.New("it has expired")
	case c.NotBefore != nil && now.Add(v.opts.Leeway).Before(c.NotBefore.Time()):
		return errors.New("it is not valid yet")
	case c.IssuedAt != nil && now.Add(v.opts.Leeway).Before(c.IssuedAt.Time()):
		return errors.New("it was issued in the future")
	case c.Expiry.Time().Sub(now) > mostLifetime:
		return fmt.Errorf("it is good for more than %s", mostLifetime)
	}
	return nil
}

// usable says whether a key may check signatures by RS256.
func usable(k *jose.JSONWebKey) bool {
	key, ok := k.Key.(*rsa.PublicKey)
	return ok && k.KeyID != "" && (k.Use == "" || k.Use == "sig") && (k.Algorithm == "" || k.Algorithm == string(jose.RS256)) && key.N.BitLen() >= leastBits
}
