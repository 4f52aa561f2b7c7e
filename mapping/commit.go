package mapping

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/rollcall-dev/rollcall/store"
)

// Commit implements [store.Store]. Events and the journal are left out: the store is no EventSource and no JournalReader.
func (s *Store) Commit(ctx context.Context, c *store.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.transactor != nil {
		return s.transactor.Transact(ctx, func(ctx context.Context) error {
			return (&commit{Store: s, ctx: ctx, Change: c}).run()
		})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil { // it may have waited
		return err
	}
	// A statement that is interrupted may have been executed or not. So from here on there's no way but to the end.
	w := &commit{Store: s, ctx: context.WithoutCancel(ctx), Change: c}
	err := w.run()
	if err == nil {
		return nil
	}
	for _, undo := range slices.Backward(w.undo) {
		err = errors.Join(err, undo(w.ctx))
	}
	return err
}

// commit is one change on its way into the tables.
type commit struct {
	*Store
	*store.Change
	ctx  context.Context
	undo []func(context.Context) error // not used in a transaction
}

func (w *commit) run() error {
	for _, a := range w.Absent {
		if _, err := w.table(a.Type).get(w.ctx, w.Tenant, a.ID); err == nil {
			return store.ErrVersionMismatch
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	for i := range w.Put {
		if err := w.put(&w.Put[i]); err != nil {
			return err
		}
	}
	for _, d := range w.Delete {
		if err := w.delete(d); err != nil {
			return err
		}
	}
	for _, d := range w.Change.Members {
		if err := w.changeMembers(d); err != nil {
			return err
		}
	}
	return w.claim()
}

// save writes a row, and remembers how to undo it.
func (w *commit) save(t table, was, is *row) error {
	if err := t.save(w.ctx, w.Tenant, was, t.keyed(is)); err != nil {
		return err
	}
	w.undo = append(w.undo, func(ctx context.Context) error {
		if was == nil {
			return t.rows.delete(ctx, w.Tenant, t.prefix+is.ID)
		}
		return t.restore(ctx, w.Tenant, was, false)
	})
	return nil
}

func (w *commit) put(p *store.Put) error {
	t := w.table(p.Resource.Type)
	r := *p.Resource
	r.Tenant = w.Tenant
	is := &row{Resource: &r}
	was, err := t.get(w.ctx, w.Tenant, r.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if p.IfVersion != "" {
			return store.ErrVersionMismatch
		}
		was = nil
	case err != nil:
		return err
	case p.IfVersion == "":
		return &store.ConflictError{Attribute: "id"}
	case p.IfVersion != was.Version:
		return store.ErrVersionMismatch
	default:
		is.members = was.members
	}
	for _, k := range r.Index {
		if err := w.free(t, k, r.ID); err != nil {
			return err
		}
	}
	return w.save(t, was, is)
}

// free makes sure that nobody else has a unique key.
func (w *commit) free(t table, k store.IndexKey, id string) error {
	if !k.Unique {
		return nil
	}
	taken := false
	err := t.find(w.ctx, w.Tenant, k.Attribute, k.Value, func(r *row) bool {
		taken = r.ID != id && slices.Contains(r.Index, k)
		return !taken
	})
	if err == nil && taken {
		err = &store.ConflictError{Attribute: k.Attribute}
	}
	return err
}

func (w *commit) delete(d store.Delete) error {
	t := w.table(d.Type)
	was, err := t.get(w.ctx, w.Tenant, d.ID)
	if err != nil {
		return err
	}
	if d.IfVersion != "" && d.IfVersion != was.Version {
		return store.ErrVersionMismatch
	}
	if err := w.leave(d.Type, d.ID); err != nil {
		return err
	}
	if d.Type == groupType { // it may have been a member of itself
		if was, err = t.get(w.ctx, w.Tenant, d.ID); err != nil {
			return err
		}
	}
	if err := t.rows.delete(w.ctx, w.Tenant, t.prefix+d.ID); err != nil {
		return err
	}
	w.undo = append(w.undo, func(ctx context.Context) error { return t.restore(ctx, w.Tenant, was, true) })
	return nil
}

// leave takes a resource out of all groups.
func (w *commit) leave(typ, id string) error {
	if isInternal(typ) {
		return nil
	}
	if w.Store.members != nil {
		return w.Store.members.Leave(w.ctx, w.Tenant, typ, id)
	}
	t := w.table(groupType)
	var groups []*row
	err := t.walk(w.ctx, w.Tenant, "", func(g *row) bool {
		if slices.Contains(g.memberRefs(), store.MemberRef{Type: typ, ID: id}) {
			groups = append(groups, g)
		}
		return true
	})
	for _, g := range groups {
		if err != nil {
			break
		}
		err = w.setMembers(t, g, g.Version, store.MemberDelta{Remove: []string{id}, LastModified: g.LastModified})
	}
	return err
}

func (w *commit) changeMembers(d store.MemberDelta) error {
	t := w.table(groupType)
	g, err := t.get(w.ctx, w.Tenant, d.Group)
	if err != nil {
		return err
	}
	put := slices.ContainsFunc(w.Put, func(p store.Put) bool { return p.Resource.Type == groupType && p.Resource.ID == d.Group })
	if d.IfVersion != "" && !put && d.IfVersion != g.Version {
		return store.ErrVersionMismatch
	}
	d.Add = slices.Clone(d.Add)
	for i := range d.Add {
		if d.Add[i].Type, err = w.typeOf(w.ctx, w.Tenant, d.Add[i]); err != nil {
			return err
		}
	}
	if w.Store.members != nil {
		if err := w.Store.members.ChangeMembers(w.ctx, w.Tenant, d); err != nil {
			return err
		}
		d.Replace, d.Add, d.Remove = false, nil, nil
	}
	return w.setMembers(t, g, d.Version, d)
}

// setMembers applies a delta to a group's record.
func (w *commit) setMembers(t table, g *row, version string, d store.MemberDelta) error {
	is := *g
	r := *g.Resource
	r.Version, r.LastModified = version, d.LastModified
	is.Resource = &r
	if w.Store.members == nil {
		types := map[string]string{}
		if !d.Replace {
			for _, ref := range g.memberRefs() {
				types[ref.ID] = ref.Type
			}
		}
		for _, id := range d.Remove {
			delete(types, id)
		}
		for _, ref := range d.Add {
			types[ref.ID] = ref.Type
		}
		is.setMembers(types)
	}
	return w.save(t, g, &is)
}

// claim takes or gives back seats.
func (w *commit) claim() error {
	if w.Change.Seats == nil {
		return nil
	}
	used, kept, err := w.Store.seats(w.ctx, w.Tenant)
	if err != nil {
		return err
	}
	next := max(used+w.Change.Seats.Take, 0)
	if w.Change.Seats.Take > 0 && w.Change.Seats.Limit >= 0 && next > w.Change.Seats.Limit {
		return store.ErrNoSeat
	}
	r := &Record[Other]{ID: seatsID, Rest: strconv.Itoa(next)}
	if !kept {
		return w.others.Create(w.ctx, w.Tenant, r)
	}
	return w.others.Update(w.ctx, w.Tenant, r)
}
