package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
)

// This file has what an identity provider may ask for by SCIM.

// AllowSCIM says whether the tenant's settings let its identity provider in, to read too; if not, by a *Refusal.
func (s *Service) AllowSCIM(ctx context.Context, tenant string) error {
	_, err := s.scimSettings(ctx, Actor{Tenant: tenant})
	return err
}

// scimSettings are the tenant's settings, if they let its identity provider in.
func (s *Service) scimSettings(ctx context.Context, a Actor) (Settings, error) {
	settings, err := s.opts.Settings.Settings(ctx, a.Tenant)
	switch {
	case err != nil:
		return settings, err
	case !settings.PlanAllows:
		return settings, &Refusal{Reason: Forbidden, Detail: planDetail(settings)}
	case !settings.SCIM:
		return settings, &Refusal{Reason: Forbidden, Detail: "provisioning by SCIM is switched off for this organization; an administrator can switch it on in its settings"}
	}
	return settings, nil
}

func planDetail(settings Settings) string {
	if settings.Plan == "" {
		return "this organization's plan doesn't include provisioning by SCIM; a larger plan does"
	}
	return "the plan " + settings.Plan + " of this organization doesn't include provisioning by SCIM; a larger plan does"
}

// Create commits a new resource, or links it with one that is there by Options.Link or Settings.ExistingUser. It sets the ID,
// Version, Created, LastModified and Internal of r; of one that was linked they are what they are there.
func (s *Service) Create(ctx context.Context, a Actor, r *store.Resource, members []store.MemberRef) error {
	settings, err := s.scimSettings(ctx, a)
	if err != nil {
		return err
	}
	return race(ctx, manyTimes, func() error {
		cur, err := s.linked(ctx, r)
		if err != nil {
			return err
		}
		if cur == nil {
			err = s.create(ctx, a, settings, SourceSCIM, r, members)
			var taken *store.ConflictError
			if settings.ExistingUser != "link" || r.Type != userType || !errors.As(err, &taken) {
				return err
			}
			var failed error
			if cur, failed = s.user(ctx, a.Tenant, "userName", r.Attributes.Get("userName").Text()); errors.Is(failed, store.ErrNotFound) {
				return err
			} else if failed != nil {
				return failed
			}
			if AccountOf(cur).Source == SourceSCIM {
				return err
			}
		}
		return s.takeOver(ctx, a, settings, cur, r, members)
	})
}

// create commits a new resource, whatever the way in.
func (s *Service) create(ctx context.Context, a Actor, settings Settings, source Source, r *store.Resource, members []store.MemberRef) error {
	sent, lost := *r, false
	return race(ctx, 4, func() error {
		p := s.plan(a, settings)
		p.again, lost = lost, true
		err := p.create(ctx, source, r, members)
		if err != nil {
			*r = sent
		}
		var taken *store.ConflictError
		if errors.Is(err, store.ErrNotFound) && len(p.change.Delete) > 0 || errors.As(err, &taken) && taken.Attribute == "id" {
			return store.ErrVersionMismatch // another one has taken over what this one was to: look again
		}
		return err
	})
}

func (p *plan) create(ctx context.Context, source Source, r *store.Resource, members []store.MemberRef) error {
	r.ID, r.Created = newID(), now()
	r.Version, r.LastModified = r.ID, r.Created // any fresh version will do, and the id is one
	if err := p.guard(ctx, nil, r); err != nil {
		return err
	}
	switch r.Type {
	case userType:
		account := Account{Source: source, Role: p.settings.DefaultRole}
		kept, err := p.exhume(ctx, r, &account)
		if err != nil {
			return err
		}
		if err := p.elsewhere(ctx, r, &account); err != nil {
			return err
		}
		if _, err := p.moveUser(account, p.entry(r, account), kept, r); err != nil {
			return err
		}
	case groupType:
		p.tellOf(KindGroupCreated, nil, r)
	default:
		p.tellOf(KindResourceCreated, nil, r)
	}
	p.put(nil, r)
	if len(members) > 0 {
		p.members(r.Key, store.MemberDelta{Group: r.ID, Version: r.Version, LastModified: r.LastModified, Add: members})
	}
	return p.commit(ctx, r.Key, "created")
}

// entry is the cause by which a new user comes in, or one who was kept comes back. Whom an administrator shut out doesn't by
// being deleted and created.
func (p *plan) entry(r *store.Resource, account Account) Cause {
	kept, in := account.State != None, isActive(r) && !account.Held
	switch {
	case kept && in:
		return p.settings.enable(account)
	case kept:
		return DisableClose
	case !in:
		return CreateInactive
	case p.settings.Review:
		return CreateForReview
	}
	return Create
}

