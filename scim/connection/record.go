package connection

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Connection is one identity provider's link to a tenant.
type Connection struct {
	ID          string
	Created     time.Time
	Name        string
	Provider    Provider                  // as it was chosen
	Recognised  Provider                  // as it was recognised from the traffic; empty: not yet
	State       lifecycle.ConnectionState // never empty
	Dialect     Dialect
	TraceUntil  time.Time // until then the journal lists what it reads, too; zero: it doesn't
	Limits      Limits
	Status      Status
	Credentials []Credential // those that were not revoked

	takesOver bool
	version   string
}

// Limits bound what a connection may ask for, beside the service's own. A field that is 0 bounds nothing more.
type Limits struct {
	PerSecond float64 `json:"perSecond,omitzero"` // requests a second, on average, to each process; beyond it comes 429
	Burst     int     `json:"burst,omitzero"`     // requests at once; 0: twice PerSecond, and at least 1
	Body      int64   `json:"body,omitzero"`      // bytes of a request's body; beyond it comes 413
}

// leastBody is the least limit of a body: a person with a name and an address fits in.
const leastBody = 1 << 10

func (l Limits) check() error {
	switch {
	case !(l.PerSecond >= 0 && l.PerSecond <= 1_000_000):
		return invalid("limits.perSecond: want a number of requests a second, or 0 for no limit")
	case l.Burst < 0 || l.Burst > 1_000_000 || l.Burst > 0 && l.PerSecond == 0:
		return invalid("limits.burst: want a number of requests at once, beside perSecond, or 0 for twice that")
	case l.Body != 0 && l.Body < leastBody:
		return invalid("limits.body: want at least %d bytes, or 0 for no limit of its own", leastBody)
	}
	return nil
}

// Provider is an identity provider's product.
type Provider string

// The providers.
const (
	Entra     Provider = "entra"
	Okta      Provider = "okta"
	OneLogin  Provider = "onelogin"
	Google    Provider = "google"
	JumpCloud Provider = "jumpcloud"
	Ping      Provider = "ping"
	Other     Provider = "other"
)

func (p Provider) check() error {
	return oneOf("provider", p, Entra, Okta, OneLogin, Google, JumpCloud, Ping, Other)
}

func oneOf[W ~string](what string, word W, words ...W) error {
	if slices.Contains(words, word) {
		return nil
	}
	return invalid("%s: want one of %v, got %q", what, words, short(string(word)))
}

func checkState(s lifecycle.ConnectionState) error {
	return oneOf("state", s, lifecycle.ConnectionLive, lifecycle.ConnectionShadow, lifecycle.ConnectionPaused, lifecycle.ConnectionOff)
}

// Dialect is scim.Dialect as an administrator sees it in JSON: tolerant, strict, interop, or another text of
// scim.ParseDialect; or a list with the names of the deviations that are tolerated, and no others.
type Dialect struct{ scim.Dialect }

// MarshalJSON implements json.Marshaler.
func (d Dialect) MarshalJSON() ([]byte, error) {
	text := d.String()
	if !strings.HasPrefix(text, "strict +") {
		return json.Marshal(text)
	}
	names := []string{}
	for _, row := range quirk.Table {
		if d.Tolerates(row.Name) {
			names = append(names, row.Name)
		}
	}
	return json.Marshal(names)
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *Dialect) UnmarshalJSON(text []byte) (err error) {
	var word string
	var names []string
	switch {
	case json.Unmarshal(text, &word) == nil && word != "":
		d.Dialect, err = scim.ParseDialect(word)
	case json.Unmarshal(text, &names) == nil && names != nil:
		d.Dialect, err = scim.Strict().With(names...)
	default:
		return invalid("dialect: want tolerant, strict, interop, or a list of names of deviations")
	}
	if err != nil {
		return invalid("dialect: %s", strings.TrimPrefix(err.Error(), "scim: "))
	}
	return nil
}

// Kind is how a credential is used.
type Kind string

// The kinds.
const (
	Bearer     Kind = "bearer"     // a token that doesn't change
	Client     Kind = "client"     // an OAuth client with a secret (RFC 6749 section 4.4)
	Federation Kind = "federation" // an OAuth client that proves itself by an assertion of its identity provider (RFC 7523)
)

// Credential is what an identity provider proves itself with.
type Credential struct {
	ID         string
	Connection string
	Kind       Kind
	Prefix     string // the first characters of a token or client id, to tell one from another
	Scopes     []string
	Created    time.Time
	Expires    time.Time // zero: never
	LastUsed   time.Time // zero: never
	ClientID   string    // of an OAuth client
	Trust      Trust     // of a federation
	Replaces   string    // id of the credential that it will replace, while a rotation is under way

	revoked  time.Time
	sum      string // SHA-256 of the token or secret, in hexadecimal digits
	lookup   string // id of the record that leads here
	notified int    // the least number of days before the expiry that the product was told of
	version  string
}

// Trust says which assertions prove a federated client: all four are required.
type Trust struct{ Issuer, JWKS, Subject, Audience string }

// connectionRecord and credentialRecord are what is kept, as Resource.Internal.
type connectionRecord struct {
	Name      string                    `json:"name"`
	Provider  Provider                  `json:"provider"`
	State     lifecycle.ConnectionState `json:"state"`
	Dialect   string                    `json:"dialect"` // as scim.ParseDialect reads it
	TakesOver bool                      `json:"takesOver"`
	Trace     time.Time                 `json:"trace,omitzero"`
	Limits    Limits                    `json:"limits,omitzero"`
}

