package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

var resourceRules = []rule{
	{"RoundTrip", "What was put comes out of Get and List as it was, field by field, with the tenant of the change.", roundTrip},
	{"Create", `A put without IfVersion creates; if the key is there it is refused with ConflictError{"id"}.`, create},
	{"Replace", "A put with IfVersion replaces that version, whole, and is refused with ErrVersionMismatch if the resource is in another one or not there.", replace},
	{"Delete", "A delete removes; it is refused with ErrNotFound if there's nothing, and with ErrVersionMismatch if IfVersion is another version.", remove},
	{"Absent", "A change that wants a resource absent is refused with ErrVersionMismatch, whole, if it is there.", absent},
	{"Types", "The type is a part of the key: the same id may be there once in each type, and a delete of one leaves the others.", types},
	{"Parts", "The parts of a change are applied in the order puts, members, deletes, claims, and each sees what the ones before it did.", parts},
	{"Strings", "Any text without NUL is kept as it is: ids, versions, labels, index values, attributes and names of tenants alike.", strange},
	{"StrangeKeys", "A key that can't be there, such as one with NUL, invalid UTF-8 or of great length, isn't found; it is no failure.", strangeKeys},
	{"Times", "Times keep their microseconds and are in UTC.", times},
}

func roundTrip(k *kit) {
	r := resource("User", id(1), `{"userName":"Anna","externalId":"X-1","displayName":"Änne ❤","active":false,"age":0,
		"score":-1.50,"tags":["a","B"],"name":{"familyName":"O'Neill"},"emails":[{"value":"A@x.org","primary":true},
		{"value":"b@x.org","type":"home"}],"`+badge+`":{"number":"7","level":12345678901234567890}}`)
	r.Version, r.Internal = "v/1+=", `{"state":"provisioned","n":[1,{"x":null}]}`
	r.LastModified = epoch.Add(90 * time.Microsecond)
	k.commit(creates(r))

	want := *r
	want.Tenant = k.tenant
	k.want("Get", describeResource(k.get("User", r.ID)), describeResource(&want))
	p := k.list(store.Query{Count: 10})
	if len(p.Resources) != 1 {
		k.stop("List returned %d resources instead of 1", len(p.Resources))
	}
	k.want("List", describeResource(p.Resources[0]), describeResource(&want))

	bare := &store.Resource{Key: store.Key{Type: "rollcall.test", ID: "nothing but a key"}, Version: "1"}
	k.commit(creates(bare))
	want = *bare
	want.Tenant = k.tenant
	k.want("Get of a resource without attributes, times and index keys",
		describeResource(k.get(bare.Type, bare.ID)), describeResource(&want))
}

func create(k *kit) {
	k.gone("User", id(1))
	k.commit(creates(user(1)))
	other := resource("User", id(1), `{"userName":"somebody else"}`)
	k.refused("a second create of the id", conflict("id"), creates(other))
	k.want("the first one afterwards", k.get("User", id(1)).Attributes, user(1).Attributes)
	k.refused("creating the same id twice in one change", conflict("id"), creates(plain("User", 2), plain("User", 2)))
	k.gone("User", id(2))
}

func replace(k *kit) {
	first := resource("User", id(1), `{"userName":"anna","title":"Dr"}`)
	k.refused("an update of a resource that isn't there", store.ErrVersionMismatch, update(first, "v0"))
	k.gone("User", id(1))
	k.commit(creates(first))
	second := next(first, "v2", `{"userName":"Anna"}`)
	k.commit(update(second, "v1"))
	want := *second
	want.Tenant = k.tenant
	k.want("Get after the update", describeResource(k.get("User", id(1))), describeResource(&want))
	k.refused("an update of a version that is past", store.ErrVersionMismatch, update(next(first, "v3", `{}`), "v1"))
	k.refused("an update of a version that never was", store.ErrVersionMismatch, update(next(first, "v3", `{}`), "V2"))
	k.want("Get after the refused updates", describeResource(k.get("User", id(1))), describeResource(&want))
	k.commit(update(next(first, "v2", `{"userName":"Anna"}`), "v2")) // the caller may choose the same version
}

func remove(k *kit) {
	k.refused("a delete of what isn't there", store.ErrNotFound, deletes("User", id(1)))
	k.commit(creates(user(1), user(2)))
	k.refused("a delete of another version", store.ErrVersionMismatch,
		store.Change{Delete: []store.Delete{{Type: "User", ID: id(1), IfVersion: "v0"}}})
	k.get("User", id(1))
	k.commit(store.Change{Delete: []store.Delete{{Type: "User", ID: id(1), IfVersion: "v1"}}})
	k.gone("User", id(1))
	k.commit(deletes("User", id(2)))
	k.gone("User", id(2))
	k.refused("a second delete", store.ErrNotFound, deletes("User", id(1)))
	k.want("a list afterwards", idsOf(k.list(store.Query{Count: 10})), []string{})
	k.commit(creates(user(1))) // the id is free again
	k.get("User", id(1))
}

