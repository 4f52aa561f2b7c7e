package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// HooksConsumer is the name of the consumer of events that Options.Hooks are.
const HooksConsumer = "hooks"

// Consumer is somebody who is told events, in their own order and time: with retries, parking, pauses and a lag of its own.
// What one consumer does with an event, and how long that takes, changes nothing for another. All processes that work on a
// store should have the same consumers: an event waits for those that were there when it was committed, until they take it.
type Consumer struct {
	// Name says who it is, in the store, in logs and to operators. It is up to 40 lower-case letters, digits, "-" and "_",
	// begins with a letter, and must stay the same. "hooks" is that of Options.Hooks.
	Name string

	// Hooks are the functions that are called. The consumer gets the events of those kinds for which there is a hook.
	Hooks Hooks

	// Kinds, if it isn't nil, are the only kinds that it is told.
	Kinds []Kind

	// What differs from Options.Delivery for this consumer. A field that is 0 means the value there.
	Workers  int
	Timeout  time.Duration
	Attempts int
	Backoff  time.Duration
	MaxWait  time.Duration

	// Wait says how long an event waits after its attempt with the number n has failed, in the place of Backoff and MaxWait. It may
	// be nil.
	Wait func(n int) time.Duration

	// Subscribers makes this a family of consumers, which come and go while the service runs, such as the webhook endpoints of a
	// tenant. Each of them is a consumer by itself. Its name is that of the family, a dot, and Subscriber.Name (see
	// Event.Consumer), and it is told by Hooks. Subscribers is called for each change of a tenant, so it should answer from memory;
	// if it returns an error the change fails. Only Run delivers to a family, and the store must be a store.EventAdmin.
	Subscribers func(ctx context.Context, tenant string) ([]Subscriber, error)

	// InTx says that the product's own store takes the events while it commits the change, in the same transaction: for example
	// sqlstore's Options.InTx, which finds them by EventsFor. Nothing is kept for such a consumer and Hooks isn't called. Kinds
	// says which events it gets; nil means all.
	InTx bool
}

// Subscriber is one of a family of consumers.
type Subscriber struct {
	Name  string // unique in the store; as Consumer.Name
	Kinds []Kind // that it is told; nil: those of the family
}

// consumer is a Consumer as a service delivers to it.
type consumer struct {
	Consumer
	delivery Delivery
}

// wants says whether it is told a kind.
func (c *consumer) wants(k Kind) bool {
	if c.Kinds != nil && !slices.Contains(c.Kinds, k) {
		return false
	}
	return c.InTx || c.Hooks.wants(k)
}

// wait is how long an event waits after its attempt number n has failed.
func (c *consumer) wait(n int) time.Duration {
	if c.Wait != nil {
		return max(c.Wait(n), 0)
	}
	return c.delivery.wait(n)
}

// wellNamed is what a consumer may be called.
var wellNamed = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// newConsumers checks the consumers of the options. The first is "hooks".
func newConsumers(o *Options, keeps, administers bool) (all []*consumer, err error) {
	for i, c := range append([]Consumer{{Name: HooksConsumer, Hooks: o.Hooks}}, o.Consumers...) {
		own := &consumer{c, o.Delivery}
		name := fmt.Sprintf("lifecycle: Options.Consumers: %q", c.Name)
		switch {
		case !wellNamed.MatchString(c.Name):
			return nil, fmt.Errorf(`%s: want a name of up to 40 lower-case letters, digits, "-" and "_" that begins with a letter`, name)
		case slices.ContainsFunc(all, func(other *consumer) bool { return other.Name == c.Name }):
			return nil, fmt.Errorf("%s: want names that differ; %q is that of Options.Hooks", name, HooksConsumer)
		case c.InTx && c.Subscribers != nil:
			return nil, fmt.Errorf("%s has Subscribers and InTx: want one of the two", name)
		case c.InTx && c.Hooks.any():
			return nil, fmt.Errorf("%s is InTx and has Hooks, which are never called: leave them out, and say in Kinds what it gets", name)
		case i > 0 && !keeps && !c.InTx:
			return nil, fmt.Errorf("%s: the store keeps no events, so that nothing waits for a consumer: set Options.Hooks only, or use a store that is a store.EventSource", name)
		case c.Subscribers != nil && !administers:
			return nil, fmt.Errorf("%s has Subscribers: that needs a store that is a store.EventAdmin", name)
		case i > 0 && !c.InTx && !c.Hooks.any():
			return nil, fmt.Errorf("%s has no Hooks: nothing would be told", name)
		}
		override(&own.delivery.Workers, c.Workers)
		override(&own.delivery.Timeout, c.Timeout)
		override(&own.delivery.Attempts, c.Attempts)
		override(&own.delivery.Backoff, c.Backoff)
		override(&own.delivery.MaxWait, c.MaxWait)
		own.delivery.MaxWait = max(own.delivery.MaxWait, own.delivery.Backoff)
		if err := own.delivery.validate(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, own)
	}
	return all, nil
}

