package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

var memberRules = []rule{
	{"Order", "Rows come in the order of the groups asked for, and within one in the order of the members' ids; the same the other way round.", rowOrder},
	{"IDs", "With IDs only the rows of these members come, and nothing for those that aren't members.", rowIDs},
	{"Label", "A row has the label that the other end has now: the member's if groups were asked for, the group's if the groups of a member.", labels},
	{"Related", "What reads resources together with their groups reads the same as one after the other.", readRelated},
	{"Delta", "A delta says exactly what changes: to add a member that is one, or to remove one that isn't, is refused with ErrVersionMismatch.", deltas},
	{"Version", "A delta gives the group its next version and time, and is refused with ErrVersionMismatch if IfVersion is another version.", deltaVersion},
	{"NoGroup", "A delta on a group that isn't there is refused with ErrNotFound.", noGroup},
	{"Unknown", "Adding what isn't there is refused with UnknownMemberError naming it. Without a type the store finds it, by the first in alphabetical order of the types that have the id; internal types, with a dot in their names, are nobody's members.", unknownMember},
	{"Cascade", "A delete of a group removes its rows, and only those.", cascade},
	{"Leave", "A delete of a member is refused with ErrVersionMismatch until it has left its groups. Only the type that is a member counts.", leave},
	{"Put", "A put of a group or a member leaves the memberships as they are.", putKeeps},
	{"Nested", "A group may be a member of a group.", nested},
	{"Stop", "A caller may stop reading rows at any point, and use the store while reading.", stopReading},
	{"Moment", "All rows of one owner are of one moment, also while others write.", oneMoment},
	{"Stalled", "Callers that stall in the middle of rows hold up nobody, however many they are: the store has no connection, transaction or lock waiting for them.", stalled},
	{"Large", "A group of 100,000 members is changed and read like any other.", large},
}

func groupOf(k *kit, g int, want ...int) {
	k.Helper()
	var got, wantIDs []string
	for _, m := range k.members(store.MemberQuery{Groups: []string{id(g)}}) {
		got = append(got, m.ID)
	}
	for _, n := range want {
		wantIDs = append(wantIDs, id(n))
	}
	k.want(fmt.Sprintf("the members of group %d", g), got, wantIDs)
}

func rowOrder(k *kit) {
	c := creates(user(1), user(2), user(3), user(4), group(10), group(11), group(12))
	c.Members = []store.MemberDelta{
		delta(11, "v1", []int{3, 1, 2}, nil), delta(10, "v1", []int{4, 2}, nil), delta(12, "v1", []int{2}, nil),
	}
	k.commit(c)
	row := func(g, u int) store.Member {
		return store.Member{Group: id(g), Type: "User", ID: id(u), Label: user(u).Label}
	}
	k.want("the members of one group", k.members(store.MemberQuery{Groups: []string{id(11)}}),
		[]store.Member{row(11, 1), row(11, 2), row(11, 3)})
	k.want("the members of several, one of which isn't there", k.members(store.MemberQuery{Groups: []string{id(12), id(99), id(11), id(10)}}),
		[]store.Member{row(12, 2), row(11, 1), row(11, 2), row(11, 3), row(10, 2), row(10, 4)})

	of := func(g, u int) store.Member {
		return store.Member{Group: id(g), Type: "User", ID: id(u), Label: group(g).Label}
	}
	k.want("the groups of one member", k.members(store.MemberQuery{Of: []string{id(2)}}),
		[]store.Member{of(10, 2), of(11, 2), of(12, 2)})
	k.want("the groups of several, of whom one isn't there", k.members(store.MemberQuery{Of: []string{id(4), id(99), id(2), id(1)}}),
		[]store.Member{of(10, 4), of(10, 2), of(11, 2), of(12, 2), of(11, 1)})
	k.want("the rows of nothing", k.members(store.MemberQuery{}), []store.Member{})
	k.want("the members of a user", k.members(store.MemberQuery{Groups: []string{id(1)}}), []store.Member{})
}

