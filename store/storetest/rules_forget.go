package storetest

import (
	"fmt"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

var forgetRules = func() (rules []rule) {
	for _, r := range []struct {
		name, text string
		check      func(k *kit, f store.Forgetter)
	}{
		{"Prune", "I13: Prune removes deliveries that were made, those that were given up, and entries of the journal, each kind if it is older than its time, and says whether it did. What somebody has yet to be told stays.", prune},
		{"PruneNothing", "I13: Prune without times removes nothing.", pruneNothing},
		{"PruneRecords", "I13: Prune removes the resources of the internal types that it is told, which were last changed before their times, and no others.", pruneRecords},
		{"Forget", "I13: Forget removes everything of a tenant: resources, unique keys, memberships, counters, events and journal. Nothing of other tenants is touched.", forget},
		{"ForgetAgain", "I13: Forget may be called again, and for a tenant that never was.", forgetAgain},
	} {
		rules = append(rules, rule{r.name, r.text, func(k *kit) {
			f, ok := store.As[store.Forgetter](k.Store)
			if !ok {
				k.Skip("the store is no Forgetter")
			}
			r.check(k, f)
		}})
	}
	return rules
}()

// years returns a time that is n years after the one at which the rules of this file begin, a century before the epoch. The rules use
// times that are years apart, so that none prunes what another one needs.
func years(n int) time.Time { return epoch.AddDate(-100+n, 0, 0) }

func prune(k *kit, f store.Forgetter) {
	pruned := func(what string, r store.Retention, want bool) {
		k.Helper()
		n, err := f.Prune(k.Context(), r)
		if err != nil {
			k.stop("Prune: %v", err)
		}
		if n > 0 != want {
			k.broken("Prune of %s says that it removed %d rows", what, n)
		}
	}
	old, fresh, at := years(1), years(3), years(2)
	pruned("what others left", store.Retention{Done: fresh, Parked: fresh, Journal: fresh}, false)
	k.commit(journalled(store.Entry{ID: id(1), Time: old}, store.Entry{ID: id(2), Time: fresh}))
	journal := func(want ...string) {
		k.Helper()
		if j, ok := store.As[store.JournalReader](k.Store); ok {
			entries, err := j.Journal(k.Context(), store.JournalQuery{Tenant: k.tenant, Max: 10})
			var got []string
			for _, e := range entries {
				got = append(got, e.ID)
			}
			k.want("the journal", fmt.Sprint(got, err), fmt.Sprint(want, nil))
		}
	}
	pruned("the journal up to a time before its first entry", store.Retention{Journal: old}, false)
	journal(id(2), id(1))

	source, ok := store.As[store.EventSource](k.Store)
	if ok {
		e := &eventKit{kit: k, source: source}
		var events []store.Event
		for i, time := range []time.Time{old, old, old, old, fresh, fresh} {
			events = append(events, fact(fmt.Sprint(k.tenant, "-", i), "updated", e.subject(i), time))
		}
		events[3].Consumers = []string{hooks, "other"}
		k.commit(store.Change{Events: events})
		got := e.lease(10)
		if len(got) != len(events) {
			k.stop("got %d of %d events", len(got), len(events))
		}
		e.settle(store.Done, got[0], got[3], got[4])
		e.settle(store.Park, got[1], got[5])
		pruned("deliveries up to a time before them", store.Retention{Done: old, Parked: old}, false)
		pruned("deliveries that were made", store.Retention{Done: at}, true)
		k.want("those that were given up", eventIDs(e.parked(hooks)), []string{events[1].ID, events[5].ID})
		pruned("deliveries that were given up", store.Retention{Parked: at}, true)
		k.want("those that were given up, of late", eventIDs(e.parked(hooks)), []string{events[5].ID})
		e.replay(store.Replay{Consumer: hooks})
		var ids []string
		for _, d := range e.lease(10) {
			if d.ID != events[3].ID { // this delivery may be kept as long as its event, which another consumer is yet to be told
				ids = append(ids, d.ID)
			}
		}
		k.want("what is left of one consumer", ids, []string{events[2].ID, events[4].ID, events[5].ID})
		other := e.of("other")
		other.settle(store.Done, other.leases("what another consumer has yet to be told", 10, events[3].ID)...)
		journal(id(2), id(1))
	}
	pruned("the journal", store.Retention{Journal: at}, true)
	journal(id(2))
	pruned("the journal again", store.Retention{Journal: at}, false)
	k.commit(journalled(store.Entry{ID: id(5), Time: fresh}, store.Entry{ID: id(4), Time: fresh}, store.Entry{ID: id(3), Time: fresh}))
	pruned("a journal that is not too long", store.Retention{JournalCount: 4}, false)
	journal(id(5), id(4), id(3), id(2))
	pruned("a journal that is too long", store.Retention{JournalCount: 2}, true)
	journal(id(5), id(4))
}

func pruneNothing(k *kit, f store.Forgetter) {
	k.commit(store.Change{
		Journal: []store.Entry{{ID: id(1), Time: years(1)}},
		Events:  []store.Event{fact(k.tenant+"-1", "updated", store.Key{Tenant: k.tenant, Type: "User", ID: id(1)}, years(1))},
	})
	source, isSource := store.As[store.EventSource](k.Store)
	e := &eventKit{kit: k, source: source}
	if isSource {
		e.settle(store.Done, e.lease(10)...)
	}
	was := k.everything()
	n, err := f.Prune(k.Context(), store.Retention{})
	k.want("the outcome", fmt.Sprint(n, err), fmt.Sprint(0, nil))
	k.want("all that can be read", k.everything(), was)
	if isSource {
		e.replay(store.Replay{Consumer: hooks})
		e.leases("what was told before", 10, k.tenant+"-1")
	}
}

// furnishAll gives the tenant something of every kind, and returns the ids of its events.
func furnishAll(k *kit) (due, parked string) {
	k.Helper()
	furnish(k)
	subject := func(n int) store.Key { return store.Key{Tenant: k.tenant, Type: "User", ID: id(n)} }
	due, parked = k.tenant+"-due", k.tenant+"-parked"
	c := brake(1, 1, 0)
	c.Put = puts(resource("rollcall.test", "settings", `{"n":1}`), resource("Device", id(5), `{"userName":"device"}`))
	c.Events = []store.Event{fact(parked, "updated", subject(1), epoch), fact(due, "updated", subject(2), epoch)}
	k.commit(c)
	if source, ok := store.As[store.EventSource](k.Store); ok {
		e := &eventKit{kit: k, source: source}
		got := e.leaseFor(0, 1)
		if len(got) != 1 {
			k.stop("got %d events, want 1", len(got))
		}
		e.settle(store.Park, got...)
	}
	return due, parked
}

func forget(k *kit, f store.Forgetter) {
	other := *k
	other.tenant += "-other"
	otherDue, otherParked := furnishAll(&other)
	was := other.everything()
	empty := k.everything()
	for range 2 { // the second time shows that a tenant that was forgotten can be used like a new one
		due, parked := furnishAll(k)
		source, isSource := store.As[store.EventSource](k.Store)
		e := &eventKit{kit: k, source: source}
		if isSource {
			k.want("what is given up", eventIDs(e.parked("")), []string{parked})
			e.leases("what is due", 10, due)
		}
		if err := f.Forget(k.Context(), k.tenant); err != nil {
			k.stop("Forget: %v", err)
		}
		k.want("all that can be read of a forgotten tenant", k.everything(), empty)
		k.gone("rollcall.test", "settings")
		k.gone("Device", id(5))
		k.want("the members of its group", k.members(store.MemberQuery{Groups: []string{id(10)}}), []store.Member{})
		k.want("the groups of its user", k.members(store.MemberQuery{Of: []string{id(1)}}), []store.Member{})
		if isSource {
			e.replay(store.Replay{Consumer: hooks})
			e.leases("a lease of a forgotten tenant's events", 10)
			k.want("what is given up", eventIDs(e.parked("")), []string{})
		}
		// The unique keys of the resources are free again.
		k.commit(creates(resource("User", id(7), `{"userName":"User-1"}`), resource("Device", id(8), `{"userName":"device"}`)))
		k.commit(brake(1, 1, time.Minute))
		k.commit(deletes("User", id(7)))
		if err := f.Forget(k.Context(), k.tenant); err != nil {
			k.stop("Forget: %v", err)
		}
	}
	k.want("all that can be read of another tenant", other.everything(), was)
	if source, ok := store.As[store.EventSource](k.Store); ok {
		e := &eventKit{kit: &other, source: source}
		k.want("what another tenant's consumers gave up", eventIDs(e.parked("")), []string{otherParked})
		e.leases("another tenant's events", 10, otherDue)
	}
}

func forgetAgain(k *kit, f store.Forgetter) {
	furnishAll(k)
	for range 2 {
		if err := f.Forget(k.Context(), k.tenant); err != nil {
			k.stop("Forget: %v", err)
		}
	}
	if err := f.Forget(k.Context(), k.tenant+"-that-never-was"); err != nil {
		k.broken("Forget of a tenant that never was: %v", err)
	}
	furnishAll(k)
	k.want("the number of users of a tenant that is back", k.list(store.Query{}).Total, 2)
}

func pruneRecords(k *kit, f store.Forgetter) {
	old, fresh, at := years(1), years(3), years(2)
	put := func(typ string, n int, changed time.Time) {
		r := resource(typ, id(n), `{"x":1}`)
		r.Created, r.LastModified = changed, changed
		k.commit(store.Change{Put: []store.Put{{Resource: r}}})
	}
	put("storetest.Old", 1, old)
	put("storetest.Old", 2, fresh)
	put("storetest.Other", 3, old)
	put("User", 4, old)
	n, err := f.Prune(k.Context(), store.Retention{Records: map[string]time.Time{"storetest.Old": at, "storetest.None": at, "User": at}})
	if err != nil {
		k.stop("Prune: %v", err)
	}
	if n == 0 {
		k.broken("Prune says that it removed nothing")
	}
	k.gone("storetest.Old", id(1))
	k.get("storetest.Old", id(2))
	k.get("storetest.Other", id(3))
	k.get("User", id(4))
}