func override[T int | time.Duration](field *T, value T) {
	if value != 0 {
		*field = value
	}
}

// allKinds are the kinds of events that there are.
var allKinds = [...]Kind{
	KindProvisioned, KindActivated, KindDeactivated, KindReactivated, KindBilled, KindUnbilled, KindRejected, KindUpdated, KindDeleted,
	KindGroupCreated, KindGroupUpdated, KindGroupDeleted, KindMembersChanged, KindSeatRefused, KindAccountConflict, KindBrakeHeld,
	KindResourceCreated, KindResourceUpdated, KindResourceDeleted, KindCredentialExpiring, KindRequestCompleted,
}

// Kinds are all kinds of events that there are, in the order of the documents.
func Kinds() []Kind { return slices.Clone(allKinds[:]) }

// toldBy says for each kind who is told it, of the consumers that are always there.
func (s *Service) toldBy() map[Kind][]string {
	told := make(map[Kind][]string, len(allKinds))
	for _, k := range allKinds {
		for _, c := range s.consumers {
			if c.Subscribers == nil && !c.InTx && c.wants(k) {
				told[k] = append(told[k], c.Name)
			}
		}
		if s.opts.Feed {
			told[k] = append(told[k], store.FeedConsumer)
		}
	}
	return told
}

// takenBy says for each kind who takes it inside the commit.
func (s *Service) takenBy() map[Kind][]string {
	taken := make(map[Kind][]string)
	for _, c := range s.consumers {
		for _, k := range allKinds {
			if c.InTx && c.wants(k) {
				taken[k] = append(taken[k], c.Name)
			}
		}
	}
	return taken
}

// EventsFor are the events of a change for a consumer that is InTx. The store that commits the change calls it, inside the
// transaction. An event that can't be read is store.ErrCorrupt; it should make the commit fail.
func EventsFor(c *store.Change, consumer string) (events []*Event, err error) {
	for _, kept := range c.Events {
		if !slices.Contains(kept.InTx, consumer) {
			continue
		}
		e, err := eventOf(kept)
		if err != nil {
			return nil, err
		}
		e.Subject.Tenant, e.Consumer, e.Attempt = c.Tenant, consumer, 1
		events = append(events, e)
	}
	return events, nil
}

// EventOf is an event as a store kept it, such as one of the feed. What can't be read whole is store.ErrCorrupt.
func EventOf(kept store.Event) (*Event, error) { return eventOf(kept) }

// audience says who is told the events of one decision.
type audience struct {
	told    map[Kind][]string
	members []member
}

// member is one of a family of consumers.
type member struct {
	family *consumer
	name   string
	kinds  []Kind
}

// audience asks the families who of them is there.
func (s *Service) audience(ctx context.Context, tenant string) (a audience, err error) {
	a.told = s.told
	for _, c := range s.families {
		subscribers, err := c.Subscribers(ctx, tenant)
		if err != nil {
			return a, fmt.Errorf("lifecycle: the subscribers of the consumer %s: %w", c.Name, err)
		}
		for _, x := range subscribers {
			a.members = append(a.members, member{c, c.Name + "." + x.Name, x.Kinds})
		}
	}
	return a, nil
}

// of is who is told a kind. It must not be changed.
func (a *audience) of(k Kind) []string {
	names := a.told[k]
	if len(a.members) == 0 {
		return names
	}
	names = slices.Clone(names)
	for _, m := range a.members {
		if m.family.wants(k) && (m.kinds == nil || slices.Contains(m.kinds, k)) {
			names = append(names, m.name)
		}
	}
	return names
}

// consumerOf is the consumer with a name, or the family of it; nil if there is none.
func (s *Service) consumerOf(name string) *consumer {
	for _, c := range s.consumers {
		isMember := c.Subscribers != nil && strings.HasPrefix(name, c.Name+".")
		if !c.InTx && (isMember || c.Subscribers == nil && c.Name == name) {
			return c
		}
	}
	return nil
}

// ErrNoConsumer says that there is no consumer with that name.
var ErrNoConsumer = errors.New("lifecycle: there is no such consumer")

// RetryError is an error of a hook that knows when to try again, or that it helps nothing.
type RetryError struct {
	Err    error
	After  time.Duration // the event waits for at least so long, and at most a day
	GiveUp bool          // the event is parked at once
}

func (e *RetryError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *RetryError) Unwrap() error { return e.Err }
