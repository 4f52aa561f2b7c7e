package lifecycle

import (
	"context"
	"fmt"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// linked finds the resource that r is by Options.Link: the one that has a value of the first attribute of which anybody
// has r's. It is nil if there is none. If the attributes speak of different resources, nobody can tell which was meant.
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
					return nil, &Refusal{Reason: Taken, Attribute: attribute, Detail: fmt.Sprintf("several resources have this %s; make it that of one", attribute)}
				case found.ID != x.ID:
					return nil, &Refusal{Reason: Taken, Attribute: attribute, Detail: fmt.Sprintf(
						"by its %s this is the resource %s, by its %s it is %s; correct one of them", by, found.ID, attribute, x.ID)}
				}
			}
		}
	}
	return found, nil
}

// withKey finds the resources that have an index key, or some of them if there are many. A value that isn't folded is that
// of a caseExact attribute; for the others the key itself decides.
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

// takeOver makes what the identity provider wants to create, r, of a resource that is there.
func (s *Service) takeOver(ctx context.Context, a Actor, settings Settings, cur, r *store.Resource, members []store.MemberRef) error {
	p := s.plan(a, settings)
	was, next := *cur, *cur
	next.Attributes, next.Index, next.Label = r.Attributes, r.Index, r.Label
	if err := p.guard(ctx, cur, &next); err != nil {
		return err
	}
	if cur.Type == userType {
		account := AccountOf(cur)
		account.Source = SourceSCIM
		was.Internal = account.document()
		next.Internal = was.Internal
	}
	delta, err := s.delta(ctx, cur.Key, MemberChange{Add: members})
	if err != nil {
		return err
	}
	if next.Attributes == cur.Attributes && next.Internal == cur.Internal && len(delta.Add) == 0 {
		*r = *cur
		return nil
	}
	next.LastModified = now()
	if next.Attributes != cur.Attributes {
		remove, err := p.update(&was, &next)
		if err != nil {
			return err
		}
		if remove {
			return &Refusal{Reason: Taken, Attribute: "active", Detail: "somebody with this identity is there, and would be removed by active=false; create it with active=true, or delete the other one"}
		}
	}
	p.put(cur, &next)
	if len(delta.Add) > 0 {
		delta.Version, delta.LastModified = next.Version, next.LastModified
		p.members(cur.Key, delta)
	}
	if err := p.commit(ctx, cur.Key, "linked"); err != nil {
		return err
	}
	*r = next
	return nil
}
