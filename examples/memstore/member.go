package memstore

import (
	"context"
	"iter"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
)

// membership has the membership rows, to be found by either end.
type membership struct {
	groups map[string]*group            // the groups that have members, by their ids
	of     map[string]*ordered[belongs] // the groups that a member is in, by the member's id
}

// group is a group that has members.
type group struct {
	id   string
	rows ordered[row]
}

// row is a member of a group.
type row struct {
	id    string
	table *table
}

// belongs is a row as it is found by its member.
type belongs struct {
	group *group
	table *table // the table that has the member
}

func (r row) key() string     { return r.id }
func (b belongs) key() string { return b.group.id }

func newMembership() membership {
	return membership{groups: map[string]*group{}, of: map[string]*ordered[belongs]{}}
}

// add adds a row. It returns false if the row is there already.
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

// Members implements [store.Store]. No lock is held while the caller looks at a row.
func (s *Store) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		t := s.tenant(q.Tenant)
		if t == nil {
			t = &tenant{} // a tenant without rows
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
		var ids []string
		if len(q.IDs) > 0 {
			ids = slices.Clone(q.IDs)
			slices.Sort(ids)
			ids = slices.Compact(ids)
		}
		for _, id := range q.Groups {
			w := memberWalk{tenant: t, group: id, ids: ids, named: len(ids) > 0}
			for rows := w.next(); len(rows) > 0; rows = w.next() {
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
			if !each(t.groupsOf(id)) {
				return
			}
			if err := ctx.Err(); err != nil {
				fail(err)
				return
			}
		}
	}
}

// memberWalk reads the members of a group in steps. The members are those of the time of the first step, and the labels are those of the
// time of each step.
type memberWalk struct {
	*tenant
	group string
	named bool
	ids   []string // if only certain members are wanted, the ids that are still to be looked for, in order
	began bool
	once  bool      // whether the first step is the last
	all   view[row] // the members at the time at which the walk began
	last  string    // the last member of the last step
	rows  []row
	out   []store.Member
}

// next takes the lock and returns the rows of the next step, or none after the last. The following step overwrites them.
func (w *memberWalk) next() []store.Member {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if !w.began {
		w.began = true
		if g := w.members.groups[w.group]; g != nil {
			w.once = g.rows.n <= step || w.named && len(w.ids) <= step
			w.all = g.rows.moment(w.once)
		}
	}
	w.out = w.out[:0]
	if w.named {
		for ; len(w.ids) > 0 && len(w.out) < step; w.ids = w.ids[1:] {
			if r, ok := w.all.get(w.ids[0]); ok {
				w.out = append(w.out, r.member(w.group))
			}
		}
	} else {
		w.rows = w.all.after(w.last, step, w.rows[:0])
		for _, r := range w.rows {
			w.out = append(w.out, r.member(w.group))
			w.last = r.id
		}
	}
	if w.once {
		w.all, w.ids = view[row]{}, nil
	}
	return w.out
}

// GetRelated implements [store.RelatedReader].
func (s *Store) GetRelated(ctx context.Context, k store.Key) (*store.Resource, []store.Member, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	t := s.tenant(k.Tenant)
	if t == nil {
		return nil, nil, store.ErrNotFound
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	r := t.record(k.Type, k.ID)
	if r == nil {
		return nil, nil, store.ErrNotFound
	}
	return r.resource(), t.groupsIn(k.ID), nil
}

// ListRelated implements [store.RelatedReader].
func (s *Store) ListRelated(ctx context.Context, q store.Query, most int) (*store.Page, []store.Member, int, error) {
	page, err := s.List(ctx, q)
	if err != nil || len(page.Resources) == 0 {
		return page, nil, 0, err
	}
	t := s.tenant(q.Tenant)
	t.mu.RLock()
	defer t.mu.RUnlock()
	var rows []store.Member
	complete := 0
	for ; complete < len(page.Resources) && (complete == 0 || len(rows) < most); complete++ {
		rows = append(rows, t.groupsIn(page.Resources[complete].ID)...)
	}
	return page, rows, complete, nil
}

// groupsOf returns the groups of a member. It reads them in one step, because nobody is in very many groups.
func (t *tenant) groupsOf(id string) []store.Member {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.groupsIn(id)
}

// groupsIn does what groupsOf does. The lock must be held.
func (t *tenant) groupsIn(id string) []store.Member {
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

// member returns a row with the present label of the member, or without one if the member was deleted meanwhile. The lock must be held.
func (r row) member(groupID string) store.Member {
	m := store.Member{Group: groupID, Type: r.table.typ, ID: r.id}
	if member := r.table.byID[r.id]; member != nil {
		m.Label = member.label
	}
	return m
}
