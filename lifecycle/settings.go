package lifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Settings are a tenant's policy (I9): data, not code. The zero value of a field that is a word means its first.
type Settings struct {
	SCIM   bool `json:"scim"`   // the identity provider may change people; off: 403
	SSO    bool `json:"sso"`    // people may sign in
	JIT    bool `json:"jit"`    // who signs in and is unknown is created
	Manual bool `json:"manual"` // administrators may add people by hand, and edit those that they added

	SCIMOff string `json:"scimOff"` // what becomes of those it manages meanwhile, by Service.Apply: keep | suspend (and lets them in again)

	Review          bool   `json:"review"`          // new people wait for approval
	Deprovision     string `json:"deprovision"`     // on active=false: suspend | deactivate | delete
	Delete          string `json:"delete"`          // on SCIM DELETE: remove | keep (as deactivated, for the product; the identity provider sees it no more)
	ExistingAccount string `json:"existingAccount"` // one outside the organization: refuse | acquire (an administrator must) | link
	ExistingUser    string `json:"existingUser"`    // a POST for a user added by hand or by sign-in: refuse (409) | link (SCIM takes over)
	EditManaged     bool   `json:"editManaged"`     // administrators may edit and remove whom the identity provider manages
	SuspendManaged  bool   `json:"suspendManaged"`  // administrators may suspend and reactivate them

	SeatLimit    *int   `json:"seatLimit"`    // nil: none
	SeatCounting string `json:"seatCounting"` // who takes a seat: provisioned (all with access) | billed (only who has signed in)

	DefaultRole string `json:"defaultRole"` // role template of new people
	Plan        string `json:"plan"`        // the tenant's plan, for messages
	PlanAllows  bool   `json:"planAllows"`  // the plan includes SCIM; false: 403 that names the plan
}

// DefaultSettings let everybody in by every way but JIT, and leave whom the identity provider manages to it.
func DefaultSettings() Settings {
	return Settings{SCIM: true, SSO: true, Manual: true, SuspendManaged: true, PlanAllows: true,
		SCIMOff: "keep", Deprovision: "suspend", Delete: "remove", ExistingAccount: "refuse", ExistingUser: "refuse", SeatCounting: "provisioned"}
}

// Validate says which setting is wrong and what would be right.
func (s Settings) Validate() error {
	for _, c := range [...]struct {
		name, value string
		allowed     []string
	}{
		{"scimOff", s.SCIMOff, []string{"keep", "suspend"}},
		{"deprovision", s.Deprovision, []string{"suspend", "deactivate", "delete"}},
		{"delete", s.Delete, []string{"remove", "keep"}},
		{"existingAccount", s.ExistingAccount, []string{"refuse", "acquire", "link"}},
		{"existingUser", s.ExistingUser, []string{"refuse", "link"}},
		{"seatCounting", s.SeatCounting, []string{"provisioned", "billed"}},
	} {
		ok := false
		for _, a := range c.allowed {
			ok = ok || a == c.value
		}
		if !ok {
			return fmt.Errorf("%s: want one of %v, got %q", c.name, c.allowed, c.value)
		}
	}
	if s.SeatLimit != nil && *s.SeatLimit < 0 {
		return fmt.Errorf("seatLimit: want 0 or more, or null for none, got %d", *s.SeatLimit)
	}
	return nil
}

// disable is the cause that active=false is under this policy.
func (s Settings) disable() Cause {
	switch s.Deprovision {
	case "deactivate":
		return DisableClose
	case "delete":
		if s.Delete == "keep" {
			return RemoveKeep
		}
		return DisableRemove
	}
	return DisableSuspend
}

// remove is the cause that a DELETE is.
func (s Settings) remove() Cause {
	if s.Delete == "keep" {
		return RemoveKeep
	}
	return Remove
}

// enable is the cause that active=true is: who was never let in is reviewed, or that could be got around by active=false
// and true.
func (s Settings) enable(a Account) Cause {
	if s.Review && a.FirstLogin.IsZero() && (a.State == Suspended || a.State == Deactivated) {
		return EnableForReview
	}
	return Enable
}

