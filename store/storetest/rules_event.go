package storetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

const inOrder = "I10: Events are handed out at least once and in order per subject: none while an earlier one of its subject is leased, waits for its retry or is due."

var eventRules = func() (rules []rule) {
	for i, r := range []struct {
		name, text string
		check      func(e *eventKit)
	}{
		{"Whole", "An event is handed out as it was committed, with the number of deliveries begun before.", eventWhole},
		{"Order", inOrder, eventOrder},
		{"Max", "A lease hands out at most Max events, in the order of their commits.", eventMax},
		{"Owners", "Two owners never hold the same event.", eventOwners},
		{"Expiry", "A lease that runs out makes its event available to others; settling it afterwards is left alone if somebody else has it.", eventExpiry},
		{"LateSettle", "A lease that ran out can still be settled while nobody else has the event.", eventLateSettle},
		{"Retry", inOrder + " A retried one is due again at its time, and says why it failed.", eventRetry},
		{"Park", "A parked event is listed with its reason, holds up nothing, and is handed out no more.", eventPark},
		{"Replay", "A replay makes the tenant's events from a time on due again, done and parked ones included, in order.", eventReplay},
		{"Prune", "Prune forgets done events that are older, says how many, and forgets nothing else.", eventPrune},
		{"Tenants", onlyItsOwn + " A lease draws from all tenants; subjects with the same key in two tenants don't hold up each other.", eventTenants},
		{"Race", "Owners that lease in parallel hold no event twice, and each subject's come in order.", eventRace},
	} {
		rules = append(rules, rule{r.name, r.text, func(k *kit) {
			source, ok := k.Store.(store.EventSource)
			if !ok {
				k.Skip("the store is no EventSource")
			}
			// Each rule lives a year after the one before, so that what that one leased has run out.
			e := &eventKit{kit: k, source: source, now: epoch.AddDate(i+1, 0, 0)}
			for left := e.lease("drain", 1000); len(left) > 0; left = e.lease("drain", 1000) {
				e.settle(store.Done, left...)
			}
			r.check(e)
		}})
	}
	return rules
}()

// eventKit checks a rule on events, on a clock of its own.
type eventKit struct {
	*kit
	source store.EventSource
	now    time.Time
	told   int
}

const minute = time.Minute

// tell commits an event for each subject, in order, and returns their ids.
func (e *eventKit) tell(subjects ...int) (eventIDs []string) {
	e.Helper()
	for _, s := range subjects {
		e.told++
		ev := store.Event{
			ID: fmt.Sprintf("%s-%03d", e.tenant, e.told), Kind: "updated", Subject: e.subject(s),
			Time: e.now.Add(time.Duration(e.told) * time.Second), Data: `{"n":1}`,
		}
		e.commit(store.Change{Events: []store.Event{ev}})
		eventIDs = append(eventIDs, ev.ID)
	}
	return eventIDs
}

func (e *eventKit) subject(n int) store.Key {
	return store.Key{Tenant: e.tenant, Type: "User", ID: id(n)}
}

// lease draws events until ten minutes from now.
func (e *eventKit) lease(owner string, max int) []store.Delivery {
	e.Helper()
	got, err := e.source.Lease(e.Context(), store.Lease{Owner: owner, Now: e.now, Until: e.now.Add(10 * minute), Max: max})
	if err != nil {
		e.stop("Lease: %v", err)
	}
	return got
}

// leases draws events and checks which they are.
func (e *eventKit) leases(what, owner string, max int, want ...string) []store.Delivery {
	e.Helper()
	got := e.lease(owner, max)
	e.want(what, eventIDs(got), want)
	return got
}

func eventIDs(events []store.Delivery) (ids []string) {
	for _, d := range events {
		ids = append(ids, d.ID)
	}
	return ids
}

func (e *eventKit) settle(outcome store.Outcome, events ...store.Delivery) {
	e.Helper()
	var all []store.Settlement
	for _, d := range events {
		s := store.Settlement{Tenant: d.Subject.Tenant, EventID: d.ID, Owner: d.Owner, Outcome: outcome}
		if outcome != store.Done {
			s.RetryAt, s.Reason = e.now.Add(5*minute), "because of "+d.ID
		}
		all = append(all, s)
	}
	if err := e.source.Settle(e.Context(), all); err != nil {
		e.stop("Settle: %v", err)
	}
}

func (e *eventKit) parked() []store.Delivery {
	e.Helper()
	got, err := e.source.Parked(e.Context(), e.tenant, 100)
	if err != nil {
		e.stop("Parked: %v", err)
	}
	return got
}

