package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
)

var listRules = []rule{
	{"Order", "I6: Without a sort a list is in the order of id, whatever the order of the writes.", order},
	{"Types", "A list has the resources of the types that it is asked for, in one order, and of no other.", listTypes},
	{"Index", "Start skips so many matches, and Count is the most that a page has; a start behind the end is an empty page.", indexPages},
	{"Total", "The total counts all matches, whatever the page; with NoTotal it may be -1 instead. A count of 0 asks for the total only.", totals},
	{"Cursor", "I6: A walk by cursor sees every resource exactly once, and ends: only the last page has no cursor.", cursors},
	{"CursorMoves", "I6: A walk by cursor sees every resource that existed throughout exactly once, whatever comes and goes meanwhile.", cursorMoves},
	{"CursorInvalid", "A cursor that isn't one of the query's is refused with ErrCursor.", cursorInvalid},
	{"Empty", "A list of nothing is a page without resources, and no error.", emptyLists},
}

// shuffled returns the numbers below n in an order that neither rises nor falls.
func shuffled(n int) (s []int) {
	for i := range n {
		s = append(s, (i*37+11)%n)
	}
	slices.Sort(s)
	s = slices.Compact(s) // some numbers are there twice if n is a multiple of 37
	for i := range len(s) / 2 {
		j := (i*7 + 3) % len(s)
		s[i], s[j] = s[j], s[i]
	}
	return s
}

func ids(from, to int) (s []string) {
	for n := from; n < to; n++ {
		s = append(s, id(n))
	}
	return s
}

func order(k *kit) {
	for _, n := range shuffled(23) {
		k.commit(creates(user(n)))
	}
	k.want("a list", idsOf(k.list(store.Query{Count: 100})), ids(0, 23))
	k.commit(update(next(user(7), "v2", `{"userName":"AAA"}`), "v1"))
	k.want("a list after an update", idsOf(k.list(store.Query{Count: 100})), ids(0, 23))
}

func listTypes(k *kit) {
	k.commit(creates(user(1), group(2), user(3), plain("Device", 4), group(5), plain("rollcall.test", 6)))
	for _, tt := range []struct {
		types []string
		want  []string
	}{
		{[]string{"User"}, []string{id(1), id(3)}},
		{[]string{"Group"}, []string{id(2), id(5)}},
		{[]string{"Group", "User"}, []string{id(1), id(2), id(3), id(5)}},
		{[]string{"User", "Device", "Group"}, []string{id(1), id(2), id(3), id(4), id(5)}},
		{[]string{"Nothing"}, nil},
		{[]string{"Nothing", "Device"}, []string{id(4)}},
		{[]string{"user"}, nil},
	} {
		k.want(fmt.Sprint("a list of ", tt.types), idsOf(k.list(store.Query{Types: tt.types, Count: 10})), tt.want)
		k.want(fmt.Sprint("a walk over ", tt.types), k.walk(store.Query{Types: tt.types, Count: 2}), tt.want)
		k.want(fmt.Sprint("the total of ", tt.types), k.list(store.Query{Types: tt.types}).Total, len(tt.want))
		if len(tt.want) > 1 {
			k.want(fmt.Sprint("a list from the second on of ", tt.types), idsOf(k.list(store.Query{Types: tt.types, Start: 1, Count: 10})), tt.want[1:])
		}
	}
}

// commitUsers commits n users. Every second one has the title "even", and every fifth has no userName.
func commitUsers(k *kit, n int) {
	for i := range n {
		json := fmt.Sprintf(`{"userName":"U%03d","displayName":"D%03d","title":"%s"}`, i, n-i, []string{"even", "odd"}[i%2])
		if i%5 == 0 {
			json = fmt.Sprintf(`{"displayName":"D%03d","title":"%s"}`, n-i, []string{"even", "odd"}[i%2])
		}
		k.commit(creates(resource("User", id(i), json)))
	}
}

