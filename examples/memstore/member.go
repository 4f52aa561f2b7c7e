package memstore

import (
	"context"
	"iter"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
)

// membership keeps the rows "group has member" in both directions.
type membership struct {
	groups map[string]*group            // by the group's id
	of     map[string]*ordered[belongs] // by the member's id: the groups that it is in
}

// group is a group that has members.
type group struct {
	id   string
	rows ordered[row]
}

// row is a member of a group: its id, and the table that has it.
type row struct {
	id    string
	table *table
}

// belongs is the same row seen from the member.
type belongs struct {
	group *group
	table *table // the member's
}

func (r row) key() string     { return r.id }
func (b belongs) key() string { return b.group.id }

func newMembership() membership {
	return membership{groups: map[string]*group{}, of: map[string]*ordered[belongs]{}}
}

// add adds a row, unless it is there.
func (m *membership) add(groupID string, r row) bool {
	g := m.groups[groupID]
	if g == nil {
		g = &group{id: groupID}
		m.groups[groupID] = g
	}
	if !g.rows.add(r) {
		return false
	}
	of := m.of[r.id]
	if of == nil {
		of = &ordered[belongs]{}
		m.of[r.id] = of
	}
	of.put(belongs{g, r.table})
	return true
}

// remove removes a row, if it is there, and returns it.
func (m *membership) remove(groupID, id string) (r row, ok bool) {
	g := m.groups[groupID]
	if g == nil {
		return row{}, false
	}
	if r, ok = g.rows.delete(id); !ok {
		return row{}, false
	}
	if g.rows.n == 0 {
		delete(m.groups, groupID)
	}
	of := m.of[id]
	if of.delete(groupID); of.n == 0 {
		delete(m.of, id)
	}
	return r, true
}

// Members implements [store.Store]. It holds no lock while the caller has a row.
func (s *Store) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		t := s.tenant(q.Tenant)
		if t == nil {
			t = &tenant{} // no rows
		}
		fail := func(err error) { yield(store.Member{}, err) }
		each := func(rows []store.Member) bool {
			for _, m := range rows {
				if !yield(m, nil) {
					return false
				}
			}
			return true
		}
		if err := ctx.Err(); err != nil {
			fail(err)
			return
		}
		for _, id := range q.Groups {
			next := t.membersOf(id)
			if len(q.IDs) > 0 {
				next = t.named(id, q.IDs)
			}
			for rows := next(); len(rows) > 0; rows = next() {
				if !each(rows) {
					return
				}
				if err := ctx.Err(); err != nil {
					fail(err)
					return
				}
			}
		}
		for _, id := range q.Of {
			if next := t.groupsOf(id); !each(next()) {
				return
			}
			if err := ctx.Err(); err != nil {
				fail(err)
				return
			}
		}
	}
}

// The functions below return the rows of one owner step by step: each call takes the lock for one step, and the last returns
// none. All steps are of the moment of the first; only labels are those of now.

func (t *tenant) membersOf(groupID string) func() []store.Member {
	began, once := false, false
	last := ""
	var all view[row]
	var rows []row
	var out []store.Member
	return func() []store.Member {
		t.mu.RLock()
		defer t.mu.RUnlock()
		if !began {
			began = true
			if g := t.members.groups[groupID]; g != nil {
				once = g.rows.n <= step
				all = g.rows.moment(once)
			}
		}
		rows, out = all.after(last, step, rows[:0]), out[:0]
		for _, r := range rows {
			out = append(out, r.member(groupID))
			last = r.id
		}
		if once {
			all = view[row]{}
		}
		return out
	}
}

// named is membersOf for just these ids.
func (t *tenant) named(groupID string, ids []string) func() []store.Member {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	began := false
	var all view[row]
	var out []store.Member
	return func() []store.Member {
		t.mu.RLock()
		defer t.mu.RUnlock()
		if !began {
			began = true
			if g := t.members.groups[groupID]; g != nil {
				all = g.rows.moment(len(ids) <= step)
			}
		}
		out = out[:0]
		for len(ids) > 0 && len(out) < step {
			if r, ok := all.get(ids[0]); ok {
				out = append(out, r.member(groupID))
			}
			ids = ids[1:]
		}
		return out
	}
}

// groupsOf are the groups of a member, in one step: nobody is in so many.
func (t *tenant) groupsOf(id string) func() []store.Member {
	return func() []store.Member {
		t.mu.RLock()
		defer t.mu.RUnlock()
		of := t.members.of[id]
		if of == nil {
			return nil
		}
		groups := t.tables[groupType]
		out := make([]store.Member, 0, of.n)
		for _, b := range of.from(0, of.n, nil) {
			out = append(out, store.Member{
				Group: b.group.id, Type: b.table.typ, ID: id, Label: groups.byID[b.group.id].label,
			})
		}
		return out
	}
}

// member shows a row with the label that the member has now, and none if it was deleted meanwhile. The lock is held.
func (r row) member(groupID string) store.Member {
	m := store.Member{Group: groupID, Type: r.table.typ, ID: r.id}
	if member := r.table.byID[r.id]; member != nil {
		m.Label = member.label
	}
	return m
}
