// Package lifecycle decides what a change means for the product: who gets in, who is billed, who is told, what
// happens on the way out. It plans each [store.Change] with its events, commits it, and delivers the events to hooks.
// It knows nothing of HTTP and is usable without it.
package lifecycle

import (
	"context"

	"github.com/rollcall-dev/rollcall/store"
)

// Service is the lifecycle of all tenants' people. It is safe for concurrent use.
type Service struct{}

// Actor is who asks for a change, and through what; it goes into the journal.
type Actor struct {
	Tenant     string
	Connection string
	Action     string   // e.g. "PATCH /Users"
	Quirks     []string // names of the tolerated deviations that the request used
}

// MemberChange is what is to happen to a group's members.
type MemberChange struct {
	Replace bool // Add is the whole membership
	Add     []store.MemberRef
	Remove  []string
}

// Create commits a new resource. It sets the ID, Version, Created, LastModified and Internal of r.
func (s *Service) Create(ctx context.Context, a Actor, r *store.Resource, members []store.MemberRef) error {
	panic("to come")
}

// Update commits next in the place of cur (the same key), with a change of members if m is not nil. If nothing differs
// it writes nothing, tells nobody and leaves next in cur's version; otherwise it sets next's Version, LastModified and
// Internal. A lost race is store.ErrVersionMismatch: read again and try again.
func (s *Service) Update(ctx context.Context, a Actor, cur, next *store.Resource, m *MemberChange) error {
	panic("to come")
}

// ChangeMembers changes the members of a group without reading the group. ifVersion may be "". It returns the group's
// new version, "" if nothing changed.
func (s *Service) ChangeMembers(ctx context.Context, a Actor, group store.Key, ifVersion string, m MemberChange) (version string, err error) {
	panic("to come")
}

// Delete removes cur, or closes it, by the tenant's policy.
func (s *Service) Delete(ctx context.Context, a Actor, cur *store.Resource, ifVersion string) error {
	panic("to come")
}

// Refusal is why a change may not be, in words for the administrator of the identity provider.
type Refusal struct {
	Reason    Reason
	Attribute string // with Invalid and Taken: which
	Detail    string // what to do about it
}

func (r *Refusal) Error() string { return r.Detail }

// Reason is the kind of a refusal.
type Reason uint8

// The reasons.
const (
	Forbidden Reason = iota + 1 // the tenant's policy, plan or seats don't allow it
	Invalid                     // the attribute's value can't be used
	Taken                       // the identity belongs to somebody already
)
