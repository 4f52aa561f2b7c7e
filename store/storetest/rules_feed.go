package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

var adminRules = []rule{
	eventRule("Urgent", "Subjects for whom an urgent event waits go first in a lease, each subject in its order.", eventUrgent),
	adminRule("Pause", "A lease hands out nothing of a consumer that is paused for the tenant. What was in hand can be settled. What waited comes in its order when it goes on.", eventPause),
	adminRule("Drop", "A parked delivery that is dropped counts as done; store.ErrNotFound for one that isn't parked.", eventDrop),
	adminRule("Lags", "How far behind each consumer is: what waits, what is parked, since when, and whether it is paused; of one tenant or of all.", eventLags),
	adminRule("Due", "The consumers that have something due are named, and no others.", eventDue),
	feedRule("Whole", "The feed has the events that name its consumer, whole, in the order of their commits; nobody can lease them.", feedWhole),
	feedRule("Walk", "A walk through the feed sees each event once, whatever it asks for, and goes on where it ended.", feedWalk),
	feedRule("Prune", "What is old is removed from the beginning of the feed, up to a position that is told.", feedPrune),
	feedRule("Race", "Whoever walks through the feed while many commit sees each event once, all in the same order, each subject's in the order of its commits.", feedRace),
}

func adminRule(name, text string, check func(e *eventKit, admin store.EventAdmin)) rule {
	return eventRule(name, text, func(e *eventKit) {
		admin, ok := store.As[store.EventAdmin](e.Store)
		if !ok {
			e.Skip("the store is no EventAdmin")
		}
		check(e, admin)
	})
}

func feedRule(name, text string, check func(e *eventKit, feed store.FeedReader)) rule {
	return eventRule(name, text, func(e *eventKit) {
		feed, ok := store.As[store.FeedReader](e.Store)
		if !ok {
			e.Skip("the store is no FeedReader")
		}
		check(e.of(store.FeedConsumer), feed)
	})
}

func eventUrgent(e *eventKit) {
	told := e.tell(1, 2, 3)
	urgent := fact(e.tenant+"-urgent", "deactivated", e.subject(3), e.at(9))
	urgent.Urgent = true
	e.commit(store.Change{Events: []store.Event{urgent}})
	told = append(told, e.tell(3)...)
	first := e.leases("the first of the subject that has an urgent one", 1, told[2])
	rest := e.leases("the others", 10, told[0], told[1])
	e.settle(store.Done, append(first, rest...)...)
	told = append(told, e.tell(1)...)
	got := e.leases("the urgent one, before others", 10, urgent.ID, told[4])
	e.want("whether it is urgent", []bool{got[0].Urgent, got[1].Urgent}, []bool{true, false})
	e.settle(store.Done, got...)
	e.leases("behind the urgent one", 10, told[3])
}

func eventPause(e *eventKit, admin store.EventAdmin) {
	pause := func(paused bool) {
		if err := admin.SetPaused(e.Context(), e.tenant, hooks, paused); err != nil {
			e.stop("SetPaused to %t: %v", paused, err)
		}
	}
	told := e.tellAll(both, 1, 1, 2)
	inHand := e.leases("before", 1, told[0])
	pause(true)
	pause(true)
	told = append(told, e.tell(3)...)
	e.settle(store.Done, inHand...)
	e.leases("while it is paused", 10)
	e.replay(store.Replay{})
	e.leases("while it is paused, after a replay", 10)
	e.leasesAs("of a subject while it is paused", store.Lease{Subjects: []store.Key{e.subject(3)}, For: time.Hour, Max: 10})
	e.of("feed").leases("another consumer", 10, told[0], told[2])
	pause(false)
	got := e.leases("when it goes on", 10, told[0], told[2], told[3])
	e.settle(store.Done, got...)
	e.leases("then", 10, told[1])
}

func eventDrop(e *eventKit, admin store.EventAdmin) {
	told := e.tell(1, 2)
	got := e.leases("both", 10, told...)
	e.settle(store.Park, got...)
	if err := admin.Drop(e.Context(), e.tenant, hooks, told[0], "nobody needs it"); err != nil {
		e.stop("Drop: %v", err)
	}
	e.are("what is still parked", e.parked(hooks), told[1])
	for _, id := range []string{told[0], "nothing"} {
		if err := admin.Drop(e.Context(), e.tenant, hooks, id, ""); !errors.Is(err, store.ErrNotFound) {
			e.broken("dropping %s, which isn't parked: got %v", id, err)
		}
	}
	if err := admin.Drop(e.Context(), "other-"+e.tenant, hooks, told[1], ""); !errors.Is(err, store.ErrNotFound) {
		e.broken("dropping another tenant's: got %v", err)
	}
	e.leases("what is due", 10)
}

