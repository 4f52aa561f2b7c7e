package storetest

import (
	"fmt"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

const wholeOrNot = "I1: A change is applied whole or not at all: a part that is refused leaves no trace of the others."

var atomicityRules = func() (rules []rule) {
	for _, f := range failures {
		rules = append(rules, rule{f.name, wholeOrNot, f.check})
	}
	return rules
}()

// failure is a way in which one part of a change is refused.
type failure struct {
	name string
	want error
	add  func(c *store.Change)
}

var failures = []failure{
	{"IDTaken", conflict("id"), func(c *store.Change) { c.Put = append(c.Put, puts(plain("User", 1))...) }},
	{"KeyTaken", conflict("userName"), func(c *store.Change) {
		c.Put = append(c.Put, puts(resource("User", id(9), `{"userName":"USER-2"}`))...)
	}},
	{"PutVersion", store.ErrVersionMismatch, func(c *store.Change) {
		c.Put = append(c.Put, store.Put{Resource: next(user(2), "v2", `{}`), IfVersion: "v0"})
	}},
	{"DeleteMissing", store.ErrNotFound, func(c *store.Change) {
		c.Delete = append(c.Delete, store.Delete{Type: "User", ID: id(99)})
	}},
	{"DeleteVersion", store.ErrVersionMismatch, func(c *store.Change) {
		c.Delete = append(c.Delete, store.Delete{Type: "User", ID: id(2), IfVersion: "v0"})
	}},
	{"GroupMissing", store.ErrNotFound, func(c *store.Change) {
		c.Members = append(c.Members, delta(99, "v2", []int{2}, nil))
	}},
	{"GroupVersion", store.ErrVersionMismatch, func(c *store.Change) {
		d := delta(11, "v2", []int{2}, nil)
		d.IfVersion = "v0"
		c.Members = append(c.Members, d)
	}},
	{"MemberUnknown", &store.UnknownMemberError{ID: id(99)}, func(c *store.Change) {
		c.Members = append(c.Members, delta(11, "v2", []int{2, 99}, nil))
	}},
	{"MemberAlready", store.ErrVersionMismatch, func(c *store.Change) {
		c.Members = append(c.Members, delta(12, "v2", []int{3}, nil))
	}},
	{"MemberNot", store.ErrVersionMismatch, func(c *store.Change) {
		c.Members = append(c.Members, delta(12, "v2", nil, []int{1}))
	}},
	{"DeleteMember", store.ErrVersionMismatch, func(c *store.Change) {
		c.Delete = append(c.Delete, store.Delete{Type: "User", ID: id(2)})
	}},
	{"Claim", exhausted(seats), func(c *store.Change) {
		c.Claims = append(c.Claims, store.Claim{Counter: seats, Take: 2, Limit: 4})
	}},
	{"ClaimInWindow", exhausted("brake"), func(c *store.Change) {
		c.Claims = append(c.Claims, store.Claim{Counter: "brake", Take: 2, Limit: 2, Window: 10 * minute, At: epoch.Add(minute)})
	}},
}

// check makes a change of every part, in which one is refused, and compares all that can be read before and after.
func (f failure) check(k *kit) {
	before := creates(user(1), user(2), user(3), group(10), group(11), group(12))
	before.Members = []store.MemberDelta{delta(10, "v1", []int{1}, nil), delta(11, "v1", []int{3}, nil), delta(12, "v1", []int{3}, nil)}
	before.Claims = []store.Claim{
		{Counter: seats, Take: 3, Limit: 3}, {Counter: "brake", Take: 1, Limit: 2, Window: 10 * minute, At: epoch},
	}
	before.Journal = []store.Entry{{ID: "1", Time: epoch, Action: "before"}}
	k.commit(before)
	was := k.everything()

	c := store.Change{
		Put:     append(puts(resource("User", id(8), `{"userName":"new"}`)), store.Put{Resource: next(user(1), "v2", `{"userName":"renamed"}`), IfVersion: "v1"}),
		Members: []store.MemberDelta{delta(10, "v2", []int{2}, []int{1}), delta(11, "v2", []int{1, 8}, []int{3})},
		Delete:  []store.Delete{{Type: "Group", ID: id(11)}},
		Claims:  []store.Claim{{Counter: seats, Take: 1, Limit: 10}, {Counter: "new", Take: 1, Limit: 1}},
		Events:  []store.Event{fact(k.tenant+"-told", "created", store.Key{Tenant: k.tenant, Type: "User", ID: id(8)}, epoch)},
		Journal: []store.Entry{{ID: "2", Time: epoch, Action: "refused"}},
	}
	f.add(&c)
	k.refused("a change with one part that can't be", f.want, c)
	k.want("all that can be read after the refused change", k.everything(), was)

	if source, ok := store.As[store.EventSource](k.Store); ok {
		told, err := source.Lease(k.Context(), store.Lease{Owner: "kit", Consumer: hooks, Tenant: k.tenant, Max: 1000})
		if err != nil {
			k.stop("Lease: %v", err)
		}
		if len(told) > 0 {
			k.broken("the event of the refused change is handed out: %v", eventIDs(told))
		}
	}

	// A refused change leaves nothing behind that would be in the way of another one, such as a unique key.
	k.commit(creates(resource("User", id(8), `{"userName":"new"}`), resource("User", id(7), `{"userName":"renamed"}`)))
}

// everything prints what can be read of the tenant.
func (k *kit) everything() string {
	k.Helper()
	var b strings.Builder
	p := k.list(store.Query{Types: []string{"Group", "User"}, Count: 1000})
	fmt.Fprintf(&b, "total %d\n", p.Total)
	for _, r := range p.Resources {
		fmt.Fprintln(&b, describeResource(r))
		fmt.Fprintln(&b, k.members(store.MemberQuery{Groups: []string{r.ID}}), k.members(store.MemberQuery{Of: []string{r.ID}}))
		for _, key := range r.Index {
			found := k.list(store.Query{Types: []string{r.Type}, Filter: where(fmt.Sprintf("%s eq %q", key.Attribute, key.Value)), Count: 10})
			fmt.Fprintln(&b, key, idsOf(found))
		}
	}
	if counters, ok := k.counters(seats, "brake", "new"); ok {
		fmt.Fprintln(&b, "counters", counters)
	}
	if j, ok := store.As[store.JournalReader](k.Store); ok {
		entries, err := j.Journal(k.Context(), store.JournalQuery{Tenant: k.tenant, Max: 1000})
		fmt.Fprintln(&b, "journal", entries, err)
	}
	return b.String()
}
