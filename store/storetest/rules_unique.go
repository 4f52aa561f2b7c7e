package storetest

import (
	"github.com/rollcall-dev/rollcall/store"
)

var uniqueRules = []rule{
	{"Taken", "I3: A unique key belongs to one resource of a tenant and type; another one that claims it is refused with ConflictError naming the attribute.", taken},
	{"Scope", "I3: Unique keys are per tenant, type and attribute: the same value may be there once in each.", scope},
	{"Freed", "I3: A unique key is free again once its resource is deleted or has another.", freed},
	{"Shared", "I3: Only keys with Unique set are unique.", shared},
	{"AsGiven", "I3: Keys come folded from the caller: a store compares them as they are.", asGiven},
	{"Lookup", "A filter `attr eq value` on an indexed attribute finds what has the key now, and nothing that had it once.", lookup},
}

func taken(k *kit) {
	k.commit(creates(resource("User", id(1), `{"userName":"Anna"}`), resource("User", id(2), `{"userName":"Bob"}`)))
	k.refused("a create", conflict("userName"), creates(resource("User", id(3), `{"userName":"ANNA"}`)))
	k.gone("User", id(3))
	k.refused("an update", conflict("userName"), update(next(user(2), "v2", `{"userName":"anna"}`), "v1"))
	k.want("the refused one", k.get("User", id(2)).Version, "v1")
	k.commit(update(next(user(1), "v2", `{"userName":"aNNa","title":"keeps its own"}`), "v1"))

	two := resource("User", id(4), `{"userName":"Dora"}`)
	two.Index = append(two.Index, store.IndexKey{Attribute: "code", Value: "bob", Unique: true})
	k.commit(creates(two))
	other := resource("User", id(5), `{"userName":"Emil"}`)
	other.Index = append(other.Index, store.IndexKey{Attribute: "code", Value: "bob", Unique: true})
	k.refused("a create with the second unique key taken", conflict("code"), creates(other))
}

func scope(k *kit) {
	u := resource("User", id(1), `{"userName":"Anna"}`)
	k.commit(creates(u))
	k.commit(creates(resource("Device", id(2), `{"userName":"Anna"}`)))
	byCode := resource("User", id(3), `{}`)
	byCode.Index = []store.IndexKey{{Attribute: "code", Value: "anna", Unique: true}}
	k.commit(creates(byCode))
	other := *k
	other.tenant += "-other"
	other.commit(creates(u))
	other.want("the user of the other tenant", other.get("User", id(1)).Attributes, u.Attributes)
}

func freed(k *kit) {
	anna := func(n int) *store.Resource { return resource("User", id(n), `{"userName":"Anna"}`) }
	k.commit(creates(anna(1)))
	k.commit(deletes("User", id(1)))
	k.commit(creates(anna(2)))
	k.commit(update(next(anna(2), "v2", `{"userName":"Berta"}`), "v1"))
	k.commit(creates(anna(3)))
	k.refused("a create with the key that was moved", conflict("userName"), creates(resource("User", id(4), `{"userName":"berta"}`)))

	// In one change, the first put gives the key up and the second takes it.
	k.commit(store.Change{Put: []store.Put{
		{Resource: next(anna(3), "v2", `{"userName":"Clara"}`), IfVersion: "v1"},
		{Resource: anna(5)},
	}})
}

func shared(k *kit) {
	for n := range 3 {
		k.commit(creates(resource("User", id(n), `{"externalId":"same","displayName":"Same"}`)))
	}
	p := k.list(store.Query{Filter: where(`externalId eq "same"`), Count: 10})
	k.want("all that share an externalId", idsOf(p), []string{id(0), id(1), id(2)})
	k.commit(deletes("User", id(1)))
	p = k.list(store.Query{Filter: where(`displayName eq "SAME"`), Count: 10})
	k.want("all that share a displayName after a delete", idsOf(p), []string{id(0), id(2)})
}

func asGiven(k *kit) {
	for n, value := range []string{"anna", "Anna", " anna", "anna ", "änna", "a\u0308nna", "ａnna", "anna%", "_nna"} {
		r := plain("User", n)
		r.Index = []store.IndexKey{{Attribute: "userName", Value: value, Unique: true}}
		k.commit(creates(r))
	}
}

func lookup(k *kit) {
	find := func(filter string) []string { return idsOf(k.list(store.Query{Filter: where(filter), Count: 10})) }
	u := resource("User", id(1), `{"userName":"Anna","externalId":"X","emails":[{"value":"a@x.org"},{"value":"b@x.org"}]}`)
	k.commit(creates(u, user(2)))
	k.want("by a key", find(`userName eq "ANNA"`), []string{id(1)})
	k.want("by the second of two", find(`emails.value eq "B@X.org"`), []string{id(1)})
	k.want("by a key of a brackets' filter", find(`emails[value eq "a@x.org"]`), []string{id(1)})
	k.want("by a key and more", find(`userName eq "anna" and externalId eq "y"`), []string{})
	k.want("by a key or another", find(`userName eq "anna" or userName eq "user-2"`), []string{id(1), id(2)})
	k.want("by a key in the wrong case", find(`externalId eq "x"`), []string{})
	k.want("by the id", find(`id eq "`+id(2)+`"`), []string{id(2)})
	k.want("by an id that isn't there", find(`id eq "`+id(3)+`"`), []string{})
	k.want("by a key, in another type", idsOf(k.list(store.Query{Types: []string{"Device"}, Filter: where(`userName eq "anna"`), Count: 10})), []string{})

	k.commit(update(next(u, "v2", `{"userName":"Berta","emails":[{"value":"b@x.org"}]}`), "v1"))
	k.want("by a key that it had", find(`userName eq "anna"`), []string{})
	k.want("by an address that it had", find(`emails.value eq "a@x.org"`), []string{})
	k.want("by an address that it kept", find(`emails.value eq "b@x.org"`), []string{id(1)})
	k.want("by the key that it has", find(`userName eq "berta"`), []string{id(1)})
	k.commit(deletes("User", id(1)))
	k.want("by the key of a deleted one", find(`userName eq "berta"`), []string{})
}
