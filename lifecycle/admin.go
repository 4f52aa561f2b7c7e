package lifecycle

import (
	"context"
	"errors"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

// This file has what an administrator of the product may do. The methods take a user's userName, and deny by a *Denied.

// Approve lets in somebody who waits for review.
func (s *Service) Approve(ctx context.Context, tenant, userName string) (*store.Resource, error) {
	return s.administer(ctx, tenant, userName, Approve, false)
}

// Reject doesn't let in somebody who waits for review.
func (s *Service) Reject(ctx context.Context, tenant, userName string) (*store.Resource, error) {
	return s.administer(ctx, tenant, userName, Reject, false)
}

// Suspend stops somebody's access until Reactivate, whatever the identity provider says meanwhile.
func (s *Service) Suspend(ctx context.Context, tenant, userName string) (*store.Resource, error) {
	return s.administer(ctx, tenant, userName, Suspend, true)
}

// Reactivate gives somebody access again.
func (s *Service) Reactivate(ctx context.Context, tenant, userName string) (*store.Resource, error) {
	return s.administer(ctx, tenant, userName, Reactivate, true)
}

func (s *Service) administer(ctx context.Context, tenant, userName string, c Cause, managed bool) (r *store.Resource, err error) {
	settings, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return nil, err
	}
	err = race(ctx, manyTimes, func() error {
		cur, err := s.user(ctx, tenant, "userName", userName)
		if errors.Is(err, store.ErrNotFound) {
			r, err = s.administerKept(ctx, settings, tenant, userName, c)
			return denied(err)
		}
		if err != nil {
			return err
		}
		account := AccountOf(cur)
		if managed && account.Source == SourceSCIM && !settings.SuspendManaged {
			return &Denied{DeniedManaged}
		}
		if _, ok := Table[account.State][c]; !ok {
			return &Denied{DeniedNotPossible}
		}
		account.Held = c == Suspend || account.Held && c != Reactivate
		r, err = s.shift(ctx, settings, cur, account, c)
		return denied(err)
	})
	return r, err
}

// administerKept is administer of somebody whom the identity provider has deleted.
func (s *Service) administerKept(ctx context.Context, settings Settings, tenant, userName string, c Cause) (*store.Resource, error) {
	kept, err := s.only(ctx, tenant, keptType, "userName", userName)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, &Denied{DeniedUnknown}
	case err != nil:
		return nil, err
	case c != Reactivate:
		return nil, &Denied{DeniedNotPossible}
	}
	return s.restore(ctx, settings, kept)
}

// shift commits what a cause does to an account, if it does anything.
func (s *Service) shift(ctx context.Context, settings Settings, cur *store.Resource, account Account, c Cause) (*store.Resource, error) {
	next := *cur
	p := s.plan(Actor{Tenant: cur.Tenant, By: SourceManual, Action: c.String()}, settings)
	if _, _, err := p.move(account, c, cur, &next); err != nil {
		return nil, err
	}
	if next.Internal == cur.Internal {
		return &next, nil
	}
	p.put(cur, &next)
	return &next, p.commit(ctx, cur.Key, c.String())
}

// Acquire takes an account that exists outside into the organization: the identity provider's next try, or the next JIT
// login, succeeds and links it.
func (s *Service) Acquire(ctx context.Context, tenant, userName string) error {
	if s.opts.Accounts == nil {
		return &Denied{DeniedUnknown}
	}
	name := names(&store.Resource{Attributes: userNamed(userName)})
	id, err := s.opts.Accounts.Find(ctx, name)
	if err != nil {
		return err
	}
	if id == "" {
		return &Denied{DeniedUnknown}
	}
	p := s.plan(Actor{Tenant: tenant, By: SourceManual, Action: "acquire"}, Settings{})
	r := &store.Resource{Key: store.Key{Tenant: tenant, Type: acquiredType, ID: rememberedID("name", name[0])}, Created: now(), LastModified: now()}
	p.put(nil, r)
	err = p.commit(ctx, r.Key, "acquired")
	var again *store.ConflictError
	if errors.As(err, &again) {
		return nil
	}
	return err
}

// Accounts lists users, in a state if it isn't None, from a cursor ("" at first; the last page's is ""). The last are those
// who are deleted for the identity provider and were kept as deactivated.
func (s *Service) Accounts(ctx context.Context, tenant string, state State, cursor string, count int) (users []*store.Resource, next string, err error) {
	const behind = "kept." // in front of the cursors of those; no store's begin so
	q := store.Query{Tenant: tenant, Types: []string{userType}, Cursor: cursor, Count: count, NoTotal: true}
	if state != None {
		q.Filter = inState(state)
	}
	after, kept := strings.CutPrefix(cursor, behind)
	if !kept {
		page, err := s.store.List(ctx, q)
		if err != nil {
			return nil, "", err
		}
		if users = page.Resources; page.Next != "" || state != None && state != Deactivated {
			return users, page.Next, nil
		}
		if len(users) == count {
			return users, behind, nil
		}
	}
	q.Types, q.Cursor, q.Count = []string{keptType}, after, count-len(users)
	if !kept {
		q.Cursor = ""
	}
	page, err := s.store.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	if page.Next != "" {
		next = behind + page.Next
	}
	return append(users, page.Resources...), next, nil
}

// Seats are the tenant's used seats and their limit (negative: none).
func (s *Service) Seats(ctx context.Context, tenant string) (used, limit int, err error) {
	settings, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return 0, 0, err
	}
	reader, ok := store.As[store.CounterReader](s.store)
	if !ok {
		return 0, settings.limit(), errors.New("lifecycle: the store can't tell its seats")
	}
	seats, err := reader.Counters(ctx, tenant, seatCounter)
	if err != nil {
		return 0, 0, err
	}
	return seats[0].Count, settings.limit(), nil
}
