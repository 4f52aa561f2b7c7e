package lifecycle

import "fmt"

// This file has those policies of Settings that are one of a few words. In Go an empty word means the default. In JSON a word must
// be one of those listed, so that a misspelt or an empty one is an error and never another policy (I9).

// SCIMOff says what becomes of those whom the identity provider manages while SCIM is off. Service.Apply does it.
type SCIMOff string

// The words of SCIMOff.
const (
	SCIMOffKeep    SCIMOff = "keep"    // they keep their access; the default
	SCIMOffSuspend SCIMOff = "suspend" // they are suspended, and let in again when SCIM is on
)

// Deprovision says what active=false does to a user.
type Deprovision string

// The words of Deprovision.
const (
	DeprovisionSuspend    Deprovision = "suspend"    // no access for a while; the default
	DeprovisionDeactivate Deprovision = "deactivate" // the account is closed
	DeprovisionDelete     Deprovision = "delete"     // the user is deleted, as DeletePolicy says
)

// DeletePolicy says what a SCIM DELETE does to a user.
type DeletePolicy string

// The words of DeletePolicy.
const (
	DeleteRemove DeletePolicy = "remove" // the user is gone; the default
	DeleteKeep   DeletePolicy = "keep"   // the product keeps the user, deactivated; the identity provider sees it no more
)

// ExistingAccount says what happens when somebody who is created has an account outside of the organization.
type ExistingAccount string

// The words of ExistingAccount.
const (
	ExistingAccountRefuse  ExistingAccount = "refuse"  // it is refused; the default
	ExistingAccountAcquire ExistingAccount = "acquire" // it is refused until an administrator has acquired the account
	ExistingAccountLink    ExistingAccount = "link"    // the account becomes the new user's
)

// ExistingUser says what a POST does for a user who was added by hand or by a sign-in.
type ExistingUser string

// The words of ExistingUser.
const (
	ExistingUserRefuse ExistingUser = "refuse" // 409; the default
	ExistingUserLink   ExistingUser = "link"   // SCIM takes the user over
)

// InactiveUser says what a POST does for a user who is there and has no access.
type InactiveUser string

// The words of InactiveUser.
const (
	InactiveUserRefuse  InactiveUser = "refuse"  // 409 that says how to restore; the default
	InactiveUserRestore InactiveUser = "restore" // the user is let in again, under the same id
)

func (w InactiveUser) check() error {
	return oneOf("inactiveUser", w, InactiveUserRefuse, InactiveUserRestore)
}

// UnmarshalText implements encoding.TextUnmarshaler; encoding/json uses it.
func (w *InactiveUser) UnmarshalText(text []byte) error {
	*w = InactiveUser(text)
	return w.check()
}

// SameExternalID says whether two users of an organization may have the same externalId. Users who had the same before it was refused
// keep it. Service.Reindex sees to it that nobody else gets an externalId that was written before it was refused.
type SameExternalID string

// The words of SameExternalID.
const (
	SameExternalIDRefuse SameExternalID = "refuse" // 409; the default
	SameExternalIDAllow  SameExternalID = "allow"  // for identity providers that send what isn't unique
)

func (w SameExternalID) check() error {
	return oneOf("sameExternalId", w, SameExternalIDRefuse, SameExternalIDAllow)
}

// UnmarshalText implements encoding.TextUnmarshaler; encoding/json uses it.
func (w *SameExternalID) UnmarshalText(text []byte) error {
	*w = SameExternalID(text)
	return w.check()
}

// SeatCounting says who takes a seat.
type SeatCounting string

// The words of SeatCounting.
const (
	SeatCountingProvisioned SeatCounting = "provisioned" // everybody with access; the default
	SeatCountingBilled      SeatCounting = "billed"      // only who has signed in
)

func (w SCIMOff) check() error { return oneOf("scimOff", w, SCIMOffKeep, SCIMOffSuspend) }

func (w Deprovision) check() error {
	return oneOf("deprovision", w, DeprovisionSuspend, DeprovisionDeactivate, DeprovisionDelete)
}

func (w DeletePolicy) check() error { return oneOf("delete", w, DeleteRemove, DeleteKeep) }

func (w ExistingAccount) check() error {
	return oneOf("existingAccount", w, ExistingAccountRefuse, ExistingAccountAcquire, ExistingAccountLink)
}

func (w ExistingUser) check() error {
	return oneOf("existingUser", w, ExistingUserRefuse, ExistingUserLink)
}

func (w SeatCounting) check() error {
	return oneOf("seatCounting", w, SeatCountingProvisioned, SeatCountingBilled)
}

// oneOf says whether a word is one of a setting's. It allocates nothing unless it isn't.
func oneOf[W ~string](setting string, word W, words ...W) error {
	for _, w := range words {
		if w == word {
			return nil
		}
	}
	return fmt.Errorf("%s: want one of %v, got %q", setting, append([]W(nil), words...), string(word))
}

// UnmarshalText implements encoding.TextUnmarshaler; encoding/json uses it.
func (w *SCIMOff) UnmarshalText(text []byte) error { *w = SCIMOff(text); return w.check() }

// UnmarshalText implements encoding.TextUnmarshaler; encoding/json uses it.
func (w *Deprovision) UnmarshalText(text []byte) error { *w = Deprovision(text); return w.check() }

// UnmarshalText implements encoding.TextUnmarshaler; encoding/json uses it.
func (w *DeletePolicy) UnmarshalText(text []byte) error { *w = DeletePolicy(text); return w.check() }

// UnmarshalText implements encoding.TextUnmarshaler; encoding/json uses it.
func (w *ExistingAccount) UnmarshalText(text []byte) error {
	*w = ExistingAccount(text)
	return w.check()
}

// UnmarshalText implements encoding.TextUnmarshaler; encoding/json uses it.
func (w *ExistingUser) UnmarshalText(text []byte) error { *w = ExistingUser(text); return w.check() }

// UnmarshalText implements encoding.TextUnmarshaler; encoding/json uses it.
func (w *SeatCounting) UnmarshalText(text []byte) error { *w = SeatCounting(text); return w.check() }
