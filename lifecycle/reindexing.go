package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
)

// Reindex gives all resources of a type the index keys and the label that Options.Index makes now. It is for attributes that were
// indexed, made unique or named in Link after those resources were written, and for externalIds that were written while
// Settings.SameExternalID let several users have the same. Others may write meanwhile, and nobody is told, as nothing that the product
// knows changes. If two resources have the same unique key by now it returns a *store.ConflictError: change one of them first. Users
// with the same externalId keep it; nobody else can get it then. Reindex may be called again if it was interrupted.
func (s *Service) Reindex(ctx context.Context, tenant, typ string) error {
	settings, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return err
	}
	const count = 200
	q := store.Query{Tenant: tenant, Types: []string{typ}, Count: count, NoTotal: true}
	for {
		page, err := s.store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page.Resources {
			next := *r
			attributes, err := r.Attributes.Tree()
			if err != nil {
				return fmt.Errorf("%w: attributes of %s %s", store.ErrCorrupt, typ, r.ID)
			}
			next.Index, next.Label = s.Index(typ, attributes)
			shared := slices.Clone(next.Index)
			ownExternalID(&next, nil, &settings)
			err = s.reindex(ctx, r, &next)
			if conflict := (*store.ConflictError)(nil); errors.As(err, &conflict) && conflict.Attribute == "externalId" && !sameKeys(shared, next.Index) {
				next.Index = shared // somebody else has it already, and both keep it
				err = s.reindex(ctx, r, &next)
			}
			if err != nil {
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// reindex writes a resource with other keys or another label.
func (s *Service) reindex(ctx context.Context, was, next *store.Resource) error {
	if sameKeys(was.Index, next.Index) && was.Label == next.Label {
		return nil
	}
	err := s.store.Commit(ctx, &store.Change{Tenant: was.Tenant, Put: []store.Put{{Resource: next, IfVersion: was.Version, Was: was}}})
	if errors.Is(err, store.ErrVersionMismatch) {
		return nil // who was faster has made the keys
	}
	return err
}

// sameKeys says whether two indexes are the same, in whatever order.
func sameKeys(a, b []store.IndexKey) bool {
	order := func(x, y store.IndexKey) int {
		return cmp.Or(cmp.Compare(x.Attribute, y.Attribute), cmp.Compare(x.Value, y.Value))
	}
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}