// Update commits next in the place of cur (the same key), with a change of members if m is not nil. If nothing differs
// it writes nothing, tells nobody and leaves next in cur's version; otherwise it sets next's Version, LastModified and
// Internal. A lost race is store.ErrVersionMismatch: read again and try again.
func (s *Service) Update(ctx context.Context, a Actor, cur, next *store.Resource, m *MemberChange) error {
	settings, err := s.scimSettings(ctx, a)
	if err != nil {
		return err
	}
	if cur.Type == keptType {
		return store.ErrNotFound
	}
	p := s.plan(a, settings)
	var delta store.MemberDelta
	if m != nil {
		if delta, err = s.delta(ctx, cur.Key, *m); err != nil {
			return err
		}
	}
	if next.Attributes != cur.Attributes {
		if err := p.guard(ctx, cur, next); err != nil {
			return err
		}
	}
	differs := len(delta.Add)+len(delta.Remove) > 0
	if next.Attributes == cur.Attributes && !differs {
		next.Index, next.Label = cur.Index, cur.Label
		if len(p.notes) == 0 {
			return nil
		}
		return p.commit(ctx, cur.Key, "ignored") // all that was asked for; the journal says why
	}
	next.LastModified = now()
	remove := false
	if next.Attributes != cur.Attributes {
		if remove, err = p.update(cur, next); err != nil {
			return err
		}
	}
	if remove {
		return p.remove(ctx, cur)
	}
	p.put(cur, next)
	if differs {
		delta.Version, delta.LastModified = next.Version, next.LastModified
		p.members(cur.Key, delta)
	}
	return p.commit(ctx, cur.Key, "updated")
}

// update plans what a change of attributes means, and says whether the policy is to remove the user.
func (p *plan) update(cur, next *store.Resource) (remove bool, err error) {
	if cur.Type != userType {
		k := KindResourceUpdated
		if cur.Type == groupType {
			k = KindGroupUpdated
		}
		p.tellOf(k, cur, next)
		return false, nil
	}
	account := AccountOf(cur)
	if account.Source != SourceSCIM { // by finding and changing it the identity provider has taken it over
		account.Source = SourceSCIM
		next.Internal = account.document()
	}
	was, is := isActive(cur), isActive(next)
	cause := p.settings.enable(account)
	switch {
	case was == is, is && account.Held: // whom an administrator shut out only an administrator lets in
		p.tellOf(KindUpdated, cur, next)
		return false, nil
	case !is:
		cause = p.settings.disable()
	}
	_, err = p.moveUser(account, cause, cur, next)
	return cause == DisableRemove || cause == RemoveKeep, err
}

// moveUser moves an account, and tells of the attributes that differ beside. before is nil of who is new.
func (p *plan) moveUser(account Account, c Cause, before, after *store.Resource) (Account, error) {
	moved, kinds, err := p.move(account, c, before, after)
	if err != nil || before == nil || moved.State == None {
		return moved, err
	}
	names := changed(before.Attributes, after.Attributes)
	if len(kinds) == 0 || len(names) > 1 || len(names) == 1 && names[0] != "active" {
		p.tellOf(KindUpdated, before, after)
	}
	return moved, nil
}

// Delete removes cur and its memberships: it is gone for the identity provider (RFC 7644 section 3.6). A user's account is
// remembered under the externalId, so that who is created with it again is the same user with the same account. By the policy
// keep it stays with the product, closed, and is remembered under the userName too, until it is deleted as Accounts lists it. A lost
// race is store.ErrVersionMismatch.
func (s *Service) Delete(ctx context.Context, a Actor, cur *store.Resource) error {
	settings, err := s.scimSettings(ctx, a)
	if err != nil {
		return err
	}
	p := s.plan(a, settings)
	if err := p.guard(ctx, cur, nil); err != nil {
		return err
	}
	switch cur.Type {
	case userType:
		if _, _, err := p.move(AccountOf(cur), p.settings.remove(), cur, nil); err != nil {
			return err
		}
	case keptType:
		return p.removeKept(ctx, cur.Key)
	case groupType:
		p.tellOf(KindGroupDeleted, cur, nil)
	default:
		p.tellOf(KindResourceDeleted, cur, nil)
	}
	return p.remove(ctx, cur)
}

// remove commits that a resource is gone.
func (p *plan) remove(ctx context.Context, cur *store.Resource) error {
	if err := p.leave(ctx, cur.Key); err != nil {
		return err
	}
	if cur.Type == userType {
		if err := p.bury(ctx, cur); err != nil {
			return err
		}
	}
	p.change.Delete = []store.Delete{{Type: cur.Type, ID: cur.ID, IfVersion: cur.Version}}
	err := p.commit(ctx, cur.Key, "deleted")
	var taken *store.ConflictError
	if errors.As(err, &taken) { // another one with the same externalId was removed meanwhile
		return store.ErrVersionMismatch
	}
	return err
}
