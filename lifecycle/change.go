package lifecycle

import (
	"context"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// change plans what differs: attributes, members, or both. If nothing does, nothing is written and nobody is told.
func (p *plan) change(ctx context.Context) error {
	cur := p.d.Before
	if cur != nil && cur.Type == retainedType {
		if p.r.By == SourceManual {
			return &Denied{DeniedNotPossible}
		}
		return missing(p.d.Key, store.ErrNotFound)
	}
	if err := p.manages(ctx); err != nil {
		return err
	}
	delta, err := p.delta(ctx)
	if err != nil {
		return err
	}
	attributes := !p.d.After.IsNull()
	if attributes {
		if err := p.known(); err != nil {
			return err
		}
		attributes = !document.Equal(p.d.Was, p.d.After)
	}
	if len(p.s.opts.Guards) > 0 && (attributes || !empty(delta)) {
		if attributes, err = p.guardedChange(ctx, attributes, &delta); err != nil {
			return err
		}
	}
	if err := p.losesMembers(ctx, delta.Group, delta.Remove); err != nil {
		return err
	}
	if cur == nil {
		return p.changeMembers(ctx, delta)
	}
	next := *cur
	if attributes {
		if err := p.encode(&next, cur); err != nil {
			return err
		}
	}
	p.Resource, p.Version, p.Outcome = cur, cur.Version, Unchanged
	if next.Attributes != cur.Attributes {
		removes, err := p.changeAttributes(ctx, &next)
		if err != nil {
			return err
		}
		if removes {
			return p.leaveFor(ctx, &next)
		}
	} else if cur.Type == userType && p.r.By == SourceSCIM {
		if err := p.takeOver(&next); err != nil {
			return err
		}
	}
	if next.Attributes == cur.Attributes && next.Internal == cur.Internal && empty(delta) {
		return nil
	}
	next.LastModified = now()
	p.put(cur, &next)
	if next.Label != cur.Label {
		if err := p.relabel(ctx, cur, next.LastModified); err != nil {
			return err
		}
	}
	if !empty(delta) {
		delta.Version, delta.LastModified = next.Version, next.LastModified
		p.members(cur.Key, delta)
	}
	p.Resource, p.Version, p.Outcome = &next, next.Version, Updated
	return nil
}

// relabel gives the groups of a resource new versions when its label changes: they show it as their member's display, and a
// client that asks whether a group has changed must not be told that it hasn't (RFC 7644 section 3.14).
func (p *plan) relabel(ctx context.Context, cur *store.Resource, at time.Time) error {
	if cur.Type != userType && cur.Type != groupType {
		return nil
	}
	groups := p.d.Groups
	if !p.d.HasGroups {
		for row, err := range p.s.store.Members(ctx, store.MemberQuery{Tenant: cur.Tenant, Of: []string{cur.ID}}) {
			if err != nil {
				return err
			}
			groups = append(groups, row)
		}
	}
	for _, row := range groups {
		p.Change.Members = append(p.Change.Members, store.MemberDelta{Group: row.Group, Version: newID(), LastModified: at})
	}
	return nil
}

// guardedChange asks the guards about a change, and says whether attributes still differ: a guard may have put back what was there.
func (p *plan) guardedChange(ctx context.Context, attributes bool, delta *store.MemberDelta) (bool, error) {
	var joins []store.MemberDelta
	if !empty(*delta) {
		joins = []store.MemberDelta{*delta}
	}
	if err := p.guarded(ctx, &joins); err != nil {
		return false, err
	}
	if *delta = (store.MemberDelta{}); len(joins) > 0 {
		*delta = joins[0]
	}
	return attributes && !document.Equal(p.d.Was, p.d.After), nil
}

func empty(d store.MemberDelta) bool { return len(d.Add)+len(d.Remove) == 0 }

// takeOver notes that the identity provider manages a user from now on.
func (p *plan) takeOver(next *store.Resource) error {
	if !p.links && (p.r.Connection.ID == "" || next.Internal.Get("manager").Text() == p.r.Connection.ID) {
		return nil
	}
	account, err := AccountOf(next)
	if err == nil && p.takes(&account) {
		next.Internal = account.document()
	}
	return err
}

// changeMembers plans a change of nothing but members, of a group that has not been read.
func (p *plan) changeMembers(ctx context.Context, delta store.MemberDelta) error {
	if empty(delta) {
		cur, err := p.s.store.Get(ctx, p.d.Key)
		if err != nil {
			return missing(p.d.Key, err)
		}
		if p.d.IfVersion != "" && p.d.IfVersion != cur.Version {
			return store.ErrVersionMismatch
		}
		p.Resource, p.Version, p.Outcome = cur, cur.Version, Unchanged
		return nil
	}
	delta.Version, delta.LastModified = newID(), now()
	p.members(p.d.Key, delta)
	p.Version, p.Outcome = delta.Version, Updated
	return nil
}

// changeAttributes plans what a change of attributes means, and says whether by the policy the user is removed by it.
func (p *plan) changeAttributes(ctx context.Context, next *store.Resource) (removes bool, err error) {
	cur := p.d.Before
	switch cur.Type {
	case userType:
	case groupType:
		p.tellOf(KindGroupUpdated, cur, next)
		return false, nil
	default:
		p.tellOf(KindResourceUpdated, cur, next)
		return false, nil
	}
	account, err := AccountOf(cur)
	if err != nil {
		return false, err
	}
	was, is := isActive(cur), isActive(next)
	if p.r.By == SourceManual && was != is {
		return false, &Refusal{Reason: Invalid, Attribute: "active", Detail: "can't be edited by hand; suspend the user, or reactivate it"}
	}
	if err := p.renamed(ctx, account, cur, next); err != nil {
		return false, err
	}
	if p.takes(&account) { // an identity provider that changes somebody manages that person from then on
		next.Internal = account.document()
	}
	var cause Cause
	switch {
	case was == is, is && account.Held: // only an administrator lets in somebody whom an administrator has shut out
		p.tellOf(KindUpdated, cur, next)
		return false, nil
	case is:
		cause = p.r.Settings.enable(account)
	default:
		cause = p.r.Settings.disable()
	}
	moved, err := p.moveUser(account, cause, cur, next)
	if err == nil {
		err = p.losesAccess(ctx, account.State, moved.State)
	}
	return cause == DisableRemove || cause == RemoveKeep, err
}

// manages refuses two changes of somebody's record: one by an administrator where the policy leaves the record to the identity
// provider, and one by an identity provider where another connection manages the person.
func (p *plan) manages(ctx context.Context) error {
	cur := p.d.Before
	if err := p.yields(ctx, cur); err != nil {
		return err
	}
	if p.r.By != SourceManual || p.r.erases || cur == nil || cur.Type != userType {
		return nil
	}
	account, err := AccountOf(cur)
	if err != nil || account.Source != SourceSCIM || p.r.Settings.EditManaged {
		return err
	}
	if account.Manager != "" { // a connection that was switched off manages nobody any more
		if _, manages, err := p.manager(ctx, account.Manager); err != nil || !manages {
			return err
		}
	}
	return &Denied{DeniedManaged}
}
