package connection

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
)

// EraseProblems takes the last errors out of the status of all connections of a tenant, as they may name somebody who wants to be
// forgotten. What another process has seen before and not yet written down stays out, too.
func (s *Service) EraseProblems(ctx context.Context, tenant string) error {
	s.stats.mu.Lock()
	for k, d := range s.stats.pending {
		if k.tenant == tenant {
			d.LastError = nil
		}
	}
	s.stats.mu.Unlock()
	q := store.Query{Tenant: tenant, Types: []string{statusType}, Count: 100, NoTotal: true}
	for {
		page, err := s.store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page.Resources {
			if err := s.eraseProblem(ctx, tenant, r.ID); err != nil {
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

func (s *Service) eraseProblem(ctx context.Context, tenant, id string) error {
	return again(ctx, func() error {
		x, old, err := s.status(ctx, tenant, id)
		if err != nil || old == nil {
			return err
		}
		x.LastError, x.Erased = nil, now()
		next := *old
		next.Version, next.LastModified, next.Internal = newID(), now(), documentOf(x)
		return s.store.Commit(ctx, &store.Change{Tenant: tenant, Put: []store.Put{{Resource: &next, IfVersion: old.Version, Was: old}}})
	})
}

// isThere says whether a connection is there. The status of one whose tenant was forgotten is not written.
func (s *Service) isThere(ctx context.Context, k statKey) (bool, error) {
	_, err := s.store.Get(ctx, store.Key{Tenant: k.tenant, Type: connectionType, ID: k.connection})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