func absent(k *kit) {
	without := func(typ string, n int, c store.Change) store.Change {
		c.Absent = []store.Absent{{Type: "User", ID: id(99)}, {Type: typ, ID: id(n)}}
		return c
	}
	k.commit(without("User", 1, creates(plain("User", 2))))
	k.commit(without("Group", 2, creates(plain("User", 3)))) // the id is that of a resource of another type
	k.refused("a create that wants another resource absent that is there", store.ErrVersionMismatch, without("User", 2, creates(plain("User", 4))))
	k.gone("User", id(4))
	k.refused("a delete that does", store.ErrVersionMismatch, without("User", 2, deletes("User", id(3))))
	k.get("User", id(3))
	own := *k
	own.tenant += "-other"
	own.commit(without("User", 2, creates(plain("User", 4)))) // the id is that of a resource of another tenant
	k.commit(deletes("User", id(2)))
	k.commit(without("User", 2, creates(plain("User", 4)))) // the resource was deleted
}

func types(k *kit) {
	k.commit(creates(user(1), group(1), plain("rollcall.test", 1)))
	k.refused("an update of the id in a type that doesn't have it", store.ErrVersionMismatch, update(next(plain("Device", 1), "v2", `{}`), "v1"))
	k.gone("Device", id(1))
	k.commit(deletes("rollcall.test", id(1)))
	k.want("the user", k.get("User", id(1)).Type, "User")
	k.want("the group", k.get("Group", id(1)).Type, "Group")
}

func parts(k *kit) {
	u, g := user(1), group(2)
	c := creates(u, g)
	c.Members = []store.MemberDelta{delta(2, "v1", []int{1}, nil)}
	k.commit(c)
	k.want("members of a group that was created with them", k.members(store.MemberQuery{Groups: []string{id(2)}}),
		[]store.Member{{Group: id(2), Type: "User", ID: id(1), Label: u.Label}})

	c = deletes("User", id(1))
	k.refused("deleting somebody who is a member", store.ErrVersionMismatch, c)
	c.Members = []store.MemberDelta{delta(2, "v2", nil, []int{1})}
	k.commit(c) // a resource that leaves its groups first may be deleted
	k.want("the members of a group that was left", k.members(store.MemberQuery{Groups: []string{id(2)}}), []store.Member{})
	c = creates(u)
	c.Members = []store.MemberDelta{delta(2, "v2", []int{1}, nil)}
	c.Delete = []store.Delete{{Type: "User", ID: id(1)}}
	k.refused("deleting somebody whom the change makes a member", store.ErrVersionMismatch, c)
	c.Delete = nil
	k.commit(c)
	c = creates(group(7))
	c.Members = []store.MemberDelta{delta(7, "v2", []int{1}, nil)}
	k.commit(c)
	c = deletes("Group", id(7))
	c.Members = []store.MemberDelta{delta(7, "v3", nil, []int{1})}
	k.commit(c) // the members of a group may be changed in the commit that deletes it
	k.gone("Group", id(7))

	same := resource("User", id(3), `{"userName":"USER-1"}`)
	c = creates(same)
	c.Delete = []store.Delete{{Type: "User", ID: id(1)}}
	k.refused("creating a resource with the unique key of one that the change deletes afterwards", conflict("userName"), c)
	k.refused("creating two with the same unique key", conflict("userName"),
		creates(resource("User", id(4), `{"userName":"new"}`), resource("User", id(5), `{"userName":"New"}`)))

	c = store.Change{Members: []store.MemberDelta{delta(2, "v2", nil, []int{1}), delta(2, "v3", []int{1}, nil)}}
	k.commit(c)
	k.want("a group with two deltas", k.get("Group", id(2)).Version, "v3")
	k.want("its members", len(k.members(store.MemberQuery{Groups: []string{id(2)}})), 1)

	// If a group is put in the same change, IfVersion of its delta isn't compared: the group has the version of the put by then.
	c = update(next(g, "v4", `{"displayName":"renamed"}`), "v3")
	d := delta(2, "v4", nil, []int{1})
	d.IfVersion, d.LastModified = "v3", epoch.Add(time.Second)
	c.Members = []store.MemberDelta{d}
	k.commit(c)
	k.want("a group that was put with a delta", k.get("Group", id(2)).Version+k.get("Group", id(2)).Label, "v4renamed")
	k.want("its members", len(k.members(store.MemberQuery{Groups: []string{id(2)}})), 0)
}

