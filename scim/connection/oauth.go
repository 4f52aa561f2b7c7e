package connection

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// AssertionVerifier checks the assertions of federated clients (RFC 7523). It must be safe for concurrent use.
type AssertionVerifier interface {
	// Allow says whether a trust may be set up: an *InvalidError says what is wrong with its issuer or its address of keys.
	Allow(t Trust) error
	// Claims reads issuer and subject of an assertion, without having checked anything.
	Claims(assertion string) (issuer, subject string, err error)
	// Verify checks an assertion against a trust: signature, issuer, subject, audience and times. An error that is
	// store.ErrUnavailable says that it can't be checked now.
	Verify(ctx context.Context, assertion string, t Trust) error
}

func (t Trust) check(v AssertionVerifier) error {
	for _, x := range [...]struct{ name, value string }{{"issuer", t.Issuer}, {"jwks", t.JWKS}, {"subject", t.Subject}, {"audience", t.Audience}} {
		if x.value == "" {
			return invalid("%s: it is missing; a federation needs issuer, jwks, subject and audience", x.name)
		}
		if len(x.value) > 1_000 {
			return invalid("%s: it is too long", x.name)
		}
	}
	return v.Allow(t)
}

const (
	assertionJWT  = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	mostTokenBody = 64 << 10
)

// oauthError is an answer of the token endpoint (RFC 6749 section 5.2).
type oauthError struct {
	status      int
	code        string
	description string
	retry       int  // seconds
	basic       bool // the client used the header Authorization
}

func (e *oauthError) Error() string { return e.code + ": " + e.description }

func invalidRequest(description string) error {
	return &oauthError{status: http.StatusBadRequest, code: "invalid_request", description: description}
}

// TokenEndpoint answers token requests of OAuth clients (RFC 6749 section 4.4): a client proves itself by client_secret_basic,
// client_secret_post, or an assertion (RFC 7523), and gets an access token that is good for Options.TokenLifetime.
func (s *Service) TokenEndpoint() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := s.token(w, r)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-store")
		if err == nil {
			_ = json.NewEncoder(w).Encode(answer)
			return
		}
		var e *oauthError
		if !errors.As(err, &e) {
			e = &oauthError{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", description: "try again later", retry: 5}
			s.opts.Logger.ErrorContext(r.Context(), "a token request failed", "error", err.Error())
		}
		if e.retry > 0 {
			h.Set("Retry-After", strconv.Itoa(e.retry))
		}
		if e.status == http.StatusUnauthorized && e.basic {
			h.Set("WWW-Authenticate", `Basic realm="oauth"`)
		}
		if e.status == http.StatusMethodNotAllowed {
			h.Set("Allow", http.MethodPost)
		}
		w.WriteHeader(e.status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": e.code, "error_description": e.description})
	})
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Scope       string `json:"scope"`
}

// proof is how a client proves itself.
type proof struct {
	id, secret, assertion string
	basic                 bool
}

func (s *Service) token(w http.ResponseWriter, r *http.Request) (*tokenAnswer, error) {
	form, err := tokenForm(w, r)
	if err != nil {
		return nil, err
	}
	p, err := proofOf(r, form)
	if err != nil {
		return nil, err
	}
	switch grant := form.Get("grant_type"); grant {
	case "client_credentials":
	case "":
		return nil, invalidRequest("grant_type is missing")
	default:
		return nil, &oauthError{status: http.StatusBadRequest, code: "unsupported_grant_type", description: "want grant_type=client_credentials"}
	}
	tenant, c, err := s.prove(r.Context(), p)
	if err != nil {
		return nil, s.unproven(r, tenant, c, p, err)
	}
	scopes := c.Scopes
	if asked := strings.Fields(form.Get("scope")); len(asked) > 0 {
		for _, word := range asked {
			if !slices.Contains(c.Scopes, word) {
				return nil, &oauthError{status: http.StatusBadRequest, code: "invalid_scope", description: "this client's scopes are " + strings.Join(c.Scopes, " ")}
			}
		}
		scopes = asked
	}
	until := time.Now().Add(s.opts.TokenLifetime)
	if !c.Expires.IsZero() && c.Expires.Before(until) {
		until = c.Expires
	}
	token, err := s.newAccess(r.Context(), access{tenant, c.ID, until.UTC().Truncate(time.Second), scopes, newID()})
	if err != nil {
		return nil, err
	}
	s.noteUse(tenant, c.Connection, c.ID, time.Now())
	return &tokenAnswer{token, "Bearer", int(time.Until(until).Round(time.Second) / time.Second), strings.Join(scopes, " ")}, nil
}

