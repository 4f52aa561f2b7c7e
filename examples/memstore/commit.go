package memstore

import (
	"context"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

// Commit implements [store.Store]. A document that isn't whole is refused with [store.ErrCorrupt], so that reads never find one.
func (s *Store) Commit(ctx context.Context, c *store.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range c.Put {
		r := c.Put[i].Resource
		if r.Attributes.Check() != nil || r.Internal.Check() != nil {
			return store.ErrCorrupt
		}
	}
	t := s.makeTenant(c.Tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	x := commit{tenant: t}
	x.undo = x.few[:0]
	if err := x.apply(c); err != nil {
		for _, undo := range slices.Backward(x.undo) {
			undo()
		}
		return err
	}
	// From here on nothing fails.
	for _, e := range c.Journal {
		t.journal.add(e)
	}
	s.events.add(t.name, c.Events)
	return nil
}

// commit applies a change part by part, in place. Because of the lock, nobody sees the tenant before the change is complete or undone.
// Each part sees what the parts before it did.
type commit struct {
	*tenant
	undo []func()
	few  [8]func() // memory for the undo of most commits
}

func (x *commit) apply(c *store.Change) error {
	for _, a := range c.Absent {
		if x.record(a.Type, a.ID) != nil {
			return store.ErrVersionMismatch
		}
	}
	for i := range c.Put {
		if err := x.put(&c.Put[i]); err != nil {
			return err
		}
	}
	for i := range c.Members {
		d := &c.Members[i]
		isPut := slices.ContainsFunc(c.Put, func(p store.Put) bool {
			return p.Resource.ID == d.Group && p.Resource.Type == groupType
		})
		if err := x.changeMembers(d, isPut); err != nil {
			return err
		}
	}
	for i := range c.Delete {
		if err := x.delete(&c.Delete[i]); err != nil {
			return err
		}
	}
	for i := range c.Claims {
		if err := x.claim(&c.Claims[i]); err != nil {
			return err
		}
	}
	return nil
}

func (x *commit) put(p *store.Put) error {
	tb := x.table(p.Resource.Type)
	old := tb.byID[p.Resource.ID]
	switch {
	case p.IfVersion == "" && old != nil:
		return &store.ConflictError{Attribute: "id"}
	case p.IfVersion != "" && (old == nil || old.version != p.IfVersion):
		return store.ErrVersionMismatch
	}
	next := tb.newRecord(p.Resource)
	if attribute := next.taken(old); attribute != "" {
		return &store.ConflictError{Attribute: attribute}
	}
	x.set(tb, old, next)
	return nil
}

func (x *commit) delete(d *store.Delete) error {
	old := x.record(d.Type, d.ID)
	if old == nil {
		return store.ErrNotFound
	}
	if d.IfVersion != "" && d.IfVersion != old.version {
		return store.ErrVersionMismatch
	}
	if g := x.members.groups[d.ID]; g != nil && d.Type == groupType {
		for _, r := range g.rows.from(0, g.rows.n, nil) {
			x.removeRow(d.ID, r.id)
		}
	}
	if of := x.members.of[d.ID]; of != nil {
		for _, b := range of.from(0, of.n, nil) {
			if b.table == old.table {
				return store.ErrVersionMismatch // the resource was added to a group after its groups were read
			}
		}
	}
	x.set(old.table, old, nil)
	return nil
}

func (x *commit) changeMembers(d *store.MemberDelta, isPut bool) error {
	old := x.record(groupType, d.Group)
	if old == nil {
		return store.ErrNotFound
	}
	if !isPut {
		if d.IfVersion != "" && d.IfVersion != old.version {
			return store.ErrVersionMismatch
		}
		next := *old
		next.version = strings.Clone(d.Version)
		next.modified = d.LastModified.UnixMicro()
		x.set(old.table, old, &next)
	}
	for _, id := range d.Remove {
		if !x.removeRow(d.Group, id) {
			return store.ErrVersionMismatch
		}
	}
	for _, m := range d.Add {
		member := x.resolve(m)
		if member == nil {
			return &store.UnknownMemberError{ID: m.ID}
		}
		if !x.addRow(old.id, row{member.id, member.table}) {
			return store.ErrVersionMismatch
		}
	}
	return nil
}

// resolve finds the resource that a reference names. If the reference has no type, it is the first by type of those with the id. A
// resource of the library's internal types, which have a dot in their names, is never a member.
func (t *tenant) resolve(m store.MemberRef) *record {
	if m.Type != "" {
		return t.record(m.Type, m.ID)
	}
	var found *record
	for typ, tb := range t.tables {
		r := tb.byID[m.ID]
		if r != nil && !store.IsInternal(typ) && (found == nil || typ < found.table.typ) {
			found = r
		}
	}
	return found
}

// The following methods write, and add to undo what reverts them. claim in counter.go does so for counters.

func (x *commit) set(tb *table, old, next *record) {
	tb.set(old, next)
	if next == nil {
		x.undo = append(x.undo, func() { tb.set(nil, old) })
	} else {
		x.undo = append(x.undo, func() { tb.set(next, old) })
	}
}

// addRow adds a row. It returns false if the row is there already.
func (x *commit) addRow(groupID string, r row) bool {
	added := x.members.add(groupID, r)
	if added {
		x.undo = append(x.undo, func() { x.members.remove(groupID, r.id) })
	}
	return added
}

// removeRow removes a row. It returns false if there is none.
func (x *commit) removeRow(groupID, id string) bool {
	r, removed := x.members.remove(groupID, id)
	if removed {
		x.undo = append(x.undo, func() { x.members.add(groupID, r) })
	}
	return removed
}
