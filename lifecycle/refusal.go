package lifecycle

import (
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Refusal says why a change is refused, in words for the administrator of the identity provider. A Guard returns one to veto a
// change.
type Refusal struct {
	Reason    Reason
	Attribute string // with Invalid and Taken: which
	Detail    string // what is wrong, and what would be right
	Err       error  // what it was made of, where there is more to it; may be nil
	// Explanation is what the journal says beside Detail: which rule decided, and what would have passed. It is for the
	// administrators of the product, and never sent to the identity provider. Without one Detail is the explanation.
	Explanation string

	// RetryAfter is, with HeldBack, when the same may pass.
	RetryAfter time.Duration

	event Kind          // the product is told by this event; may be empty
	once  []store.Claim // which are made with the event, so that it is told once
}

// Unwrap returns Err.
func (r *Refusal) Unwrap() error { return r.Err }

func (r *Refusal) Error() string { return r.Detail }

// Reason is the kind of a refusal.
type Reason uint8

// The reasons.
const (
	Forbidden Reason = iota + 1 // the tenant's policy or plan doesn't allow it
	Invalid                     // the attribute's value can't be used
	Taken                       // the identity belongs to somebody already
	NoSeat                      // the plan's seats are used up
	TooLarge                    // the resource would exceed its limit
	NotFound                    // there is no such resource
	HeldBack                    // a brake holds it back; it may pass later
)

// Denied says why somebody can't sign in, or why something that an administrator asks for is not done.
type Denied struct{ Reason DeniedReason }

func (d *Denied) Error() string { return "lifecycle: denied: " + string(d.Reason) }

// DeniedReason is a machine-readable word.
type DeniedReason string

// quoted is a client's own words for a detail, cut short, so that an answer doesn't grow with what came in.
func quoted(words string) string { return document.Quoted(words) }

// The reasons for which Login and the administrator's methods deny.
const (
	DeniedSuspended   DeniedReason = "suspended"
	DeniedDeactivated DeniedReason = "deactivated"
	DeniedPending     DeniedReason = "pending"
	DeniedUnknown     DeniedReason = "unknown"
	DeniedSSODisabled DeniedReason = "ssoDisabled"
	DeniedNoSeat      DeniedReason = "noSeat"
	DeniedManual      DeniedReason = "manualDisabled" // adding by hand is switched off
	DeniedManaged     DeniedReason = "managed"        // the identity provider manages this user
	DeniedNotPossible DeniedReason = "notPossible"    // not in the state that the account is in
	DeniedExists      DeniedReason = "exists"         // the userName, or another value that must be unique, is taken in this organization
	DeniedElsewhere   DeniedReason = "elsewhere"      // an account outside the organization has it; acquire it first
)
