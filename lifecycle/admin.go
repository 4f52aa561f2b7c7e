package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// This file has what an administrator of the product may do. Each method takes the request of the click, of which the product
// fills in Tenant, Who and perhaps ID, and the id of a user. It denies by a *Denied; attributes that can't be are a *Refusal.
// Users who were deleted by SCIM and whom the product retains have ids like all others.

// Approve lets in somebody who waits for review. by is the click of an administrator, of which the product fills in Tenant, Who
// and perhaps ID; id is the user's. Approve returns the user as it is then. It returns a *Denied if the user isn't there or
// doesn't wait, or if no seat is left.
func (s *Service) Approve(ctx context.Context, by Request, id string) (*store.Resource, error) {
	return s.administer(ctx, by, id, Approve)
}

// Reject ends the wait of somebody for review without access. Only Reactivate lets that person in again, whatever the identity
// provider says meanwhile. The arguments and the errors are those of Approve.
func (s *Service) Reject(ctx context.Context, by Request, id string) (*store.Resource, error) {
	return s.administer(ctx, by, id, Reject)
}

// Suspend stops somebody's access until Reactivate, whatever the identity provider says meanwhile. The arguments and the errors
// are those of Approve; whom an identity provider manages may be suspended only where Settings.SuspendManaged allows it.
func (s *Service) Suspend(ctx context.Context, by Request, id string) (*store.Resource, error) {
	return s.administer(ctx, by, id, Suspend)
}

// Reactivate gives somebody access again whom an administrator, the identity provider or a setting has shut out. The arguments and
// the errors are those of Approve.
func (s *Service) Reactivate(ctx context.Context, by Request, id string) (*store.Resource, error) {
	return s.administer(ctx, by, id, Reactivate)
}

func (s *Service) administer(ctx context.Context, by Request, id string, c Cause) (*store.Resource, error) {
	return s.toUser(ctx, by.click(SourceManual, c.String()), id, false, func(cur *store.Resource) (Draft, error) {
		return Draft{Key: cur.Key, Before: cur, Cause: c}, nil
	})
}

// toUser reads the user with an id, also one whom the product retains, and has a draft about it decided. edits says that the
// record is changed by hand. Settings.Manual must allow that.
func (s *Service) toUser(ctx context.Context, r *Request, id string, edits bool, draft func(cur *store.Resource) (Draft, error)) (*store.Resource, error) {
	d, err := s.Do(ctx, r, func(ctx context.Context) (Draft, error) {
		if edits && !r.Settings.Manual {
			return Draft{Key: r.key(userType, id)}, &Denied{DeniedManual}
		}
		cur, err := s.store.Get(ctx, r.key(userType, id))
		if errors.Is(err, store.ErrNotFound) {
			cur, err = s.store.Get(ctx, r.key(retainedType, id))
		}
		if errors.Is(err, store.ErrNotFound) {
			return Draft{Key: r.key(userType, id)}, &Denied{DeniedUnknown}
		}
		if err != nil {
			return Draft{}, err
		}
		return draft(cur)
	})
	if err != nil {
		return nil, denied(err)
	}
	return d.Resource, nil
}

// Add creates a user by hand. It returns a *Denied if Settings.Manual doesn't allow that, if the name is taken, or if no seat is
// left, and a *Refusal if an attribute isn't what the schema wants.
func (s *Service) Add(ctx context.Context, by Request, who Identity) (*store.Resource, error) {
	r := by.click(SourceManual, "add by hand")
	d, err := s.Do(ctx, r, func(context.Context) (Draft, error) {
		if !r.Settings.Manual {
			return Draft{}, &Denied{DeniedManual}
		}
		return s.newUser(r, who)
	})
	if err != nil {
		return nil, denied(err)
	}
	return d.Resource, nil
}

// Edit changes attributes of a user by hand: those that are given, of which a null takes one away. Access is given and taken by
// Suspend and Reactivate, not by active. Whom the identity provider manages is left to it, unless the policy says
// EditManaged.
func (s *Service) Edit(ctx context.Context, by Request, id string, attributes document.Value) (*store.Resource, error) {
	return s.toUser(ctx, by.click(SourceManual, "edit by hand"), id, true, func(cur *store.Resource) (Draft, error) {
		draft := Draft{Key: cur.Key, Before: cur}
		v, err := cur.Attributes.Tree()
		if err != nil {
			return draft, store.ErrCorrupt
		}
		for _, m := range attributes.Items() {
			if v.Delete(m.Name); !m.Value.IsNull() {
				v.Set(m.Name, m.Value)
			}
		}
		if s.opts.Check != nil {
			if v, err = s.opts.Check(userType, v); err != nil {
				return draft, err
			}
		}
		draft.After = v
		return draft, nil
	})
}

// Remove deletes a user. Settings.Manual must allow changes by hand; and if the identity provider manages the user,
// Settings.EditManaged must allow them, too. A user whom the product retains after a DELETE is then gone for good.
func (s *Service) Remove(ctx context.Context, by Request, id string) error {
	_, err := s.toUser(ctx, by.click(SourceManual, "remove by hand"), id, true, func(cur *store.Resource) (Draft, error) {
		return Draft{Key: cur.Key, Before: cur}, nil
	})
	return err
}

// Find finds a user by userName, be it one whom the product retains, or returns store.ErrNotFound.
func (s *Service) Find(ctx context.Context, tenant, userName string) (*store.Resource, error) {
	r, err := s.user(ctx, tenant, "userName", userName)
	if errors.Is(err, store.ErrNotFound) {
		r, err = s.only(ctx, tenant, retainedType, "userName", userName)
	}
	return r, err
}

// Seats are how many seats of the tenant are used, and how many there are. A negative limit means that there is no limit.
func (s *Service) Seats(ctx context.Context, tenant string) (used, limit int, err error) {
	settings, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return 0, 0, err
	}
	reader, ok := store.As[store.CounterReader](s.store)
	if !ok {
		return 0, settings.limit(), errors.New("lifecycle: the store can't tell its counters")
	}
	seats, err := reader.Counters(ctx, tenant, seatCounter)
	if err != nil {
		return 0, 0, err
	}
	return seats[0].Count, settings.limit(), nil
}
