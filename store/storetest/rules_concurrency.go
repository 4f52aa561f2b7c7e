package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

var concurrencyRules = []rule{
	{"Version", "Of changes that race for one version of a resource exactly one takes place; the others are refused with ErrVersionMismatch.", raceVersion},
	{"Unique", "Of changes that race for a unique key exactly one takes place; the others are refused with ConflictError.", raceUnique},
	{"Create", `Of changes that race to create one id exactly one takes place; the others are refused with ConflictError{"id"}.`, raceCreate},
	{"Delete", "Of deletes that race exactly one takes place; the others are refused with ErrNotFound.", raceDelete},
	{"Members", "64 parallel changes of one member each of one group lose none.", raceMembers},
	{"SameMember", "Of changes that race to add, or to remove, one member of a group exactly one takes place; the others are refused with ErrVersionMismatch.", raceSameMember},
	{"ReplaceMembers", "Of replacements of a membership that race, each computed from one version of the group, exactly one takes place; the others are refused with ErrVersionMismatch.", raceReplaceMembers},
	{"DeleteMember", "A delete that races with the adding of its resource to a group leaves no row without a resource.", raceDeleteMember},
	{"Claims", "Parallel claims never take more from a counter than its limit allows, also if they begin its window.", raceClaims},
	{"Walk", "I6: A walk by cursor sees every resource that existed throughout exactly once while others write.", raceWalk},
	{"Interrupted", "I1: A commit whose context ends at whatever moment takes place whole or not at all, and whole if it answers no error.", interrupted},
	{"Readers", "Readers see each change whole or not at all while others write.", raceReaders},
}

// parallel is how many changes race.
const parallel = 64