// tokenForm reads the parameters of a request. None may come twice (RFC 6749 section 3.2), and none in the address, where it would
// be logged.
func tokenForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		return nil, &oauthError{status: http.StatusMethodNotAllowed, code: "invalid_request", description: "want POST"}
	}
	if media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded") {
		return nil, invalidRequest("Content-Type: want application/x-www-form-urlencoded")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostTokenBody))
	if err != nil {
		return nil, invalidRequest("the body is too long or broke off")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalidRequest("the body is not form-encoded")
	}
	for _, name := range [...]string{"grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type"} {
		if len(form[name]) > 1 {
			return nil, invalidRequest(name + " is there more than once")
		}
		if r.URL.Query().Has(name) {
			return nil, invalidRequest(name + " belongs into the body, not into the address")
		}
	}
	return form, nil
}

// proofOf reads how the client proves itself: in one way and no more (RFC 6749 section 2.3).
func proofOf(r *http.Request, form url.Values) (p proof, err error) {
	p.id, p.secret, p.assertion = form.Get("client_id"), form.Get("client_secret"), form.Get("client_assertion")
	ways := 0
	if headers := r.Header["Authorization"]; len(headers) > 0 {
		id, secret, ok := r.BasicAuth()
		if ok {
			if id, err = url.QueryUnescape(id); err == nil {
				secret, err = url.QueryUnescape(secret)
			}
		}
		if !ok || err != nil || len(headers) > 1 {
			return p, &oauthError{status: http.StatusUnauthorized, code: "invalid_client", description: "Authorization: want one Basic header with the form-encoded client id and secret", basic: true}
		}
		if p.id != "" && p.id != id {
			return p, invalidRequest("client_id is another one than that of the header Authorization")
		}
		ways++
		p.id, p.basic = id, true
		if p.secret != "" {
			ways++
		}
		p.secret = secret
	} else if p.secret != "" {
		ways++
	}
	if p.assertion != "" {
		ways++
		if form.Get("client_assertion_type") != assertionJWT {
			return p, invalidRequest("client_assertion_type: want " + assertionJWT)
		}
	}
	switch {
	case ways > 1:
		return p, invalidRequest("the client proves itself in more than one way")
	case ways == 0:
		return p, &oauthError{status: http.StatusUnauthorized, code: "invalid_client", description: "the client doesn't prove itself: send client_id and client_secret, or a client_assertion"}
	case len(p.id) > 200 || len(p.secret) > 1_000:
		return p, invalidRequest("client_id or client_secret is too long")
	}
	return p, nil
}

// prove finds the client, and says whether its proof is right. If the client is known, it is returned beside the error.
func (s *Service) prove(ctx context.Context, p proof) (tenant string, c *Credential, err error) {
	if p.assertion != "" {
		return s.proveByAssertion(ctx, p)
	}
	list, err := s.client(ctx, clientLookup(p.id))
	if err != nil {
		return "", nil, err
	}
	if len(list) != 1 {
		return "", nil, errUnknown
	}
	tenant, c = list[0].tenant, list[0].credential
	if c.Kind != Client || c.sum == "" || subtle.ConstantTimeCompare([]byte(sumText(p.secret)), []byte(c.sum)) != 1 {
		return tenant, c, &refusedCredential{"wrong: it is not the secret of this client"}
	}
	return tenant, c, c.good()
}

func (s *Service) proveByAssertion(ctx context.Context, p proof) (string, *Credential, error) {
	v := s.opts.Federation
	if v == nil {
		return "", nil, errUnknown
	}
	issuer, subject, err := v.Claims(p.assertion)
	if err != nil {
		return "", nil, errMalformed
	}
	text := trustLookup(issuer, subject)
	if p.id != "" {
		text = clientLookup(p.id)
	}
	list, err := s.client(ctx, text)
	if err != nil {
		return "", nil, err
	}
	list = slices.DeleteFunc(list, func(f found) bool { return f.credential.Kind != Federation })
	if len(list) == 0 {
		return "", nil, errUnknown
	}
	why, away := error(nil), error(nil)
	var right []found
	var ended []found // right as well, but revoked or expired
	verified := make([]error, len(list))
	var all sync.WaitGroup // so that several addresses that hang take as long as one
	for i, f := range list {
		all.Go(func() { verified[i] = v.Verify(ctx, p.assertion, f.credential.Trust) })
	}
	all.Wait()
	for i, f := range list {
		err := verified[i]
		switch {
		case errors.Is(err, store.ErrUnavailable):
			away = err // of this client only: a tenant whose keys can't be fetched holds up no other one
		case err != nil:
			why = &refusedCredential{"no proof: " + err.Error()}
		case f.credential.good() != nil:
			ended = append(ended, f)
		default:
			right = append(right, f)
		}
	}
	// Without a client id, an assertion for a client that has ended mustn't lead to another tenant that trusts the same subject: a
	// provider that goes on would tell that tenant of its people.
	elsewhere := func(f found) bool { return f.tenant != right[0].tenant }
	switch {
	case len(right) > 1, len(right) == 1 && slices.ContainsFunc(ended, elsewhere):
		return "", nil, invalidRequest("several clients have this issuer and subject; send client_id, too")
	case len(right) == 1:
		return right[0].tenant, right[0].credential, nil
	case away != nil:
		return "", nil, away
	case len(ended) > 0:
		why = ended[0].credential.good()
	}
	if len(list) == 1 {
		return list[0].tenant, list[0].credential, why
	}
	return "", nil, why
}

