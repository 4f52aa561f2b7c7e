package lifecycle

import (
	"context"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Draft is what is asked for, as trees. Which fields are set says which kind of operation it is:
//
//	creation       After; no Before
//	change         Before and After, and perhaps Members
//	of members     Members alone; Before where it has been read
//	removal        Before alone
//	of an account  Before and Cause; or After and the Cause SignIn, of somebody who signs in for the first time
type Draft struct {
	Key    store.Key       // of the resource; without the ID at a creation
	Before *store.Resource // as it was read
	Was    document.Value  // the tree of Before.Attributes, where the caller has it; it is read only
	// Groups are the memberships of Before in groups, where HasGroups says that the caller has read them together with it.
	Groups    []store.Member
	HasGroups bool
	After     document.Value // the attributes that it shall have, valid by the schema
	// IfVersion is the version that a group must have whose members change, where it has not been read; "": any.
	IfVersion string
	// Members is what shall become of a group's members. At a creation only Add counts.
	Members *Members
	// Cause moves the account of a user, and nothing else.
	Cause Cause

	mail string // the address of somebody who signs in for the first time, as the sign-in has verified it; may be empty
}

// Members says what shall become of the members of a group.
type Members struct {
	Replace     bool // Add is the whole membership
	Add         []store.MemberRef
	Remove      []string
	RemoveWhere []filter.Expr // bound to the elements of members: those that match one of them are removed
}

// Proposal is what a Guard is asked about: what is true now, and what is to be true.
type Proposal struct {
	Key      store.Key       // without the ID at a creation
	Resource *store.Resource // as it is; nil at a creation, and where only members of a group change
	Before   document.Value  // the attributes as they are, read only; null at a creation, and where only members change
	After    document.Value  // the attributes as they are to be, for the guard to amend; null at a removal, and where only members change
	Removal  bool            // the resource is to be gone; tells it from a change of a group's members alone, which has no After either
	// Store is what is true for who asks: of a connection in the state shadow, what would be. It is read only.
	Store store.Store
	// Members are the memberships that begin or end: of the group whose members change or that is deleted, or of each group
	// that somebody leaves who is deleted. A guard may take something out of the change of one group's members; what it takes
	// out of a removal ends nevertheless.
	Members []store.MemberDelta
}

// Guard may veto a change before it is committed, or amend it. An error that is a *Refusal tells the identity provider or
// the administrator why; another error is a failure of the service. What a guard amends it explains with Request.AddNote.
//
// A guard runs in the request, with the request's context. It may be called more than once for one change, when a race was
// lost, and concurrently for different ones. It must have no effects.
type Guard func(ctx context.Context, r *Request, p *Proposal) error
