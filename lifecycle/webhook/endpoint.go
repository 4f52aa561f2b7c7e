package webhook

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// endpointType is the resource type of the record of an endpoint.
const endpointType = "rollcall.Webhook"

// Endpoint is an address that events are pushed to.
type Endpoint struct {
	ID       string
	URL      string
	Kinds    []lifecycle.Kind // that it is told; nil: all
	Disabled string           // why nothing is pushed to it any more; "": it is
	Created  time.Time
}

// Consumer returns the name of the consumer that the endpoint is: to replay to it, to pause it, and to see its lag.
func (e Endpoint) Consumer() string { return Name + "." + e.ID }

// Algorithm is how bodies are signed.
type Algorithm string

// The algorithms of Standard Webhooks.
const (
	HMAC    Algorithm = "v1"  // both sides have the secret: whsec_...
	Ed25519 Algorithm = "v1a" // the receiver has the public key: whpk_...
)

// record is an endpoint as it is kept.
type record struct {
	id, version string
	created     time.Time

	URL      string           `json:"url"`
	Kinds    []lifecycle.Kind `json:"kinds,omitempty"`
	Keys     []key            `json:"keys"` // the newest last
	Disabled string           `json:"disabled,omitempty"`
}

// key signs. It shows its secret to no log.
type key struct {
	Secret string    `json:"secret"` // whsec_ or whsk_ and base64
	Until  time.Time `json:"until,omitzero"`
}

// LogValue implements slog.LogValuer.
func (key) LogValue() slog.Value { return slog.StringValue("(secret)") }

// String implements fmt.Stringer.
func (key) String() string { return "(secret)" }

func (r *record) endpoint() Endpoint {
	return Endpoint{r.id, r.URL, slices.Clone(r.Kinds), r.Disabled, r.created}
}

// newKey makes a key, and what the receiver gets of it.
func newKey(a Algorithm) (k key, shown string, err error) {
	switch a {
	case HMAC, "":
		const size = 32 // Standard Webhooks wants 24 to 64
		b := make([]byte, size)
		_, _ = rand.Read(b) // never fails
		secret := "whsec_" + base64.StdEncoding.EncodeToString(b)
		return key{Secret: secret}, secret, nil
	case Ed25519:
		public, private, err := ed25519.GenerateKey(rand.Reader)
		return key{Secret: "whsk_" + base64.StdEncoding.EncodeToString(private)}, "whpk_" + base64.StdEncoding.EncodeToString(public), err
	}
	return key{}, "", fmt.Errorf("webhook: there is no algorithm %q; want %q or %q", a, HMAC, Ed25519)
}

// InvalidError says what is wrong with an endpoint that is to be added, and what would be right.
type InvalidError struct{ Detail string }

func (e *InvalidError) Error() string { return "webhook: " + e.Detail }

// check says what is wrong with an address and kinds.
func (w *Webhooks) check(address string, kinds []lifecycle.Kind) error {
	const most = 2048
	u, err := url.Parse(address)
	if err != nil || len(address) > most || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return &InvalidError{"url: want an address such as https://hooks.example.com/rollcall, of up to 2048 characters, without a user and a fragment"}
	}
	if u.Scheme == "http" && !w.HTTP && !slices.Contains(w.Allow, strings.ToLower(u.Hostname())) {
		return &InvalidError{"url: want https, so that nobody on the way reads the events"}
	}
	for _, k := range kinds {
		if payload.Schema(k) == nil {
			return &InvalidError{fmt.Sprintf("kinds: there is no kind %.40q; want some of %v, or none for all", k, lifecycle.Kinds())}
		}
	}
	return nil
}

// Add adds an endpoint of a tenant. The secret, by which the receiver verifies signatures, is returned this once. Add takes as
// long as MaxAge; every change that is committed afterwards, by whatever process, is told to the endpoint. If the address or the
// kinds can't be it returns an *InvalidError, and so it does if the tenant has as many endpoints as it may.
func (w *Webhooks) Add(ctx context.Context, tenant, address string, kinds []lifecycle.Kind, a Algorithm) (e Endpoint, secret string, err error) {
	if err := w.check(address, kinds); err != nil {
		return e, "", err
	}
	all, err := w.read(ctx, tenant)
	if err != nil {
		return e, "", err
	}
	if len(all) >= w.Most {
		return e, "", &InvalidError{fmt.Sprintf("this organization has %d endpoints already; remove one first", len(all))}
	}
	k, secret, err := newKey(a)
	if err != nil {
		return e, "", err
	}
	kinds = slices.Clone(kinds)
	slices.Sort(kinds)
	if kinds = slices.Compact(kinds); len(kinds) == 0 {
		kinds = nil
	}
	r := &record{id: uuid.Must(uuid.NewV7()).String(), URL: address, Kinds: kinds, Keys: []key{k}}
	if err := w.write(ctx, tenant, r); err != nil {
		return e, "", err
	}
	return r.endpoint(), secret, w.settle(ctx, tenant)
}