func eventWhole(e *eventKit) {
	c := creates(user(1))
	c.Events = []store.Event{
		{ID: e.tenant + "-x'1", Kind: "provisioned", Subject: e.subject(1), Time: e.now.Add(time.Microsecond), Data: `{"a":"ä😀","b":[1,2.50]}`},
		{ID: e.tenant + "-2", Kind: "billed", Subject: store.Key{Tenant: e.tenant, Type: "Group", ID: "any '\" id"}, Time: e.now},
	}
	e.commit(c)
	got := e.lease("me", 10)
	if len(got) != 2 {
		e.stop("got %d events instead of 2", len(got))
	}
	for i, want := range c.Events {
		d := got[i]
		if !d.Time.Equal(want.Time) || d.Time.Location() != time.UTC {
			e.broken("the time %s became %s", want.Time, d.Time)
		}
		d.Time = want.Time
		e.want("the event", fmt.Sprintf("%+v", d.Event), fmt.Sprintf("%+v", want))
		if d.Owner != "me" || d.Attempts != 0 || d.Reason != "" {
			e.broken("a first delivery has owner %q, %d attempts and reason %q", d.Owner, d.Attempts, d.Reason)
		}
	}
	if got[0].Sequence >= got[1].Sequence {
		e.broken("the sequence goes from %d to %d", got[0].Sequence, got[1].Sequence)
	}
	e.now = e.now.Add(11 * minute)
	if got = e.lease("me", 10); len(got) != 2 || got[0].Attempts != 1 {
		e.broken("second deliveries are %+v", got)
	}
	e.settle(store.Done, got...)
	e.leases("a lease when all is done", "me", 10)
}

func eventOrder(e *eventKit) {
	told := e.tell(1, 1, 2, 1, 2)
	first := e.leases("the first lease", "me", 10, told[0], told[2])
	e.leases("a lease while the first ones are leased", "me", 10)
	e.settle(store.Done, first[0])
	second := e.leases("a lease after the first of one subject is done", "you", 10, told[1])
	e.settle(store.Done, second...)
	third := e.leases("a lease after its second is done", "me", 10, told[3])
	e.settle(store.Done, first[1])
	e.settle(store.Done, third...)
	e.settle(store.Done, e.leases("the last lease", "me", 10, told[4])...)
	more := e.tell(1)
	e.settle(store.Done, e.leases("a lease of what was told later", "me", 10, more...)...)
}

func eventMax(e *eventKit) {
	told := e.tell(1, 2, 3, 4, 5)
	e.leases("a lease of none", "me", 0)
	e.leases("a lease of two", "me", 2, told[:2]...)
	e.leases("a lease of two more", "me", 2, told[2:4]...)
	e.leases("a lease of the rest", "me", 2, told[4])
}

func eventOwners(e *eventKit) {
	told := e.tell(1, 2, 3)
	mine := e.leases("the first owner's", "me", 2, told[:2]...)
	yours := e.leases("the second owner's", "you", 10, told[2])
	stolen := slices.Clone(mine)
	stolen[0].Owner = "you"
	e.settle(store.Done, stolen[0])
	e.now = e.now.Add(11 * minute)
	e.leases("after an owner settled what another has", "them", 10, told...)
	e.settle(store.Done, yours...) // them have it by now
	e.now = e.now.Add(11 * minute)
	e.leases("after an owner settled what it had once", "them", 10, told...)
}

func eventExpiry(e *eventKit) {
	told := e.tell(1, 1)
	mine := e.leases("the first owner's", "me", 10, told[0])
	e.now = e.now.Add(10*minute - time.Microsecond)
	e.leases("before the lease runs out", "you", 10)
	e.now = e.now.Add(time.Microsecond)
	yours := e.leases("when the lease runs out", "you", 10, told[0])
	if yours[0].Attempts != 1 {
		e.broken("the second delivery counts %d before it", yours[0].Attempts)
	}
	e.settle(store.Done, mine...)
	e.leases("after the first owner settled too late", "you", 10)
	e.settle(store.Done, yours...)
	e.leases("after the second owner settled", "you", 10, told[1])
}

func eventLateSettle(e *eventKit) {
	told := e.tell(1, 1)
	mine := e.leases("a lease", "me", 10, told[0])
	e.now = e.now.Add(20 * minute)
	e.settle(store.Done, mine...)
	e.leases("after it was settled late", "you", 10, told[1])
}

func eventRetry(e *eventKit) {
	told := e.tell(1, 1, 2)
	got := e.leases("the first lease", "me", 10, told[0], told[2])
	e.settle(store.Retry, got[0])
	e.settle(store.Done, got[1])
	e.leases("a lease before the retry", "me", 10)
	later := e.tell(2)
	e.settle(store.Done, e.leases("a lease of another subject before the retry", "me", 10, later...)...)
	e.now = e.now.Add(5*minute - time.Microsecond)
	e.leases("just before the retry", "me", 10)
	e.now = e.now.Add(time.Microsecond)
	again := e.leases("at the time of the retry", "you", 10, told[0])
	if again[0].Attempts != 1 || again[0].Reason != "because of "+told[0] {
		e.broken("a retry has %d attempts and reason %q", again[0].Attempts, again[0].Reason)
	}
	e.settle(store.Done, again...)
	e.settle(store.Done, e.leases("after the retry", "you", 10, told[1])...)
}

