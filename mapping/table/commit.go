package table

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
)

// Commit implements [store.Store]. It ignores events and journal entries, because the store is no EventSource and no JournalReader.
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
	if err := ctx.Err(); err != nil { // the context may have ended while the commit waited for the lock
		return err
	}
	// From here on the commit doesn't end with the context, because nobody could tell whether a statement that is interrupted was
	// executed.
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

// commit writes one change to the tables.
type commit struct {
	*Store
	*store.Change
	ctx   context.Context
	undo  []func(context.Context) error // what undoes the parts that were written; it isn't used in a transaction
	types []string                      // the types that members may have, once they were read
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
	for _, d := range w.Change.Members {
		if err := w.changeMembers(d); err != nil {
			return err
		}
	}
	for _, d := range w.Delete {
		if err := w.delete(d); err != nil {
			return err
		}
	}
	return w.claim()
}

// save writes a row, and notes how to undo that.
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
	if p.Resource.Attributes.Check() != nil || p.Resource.Internal.Check() != nil {
		return store.ErrCorrupt
	}
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

// free checks that no other resource has a unique key.
func (w *commit) free(t table, k store.IndexKey, id string) error {
	if !k.Unique {
		return nil
	}
	taken := false
	err := t.find(w.ctx, w.Tenant, k.Attribute, k.Value, func(r *row) (bool, error) {
		taken = r.ID != id && slices.Contains(r.Index, k)
		return !taken, nil
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
	if d.Type == groupType && w.Store.members != nil {
		if err := w.Store.members.Empty(w.ctx, w.Tenant, d.ID); err != nil {
			return err
		}
	}
	isMember, err := w.isMember(d.Type, d.ID)
	if err != nil {
		return err
	}
	if isMember { // the resource was added to a group after its groups were read
		return store.ErrVersionMismatch
	}
	if err := t.rows.delete(w.ctx, w.Tenant, t.prefix+d.ID); err != nil {
		return err
	}
	w.undo = append(w.undo, func(ctx context.Context) error { return t.restore(ctx, w.Tenant, was, true) })
	return nil
}

// isMember says whether a resource is a member of another group than itself.
func (w *commit) isMember(typ, id string) (found bool, err error) {
	if store.IsInternal(typ) {
		return false, nil
	}
	if w.Store.members != nil {
		for m, err := range w.Store.members.Members(w.ctx, store.MemberQuery{Tenant: w.Tenant, Of: []string{id}}) {
			if err != nil || m.Type == typ {
				return err == nil, err
			}
		}
		return false, nil
	}
	err = w.table(groupType).walk(w.ctx, w.Tenant, "", func(g *row) (bool, error) {
		refs, err := g.memberRefs()
		if err != nil {
			return false, err
		}
		found = (typ != groupType || g.ID != id) && slices.Contains(refs, store.MemberRef{Type: typ, ID: id})
		return !found, nil
	})
	return found, err
}

// exactMembers is a MemberTable that checks by itself that each added resource exists and is no member yet, and that each removed one is a
// member. It can do so by one statement for many, where the store would ask for each.
type exactMembers interface {
	changeExactly(ctx context.Context, tenant string, d store.MemberDelta) error
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
	is := *g
	r := *g.Resource
	r.Version, r.LastModified = d.Version, d.LastModified
	is.Resource = &r
	if exact, ok := w.Store.members.(exactMembers); ok {
		if err := exact.changeExactly(w.ctx, w.Tenant, d); err != nil {
			return err
		}
		return w.save(t, g, &is)
	}
	d.Add = slices.Clone(d.Add)
	for i := range d.Add {
		if d.Add[i].Type, err = w.typeOf(d.Add[i]); err != nil {
			return err
		}
	}
	types, err := w.typesOf(g, d)
	if err != nil {
		return err
	}
	if err := exactly(types, d); err != nil {
		return err
	}
	if w.Store.members == nil {
		is.setMembers(types)
	} else if err := w.Store.members.ChangeMembers(w.ctx, w.Tenant, d); err != nil {
		return err
	}
	return w.save(t, g, &is)
}

// typeOf finds the type of a resource to add: the one that is given, or else the first in alphabetical order of those that have the id.
func (w *commit) typeOf(ref store.MemberRef) (string, error) {
	types := []string{ref.Type}
	if ref.Type == "" {
		if w.types == nil {
			var err error
			if w.types, err = w.Store.types(w.ctx, w.Tenant); err != nil {
				return "", err
			}
		}
		types = w.types
	}
	for _, typ := range types {
		if store.IsInternal(typ) {
			continue
		}
		if _, err := w.table(typ).get(w.ctx, w.Tenant, ref.ID); !errors.Is(err, store.ErrNotFound) {
			return typ, err
		}
	}
	return "", &store.UnknownMemberError{ID: ref.ID}
}

// typesOf returns the types of a group's members by their ids: those of all members if these are in the group's record, else those of the
// members that a delta names.
func (w *commit) typesOf(g *row, d store.MemberDelta) (map[string]string, error) {
	types := map[string]string{}
	if w.Store.members == nil {
		refs, err := g.memberRefs()
		for _, ref := range refs {
			types[ref.ID] = ref.Type
		}
		return types, err
	}
	q := store.MemberQuery{Tenant: w.Tenant, Groups: []string{d.Group}, IDs: slices.Clone(d.Remove)}
	for _, ref := range d.Add {
		q.IDs = append(q.IDs, ref.ID)
	}
	if len(q.IDs) == 0 { // a query without ids would ask for all members
		return types, nil
	}
	for m, err := range w.Store.members.Members(w.ctx, q) {
		if err != nil {
			return nil, err
		}
		types[m.ID] = m.Type
	}
	return types, nil
}

// exactly applies a delta to the types of members. Each that the delta removes must be a member, and each that it adds must not be one.
func exactly(types map[string]string, d store.MemberDelta) error {
	for _, id := range d.Remove {
		if _, isMember := types[id]; !isMember {
			return store.ErrVersionMismatch
		}
		delete(types, id)
	}
	for _, ref := range d.Add {
		if _, isMember := types[ref.ID]; isMember {
			return store.ErrVersionMismatch
		}
		types[ref.ID] = ref.Type
	}
	return nil
}