func readRelated(k *kit) {
	s, ok := k.Store.(store.RelatedReader)
	if !ok {
		k.Skip("the store is no RelatedReader")
	}
	c := creates(user(1), user(2), user(3), group(10), group(11))
	c.Members = []store.MemberDelta{delta(11, "v1", []int{3, 1}, nil), delta(10, "v1", []int{1}, nil)}
	k.commit(c)
	for n := range 4 {
		at := store.Key{Tenant: k.tenant, Type: "User", ID: id(n)}
		want, wantErr := k.Get(k.Context(), at)
		got, rows, err := s.GetRelated(k.Context(), at)
		k.want("the outcome of a read", describe(err), describe(wantErr))
		if err == nil {
			k.want("a resource", describeResource(got), describeResource(want))
			k.want("its groups", rows, k.members(store.MemberQuery{Of: []string{id(n)}}))
		}
	}
	for _, q := range []store.Query{
		{Count: 10}, {Count: 2}, {Count: 0}, {Count: 1, Start: 1}, {Count: 10, Filter: where(`userName pr`)}, {Count: 10, Filter: where(`userName eq "nobody"`)},
		{Count: 2, Sort: &store.Sort{By: attribute("userName"), Descending: true}},
	} {
		q.Tenant, q.Types = k.tenant, []string{"User"}
		want, err := k.List(k.Context(), q)
		if err != nil {
			k.stop("a list failed: %v", err)
		}
		for _, most := range []int{1000, 1, 0} {
			got, rows, complete, err := s.ListRelated(k.Context(), q, most)
			if err != nil {
				k.stop("a list with groups failed: %v", err)
			}
			k.want("the total of a page", got.Total, want.Total)
			k.want("the resources of a page", idsOf(got), idsOf(want))
			if complete > len(got.Resources) || complete < len(got.Resources) && most == 1000 {
				k.stop("the rows of %d of %d resources are complete, by about %d rows", complete, len(got.Resources), most)
			}
			var wantRows []store.Member
			if complete > 0 {
				wantRows = k.members(store.MemberQuery{Of: idsOf(got)[:complete]})
			}
			k.want("the groups of the first resources of a page", rows, wantRows)
		}
	}
}

func rowIDs(k *kit) {
	c := creates(user(1), user(2), user(3), group(10), group(11))
	c.Members = []store.MemberDelta{delta(10, "v1", []int{1, 2, 3}, nil), delta(11, "v1", []int{3}, nil)}
	k.commit(c)
	rows := func(groups []int, members ...int) (got []string) {
		q := store.MemberQuery{}
		for _, g := range groups {
			q.Groups = append(q.Groups, id(g))
		}
		for _, n := range members {
			q.IDs = append(q.IDs, id(n))
		}
		for _, m := range k.members(q) {
			got = append(got, m.Group+" has "+m.ID)
		}
		return got
	}
	has := func(g, u int) string { return id(g) + " has " + id(u) }
	k.want("two of three", rows([]int{10}, 3, 1), []string{has(10, 1), has(10, 3)})
	k.want("one that is no member", rows([]int{11}, 1), []string{})
	k.want("some that aren't there", rows([]int{10}, 99, 2, 98), []string{has(10, 2)})
	k.want("one named twice", rows([]int{10}, 2, 2), []string{has(10, 2)})
	k.want("of two groups", rows([]int{11, 10}, 2, 3), []string{has(11, 3), has(10, 2), has(10, 3)})
}

func labels(k *kit) {
	c := creates(user(1), group(10))
	c.Members = []store.MemberDelta{delta(10, "v1", []int{1}, nil)}
	k.commit(c)
	label := func(q store.MemberQuery) string {
		rows := k.members(q)
		if len(rows) != 1 {
			k.stop("got %d rows instead of one", len(rows))
		}
		return rows[0].Label
	}
	k.commit(update(next(user(1), "v2", `{"displayName":"Renamed user"}`), "v1"))
	k.commit(update(next(group(10), "v2", `{"displayName":"Renamed group"}`), "v1"))
	k.want("the member's label", label(store.MemberQuery{Groups: []string{id(10)}}), "Renamed user")
	k.want("the member's label, asked for by id", label(store.MemberQuery{Groups: []string{id(10)}, IDs: []string{id(1)}}), "Renamed user")
	k.want("the group's label", label(store.MemberQuery{Of: []string{id(1)}}), "Renamed group")
}

