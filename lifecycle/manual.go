package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// This file has what an administrator of the product may do to people's records. Like those of admin.go the methods take a
// user's userName, and deny by a *Denied; attributes that can't be are a *Refusal.

// AddManually creates a user by hand.
func (s *Service) AddManually(ctx context.Context, tenant string, who Identity) (*store.Resource, error) {
	settings, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if !settings.Manual {
		return nil, &Denied{DeniedManual}
	}
	r, err := s.makeUser(ctx, Actor{Tenant: tenant, By: SourceManual, Action: "add by hand"}, settings, SourceManual, who)
	var taken *store.ConflictError
	if errors.As(err, &taken) {
		return nil, &Denied{DeniedExists}
	}
	return r, err
}

// EditManually changes attributes of a user by hand: those that are given, of which a null takes one away. Access is given and
// taken by Suspend and Reactivate, not by active. Whom the identity provider manages is left to it, unless the policy says
// EditManaged.
func (s *Service) EditManually(ctx context.Context, tenant, userName string, attributes document.Value) (r *store.Resource, err error) {
	err = s.byHand(ctx, tenant, userName, "edit by hand", func(p *plan, cur *store.Resource) error {
		if cur.Type == keptType {
			return &Denied{DeniedNotPossible}
		}
		v := cur.Attributes.Value()
		for _, m := range attributes.Items() {
			if v.Delete(m.Name); !m.Value.IsNull() {
				v.Set(m.Name, m.Value)
			}
		}
		if s.opts.Check != nil {
			if v, err = s.opts.Check(userType, v); err != nil {
				return err
			}
		}
		next := *cur
		next.Attributes = v.Document()
		next.Index, next.Label = s.Index(userType, v)
		if err := p.guard(ctx, cur, &next); err != nil {
			return err
		}
		if isActive(&next) != isActive(cur) {
			return &Refusal{Reason: Invalid, Attribute: "active", Detail: "can't be edited by hand; suspend the user, or reactivate it"}
		}
		if r = &next; next.Attributes == cur.Attributes {
			return nil
		}
		next.LastModified = now()
		p.tellOf(KindUpdated, cur, &next)
		p.put(cur, &next)
		return p.commit(ctx, cur.Key, "updated")
	})
	return r, err
}

// RemoveManually deletes a user by hand, whom Manual and EditManaged allow to be edited so; or for good, if it was kept through a
// deletion.
func (s *Service) RemoveManually(ctx context.Context, tenant, userName string) error {
	return s.byHand(ctx, tenant, userName, "remove by hand", func(p *plan, cur *store.Resource) error {
		if err := p.guard(ctx, cur, nil); err != nil {
			return err
		}
		if cur.Type == keptType {
			return p.removeKept(ctx, cur.Key)
		}
		if _, _, err := p.move(AccountOf(cur), p.settings.remove(), cur, nil); err != nil {
			return err
		}
		return p.remove(ctx, cur)
	})
}

// byHand does what is asked for to a user whom administrators may edit.
func (s *Service) byHand(ctx context.Context, tenant, userName, action string, do func(p *plan, cur *store.Resource) error) error {
	settings, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return err
	}
	if !settings.Manual {
		return &Denied{DeniedManual}
	}
	return race(ctx, manyTimes, func() error {
		cur, err := s.user(ctx, tenant, "userName", userName)
		if errors.Is(err, store.ErrNotFound) {
			cur, err = s.only(ctx, tenant, keptType, "userName", userName)
		}
		if errors.Is(err, store.ErrNotFound) {
			return &Denied{DeniedUnknown}
		}
		if err != nil {
			return err
		}
		if cur.Type == userType && AccountOf(cur).Source == SourceSCIM && !settings.EditManaged {
			return &Denied{DeniedManaged}
		}
		err = do(s.plan(Actor{Tenant: tenant, By: SourceManual, Action: action}, settings), cur)
		var taken *store.ConflictError
		if errors.As(err, &taken) {
			return &Denied{DeniedExists}
		}
		return err
	})
}
