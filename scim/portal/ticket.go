package portal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// The portal keeps its links and sessions as resources of internal types, in the tenant that they belong to, so that nothing of a forgotten
// tenant remains (I13). The id of each is the hash of a ticket that only the browser has. A ticket names its tenant, because no call of a
// store looks into all tenants (I4).
const (
	linkType    = "rollcall.PortalLink"
	sessionType = "rollcall.PortalSession"
	onceType    = "rollcall.PortalOnce"
)

// ticket is 32 random bytes of a tenant.
type ticket struct {
	tenant string
	secret string
}

func newTicket(tenant string) ticket {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	return ticket{tenant, base64.RawURLEncoding.EncodeToString(secret)}
}

const mostTicket = 2_000

// String is the ticket as a browser has it.
func (t ticket) String() string {
	return t.secret + "." + base64.RawURLEncoding.EncodeToString([]byte(t.tenant))
}

func parseTicket(text string) (ticket, bool) {
	secret, tenant, ok := strings.Cut(text, ".")
	name, err := base64.RawURLEncoding.DecodeString(tenant)
	if !ok || err != nil || len(text) > mostTicket || len(secret) != 43 || len(name) == 0 {
		return ticket{}, false
	}
	t := ticket{string(name), secret}
	return t, t.String() == text // another spelling of the same bytes is refused
}

// id is what the ticket is found by.
func (t ticket) id() string {
	sum := sha256.Sum256([]byte(t.String()))
	return hex.EncodeToString(sum[:])
}

// granted is what a link or a session allows, as it is kept.
type granted struct {
	Who       string    `json:"who"`
	Abilities []Ability `json:"abilities"`
	Expires   time.Time `json:"expires"`
	Return    string    `json:"return"`
	Language  string    `json:"language"`
	Zone      string    `json:"zone"`
}

// once is what is kept of something that is shown once. It is sealed under a key that is made of the ticket.
type once struct {
	Expires time.Time `json:"expires"`
	Page    string    `json:"page"` // the path of the page that shows it
	Sealed  string    `json:"sealed"`
}

func (t ticket) resource(typ string, record any) *store.Resource {
	text, err := json.Marshal(record)
	if err != nil {
		panic(err) // the types are of this package
	}
	v, err := document.Parse(string(text), 0)
	if err != nil {
		panic(err)
	}
	at := time.Now().UTC().Truncate(time.Microsecond)
	return &store.Resource{Key: store.Key{Tenant: t.tenant, Type: typ, ID: t.id()}, Version: uuid.Must(uuid.NewV7()).String(),
		Created: at, LastModified: at, Internal: v.Document()}
}

// find reads what a ticket leads to, or returns store.ErrNotFound, also if it has expired.
func (p *Portal) find(ctx context.Context, t ticket, typ string, record any) (*store.Resource, error) {
	r, err := p.store.Get(ctx, store.Key{Tenant: t.tenant, Type: typ, ID: t.id()})
	if err != nil {
		return nil, err
	}
	if ended(r) {
		return nil, store.ErrNotFound
	}
	if r.Internal.Check() != nil || json.Unmarshal([]byte(r.Internal), record) != nil {
		return nil, fmt.Errorf("%w: %s %s", store.ErrCorrupt, r.Type, r.ID)
	}
	return r, nil
}

// ended says whether a record of the portal's has expired. One whose time can't be read has.
func ended(r *store.Resource) bool {
	at, err := time.Parse(time.RFC3339Nano, r.Internal.Get("expires").Text())
	return err != nil || !at.After(time.Now())
}

// sweep removes what has expired of a tenant. What it can't remove waits for the next time.
func (p *Portal) sweep(ctx context.Context, tenant string) {
	page, err := p.store.List(ctx, store.Query{Tenant: tenant, Types: []string{linkType, sessionType, onceType}, Count: 200, NoTotal: true})
	if err == nil {
		for _, r := range page.Resources {
			if ended(r) {
				err = errors.Join(err, p.store.Commit(ctx, &store.Change{Tenant: tenant, Delete: []store.Delete{{Type: r.Type, ID: r.ID}}}))
			}
		}
	}
	if err != nil {
		p.opts.Logger.DebugContext(ctx, "what has expired of the portal could not be removed", slog.String("error", err.Error()))
	}
}

const onceLifetime = 5 * time.Minute

// keeper is the tenant in which something is kept for the visitor: their own, and for the vendor's staff the library's own.
func (v *visit) keeper() string {
	if v.vendor != nil {
		return libraryTenant
	}
	return v.Admin.Tenant
}

// libraryTenant is the tenant of what belongs to no customer, as in package connection.
const libraryTenant = "rollcall.library"

// keepOnce keeps something until the same browser opens a page, and for nobody else.
func (v *visit) keepOnce(what *Secret, page string) error {
	v.p.sweep(v.r.Context(), v.keeper())
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	t := newTicket(v.keeper())
	sealed := base64.RawStdEncoding.EncodeToString(t.cipher().Seal(nil, nil, text, []byte(t.tenant)))
	r := t.resource(onceType, once{time.Now().Add(onceLifetime).UTC(), page, sealed})
	if err := v.p.store.Commit(v.r.Context(), &store.Change{Tenant: t.tenant, Put: []store.Put{{Resource: r}}}); err != nil {
		return err
	}
	v.setCookie("-once", t.String(), onceLifetime)
	return nil
}

// takeOnce reads what was kept for this page into v.Secret, and deletes it.
func (v *visit) takeOnce() error {
	t, ok := v.ticket("-once")
	if !ok || t.tenant != v.keeper() || v.r.Method != http.MethodGet || wantsJSON(v.r) {
		return nil
	}
	var kept once
	r, err := v.p.find(v.r.Context(), t, onceType, &kept)
	if err == nil && kept.Page != v.base+v.r.URL.Path {
		return nil
	}
	v.setCookie("-once", "", -1)
	if err == nil {
		err = v.p.store.Commit(v.r.Context(), &store.Change{Tenant: t.tenant, Delete: []store.Delete{{Type: r.Type, ID: r.ID, IfVersion: r.Version}}})
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrVersionMismatch) {
		return nil // it was shown
	}
	if err != nil {
		return err
	}
	sealed, err := base64.RawStdEncoding.DecodeString(kept.Sealed)
	if err != nil {
		return store.ErrCorrupt
	}
	text, err := t.cipher().Open(nil, nil, sealed, []byte(t.tenant))
	if err != nil {
		return store.ErrCorrupt
	}
	v.Secret = new(Secret)
	return json.Unmarshal(text, v.Secret)
}

func (t ticket) cipher() cipher.AEAD {
	key := sha256.Sum256([]byte("rollcall portal once\x00" + t.String()))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}
