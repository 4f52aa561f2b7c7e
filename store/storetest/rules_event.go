package storetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

const inOrder = "I10: Events are handed out at least once and in order per subject: none while an earlier one of its subject is leased, waits for its retry or is due."

var eventRules = []rule{
	eventRule("Whole", "An event is handed out as it was committed, with its consumer, the owner of the lease, and how often it was leased before.", eventWhole),
	eventRule("Order", inOrder, eventOrder),
	eventRule("Max", "A lease hands out at most Max events, in the order of their commits.", eventMax),
	eventRule("Owners", "Two owners never hold the same event. What an owner settles that it doesn't hold is left alone.", eventOwners),
	eventRule("Expiry", "A lease that runs out makes its event available to others. Settling it afterwards is left alone if somebody else has it.", eventExpiry),
	eventRule("LateSettle", "A lease that ran out can still be settled while nobody else has the event.", eventLateSettle),
	eventRule("Retry", inOrder+" One that is to be tried again is due at its time, and says why it failed.", eventRetry),
	eventRule("Park", "A parked event is listed with its reason, holds up nothing, and is handed out no more.", eventPark),
	eventRule("Renew", "A lease that is renewed lasts longer, from the time of the renewal, and counts as no other attempt.", eventRenew),
	eventRule("HandBack", "An event that is handed back is due at once, in its order. The attempt doesn't count, and the reason of the attempt before stays.", eventHandBack),
	eventRule("Subjects", "A lease of some subjects hands out only their events, in order; of no subjects, none.", eventSubjects),
	eventRule("Tenants", onlyItsOwn+" A lease draws from all tenants, or from the one that it names; subjects with the same key in two tenants don't hold up each other.", eventTenants),
	eventRule("Replay", "A replay makes the tenant's events from a time on due again, done and parked ones included, in order, with no attempts counted.", eventReplay),
	eventRule("ReplaySome", "A replay of a subject, or of an event, leaves the other events as they are.", eventReplaySome),
	eventRule("ReplayEarlier", inOrder+" An event that is replayed is handed out, whatever becomes of a later one that somebody has.", eventReplayEarlier),
	eventRule("Race", "Owners that lease in parallel hold no event twice, and each subject's come in order.", eventRace),
}

func eventWhole(e *eventKit) {
	c := creates(user(1))
	c.Events = []store.Event{
		{ID: e.tenant + "-x'1", Kind: "provisioned", Subject: e.subject(1), Time: epoch.Add(time.Microsecond), Data: `{"a":"ä😀","b":[1,2.50]}`, Consumers: []string{hooks}},
		{ID: e.tenant + "-2", Kind: "members.changed", Subject: store.Key{Tenant: e.tenant, Type: "Group", ID: "any '\" id"}, Time: epoch, Consumers: []string{hooks}},
	}
	e.commit(c)
	got := e.leaseFor(0, 10)
	if len(got) != 2 {
		e.stop("got %d events instead of 2", len(got))
	}
	for i, want := range c.Events {
		d := got[i]
		if !d.Time.Equal(want.Time) || d.Time.Location() != time.UTC {
			e.broken("the time %s became %s", want.Time, d.Time)
		}
		d.Time, want.Consumers = want.Time, nil
		e.want("the event", fmt.Sprintf("%+v", d.Event), fmt.Sprintf("%+v", want))
		if d.Consumer != hooks || d.Owner != "me" || d.Attempts != 0 || d.Reason != "" {
			e.broken("a first delivery has consumer %q, owner %q, %d attempts and reason %q", d.Consumer, d.Owner, d.Attempts, d.Reason)
		}
	}
	if got[0].Sequence >= got[1].Sequence {
		e.broken("the sequence goes from %d to %d", got[0].Sequence, got[1].Sequence)
	}
	if got = e.leaseAs(store.Lease{Owner: "you", For: -time.Minute, Max: 10}); len(got) != 2 || got[0].Attempts != 1 || got[1].Owner != "you" {
		e.broken("second deliveries are %+v", got)
	}
	if got = e.lease(10); len(got) != 2 || got[0].Attempts != 2 {
		e.broken("third deliveries are %+v", got)
	}
	e.settle(store.Done, got...)
	e.leases("a lease when all is done", 10)
}

