package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// version picks a version to expect of a resource, mostly the one that it has.
func (r *random) version(tenant, typ, id string) string {
	current, err := r.a.Get(r.Context(), store.Key{Tenant: tenant, Type: typ, ID: id})
	switch n := r.IntN(10); {
	case n == 0:
		return "v-never"
	case err != nil:
		return ""
	}
	return current.Version
}

// change commits a change that has one part, or sometimes several.
func (r *random) change() {
	c := store.Change{Tenant: r.tenant()}
	r.clock += time.Duration(r.IntN(5)) * minute
	n := 1
	if r.IntN(4) == 0 {
		n += r.IntN(4)
	}
	for range n {
		switch k := r.IntN(20); {
		case k < 9:
			c.Put = append(c.Put, r.put(c.Tenant))
		case k < 12:
			r.addDelete(&c)
		case k < 18:
			c.Members = append(c.Members, r.delta(c.Tenant))
		default:
			c.Claims = append(c.Claims, r.claim())
		}
	}
	if typ, id := r.key(); r.IntN(8) == 0 && !concerns(&c, typ, id) {
		c.Absent = append(c.Absent, store.Absent{Type: typ, ID: id})
	}
	// A delta of a group that is also put has the version and the time of the put.
	for i := range c.Members {
		for _, p := range c.Put {
			if p.Resource.Type == groupType && p.Resource.ID == c.Members[i].Group {
				c.Members[i].Version, c.Members[i].LastModified = p.Resource.Version, p.Resource.LastModified
			}
		}
	}
	for range r.IntN(3) {
		typ, id := r.key()
		e := fact(r.next("e"), "updated", store.Key{Tenant: c.Tenant, Type: typ, ID: id}, epoch.Add(time.Duration(r.serial)*time.Second))
		e.Urgent = r.IntN(5) == 0
		e.Consumers = pick(r.generator, [][]string{{hooks}, {"feed"}, {hooks, "feed"}, {hooks, "feed"}, nil})
		c.Events = append(c.Events, e)
	}
	for range r.IntN(3) {
		_, id := r.key()
		c.Journal = append(c.Journal, store.Entry{
			ID: r.next("j"), Time: epoch.Add(time.Duration(r.serial) * time.Second), Connection: fmt.Sprint("c", r.IntN(2)), Action: "x",
			Request: fmt.Sprint("r", r.serial/10), Outcome: fmt.Sprint("o", r.IntN(2)), Subject: store.Key{Tenant: c.Tenant, Type: "User", ID: id},
		})
	}
	was := r.IntN(2) == 0
	several := conditions(&c) > 1
	r.compare(describeChange(&c), func(s store.Store) string {
		c := cloneChange(&c)
		for i, p := range c.Put {
			cur, err := s.Get(r.Context(), store.Key{Tenant: c.Tenant, Type: p.Resource.Type, ID: p.Resource.ID})
			if err == nil && was && cur.Version == p.IfVersion {
				c.Put[i].Was = cur
			}
		}
		return outcome(s.Commit(r.Context(), c), several)
	})
}

// conditions counts the reasons for which a change may be refused. If there are several, stores may name different ones.
func conditions(c *store.Change) int {
	n := len(c.Absent) + len(c.Put) + len(c.Delete) + len(c.Claims)
	for _, d := range c.Members {
		n += max(1, len(d.Add)+len(d.Remove))
		if d.IfVersion != "" {
			n++
		}
	}
	return n
}

func (r *random) put(tenant string) store.Put {
	typ, id := r.key()
	p := store.Put{Resource: resource(typ, id, r.attributes()), IfVersion: r.version(tenant, typ, id)}
	p.Resource.Version = r.next("v")
	p.Resource.LastModified = epoch.Add(time.Duration(r.IntN(50)) * time.Hour)
	if r.IntN(3) == 0 {
		p.Resource.Internal = `{"state":"active"}`
	}
	return p
}

// addDelete adds a delete to a change, and mostly the deltas by which the resource leaves its groups first. It deletes at most one
// group in a change, because the contract leaves open what happens to two that are members of each other.
func (r *random) addDelete(c *store.Change) {
	typ, id := r.key()
	isGroup := func(d store.Delete) bool { return d.Type == groupType }
	if typ == groupType && slices.ContainsFunc(c.Delete, isGroup) {
		return
	}
	d := store.Delete{Type: typ, ID: id}
	if r.IntN(2) == 0 {
		d.IfVersion = r.version(c.Tenant, typ, id)
	}
	c.Delete = append(c.Delete, d)
	if r.IntN(4) == 0 {
		return
	}
	for m, err := range r.a.Members(r.Context(), store.MemberQuery{Tenant: c.Tenant, Of: []string{id}}) {
		if err != nil {
			r.Fatal(err)
		}
		if m.Type == typ {
			c.Members = append(c.Members, store.MemberDelta{Group: m.Group, Version: r.next("v"), LastModified: epoch, Remove: []string{id}})
		}
	}
}