func deltas(k *kit) {
	k.commit(creates(user(1), user(2), user(3), user(4), group(10)))
	step := func(d store.MemberDelta, want ...int) {
		k.Helper()
		k.commit(changeMembers(d))
		groupOf(k, 10, want...)
	}
	isNot := func(what string, d store.MemberDelta) {
		k.Helper()
		before := k.get("Group", id(10)).Version
		k.refused(what, store.ErrVersionMismatch, changeMembers(d))
		k.want("the group's version afterwards", k.get("Group", id(10)).Version, before)
	}
	isNot("removing somebody from an empty group", delta(10, "v2", nil, []int{1}))
	step(delta(10, "v2", []int{2, 1}, nil), 1, 2)
	isNot("adding a member", delta(10, "v3", []int{2}, nil))
	isNot("adding a member and somebody else", delta(10, "v3", []int{3, 2}, nil))
	isNot("adding somebody twice", delta(10, "v3", []int{3, 3}, nil))
	isNot("removing somebody who is no member", delta(10, "v3", nil, []int{4}))
	isNot("removing a member and somebody else", delta(10, "v3", nil, []int{1, 4}))
	isNot("removing somebody who never was", delta(10, "v3", nil, []int{99}))
	isNot("removing a member twice", delta(10, "v3", nil, []int{1, 1}))
	withType := delta(10, "v3", nil, nil)
	withType.Add = []store.MemberRef{{ID: id(1)}}
	isNot("adding a member without its type", withType)
	groupOf(k, 10, 1, 2)
	step(delta(10, "v3", []int{3}, nil), 1, 2, 3)
	step(delta(10, "v4", nil, []int{2}), 1, 3)
	step(delta(10, "v5", []int{2, 4}, []int{1, 3}), 2, 4)
	step(delta(10, "v6", nil, nil), 2, 4)
	step(delta(10, "v7", nil, []int{4, 2}))
	k.refused("adding somebody who isn't there", &store.UnknownMemberError{ID: id(99)}, changeMembers(delta(10, "v8", []int{1, 99}, nil)))
	groupOf(k, 10)
}

func deltaVersion(k *kit) {
	k.commit(creates(user(1), group(10)))
	d := delta(10, "v2", []int{1}, nil)
	d.IfVersion, d.LastModified = "v1", epoch.Add(5*time.Minute+time.Microsecond)
	k.commit(changeMembers(d))
	g := k.get("Group", id(10))
	want := *group(10)
	want.Tenant, want.Version, want.LastModified = k.tenant, "v2", d.LastModified
	k.want("the group after a delta", describeResource(g), describeResource(&want))
	p := k.list(store.Query{Types: []string{"Group"}, Filter: where(`displayName eq "group 10"`), Count: 1})
	k.want("the group in a list after a delta", describeResource(p.Resources[0]), describeResource(&want))
	k.want("the member after a delta", k.get("User", id(1)).Version, "v1")

	k.refused("a delta on the version before", store.ErrVersionMismatch, changeMembers(d))
	d.IfVersion, d.Version, d.Add, d.Remove = "", "v3", nil, []string{id(1)} // an empty IfVersion allows any version
	k.commit(changeMembers(d))
	k.want("the group after a delta on any version", k.get("Group", id(10)).Version, "v3")
	k.refused("a put of the version before the delta", store.ErrVersionMismatch, update(next(group(10), "v4", `{}`), "v2"))
}

func noGroup(k *kit) {
	k.commit(creates(user(1)))
	k.refused("a delta on a group that never was", store.ErrNotFound, changeMembers(delta(10, "v2", []int{1}, nil)))
	k.refused("a delta on a user", store.ErrNotFound, changeMembers(delta(1, "v2", []int{1}, nil)))
	k.refused("an empty delta on a group that never was", store.ErrNotFound, changeMembers(delta(10, "v2", nil, nil)))
	groupOf(k, 10)
	groupOf(k, 1)
}

