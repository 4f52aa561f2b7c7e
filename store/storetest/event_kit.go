package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// eventKit checks a rule on the events of one consumer. No rule waits for a lease: those that have to run out do so at
// once, and all others last an hour.
type eventKit struct {
	*kit
	source   store.EventSource
	consumer string // if empty, hooks
	told     int    // how many events were committed
}

const minute = time.Minute

// eventRule makes a rule that is skipped if the store has no EventSource.
func eventRule(name, text string, check func(e *eventKit)) rule {
	return rule{name, text, func(k *kit) {
		source, ok := store.As[store.EventSource](k.Store)
		if !ok {
			k.Skip("the store is no EventSource")
		}
		check(&eventKit{kit: k, source: source})
	}}
}

// of returns a kit for another consumer.
func (e *eventKit) of(consumer string) *eventKit {
	other := *e
	other.consumer = consumer
	return &other
}

// in returns a kit for another tenant.
func (e *eventKit) in(tenant string) *eventKit {
	other, k := *e, *e.kit
	k.tenant = tenant
	other.kit = &k
	return &other
}

func (e *eventKit) reader() string {
	if e.consumer == "" {
		return hooks
	}
	return e.consumer
}

func (e *eventKit) subject(n int) store.Key {
	return store.Key{Tenant: e.tenant, Type: "User", ID: id(n)}
}

// tell commits an event for each subject, in order, each a second after the one before, and returns their ids.
func (e *eventKit) tell(subjects ...int) (eventIDs []string) {
	e.Helper()
	return e.tellAll([]string{e.reader()}, subjects...)
}

// tellAll does what tell does, for events with several consumers.
func (e *eventKit) tellAll(consumers []string, subjects ...int) (eventIDs []string) {
	e.Helper()
	for _, s := range subjects {
		e.told++
		ev := fact(fmt.Sprintf("%s-%03d", e.tenant, e.told), "updated", e.subject(s), e.at(e.told))
		ev.Consumers = consumers
		e.commit(store.Change{Events: []store.Event{ev}})
		eventIDs = append(eventIDs, ev.ID)
	}
	return eventIDs
}

// at returns the time of the nth event.
func (e *eventKit) at(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }

// leaseAs leases events of the kit's consumer and tenant, by "me" unless l names another owner.
func (e *eventKit) leaseAs(l store.Lease) []store.Delivery {
	e.Helper()
	if l.Owner == "" {
		l.Owner = "me"
	}
	l.Consumer, l.Tenant = e.reader(), e.tenant
	got, err := e.source.Lease(e.Context(), l)
	if err != nil {
		e.stop("Lease: %v", err)
	}
	return got
}

// lease leases at most so many events for an hour.
func (e *eventKit) lease(most int) []store.Delivery {
	e.Helper()
	return e.leaseFor(time.Hour, most)
}

func (e *eventKit) leaseFor(d time.Duration, most int) []store.Delivery {
	e.Helper()
	return e.leaseAs(store.Lease{For: d, Max: most})
}

// leases leases events for an hour, and ends the check if it gets others than wanted.
func (e *eventKit) leases(what string, most int, want ...string) []store.Delivery {
	e.Helper()
	return e.leasesAs(what, store.Lease{For: time.Hour, Max: most}, want...)
}

func (e *eventKit) leasesAs(what string, l store.Lease, want ...string) []store.Delivery {
	e.Helper()
	got := e.leaseAs(l)
	e.are(what, got, want...)
	return got
}

// are ends the check if the events are others than wanted.
func (e *eventKit) are(what string, got []store.Delivery, want ...string) {
	e.Helper()
	if ids := eventIDs(got); !slices.Equal(ids, want) {
		e.stop("%s:\n got %s\nwant %s", what, ids, want)
	}
}

func eventIDs(events []store.Delivery) (ids []string) {
	for _, d := range events {
		ids = append(ids, d.ID)
	}
	return ids
}

// settle settles deliveries. Those that are to be tried again are due an hour later.
func (e *eventKit) settle(outcome store.Outcome, events ...store.Delivery) {
	e.Helper()
	e.settleAfter(outcome, time.Hour, events...)
}

func (e *eventKit) settleAfter(outcome store.Outcome, after time.Duration, events ...store.Delivery) {
	e.Helper()
	var all []store.Settlement
	for _, d := range events {
		s := store.Settlement{Tenant: d.Subject.Tenant, EventID: d.ID, Consumer: d.Consumer, Owner: d.Owner, Outcome: outcome}
		if outcome == store.Retry || outcome == store.Renew {
			s.After = after
		}
		if outcome == store.Retry || outcome == store.Park {
			s.Reason = "because of " + d.ID
		}
		all = append(all, s)
	}
	if err := e.source.Settle(e.Context(), all); err != nil {
		e.stop("Settle: %v", err)
	}
}

// parked returns the parked deliveries of a consumer, or of all consumers if it is empty.
func (e *eventKit) parked(consumer string) []store.Delivery {
	e.Helper()
	got, err := e.source.Parked(e.Context(), e.tenant, consumer, 100)
	if err != nil {
		e.stop("Parked: %v", err)
	}
	return got
}

func (e *eventKit) replay(r store.Replay) {
	e.Helper()
	r.Tenant = e.tenant
	if r.Consumer == "" {
		r.Consumer = e.reader()
	}
	if err := e.source.Replay(e.Context(), r); err != nil {
		e.stop("Replay of %+v: %v", r, err)
	}
}
