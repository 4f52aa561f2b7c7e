package scim

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// place is where a walk by cursor stands (RFC 9865): the store's own cursor of the page, and those of some pages before
// it, so that a client can go back.
type place struct {
	at     string   // "" for the first page
	before []string // of the pages before, the nearest last; where they are too many, only the nearest
	count  int      // of the first query, which holds for all
}

// mostBefore is how many pages back a client can go, and mostCursor how long a cursor may be, as it is a part of a URL.
const mostBefore, mostCursor = 8, 4 << 10

// next is the place behind the page.
func (p place) next(at string) place {
	before := append(p.before[:len(p.before):len(p.before)], p.at)
	size := 0
	for i := len(before) - 1; i >= 0; i-- {
		if size += len(before[i]); len(before)-i > mostBefore || size > mostCursor/2 {
			before = before[i+1:]
			break
		}
	}
	return place{at, before, p.count}
}

// previous is the place before the page. The first page has none.
func (p place) previous() (before place, ok bool) {
	n := len(p.before)
	if p.at == "" || n == 0 {
		return place{}, false
	}
	return place{p.before[n-1], p.before[:n-1], p.count}, true
}

// append makes a place the text that a cursor seals.
func (p place) append(b []byte, now time.Time) []byte {
	b = binary.AppendUvarint(b, uint64(now.Unix()))
	b = binary.AppendUvarint(b, uint64(p.count))
	for _, s := range append([]string{p.at}, p.before...) {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

// parsePlace reads what append has written.
func parsePlace(b []byte) (p place, made time.Time, ok bool) {
	number := func() int64 {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > 1<<62 {
			ok = false
			return 0
		}
		b = b[n:]
		return int64(v)
	}
	ok = true
	made = time.Unix(number(), 0)
	p.count = int(number())
	for first := true; ok && (first || len(b) > 0); first = false {
		n := number()
		if n > int64(len(b)) {
			return p, made, false
		}
		if s := string(b[:n]); first {
			p.at = s
		} else {
			p.before = append(p.before, s)
		}
		b = b[n:]
	}
	return p, made, ok
}

// errCursor is the error for every cursor that can't be used, whatever the reason is (RFC 9865 section 5.2).
func errCursor() error {
	return badRequest("invalidCursor", "cursor: not a cursor of this query; send all other parameters as for the first page, or begin again with an empty cursor")
}

// cursors seals the places of walks, so that nobody can read, change or use them elsewhere: they are encrypted with the tenant's
// key and bound to the tenant and the query.
type cursors struct {
	fixed   []byte // Options.CursorKey
	store   store.Store
	timeout time.Duration

	mu   sync.Mutex
	keys map[string]cursorKey // by tenant, for a while
}

type cursorKey struct {
	aead cipher.AEAD
	read time.Time
}

// cursorKeyType is the internal type of a tenant's key. It is made when a cursor is first asked for, and goes with the tenant.
const cursorKeyType = "rollcall.CursorKey"

// keysKept bounds how many tenants' keys are remembered, and keyAge for how long. A tenant that was forgotten and has begun again
// has another key.
const (
	keysKept = 10_000
	keyAge   = time.Minute
)

// seal makes a cursor of a place in a query.
func (c *cursors) seal(ctx context.Context, tenant, query string, p place) (string, error) {
	key, err := c.key(ctx, tenant)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, key.NonceSize(), 256)
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	sealed := key.Seal(nonce, nonce, p.append(nil, time.Now()), []byte(tenant+"\x00"+query))
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// open is the place that a cursor is of. The empty one is the first page's.
func (c *cursors) open(ctx context.Context, tenant, query, cursor string) (place, error) {
	if cursor == "" {
		return place{}, nil
	}
	if len(cursor) > mostCursor*2 {
		return place{}, errCursor()
	}
	key, err := c.key(ctx, tenant)
	if err != nil {
		return place{}, err
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(sealed) < key.NonceSize() {
		return place{}, errCursor()
	}
	nonce, sealed := sealed[:key.NonceSize()], sealed[key.NonceSize():]
	text, err := key.Open(nil, nonce, sealed, []byte(tenant+"\x00"+query))
	if err != nil {
		return place{}, errCursor()
	}
	p, made, ok := parsePlace(text)
	if !ok {
		return place{}, errCursor()
	}
	if time.Since(made) > c.timeout {
		return place{}, badRequest("expiredCursor", "cursor: it is older than the cursorTimeout of %d seconds; begin again with an empty cursor", int(c.timeout.Seconds()))
	}
	return p, nil
}

// key is the tenant's, which is the same in every process: derived from Options.CursorKey, or kept in the store.
func (c *cursors) key(ctx context.Context, tenant string) (cipher.AEAD, error) {
	now := time.Now()
	c.mu.Lock()
	known, ok := c.keys[tenant]
	c.mu.Unlock()
	if ok && now.Sub(known.read) < keyAge {
		return known.aead, nil
	}
	secret, err := c.secret(ctx, tenant)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= keysKept {
		c.keys = make(map[string]cursorKey)
	}
	c.keys[tenant] = cursorKey{aead, now}
	return aead, nil
}

func (c *cursors) secret(ctx context.Context, tenant string) ([]byte, error) {
	if c.fixed != nil {
		sum := hmac.New(sha256.New, c.fixed)
		sum.Write([]byte("rollcall cursor\x00" + tenant))
		return sum.Sum(nil), nil
	}
	k := store.Key{Tenant: tenant, Type: cursorKeyType, ID: "cursor"}
	for range 3 {
		r, err := c.store.Get(ctx, k)
		if err == nil {
			secret, err := base64.StdEncoding.DecodeString(r.Internal.Get("key").Text())
			if err != nil || len(secret) != 32 {
				return nil, store.ErrCorrupt
			}
			return secret, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return nil, err
		}
		now := time.Now().UTC().Truncate(time.Microsecond)
		internal := document.Object(document.Field{Name: "key", Value: document.String(base64.StdEncoding.EncodeToString(secret))})
		err = c.store.Commit(ctx, &store.Change{Tenant: tenant, Put: []store.Put{{Resource: &store.Resource{
			Key: k, Version: uuid.NewString(), Created: now, LastModified: now, Internal: internal.Document(),
		}}}})
		if err == nil {
			return secret, nil
		}
		if !errors.As(err, new(*store.ConflictError)) && !errors.Is(err, store.ErrVersionMismatch) {
			return nil, err
		} // another process was faster
	}
	return nil, &Error{Status: http.StatusServiceUnavailable, RetryAfter: 1, Detail: "the service can't make cursors right now; try again later"}
}
