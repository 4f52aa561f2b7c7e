// Package store is the contract between Rollcall and whatever keeps a product's resources: a [Store] reads one, reads
// many, reads members, and commits one [Change], all or nothing.
//
// Everything in it is plain data. A store decides nothing: ids, versions, times and index keys come from the caller (I2),
// expressions come bound (see package filter). What only some stores can do is an optional interface, found by [As].
// Package storetest has the conformance kit that every store must pass and the Fake that products test with.
//
// The invariants that comments cite by number (I1 and so on) are defined in CONTRIBUTING.md.
package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Store keeps resources and memberships. All methods may be called concurrently. Each call belongs to one tenant and can neither
// see nor touch the rows of another, whatever ids it is given (I4). What goes in and what comes out belongs to the caller, so a
// store clones; only a document may be shared, because it is immutable (I5).
//
// The context is that of a request: when it ends, a call ends soon with an error that says so, and a commit has then happened
// whole or not at all. Beside the errors that are named below, a store may return errors of its own. Callers show those to nobody.
type Store interface {
	// Get reads one resource, or returns ErrNotFound.
	Get(ctx context.Context, k Key) (*Resource, error)

	// List reads a page of the resources that match. It returns ErrCursor for a cursor that isn't the query's, ErrTooMuch
	// for a query that needs more work than the store allows, and ErrBusy if the tenant runs too many such queries at once.
	List(ctx context.Context, q Query) (*Page, error)

	// Members streams membership rows: the members of groups, or the groups of members. All rows of one owner are of one
	// moment. The store holds no connection, transaction or lock while the caller does something with a row. An error
	// ends the stream. Groups and members that don't exist have no rows.
	Members(ctx context.Context, q MemberQuery) iter.Seq2[Member, error]

	// Commit makes everything in the change true, or nothing of it (I1). Then it says why not: ErrNotFound,
	// ErrVersionMismatch, *ConflictError, *ClaimError, *UnknownMemberError, ErrUnavailable.
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

// Attribute returns a top-level attribute's value, including id, meta and what is under filter.InternalURI. With it and a method
// Related a store makes a filter.Source of a Resource.
func (r *Resource) Attribute(p filter.Path) document.Value {
	switch p.URI {
	case "":
		switch p.Name {
		case "id":
			return document.String(r.ID)
		case "meta":
			return document.Object(
				document.Field{Name: "resourceType", Value: document.String(r.Type)},
				document.Field{Name: "created", Value: document.String(r.Created.Format(time.RFC3339Nano))},
				document.Field{Name: "lastModified", Value: document.String(r.LastModified.Format(time.RFC3339Nano))},
				document.Field{Name: "version", Value: document.String(r.Version)},
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

// Row is the membership as an element of the attribute members (RFC 7643 section 4.2), for filters: value, type, display.
func (m Member) Row() document.Value {
	return document.Object(
		document.Field{Name: "value", Value: document.String(m.ID)},
		document.Field{Name: "type", Value: document.String(m.Type)},
		document.Field{Name: "display", Value: document.String(m.Label)},
	)
}

// MemberRef names a resource as a member.
type MemberRef struct {
	// Type may be empty: then the store looks it up. Of several resources with the id it takes the type that is first in
	// alphabetical order and not internal.
	Type string
	ID   string
}

// Change is what must become true together. Its parts are applied in the order of the fields. So a put can't take a unique
// key that a delete of the same change frees, members may be resources that the change puts, and whoever is deleted has
// left its groups before.
type Change struct {
	Tenant  string
	Absent  []Absent
	Put     []Put
	Members []MemberDelta
	Delete  []Delete
	Claims  []Claim
	Events  []Event
	Journal []Entry
}

// Absent is a resource that must not exist, else ErrVersionMismatch. No other part of the change is about it. A store may look for it before
// the change waits for others. So if another change creates it at the same time, both may take place, unless they also have a unique key, a
// version or a counter with a limit in common.
type Absent struct{ Type, ID string }

// Put writes a resource whole. Its tenant is the change's.
type Put struct {
	Resource *Resource
	// IfVersion is the version that the resource replaces; ErrVersionMismatch if it has another one or doesn't exist. An
	// empty IfVersion creates the resource; *ConflictError with the attribute "id" if it exists.
	IfVersion string
	// Was is the resource in the version IfVersion, as it was read. It may be nil: then a store that must know it looks.
	Was *Resource
}

// MemberDelta changes the members of a resource of the type Group. It says exactly what changes: nobody in Add is a member yet,
// and everybody in Remove is one. Otherwise the commit returns ErrVersionMismatch, because somebody else has changed the members
// since they were read. It returns ErrNotFound if there is no such group, and *UnknownMemberError if an added member doesn't exist
// in the tenant.
type MemberDelta struct {
	Group        string
	IfVersion    string    // the version that the group must have; "": any. Ignored if the change also puts the group
	Version      string    // the group's next version; if the change also puts the group, the version of the put holds
	LastModified time.Time // the group's next time, likewise
	Add          []MemberRef
	Remove       []string
}

// Delete removes a resource with its index keys, and a group with its membership rows. The commit returns ErrNotFound if it
// doesn't exist. Somebody who is deleted must not be a member of a group any more: if the Members of the change leave a
// membership, because it was added since the groups were read, the commit returns ErrVersionMismatch.
type Delete struct {
	Type, ID  string
	IfVersion string // "": any
}

// Claim takes from a counter of the tenant, or gives back to it. Counters exist by being named, and begin at 0.
type Claim struct {
	Counter string
	Take    int // may be negative; the counter never falls below 0
	Limit   int // with a positive Take: *ClaimError if the counter would exceed it; negative: no limit
	// Window makes the counter begin anew: the first claim sets the time at which the window begins, and a claim at or
	// after its end counts from 0 in a window of its own. 0: the counter counts for good. A counter has one kind of window.
	Window time.Duration
	At     time.Time // of the claim; needed with a Window only
}

// Event is a fact that the product is told after the commit.
type Event struct {
	ID        string    // unique; to deduplicate by
	Kind      string    // see lifecycle.Kind
	Subject   Key       // the resource that it is about; events of one subject stay in order
	Time      time.Time // UTC, whole microseconds
	Data      document.Document
	Consumers []string // who is told, each in its own time; an event without consumers is not kept
	// InTx are the consumers who take the event while it is committed, in the same transaction. A store keeps nothing for them.
	InTx []string
	// Urgent says that its subject goes before those for whom no urgent event waits, in Lease. Those of one subject stay in order.
	Urgent bool
}

// Entry is a line of the journal: what a request did and why.
type Entry struct {
	ID         string // unique, in the order of time
	Time       time.Time
	Connection string // the identity provider's link by which the request came; may be empty
	Request    string // id of the request; may be empty
	Who        string // the administrator or credential; may be empty
	Subject    Key
	Action     string // e.g. "POST /Users"
	Outcome    string // e.g. "created"
	Data       document.Document
}

// These are the errors of a store that can't do what it was asked. A store may wrap them; callers use errors.Is and errors.As.
var (
	// ErrNotFound: the tenant has no such resource.
	ErrNotFound = errors.New("store: not found")
	// ErrVersionMismatch: a resource or membership isn't as it was when the change was made. Read again and decide again.
	ErrVersionMismatch = errors.New("store: version mismatch")
	// ErrUnavailable: the store can't be reached now and nothing was done; or the answer to a commit was lost, which then
	// happened whole or not at all. Trying later may help.
	ErrUnavailable = errors.New("store: unavailable")
	// ErrCorrupt: what is kept can't be read whole. A store never answers with a part of it (I12).
	ErrCorrupt = errors.New("store: a record is damaged")
	// ErrCursor: the cursor is not one of this query's.
	ErrCursor = errors.New("store: invalid cursor")
	// ErrTooMuch: no index answers the query, and reading everything exceeds its budget (I18).
	ErrTooMuch = errors.New("store: the query needs too much work")
	// ErrBusy: the tenant runs as many queries that no index answers as it may at once (I18). Trying later helps.
	ErrBusy = errors.New("store: too many costly queries at once")
)

// ConflictError says that another resource of the tenant and type has the value of a unique key already.
type ConflictError struct {
	Attribute string // IndexKey.Attribute, or "id"
}

func (e *ConflictError) Error() string { return fmt.Sprintf("store: %s is taken", e.Attribute) }

// ClaimError says that a claim would take more than its limit allows.
type ClaimError struct {
	Counter string // Claim.Counter
}

func (e *ClaimError) Error() string {
	return fmt.Sprintf("store: the limit of %s is reached", e.Counter)
}

// UnknownMemberError says that a member to add doesn't exist.
type UnknownMemberError struct{ ID string }

func (e *UnknownMemberError) Error() string { return fmt.Sprintf("store: no resource %s to add", e.ID) }

// IsInternal says whether a resource type is one of the library's own. Their names have a dot in them, and no client of
// SCIM can ask for them.
func IsInternal(typ string) bool { return strings.Contains(typ, ".") }