func eventOrder(e *eventKit) {
	told := e.tell(1, 1, 2, 1, 2)
	first := e.leases("the first lease", 10, told[0], told[2])
	e.leases("a lease while the first ones are leased", 10)
	e.settle(store.Done, first[0])
	second := e.leases("a lease after the first of one subject is done", 10, told[1])
	e.settle(store.Done, second...)
	third := e.leases("a lease after its second is done", 10, told[3])
	e.settle(store.Done, first[1])
	e.settle(store.Done, third...)
	e.settle(store.Done, e.leases("the last lease", 10, told[4])...)
	more := e.tell(1)
	e.settle(store.Done, e.leases("a lease of what was told later", 10, more...)...)
}

func eventMax(e *eventKit) {
	told := e.tell(1, 2, 3, 4, 5)
	e.leases("a lease of none", 0)
	e.leases("a lease of two", 2, told[:2]...)
	e.leases("a lease of two more", 2, told[2:4]...)
	e.leases("a lease of the rest", 2, told[4])
}

func eventOwners(e *eventKit) {
	told := e.tell(1, 2, 3)
	mine := e.leases("the first owner's", 2, told[:2]...)
	e.leasesAs("the second owner's", store.Lease{Owner: "you", For: time.Hour, Max: 10}, told[2])
	stolen := slices.Clone(mine)
	for i := range stolen {
		stolen[i].Owner = "you"
	}
	e.settleAfter(store.Retry, 0, stolen...)
	e.settleAfter(store.Renew, 0, stolen...)
	e.settle(store.HandBack, stolen...)
	e.leases("after an owner settled what another one has", 10)
	e.settle(store.Done, stolen...)
	e.settleAfter(store.Retry, 0, mine...) // this would change nothing if another owner's settlement had counted
	e.leases("after the owner settled what it has", 10, told[:2]...)
}

func eventExpiry(e *eventKit) {
	told := e.tell(1, 1)
	mine := e.leasesAs("the first owner's", store.Lease{Max: 10}, told[0])
	yours := e.leasesAs("when the lease has run out", store.Lease{Owner: "you", For: time.Hour, Max: 10}, told[0])
	if yours[0].Attempts != 1 {
		e.broken("the second delivery counts %d before it", yours[0].Attempts)
	}
	e.leases("before the second lease runs out", 10)
	e.settle(store.Done, mine...)
	e.settleAfter(store.Retry, 0, mine...)
	e.settle(store.HandBack, mine...)
	e.leases("after the first owner settled too late", 10)
	e.settle(store.Done, yours...)
	e.leases("after the second owner settled", 10, told[1])
}

func eventLateSettle(e *eventKit) {
	told := e.tell(1, 1)
	e.settle(store.Done, e.leaseFor(0, 10)...)
	e.leases("after it was settled late", 10, told[1])
}

func eventRetry(e *eventKit) {
	told := e.tell(1, 1, 2)
	got := e.leases("the first lease", 10, told[0], told[2])
	e.settle(store.Done, got[1])
	e.settleAfter(store.Retry, 0, got[0])
	again := e.leases("when it is due again", 10, told[0])
	if again[0].Attempts != 1 || again[0].Reason != "because of "+told[0] {
		e.broken("a retry has %d attempts and reason %q", again[0].Attempts, again[0].Reason)
	}
	e.settleAfter(store.Retry, time.Hour, again...)
	e.leases("before the retry", 10)
	later := e.tell(2, 1)
	e.settle(store.Done, e.leases("other subjects before the retry", 10, later[0])...)
}

func eventPark(e *eventKit) {
	told := e.tell(1, 1, 2, 2)
	got := e.leases("the first lease", 10, told[0], told[2])
	e.settle(store.Park, got[1], got[0])
	next := e.leases("after the first ones were parked", 10, told[1], told[3])
	e.settle(store.Done, next...)
	e.leases("when all is settled", 10)
	parked := e.parked(hooks)
	e.are("the parked ones, oldest first", parked, told[0], told[2])
	for _, d := range parked {
		if d.Reason != "because of "+d.ID || d.Attempts != 1 || d.Data != `{"n":1}` || d.Consumer != hooks {
			e.broken("a parked one has reason %q, %d attempts, data %s and consumer %q", d.Reason, d.Attempts, d.Data, d.Consumer)
		}
	}
	one, err := e.source.Parked(e.Context(), e.tenant, hooks, 1)
	e.want("one parked one", []any{eventIDs(one), err}, []any{told[:1], nil})
	none, err := e.source.Parked(e.Context(), e.tenant+"-other", "", 10)
	e.want("another tenant's parked ones", []any{len(none), err}, []any{0, nil})
}

