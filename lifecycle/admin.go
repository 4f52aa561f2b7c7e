package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
)

// This file has what an administrator of the product may do. The methods take a user's userName, and deny by a *Denied.

// AddManually creates a user by hand.
func (s *Service) AddManually(ctx context.Context, tenant string, who Identity) (*store.Resource, error) {
	settings, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if !settings.Manual {
		return nil, &Denied{DeniedManual}
	}
	r, err := s.makeUser(ctx, Actor{Tenant: tenant, Action: "add by hand"}, settings, SourceManual, who)
	var taken *store.ConflictError
	if errors.As(err, &taken) {
		return nil, &Denied{DeniedExists}
	}
	return r, err
}

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
	err = race(ctx, func() error {
		cur, err := s.user(ctx, tenant, "userName", userName)
		if errors.Is(err, store.ErrNotFound) {
			return &Denied{DeniedUnknown}
		}
		if err != nil {
			return err
		}
		account := AccountOf(cur)
		if managed && account.Source == SourceSCIM && !settings.EditManaged {
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

// shift commits what a cause does to an account, if it does anything.
func (s *Service) shift(ctx context.Context, settings Settings, cur *store.Resource, account Account, c Cause) (*store.Resource, error) {
	next := *cur
	p := s.plan(Actor{Tenant: cur.Tenant, Action: c.String()}, settings)
	if _, _, err := p.move(account, c, cur, &next); err != nil {
		return nil, err
	}
	if next.Internal == cur.Internal {
		return &next, nil
	}
	p.put(cur, &next)
	return &next, p.commit(ctx, cur.Key, c.String())
}

// SwitchSCIM does what the settings say (SCIMOff) to the people whom the identity provider manages, once SCIM has been
// switched off or on again: they are suspended, and let in again, except whom an administrator or the identity provider
// itself has shut out. It may be called again if it was interrupted.
func (s *Service) SwitchSCIM(ctx context.Context, tenant string) error {
	settings, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil || settings.SCIMOff != "suspend" {
		return err
	}
	const page = 200
	for cursor := ""; ; {
		users, next, err := s.Accounts(ctx, tenant, None, cursor, page)
		if err != nil {
			return err
		}
		for _, u := range users {
			if err := race(ctx, func() error { return s.switchUser(ctx, settings, u.Key) }); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		if cursor = next; next == "" {
			return nil
		}
	}
}

func (s *Service) switchUser(ctx context.Context, settings Settings, k store.Key) error {
	cur, err := s.store.Get(ctx, k)
	if err != nil {
		return err
	}
	account := AccountOf(cur)
	cause := DisableSuspend
	switch {
	case account.Source != SourceSCIM:
		return nil
	case settings.SCIM && (account.State != Suspended || account.Held || !isActive(cur)):
		return nil
	case settings.SCIM && settings.Review && account.FirstLogin.IsZero():
		cause = EnableForReview
	case settings.SCIM:
		cause = Enable
	}
	_, err = s.shift(ctx, settings, cur, account, cause)
	return err
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
	p := s.plan(Actor{Tenant: tenant, Action: "acquire"}, Settings{})
	r := &store.Resource{Key: store.Key{Tenant: tenant, Type: acquiredType, ID: rememberedID("name", name[0])}, Created: now(), LastModified: now()}
	p.put(nil, r)
	err = p.commit(ctx, r.Key, "acquired")
	var again *store.ConflictError
	if errors.As(err, &again) {
		return nil
	}
	return err
}

// Accounts lists users, in a state if it isn't None, from a cursor ("" at first; the last page's is "").
func (s *Service) Accounts(ctx context.Context, tenant string, state State, cursor string, count int) (users []*store.Resource, next string, err error) {
	q := store.Query{Tenant: tenant, Types: []string{userType}, Cursor: cursor, Count: count, NoTotal: true}
	if state != None {
		q.Filter = inState(state)
	}
	page, err := s.store.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	return page.Resources, page.Next, nil
}

// Seats are the tenant's used seats and their limit (negative: none).
func (s *Service) Seats(ctx context.Context, tenant string) (used, limit int, err error) {
	settings, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return 0, 0, err
	}
	reader, ok := s.store.(store.SeatReader)
	if !ok {
		return 0, settings.limit(), errors.New("lifecycle: the store can't tell its seats")
	}
	used, err = reader.Seats(ctx, tenant)
	return used, settings.limit(), err
}