type credentialRecord struct {
	Connection string    `json:"connection"`
	Kind       Kind      `json:"kind"`
	Prefix     string    `json:"prefix"`
	Scopes     []string  `json:"scopes"`
	Expires    time.Time `json:"expires,omitzero"`
	Revoked    time.Time `json:"revoked,omitzero"`
	Sum        string    `json:"sum"`
	Lookup     string    `json:"lookup"`
	ClientID   string    `json:"clientId"`
	Issuer     string    `json:"issuer"`
	JWKS       string    `json:"jwks"`
	Subject    string    `json:"subject"`
	Audience   string    `json:"audience"`
	Replaces   string    `json:"replaces"`
	Notified   int       `json:"notified"`
}

const (
	connectionType = "rollcall.Connection"
	credentialType = "rollcall.Credential"
)

func (c *Connection) resource(tenant string) *store.Resource {
	r := &store.Resource{Key: store.Key{Tenant: tenant, Type: connectionType, ID: c.ID}, Version: newID(), Created: c.Created, LastModified: now()}
	r.Internal = documentOf(connectionRecord{c.Name, c.Provider, c.State, c.Dialect.String(), c.takesOver, c.TraceUntil, c.Limits})
	return r
}

func connectionOf(r *store.Resource) (*Connection, error) {
	var x connectionRecord
	if err := read(r, &x); err != nil {
		return nil, err
	}
	d, err := scim.ParseDialect(x.Dialect)
	c := &Connection{ID: r.ID, Created: r.Created, Name: x.Name, Provider: x.Provider, State: x.State, Dialect: Dialect{d}, takesOver: x.TakesOver, TraceUntil: x.Trace, Limits: x.Limits, version: r.Version}
	if checkState(c.State) != nil || c.Limits.check() != nil || err != nil || x.Dialect == "" {
		return nil, fmt.Errorf("%w: %s %s", store.ErrCorrupt, r.Type, r.ID)
	}
	return c, nil
}

func (c *Credential) resource(tenant string) *store.Resource {
	r := &store.Resource{Key: store.Key{Tenant: tenant, Type: credentialType, ID: c.ID}, Version: newID(), Created: c.Created, LastModified: now()}
	r.Internal = documentOf(credentialRecord{Connection: c.Connection, Kind: c.Kind, Prefix: c.Prefix, Scopes: c.Scopes, Expires: c.Expires, Revoked: c.revoked,
		Sum: c.sum, Lookup: c.lookup, ClientID: c.ClientID, Issuer: c.Trust.Issuer, JWKS: c.Trust.JWKS, Subject: c.Trust.Subject, Audience: c.Trust.Audience,
		Replaces: c.Replaces, Notified: c.notified})
	return r
}

func credentialOf(r *store.Resource) (*Credential, error) {
	var x credentialRecord
	if err := read(r, &x); err != nil {
		return nil, err
	}
	if x.Connection == "" || x.Kind == "" || len(x.Scopes) == 0 { // it would let somebody do more than was meant
		return nil, fmt.Errorf("%w: %s %s", store.ErrCorrupt, r.Type, r.ID)
	}
	return &Credential{ID: r.ID, Connection: x.Connection, Kind: x.Kind, Prefix: x.Prefix, Scopes: x.Scopes, Created: r.Created, Expires: x.Expires,
		ClientID: x.ClientID, Trust: Trust{x.Issuer, x.JWKS, x.Subject, x.Audience}, Replaces: x.Replaces, revoked: x.Revoked, sum: x.Sum,
		lookup: x.Lookup, notified: x.Notified, version: r.Version}, nil
}

// documentOf is a record as a document. Its types are of this package, so that they can always be written.
func documentOf(record any) document.Document {
	text, err := json.Marshal(record)
	if err != nil {
		panic(err)
	}
	v, err := document.Parse(string(text), 0)
	if err != nil {
		panic(err)
	}
	return v.Document()
}

func read(r *store.Resource, record any) error {
	if r.Internal == "" || r.Internal.Check() != nil || json.Unmarshal([]byte(r.Internal), record) != nil {
		return fmt.Errorf("%w: %s %s", store.ErrCorrupt, r.Type, r.ID)
	}
	return nil
}

// scopeWords are the words that a credential's scopes may have.
var scopeWords = [...]string{scim.ScopeRead, scim.ScopeWrite, scim.ScopeUsers, scim.ScopeGroups}

// checkScopes returns the scopes in order, each once. An empty list means all that a connection needs.
func checkScopes(scopes []string) ([]string, error) {
	if len(scopes) == 0 {
		return []string{scim.ScopeRead, scim.ScopeWrite}, nil
	}
	var list []string
	for _, s := range scopes {
		if !slices.Contains(scopeWords[:], s) {
			return nil, invalid("scopes: there is no scope %q; there are %v", short(s), scopeWords)
		}
	}
	for _, s := range scopeWords {
		if slices.Contains(scopes, s) {
			list = append(list, s)
		}
	}
	return list, nil
}

// InvalidError says what is wrong with what an administrator asks for, and what would be right.
type InvalidError struct{ Detail string }

func (e *InvalidError) Error() string { return e.Detail }

func invalid(format string, args ...any) error {
	return &InvalidError{fmt.Sprintf(format, args...)}
}

// ErrUncertain says that a change is made, or may have been made, but that some process may still go by what was before: that
// could not be excluded within 30 s. Asking again may help.
var ErrUncertain = errors.New("connection: it is not certain yet that this holds in all processes; try again")

func short(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most]
	}
	return s
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// now is the time as stores keep it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
