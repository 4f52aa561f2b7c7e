package connection

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// refusedCredential is why a credential is refused. The client is told nothing of it.
type refusedCredential struct{ reason string }

func (e *refusedCredential) Error() string { return "the credential is " + e.reason }

// Unwrap says that the answer is 401.
func (e *refusedCredential) Unwrap() error { return scim.ErrUnauthorized }

var (
	errUnknown   = &refusedCredential{"unknown"}
	errMalformed = &refusedCredential{"malformed"}
	errRevoked   = &refusedCredential{"revoked"}
)

// entry is what a process remembers of a token.
type entry struct {
	principal  scim.Principal
	tenantHash string
	loaded     time.Time
	expires    time.Time // of the credential or the access token; zero: never
	refused    error     // it is known, but not good any more
	access     bool      // it is an access token
	noted      atomic.Int64
}

// mostEntries bounds what a process remembers.
const mostEntries = 100_000

// Authenticate implements scim.Authenticator. It costs no round trip to the store once the token has been seen.
func (s *Service) Authenticate(r *http.Request) (scim.Principal, error) {
	token, ok := scim.BearerToken(r)
	if !ok {
		return s.other(r, scim.ErrUnauthorized)
	}
	var buf [512]byte
	sum := sha256.Sum256(append(buf[:0], token...))
	access := false
	if e := s.remembered(sum); e != nil {
		access = e.access
	} else if access = strings.Contains(token, accessMarker); !access { // what is remembered was looked at before
		if ours, right := isOurs(token); !ours {
			return s.other(r, errUnknown)
		} else if !right {
			return s.other(r, errMalformed)
		}
	}
	e, now, err := s.entryOf(r.Context(), sum, token, access)
	if err != nil {
		if errors.Is(err, scim.ErrUnauthorized) {
			return s.other(r, err)
		}
		return scim.Principal{}, err
	}
	s.use(e, now)
	if e.refused != nil {
		return e.principal, e.refused
	}
	if !e.expires.IsZero() && !now.Before(e.expires) {
		return e.principal, &refusedCredential{"expired since " + e.expires.Format(time.RFC3339)}
	}
	return e.principal, nil
}

func (s *Service) remembered(sum [32]byte) *entry {
	s.hold.mu.RLock()
	defer s.hold.mu.RUnlock()
	return s.hold.entries[sum]
}

// entryOf is what a token is good for now. What the process remembers counts only if its knowledge of the roll, as it was when the
// entry was taken, still counts afterwards: the process may have stood still in between.
func (s *Service) entryOf(ctx context.Context, sum [32]byte, token string, access bool) (*entry, time.Time, error) {
	for range 5 {
		now := time.Now()
		if err := s.confirm(ctx, now); err != nil {
			return nil, now, err
		}
		at := s.hold.confirmed.Load()
		e := s.remembered(sum)
		if e == nil || age(e.loaded, now) > entryAge {
			e, err := s.load(ctx, sum, token, access)
			return e, time.Now(), err
		}
		if now = time.Now(); age(*at, now) < s.opts.Hold {
			return e, now, nil
		}
	}
	return nil, time.Time{}, fmt.Errorf("%w: the process is too slow to say what is revoked", store.ErrUnavailable)
}

// other authenticates, by Options.Fallback, a request whose token is none of the Service's.
func (s *Service) other(r *http.Request, why error) (scim.Principal, error) {
	if s.opts.Fallback == nil {
		return scim.Principal{}, why
	}
	p, err := s.opts.Fallback.Authenticate(r)
	if err != nil && errors.Is(err, scim.ErrUnauthorized) {
		err = why
	}
	return p, err
}

// load reads what a token is good for, and remembers it.
func (s *Service) load(ctx context.Context, sum [32]byte, token string, access bool) (*entry, error) {
	for range 5 {
		s.hold.mu.RLock()
		changes := s.hold.changes
		s.hold.mu.RUnlock()
		began := time.Now()
		e, err := s.readEntry(ctx, token, access)
		if err != nil {
			return nil, err
		}
		e.loaded, e.tenantHash = began, tenantHash(e.principal.Tenant)
		if age(began, time.Now()) >= s.opts.Hold {
			continue // somebody may have revoked it meanwhile
		}
		s.hold.mu.Lock()
		same := changes == s.hold.changes
		if same {
			if len(s.hold.entries) >= mostEntries {
				clear(s.hold.entries)
			}
			s.hold.entries[sum] = e
		}
		s.hold.mu.Unlock()
		if same {
			return e, nil
		}
	}
	return nil, fmt.Errorf("%w: the credential could not be read in time", store.ErrUnavailable)
}

func (s *Service) readEntry(ctx context.Context, token string, access bool) (*entry, error) {
	var to target
	var until time.Time
	var scopes []string
	if access {
		a, err := s.openAccess(ctx, token)
		if err != nil {
			return nil, err
		}
		to, until = target{a.Tenant, a.Credential}, a.Expires
		scopes = a.Scopes
	} else {
		list, _, err := s.find(ctx, token)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, errUnknown
		}
		to = list[0]
	}
	c, err := s.credential(ctx, to.Tenant, to.Credential)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errUnknown
	}
	if err != nil {
		return nil, err
	}
	if !access && (c.Kind != Bearer || subtle.ConstantTimeCompare([]byte(c.sum), []byte(sumText(token))) != 1) {
		return nil, errUnknown
	}
	e := &entry{expires: c.Expires, access: access}
	if !until.IsZero() && (e.expires.IsZero() || until.Before(e.expires)) {
		e.expires = until
	}
	if e.principal, err = s.PrincipalOf(ctx, to.Tenant, c.Connection); err != nil {
		return nil, err
	}
	e.principal.Credential, e.principal.Scopes = c.ID, c.Scopes
	if scopes != nil {
		e.principal.Scopes = scopes
	}
	if !c.revoked.IsZero() {
		e.refused = errRevoked
	}
	return e, nil
}

// PrincipalOf is a connection as the handler knows it, without a credential. scim.Handler.Retry calls it to do a request of that
// connection again.
func (s *Service) PrincipalOf(ctx context.Context, tenant, id string) (scim.Principal, error) {
	c, err := s.connection(ctx, tenant, id)
	if errors.Is(err, store.ErrNotFound) {
		return scim.Principal{}, errUnknown
	}
	if err != nil {
		return scim.Principal{}, err
	}
	p := scim.Principal{Tenant: tenant, Connection: id, State: c.State, Dialect: c.Dialect.Dialect, TakesOver: c.takesOver, TraceUntil: c.TraceUntil,
		Limits: scim.CallerLimits{Rate: scim.Rate{PerSecond: c.Limits.PerSecond, Burst: c.Limits.Burst}, Body: c.Limits.Body}}
	return p, nil
}

// Manages implements lifecycle.ConnectionDirectory, by which the lifecycle knows whose people are whose.
func (s *Service) Manages(ctx context.Context, tenant, id string) (name string, manages bool, err error) {
	c, err := s.connection(ctx, tenant, id)
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return c.Name, c.State != lifecycle.ConnectionOff, nil
}

func (s *Service) connection(ctx context.Context, tenant, id string) (*Connection, error) {
	r, err := s.store.Get(ctx, store.Key{Tenant: tenant, Type: connectionType, ID: id})
	if err != nil {
		return nil, err
	}
	return connectionOf(r)
}

func (s *Service) credential(ctx context.Context, tenant, id string) (*Credential, error) {
	r, err := s.store.Get(ctx, store.Key{Tenant: tenant, Type: credentialType, ID: id})
	if err != nil {
		return nil, err
	}
	return credentialOf(r)
}
