package store

import (
	"context"
	"time"

	"github.com/rollcall-dev/rollcall/store/document"
)

// As finds the optional interface T of a store: of s itself, or of the store that s wraps. A store that wraps another one
// says so by a method Unwrap() Store. The outermost store that has the interface is taken, so that a wrapper may also
// implement it by itself.
func As[T any](s Store) (T, bool) {
	for s != nil {
		if t, ok := s.(T); ok {
			return t, true
		}
		wrapper, ok := s.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		s = wrapper.Unwrap()
	}
	var none T
	return none, false
}

// The interfaces below are optional: a store implements those whose work it can do.

// RelatedReader reads resources together with the groups that they are members of, where that saves a round trip. It says
// the same as Get, List and Members, so it is asked of the outermost store only: a wrapper that answers reads by itself,
// such as a cache, is never passed by.
type RelatedReader interface {
	// GetRelated is Get, and Members with Of: the resource's id.
	GetRelated(ctx context.Context, k Key) (*Resource, []Member, error)
	// ListRelated is List, and Members with Of: the ids of the page's first resources, in their order. It reads about as many
	// rows as most says, and says of how many resources the rows are complete. The caller asks Members for the others.
	ListRelated(ctx context.Context, q Query, most int) (page *Page, rows []Member, complete int, err error)
}

// CounterReader reads the counters that claims change. Brakes need it, and so does the journal to count in one entry the refusals of
// all processes that it doesn't list.
type CounterReader interface {
	// Counters returns the named counters of a tenant in the order of the names, all as of one moment. One that nobody has
	// claimed from is 0.
	Counters(ctx context.Context, tenant string, names ...string) ([]Counter, error)
}

// Counter is where a counter stands.
type Counter struct {
	Name  string
	Count int
	Began time.Time // of its window; zero if it has none. A window that has ended is still shown: see Claim.Window
}

// EventSource hands out committed events for delivery, at least once to each of their consumers, and in order per subject
// and consumer (I10). Several processes may draw from one source. Leases and retries go by the clock of the database,
// where there is one, and by that of the process otherwise.
type EventSource interface {
	// Lease hands out up to l.Max events of a consumer that are due: first those of subjects for whom an urgent event waits, then
	// the others, each in the order of their commits. Of one subject it hands out the events in order, and none while an earlier
	// one of the same subject is leased to someone, waits for its retry, or is not yet settled otherwise. A parked event holds up
	// nothing. Events of FeedConsumer are handed out to nobody.
	Lease(ctx context.Context, l Lease) ([]Delivery, error)
	// Settle ends or prolongs leases. It leaves a lease alone that has run out and was handed to somebody else meanwhile.
	Settle(ctx context.Context, s []Settlement) error
	// Parked lists the deliveries of a tenant that were given up, oldest first, at most max; of all consumers if consumer is "".
	Parked(ctx context.Context, tenant, consumer string, max int) ([]Delivery, error)
	// Replay makes deliveries due again, in order, parked and done ones included, with no attempts counted.
	Replay(ctx context.Context, r Replay) error
}

// Lease asks for the events of one consumer.
type Lease struct {
	Owner    string // unique to the caller
	Consumer string
	Tenant   string        // "": of all tenants
	Subjects []Key         // only of these subjects, all of Tenant; nil: of all
	For      time.Duration // after which the lease runs out; 0 or less: at once
	Max      int
}

// Delivery is an event in somebody's hands, for one consumer.
type Delivery struct {
	Event           // Consumers is not set
	Consumer string // the one that it is delivered to
	Sequence int64  // the order of commits as the store knows it
	Attempts int    // how often it was leased before, and not handed back; a process that died with it counts
	Owner    string // Lease.Owner
	Reason   string // why the last attempt failed; of parked and retried ones
}

// Settlement says what becomes of a lease.
type Settlement struct {
	Tenant   string
	EventID  string
	Consumer string
	Owner    string
	Outcome  Outcome
	After    time.Duration // with Retry how long from now until it is due again, with Renew until the lease runs out
	Reason   string        // with Retry and Park
}

// Outcome of a delivery.
type Outcome uint8

// The outcomes.
const (
	Done     Outcome = iota + 1 // it was delivered
	Retry                       // it failed and is due again later
	Park                        // it failed and is given up, until a Replay
	Renew                       // it is still being delivered: the lease lasts longer
	HandBack                    // nobody has begun with it: it is due at once, and the attempt doesn't count
)

// Replay says which events a consumer is told again.
type Replay struct {
	Tenant   string
	Consumer string
	From     time.Time // events from this time on; zero: all that are kept
	Subject  *Key      // only of this subject; nil: of all
	EventID  string    // only this event; "": all
}

// JournalReader reads what Change.Journal wrote.
type JournalReader interface {
	// Journal lists entries, newest first.
	Journal(ctx context.Context, q JournalQuery) ([]Entry, error)
}

// JournalQuery selects journal entries of a tenant. An empty field selects by nothing.
type JournalQuery struct {
	Tenant     string
	Connection string
	Subject    string // id of the subject, of whatever type
	Outcome    string
	Request    string
	Before     string // only entries with a smaller ID
	Max        int
}

// Forgetter removes what need not be kept any longer (I13).
type Forgetter interface {
	// Prune removes what is older than the times say, of all tenants, in batches, and returns how many rows it has removed. Events
	// that some consumer has yet to be told stay, and so do resources of types that aren't internal. It may be called again if it
	// was interrupted.
	Prune(ctx context.Context, r Retention) (int, error)
	// Forget removes everything of a tenant, its keys, counters, events and journal included. It may be called again if it was
	// interrupted. Nobody may write for the tenant meanwhile, or what they write may stay.
	Forget(ctx context.Context, tenant string) error
}

// Retention says what is old. A zero time keeps everything of that kind.
type Retention struct {
	Done    time.Time // deliveries that were made, of events before this time
	Parked  time.Time // deliveries that were given up, of events before this time
	Journal time.Time // journal entries before this time
	// JournalCount is how many journal entries of a tenant may stay: the newest, by id. 0 or less: all.
	JournalCount int
	// Records are resources of internal types that were last changed before a time: those of each type that is named here. A
	// resource of another type is never removed.
	Records map[string]time.Time
}

// Tracer goes through what is kept of a tenant's past, so that somebody can be told what it says of them, or it can be taken
// out (I13).
type Tracer interface {
	// Traces shows each event, once for each of its consumers, and each entry of the journal to edit, in the order of their commits,
	// and keeps the data that edit returns in the place of what there is. With an event's data the reasons for which deliveries
	// failed go, too. Events in somebody's hands stay there. edit must not call the store. What is committed meanwhile may
	// be shown or not. An interrupted call has edited some, and may be called again.
	Traces(ctx context.Context, tenant string, edit func(Trace) document.Document) error
}

// Trace is an event or an entry of the journal, as far as it tells of somebody.
type Trace struct {
	Event   bool   // else an entry of the journal
	ID      string // of the event or the entry
	Subject Key
	Name    string // Event.Kind, or Entry.Action
	Outcome string // of an entry
	Time    time.Time
	Data    document.Document
}
