// Package store is the contract between Rollcall and whatever keeps a product's resources: a [Store] reads one, reads
// many, reads members, and commits one [Change], all or nothing.
//
// Everything in it is plain data. A store decides nothing: ids, versions, times and index keys come from the caller,
// expressions come bound (see package filter). Package storetest has the conformance kit that every store must pass
// and the Fake that products test with.
package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Store keeps resources and memberships. All methods may be called concurrently, and each belongs to exactly one
// tenant: no call can see or touch another tenant's rows, whatever ids it is given. What goes in and comes out belongs
// to the caller (a document is immutable and may be shared).
//
// Beyond the errors named below a store returns errors of its own; callers show those to nobody.
type Store interface {
	// Get reads one resource, or returns ErrNotFound.
	Get(ctx context.Context, k Key) (*Resource, error)

	// List reads a page of the resources that match.
	List(ctx context.Context, q Query) (*Page, error)

	// Members streams membership rows: the members of groups, or the groups of members. An error ends the stream. Groups
	// and members that don't exist have no rows.
	Members(ctx context.Context, q MemberQuery) iter.Seq2[Member, error]

	// Commit makes everything in the change true, or nothing of it and says why: ErrNotFound, ErrVersionMismatch,
	// ErrNoSeat, *ConflictError, *UnknownMemberError, ErrUnavailable.
	Commit(ctx context.Context, c *Change) error
}

// Key is a resource's primary key.
type Key struct {
	Tenant string
	Type   string // a resource type's name, e.g. User; internal types have a dot in it
	ID     string
}

// Resource is one SCIM resource, or a record of the library's own (an internal type).
type Resource struct {
	Key
	Version      string            // opaque; changes with every commit that touches the resource or its members
	Created      time.Time         // UTC, whole microseconds
	LastModified time.Time         // UTC, whole microseconds
	Label        string            // what other resources show of it (displayName, else userName)
	Index        []IndexKey        // in any order; reads return it
	Attributes   document.Document // every attribute but id, meta, schemas, members and groups; extensions under their URN
	Internal     document.Document // the library's own state of it, never in an answer: the account of a user
}

// IndexKey makes a resource findable by a value, and unique by it if Unique is set. A store keeps these in an index,
// and answers a filter of the form `attr eq value` on an attribute that a type indexes from there.
type IndexKey struct {
	Attribute string // as Path.String of the bound path: userName, externalId, emails.value
	Value     string // folded unless the attribute is caseExact
	Unique    bool   // among the resources of the same tenant and type
}

// Attribute is a top-level attribute's value, including id, meta and what is under filter.InternalURI. It makes a
// Resource the greater part of a filter.Source.
func (r *Resource) Attribute(p filter.Path) document.Value {
	switch p.URI {
	case "":
		switch p.Name {
		case "id":
			return document.String(r.ID)
		case "meta":
			return document.Object(
				document.Member{Name: "resourceType", Value: document.String(r.Type)},
				document.Member{Name: "created", Value: document.String(r.Created.Format(time.RFC3339Nano))},
				document.Member{Name: "lastModified", Value: document.String(r.LastModified.Format(time.RFC3339Nano))},
				document.Member{Name: "version", Value: document.String(r.Version)},
			)
		}
		return r.Attributes.Get(p.Name)
	case filter.InternalURI:
		return r.Internal.Get(p.Name)
	}
	extension := r.Attributes.Get(p.URI)
	if p.Name == "" {
		return extension
	}
	return extension.Get(p.Name)
}

// Query asks for a page of a tenant's resources. Pages are cut by Start, or by Cursor, never both.
type Query struct {
	Tenant string
	Types  []string    // at least one
	Filter filter.Expr // bound; nil matches all
	Sort   *Sort       // nil: by id
	Start  int         // how many matches to skip
	Cursor string      // "" for the first page, else Page.Next of the page before, with all else the same
	Count  int         // at most so many resources; 0 asks for the total only
	// NoTotal says that the caller doesn't need Page.Total.
	NoTotal bool
}

// Sort is an order. Ties, and resources without the attribute (last, or first if descending), are in the order of id,
// so that every order is total (RFC 7644 section 3.4.2.3).
type Sort struct {
	By         filter.Attr // bound; of a multi-valued attribute the primary value counts, else the first
	Descending bool
}

// Page is a part of a list.
type Page struct {
	Resources []*Resource
	Total     int    // of all matches; -1 if NoTotal was set and the store did not count
	Next      string // cursor of the next page; "" if this was the last
}

