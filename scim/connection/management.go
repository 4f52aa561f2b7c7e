package connection

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// The methods of this file are what an administrator does. Each of them leaves an entry in the tenant's journal. What is asked for
// wrongly is an *InvalidError; what isn't there is store.ErrNotFound.

const (
	mostConnections = 100 // of a tenant
	mostCredentials = 20  // of a connection, that were not revoked
	mostName        = 200 // bytes
	mostTrace       = 24 * time.Hour
)

// Create makes a connection, which is live and tolerant. An empty provider is Other. by says who clicks: the product fills in
// Tenant, Who and perhaps ID. A name that is empty or too long, or one connection more than a tenant may have, is an
// *InvalidError. The tenant's journal has an entry, as it has for all that the methods of administrators do.
func (s *Service) Create(ctx context.Context, by lifecycle.Request, name string, provider Provider) (*Connection, error) {
	if provider == "" {
		provider = Other
	}
	if err := errors.Join(checkTenant(by.Tenant), checkName(name), provider.check()); err != nil {
		return nil, firstOf(err)
	}
	all, err := s.connections(ctx, by.Tenant)
	if err != nil {
		return nil, err
	}
	if len(all) >= mostConnections {
		return nil, invalid("this organization has %d connections already, which is the most", mostConnections)
	}
	c := &Connection{ID: newID(), Created: now(), Name: strings.TrimSpace(name), Provider: provider, State: lifecycle.ConnectionLive}
	for _, other := range all {
		c.takesOver = c.takesOver || other.takesOver || other.State == lifecycle.ConnectionOff
	}
	return c, s.commit(ctx, by, c.ID, "create connection", lifecycle.Created, c.Name, nil, store.Put{Resource: c.resource(by.Tenant)})
}

func checkTenant(tenant string) error {
	if tenant == "" || tenant == libraryTenant {
		return invalid("tenant: want the name of an organization")
	}
	return nil
}

func checkName(name string) error {
	if strings.TrimSpace(name) == "" || len(name) > mostName {
		return invalid("name: want 1 to %d bytes", mostName)
	}
	return nil
}

// firstOf is the first of joined errors.
func firstOf(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()[0]
	}
	return err
}

// commit writes resources with the entry of the journal. The first put is what the entry is about.
func (s *Service) commit(ctx context.Context, by lifecycle.Request, connection, action string, o lifecycle.Outcome, name string, changed []string, puts ...store.Put) error {
	by.Action, by.By, by.Connection = action, lifecycle.SourceManual, lifecycle.Connection{ID: connection}
	return s.store.Commit(ctx, &store.Change{Tenant: by.Tenant, Put: puts,
		Journal: []store.Entry{lifecycle.NewEntry(by, puts[0].Resource.Key, o, name, changed...)}})
}

