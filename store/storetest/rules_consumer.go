package storetest

import (
	"slices"

	"github.com/rollcall-dev/rollcall/store"
)

const eachItsOwn = "I10: Each consumer is handed every event that names it, with an order, leases, retries and parking of its own: what one does with an event changes nothing for another."

var consumerRules = []rule{
	eventRule("Each", eachItsOwn, consumersEach),
	eventRule("Order", eachItsOwn, consumersOrder),
	eventRule("Settle", eachItsOwn, consumersSettle),
	eventRule("None", "An event without consumers is kept for nobody. A consumer that an event doesn't name isn't told it, by a replay neither.", consumersNone),
	eventRule("Parked", "The parked deliveries of one consumer are listed, or those of all.", consumersParked),
	eventRule("Replay", "A replay is for one consumer.", consumersReplay),
	eventRule("Names", "The names of consumers are compared as they are.", consumersNames),
}

var both = []string{hooks, "feed"}

func consumersEach(e *eventKit) {
	told := e.tellAll(both, 1, 2)
	feed := e.of("feed")
	mine := e.leases("one consumer's lease", 10, told...)
	theirs := feed.leases("the other one's, by the same owner", 10, told...)
	e.want("their consumers", []string{mine[0].Consumer, theirs[0].Consumer}, both)
	e.want("the attempts before", theirs[0].Attempts, 0)
	e.settle(store.Done, mine...)
	feed.leases("what the other one still has leased", 10)
	feed.settleAfter(store.Retry, 0, theirs...)
	e.leases("one consumer after the other one failed", 10)
	again := feed.leases("the other one's again", 10, told...)
	e.want("the attempts before", again[0].Attempts, 1)
}

func consumersOrder(e *eventKit) {
	told := e.tellAll(both, 1, 1)
	feed := e.of("feed")
	e.settle(store.Retry, e.leases("one consumer's first", 10, told[0])...) // in an hour
	feed.settle(store.Done, feed.leases("the other one's first", 10, told[0])...)
	feed.settle(store.Done, feed.leases("the other one's second", 10, told[1])...)
	e.leases("one consumer before its retry", 10)
	feed.leases("the other one's third", 10)
}

func consumersSettle(e *eventKit) {
	told := e.tellAll(both, 1, 1)
	feed := e.of("feed")
	mine := e.leases("one consumer's", 10, told[0])
	theirs := feed.leases("the other one's", 10, told[0])
	stranger := slices.Clone(mine)
	stranger[0].Consumer = "nobody"
	e.settle(store.Done, stranger...)
	e.leases("after somebody settled for a consumer that isn't told", 10)
	e.settle(store.Park, mine...)
	feed.leases("the other one after one gave up", 10)
	feed.settle(store.Done, theirs...)
	feed.leases("the other one's second", 10, told[1])
	e.leases("one consumer's second", 10, told[1])
}

func consumersNone(e *eventKit) {
	e.tellAll(nil, 1)
	told := e.tell(2)
	feed := e.of("feed")
	feed.leases("a consumer that no event names", 10)
	feed.replay(store.Replay{})
	feed.leases("that consumer after a replay", 10)
	e.settle(store.Done, e.leases("the one that is named", 10, told...)...)
	e.replay(store.Replay{})
	e.leases("the one that is named, after a replay", 10, told...)
}

func consumersParked(e *eventKit) {
	told := e.tellAll(both, 1, 2)
	feed := e.of("feed")
	e.settle(store.Park, e.leases("one consumer's", 10, told...)[1])
	feed.settle(store.Park, feed.leases("the other one's", 10, told...)[0])
	e.want("one consumer's parked", eventIDs(e.parked(hooks)), told[1:])
	e.want("the other one's parked", eventIDs(e.parked("feed")), told[:1])
	all := e.parked("")
	e.are("all that are parked", all, told...)
	e.want("the consumers of all that are parked", []string{all[0].Consumer, all[1].Consumer}, []string{"feed", hooks})
	e.want("a stranger's parked", eventIDs(e.parked("nobody")), []string{})
}

func consumersReplay(e *eventKit) {
	told := e.tellAll(both, 1, 2)
	feed := e.of("feed")
	e.settle(store.Done, e.leases("one consumer's", 10, told...)...)
	feed.settle(store.Done, feed.leases("the other one's", 10, told...)...)
	feed.replay(store.Replay{})
	e.leases("one consumer after a replay of the other one", 10)
	feed.leases("the other one after its replay", 10, told...)
}

func consumersNames(e *eventKit) {
	names := append([]string{"hook", "Hooks", "hooks ", "webhook.1"}, texts...)
	told := e.tellAll(append(names, hooks), 1)
	for _, name := range append(names, hooks) {
		own := e.of(name)
		own.settle(store.Done, own.leases("a lease of "+name, 10, told...)...)
		own.leases("a second lease of "+name, 10)
	}
}