func eventLags(e *eventKit, admin store.EventAdmin) {
	told := e.tellAll(both, 1, 1, 2)
	other := e.in("other-" + e.tenant)
	other.tell(1)
	feed := e.of("feed")
	feed.settle(store.Done, feed.leases("another consumer's", 10, told[0], told[2])...)
	got := e.leases("one consumer's", 10, told[0], told[2])
	e.settle(store.Park, got[0])
	if err := admin.SetPaused(e.Context(), e.tenant, hooks, true); err != nil {
		e.stop("SetPaused: %v", err)
	}
	lags := func(tenant string) (lines []string) {
		all, err := admin.Lags(e.Context(), tenant)
		if err != nil {
			e.stop("Lags: %v", err)
		}
		for _, l := range all {
			if l.Tenant == e.tenant || l.Tenant == other.tenant {
				lines = append(lines, fmt.Sprintf("%s %s: %d since %s, %d parked, %t", l.Tenant, l.Consumer, l.Waiting, l.Oldest.Sub(epoch), l.Parked, l.Paused))
			}
		}
		return lines
	}
	own := []string{e.tenant + " feed: 1 since 2s, 0 parked, false", e.tenant + " hooks: 2 since 2s, 1 parked, true"}
	e.want("the tenant's", lags(e.tenant), own)
	all := append([]string{other.tenant + " hooks: 1 since 4s, 0 parked, false"}, own...)
	if other.tenant > e.tenant {
		all = append(own, all[0])
	}
	e.want("all", lags(""), all)
}

func eventDue(e *eventKit, admin store.EventAdmin) {
	name := "due-" + e.tenant
	own := e.of(name)
	isDue := func(what string, want bool) {
		names, err := admin.Due(e.Context())
		if err != nil {
			e.stop("Due: %v", err)
		}
		e.want(what, slices.Contains(names, name), want)
	}
	isDue("before any event", false)
	told := own.tell(1)
	own.of(store.FeedConsumer).tell(1)
	isDue("with one that waits", true)
	got := own.leases("it", 1, told...)
	isDue("while somebody has it", false)
	own.settleAfter(store.Retry, 0, got...)
	isDue("when it is to be tried again", true)
	own.settle(store.Done, own.leases("it again", 1, told...)...)
	isDue("when it is done", false)
	names, _ := admin.Due(e.Context())
	e.want("whether the feed is due", slices.Contains(names, store.FeedConsumer), false)
}

// read reads the feed of the kit's tenant behind a position, to its end.
func (e *eventKit) read(feed store.FeedReader, q store.FeedQuery) (ids []string, next int64) {
	e.Helper()
	q.Tenant = e.tenant
	for {
		page, err := feed.Feed(e.Context(), q)
		if err != nil {
			e.stop("Feed: %v", err)
		}
		if len(page.Events) > q.Max || page.Next < q.After {
			e.stop("a page of %d has %d events; it goes from %d to %d", q.Max, len(page.Events), q.After, page.Next)
		}
		for _, d := range page.Events {
			if d.Sequence <= q.After || d.Sequence > page.Next {
				e.stop("an event at %d on a page from %d to %d", d.Sequence, q.After, page.Next)
			}
		}
		ids = append(ids, eventIDs(page.Events)...)
		if q.After = page.Next; !page.More {
			return ids, page.Next
		}
	}
}

func feedWhole(e *eventKit, feed store.FeedReader) {
	want := fact(e.tenant+"-1", "members.changed", store.Key{Tenant: e.tenant, Type: "Group", ID: "any '\" id"}, epoch.Add(time.Microsecond))
	want.Data, want.Consumers = `{"a":"ä😀","b":[1,2.50]}`, []string{hooks, store.FeedConsumer}
	e.commit(store.Change{Events: []store.Event{want}})
	e.tell(1)
	e.leases("the feed's", 10)
	e.of(hooks).leases("the other consumer's", 10, want.ID)
	page, err := feed.Feed(e.Context(), store.FeedQuery{Tenant: e.tenant, Max: 10})
	if err != nil || len(page.Events) != 2 {
		e.stop("got %d events, %v", len(page.Events), err)
	}
	got := page.Events[0]
	got.Time, want.Consumers = want.Time, nil
	e.want("the event", fmt.Sprintf("%+v", got.Event), fmt.Sprintf("%+v", want))
	e.want("its consumer", got.Consumer, store.FeedConsumer)
	e.replay(store.Replay{})
	again, err := feed.Feed(e.Context(), store.FeedQuery{Tenant: e.tenant, Max: 10})
	e.want("the feed after a replay", fmt.Sprint(again.Events, err), fmt.Sprint(page.Events, nil))
}