// MemberQuery asks for membership rows: of the groups named (Groups), or of the groups that the named have (Of). One of
// the two is set. Rows come in the order of Groups or Of, and within one in the order of the other end's id.
type MemberQuery struct {
	Tenant string
	Groups []string
	Of     []string
	IDs    []string // with Groups: only these members
}

// Member is a membership row.
type Member struct {
	Group string // the group's id
	Type  string // the member's resource type
	ID    string // the member's id
	Label string // Resource.Label of the other end: of the member if Groups was asked, of the group if Of was
}

// MemberRef names a resource as a member.
type MemberRef struct {
	Type string // "": the store looks it up; of several resources with the id, the first type by name that isn't internal
	ID   string
}

// Change is what must become true together. Its parts are applied in the order of the fields: a put can't take a unique
// key that a delete of the same change frees.
type Change struct {
	Tenant  string
	Absent  []Absent
	Put     []Put
	Delete  []Delete
	Members []MemberDelta
	Seats   *SeatClaim
	Events  []Event
	Journal *Entry
}

// Absent is a resource that must not be there, else ErrVersionMismatch. No other part of the change is about it.
type Absent struct{ Type, ID string }

// Put writes a resource whole. Its tenant is the change's.
type Put struct {
	Resource  *Resource
	IfVersion string // the version that it replaces, else (or if it isn't there) ErrVersionMismatch; "": it must not exist, else ConflictError{"id"}
	// Was is the resource in the version IfVersion, as it was read. It may be nil: then a store that must know looks.
	Was *Resource
}

// Delete removes a resource with its index keys and all of its memberships, on either side. ErrNotFound if it isn't there.
type Delete struct {
	Type, ID  string
	IfVersion string // "": any
}

// MemberDelta changes the members of a resource of the type Group. If the change also puts the group, the put's version
// and time hold. A member that is deleted later leaves the group's version alone: that is the caller's to change. Adding a member that is one and removing one that isn't are no errors.
// ErrNotFound if there's no such group, UnknownMemberError if an added member doesn't exist in the tenant.
type MemberDelta struct {
	Group        string
	IfVersion    string      // "": any; ignored if the change also puts the group
	Version      string      // the group's next version
	LastModified time.Time   // the group's next time
	Replace      bool        // Add is the whole membership: all others are removed
	Add          []MemberRef // applied after Remove
	Remove       []string
}

// SeatClaim takes seats from, or gives them back to, the tenant's count of used seats.
type SeatClaim struct {
	Take  int // may be negative; the count never falls below 0
	Limit int // with Take > 0: ErrNoSeat if more than so many would be used; negative: no limit
}

// Event is a fact that the product is told after the commit.
type Event struct {
	ID      string    // unique; to deduplicate by
	Kind    string    // see lifecycle.Kind
	Subject Key       // of the resource that it is about; events of one subject stay in order
	Time    time.Time // UTC, whole microseconds
	Data    document.Document
}

// Entry is a line of the journal: what a request did and why.
type Entry struct {
	ID         string // unique, in the order of time
	Time       time.Time
	Connection string
	Subject    Key
	Action     string // e.g. "POST /Users"
	Outcome    string // e.g. "created"
	Data       document.Document
}

// What a store answers when it can't do what it was asked. Wrap them freely; callers use errors.Is and errors.As.
var (
	// ErrNotFound: there's no such resource in the tenant.
	ErrNotFound = errors.New("store: not found")
	// ErrVersionMismatch: a resource isn't in the version that the change was made for, or is there and should not be.
	ErrVersionMismatch = errors.New("store: version mismatch")
	// ErrNoSeat: the claim would take more seats than the limit allows.
	ErrNoSeat = errors.New("store: no seat left")
	// ErrUnavailable: the store can't be reached now, and nothing was done; or its answer to a commit was lost, which happened
	// whole or not at all. Trying later may help.
	ErrUnavailable = errors.New("store: unavailable")
	// ErrCursor: the cursor is not one of this query's.
	ErrCursor = errors.New("store: invalid cursor")
)

// ConflictError says that another resource of the tenant and type has the value of a unique key already.
type ConflictError struct {
	Attribute string // IndexKey.Attribute, or "id"
}

func (e *ConflictError) Error() string { return fmt.Sprintf("store: %s is taken", e.Attribute) }

// UnknownMemberError says that a member to add doesn't exist.
type UnknownMemberError struct{ ID string }

func (e *UnknownMemberError) Error() string { return fmt.Sprintf("store: no resource %s to add", e.ID) }