func unknownMember(k *kit) {
	k.commit(creates(user(1), group(10), plain("Device", 2), plain("rollcall.test", 3), plain("rollcall.test", 1)))
	add := func(typ string, n int) store.Change {
		d := delta(10, "v1", nil, nil)
		d.Add = []store.MemberRef{{Type: typ, ID: id(n)}}
		return changeMembers(d)
	}
	k.refused("adding what never was", &store.UnknownMemberError{ID: id(99)}, add("", 99))
	k.refused("adding a user who never was", &store.UnknownMemberError{ID: id(99)}, add("User", 99))
	k.refused("adding a user who is a device", &store.UnknownMemberError{ID: id(2)}, add("User", 2))
	k.refused("adding what is of an internal type", &store.UnknownMemberError{ID: id(3)}, add("", 3))
	groupOf(k, 10)
	k.commit(creates(plain("User", 4), plain("Device", 4), plain("Zone", 4), plain("Zone", 5), plain("User", 5)))
	for _, n := range []int{1, 2, 4, 5} {
		k.commit(add("", n))
	}
	k.want("the types that the store found", k.members(store.MemberQuery{Groups: []string{id(10)}}), []store.Member{
		{Group: id(10), Type: "User", ID: id(1), Label: user(1).Label}, {Group: id(10), Type: "Device", ID: id(2)},
		{Group: id(10), Type: "Device", ID: id(4)}, {Group: id(10), Type: "User", ID: id(5)},
	})
}

func cascade(k *kit) {
	c := creates(user(1), user(2), group(10), group(11), plain("rollcall.test", 10))
	c.Members = []store.MemberDelta{delta(10, "v1", []int{1, 2}, nil), delta(11, "v1", []int{1}, nil)}
	k.commit(c)
	k.commit(deletes("rollcall.test", id(10)))
	groupOf(k, 10, 1, 2)
	k.commit(deletes("Group", id(10)))
	k.want("the groups of a member of the deleted group", k.members(store.MemberQuery{Of: []string{id(2)}}), []store.Member{})
	groupOf(k, 10)
	groupOf(k, 11, 1)
	k.get("User", id(2))
	k.commit(creates(group(10)))
	groupOf(k, 10) // a group that is created anew is empty
}

func leave(k *kit) {
	c := creates(user(1), user(2), group(10), group(11), group(12), plain("Device", 1), plain("rollcall.test", 1))
	d := delta(11, "v1", []int{1, 2}, nil)
	d.Add = append(d.Add, store.MemberRef{Type: "Group", ID: id(12)})
	c.Members = []store.MemberDelta{delta(10, "v1", []int{1}, nil), d}
	k.commit(c)
	k.commit(deletes("rollcall.test", id(1)))
	k.commit(deletes("Device", id(1)))
	was := k.everything()
	k.refused("a delete of a member", store.ErrVersionMismatch, deletes("User", id(1)))
	k.refused("a delete of a group that is a member", store.ErrVersionMismatch, deletes("Group", id(12)))
	c = deletes("User", id(1))
	c.Members = []store.MemberDelta{delta(10, "v2", nil, []int{1})}
	k.refused("a delete of who has left one of two groups", store.ErrVersionMismatch, c)
	k.want("all that can be read afterwards", k.everything(), was)
	c.Members = append(c.Members, delta(11, "v2", nil, []int{1}))
	k.commit(c)
	k.gone("User", id(1))
	groupOf(k, 10)
	groupOf(k, 11, 2, 12)
	k.want("the version of its group", k.get("Group", id(10)).Version, "v2")
	k.want("the groups of the deleted user", k.members(store.MemberQuery{Of: []string{id(1)}}), []store.Member{})
	k.commit(creates(user(1)))
	groupOf(k, 10) // a user who is created anew is no member
}

func putKeeps(k *kit) {
	c := creates(user(1), group(10))
	c.Members = []store.MemberDelta{delta(10, "v1", []int{1}, nil)}
	k.commit(c)
	k.commit(update(next(group(10), "v2", `{"displayName":"x"}`), "v1"))
	k.commit(update(next(user(1), "v2", `{"userName":"x"}`), "v1"))
	groupOf(k, 10, 1)
}