// orders returns queries, and the ids that they list of the users of commitUsers.
func orders(n int) map[string]struct {
	q    store.Query
	want []string
} {
	var even, backwards, sorted, absent []string
	for i := range n {
		if i%2 == 0 {
			even = append(even, id(i))
		}
		if i%5 == 0 {
			absent = append(absent, id(i))
		} else {
			sorted = append(sorted, id(i))
		}
	}
	backwards = slices.Clone(ids(0, n))
	slices.Reverse(backwards)
	descending := slices.Clone(sorted)
	slices.Reverse(descending)
	type m = struct {
		q    store.Query
		want []string
	}
	return map[string]m{
		"by id":                   {store.Query{}, ids(0, n)},
		"filtered":                {store.Query{Filter: where(`title eq "EVEN"`)}, even},
		"by displayName":          {store.Query{Sort: &store.Sort{By: attribute("displayName")}}, backwards},
		"by userName":             {store.Query{Sort: &store.Sort{By: attribute("userName")}}, slices.Concat(sorted, absent)},
		"by userName, descending": {store.Query{Sort: &store.Sort{By: attribute("userName"), Descending: true}}, slices.Concat(absent, descending)},
		"by title": {store.Query{Sort: &store.Sort{By: attribute("title")}}, slices.Concat(even,
			slices.DeleteFunc(ids(0, n), func(s string) bool { return slices.Contains(even, s) }))},
	}
}

func indexPages(k *kit) {
	const n = 13
	commitUsers(k, n)
	for name, o := range orders(n) {
		for start := range n + 3 {
			for _, count := range []int{1, 4, n, 100} {
				q := o.q
				q.Start, q.Count = start, count
				p := k.list(q)
				from := min(start, len(o.want))
				k.want(fmt.Sprintf("%s: %d from %d on", name, count, start), idsOf(p), o.want[from:min(from+count, len(o.want))])
				k.want(fmt.Sprintf("%s: the total of %d from %d on", name, count, start), p.Total, len(o.want))
			}
		}
	}
}

func totals(k *kit) {
	commitUsers(k, 9)
	for name, o := range orders(9) {
		for _, q := range []store.Query{{}, {Start: 3}, {Start: 100}, {Count: 2}, {Count: 2, NoTotal: true}, {NoTotal: true}} {
			q.Filter, q.Sort = o.q.Filter, o.q.Sort
			p := k.list(q)
			if p.Total != len(o.want) && !(q.NoTotal && p.Total == -1) {
				k.broken("%s: the total of start %d count %d is %d instead of %d", name, q.Start, q.Count, p.Total, len(o.want))
			}
			if q.Count == 0 && (len(p.Resources) != 0 || p.Next != "") {
				k.broken("%s: a count of 0 returned %d resources and cursor %q", name, len(p.Resources), p.Next)
			}
		}
	}
	// The total follows the writes.
	k.commit(creates(user(100)))
	k.want("the total after a create", k.list(store.Query{}).Total, 10)
	k.commit(update(next(user(100), "v2", `{}`), "v1"))
	k.want("the total after an update", k.list(store.Query{}).Total, 10)
	k.commit(deletes("User", id(100)))
	k.want("the total after a delete", k.list(store.Query{}).Total, 9)
}

func cursors(k *kit) {
	const n = 12
	commitUsers(k, n)
	for name, o := range orders(n) {
		for _, count := range []int{1, 2, 3, 5, n - 1, n, n + 1} {
			q := o.q
			q.Count = count
			k.want(fmt.Sprintf("%s: a walk in pages of %d", name, count), k.walk(q), o.want)
			q.NoTotal = true
			k.want(fmt.Sprintf("%s: a walk in pages of %d without totals", name, count), k.walk(q), o.want)
		}
		q := o.q
		q.Start, q.Count = 2, 3
		p := k.list(q)
		q.Start, q.Cursor = 0, p.Next
		k.want(name+": the page behind an index page", idsOf(k.list(q)), o.want[5:min(8, len(o.want))])
		k.want(name+": the total on a page by cursor", k.list(q).Total, len(o.want))
	}
}

