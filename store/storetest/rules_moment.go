package storetest

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// manyMembers returns a number of members that is greater than what a store reads at a time.
func manyMembers() int {
	if testing.Short() || underRace {
		return 1_500
	}
	return 6_000
}

// enoughReads is how often each reader reads all members while they are replaced.
const enoughReads = 4

// oneMoment has a writer replace all members of a group by as many others, and back again, until each reader has read them often
// enough. Readers must see the one membership or the other, whole.
func oneMoment(k *kit) {
	n := manyMembers()
	const g = 100_000
	c := creates(group(g))
	for i := range 2 * n {
		c.Put = append(c.Put, store.Put{Resource: plain("User", i)})
	}
	k.commit(c)
	half := func(odd int) (ns []int) { // in the order of the ids, members of the two memberships alternate
		for i := range n {
			ns = append(ns, 2*i+odd)
		}
		return ns
	}
	k.commit(changeMembers(delta(g, "v0", half(0), nil)))

	ctx, cancel := context.WithCancel(k.Context())
	defer cancel()
	queries := []store.MemberQuery{{Groups: []string{id(g)}}, {Groups: []string{id(g)}}, {Groups: []string{id(g)}, IDs: ids(0, 2*n)}}
	reads := make([]atomic.Int64, len(queries))
	var wg sync.WaitGroup
	for reader, q := range queries {
		wg.Go(func() {
			defer reads[reader].Store(enoughReads) // nobody waits for a reader that failed
			q.Tenant = k.tenant
			for ctx.Err() == nil {
				odd, even, last := 0, 0, ""
				for m, err := range k.Members(ctx, q) {
					if err != nil {
						if ctx.Err() == nil {
							k.broken("Members: %v", err)
						}
						return
					}
					if m.ID <= last {
						k.broken("%s comes behind %s", m.ID, last)
						return
					}
					last = m.ID
					if strings.Contains("02468ace", last[len(last)-1:]) {
						even++
					} else {
						odd++
					}
				}
				if min(odd, even) > 0 || max(odd, even) != n {
					k.broken("a reader saw %d of one membership and %d of the other, of %d each", even, odd, n)
					return
				}
				reads[reader].Add(1)
			}
		})
	}
	waits := func() bool {
		for i := range reads {
			if reads[i].Load() < enoughReads {
				return true
			}
		}
		return false
	}
	for round := 0; round < 4 || round < 200 && waits(); round++ {
		d := delta(g, fmt.Sprint("v", round+1), half(1-round%2), nil)
		for _, i := range half(round % 2) {
			d.Remove = append(d.Remove, id(i))
		}
		d.IfVersion = fmt.Sprint("v", round)
		k.commit(changeMembers(d))
	}
	cancel()
	wg.Wait()
}

// stalled has many readers stop behind their first row, more than a store has connections.
func stalled(k *kit) {
	n := manyMembers()
	if underRace {
		n = 300 // all rows are read for each of the readers
	}
	const g = 100_000
	c := creates(group(g))
	d := delta(g, "v1", nil, nil)
	for i := range n {
		c.Put = append(c.Put, store.Put{Resource: plain("User", i)})
		d.Add = append(d.Add, store.MemberRef{Type: "User", ID: id(i)})
	}
	c.Members = []store.MemberDelta{d}
	k.commit(c)

	ctx, cancel := context.WithTimeout(k.Context(), 30*time.Second) // only a store that breaks the rule needs so long
	defer cancel()
	for range parallel {
		next, stop := iter.Pull2(k.Members(ctx, store.MemberQuery{Tenant: k.tenant, Groups: []string{id(g)}}))
		defer stop()
		if _, err, ok := next(); !ok || err != nil {
			k.stop("the first row behind other readers that stalled: there is one: %t, error %v", ok, err)
		}
	}
	for what, c := range map[string]store.Change{
		"a change of the members":   changeMembers(delta(g, "v2", nil, []int{n - 1})),
		"a put of a member":         update(next(plain("User", 1), "v2", `{"userName":"renamed"}`), "v1"),
		"a create of somebody else": creates(plain("User", n)),
	} {
		c.Tenant = k.tenant
		if err := k.Commit(ctx, &c); err != nil {
			k.broken("%s while %d readers stall: %v", what, parallel, err)
		}
	}
	if _, err := k.Get(ctx, store.Key{Tenant: k.tenant, Type: "User", ID: id(0)}); err != nil {
		k.broken("a read while %d readers stall: %v", parallel, err)
	}
}