// texts are strings that a store must keep although careless code breaks on them.
var texts = []string{
	`'; DROP TABLE resources; --`, `"quoted" \ back\slash`, "%_*?[a]", "line\nbreak\ttab\r", "\u0001\u001f\u007f",
	"😀👩‍👩‍👧 Zoë Ça ß ſ K İı", "שלום \u202eRTL", "\ufeffBOM\u2028\uffff", "NULL", "{}", "$1 ? :x", " blank ", "a,b|c/d",
}

func strange(k *kit) {
	var created []string
	for i, s := range append(texts, strings.Repeat("Größe", 40)) {
		r := resource("rollcall.test", s, `{}`)
		v := document.Object()
		v.Set("userName", document.String(s))
		v.Set(s, document.String(s))
		r.Attributes, r.Internal = v.Document(), v.Document()
		r.Version, r.Label = s, s
		r.Index = []store.IndexKey{
			{Attribute: "userName", Value: document.Fold(s), Unique: true},
			{Attribute: "code", Value: s},
		}
		k.commit(creates(r))
		created = append(created, s)
		want := *r
		want.Tenant = k.tenant
		k.want(fmt.Sprintf("Get of resource %q", s), describeResource(k.get(r.Type, s)), describeResource(&want))
		k.commit(update(r, s))

		own := *k
		own.tenant = k.tenant + s
		own.commit(creates(user(i)))
		own.want(fmt.Sprintf("the tenant named with %q", s), len(own.list(store.Query{Count: 10}).Resources), 1)
	}
	found := map[string]bool{}
	for _, s := range k.walk(store.Query{Types: []string{"rollcall.test"}, Count: 3}) {
		found[s] = true
	}
	for _, s := range created {
		if !found[s] {
			k.broken("a walk by cursor misses %q", s)
		}
	}

	big := document.Object(document.Field{Name: "title", Value: document.String(strings.Repeat("0123456789abcdeé", 1<<16))})
	r := plain("User", 1)
	r.Attributes = big.Document()
	k.commit(creates(r))
	if got := k.get("User", id(1)).Attributes; got != r.Attributes {
		k.broken("a value of 1 MiB came back as %d bytes instead of %d", len(got), len(r.Attributes))
	}
}

func strangeKeys(k *kit) {
	k.commit(creates(user(1), group(2)))
	for _, s := range append(texts, "", "\x00", id(1)+"\x00", "\xff\xfe", strings.ToUpper(id(1)), id(1)+" ", strings.Repeat("x", 1<<16)) {
		k.gone("User", s)
		if !strings.Contains(s, id(1)) {
			k.want(fmt.Sprintf("the members of %.20q", s), k.members(store.MemberQuery{Groups: []string{s}}), []store.Member(nil))
			k.want(fmt.Sprintf("the groups of %.20q", s), k.members(store.MemberQuery{Of: []string{s}}), []store.Member(nil))
			k.want(fmt.Sprintf("the member %.20q", s), k.members(store.MemberQuery{Groups: []string{id(2)}, IDs: []string{s}}), []store.Member(nil))
		}
		k.refused(fmt.Sprintf("a delete of %.20q", s), store.ErrNotFound, deletes("User", s))
		d := delta(2, "v2", nil, nil)
		d.Add = []store.MemberRef{{ID: s}}
		k.refused(fmt.Sprintf("adding member %.20q", s), &store.UnknownMemberError{ID: s}, changeMembers(d))
		if _, err := k.Get(k.Context(), store.Key{Tenant: k.tenant + "\x00", Type: "User", ID: id(1)}); err == nil {
			k.broken("a tenant's name with NUL behind it is another tenant")
		}
	}
}

func times(k *kit) {
	for i, at := range []time.Time{
		epoch, epoch.Add(time.Microsecond), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1931, 2, 3, 4, 5, 6, 7000, time.UTC),
		time.Date(2199, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
	} {
		r := user(i)
		r.Created, r.LastModified = at, at.Add(time.Microsecond)
		k.commit(creates(r))
		got := k.get("User", r.ID)
		if !got.Created.Equal(r.Created) || !got.LastModified.Equal(r.LastModified) {
			k.broken("%s and %s became %s and %s", r.Created, r.LastModified, got.Created, got.LastModified)
		}
		if got.Created.Location() != time.UTC || got.LastModified.Location() != time.UTC {
			k.broken("times came back in %s and %s", got.Created.Location(), got.LastModified.Location())
		}
	}
}
