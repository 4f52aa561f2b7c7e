package lifecycle

import (
	"context"

	"github.com/rollcall-dev/rollcall/store"
)

// MemberChange is what is to happen to a group's members.
type MemberChange struct {
	Replace bool // Add is the whole membership
	Add     []store.MemberRef
	Remove  []string
}

// ChangeMembers changes the members of a group without reading the group. ifVersion may be "". It returns the group's
// new version, "" if nothing changed.
func (s *Service) ChangeMembers(ctx context.Context, a Actor, group store.Key, ifVersion string, m MemberChange) (version string, err error) {
	settings, err := s.scimSettings(ctx, a)
	if err != nil {
		return "", err
	}
	d, err := s.delta(ctx, group, m)
	if err != nil {
		return "", err
	}
	if len(d.Add)+len(d.Remove) == 0 {
		cur, err := s.store.Get(ctx, group)
		if err == nil && ifVersion != "" && cur.Version != ifVersion {
			err = store.ErrVersionMismatch
		}
		return "", err
	}
	p := s.plan(a, settings)
	d.IfVersion, d.Version, d.LastModified = ifVersion, newID(), now()
	p.members(group, d)
	return d.Version, p.commit(ctx, group, "members changed")
}

// members plans a delta and tells of it.
func (p *plan) members(group store.Key, d store.MemberDelta) {
	p.change.Members = append(p.change.Members, d)
	e := &Event{Kind: KindMembersChanged, Subject: group, Removed: d.Remove}
	for _, ref := range d.Add {
		e.Added = append(e.Added, ref.ID)
	}
	p.tell(e)
}

// delta is what really differs: only the members that the change names are read, all only if it replaces all.
func (s *Service) delta(ctx context.Context, group store.Key, m MemberChange) (store.MemberDelta, error) {
	d := store.MemberDelta{Group: group.ID}
	q := store.MemberQuery{Tenant: group.Tenant, Groups: []string{group.ID}}
	wanted := make(map[string]bool, len(m.Add))
	for _, ref := range m.Add {
		wanted[ref.ID] = true
	}
	if !m.Replace {
		for _, ref := range m.Add {
			q.IDs = append(q.IDs, ref.ID)
		}
		q.IDs = append(q.IDs, m.Remove...)
		if len(q.IDs) == 0 {
			return d, nil
		}
	}
	removed := make(map[string]bool, len(m.Remove))
	for _, id := range m.Remove {
		removed[id] = true
	}
	is := make(map[string]bool)
	for row, err := range s.store.Members(ctx, q) {
		if err != nil {
			return d, err
		}
		is[row.ID] = true
		if !wanted[row.ID] && (m.Replace || removed[row.ID]) {
			d.Remove = append(d.Remove, row.ID)
		}
	}
	for _, ref := range m.Add {
		if !is[ref.ID] {
			d.Add = append(d.Add, ref)
			is[ref.ID] = true
		}
	}
	return d, nil
}

// leave plans that a user or group leaves its groups, so that their versions and the product hear of it.
func (p *plan) leave(ctx context.Context, k store.Key) error {
	if k.Type != userType && k.Type != groupType {
		return nil
	}
	at := now()
	for row, err := range p.s.store.Members(ctx, store.MemberQuery{Tenant: k.Tenant, Of: []string{k.ID}}) {
		if err != nil {
			return err
		}
		group := store.Key{Tenant: k.Tenant, Type: groupType, ID: row.Group}
		p.members(group, store.MemberDelta{Group: row.Group, Version: newID(), LastModified: at, Remove: []string{k.ID}})
	}
	return nil
}