func eventRenew(e *eventKit) {
	told := e.tell(1, 1)
	mine := e.leaseFor(0, 10)
	e.settleAfter(store.Renew, time.Hour, mine...)
	e.leases("after the lease was renewed for an hour", 10)
	e.settleAfter(store.Renew, 0, mine...)
	yours := e.leasesAs("after the lease was renewed to run out at once", store.Lease{Owner: "you", For: time.Hour, Max: 10}, told[0])
	if yours[0].Attempts != 1 {
		e.broken("a renewed lease counts as %d attempts", yours[0].Attempts)
	}
	e.settleAfter(store.Renew, 0, mine...)
	e.leases("after the owner before renewed what it doesn't have any more", 10)
	e.settleAfter(store.Renew, time.Hour, yours...)
	e.settle(store.Done, yours...)
	e.leases("after a renewed one is done", 10, told[1])
}

func eventHandBack(e *eventKit) {
	told := e.tell(1, 1, 2)
	got := e.leases("the first lease", 10, told[0], told[2])
	e.settle(store.HandBack, got...)
	got = e.leases("after they were handed back", 10, told[0], told[2])
	if got[0].Attempts != 0 {
		e.broken("what was handed back counts as %d attempts", got[0].Attempts)
	}
	e.settleAfter(store.Retry, 0, got[0])
	got = e.leases("when one is due again", 10, told[0])
	e.settle(store.HandBack, got...)
	got = e.leases("after the retried one was handed back", 10, told[0])
	if got[0].Attempts != 1 || got[0].Reason != "because of "+told[0] {
		e.broken("a retried one that was handed back has %d attempts and reason %q", got[0].Attempts, got[0].Reason)
	}
}

func eventSubjects(e *eventKit) {
	told := e.tell(1, 2, 1, 3)
	some := func(what string, subjects []store.Key, want ...string) []store.Delivery {
		e.Helper()
		return e.leasesAs(what, store.Lease{Subjects: subjects, For: time.Hour, Max: 10}, want...)
	}
	some("a lease of no subjects", []store.Key{})
	some("a lease of a subject that nothing was told about", []store.Key{e.subject(9)})
	some("a lease of a subject of another type", []store.Key{{Tenant: e.tenant, Type: "Group", ID: id(1)}})
	got := some("a lease of two subjects", []store.Key{e.subject(3), e.subject(1), e.subject(9)}, told[0], told[3])
	some("a lease of what is leased", []store.Key{e.subject(1)})
	e.settle(store.Done, got...)
	some("the next one of a subject", []store.Key{e.subject(1)}, told[2])
	e.leases("a lease of all subjects", 10, told[1])
}

func eventTenants(e *eventKit) {
	e = e.of(e.tenant) // a consumer that no other rule uses, because a lease in all tenants would get the events of other rules, too
	other := e.in(e.tenant + "-other")
	mine, theirs := e.tell(1, 1), other.tell(1, 1)
	everywhere := func(what string, want ...string) []store.Delivery {
		e.Helper()
		got, err := e.source.Lease(e.Context(), store.Lease{Owner: "all", Consumer: e.consumer, For: time.Hour, Max: 10})
		if err != nil {
			e.stop("Lease: %v", err)
		}
		e.are(what, got, want...)
		return got
	}
	got := everywhere("a lease of all tenants", mine[0], theirs[0])
	e.want("the tenants of the events", []string{got[0].Subject.Tenant, got[1].Subject.Tenant}, []string{e.tenant, other.tenant})
	stranger := got[1]
	stranger.Subject.Tenant = e.tenant
	e.settle(store.Done, stranger)
	e.settle(store.Done, got[0])
	other.leases("after one was settled in the wrong tenant", 10)
	e.settle(store.Done, got[1])
	e.settle(store.Done, other.leases("a lease of one tenant", 10, theirs[1])...)
	everywhere("a lease of all tenants when one has no more", mine[1])
	third := e.in(e.tenant + "-third")
	third.leases("a lease of a tenant without events", 10)
}

