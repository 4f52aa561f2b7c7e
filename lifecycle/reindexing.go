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
// indexed, made unique or named in Link after those resources were written. Others may write meanwhile, and nobody is told, as
// nothing that the product knows changes. If two resources have the same unique key by now it returns a *store.ConflictError:
// change one of them first. It may be called again if it was interrupted.
func (s *Service) Reindex(ctx context.Context, tenant, typ string) error {
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
			for i, k := range next.Index { // whether it is unique is the tenant's to say
				if k.Unique = true; k.Attribute == "externalId" && slices.Contains(r.Index, k) {
					next.Index[i] = k
				}
			}
			if sameKeys(r.Index, next.Index) && r.Label == next.Label {
				continue
			}
			err = s.store.Commit(ctx, &store.Change{Tenant: tenant, Put: []store.Put{{Resource: &next, IfVersion: r.Version, Was: r}}})
			if err != nil && !errors.Is(err, store.ErrVersionMismatch) { // who was faster has made the keys
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// sameKeys says whether two indexes are the same, in whatever order.
func sameKeys(a, b []store.IndexKey) bool {
	order := func(x, y store.IndexKey) int {
		return cmp.Or(cmp.Compare(x.Attribute, y.Attribute), cmp.Compare(x.Value, y.Value))
	}
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}