// List returns the endpoints of a tenant, oldest first.
func (w *Webhooks) List(ctx context.Context, tenant string) ([]Endpoint, error) {
	all, err := w.read(ctx, tenant)
	endpoints := make([]Endpoint, len(all))
	for i, r := range all {
		endpoints[i] = r.endpoint()
	}
	return endpoints, err
}

// Remove removes an endpoint. What it has not been told yet is dropped. It returns store.ErrNotFound if there is no such endpoint.
func (w *Webhooks) Remove(ctx context.Context, tenant, id string) error {
	err := w.Store.Commit(ctx, &store.Change{Tenant: tenant, Delete: []store.Delete{{Type: endpointType, ID: id}}})
	if err != nil {
		return err
	}
	return w.settle(ctx, tenant)
}

// Rotate gives an endpoint a new secret, and returns it this once. For as long as Overlap bodies are signed with the old secret,
// too. It returns store.ErrNotFound if there is no such endpoint.
func (w *Webhooks) Rotate(ctx context.Context, tenant, id string, a Algorithm) (secret string, err error) {
	k, secret, err := newKey(a)
	if err != nil {
		return "", err
	}
	return secret, w.edit(ctx, tenant, id, func(r *record) {
		const most = 3 // keys, so that many rotations in a row don't make the header long
		now := time.Now().UTC()
		r.Keys = slices.DeleteFunc(r.Keys, func(old key) bool { return !old.Until.IsZero() && old.Until.Before(now) })
		for i := range r.Keys {
			if r.Keys[i].Until.IsZero() {
				r.Keys[i].Until = now.Add(w.Overlap)
			}
		}
		r.Keys = append(r.Keys[max(0, len(r.Keys)-most+1):], k)
	})
}

// Enable lets an endpoint be told again that was disabled. What happened meanwhile was not kept for it. It returns
// store.ErrNotFound if there is no such endpoint.
func (w *Webhooks) Enable(ctx context.Context, tenant, id string) error {
	return w.edit(ctx, tenant, id, func(r *record) { r.Disabled = "" })
}

// Disable ends the deliveries to an endpoint, with a reason that List shows. Events that wait for it are parked. It returns
// store.ErrNotFound if there is no such endpoint.
func (w *Webhooks) Disable(ctx context.Context, tenant, id, reason string) error {
	return w.edit(ctx, tenant, id, func(r *record) { r.Disabled = reason })
}

// edit changes a record, again if somebody else was faster.
func (w *Webhooks) edit(ctx context.Context, tenant, id string, do func(r *record)) error {
	for {
		r, err := w.get(ctx, tenant, id)
		if err != nil {
			return err
		}
		do(r)
		err = w.write(ctx, tenant, r)
		if err == nil {
			return w.settle(ctx, tenant)
		}
		if !errors.Is(err, store.ErrVersionMismatch) {
			return err
		}
	}
}

// settle waits until no process goes by what it remembers from before. If ctx ends, what was changed holds nevertheless.
func (w *Webhooks) settle(ctx context.Context, tenant string) error {
	w.forget(tenant)
	select {
	case <-time.After(w.MaxAge):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Webhooks) get(ctx context.Context, tenant, id string) (*record, error) {
	r, err := w.Store.Get(ctx, store.Key{Tenant: tenant, Type: endpointType, ID: id})
	if err != nil {
		return nil, err
	}
	return recordOf(r)
}

// read reads the endpoints of a tenant, oldest first.
func (w *Webhooks) read(ctx context.Context, tenant string) (all []*record, err error) {
	page, err := w.Store.List(ctx, store.Query{Tenant: tenant, Types: []string{endpointType}, Count: w.Most, NoTotal: true})
	if err != nil {
		return nil, err
	}
	for _, res := range page.Resources {
		r, err := recordOf(res)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func recordOf(res *store.Resource) (*record, error) {
	r := &record{id: res.ID, version: res.Version, created: res.Created}
	if err := json.Unmarshal([]byte(res.Internal), r); err != nil || r.URL == "" {
		return nil, fmt.Errorf("webhook: %w: the record of the endpoint %s", store.ErrCorrupt, res.ID)
	}
	return r, nil
}

func (w *Webhooks) write(ctx context.Context, tenant string, r *record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	v, err := document.Parse(string(text), 0)
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	if r.created.IsZero() {
		r.created = now
	}
	res := &store.Resource{Key: store.Key{Tenant: tenant, Type: endpointType, ID: r.id}, Version: uuid.Must(uuid.NewV7()).String(),
		Created: r.created, LastModified: now, Internal: v.Document()}
	return w.Store.Commit(ctx, &store.Change{Tenant: tenant, Put: []store.Put{{Resource: res, IfVersion: r.version}}})
}
