package memstore

import (
	"context"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

// Commit implements [store.Store].
func (s *Store) Commit(ctx context.Context, c *store.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := s.makeTenant(c.Tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	x := commit{tenant: t}
	if err := x.apply(c); err != nil {
		for _, undo := range slices.Backward(x.undo) {
			undo()
		}
		return err
	}
	// From here on nothing fails.
	if c.Journal != nil {
		t.journal.add(*c.Journal)
	}
	s.events.add(t.name, c.Events)
	return nil
}

// commit applies a change part by part, in place: the lock keeps it from everybody's eyes until it is complete or taken
// back. Parts see what the parts before them did.
type commit struct {
	*tenant
	undo []func()
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
	for i := range c.Delete {
		if err := x.delete(&c.Delete[i]); err != nil {
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
	if s := c.Seats; s != nil {
		if s.Take > 0 && s.Limit >= 0 && x.seats+s.Take > s.Limit {
			return store.ErrNoSeat
		}
		x.seats = max(0, x.seats+s.Take)
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
	if of := x.members.of[d.ID]; of != nil {
		for _, b := range of.from(0, of.n, nil) {
			if b.table == old.table {
				x.removeRow(b.group.id, d.ID)
			}
		}
	}
	if g := x.members.groups[d.ID]; g != nil && d.Type == groupType {
		for _, r := range g.rows.from(0, g.rows.n, nil) {
			x.removeRow(d.ID, r.id)
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
	if g := x.members.groups[d.Group]; g != nil && d.Replace {
		stay := make(map[string]bool, len(d.Add))
		for _, m := range d.Add {
			stay[m.ID] = true
		}
		for _, r := range g.rows.from(0, g.rows.n, nil) {
			if !stay[r.id] {
				x.removeRow(d.Group, r.id)
			}
		}
	}
	for _, id := range d.Remove {
		x.removeRow(d.Group, id)
	}
	for _, m := range d.Add {
		member := x.resolve(m)
		if member == nil {
			return &store.UnknownMemberError{ID: m.ID}
		}
		x.addRow(old.id, row{member.id, member.table})
	}
	return nil
}

// resolve finds the resource that a reference names. Without a type it is the first by type of those with the id; the
// library's internal types, which have a dot in their names, are nobody's members.
func (t *tenant) resolve(m store.MemberRef) *record {
	if m.Type != "" {
		return t.record(m.Type, m.ID)
	}
	var found *record
	for typ, tb := range t.tables {
		r := tb.byID[m.ID]
		if r != nil && !strings.Contains(typ, ".") && (found == nil || typ < found.table.typ) {
			found = r
		}
	}
	return found
}

// The three ways in which a commit writes, each with its way back.

func (x *commit) set(tb *table, old, next *record) {
	tb.set(old, next)
	if next == nil {
		x.undo = append(x.undo, func() { tb.set(nil, old) })
	} else {
		x.undo = append(x.undo, func() { tb.set(next, old) })
	}
}

func (x *commit) addRow(groupID string, r row) {
	if x.members.add(groupID, r) {
		x.undo = append(x.undo, func() { x.members.remove(groupID, r.id) })
	}
}

func (x *commit) removeRow(groupID, id string) {
	if r, ok := x.members.remove(groupID, id); ok {
		x.undo = append(x.undo, func() { x.members.add(groupID, r) })
	}
}