// race makes many changes at the same time, and counts those that took place. The others must be refused as wanted.
func (k *kit) race(want error, change func(n int) store.Change) (done int) {
	k.Helper()
	var wg sync.WaitGroup
	errs := make([]error, parallel)
	start := make(chan struct{})
	for n := range parallel {
		c := change(n)
		c.Tenant = k.tenant
		wg.Go(func() {
			<-start
			errs[n] = k.Commit(k.Context(), &c)
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errs {
		switch {
		case err == nil:
			done++
		case want == nil || !errors.Is(want, errAny) && !same(err, want):
			k.broken("a change in a race was refused with %s, want %s", describe(err), describe(want))
		}
	}
	return done
}

func raceVersion(k *kit) {
	k.commit(creates(user(1)))
	done := k.race(store.ErrVersionMismatch, func(n int) store.Change {
		return update(next(user(1), fmt.Sprint("v2-", n), fmt.Sprintf(`{"userName":"winner-%d"}`, n)), "v1")
	})
	k.want("the number of updates of one version that took place", done, 1)
	r := k.get("User", id(1))
	var n int
	if _, err := fmt.Sscanf(r.Version, "v2-%d", &n); err != nil {
		k.broken("the version of the winner is %q: %v", r.Version, err)
	}
	k.want("the winner's attributes", r.Attributes, fmt.Sprintf(`{"userName":"winner-%d"}`, n))
}

func raceUnique(k *kit) {
	done := k.race(conflict("userName"), func(n int) store.Change {
		return creates(resource("User", id(n), `{"userName":"Anna"}`))
	})
	k.want("the number of creates of one userName that took place", done, 1)
	k.want("the number of users", k.list(store.Query{}).Total, 1)
}

func raceCreate(k *kit) {
	done := k.race(conflict("id"), func(n int) store.Change { return creates(plain("User", 1)) })
	k.want("the number of creates of one id that took place", done, 1)
}

func raceDelete(k *kit) {
	k.commit(creates(user(1)))
	done := k.race(store.ErrNotFound, func(n int) store.Change { return deletes("User", id(1)) })
	k.want("the number of deletes that took place", done, 1)
}

func raceMembers(k *kit) {
	c := creates(group(1000))
	for n := range 2 * parallel {
		c.Put = append(c.Put, store.Put{Resource: plain("User", n)})
	}
	d := delta(1000, "v1", nil, nil)
	for n := range parallel {
		d.Add = append(d.Add, store.MemberRef{Type: "User", ID: id(n)})
	}
	c.Members = []store.MemberDelta{d}
	k.commit(c)
	done := k.race(nil, func(n int) store.Change {
		if n%2 == 0 {
			return changeMembers(delta(1000, fmt.Sprint("v2-", n), nil, []int{n}))
		}
		return changeMembers(delta(1000, fmt.Sprint("v2-", n), []int{parallel + n}, nil))
	})
	k.want("the number of changes that took place", done, parallel)
	var want []int
	for n := range 2 * parallel {
		if n%2 == 1 {
			want = append(want, n)
		}
	}
	groupOf(k, 1000, want...)
}

func raceSameMember(k *kit) {
	k.commit(creates(user(1), group(10)))
	for round := range 4 {
		add, remove := []int{1}, []int(nil)
		if round%2 == 1 {
			add, remove = remove, add
		}
		done := k.race(store.ErrVersionMismatch, func(n int) store.Change {
			if n >= 16 {
				return store.Change{}
			}
			return changeMembers(delta(10, fmt.Sprintf("v%d-%d", round, n), add, remove))
		})
		k.want("the number of 16 equal changes that took place", done-(parallel-16), 1)
		groupOf(k, 10, add...)
	}
}

// raceReplaceMembers fills an empty group by changes that contradict each other only in the version that they expect.
func raceReplaceMembers(k *kit) {
	c := creates(group(1000))
	for n := range parallel {
		c.Put = append(c.Put, puts(plain("User", n))...)
	}
	k.commit(c)
	for round := range 4 {
		before := k.get("Group", id(1000)).Version
		done := k.race(store.ErrVersionMismatch, func(n int) store.Change {
			d := delta(1000, fmt.Sprintf("v%d-%d", round, n), []int{n}, nil)
			d.IfVersion = before
			return changeMembers(d)
		})
		k.want("the number of replacements of one version that took place", done, 1)
		var winner int
		if _, err := fmt.Sscanf(k.get("Group", id(1000)).Version, fmt.Sprintf("v%d-%%d", round), &winner); err != nil {
			k.stop("the group's version is %q", k.get("Group", id(1000)).Version)
		}
		groupOf(k, 1000, winner)
		k.commit(changeMembers(delta(1000, fmt.Sprint("empty-", round), nil, []int{winner})))
	}
}

func raceDeleteMember(k *kit) {
	for round := range 8 {
		u, g := 10*round, 10*round+1
		k.commit(creates(plain("User", u), group(g)))
		k.race(errAny, func(n int) store.Change {
			if n == parallel/2 {
				return deletes("User", id(u))
			}
			return changeMembers(delta(g, fmt.Sprint("v2-", n), []int{u}, nil))
		})
		_, err := k.Get(k.Context(), store.Key{Tenant: k.tenant, Type: "User", ID: id(u)})
		switch {
		case err == nil: // an addition came first, so the delete was refused
			groupOf(k, g, u)
		case errors.Is(err, store.ErrNotFound):
			groupOf(k, g)
			k.want("the groups of the deleted one", k.members(store.MemberQuery{Of: []string{id(u)}}), []store.Member{})
		default:
			k.stop("Get: %v", err)
		}
	}
}

// errAny is a refusal of any kind.
var errAny = errors.New("a refusal")

func raceClaims(k *kit) {
	done := k.race(exhausted(seats), func(n int) store.Change {
		c := creates(plain("User", n))
		c.Claims = take(1, 10).Claims
		return c
	})
	k.want("the number of claims on 10 seats that took place", done, 10)
	k.used(10)
	k.want("the number of users who got one", k.list(store.Query{}).Total, 10)
	for _, after := range []time.Duration{0, 30 * minute} {
		done := k.race(exhausted("brake"), func(int) store.Change { return brake(1, 5, after) })
		k.want("the number of claims in a window of 5 that took place", done, 5)
		k.counts("brake", 5)
	}
}

// raceReaders has a writer change two users and a membership in one commit each time. Readers must never see only a part of it.
func raceReaders(k *kit) {
	k.commit(creates(resource("User", id(1), `{"title":"0"}`), resource("User", id(2), `{"title":"0"}`), group(10)))
	ctx, cancel := context.WithCancel(k.Context())
	defer cancel()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				p, err := k.List(ctx, store.Query{Tenant: k.tenant, Types: []string{"User"}, Count: 10})
				if ctx.Err() != nil {
					return
				}
				if err != nil || len(p.Resources) != 2 || p.Resources[0].Attributes != p.Resources[1].Attributes {
					k.broken("a list shows half a change: %v, error %v", p, err)
					return
				}
				if _, err := k.Get(ctx, store.Key{Tenant: k.tenant, Type: "User", ID: id(1)}); err != nil && ctx.Err() == nil {
					k.broken("Get: %v", err)
					return
				}
				for _, err := range k.Members(ctx, store.MemberQuery{Tenant: k.tenant, Groups: []string{id(10)}}) {
					if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
						k.broken("Members: %v", err)
						return
					}
				}
			}
		})
	}
	for n := range 100 {
		json, version := fmt.Sprintf(`{"title":"%d"}`, n+1), fmt.Sprint("v", n+1)
		c := store.Change{Put: []store.Put{
			{Resource: next(user(1), fmt.Sprint("v", n+2), json), IfVersion: version},
			{Resource: next(user(2), fmt.Sprint("v", n+2), json), IfVersion: version},
		}}
		d := delta(10, fmt.Sprint("v", n+2), []int{1, 2}, nil) // the users join and leave the group in turns
		if n%2 == 1 {
			d.Add, d.Remove = nil, []string{id(1), id(2)}
		}
		c.Members = []store.MemberDelta{d}
		k.commit(c)
	}
	cancel()
	wg.Wait()
}