func eventReplay(e *eventKit) {
	told := e.tell(1, 1, 1, 2, 1)
	for i, want := range told[:3] {
		got := e.lease(10)
		if len(got) == 0 || got[0].ID != want {
			e.stop("lease %d is %v", i, eventIDs(got))
		}
		if i == 1 {
			e.settle(store.Park, got[0])
			got = got[1:]
		}
		e.settle(store.Done, got...)
	}
	e.in(e.tenant + "-other").replay(store.Replay{})
	e.settle(store.Done, e.leases("after a replay of another tenant", 10, told[4])...)
	e.replay(store.Replay{From: e.at(2)})
	e.want("what is parked after a replay", eventIDs(e.parked("")), []string{})
	got := e.leases("after a replay", 10, told[1], told[3])
	if got[0].Attempts != 0 || got[0].Reason != "" {
		e.broken("a replayed one has %d attempts and reason %q", got[0].Attempts, got[0].Reason)
	}
	e.settle(store.Done, got...)
	e.settle(store.Done, e.leases("the next one", 10, told[2])...)
	e.settle(store.Done, e.leases("the last one", 10, told[4])...)
	e.leases("after all were handed out again", 10)

	e.replay(store.Replay{})
	got = e.leases("after a replay of all", 10, told[0], told[3])
	e.replay(store.Replay{})
	e.settle(store.Done, got...) // its lease has ended
	e.leases("after a replay of what was leased", 10, told[0], told[3])
}

func eventReplaySome(e *eventKit) {
	told := e.tell(1, 2, 1, 3)
	for range 2 {
		e.settle(store.Done, e.lease(10)...)
	}
	subject := e.subject(1)
	e.replay(store.Replay{Subject: &subject})
	e.settle(store.Done, e.leases("after a replay of a subject", 10, told[0])...)
	e.settle(store.Done, e.leases("its second one", 10, told[2])...)
	e.leases("after both", 10)
	e.replay(store.Replay{Subject: &subject, From: e.at(2)})
	e.settle(store.Done, e.leases("after a replay of a subject from a time on", 10, told[2])...)
	other := store.Key{Tenant: e.tenant, Type: "Group", ID: id(1)}
	e.replay(store.Replay{Subject: &other})
	e.replay(store.Replay{EventID: "that never was"})
	e.replay(store.Replay{EventID: told[0], Subject: ptr(e.subject(2))})
	e.leases("after replays of what isn't there", 10)
	e.replay(store.Replay{EventID: told[0]})
	e.settle(store.Done, e.leases("after a replay of one event", 10, told[0])...)
	e.leases("after that one", 10)
}

func ptr[T any](v T) *T { return &v }

func eventReplayEarlier(e *eventKit) {
	told := e.tell(1, 1, 1)
	first := e.leases("the first lease", 10, told[0])
	e.settle(store.Done, first...)
	second := e.leases("the second lease", 10, told[1])
	e.replay(store.Replay{EventID: told[0]})
	again := e.leases("after a replay of an earlier one", 10, told[0])
	e.settle(store.Done, second...) // they are settled in the order in which they were leased
	e.leases("while the earlier one is leased", 10)
	e.settle(store.Done, again...)
	third := e.leases("after both are done", 10, told[2])

	// Now the later one fails.
	e.replay(store.Replay{EventID: told[1]})
	second = e.leases("after another replay", 10, told[1])
	e.settleAfter(store.Retry, 0, third...)
	e.leases("while the earlier one is leased again", 10)
	e.settle(store.Done, second...)
	e.settle(store.Done, e.leases("when the later one is due again", 10, told[2])...)
	e.leases("when all is done", 10)
}

func eventRace(e *eventKit) {
	var subjects []int
	for n := range 60 {
		subjects = append(subjects, n%7)
	}
	told := e.tell(subjects...)
	var mu sync.Mutex
	all, seen := 0, map[string][]string{} // by subject
	var wg sync.WaitGroup
	for n := range 6 {
		wg.Go(func() {
			for i := range 2000 {
				mu.Lock()
				isOver := all >= len(told) && i >= 3 // each owner leases at least three times, however fast the others are
				mu.Unlock()
				if isOver {
					return
				}
				got, err := e.source.Lease(e.Context(), store.Lease{
					Owner: fmt.Sprint("owner-", n), Consumer: hooks, Tenant: e.tenant, For: time.Hour, Max: 3,
				})
				if err != nil {
					e.broken("Lease: %v", err)
					return
				}
				var settled []store.Settlement
				for _, d := range got {
					mu.Lock()
					seen[d.Subject.ID] = append(seen[d.Subject.ID], d.ID)
					all++
					mu.Unlock()
					settled = append(settled, store.Settlement{Tenant: d.Subject.Tenant, EventID: d.ID, Consumer: hooks, Owner: d.Owner, Outcome: store.Done})
				}
				if err := e.source.Settle(e.Context(), settled); err != nil {
					e.broken("Settle: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	want := map[string][]string{}
	for i, eventID := range told {
		want[id(subjects[i])] = append(want[id(subjects[i])], eventID)
	}
	e.want("the deliveries by subject", seen, want)
}
