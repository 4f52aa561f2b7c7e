package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
)

// rehearse does all of a commit but writing: it finds out what the store would refuse, so that a dry run gets the answer that a commit
// would get.
func (s *Service) rehearse(ctx context.Context, r *Request, d *Decision) (again bool, err error) {
	refused, err := s.wouldRefuse(ctx, &d.Change)
	if err != nil || refused == nil {
		return false, err
	}
	r.lost, r.refused = true, refused
	return true, nil
}

// wouldRefuse is the error that the store would have for a change, as far as reading can tell: a taken key, a limit, a member
// or group that isn't there. nil: it would take it.
func (s *Service) wouldRefuse(ctx context.Context, c *store.Change) (refused, err error) {
	for _, put := range c.Put {
		r := put.Resource
		if store.IsInternal(r.Type) {
			continue
		}
		for _, k := range r.Index {
			if !k.Unique {
				continue
			}
			same, err := s.withKey(ctx, c.Tenant, r.Type, k)
			if err != nil {
				return nil, err
			}
			for _, other := range same {
				if other.ID != r.ID {
					return &store.ConflictError{Attribute: k.Attribute}, nil
				}
			}
		}
	}
	for _, claim := range c.Claims {
		if claim.Take <= 0 || claim.Limit < 0 {
			continue
		}
		reader, ok := store.As[store.CounterReader](s.store)
		if !ok {
			continue
		}
		counters, err := reader.Counters(ctx, c.Tenant, claim.Counter)
		if err != nil {
			return nil, err
		}
		if counters[0].Count+claim.Take > claim.Limit {
			return &store.ClaimError{Counter: claim.Counter}, nil
		}
	}
	return s.unknownIn(ctx, c)
}

// unknownIn is the error for the first member to add that isn't there.
func (s *Service) unknownIn(ctx context.Context, c *store.Change) (refused, err error) {
	for _, delta := range c.Members {
		for _, ref := range delta.Add {
			types := s.opts.Types
			if ref.Type != "" {
				types = []string{ref.Type}
			}
			there := false
			for _, typ := range types {
				_, err := s.store.Get(ctx, store.Key{Tenant: c.Tenant, Type: typ, ID: ref.ID})
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					return nil, err
				}
				if there = err == nil; there {
					break
				}
			}
			if !there && len(types) > 0 {
				return &store.UnknownMemberError{ID: ref.ID}, nil
			}
		}
		if len(c.Put) == 0 && len(delta.Add)+len(delta.Remove) > 0 {
			if _, err := s.store.Get(ctx, store.Key{Tenant: c.Tenant, Type: groupType, ID: delta.Group}); err != nil {
				if errors.Is(err, store.ErrNotFound) {
					return store.ErrNotFound, nil
				}
				return nil, err
			}
		}
	}
	return nil, nil
}