// raceWalk walks through users while others are created and deleted before, between and behind them in the order of ids.
func raceWalk(k *kit) {
	const n = 150
	var c store.Change
	for i := range n {
		c.Put = append(c.Put, puts(resource("User", id(2*i), fmt.Sprintf(`{"userName":"u%04d","title":"stays"}`, 2*i)))...)
	}
	k.commit(c)
	ctx, cancel := context.WithCancel(k.Context())
	defer cancel()
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for i := w; ctx.Err() == nil; i += 3 {
				at := (i*38+1)%(2*n+60) | 1 // an odd number, as those of the users that stay are even
				r := resource("User", id(at), fmt.Sprintf(`{"userName":"u%04d","title":"stays"}`, at))
				_ = k.Commit(ctx, &store.Change{Tenant: k.tenant, Put: puts(r)})
				_ = k.Commit(ctx, &store.Change{Tenant: k.tenant, Delete: []store.Delete{{Type: "User", ID: r.ID}}})
			}
		})
	}
	for _, q := range []store.Query{
		{}, {NoTotal: true}, {Filter: where(`title eq "stays"`)}, {Filter: where(`title eq "stays"`), NoTotal: true},
		{Sort: &store.Sort{By: attribute("userName")}}, {Sort: &store.Sort{By: attribute("userName"), Descending: true}},
	} {
		q.Count = 7
		times := map[string]int{}
		for _, i := range k.follow(q, false) {
			times[i]++
		}
		for i := range 2*n + 60 {
			if seen := times[id(i)]; seen > 1 || i%2 == 0 && i < 2*n && seen != 1 {
				k.broken("%s: the walk saw %s %d times", describeQuery(q), id(i), seen)
			}
		}
	}
	cancel()
	wg.Wait()
}

// interrupted ends the contexts of commits after different times.
func interrupted(k *kit) {
	k.commit(creates(group(1000)))
	done := map[int]bool{}
	for n := range 40 {
		c := creates(plain("User", n))
		c.Tenant = k.tenant
		d := delta(1000, fmt.Sprint("v2-", n), []int{n}, nil)
		c.Members = []store.MemberDelta{d}
		c.Claims = take(1, -1).Claims
		ctx, cancel := context.WithTimeout(k.Context(), time.Duration(n*n)*4*time.Microsecond)
		done[n] = k.Commit(ctx, &c) == nil
		cancel()
	}
	for range 100 { // a commit whose context ended may still take place, so this waits until nothing changes any more
		before := k.members(store.MemberQuery{Groups: []string{id(1000)}})
		users := map[string]bool{}
		for n := range done {
			_, err := k.Get(k.Context(), store.Key{Tenant: k.tenant, Type: "User", ID: id(n)})
			users[id(n)] = err == nil
		}
		used, isRead := k.counters(seats)
		if len(k.members(store.MemberQuery{Groups: []string{id(1000)}})) != len(before) {
			continue
		}
		for _, m := range before {
			if !users[m.ID] {
				k.broken("%s is a member and not there", m.ID)
			}
			delete(users, m.ID)
		}
		for n, acknowledged := range done {
			if users[id(n)] {
				k.broken("commit %d: its user is there and no member", n)
			}
			if acknowledged && !slices.ContainsFunc(before, func(m store.Member) bool { return m.ID == id(n) }) {
				k.broken("commit %d answered no error, and didn't take place", n)
			}
		}
		if isRead {
			k.want("the number of used seats", used[0].Count, len(before))
		}
		return
	}
	k.stop("the members of a group change without end")
}
