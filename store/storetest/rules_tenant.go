package storetest

import (
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

const onlyItsOwn = "I4: No call sees or touches another tenant's rows, whatever ids it is given."

var tenantRules = []rule{
	{"Reads", onlyItsOwn, strangersRead},
	{"Writes", onlyItsOwn, strangersWrite},
	{"SameIDs", onlyItsOwn + " Two tenants may have resources with the same id and the same unique keys.", sameIDs},
	{"Names", "The names of tenants are compared as they are: case, blanks and prefixes make another tenant.", tenantNames},
}

// furnish gives the tenant two users in a group, two claimed seats and an entry of the journal.
func furnish(k *kit) {
	c := creates(user(1), user(2), group(10))
	c.Members = []store.MemberDelta{delta(10, "v1", []int{1, 2}, nil)}
	c.Claims = take(2, 2).Claims
	c.Journal = []store.Entry{{ID: "1", Time: epoch, Action: "furnish"}}
	k.commit(c)
}

func strangersRead(k *kit) {
	furnish(k)
	stranger := *k
	stranger.tenant += "-stranger"
	for range 2 { // the stranger has nothing at first, and then rows of its own
		for _, typ := range []string{"User", "Group"} {
			for _, n := range []int{1, 2, 10} {
				stranger.gone(typ, id(n))
			}
		}
		for _, q := range []store.Query{
			{Count: 10}, {Count: 10, Filter: where(`userName eq "user-1"`)}, {Count: 10, Filter: where(`id eq "` + id(1) + `"`)},
			{Count: 10, Filter: where(`userName sw "u"`)}, {Count: 10, Sort: &store.Sort{By: attribute("userName")}},
			{Count: 10, Filter: where(`not (userName eq "x")`)}, {Count: 10, Filter: where(`groups eq "` + id(10) + `"`)},
			{Count: 10, Types: []string{"Group"}, Filter: where(`members eq "` + id(1) + `"`)},
			{Count: 10, Filter: where(`userName eq "x" or userName pr`)}, {Count: 10, Types: []string{"Group", "User"}},
		} {
			p := stranger.list(q)
			own := slices.DeleteFunc(idsOf(p), func(i string) bool { return i == id(77) || i == id(78) })
			if len(own) > 0 || p.Total > 2 {
				k.broken("a list of %s shows %d resources of another tenant, and a total of %d", describeQuery(q), len(own), p.Total)
			}
		}
		k.want("the group's members, asked by a stranger", stranger.members(store.MemberQuery{Groups: []string{id(10)}}), []store.Member(nil))
		k.want("one of them", stranger.members(store.MemberQuery{Groups: []string{id(10)}, IDs: []string{id(1)}}), []store.Member(nil))
		k.want("the user's groups, asked by a stranger", stranger.members(store.MemberQuery{Of: []string{id(1)}}), []store.Member(nil))
		stranger.used(0)
		if s, ok := store.As[store.JournalReader](k.Store); ok {
			entries, err := s.Journal(k.Context(), store.JournalQuery{Tenant: stranger.tenant, Max: 10})
			k.want("the journal, asked by a stranger", []any{len(entries), err}, []any{0, nil})
		}
		_ = stranger.Commit(k.Context(), &store.Change{Tenant: stranger.tenant, Put: puts(user(77), group(78))})
	}

	// A cursor of one tenant shows nothing of it to another.
	p := k.list(store.Query{Count: 1})
	q := store.Query{Tenant: stranger.tenant, Types: []string{"User"}, Count: 10, Cursor: p.Next}
	if p, err := k.List(k.Context(), q); err == nil && slices.ContainsFunc(p.Resources, func(r *store.Resource) bool { return r.ID != id(77) }) {
		k.broken("with a cursor of another tenant its resources are listed: %s", idsOf(p))
	}
}

func strangersWrite(k *kit) {
	furnish(k)
	was := k.everything()
	stranger := *k
	stranger.tenant += "-stranger"
	stranger.commit(creates(user(77), group(78)))
	stranger.refused("an update of a stranger's user", store.ErrVersionMismatch, update(next(user(1), "v2", `{}`), "v1"))
	stranger.refused("a delete of a stranger's user", store.ErrNotFound, deletes("User", id(1)))
	stranger.refused("a delete of a stranger's group", store.ErrNotFound, deletes("Group", id(10)))
	stranger.refused("emptying a stranger's group", store.ErrNotFound, changeMembers(delta(10, "v2", nil, []int{1})))
	stranger.refused("joining a stranger's group", store.ErrNotFound, changeMembers(delta(10, "v2", []int{77}, nil)))
	stranger.refused("adding a stranger as a member", &store.UnknownMemberError{ID: id(1)}, changeMembers(delta(78, "v2", []int{1}, nil)))
	d := delta(78, "v2", nil, nil)
	d.Add = []store.MemberRef{{ID: id(1)}}
	stranger.refused("adding a stranger as a member, without a type", &store.UnknownMemberError{ID: id(1)}, changeMembers(d))
	stranger.commit(take(2, 2))
	stranger.commit(take(-9, 0))

	// The tenant is that of the change, whatever the resource says.
	r := user(3)
	r.Tenant = k.tenant
	stranger.commit(creates(r))
	k.want("the tenant of a resource that named another", stranger.get("User", id(3)).Tenant, stranger.tenant)
	k.want("all that can be read of the tenant after a stranger's writes", k.everything(), was)
	k.refused("taking a third of two seats", exhausted(seats), take(1, 2))
}

func sameIDs(k *kit) {
	furnish(k)
	twin := *k
	twin.tenant += "-twin"
	furnish(&twin)
	was := k.everything()
	twin.commit(update(next(user(2), "v2", `{"userName":"renamed","displayName":"renamed"}`), "v1"))
	c := deletes("User", id(1))
	c.Members = []store.MemberDelta{delta(10, "v2", nil, []int{1, 2})}
	twin.commit(c)
	k.want("all that can be read of the other tenant", k.everything(), was)
	twin.commit(deletes("Group", id(10)))
	k.want("all that can be read of the other tenant", k.everything(), was)
}

func tenantNames(k *kit) {
	k.commit(creates(user(1)))
	for _, name := range []string{k.tenant + " ", " " + k.tenant, "T" + k.tenant[1:], k.tenant[:len(k.tenant)-1], k.tenant + "%", ""} {
		if _, err := k.Get(k.Context(), store.Key{Tenant: name, Type: "User", ID: id(1)}); err == nil {
			k.broken("tenant %q sees a user of tenant %q", name, k.tenant)
		}
	}
}

var ownershipRules = []rule{
	{"In", "I5: What is given to a store stays the caller's: the store keeps no part that the caller may change, and changes nothing in it.", keepsNothing},
	{"Out", "I5: What a store returns is the caller's: changing it changes nothing in the store.", givesAway},
}

func keepsNothing(k *kit) {
	r := user(1)
	c := creates(r, group(10), user(2))
	c.Tenant = k.tenant
	c.Members = []store.MemberDelta{delta(10, "v1", []int{1}, nil)}
	before := describeResource(r)
	if err := k.Commit(k.Context(), &c); err != nil {
		k.stop("Commit: %v", err)
	}
	if now := describeResource(r); now != before || c.Put[0].Resource != r || c.Members[0].Add[0].ID != id(1) {
		k.broken("Commit changed what it was given: %s became %s", before, now)
	}
	was := k.everything()
	r.ID, r.Version, r.Label, r.Attributes, r.Internal = id(5), "v9", "changed", `{"userName":"changed"}`, `{"x":1}`
	r.Created, r.LastModified = r.Created.Add(time.Hour), r.LastModified.Add(time.Hour)
	for i := range r.Index {
		r.Index[i] = store.IndexKey{Attribute: "userName", Value: "changed", Unique: true}
	}
	c.Members[0].Add[0] = store.MemberRef{Type: "User", ID: id(2)}
	k.want("all that can be read after the caller changed what it had put", k.everything(), was)
	k.commit(creates(resource("User", id(6), `{"userName":"changed"}`)))
}

func givesAway(k *kit) {
	furnish(k)
	was := k.everything()
	spoil := func(r *store.Resource) {
		r.ID, r.Tenant, r.Version, r.Label, r.Attributes, r.Internal = id(5), "other", "v9", "changed", `{"userName":"changed"}`, document.Document(`{"x":1}`)
		r.Created = r.Created.Add(time.Hour)
		for i := range r.Index {
			r.Index[i].Value, r.Index[i].Unique = "changed", false
		}
	}
	spoil(k.get("User", id(1)))
	spoil(k.get("Group", id(10)))
	k.want("all that can be read after the caller changed what Get returned", k.everything(), was)
	for _, q := range []store.Query{
		{Count: 10}, {Count: 10, Filter: where(`userName eq "user-1"`)}, {Count: 10, Filter: where(`userName pr`)},
		{Count: 10, Sort: &store.Sort{By: attribute("userName")}},
	} {
		for _, r := range k.list(q).Resources {
			spoil(r)
		}
	}
	k.want("all that can be read after the caller changed what List returned", k.everything(), was)
	if a, b := k.get("User", id(1)), k.get("User", id(1)); a == b || len(a.Index) > 0 && &a.Index[0] == &b.Index[0] {
		k.broken("two calls of Get returned the same memory")
	}
}
