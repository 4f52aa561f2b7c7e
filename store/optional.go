package store

import (
	"context"
	"time"
)

// The interfaces in this file are optional: a store implements those whose part it can do.

// RelatedReader reads resources together with the groups that they are members of, where that saves a round trip.
type RelatedReader interface {
	// GetRelated is Get, and Members with Of: the resource's id.
	GetRelated(ctx context.Context, k Key) (*Resource, []Member, error)
	// ListRelated is List, and Members with Of: the ids of the page's resources, in their order.
	ListRelated(ctx context.Context, q Query) (*Page, []Member, error)
}

// SeatReader reads the count that SeatClaim changes.
type SeatReader interface {
	Seats(ctx context.Context, tenant string) (used int, err error)
}

// EventSource hands out committed events for delivery, at least once each and in order per subject. Several processes
// may draw from one source; a lease that runs out makes its events available to the others.
type EventSource interface {
	// Lease hands out up to l.Max events that are due, in the order of their commits. Of one subject it hands out the
	// events in order, and none while an earlier one of the same subject is leased to someone, waits for its retry, or
	// is not yet settled otherwise; a parked event holds up nothing.
	Lease(ctx context.Context, l Lease) ([]Delivery, error)
	// Settle ends leases: each is done, to be retried, or parked. A lease that has run out and was handed to someone
	// else meanwhile is left alone.
	Settle(ctx context.Context, s []Settlement) error
	// Parked lists the events of a tenant that were given up, oldest first, at most max.
	Parked(ctx context.Context, tenant string, max int) ([]Delivery, error)
	// Replay makes the events of a tenant from the given time on, parked and done ones included, due again, in order.
	Replay(ctx context.Context, tenant string, from time.Time) error
	// Prune forgets the done events of all tenants that are older than the given time, and says how many.
	Prune(ctx context.Context, before time.Time) (int, error)
}

// Lease asks for events.
type Lease struct {
	Owner string    // unique to the caller
	Now   time.Time // what counts as due
	Until time.Time // when the lease runs out
	Max   int
}

// Delivery is an event in somebody's hands.
type Delivery struct {
	Event
	Sequence int64  // the order of commits as the store knows it
	Attempts int    // deliveries begun before this one
	Owner    string // Lease.Owner
	Reason   string // why the last attempt failed; of parked and retried ones
}

// Settlement ends a lease on an event.
type Settlement struct {
	Tenant  string
	EventID string
	Owner   string
	Outcome Outcome
	RetryAt time.Time // with Retry
	Reason  string    // with Retry and Park
}

// Outcome of a delivery.
type Outcome uint8

// The outcomes.
const (
	Done Outcome = iota + 1
	Retry
	Park
)

// JournalReader reads what Change.Journal wrote.
type JournalReader interface {
	// Journal lists entries, newest first.
	Journal(ctx context.Context, q JournalQuery) ([]Entry, error)
}

// JournalQuery selects journal entries of a tenant.
type JournalQuery struct {
	Tenant     string
	Connection string // "": all
	Before     string // only entries with a smaller ID; "": from the newest
	Max        int
}