// good returns why a client's proof is worth nothing any more; nil if it is good.
func (c *Credential) good() error {
	switch {
	case !c.revoked.IsZero():
		return errRevoked
	case !c.Expires.IsZero() && !time.Now().Before(c.Expires):
		return &refusedCredential{"expired since " + c.Expires.Format(time.RFC3339)}
	}
	return nil
}

// found is a client and whose it is.
type found struct {
	tenant     string
	credential *Credential
}

// client reads the clients that a text leads to.
func (s *Service) client(ctx context.Context, text string) (list []found, err error) {
	targets, _, err := s.find(ctx, text)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		c, err := s.credential(ctx, t.Tenant, t.Credential)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, found{t.Tenant, c})
	}
	return list, nil
}

// unproven answers a client whose proof is wrong, and writes it down. A right proof never comes here, so that nobody can hold
// a client back by guessing under its name.
func (s *Service) unproven(r *http.Request, tenant string, c *Credential, p proof, why error) error {
	if !errors.Is(why, scim.ErrUnauthorized) {
		return why
	}
	name := p.id
	if c != nil {
		name = c.ClientID
	}
	many := s.limiter.tooMany(name, time.Now())
	status, code, retry := http.StatusUnauthorized, "invalid_client", 0
	if many > 0 {
		status, retry = http.StatusTooManyRequests, many
	}
	if l := s.lifecycle.Load(); l != nil && c != nil {
		req := &lifecycle.Request{Tenant: tenant, ID: newID(), By: lifecycle.SourceSCIM, Who: c.ID, Connection: lifecycle.Connection{ID: c.Connection}, Action: "POST /oauth/token",
			Status: func(*lifecycle.Request, *lifecycle.Decision) int { return status }}
		l.Refuse(context.WithoutCancel(r.Context()), req, &lifecycle.Refusal{Reason: lifecycle.Forbidden, Detail: why.Error()})
	}
	s.opts.Logger.DebugContext(r.Context(), "a client was refused", "reason", why.Error())
	return &oauthError{status: status, code: code, description: "the client is unknown, or doesn't prove itself", retry: retry, basic: p.basic}
}

// failures counts the wrong proofs of each client id.
type failures struct {
	mu    sync.Mutex
	began time.Time
	count map[string]int
}

const failuresAMinute = 60

// tooMany counts a failure, and returns for how many seconds there have been too many; 0: there haven't.
func (f *failures) tooMany(id string, at time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count == nil || at.Sub(f.began) >= time.Minute {
		f.began, f.count = at, make(map[string]int)
	}
	if len(f.count) >= mostEntries {
		if _, ok := f.count[id]; !ok {
			id = "" // those who guess many names share one
		}
	}
	if f.count[id]++; f.count[id] <= failuresAMinute {
		return 0
	}
	return max(1, int((time.Minute-at.Sub(f.began))/time.Second))
}

// Metadata answers requests for the metadata of the authorization server (RFC 8414). issuer is its address, such as
// https://app.example.com; an empty one is taken from each request. token is the path of the token endpoint.
func (s *Service) Metadata(issuer, token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		base := issuer
		if base == "" {
			base = "http://" + r.Host
			if r.TLS != nil {
				base = "https://" + r.Host
			}
		}
		methods := []string{"client_secret_basic", "client_secret_post"}
		meta := map[string]any{"issuer": base, "token_endpoint": base + token, "grant_types_supported": []string{"client_credentials"},
			"response_types_supported": []string{}, "scopes_supported": scopeWords}
		if s.opts.Federation != nil {
			methods = append(methods, "private_key_jwt")
			meta["token_endpoint_auth_signing_alg_values_supported"] = []string{"RS256"}
		}
		meta["token_endpoint_auth_methods_supported"] = methods
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(meta)
	})
}
