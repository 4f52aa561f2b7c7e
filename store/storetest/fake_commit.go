package storetest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Commit implements [store.Store]: it applies the change to a copy of the tenant, and takes the copy if all went well.
// A document that isn't whole is refused with [store.ErrCorrupt].
func (f *Fake) Commit(ctx context.Context, c *store.Change) error {
	if err := f.begin(ctx, "Commit"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	before, after := f.faults.next()
	if before != nil {
		return before
	}
	t := empty()
	if old, ok := f.tenants[c.Tenant]; ok {
		t = old.clone()
	}
	if err := t.apply(c, f.faults.damaged); err != nil {
		return err
	}
	f.tenants[c.Tenant] = t
	for _, e := range c.Events {
		f.told++
		for _, consumer := range e.Consumers {
			d := store.Delivery{Event: e, Consumer: consumer, Sequence: f.told}
			d.Consumers = nil
			f.deliveries = append(f.deliveries, &delivery{tenant: c.Tenant, Delivery: d})
		}
	}
	return after
}

// apply applies the parts of a change in the order of its fields.
func (t *tenant) apply(c *store.Change, damaged map[*store.Resource]bool) error {
	for _, a := range c.Absent {
		if _, ok := t.resources[name{a.Type, a.ID}]; ok {
			return store.ErrVersionMismatch
		}
	}
	for _, p := range c.Put {
		if err := t.put(c.Tenant, p); err != nil {
			return err
		}
	}
	for _, d := range c.Members {
		isPut := slices.ContainsFunc(c.Put, func(p store.Put) bool {
			return p.Resource.Type == groupType && p.Resource.ID == d.Group
		})
		if err := t.changeMembers(d, isPut, damaged); err != nil {
			return err
		}
	}
	for _, d := range c.Delete {
		if err := t.remove(d); err != nil {
			return err
		}
	}
	for _, claim := range c.Claims {
		if err := t.claim(claim); err != nil {
			return err
		}
	}
	t.journal = append(t.journal, c.Journal...)
	return nil
}

func (t *tenant) put(tenant string, p store.Put) error {
	r := clone(p.Resource)
	r.Tenant = tenant
	if r.Attributes.Check() != nil || r.Internal.Check() != nil {
		return store.ErrCorrupt
	}
	k := name{r.Type, r.ID}
	switch old, ok := t.resources[k]; {
	case p.IfVersion == "" && ok:
		return &store.ConflictError{Attribute: "id"}
	case p.IfVersion != "" && (!ok || old.Version != p.IfVersion):
		return store.ErrVersionMismatch
	}
	for _, key := range r.Index {
		for _, other := range t.resources {
			if key.Unique && other.Type == r.Type && other.ID != r.ID && slices.Contains(other.Index, key) {
				return &store.ConflictError{Attribute: key.Attribute}
			}
		}
	}
	t.resources[k] = r
	return nil
}

func (t *tenant) changeMembers(d store.MemberDelta, isPut bool, damaged map[*store.Resource]bool) error {
	k := name{groupType, d.Group}
	old, ok := t.resources[k]
	if !ok {
		return store.ErrNotFound
	}
	if !isPut {
		if d.IfVersion != "" && d.IfVersion != old.Version {
			return store.ErrVersionMismatch
		}
		group := clone(old)
		group.Version, group.LastModified = d.Version, d.LastModified
		t.resources[k] = group
		if damaged[old] {
			damaged[group] = true // its documents stay as they are
		}
	}
	rows := t.members[d.Group]
	if rows == nil {
		rows = map[string]string{}
		t.members[d.Group] = rows
	}
	for _, id := range d.Remove {
		if _, isMember := rows[id]; !isMember {
			return store.ErrVersionMismatch
		}
		delete(rows, id)
	}
	for _, m := range d.Add {
		typ, ok := t.resolve(m)
		if !ok {
			return &store.UnknownMemberError{ID: m.ID}
		}
		if _, isMember := rows[m.ID]; isMember {
			return store.ErrVersionMismatch
		}
		rows[m.ID] = typ
	}
	return nil
}

// resolve finds the type of a member. If the reference doesn't say it, it is the first by name of the types that have a
// resource of that id. A resource of the library's internal types is never a member.
func (t *tenant) resolve(m store.MemberRef) (typ string, ok bool) {
	if m.Type != "" {
		_, ok = t.resources[name{m.Type, m.ID}]
		return m.Type, ok
	}
	var types []string
	for k := range maps.Keys(t.resources) {
		if k.id == m.ID && !store.IsInternal(k.typ) {
			types = append(types, k.typ)
		}
	}
	if len(types) == 0 {
		return "", false
	}
	return slices.Min(types), true
}

func (t *tenant) remove(d store.Delete) error {
	k := name{d.Type, d.ID}
	old, ok := t.resources[k]
	if !ok {
		return store.ErrNotFound
	}
	if d.IfVersion != "" && d.IfVersion != old.Version {
		return store.ErrVersionMismatch
	}
	delete(t.resources, k)
	if d.Type == groupType {
		delete(t.members, d.ID)
	}
	for _, rows := range t.members {
		if rows[d.ID] == d.Type {
			return store.ErrVersionMismatch
		}
	}
	return nil
}

func (t *tenant) claim(c store.Claim) error {
	counter, exists := t.counters[c.Counter]
	if at := c.At.UTC().Truncate(time.Microsecond); c.Window > 0 && (!exists || !at.Before(counter.Began.Add(c.Window))) {
		counter = store.Counter{Began: at}
	}
	if c.Take > 0 && c.Limit >= 0 && counter.Count+c.Take > c.Limit {
		return &store.ClaimError{Counter: c.Counter}
	}
	counter.Count = max(0, counter.Count+c.Take)
	t.counters[c.Counter] = counter
	return nil
}
