package connection

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// accessMarker stands in an access token between the prefix and what is sealed. A bearer token can't have it, as it has
// nothing but letters and digits behind its own marker.
const accessMarker = "_at_"

const accessContext = "rollcall access token"

// access is what an access token says, under a seal.
type access struct {
	Tenant     string    `json:"t"`
	Credential string    `json:"c"`
	Expires    time.Time `json:"e"`
	Scopes     []string  `json:"s,omitempty"` // those of the credential, or some of them
	ID         string    `json:"i"`
}

// mostAccess bounds an access token.
const mostAccess = 4 << 10

func (s *Service) newAccess(ctx context.Context, a access) (string, error) {
	keys, err := s.keys(ctx, "")
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	sealed, err := keys.Seal(string(text), accessContext)
	return s.opts.Prefix + accessMarker + sealed, err
}

func (s *Service) openAccess(ctx context.Context, token string) (a access, err error) {
	_, sealed, _ := strings.Cut(token, accessMarker)
	if len(token) > mostAccess {
		return a, errMalformed
	}
	id, _, _ := strings.Cut(sealed, ".")
	keys, err := s.keys(ctx, id)
	if err != nil {
		return a, err
	}
	text, err := keys.Open(sealed, accessContext)
	if err != nil || json.Unmarshal([]byte(text), &a) != nil || a.Tenant == "" || a.Expires.IsZero() {
		return a, errMalformed
	}
	return a, nil
}

// ring is the Service's own ring of keys, kept in the store: a new one every keyAge, and each for as long as an access token
// that it has sealed can be good.
type ring struct {
	mu      sync.Mutex
	keys    *lifecycle.KeyRing
	known   map[string]bool
	until   time.Time // when the next key is made
	checked time.Time
}

const (
	ringType = "rollcall.Keys"
	keyAge   = 24 * time.Hour
	keyLife  = keyAge + 7*time.Hour // an access token is good for 6 hours at most
)

type ringRecord struct {
	Current string             `json:"current"`
	Keys    map[string]ringKey `json:"keys"`
}

type ringKey struct {
	Key  string    `json:"key"`
	Made time.Time `json:"made"`
}

// keys are those that seal access tokens. id names a key that is needed; a process that doesn't know it reads the ring anew, at
// most once a second.
func (s *Service) keys(ctx context.Context, id string) (lifecycle.Sealer, error) {
	if s.opts.Keys != nil {
		return s.opts.Keys, nil
	}
	g := &s.ring
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); g.keys != nil && now.Before(g.until) && (id == "" || g.known[id] || now.Sub(g.checked) < time.Second) {
		return g.keys, nil
	}
	err := again(ctx, func() error {
		var x ringRecord
		key := store.Key{Tenant: libraryTenant, Type: ringType, ID: "access"}
		old, err := s.store.Get(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil {
			if err = read(old, &x); err != nil {
				return err
			}
		}
		at := now()
		g.checked = time.Now()
		if current, ok := x.Keys[x.Current]; ok && at.Sub(current.Made) < keyAge {
			return g.take(x)
		}
		fresh := make([]byte, 32)
		_, _ = rand.Read(fresh)
		next := ringRecord{Current: rand.Text()[:8], Keys: make(map[string]ringKey)}
		for id, k := range x.Keys {
			if at.Sub(k.Made) < keyLife {
				next.Keys[id] = k
			}
		}
		next.Keys[next.Current] = ringKey{base64.StdEncoding.EncodeToString(fresh), at}
		r := &store.Resource{Key: key, Version: newID(), Created: at, LastModified: at, Internal: documentOf(next)}
		put := store.Put{Resource: r}
		if old != nil {
			put.IfVersion, put.Was, r.Created = old.Version, old, old.Created
		}
		if err := s.store.Commit(ctx, &store.Change{Tenant: libraryTenant, Put: []store.Put{put}}); err != nil {
			return err
		}
		return g.take(next)
	})
	if err != nil {
		return nil, err
	}
	return g.keys, nil
}

func (g *ring) take(x ringRecord) error {
	keys, known := make(map[string][]byte, len(x.Keys)), make(map[string]bool, len(x.Keys))
	for id, k := range x.Keys {
		raw, err := base64.StdEncoding.DecodeString(k.Key)
		if err != nil {
			return store.ErrCorrupt
		}
		keys[id], known[id] = raw, true
	}
	r, err := lifecycle.NewKeyRing(x.Current, keys)
	if err != nil {
		return errors.Join(store.ErrCorrupt, err)
	}
	g.keys, g.known, g.until = r, known, x.Keys[x.Current].Made.Add(keyAge)
	return nil
}
