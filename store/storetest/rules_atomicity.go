package storetest

import (
	"fmt"
	"strings"
	"time"

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
	{"NoSeat", store.ErrNoSeat, func(c *store.Change) { c.Seats = &store.SeatClaim{Take: 2, Limit: 4} }},
}

// check makes a change of every part, in which one is refused, and compares all that can be read before and after.
func (f failure) check(k *kit) {
	before := creates(user(1), user(2), user(3), group(10), group(11))
	before.Members = []store.MemberDelta{delta(10, "v1", []int{1, 3}, nil), delta(11, "v1", []int{3}, nil)}
	before.Seats = &store.SeatClaim{Take: 3, Limit: 3}
	before.Journal = &store.Entry{ID: "1", Time: epoch, Action: "before"}
	k.commit(before)
	was := k.everything()

	replaced := delta(11, "v2", []int{1, 8}, nil)
	replaced.Replace = true
	c := store.Change{
		Put:     append(puts(resource("User", id(8), `{"userName":"new"}`)), store.Put{Resource: next(user(1), "v2", `{"userName":"renamed"}`), IfVersion: "v1"}),
		Delete:  []store.Delete{{Type: "User", ID: id(3)}},
		Members: []store.MemberDelta{delta(10, "v2", []int{2}, []int{1}), replaced},
		Seats:   &store.SeatClaim{Take: 1, Limit: 10},
		Events:  []store.Event{fact(k.tenant+"-told", "created", store.Key{Tenant: k.tenant, Type: "User", ID: id(8)}, epoch)},
		Journal: &store.Entry{ID: "2", Time: epoch, Action: "refused"},
	}
	f.add(&c)
	k.refused("a change with one part that can't be", f.want, c)
	k.want("all that can be read after the refused change", k.everything(), was)

	if source, ok := k.Store.(store.EventSource); ok {
		now := epoch.Add(1000 * time.Hour)
		for range 100 {
			told, err := source.Lease(k.Context(), store.Lease{Owner: "kit", Now: now, Until: now.Add(1000 * time.Hour), Max: 1000})
			if err != nil {
				k.stop("Lease: %v", err)
			}
			for _, d := range told {
				if d.ID == k.tenant+"-told" {
					k.broken("the event of the refused change is handed out")
				}
			}
			if len(told) == 0 {
				break
			}
		}
	}

	// What was refused left nothing in the way either, such as a unique key.
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
	if s, ok := k.Store.(store.SeatReader); ok {
		used, err := s.Seats(k.Context(), k.tenant)
		fmt.Fprintln(&b, "seats", used, err)
	}
	if j, ok := k.Store.(store.JournalReader); ok {
		entries, err := j.Journal(k.Context(), store.JournalQuery{Tenant: k.tenant, Max: 1000})
		fmt.Fprintln(&b, "journal", entries, err)
	}
	return b.String()
}