func (s Settings) limit() int {
	if s.SeatLimit == nil {
		return -1
	}
	return *s.SeatLimit
}

// takesSeat says whether an account in its state counts. Who waits for review does not: the seat is taken by who is let in.
func (s Settings) takesSeat(a Account) bool {
	if s.SeatCounting == "billed" {
		return a.State == Active
	}
	return a.State == Provisioned || a.State == Active
}

// SettingsSource tells a tenant's settings. It is asked for every change, so it should answer from memory. It must be
// safe for concurrent use.
type SettingsSource interface {
	Settings(ctx context.Context, tenant string) (Settings, error)
}

// FixedSettings are the same for every tenant.
type FixedSettings Settings

// Settings implements SettingsSource.
func (f FixedSettings) Settings(context.Context, string) (Settings, error) { return Settings(f), nil }

// StoredSettings keeps each tenant's settings in the store beside its people, as a resource of an internal type, and
// remembers them for a while.
type StoredSettings struct {
	Store    store.Store
	MaxAge   time.Duration   // for so long they are remembered; the same in all processes; default 1 s
	Defaults func() Settings // of a tenant that has stored none; default DefaultSettings

	mu    sync.Mutex
	known map[string]storedSettings
}

type storedSettings struct {
	settings Settings
	read     time.Time
}

const settingsType = "rollcall.Settings"

func settingsKey(tenant string) store.Key {
	return store.Key{Tenant: tenant, Type: settingsType, ID: "settings"}
}

// Settings implements SettingsSource. A tenant without stored settings has the defaults.
func (s *StoredSettings) Settings(ctx context.Context, tenant string) (Settings, error) {
	s.mu.Lock()
	k, ok := s.known[tenant]
	s.mu.Unlock()
	began := time.Now()
	if ok && began.Sub(k.read) < s.maxAge() {
		return k.settings, nil
	}
	settings := DefaultSettings()
	if s.Defaults != nil {
		settings = s.Defaults()
	}
	r, err := s.Store.Get(ctx, settingsKey(tenant))
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return Settings{}, err
	default:
		if err := json.Unmarshal([]byte(r.Internal), &settings); err != nil {
			return Settings{}, fmt.Errorf("lifecycle: stored settings: %w", err)
		}
	}
	s.remember(tenant, settings, began)
	return settings, nil
}

func (s *StoredSettings) maxAge() time.Duration {
	if s.MaxAge <= 0 {
		return time.Second
	}
	return s.MaxAge
}

func (s *StoredSettings) remember(tenant string, settings Settings, read time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = make(map[string]storedSettings)
	}
	s.known[tenant] = storedSettings{settings, read}
}

// Set validates and keeps a tenant's settings. If they differ it takes MaxAge, and when it returns no change begins by the old
// ones any more, in any process: no seat is sold beyond a new limit. If ctx ends before, they are kept nevertheless.
func (s *StoredSettings) Set(ctx context.Context, tenant string, settings Settings) error {
	if err := settings.Validate(); err != nil {
		return err
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	v, err := document.Parse(string(text), 0)
	if err != nil {
		return err
	}
	for {
		r := &store.Resource{Key: settingsKey(tenant), Internal: v.Document(), Version: newID(), Created: now(), LastModified: now()}
		put := store.Put{Resource: r}
		old, err := s.Store.Get(ctx, r.Key)
		if err == nil {
			if old.Internal == r.Internal {
				return nil
			}
			put.IfVersion, r.Created = old.Version, old.Created
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		err = s.Store.Commit(ctx, &store.Change{Tenant: tenant, Put: []store.Put{put}})
		var exists *store.ConflictError
		if errors.Is(err, store.ErrVersionMismatch) || errors.As(err, &exists) {
			continue // somebody else set them meanwhile; the last one holds
		}
		if err != nil {
			return err
		}
		s.remember(tenant, settings, time.Now())
		select {
		case <-time.After(s.maxAge()):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
