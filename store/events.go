package store

import (
	"context"
	"time"
)

// The interfaces below are optional parts of an EventSource, for those who operate it and for those who read the feed.

// EventAdmin is what the operators of an EventSource need.
type EventAdmin interface {
	// SetPaused stops or resumes the deliveries of a tenant to a consumer. While they are paused, Lease hands out none of them.
	// What somebody has in hand goes on. Events are kept meanwhile, and keep their order.
	SetPaused(ctx context.Context, tenant, consumer string, paused bool) error
	// Drop gives up a parked delivery for good: it counts as done, with the reason. ErrNotFound if it isn't parked.
	Drop(ctx context.Context, tenant, consumer, eventID, reason string) error
	// Lags says how far behind consumers are, in the order of tenants and consumers: of one tenant, or of all if tenant is "". A
	// consumer of which nothing waits, nothing is parked and nothing is paused needs no line.
	Lags(ctx context.Context, tenant string) ([]Lag, error)
	// Due names the consumers that Lease may hand out an event to, so that nobody has to ask for each of many.
	Due(ctx context.Context) ([]string, error)
}

// Lag is how far behind a consumer is with the events of a tenant.
type Lag struct {
	Tenant   string
	Consumer string
	Waiting  int       // events that it has yet to be told; those in somebody's hands count
	Oldest   time.Time // when the oldest of these happened; zero if none waits
	Parked   int       // events that were given up
	Paused   bool
}

// EventNotifier tells of commits of other processes, so that nobody has to look for their events every moment.
type EventNotifier interface {
	// Notify calls wake soon after a process has committed events, and whenever it may have missed that. It returns when ctx ends,
	// or with an error when it can't go on; the caller may call it again then. wake must not block.
	Notify(ctx context.Context, wake func()) error
}

// FeedConsumer is the name of the consumer for which events are only kept, in one order, to be read by a FeedReader. Lease
// never hands them out.
const FeedConsumer = "rollcall.feed"

// FeedReader reads the events that name FeedConsumer.
type FeedReader interface {
	// Feed reads the events behind a position, in an order that is total, never changes, and is the same for all who read it. An event
	// gets its position once it is committed, behind all that have one: whoever reads on from a position misses none, whatever
	// was being committed meanwhile. The events of a subject are in the order of their commits.
	Feed(ctx context.Context, q FeedQuery) (FeedPage, error)
}

// FeedQuery asks for a part of the feed.
type FeedQuery struct {
	After  int64    // the position behind which to read; 0: from the first that is kept
	Tenant string   // "": of all tenants
	Kinds  []string // nil: of all kinds
	Max    int      // at most so many events
}

// FeedPage is a part of the feed.
type FeedPage struct {
	Events []Delivery // Sequence is the position. Consumer is FeedConsumer
	Next   int64      // where to read on: the position of the last event that was looked at, be it in Events or not; else After
	More   bool       // there may be more behind Next already
	// Pruned is the position up to which events were removed, because they were old (Retention.Done). Whoever reads behind an earlier
	// one than this, except 0, has missed some.
	Pruned int64
}
