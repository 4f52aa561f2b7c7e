package lifecycle

import (
	"context"
	"fmt"
	"slices"

	"github.com/rollcall-dev/rollcall/lifecycle/internal/overlay"
	"github.com/rollcall-dev/rollcall/store"
)

// linked finds the resource that Options.Link takes r for. The attributes of Link are asked in their order, and the first of them
// by which a resource has the same value as r decides. linked returns nil if there is no such resource. It refuses r if its
// attributes belong to different resources, because nobody can tell which was meant.
func (s *Service) linked(ctx context.Context, r *store.Resource) (found *store.Resource, err error) {
	by := ""
	for _, attribute := range s.opts.Link[r.Type] {
		for _, k := range r.Index {
			if k.Attribute != attribute {
				continue
			}
			same, err := s.withKey(ctx, r.Tenant, r.Type, k)
			if err != nil {
				return nil, err
			}
			for _, x := range same {
				switch {
				case found == nil:
					found, by = x, attribute
				case found.ID != x.ID && by == attribute:
					return nil, &Refusal{Reason: Taken, Attribute: attribute, Detail: "several resources have this value; make it that of one"}
				case found.ID != x.ID:
					return nil, &Refusal{Reason: Taken, Attribute: attribute, Detail: fmt.Sprintf(
						"by its %s this is the resource %s, by its %s it is %s; correct one of them", by, found.ID, attribute, x.ID)}
				}
			}
		}
	}
	return found, nil
}

// withKey finds the resources that have an index key, or some of them if there are many.
func (s *Service) withKey(ctx context.Context, tenant, typ string, k store.IndexKey) ([]*store.Resource, error) {
	where, err := overlay.KeyFilter(k)
	if err != nil {
		return nil, fmt.Errorf("lifecycle: Options.Link: %w", err)
	}
	page, err := s.store.List(ctx, store.Query{Tenant: tenant, Types: []string{typ}, Count: 10, NoTotal: true, Filter: where})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(page.Resources, func(r *store.Resource) bool {
		return !slices.ContainsFunc(r.Index, func(o store.IndexKey) bool { return o.Attribute == k.Attribute && o.Value == k.Value })
	}), nil
}
