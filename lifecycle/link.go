package lifecycle

import (
	"context"
	"fmt"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
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

// withKey finds the resources that have an index key, or some of them if there are many. A value that isn't folded belongs to a
// caseExact attribute; of the others the key itself decides.
func (s *Service) withKey(ctx context.Context, tenant, typ string, k store.IndexKey) ([]*store.Resource, error) {
	p, _, err := filter.ParsePath(k.Attribute, filter.Options{Strict: true})
	if err != nil {
		return nil, fmt.Errorf("lifecycle: Options.Link: %s: %w", k.Attribute, err)
	}
	if p.Where != nil { // a store finds those with the value in any element
		p.Path.Sub = p.Sub
	}
	page, err := s.store.List(ctx, store.Query{Tenant: tenant, Types: []string{typ}, Count: 10, NoTotal: true, Filter: filter.Compare{
		Attr: filter.Attr{Path: p.Path, Type: filter.String, CaseExact: document.Fold(k.Value) != k.Value},
		Op:   filter.Eq, Value: document.String(k.Value),
	}})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(page.Resources, func(r *store.Resource) bool {
		return !slices.ContainsFunc(r.Index, func(o store.IndexKey) bool { return o.Attribute == k.Attribute && o.Value == k.Value })
	}), nil
}