func cursorMoves(k *kit) {
	const n = 20
	for name, o := range orders(n) {
		own := *k
		own.tenant += name
		commitUsers(&own, n)
		q := o.q
		q.Count = 3
		var seen []string
		stays := map[string]bool{}
		for _, i := range o.want {
			stays[i] = true
		}
		for step := 0; ; step++ {
			p := own.list(q)
			seen = append(seen, idsOf(p)...)
			if p.Next == "" {
				break
			}
			if step > n {
				k.stop("%s: the walk doesn't end", name)
			}
			q.Cursor = p.Next
			// The last user of the page is deleted, at which the cursor points, and so are one that was seen and one that was not.
			for _, gone := range []string{seen[len(seen)-1], seen[0], o.want[(step*5+7)%len(o.want)]} {
				err := own.Commit(k.Context(), &store.Change{Tenant: own.tenant, Delete: []store.Delete{{Type: "User", ID: gone}}})
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					k.stop("Delete: %v", err)
				}
				if !slices.Contains(seen, gone) {
					delete(stays, gone)
				}
			}
			// Users are created before, between and behind the others.
			front := fmt.Sprintf("0195514a-0000-6000-8000-%012x", step)
			between := fmt.Sprintf(`{"userName":"U01+%d","displayName":"D01+%d","title":"even"}`, step, step)
			own.commit(creates(
				resource("User", front, fmt.Sprintf(`{"userName":"A%d","displayName":"A%d","title":"even"}`, step, step)),
				resource("User", id(1000+step), between),
				resource("User", id(2000+step), fmt.Sprintf(`{"userName":"Z%d","displayName":"Z%d","title":"even"}`, step, step)),
			))
		}
		for _, i := range o.want {
			times := 0
			for _, s := range seen {
				if s == i {
					times++
				}
			}
			if times > 1 || times == 0 && stays[i] {
				k.broken("%s: the walk saw %s %d times", name, i, times)
			}
		}
		slices.Sort(seen)
		if len(slices.Compact(slices.Clone(seen))) != len(seen) {
			k.broken("%s: the walk saw some resources twice: %s", name, seen)
		}
	}
}

func cursorInvalid(k *kit) {
	commitUsers(k, 5)
	refused := func(what string, q store.Query) {
		k.Helper()
		q.Tenant, q.Count = k.tenant, 2
		if q.Types == nil {
			q.Types = []string{"User"}
		}
		if _, err := k.List(k.Context(), q); !errors.Is(err, store.ErrCursor) {
			k.broken("%s: got %s, want %s", what, describe(err), describe(store.ErrCursor))
		}
	}
	for _, c := range []string{"x", "!", "\x00", "AAAA", "bm9uc2Vuc2U", "eyJpIjoxfQ", "'; --", id(1)} {
		refused(fmt.Sprintf("cursor %q", c), store.Query{Cursor: c})
	}
	byName := &store.Sort{By: attribute("userName")}
	plain := k.list(store.Query{Count: 2}).Next
	sorted := k.list(store.Query{Count: 2, Sort: byName}).Next
	refused("a cursor of a list without sort, with one", store.Query{Cursor: plain, Sort: byName})
	refused("a cursor of a sorted list, without sort", store.Query{Cursor: sorted})
	refused("a cursor of an ascending list in a descending one", store.Query{Cursor: sorted, Sort: &store.Sort{By: byName.By, Descending: true}})
	refused("a cursor of a list by another attribute", store.Query{Cursor: sorted, Sort: &store.Sort{By: attribute("title")}})
	refused("a cursor cut short", store.Query{Cursor: plain[:len(plain)/2]})
}

func emptyLists(k *kit) {
	check := func(what string) {
		for name, o := range orders(0) {
			q := o.q
			for _, q.Count = range []int{0, 5} {
				p := k.list(q)
				if len(p.Resources) != 0 || p.Total != 0 || p.Next != "" {
					k.broken("%s, %s: got %d resources, total %d, cursor %q", what, name, len(p.Resources), p.Total, p.Next)
				}
			}
		}
	}
	check("a tenant that was never heard of")
	k.commit(creates(user(1)))
	k.commit(deletes("User", id(1)))
	check("a tenant of whom all is deleted")
}
