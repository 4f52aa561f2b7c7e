package table

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

// Members implements [store.Store]. Without a [MemberTable], the rows are those that exist when the walk begins.
func (s *Store) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		if s.members != nil {
			s.streamed(ctx, q, yield)
			return
		}
		var found []store.Member
		err := s.view(ctx, func() (err error) {
			found, err = s.memberRows(ctx, q)
			return err
		})
		if err != nil {
			yield(store.Member{}, err)
			return
		}
		for _, m := range found {
			if err := ctx.Err(); err != nil {
				yield(store.Member{}, err)
				return
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// streamed returns the rows of a MemberTable, with labels.
func (s *Store) streamed(ctx context.Context, q store.MemberQuery, yield func(store.Member, error) bool) {
	for m, err := range s.members.Members(ctx, q) {
		if err == nil && m.Label == "" {
			typ, id := m.Type, m.ID
			if len(q.Groups) == 0 {
				typ, id = groupType, m.Group
			}
			m.Label, err = s.label(ctx, q.Tenant, typ, id)
		}
		if !yield(m, err) || err != nil {
			return
		}
	}
}

func (s *Store) label(ctx context.Context, tenant, typ, id string) (string, error) {
	r, err := s.table(typ).get(ctx, tenant, id)
	if errors.Is(err, store.ErrNotFound) { // the resource was deleted meanwhile
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return r.Label, nil
}

// memberRows reads rows from the records of groups.
func (s *Store) memberRows(ctx context.Context, q store.MemberQuery) (found []store.Member, err error) {
	for _, id := range q.Groups {
		g, err := s.table(groupType).get(ctx, q.Tenant, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		refs, err := g.memberRefs()
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			if len(q.IDs) > 0 && !slices.Contains(q.IDs, ref.ID) {
				continue
			}
			m := store.Member{Group: id, Type: ref.Type, ID: ref.ID}
			if m.Label, err = s.label(ctx, q.Tenant, ref.Type, ref.ID); err != nil {
				return nil, err
			}
			found = append(found, m)
		}
	}
	if len(q.Of) == 0 {
		return found, nil
	}
	of, err := s.memberships(ctx, q.Tenant, q.Of)
	for _, id := range q.Of {
		found = append(found, of[id]...)
	}
	return found, err
}

// memberships reads all groups, and returns the rows by the members' ids: only those of the given members, or all if none is given.
func (s *Store) memberships(ctx context.Context, tenant string, of []string) (map[string][]store.Member, error) {
	rows := map[string][]store.Member{}
	err := s.table(groupType).walk(ctx, tenant, "", func(g *row) (bool, error) {
		refs, err := g.memberRefs()
		for _, ref := range refs {
			if len(of) == 0 || slices.Contains(of, ref.ID) {
				rows[ref.ID] = append(rows[ref.ID], store.Member{Group: g.ID, Type: ref.Type, ID: ref.ID, Label: g.Label})
			}
		}
		return true, err
	})
	return rows, err
}

// types returns the resource types that a tenant may have resources of, in alphabetical order. It finds those in Options.Others by
// reading one record of each type.
func (s *Store) types(ctx context.Context, tenant string) (types []string, err error) {
	for typ := range s.tables {
		types = append(types, typ)
	}
	for after := ""; ; {
		first, err := s.others.List(ctx, tenant, after, 1)
		if err != nil {
			return nil, err
		}
		if len(first) == 0 {
			break
		}
		typ, _, isResource := strings.Cut(first[0].ID, "/")
		if after = first[0].ID; isResource {
			types = append(types, typ)
			after = typ + "0" // this is greater than all ids of the type, which begin with its name and a slash
		}
	}
	slices.Sort(types)
	return slices.Compact(types), nil
}