func eventPark(e *eventKit) {
	told := e.tell(1, 1, 2, 2)
	got := e.leases("the first lease", "me", 10, told[0], told[2])
	e.settle(store.Park, got[1], got[0])
	next := e.leases("after the first ones were parked", "me", 10, told[1], told[3])
	e.settle(store.Done, next...)
	e.now = e.now.AddDate(0, 1, 0)
	e.leases("a month later", "me", 10)
	parked := e.parked()
	e.want("the parked ones, oldest first", eventIDs(parked), []string{told[0], told[2]})
	for _, d := range parked {
		if d.Reason != "because of "+d.ID || d.Attempts != 1 || d.Data != `{"n":1}` {
			e.broken("a parked one has reason %q, %d attempts and data %s", d.Reason, d.Attempts, d.Data)
		}
	}
	one, err := e.source.Parked(e.Context(), e.tenant, 1)
	e.want("one parked one", []any{eventIDs(one), err}, []any{told[:1], nil})
	none, err := e.source.Parked(e.Context(), e.tenant+"-other", 10)
	e.want("another tenant's parked ones", []any{len(none), err}, []any{0, nil})
}

func eventReplay(e *eventKit) {
	told := e.tell(1, 1, 1, 2, 1)
	for i, want := range []string{told[0], told[1], told[2]} {
		got := e.lease("me", 10)
		if len(got) == 0 || got[0].ID != want {
			e.stop("lease %d is %v", i, eventIDs(got))
		}
		if i == 1 {
			e.settle(store.Park, got[0])
			got = got[1:]
		}
		e.settle(store.Done, got...)
	}
	from := e.now.Add(2 * time.Second) // the second event's
	if err := e.source.Replay(e.Context(), e.tenant+"-other", epoch); err != nil {
		e.stop("Replay of another tenant: %v", err)
	}
	e.settle(store.Done, e.leases("after a replay of another tenant", "me", 10, told[4])...)
	if err := e.source.Replay(e.Context(), e.tenant, from); err != nil {
		e.stop("Replay: %v", err)
	}
	e.want("what is parked after a replay", eventIDs(e.parked()), []string{})
	got := e.leases("after a replay", "me", 10, told[1], told[3])
	if got[0].Attempts != 0 || got[0].Reason != "" {
		e.broken("a replayed one has %d attempts and reason %q", got[0].Attempts, got[0].Reason)
	}
	e.settle(store.Done, got...)
	e.settle(store.Done, e.leases("the next one", "me", 10, told[2])...)
	e.settle(store.Done, e.leases("the last one", "me", 10, told[4])...)
	e.leases("after all were handed out again", "me", 10)
}

func eventPrune(e *eventKit) {
	told := e.tell(1, 2, 3, 4, 5)
	prune := func() int {
		n, err := e.source.Prune(e.Context(), e.now.Add(4*time.Second)) // before the fourth one
		if err != nil {
			e.stop("Prune: %v", err)
		}
		return n
	}
	prune() // what other rules left
	got := e.lease("me", 10)
	e.settle(store.Done, got[0])
	e.settle(store.Park, got[1])
	e.settle(store.Done, got[3])
	e.want("the number of pruned ones", prune(), 1)
	e.want("the number of those pruned again", prune(), 0)
	e.want("the parked ones", eventIDs(e.parked()), []string{told[1]})
	e.now = e.now.Add(11 * minute)
	e.settle(store.Done, e.leases("those that weren't settled", "me", 10, told[2], told[4])...)
	if err := e.source.Replay(e.Context(), e.tenant, epoch); err != nil {
		e.stop("Replay: %v", err)
	}
	e.leases("a replay of what was kept", "me", 10, told[1:]...)
}

func eventTenants(e *eventKit) {
	other := *e
	otherKit := *e.kit
	other.kit = &otherKit
	other.tenant += "-other"
	mine := e.tell(1, 1)
	theirs := other.tell(1, 1)
	got := e.leases("a lease", "me", 10, mine[0], theirs[0])
	e.want("the tenants of the events", []string{got[0].Subject.Tenant, got[1].Subject.Tenant}, []string{e.tenant, other.tenant})
	stranger := got[1]
	stranger.Subject.Tenant = e.tenant
	e.settle(store.Done, stranger)
	e.settle(store.Done, got[0])
	e.leases("after one was settled in the wrong tenant", "me", 10, mine[1])
}

func eventRace(e *eventKit) {
	var subjects []int
	for n := range 60 {
		subjects = append(subjects, n%7)
	}
	told := e.tell(subjects...)
	var mu sync.Mutex
	seen := map[string][]string{} // by subject
	var wg sync.WaitGroup
	for n := range 6 {
		wg.Go(func() {
			for range 2000 {
				mu.Lock()
				all := 0
				for _, s := range seen {
					all += len(s)
				}
				mu.Unlock()
				if all >= len(told) {
					return
				}
				l := store.Lease{Owner: fmt.Sprint("owner-", n), Now: e.now, Until: e.now.Add(minute), Max: 3}
				got, err := e.source.Lease(e.Context(), l)
				if err != nil {
					e.broken("Lease: %v", err)
					return
				}
				var settled []store.Settlement
				for _, d := range got {
					mu.Lock()
					seen[d.Subject.ID] = append(seen[d.Subject.ID], d.ID)
					mu.Unlock()
					settled = append(settled, store.Settlement{Tenant: d.Subject.Tenant, EventID: d.ID, Owner: d.Owner, Outcome: store.Done})
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