func feedWalk(e *eventKit, feed store.FeedReader) {
	told := e.tell(1, 2, 1, 3, 2)
	other := e.in("other-" + e.tenant)
	other.tell(1, 2)
	kind := fact(e.tenant+"-kind", "deactivated", e.subject(1), e.at(9))
	kind.Consumers = []string{store.FeedConsumer}
	e.commit(store.Change{Events: []store.Event{kind}})
	told = append(told, kind.ID)
	for most := 1; most < 8; most++ {
		ids, _ := e.read(feed, store.FeedQuery{Max: most})
		e.want(fmt.Sprintf("a walk by pages of %d", most), ids, told)
		ids, _ = e.read(feed, store.FeedQuery{Max: most, Kinds: []string{"deactivated", "none"}})
		e.want("a walk through one kind", ids, []string{kind.ID})
	}
	_, next := e.read(feed, store.FeedQuery{Max: 10})
	ids, same := e.read(feed, store.FeedQuery{Max: 10, After: next})
	e.want("how much comes behind the end", len(ids), 0)
	e.want("where that ends", same, next)
	more := e.tell(4)
	ids, _ = e.read(feed, store.FeedQuery{Max: 10, After: next})
	e.want("what was committed since", ids, more)
}

func feedPrune(e *eventKit, feed store.FeedReader) {
	forgetter, ok := store.As[store.Forgetter](e.Store)
	if !ok {
		e.Skip("the store is no Forgetter")
	}
	e.told = 1000 // these events are later than those of the other rules, as only the beginning of a feed is removed
	told := e.tell(1, 2, 3)
	prune := func(before time.Time) int64 {
		if _, err := forgetter.Prune(e.Context(), store.Retention{Done: before}); err != nil {
			e.stop("Prune: %v", err)
		}
		page, err := feed.Feed(e.Context(), store.FeedQuery{Tenant: e.tenant, Max: 10})
		if err != nil {
			e.stop("Feed: %v", err)
		}
		return page.Pruned
	}
	_, end := e.read(feed, store.FeedQuery{Max: 10})
	before := prune(epoch)
	after := prune(e.at(1003))
	ids, next := e.read(feed, store.FeedQuery{Max: 10})
	e.want("what is left", ids, told[2:])
	e.want("whether the position that was told rises", before < after && after < end, true)
	e.want("the end", next, end)
	more := prune(e.at(2000))
	e.want("the position when nothing is left", more >= end, true)
	last := e.tell(9)
	ids, _ = e.read(feed, store.FeedQuery{Max: 10, After: more})
	e.want("what comes afterwards", ids, last)
}

func feedRace(e *eventKit, feed store.FeedReader) {
	const writers, each = 8, 25
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for n := range each {
				ev := fact(fmt.Sprintf("%s-%d-%03d", e.tenant, w, n), "updated", e.subject(w), epoch)
				ev.Consumers = []string{store.FeedConsumer}
				if err := e.Commit(e.Context(), &store.Change{Tenant: e.tenant, Events: []store.Event{ev}}); err != nil {
					e.broken("a commit failed: %v", err)
				}
			}
		})
	}
	written := make(chan struct{})
	go func() { writing.Wait(); close(written) }()
	walks := make([][]string, 2)
	var walking sync.WaitGroup
	for i := range walks {
		walking.Go(func() {
			after := int64(0)
			for last := false; ; {
				select {
				case <-written:
					last = true
				default:
				}
				page, err := feed.Feed(e.Context(), store.FeedQuery{Tenant: e.tenant, After: after, Max: 7})
				if err != nil {
					e.broken("Feed: %v", err)
					return
				}
				walks[i], after = append(walks[i], eventIDs(page.Events)...), page.Next
				if last && !page.More && len(page.Events) == 0 {
					return
				}
			}
		})
	}
	walking.Wait()
	e.want("the order of two walks", walks[0], walks[1])
	next := map[string]int{}
	for _, id := range walks[0] {
		w, n := id[:len(id)-4], 0
		_, _ = fmt.Sscanf(id[len(id)-3:], "%d", &n)
		if n != next[w] {
			e.broken("%s comes where %d of its subject is to come", id, next[w])
		}
		next[w]++
	}
	e.want("how many were seen", len(walks[0]), writers*each)
}
