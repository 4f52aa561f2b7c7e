package storetest

import (
	"fmt"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

var claimRules = []rule{
	{"Claim", "A claim takes from a counter up to its limit and is refused with ClaimError, naming the counter, beyond it. What is given back may be taken again.", claim},
	{"Bounds", "A counter never falls below 0. A negative limit is none. Giving back needs no limit.", claimBounds},
	{"Names", "Counters are told apart by their names as they are, and belong to one tenant.", claimNames},
	{"Several", "The claims of a change are applied in order, and a refused one leaves no trace of the others.", claimSeveral},
	{"Window", "A window begins with the first claim. A claim at its end or later counts from 0 in a window that begins then, and one before its end counts in it.", claimWindow},
	{"WindowRefused", "A refused claim begins no window.", claimWindowRefused},
	{"Counters", "Counters are read in the order of the names, with the time at which their window began. One that nobody has claimed from is 0.", counters},
}

// seats is the counter that most rules use.
const seats = "seats"

func take(n, limit int) store.Change {
	return store.Change{Claims: []store.Claim{{Counter: seats, Take: n, Limit: limit}}}
}

func exhausted(counter string) error { return &store.ClaimError{Counter: counter} }

// used checks the count of seats, if the store is a CounterReader.
func (k *kit) used(want int) {
	k.Helper()
	k.counts(seats, want)
}

// counts checks the count of a counter, if the store is a CounterReader.
func (k *kit) counts(counter string, want int) {
	k.Helper()
	if got, ok := k.counters(counter); ok {
		k.want("the count of "+counter, got[0].Count, want)
	}
}

// counters reads counters, if the store can.
func (k *kit) counters(names ...string) (counters []store.Counter, ok bool) {
	k.Helper()
	s, ok := store.As[store.CounterReader](k.Store)
	if !ok {
		return nil, false
	}
	counters, err := s.Counters(k.Context(), k.tenant, names...)
	if err != nil {
		k.stop("Counters: %v", err)
	}
	if len(counters) != len(names) {
		k.stop("got %d counters for %d names", len(counters), len(names))
	}
	return counters, true
}

func claim(k *kit) {
	k.used(0)
	k.refused("a first claim above the limit", exhausted(seats), take(4, 3))
	k.refused("a claim where the limit is 0", exhausted(seats), take(1, 0))
	k.used(0)
	k.commit(take(2, 3))
	k.commit(take(1, 3))
	k.used(3)
	k.refused("a claim of one more", exhausted(seats), take(1, 3))
	k.commit(take(1, 4))
	k.commit(take(0, 1)) // takes nothing
	k.used(4)
	k.commit(take(-2, 1)) // the count is still above the limit, but lower than before
	k.used(2)
	k.refused("a claim above a limit that was lowered", exhausted(seats), take(1, 1))
	k.commit(take(1, 3))
	k.used(3)
}

func claimBounds(k *kit) {
	k.commit(take(-5, 0))
	k.used(0)
	k.commit(take(1, 1))
	k.commit(take(-5, -1))
	k.used(0)
	k.commit(take(1, 1))
	k.commit(take(1_000_000, -1))
	k.used(1_000_001)
	c := creates(user(1))
	c.Claims = take(1, 5).Claims
	k.refused("a create with a claim", exhausted(seats), c)
	k.gone("User", id(1))
}

func claimNames(k *kit) {
	names := append([]string{"seats", "Seats", "seats ", "brake.connection-1", "brake.connection-2"}, texts...)
	for _, name := range names {
		one := store.Change{Claims: []store.Claim{{Counter: name, Take: 1, Limit: 1}}}
		k.commit(one)
		k.refused(fmt.Sprintf("a second claim of %q", name), exhausted(name), one)
		k.counts(name, 1)
	}
	other := *k
	other.tenant += "-other"
	other.used(0)
	other.commit(take(1, 1))
	other.commit(take(-1, 0))
	k.used(1)
}

func claimSeveral(k *kit) {
	c := func(counter string, take, limit int) store.Claim {
		return store.Claim{Counter: counter, Take: take, Limit: limit}
	}
	claims := func(all ...store.Claim) store.Change { return store.Change{Claims: all} }
	k.commit(claims(c("a", 1, 1), c("b", 2, 2), c("c", 3, -1)))
	k.counts("a", 1)
	k.counts("b", 2)
	k.counts("c", 3)
	k.refused("a claim behind two that may be", exhausted("b"), claims(c("a", -1, 1), c("c", 1, -1), c("b", 1, 2)))
	k.counts("a", 1)
	k.counts("c", 3)
	k.commit(claims(c("a", -1, 0), c("a", 1, 1))) // the second takes what the first gives back
	k.counts("a", 1)
	k.refused("a claim that comes before what is given back", exhausted("a"), claims(c("a", 1, 1), c("a", -1, 0)))
	k.counts("a", 1)
}

// brake claims from a counter with a window of ten minutes. The claim is made so long after the epoch.
func brake(take, limit int, after time.Duration) store.Change {
	return store.Change{Claims: []store.Claim{{Counter: "brake", Take: take, Limit: limit, Window: 10 * minute, At: epoch.Add(after)}}}
}

func claimWindow(k *kit) {
	// began checks the count, and when the window began.
	began := func(want int, after time.Duration) {
		k.Helper()
		if got, ok := k.counters("brake"); ok {
			k.want("the count of the window", got[0].Count, want)
			k.want("when the window began", got[0].Began.UTC().Format(timeFormat), epoch.Add(after).Format(timeFormat))
		}
	}
	const micro = time.Microsecond
	k.commit(brake(2, 3, 0))
	k.commit(brake(1, 3, 4*minute))
	began(3, 0)
	k.refused("a claim just before the window ends", exhausted("brake"), brake(1, 3, 10*minute-micro))
	k.refused("a claim from before the window began", exhausted("brake"), brake(1, 3, -minute))
	began(3, 0)
	k.commit(brake(1, 3, 10*minute)) // the window has ended
	began(1, 10*minute)
	k.commit(brake(2, 3, 20*minute-micro))
	began(3, 10*minute)
	k.commit(brake(-1, 3, 20*minute-micro)) // what is given back within the window may be taken again
	k.commit(brake(1, 3, 20*minute-micro))
	k.refused("a claim of what is not there", exhausted("brake"), brake(1, 3, 20*minute-micro))
	k.commit(brake(-2, 3, 100*minute)) // this begins a window in which nothing is taken yet
	began(0, 100*minute)
	k.commit(brake(3, 3, 110*minute-micro))
	k.refused("a claim in the window that what was given back began", exhausted("brake"), brake(1, 3, 110*minute-micro))
	k.commit(take(1, 1)) // the count of a counter without a window never goes back to 0 by itself
	if got, ok := k.counters(seats); ok && !got[0].Began.IsZero() {
		k.broken("a counter without a window began at %s", got[0].Began)
	}
}

func claimWindowRefused(k *kit) {
	k.refused("a first claim above the limit", exhausted("brake"), brake(4, 3, 0))
	if got, ok := k.counters("brake"); ok {
		k.want("the counter", fmt.Sprint(got[0].Count, got[0].Began.IsZero()), "0 true")
	}
	k.commit(brake(3, 3, 9*minute))
	k.refused("a claim above the limit of a new window", exhausted("brake"), brake(4, 3, 19*minute))
	if got, ok := k.counters("brake"); ok {
		k.want("the count of the window that has ended", got[0].Count, 3)
	}
	k.commit(brake(3, 3, 20*minute)) // the window begins with this claim, not with the refused one
	k.refused("a claim in the window of the last one", exhausted("brake"), brake(1, 3, 29*minute))
}

func counters(k *kit) {
	if _, ok := k.counters(); !ok {
		k.Skip("the store is no CounterReader")
	}
	k.commit(store.Change{Claims: []store.Claim{
		{Counter: "a", Take: 1, Limit: -1}, {Counter: "b", Take: 2, Limit: -1, Window: minute, At: epoch}, {Counter: "c", Take: 3, Limit: -1},
	}})
	got, _ := k.counters("c", "nobody's", "b", "a")
	var lines []string
	for _, c := range got {
		lines = append(lines, fmt.Sprintf("%s %d %t", c.Name, c.Count, c.Began.Equal(epoch)))
	}
	k.want("counters", lines, []string{"c 3 false", "nobody's 0 false", "b 2 true", "a 1 false"})
	if !got[1].Began.IsZero() || got[2].Began.Location() != time.UTC {
		k.broken("a counter that isn't there began at %s, one with a window in %s", got[1].Began, got[2].Began.Location())
	}
}
