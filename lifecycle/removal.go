package lifecycle

import (
	"context"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// remove plans that a resource is gone (RFC 7644 section 3.6). What a user's account was is kept in a tombstone, so that who is
// created with the same externalId is the same person. By the policy keep the product retains the user, closed.
func (p *plan) remove(ctx context.Context) error {
	cur := p.d.Before
	if err := p.manages(ctx); err != nil {
		return err
	}
	leaves, err := p.guardedLeaves(ctx)
	if err != nil {
		return err
	}
	switch cur.Type {
	case retainedType:
		return p.removeRetained(ctx)
	case userType:
		account, err := AccountOf(cur)
		if err != nil {
			return err
		}
		cause := p.r.Settings.remove()
		if p.r.erases {
			cause = Remove
		}
		moved, _, err := p.move(account, cause, cur, nil)
		if err == nil {
			err = p.losesAccess(ctx, account.State, moved.State)
		}
		if err != nil {
			return err
		}
	case groupType:
		for _, delta := range leaves {
			if delta.Group != cur.ID {
				continue // its own place in another group
			}
			if err := p.losesMembers(ctx, cur.ID, delta.Remove); err != nil {
				return err
			}
		}
		p.tellOf(KindGroupDeleted, cur, nil)
	default:
		p.tellOf(KindResourceDeleted, cur, nil)
	}
	return p.gone(ctx, leaves)
}

// leaveFor plans the removal that active=false is by the policy, once the account has moved. The guards have been asked about the
// attributes; they are asked about the removal, too, as they are at a DELETE.
func (p *plan) leaveFor(ctx context.Context, next *store.Resource) error {
	p.d.After = document.Value{}
	leaves, err := p.guardedLeaves(ctx)
	if err != nil {
		return err
	}
	if err := p.gone(ctx, leaves); err != nil {
		return err
	}
	next.Version, next.LastModified = newID(), now()
	p.Resource = next // what the identity provider sees is that the user is not active
	return nil
}

// guardedLeaves are the memberships that end with the draft's resource, if the guards let it go. They can't keep a membership of
// somebody who is gone, so what they make of the list counts for nothing.
func (p *plan) guardedLeaves(ctx context.Context) ([]store.MemberDelta, error) {
	leaves, err := p.leaves(ctx, p.d.Before)
	if err != nil || len(p.s.opts.Guards) == 0 {
		return leaves, err
	}
	shown := slices.Clone(leaves)
	for i := range shown {
		shown[i].Remove = slices.Clone(shown[i].Remove)
	}
	return leaves, p.guarded(ctx, &shown)
}

// gone plans that the draft's resource is deleted and has left its groups.
func (p *plan) gone(ctx context.Context, leaves []store.MemberDelta) error {
	cur := p.d.Before
	for _, delta := range leaves {
		if delta.Group == cur.ID {
			continue // its own members end with the group
		}
		p.members(p.r.key(groupType, delta.Group), delta)
	}
	if cur.Type == userType {
		remember := p.leaveTombstones
		if p.r.erases {
			remember = p.release
		}
		if err := remember(ctx, cur); err != nil {
			return err
		}
	}
	p.Change.Delete = append(p.Change.Delete, store.Delete{Type: cur.Type, ID: cur.ID, IfVersion: cur.Version})
	p.Resource, p.Version, p.Outcome = cur, "", Removed
	return nil
}

// leaves lists the memberships that end when a resource is deleted. These are the resource's own memberships in groups, because each
// of those groups gets a new version and an event. If a group is deleted, its members are listed as well, but only if there are
// guards or brakes that must see them.
func (p *plan) leaves(ctx context.Context, cur *store.Resource) (list []store.MemberDelta, err error) {
	if store.IsInternal(cur.Type) {
		return nil, nil
	}
	at := now()
	for row, err := range p.s.store.Members(ctx, store.MemberQuery{Tenant: cur.Tenant, Of: []string{cur.ID}}) {
		if err != nil {
			return nil, err
		}
		if row.Type == cur.Type {
			list = append(list, store.MemberDelta{Group: row.Group, Version: newID(), LastModified: at, Remove: []string{cur.ID}})
		}
	}
	if cur.Type != groupType || len(p.s.opts.Guards) == 0 && !p.guardsSafety() {
		return list, nil
	}
	own := store.MemberDelta{Group: cur.ID}
	for row, err := range p.s.store.Members(ctx, store.MemberQuery{Tenant: cur.Tenant, Groups: []string{cur.ID}}) {
		if err != nil {
			return nil, err
		}
		own.Remove = append(own.Remove, row.ID)
	}
	if len(own.Remove) > 0 {
		list = append(list, own)
	}
	return list, nil
}