func nested(k *kit) {
	c := creates(group(10), group(11), user(1))
	d := delta(10, "v1", []int{1}, nil)
	d.Add = append(d.Add, store.MemberRef{Type: "Group", ID: id(11)})
	back := delta(11, "v1", nil, nil)
	back.Add = []store.MemberRef{{ID: id(10)}} // each of the two groups is a member of the other now
	c.Members = []store.MemberDelta{d, back}
	k.commit(c)
	groupOf(k, 10, 1, 11)
	groupOf(k, 11, 10)
	k.want("the type of a nested group", k.members(store.MemberQuery{Of: []string{id(11)}}),
		[]store.Member{{Group: id(10), Type: "Group", ID: id(11), Label: "Group 10"}})
	c = deletes("Group", id(11))
	c.Members = []store.MemberDelta{delta(10, "v2", nil, []int{11})}
	k.commit(c)
	groupOf(k, 10, 1)
	k.commit(deletes("Group", id(10))) // the group that it was a member of is gone
	k.want("the groups of a member of the deleted group", k.members(store.MemberQuery{Of: []string{id(1), id(10)}}), []store.Member{})
}

func stopReading(k *kit) {
	c := creates(user(1), user(2), user(3), group(10))
	c.Members = []store.MemberDelta{delta(10, "v1", []int{1, 2, 3}, nil)}
	k.commit(c)
	for n := range 3 {
		seen := 0
		for _, err := range k.Members(k.Context(), store.MemberQuery{Tenant: k.tenant, Groups: []string{id(10)}}) {
			if err != nil {
				k.stop("Members: %v", err)
			}
			k.commit(changeMembers(delta(10, fmt.Sprint("v", 2+n), nil, nil))) // must not wait for the reader
			k.get("User", id(1))
			if seen++; seen > n {
				break
			}
		}
	}
	rows := k.Members(k.Context(), store.MemberQuery{Tenant: k.tenant, Groups: []string{id(10)}})
	for range 2 {
		n := 0
		for _, err := range rows {
			if err != nil {
				k.broken("the rows of an iterator that is used twice: %v", err)
			}
			n++
		}
		k.want("rows of an iterator that is used twice", n, 3)
	}
}

func large(k *kit) {
	n := 100_000
	if testing.Short() || underRace {
		n = 3_000
	}
	const batch = 5_000
	for from := 0; from < n; from += batch {
		c := store.Change{}
		for i := from; i < min(from+batch, n); i++ {
			c.Put = append(c.Put, store.Put{Resource: plain("User", i)})
		}
		k.commit(c)
	}
	k.commit(creates(group(n), plain("User", n+1)))
	all := delta(n, "v2", nil, nil)
	for i := range n {
		all.Add = append(all.Add, store.MemberRef{Type: "User", ID: id(i)})
	}
	slices.Reverse(all.Add)
	k.commit(changeMembers(all))

	count := func(what string, want int) {
		k.Helper()
		got, last := 0, ""
		for m, err := range k.Members(k.Context(), store.MemberQuery{Tenant: k.tenant, Groups: []string{id(n)}}) {
			if err != nil {
				k.stop("%s: %v", what, err)
			}
			if m.ID <= last {
				k.stop("%s: %s comes behind %s", what, m.ID, last)
			}
			got, last = got+1, m.ID
		}
		k.want(what+": the number of members", got, want)
	}
	count("after adding all", n)
	k.commit(changeMembers(delta(n, "v3", []int{n + 1}, []int{5, n / 2})))
	count("after one was added and two were removed", n-1)
	half := delta(n, "v4", nil, nil)
	for i := range n / 2 {
		if i != 5 {
			half.Remove = append(half.Remove, id(i))
		}
	}
	half.Add = []store.MemberRef{{Type: "User", ID: id(5)}}
	k.commit(changeMembers(half))
	count("after half of them were removed and one was added", n-1-(n/2-1)+1)
	k.want("the total", k.list(store.Query{}).Total, n+1)
	k.commit(deletes("Group", id(n)))
	k.want("the groups of a member", k.members(store.MemberQuery{Of: []string{id(n - 1)}}), []store.Member{})
}
