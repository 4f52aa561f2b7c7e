package lifecycle

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// This file has what becomes of people who are deleted, and come back.

// bury plans to remember a user who is removed: what the account was in the product, and, unless the policy keeps more,
// nothing personal.
func (p *plan) bury(ctx context.Context, cur *store.Resource) error {
	account := AccountOf(cur)
	account.State, account.Billed, account.Seat = Deactivated, false, false
	keep := p.settings.Delete == "keep"
	for _, id := range remembered(cur, keep) {
		grave := &store.Resource{Key: store.Key{Tenant: cur.Tenant, Type: tombstoneType, ID: id}, Created: now(), LastModified: now(),
			Attributes: document.Object(document.Member{Name: "user", Value: document.String(cur.ID)}).Document(), Internal: account.document()}
		old, err := p.s.store.Get(ctx, grave.Key)
		if errors.Is(err, store.ErrNotFound) {
			old, err = nil, nil
		}
		if err != nil {
			return err
		}
		p.put(old, grave)
	}
	if keep {
		kept := *cur
		kept.Type, kept.Version, kept.Internal = keptType, newID(), account.document()
		kept.Index = slices.Clone(cur.Index)
		for i := range kept.Index {
			kept.Index[i].Unique = false // RFC 7644 section 3.6: its name is free
		}
		p.put(nil, &kept)
	}
	return nil
}

// exhume gives a new user the id and the account of the same person from before, who is then remembered no more, and the
// record if it was kept. Hardly anybody has one: at first it is left to the commit to find that out, unless who the person was
// decides about more.
func (p *plan) exhume(ctx context.Context, r *store.Resource, account *Account) (kept *store.Resource, err error) {
	back := false
	for _, id := range remembered(r, p.settings.Delete == "keep") {
		var grave *store.Resource
		err := store.ErrNotFound
		if p.again || p.s.opts.Accounts != nil {
			grave, err = p.s.store.Get(ctx, store.Key{Tenant: r.Tenant, Type: tombstoneType, ID: id})
		}
		if errors.Is(err, store.ErrNotFound) {
			p.change.Absent = append(p.change.Absent, store.Absent{Type: tombstoneType, ID: id})
			continue
		}
		if err != nil {
			return nil, err
		}
		if !p.forget(grave) || back {
			continue // the same person's, or another's who had the name
		}
		back = true
		key := store.Key{Tenant: r.Tenant, Type: userType, ID: grave.Attributes.Get("user").Text()}
		switch _, err := p.s.store.Get(ctx, key); {
		case err == nil:
			continue // is there, so nobody can come back as that
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
		was := AccountOf(grave)
		was.State, was.Source = None, account.Source
		*account = was
		r.ID, r.Version = key.ID, newID()
		if kept, err = p.unkeep(ctx, r.Key); err != nil {
			return nil, err
		}
	}
	if kept != nil {
		account.State = Deactivated
	}
	return kept, nil
}

// forget plans to delete what was remembered, unless that is planned already.
func (p *plan) forget(r *store.Resource) bool {
	d := store.Delete{Type: r.Type, ID: r.ID, IfVersion: r.Version}
	if slices.Contains(p.change.Delete, d) {
		return false
	}
	p.change.Delete = append(p.change.Delete, d)
	return true
}

// unkeep plans that a user who was kept is kept no more, nor remembered, and returns the record; nil if there's none.
func (p *plan) unkeep(ctx context.Context, k store.Key) (*store.Resource, error) {
	kept, err := p.s.store.Get(ctx, store.Key{Tenant: k.Tenant, Type: keptType, ID: k.ID})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p.forget(kept)
	for _, id := range remembered(kept, true) {
		grave, err := p.s.store.Get(ctx, store.Key{Tenant: k.Tenant, Type: tombstoneType, ID: id})
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if grave.Attributes.Get("user").Text() == kept.ID {
			p.forget(grave)
		}
	}
	user := *kept
	user.Type = userType
	return &user, nil
}

// removeKept commits that a user who was kept is gone for the product too.
func (p *plan) removeKept(ctx context.Context, k store.Key) error {
	user, err := p.unkeep(ctx, k)
	if err != nil {
		return err
	}
	if user == nil {
		return store.ErrNotFound
	}
	p.tellOf(KindDeleted, user, nil)
	return p.commit(ctx, user.Key, "deleted")
}

// restore lets a user in again who was kept. The identity provider has let go of it: it is managed by hand from now on.
func (s *Service) restore(ctx context.Context, settings Settings, kept *store.Resource) (*store.Resource, error) {
	p := s.plan(Actor{Tenant: kept.Tenant, By: SourceManual, Action: Reactivate.String()}, settings)
	user, err := p.unkeep(ctx, kept.Key)
	if err != nil {
		return nil, err
	}
	if user == nil {
		return nil, store.ErrVersionMismatch // it has come back meanwhile
	}
	next := *user
	next.Version = newID()
	next.Index, next.Label = s.Index(userType, next.Attributes.Value())
	account := AccountOf(user)
	account.Source, account.Held = SourceManual, false
	if _, _, err := p.move(account, Reactivate, user, &next); err != nil {
		return nil, err
	}
	p.put(nil, &next)
	err = p.commit(ctx, next.Key, Reactivate.String())
	var taken *store.ConflictError
	switch {
	case errors.As(err, &taken) && taken.Attribute != "id" && taken.Attribute != "userName":
		err = &Denied{DeniedExists}
	case errors.Is(err, store.ErrNotFound), taken != nil:
		err = store.ErrVersionMismatch // the same, or another has come with the name
	}
	return &next, err
}

// remembered are the ids under which a user's account is remembered: of the externalId, which the identity provider keeps
// through a rename, and where deleted accounts are kept, of the userName too.
func remembered(r *store.Resource, keep bool) (ids []string) {
	if id := r.Attributes.Get("externalId").Text(); id != "" {
		ids = append(ids, rememberedID("externalId", id))
	}
	if keep {
		ids = append(ids, rememberedID("userName", document.Fold(r.Attributes.Get("userName").Text())))
	}
	return ids
}