func (r *random) claim() store.Claim {
	c := store.Claim{Counter: "seats", Take: r.IntN(6) - 2, Limit: r.IntN(8) - 1}
	if r.IntN(2) == 0 {
		c.Counter, c.Window, c.At = fmt.Sprint("brake", r.IntN(2)), 30*minute, epoch.Add(r.clock)
	}
	return c
}

// concerns says whether a change puts or deletes a resource, or changes its members.
func concerns(c *store.Change, typ, id string) bool {
	return slices.ContainsFunc(c.Put, func(p store.Put) bool { return p.Resource.Type == typ && p.Resource.ID == id }) ||
		slices.ContainsFunc(c.Delete, func(d store.Delete) bool { return d.Type == typ && d.ID == id }) ||
		slices.ContainsFunc(c.Members, func(d store.MemberDelta) bool { return typ == groupType && d.Group == id })
}

// delta makes a delta that mostly adds non-members and removes members, as it must. It never makes a group a member of itself,
// because that is for callers to refuse.
func (r *random) delta(tenant string) store.MemberDelta {
	d := store.MemberDelta{Group: pick(r.generator, groups), Version: r.next("v"), LastModified: epoch.Add(time.Duration(r.IntN(50)) * time.Hour)}
	if r.IntN(3) == 0 {
		d.IfVersion = r.version(tenant, groupType, d.Group)
	}
	var members []string
	for m, err := range r.a.Members(r.Context(), store.MemberQuery{Tenant: tenant, Groups: []string{d.Group}}) {
		if err != nil {
			r.Fatal(err)
		}
		members = append(members, m.ID)
	}
	for range r.IntN(4) {
		typ, id := r.key()
		isMember := slices.Contains(members, id) || slices.ContainsFunc(d.Add, func(m store.MemberRef) bool { return m.ID == id })
		_, err := r.a.Get(r.Context(), store.Key{Tenant: tenant, Type: typ, ID: id})
		if (isMember || err != nil) && r.IntN(15) > 0 || id == d.Group || typ == "rollcall.test" {
			continue
		}
		if r.IntN(3) == 0 {
			typ = ""
		}
		d.Add = append(d.Add, store.MemberRef{Type: typ, ID: id})
	}
	for range r.IntN(3) {
		_, id := r.key()
		if len(members) > 0 && r.IntN(15) > 0 {
			id = pick(r.generator, members)
		}
		isThere := slices.Contains(d.Remove, id) || slices.ContainsFunc(d.Add, func(m store.MemberRef) bool { return m.ID == id })
		if !isThere && (slices.Contains(members, id) || r.IntN(15) == 0) {
			d.Remove = append(d.Remove, id)
		}
	}
	return d
}

// outcome prints an error for a comparison. If a change had several reasons to be refused, stores may name different ones, so all refusals
// print the same then. A single put may be refused for two reasons, too.
func outcome(err error, several bool) string {
	var conflict *store.ConflictError
	var unknown *store.UnknownMemberError
	var claim *store.ClaimError
	is := errors.Is(err, store.ErrVersionMismatch)
	switch {
	case err == nil:
		return "done"
	case !is && !errors.As(err, &conflict) && !errors.As(err, &unknown) && !errors.As(err, &claim) && !errors.Is(err, store.ErrNotFound):
		return "failed: " + err.Error()
	case several:
		return "refused"
	case conflict != nil, is:
		return "refused: conflict or version mismatch"
	case unknown != nil:
		return "refused: unknown member " + unknown.ID
	case claim != nil:
		return "refused: the limit of " + claim.Counter
	}
	return "refused: not found"
}

// cloneChange copies a change as deeply as tests modify it.
func cloneChange(c *store.Change) *store.Change {
	d := *c
	d.Put, d.Members, d.Claims = slices.Clone(c.Put), slices.Clone(c.Members), slices.Clone(c.Claims)
	d.Events, d.Journal = slices.Clone(c.Events), slices.Clone(c.Journal)
	for i := range d.Put {
		d.Put[i].Resource = clone(d.Put[i].Resource)
	}
	return &d
}

func describeChange(c *store.Change) string {
	var b strings.Builder
	fmt.Fprintf(&b, "commit to %s:", c.Tenant)
	for _, a := range c.Absent {
		fmt.Fprintf(&b, " absent %+v;", a)
	}
	for _, p := range c.Put {
		fmt.Fprintf(&b, " put %s %s (%s to %s) %s;", p.Resource.Type, p.Resource.ID, p.IfVersion, p.Resource.Version, p.Resource.Attributes)
	}
	for _, d := range c.Members {
		fmt.Fprintf(&b, " members %+v;", d)
	}
	for _, d := range c.Delete {
		fmt.Fprintf(&b, " delete %+v;", d)
	}
	for _, x := range c.Claims {
		fmt.Fprintf(&b, " claim %+v;", x)
	}
	for _, e := range c.Events {
		fmt.Fprintf(&b, " event %s of %s for %v;", e.ID, e.Subject.ID, e.Consumers)
	}
	for _, e := range c.Journal {
		fmt.Fprintf(&b, " journal %s;", e.ID)
	}
	return b.String()
}
