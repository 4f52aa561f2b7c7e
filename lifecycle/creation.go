package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
)

// create plans a new resource, or finds that it is one which is there (Options.Link, Settings.ExistingUser).
func (p *plan) create(ctx context.Context) error {
	r := &store.Resource{Key: p.d.Key, Created: now()}
	r.ID = newID()
	r.Version, r.LastModified = r.ID, r.Created // any new text will do as a version, so the id serves as one
	p.index(r, nil)
	if l := p.r.live; l != nil {
		r.ID, r.Created = l.t.Is.ID, l.t.Is.Created
		r.Version, r.LastModified = l.t.Is.Version, l.t.Is.LastModified
	} else if p.r.By == SourceSCIM {
		cur, err := p.sameAs(ctx, r)
		if err != nil {
			return err
		}
		if cur != nil {
			return p.becomes(ctx, cur)
		}
	}
	if p.taken != nil {
		return p.conflict(ctx, p.taken)
	}
	var joins []store.MemberDelta
	if m := p.d.Members; m != nil && len(m.Add) > 0 {
		joins = []store.MemberDelta{{Group: r.ID, Version: r.Version, LastModified: r.LastModified, Add: uniqueRefs(m.Add)}}
	}
	if err := p.guarded(ctx, &joins); err != nil {
		return err
	}
	if len(p.s.opts.Guards) > 0 {
		p.index(r, nil) // they may have amended the tree
	}
	if err := p.write(r); err != nil {
		return err
	}
	switch r.Type {
	case userType:
		if err := p.createUser(ctx, r); err != nil {
			return err
		}
	case groupType:
		p.tellOf(KindGroupCreated, nil, r)
	default:
		p.tellOf(KindResourceCreated, nil, r)
	}
	p.put(nil, r)
	for _, delta := range joins {
		if len(delta.Add) > 0 {
			p.members(r.Key, delta)
		}
	}
	p.Outcome, p.Resource, p.Version = Created, r, r.Version
	return nil
}

// createUser plans the account of a new user: who was here before comes back as the same person.
func (p *plan) createUser(ctx context.Context, r *store.Resource) error {
	account := Account{Source: p.r.By, Role: p.r.Settings.DefaultRole}
	retained, err := p.recall(ctx, r, &account)
	if err != nil {
		return err
	}
	if err := p.claimOutside(ctx, r, &account); err != nil {
		return err
	}
	if p.r.By == SourceSCIM {
		account.Manager = p.r.Connection.ID
	}
	if account, err = p.moveUser(account, p.entry(r, account), retained, r); err != nil {
		return err
	}
	if p.d.Cause == SignIn && account.State == Provisioned {
		return p.signIn(account, r, r)
	}
	return nil
}

// entry says by which cause a new user comes in, or a retained one comes back. Somebody whom an administrator has shut out gets no
// access by being deleted and created again.
func (p *plan) entry(r *store.Resource, account Account) Cause {
	retained, in := account.State != None, isActive(r) && !account.Held
	switch {
	case retained && in:
		return p.r.Settings.enable(account)
	case retained:
		return DisableClose
	case !in:
		return CreateInactive
	case p.r.Settings.Review:
		return CreateForReview
	}
	return Create
}

// signIn plans a sign-in that begins a period of access.
func (p *plan) signIn(account Account, before, after *store.Resource) error {
	if account.FirstLogin.IsZero() {
		account.FirstLogin = now()
	}
	_, _, err := p.move(account, SignIn, before, after)
	return err
}

// moveUser moves an account. If attributes other than active differ as well, it also plans the event that tells of them. before is
// nil for a new user.
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

// sameAs finds the resource that is there already and that, by the policy of the product and the tenant, a creation means. It is
// nil if there is none.
func (p *plan) sameAs(ctx context.Context, r *store.Resource) (*store.Resource, error) {
	cur, err := p.s.linked(ctx, r)
	if err != nil || cur != nil {
		return cur, err
	}
	if cur, err := p.orphan(ctx, r); err != nil || cur != nil {
		return cur, err
	}
	if cur, err := p.inactive(ctx, r); err != nil || cur != nil {
		return cur, err
	}
	if p.taken == nil || p.taken.Attribute != "userName" || p.r.Settings.ExistingUser != "link" && !p.r.inShadow() || r.Type != userType {
		return nil, nil
	}
	cur, err = p.s.user(ctx, p.r.Tenant, "userName", p.d.After.Get("userName").Text())
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	account, err := AccountOf(cur)
	if err != nil || account.Source == SourceSCIM {
		return nil, err
	}
	if !p.samePerson(cur) {
		return nil, nil // a name that somebody else has by now, or had (I16)
	}
	return cur, nil
}

// becomes plans that a resource which is there takes the attributes that were sent, in place of a new one.
func (p *plan) becomes(ctx context.Context, cur *store.Resource) error {
	p.d.Before, p.d.Key, p.links = cur, cur.Key, true
	if m := p.d.Members; m != nil {
		m.Replace = false // a group keeps its members and gets those that were sent
	}
	if err := p.change(ctx); err != nil {
		return err
	}
	if p.Outcome == Removed {
		return &Refusal{Reason: Taken, Attribute: "active", Detail: "somebody with this identity is there, and would be removed by active=false; create it with active=true, or delete the other one"}
	}
	p.Outcome = Linked
	return nil
}

// uniqueRefs leaves out members that are named again.
func uniqueRefs(refs []store.MemberRef) []store.MemberRef {
	seen := make(map[string]bool, len(refs))
	list := make([]store.MemberRef, 0, len(refs))
	for _, ref := range refs {
		if !seen[ref.ID] {
			seen[ref.ID] = true
			list = append(list, ref)
		}
	}
	return list
}