// all reads all records of a type.
func (s *Service) all(ctx context.Context, tenant, typ string, each func(*store.Resource) error) error {
	q := store.Query{Tenant: tenant, Types: []string{typ}, Count: 200, NoTotal: true}
	for {
		page, err := s.store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page.Resources {
			if err := each(r); err != nil {
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

func (s *Service) connections(ctx context.Context, tenant string) (list []*Connection, err error) {
	err = s.all(ctx, tenant, connectionType, func(r *store.Resource) error {
		c, err := connectionOf(r)
		list = append(list, c)
		return err
	})
	return list, err
}

// credentials reads those of a tenant, or of one connection if it isn't empty.
func (s *Service) credentials(ctx context.Context, tenant, connection string) (list []*Credential, err error) {
	err = s.all(ctx, tenant, credentialType, func(r *store.Resource) error {
		c, err := credentialOf(r)
		if err == nil && (connection == "" || c.Connection == connection) {
			list = append(list, c)
		}
		return err
	})
	return list, err
}

// List reads a tenant's connections with their credentials and where each stands, in the order in which they were made.
func (s *Service) List(ctx context.Context, tenant string) ([]Connection, error) {
	s.flush(ctx)
	all, err := s.connections(ctx, tenant)
	if err != nil {
		return nil, err
	}
	credentials, err := s.credentials(ctx, tenant, "")
	if err != nil {
		return nil, err
	}
	list := make([]Connection, 0, len(all))
	for _, c := range all {
		record, _, err := s.status(ctx, tenant, c.ID)
		if err != nil {
			return nil, err
		}
		c.Recognised = record.Recognised
		for _, k := range credentials {
			if k.Connection == c.ID && k.revoked.IsZero() {
				k.LastUsed = record.Used[k.ID]
				c.Credentials = append(c.Credentials, *k)
			}
		}
		c.Status = record.show(c, time.Now())
		list = append(list, *c)
	}
	return list, nil
}

// Update says what shall be different of a connection. A nil field leaves it as it is.
type Update struct {
	Name    *string
	State   *lifecycle.ConnectionState
	Dialect *Dialect
	// TraceUntil switches the trace of a connection on, for 24 hours at most, or off by a time that is past.
	TraceUntil *time.Time
	Limits     *Limits
}

// Change changes a connection, and returns it as it is then. What the connection has written in the state shadow is made true if it
// becomes live, as by GoLive, is forgotten if it is switched off, and waits if it is paused. Any change but that of the name holds in
// every process when Change returns; if that isn't certain within 30 s it returns ErrUncertain, and may be called again. A value that
// can't be is an *InvalidError; it returns store.ErrNotFound if there is no such connection. Only a Service that a handler was made with
// can change a connection to the state shadow.
func (s *Service) Change(ctx context.Context, by lifecycle.Request, id string, u Update) (*Connection, error) {
	if u.Name != nil {
		if err := checkName(*u.Name); err != nil {
			return nil, err
		}
	}
	if u.State != nil {
		if err := checkState(*u.State); err != nil {
			return nil, err
		}
	}
	if u.Limits != nil {
		if err := u.Limits.check(); err != nil {
			return nil, err
		}
	}
	if u.TraceUntil != nil && time.Until(*u.TraceUntil) > mostTrace {
		return nil, invalid("traceUntil: want a time within %s", mostTrace)
	}
	if u.State != nil {
		if err := s.leaveShadow(ctx, by, id, *u.State); err != nil {
			return nil, err
		}
	}
	var c *Connection
	err := again(ctx, func() (err error) {
		if c, err = s.connection(ctx, by.Tenant, id); err != nil {
			return err
		}
		var changed []string
		if u.Name != nil && c.Name != *u.Name {
			c.Name, changed = strings.TrimSpace(*u.Name), append(changed, "name")
		}
		off := false
		if u.State != nil && c.State != *u.State {
			c.State, changed = *u.State, append(changed, "state")
			off = c.State == lifecycle.ConnectionOff
		}
		if u.Dialect != nil && c.Dialect != *u.Dialect {
			c.Dialect, changed = *u.Dialect, append(changed, "dialect")
		}
		if u.TraceUntil != nil && !c.TraceUntil.Equal(*u.TraceUntil) {
			c.TraceUntil, changed = u.TraceUntil.UTC().Truncate(time.Microsecond), append(changed, "traceUntil")
		}
		if u.Limits != nil && c.Limits != *u.Limits {
			c.Limits, changed = *u.Limits, append(changed, "limits")
		}
		if len(changed) == 0 {
			return nil // but it may not hold everywhere yet, if the last call was interrupted
		}
		puts := []store.Put{{Resource: c.resource(by.Tenant), IfVersion: c.version}}
		if off {
			if puts, err = s.others(ctx, by.Tenant, id, puts); err != nil {
				return err
			}
		}
		return s.commit(ctx, by, id, "change connection", lifecycle.Updated, c.Name, changed, puts...)
	})
	if err == nil && (u.State != nil || u.Dialect != nil || u.TraceUntil != nil || u.Limits != nil) {
		err = s.everywhere(ctx, by.Tenant)
	}
	if err == nil && u.State != nil {
		err = s.endShadow(ctx, by.Tenant, id, c.State)
	}
	return c, uncertain(err)
}

// uncertain turns the error of a commit whose answer was lost into one that says so.
func uncertain(err error) error {
	if errors.Is(err, store.ErrUnavailable) && !errors.Is(err, ErrUncertain) {
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	return err
}

// others plans that all connections but one look, from now on, for people whom nobody manages any more.
func (s *Service) others(ctx context.Context, tenant, but string, puts []store.Put) ([]store.Put, error) {
	all, err := s.connections(ctx, tenant)
	for _, other := range all {
		if other.ID != but && !other.takesOver {
			other.takesOver = true
			puts = append(puts, store.Put{Resource: other.resource(tenant), IfVersion: other.version})
		}
	}
	return puts, err
}

// Effects says in words what SwitchOff would do to a connection. Nothing is done. It returns store.ErrNotFound if there is no such
// connection.
func (s *Service) Effects(ctx context.Context, tenant, id string) ([]string, error) {
	c, err := s.connection(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	live, err := s.live(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("the connection %s is refused from then on, in every process", c.Name),
		fmt.Sprintf("its credentials are revoked: %d", len(live)),
		"the people and groups that it made stay as they are, and nobody manages them; another connection takes over whom it creates or changes, with the same id",
		"its journal stays for as long as the journal is kept",
	}, nil
}

// live are the credentials of a connection that were not revoked.
func (s *Service) live(ctx context.Context, tenant, connection string) ([]*Credential, error) {
	list, err := s.credentials(ctx, tenant, connection)
	return slices.DeleteFunc(list, func(c *Credential) bool { return !c.revoked.IsZero() }), err
}

// SwitchOff ends a connection: its credentials are revoked, and its people are managed by nobody. It holds in every process when it
// returns; if that isn't certain within 30 s it returns ErrUncertain, and may be called again.
func (s *Service) SwitchOff(ctx context.Context, by lifecycle.Request, id string) error {
	err := again(ctx, func() error {
		c, err := s.connection(ctx, by.Tenant, id)
		if err != nil {
			return err
		}
		live, err := s.live(ctx, by.Tenant, id)
		if err != nil || c.State == lifecycle.ConnectionOff && len(live) == 0 {
			return err
		}
		c.State = lifecycle.ConnectionOff
		puts, err := s.others(ctx, by.Tenant, id, []store.Put{{Resource: c.resource(by.Tenant), IfVersion: c.version}})
		for _, k := range live {
			k.revoked = now()
			puts = append(puts, store.Put{Resource: k.resource(by.Tenant), IfVersion: k.version})
		}
		if err != nil {
			return err
		}
		return s.commit(ctx, by, id, "switch off connection", lifecycle.Removed, c.Name, nil, puts...)
	})
	if err == nil {
		err = s.everywhere(ctx, by.Tenant)
	}
	if err == nil {
		err = s.endShadow(ctx, by.Tenant, id, lifecycle.ConnectionOff)
	}
	return uncertain(err)
}

// Ask says what a credential shall be.
type Ask struct {
	Kind     Kind
	Scopes   []string  // none: read and write
	Expires  time.Time // zero: never
	Trust    Trust     // of a federation
	Replaces string    // id of the credential that it will replace; see Complete
}

// Issued is a new credential with its secret, which nobody can see again.
type Issued struct {
	Credential
	Token  string // of a bearer credential
	Secret string // of a client
}

// String implements fmt.Stringer: the secrets are hidden. In JSON, for the page that shows them once, they are there.
func (i Issued) String() string { return "Issued " + string(i.Kind) + " " + i.Prefix + " (hidden)" }

// GoString implements fmt.GoStringer.
func (i Issued) GoString() string { return i.String() }

// LogValue implements slog.LogValuer.
func (i Issued) LogValue() slog.Value { return slog.StringValue(i.String()) }

var errIsOff = invalid("connection: it is switched off; make it live first")

// Issue makes a credential of a connection. The credentials that there are stay good. Only what it returns has the secret, which
// nobody can see again. What can't be asked for is an *InvalidError; it returns store.ErrNotFound if there is no such connection.
func (s *Service) Issue(ctx context.Context, by lifecycle.Request, connection string, ask Ask) (*Issued, error) {
	scopes, err := checkScopes(ask.Scopes)
	if err != nil {
		return nil, err
	}
	if err := oneOf("kind", ask.Kind, Bearer, Client, Federation); err != nil {
		return nil, err
	}
	if !ask.Expires.IsZero() && !ask.Expires.After(time.Now()) {
		return nil, invalid("expires: want a time in the future")
	}
	if ask.Kind == Federation {
		if s.opts.Federation == nil {
			return nil, invalid("kind: this service has no federation")
		}
		if err := ask.Trust.check(s.opts.Federation); err != nil {
			return nil, err
		}
	} else if ask.Trust != (Trust{}) {
		return nil, invalid("issuer, jwks, subject and audience are for the kind federation")
	}
	c, err := s.connection(ctx, by.Tenant, connection)
	if err != nil {
		return nil, err
	}
	if c.State == lifecycle.ConnectionOff {
		return nil, errIsOff
	}
	live, err := s.live(ctx, by.Tenant, connection)
	if err != nil {
		return nil, err
	}
	if len(live) >= mostCredentials {
		return nil, invalid("this connection has %d credentials already, which is the most; revoke one", mostCredentials)
	}
	if ask.Replaces != "" && !slices.ContainsFunc(live, func(k *Credential) bool { return k.ID == ask.Replaces }) {
		return nil, invalid("replaces: the connection has no such credential")
	}
	k := &Issued{Credential: Credential{ID: newID(), Connection: connection, Kind: ask.Kind, Scopes: scopes, Created: now(),
		Expires: ask.Expires.UTC().Truncate(time.Microsecond), Trust: ask.Trust, Replaces: ask.Replaces}}
	if ask.Expires.IsZero() {
		k.Expires = time.Time{}
	}
	to, texts := target{by.Tenant, k.ID}, []string(nil)
	switch ask.Kind {
	case Bearer:
		k.Token = newToken(s.opts.Prefix)
		k.Prefix, k.sum, texts = k.Token[:len(s.opts.Prefix)+len(marker)+4], sumText(k.Token), []string{k.Token}
	default:
		id := make([]byte, 12)
		_, _ = rand.Read(id)
		k.ClientID = s.opts.Prefix + "-" + hex.EncodeToString(id)
		k.Prefix, texts = k.ClientID[:len(s.opts.Prefix)+5], []string{clientLookup(k.ClientID)}
		if ask.Kind == Client {
			k.Secret = newToken(s.opts.Prefix)
			k.sum = sumText(k.Secret)
		} else {
			texts = append(texts, trustLookup(ask.Trust.Issuer, ask.Trust.Subject))
		}
	}
	k.lookup = sumText(texts[0])
	if !k.Expires.IsZero() {
		if err := s.watchExpiry(ctx, by.Tenant, &k.Credential); err != nil {
			return nil, err
		}
	}
	for _, text := range texts {
		if err := s.lead(ctx, text, to); err != nil {
			return nil, err
		}
	}
	// The connection is written, too, so that a credential that is issued while it's switched off isn't left behind.
	err = again(ctx, func() error {
		if c, err = s.connection(ctx, by.Tenant, connection); err != nil {
			return err
		}
		if c.State == lifecycle.ConnectionOff {
			return errIsOff
		}
		return s.commit(ctx, by, connection, "issue credential", lifecycle.Created, c.Name+": "+string(k.Kind)+" "+k.Prefix, nil,
			store.Put{Resource: k.resource(by.Tenant)}, store.Put{Resource: c.resource(by.Tenant), IfVersion: c.version})
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Revoke ends a credential. When it returns no process accepts it any more. If that isn't certain within 30 s it returns
// ErrUncertain, and may be called again.
func (s *Service) Revoke(ctx context.Context, by lifecycle.Request, id string) error {
	return s.revoke(ctx, by, id, func() ([]store.Put, error) { return nil, nil })
}

// revoke ends a credential, unless allow refuses that. What allow returns is written with it.
func (s *Service) revoke(ctx context.Context, by lifecycle.Request, id string, allow func() ([]store.Put, error)) error {
	err := again(ctx, func() error {
		k, err := s.credential(ctx, by.Tenant, id)
		if err != nil {
			return err
		}
		puts, err := allow()
		if err != nil || !k.revoked.IsZero() {
			return err
		}
		k.revoked = now()
		puts = append([]store.Put{{Resource: k.resource(by.Tenant), IfVersion: k.version}}, puts...)
		return s.commit(ctx, by, k.Connection, "revoke credential", lifecycle.Removed, string(k.Kind)+" "+k.Prefix, nil, puts...)
	})
	if err == nil {
		err = s.everywhere(ctx, by.Tenant)
	}
	return uncertain(err)
}

// Rotate begins to replace a credential: it issues one of the same kind and scopes, and both are good until Complete ends the
// old one or Cancel the new one.
func (s *Service) Rotate(ctx context.Context, by lifecycle.Request, id string, expires time.Time) (*Issued, error) {
	k, err := s.credential(ctx, by.Tenant, id)
	if err != nil {
		return nil, err
	}
	if !k.revoked.IsZero() {
		return nil, invalid("the credential was revoked")
	}
	return s.Issue(ctx, by, k.Connection, Ask{Kind: k.Kind, Scopes: k.Scopes, Expires: expires, Trust: k.Trust, Replaces: k.ID})
}

// Complete ends a rotation. id is that of the new credential; the one that it replaces is revoked, with the errors of Revoke. It returns
// an *InvalidError if the new one was revoked or has expired, because then none would be left. Complete may be repeated.
func (s *Service) Complete(ctx context.Context, by lifecycle.Request, id string) error {
	k, err := s.rotated(ctx, by, id)
	if err != nil {
		return err
	}
	return s.revokeBeside(ctx, by, k.Replaces, id, invalid("the new credential was revoked or has expired, so none would be left; issue another one"))
}

// revokeBeside ends one of two credentials if the other is good, and otherwise returns refusal. The other one is written, too, so that
// of two calls at once, one for each of them, only one succeeds.
func (s *Service) revokeBeside(ctx context.Context, by lifecycle.Request, id, other string, refusal error) error {
	return s.revoke(ctx, by, id, func() ([]store.Put, error) {
		stays, err := s.credential(ctx, by.Tenant, other)
		if err != nil {
			return nil, err
		}
		if stays.good() != nil {
			return nil, refusal
		}
		return []store.Put{{Resource: stays.resource(by.Tenant), IfVersion: stays.version}}, nil
	})
}

// Cancel ends a rotation. id is that of the new credential, which is revoked, with the errors of Revoke. It returns an *InvalidError if the
// one that it replaces was revoked, as by Complete, or has expired, because then none would be left. Cancel may be repeated.
func (s *Service) Cancel(ctx context.Context, by lifecycle.Request, id string) error {
	k, err := s.rotated(ctx, by, id)
	if err != nil {
		return err
	}
	return s.revokeBeside(ctx, by, id, k.Replaces, invalid("the replaced credential was revoked or has expired, so none would be left; to end this one all the same, revoke it"))
}

// rotated is the new credential of a rotation.
func (s *Service) rotated(ctx context.Context, by lifecycle.Request, id string) (*Credential, error) {
	k, err := s.credential(ctx, by.Tenant, id)
	if err == nil && k.Replaces == "" {
		return nil, invalid("the credential replaces none")
	}
	return k, err
}

// Forget removes what leads to a tenant's credentials from the library's own tenant. Call it before store.Forgetter.Forget.
func (s *Service) Forget(ctx context.Context, tenant string) error {
	list, err := s.credentials(ctx, tenant, "")
	if err != nil {
		return err
	}
	for _, k := range list {
		if k.Kind == Federation {
			if err := s.unlead(ctx, trustLookup(k.Trust.Issuer, k.Trust.Subject), target{tenant, k.ID}); err != nil {
				return err
			}
		}
		err := s.store.Commit(ctx, &store.Change{Tenant: libraryTenant, Delete: []store.Delete{{Type: lookupType, ID: k.lookup}}})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := s.forgetExpiry(ctx, k.ID); err != nil {
			return err
		}
	}
	return s.everywhere(ctx, tenant)
}
