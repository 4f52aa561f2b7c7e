package lifecycle

import (
	"context"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Request says who asks for something, in which way, and by which rules it is decided. Package scim makes one when it has
// authenticated an identity provider; a product makes one for each click of an administrator. A Request is for one
// operation at a time, and is not safe for concurrent use.
type Request struct {
	Tenant     string     // the customer's organization; never empty
	ID         string     // of the request, for the journal, the log and the events; may be empty
	By         Source     // the way; the methods for administrators and sign-ins set it
	Who        string     // the administrator's or the credential's id, for the journal; may be empty
	Connection Connection // the identity provider's link to the tenant, if the request came by one
	Action     string     // what is asked for, for the journal: "PATCH /Users"; the methods for administrators set it
	Quirks     []string   // names of the tolerated deviations that the request used
	Notes      []Note     // what the stages have to explain; see AddNote

	// Settings are the tenant's policy. Admit and Do read them; they are read again only after a lost race, so that one
	// decision is made by one policy.
	Settings Settings

	// Once says that the client named the version that it wants to change (If-Match). Then a lost race is
	// store.ErrVersionMismatch instead of another try.
	Once bool

	// Subject is the resource that the request names, for the entry of a refusal that comes before there is a draft.
	Subject store.Key
	// Status says for the journal with which status the request will be answered. It may be nil.
	Status func(r *Request, d *Decision) int
	// Body is the request as it was sent, which is kept with the entry while the tenant's settings say so and Options.Bodies
	// can seal it. Its zero value is no body.
	Body Body
	// DryRun says that Do only finds out what would happen. Nothing is written, not even an entry, and nobody is told.
	DryRun bool

	began      time.Time // when the request came in; zero: unknown
	journalled bool      // it has an entry

	erases bool       // somebody is taken out of everything that is kept
	live   *goingLive // what a shadow has is made true

	settled bool // Settings have been read
	// fence is the limit of settingsCounter until these stored settings are set anew; 0: nobody knows.
	fence    int
	outdated bool  // the stored settings were set anew since they were read
	lost     bool  // the last commit lost a race
	refused  error // why the store refused the last commit
}

// Connection is one identity provider's link to a tenant.
type Connection struct {
	ID    string // for the journal; may be empty
	State ConnectionState
	// TakesOver says that there may be people whom no connection manages any more, because theirs was switched off. Who is
	// created is then looked for among those first.
	TakesOver bool
}

// ConnectionState says what a connection may do. An empty one is live.
type ConnectionState string

// The states of connections.
const (
	ConnectionLive   ConnectionState = "live"
	ConnectionShadow ConnectionState = "shadow" // it is answered as if it were live, but what it writes is kept beside; see Service.GoLive
	ConnectionPaused ConnectionState = "paused" // everything is refused for now; its people stay as they are
	ConnectionOff    ConnectionState = "off"    // everything is refused, and it manages nobody any more
)

// Begin notes when the request came in, so that its entry says how long it took.
func (r *Request) Begin(at time.Time) { r.began = at }

// Journalled says whether the journal has an entry of the request, or has counted it among those that are not listed.
func (r *Request) Journalled() bool { return r.journalled }

// Note explains something that a request did not get as it was asked for, or got in spite of how it was asked for.
type Note struct {
	Attribute string // which; may be empty
	Text      string // what happened and what would pass; never a secret
}

// maxNotes is how many notes an entry of the journal has at most.
const maxNotes = 50

// AddNote adds a note to what the journal says of the request. The same note is added once.
func (r *Request) AddNote(n Note) {
	if len(r.Notes) < maxNotes && !slices.Contains(r.Notes, n) {
		r.Notes = append(r.Notes, n)
	}
}

// click is the request of an administrator or a sign-in, as the method that is called completes it.
func (r Request) click(by Source, action string) *Request {
	r.By, r.Action = by, action
	return &r
}

// settle reads the tenant's settings, unless that was done.
func (s *Service) settle(ctx context.Context, r *Request) (err error) {
	if r.settled {
		return nil
	}
	stored, ok := s.opts.Settings.(*StoredSettings)
	if !ok {
		r.Settings, err = s.opts.Settings.Settings(ctx, r.Tenant)
		r.settled = err == nil
		return err
	}
	known, err := stored.get(ctx, r.Tenant, r.outdated)
	if err != nil {
		return err
	}
	if fence := known.set + 1; r.outdated && r.fence == fence {
		r.fence = 0 // they were not set anew: somebody has changed them, or the counter, in another way
	} else {
		r.fence = fence
	}
	r.Settings, r.settled, r.outdated = known.settings, true, false
	return nil
}

// Admit reads the settings of the tenant into r, and returns a *Refusal if they don't let its identity provider in, not even
// to read. Do admits by itself.
func (s *Service) Admit(ctx context.Context, r *Request) error {
	if err := s.settle(ctx, r); err != nil {
		return err
	}
	switch settings := &r.Settings; {
	case r.By != SourceSCIM:
		return nil
	case r.Connection.State == ConnectionPaused:
		return &Refusal{Reason: Forbidden, Detail: "this connection is paused; an administrator of the organization can make it live again, and nothing was changed meanwhile"}
	case r.Connection.State == ConnectionOff:
		return &Refusal{Reason: Forbidden, Detail: "this connection is switched off; an administrator of the organization can make it live again, or set up a new one"}
	case !settings.PlanAllows && settings.Plan == "":
		return &Refusal{Reason: Forbidden, Detail: "this organization's plan doesn't include provisioning by SCIM; a larger plan does"}
	case !settings.PlanAllows:
		return &Refusal{Reason: Forbidden, Detail: "the plan " + settings.Plan + " of this organization doesn't include provisioning by SCIM; a larger plan does"}
	case !settings.SCIM:
		return &Refusal{Reason: Forbidden, Detail: "provisioning by SCIM is switched off for this organization; an administrator can switch it on in its settings"}
	}
	return nil
}

// key is a key in the request's tenant.
func (r *Request) key(typ, id string) store.Key {
	return store.Key{Tenant: r.Tenant, Type: typ, ID: id}
}
