package lifecycle

import (
	"errors"
	"fmt"
	"time"
)

// Settings are a tenant's policy (I9): data, not code. Begin with DefaultSettings and change what differs: the zero Settings
// switch everything off, and are refused. An empty word means its default.
type Settings struct {
	SCIM   bool `json:"scim"`   // the identity provider may change people; off: 403
	SSO    bool `json:"sso"`    // people may sign in
	JIT    bool `json:"jit"`    // who signs in and is unknown is created
	Manual bool `json:"manual"` // administrators may add people by hand, and edit those that they added

	SCIMOff SCIMOff `json:"scimOff"` // what becomes of those whom it manages while SCIM is off; default keep

	Review          bool            `json:"review"`          // new people wait for approval
	Deprovision     Deprovision     `json:"deprovision"`     // what active=false does; default suspend
	Delete          DeletePolicy    `json:"delete"`          // what a SCIM DELETE does; default remove
	ExistingAccount ExistingAccount `json:"existingAccount"` // what a creation does about an account outside the organization; default refuse
	ExistingUser    ExistingUser    `json:"existingUser"`    // what a POST does for a user who was added by hand or by a sign-in; default refuse
	HandOver        bool            `json:"handOver"`        // a connection takes over people whom another one manages; else 403
	InactiveUser    InactiveUser    `json:"inactiveUser"`    // what a POST does for a user who is there and has no access; default refuse
	SameExternalID  SameExternalID  `json:"sameExternalId"`  // what becomes of an externalId that another user of the organization has; default refuse
	EditManaged     bool            `json:"editManaged"`     // administrators may edit and remove whom the identity provider manages
	SuspendManaged  bool            `json:"suspendManaged"`  // administrators may suspend and reactivate whom the identity provider manages

	SeatLimit    *int         `json:"seatLimit"`    // nil: none
	SeatCounting SeatCounting `json:"seatCounting"` // who takes a seat; default provisioned

	DefaultRole string `json:"defaultRole"` // role template of new people
	Plan        string `json:"plan"`        // the tenant's plan, for messages
	PlanAllows  bool   `json:"planAllows"`  // the plan includes SCIM; false: 403 that names the plan

	// Until these times the journal keeps the bodies of requests, sealed (see Options.Bodies), and the values of attributes that
	// changed, except sensitive ones. nil: it doesn't.
	KeepBodiesUntil *time.Time `json:"keepBodiesUntil"`
	KeepValuesUntil *time.Time `json:"keepValuesUntil"`
}

// DefaultSettings let everybody in by every way but JIT, and leave whom the identity provider manages to it.
func DefaultSettings() Settings {
	return Settings{SCIM: true, SSO: true, Manual: true, SuspendManaged: true, PlanAllows: true}.withDefaults()
}

// withDefaults puts the default in the place of each empty word, so that whoever reads settings sees only words.
func (s Settings) withDefaults() Settings {
	if s.SCIMOff == "" {
		s.SCIMOff = SCIMOffKeep
	}
	if s.Deprovision == "" {
		s.Deprovision = DeprovisionSuspend
	}
	if s.Delete == "" {
		s.Delete = DeleteRemove
	}
	if s.ExistingAccount == "" {
		s.ExistingAccount = ExistingAccountRefuse
	}
	if s.ExistingUser == "" {
		s.ExistingUser = ExistingUserRefuse
	}
	if s.InactiveUser == "" {
		s.InactiveUser = InactiveUserRefuse
	}
	if s.SameExternalID == "" {
		s.SameExternalID = SameExternalIDRefuse
	}
	if s.SeatCounting == "" {
		s.SeatCounting = SeatCountingProvisioned
	}
	return s
}

// Validate says which setting is wrong and what would be right. An empty word is right. Settings that allow nothing at all
// are wrong: they come from a literal that was not begun with DefaultSettings.
func (s Settings) Validate() error {
	_, err := s.checked()
	return err
}

// checked are the settings with their defaults, if they are valid. Every source's settings go through here at each reading, so
// it allocates nothing.
func (s Settings) checked() (Settings, error) {
	s = s.withDefaults()
	if err := s.SCIMOff.check(); err != nil {
		return Settings{}, err
	}
	if err := s.Deprovision.check(); err != nil {
		return Settings{}, err
	}
	if err := s.Delete.check(); err != nil {
		return Settings{}, err
	}
	if err := s.ExistingAccount.check(); err != nil {
		return Settings{}, err
	}
	if err := s.ExistingUser.check(); err != nil {
		return Settings{}, err
	}
	if err := s.InactiveUser.check(); err != nil {
		return Settings{}, err
	}
	if err := s.SameExternalID.check(); err != nil {
		return Settings{}, err
	}
	if err := s.SeatCounting.check(); err != nil {
		return Settings{}, err
	}
	if s.SeatLimit != nil && *s.SeatLimit < 0 {
		return Settings{}, fmt.Errorf("seatLimit: want 0 or more, or null for none, got %d", *s.SeatLimit)
	}
	if !s.SCIM && !s.SSO && !s.Manual && !s.SuspendManaged && !s.PlanAllows {
		return Settings{}, errors.New("scim, sso, manual, suspendManaged and planAllows are all false, so that nobody gets in: begin with lifecycle.DefaultSettings() and change what differs")
	}
	return s, nil
}

// disable says by which cause an account moves when the identity provider sends active=false.
func (s Settings) disable() Cause {
	switch s.Deprovision {
	case DeprovisionDeactivate:
		return DisableClose
	case DeprovisionDelete:
		if s.Delete == DeleteKeep {
			return RemoveKeep
		}
		return DisableRemove
	}
	return DisableSuspend
}

// remove says by which cause an account moves at a DELETE.
func (s Settings) remove() Cause {
	if s.Delete == DeleteKeep {
		return RemoveKeep
	}
	return Remove
}

// enable says by which cause an account moves when the identity provider sends active=true. Somebody who was never let in waits for
// review again. Otherwise active=false followed by active=true would be a way around the review.
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
	if s.SeatCounting == SeatCountingBilled {
		return a.State == Active
	}
	return a.State == Provisioned || a.State == Active
}
