package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
)

// inactive finds a user without access whom a creation means, where the tenant restores such people. It looks by the externalId,
// which costs a read, or by the userName of which the store has said that it is taken. It returns nil if there is none. It never
// finds somebody whom an administrator has shut out.
func (p *plan) inactive(ctx context.Context, r *store.Resource) (*store.Resource, error) {
	if p.r.Settings.InactiveUser != InactiveUserRestore || r.Type != userType || p.d.After.Get("active").Text() == "false" {
		return nil, nil
	}
	var found []*store.Resource
	for _, k := range r.Index {
		if k.Attribute == "externalId" {
			same, err := p.s.withKey(ctx, r.Tenant, r.Type, k)
			if err != nil {
				return nil, err
			}
			found = same
		}
	}
	if len(found) == 0 && p.taken != nil && p.taken.Attribute == "userName" {
		cur, err := p.s.user(ctx, p.r.Tenant, "userName", p.d.After.Get("userName").Text())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if err == nil && p.samePerson(cur) {
			found = append(found, cur)
		}
	}
	if len(found) != 1 {
		return nil, nil // nobody, or nobody can tell who is meant
	}
	account, err := AccountOf(found[0])
	if err != nil || !shutOut(found[0], account) {
		return nil, err
	}
	return found[0], nil
}

// shutOut says whether somebody has no access because the identity provider, or a setting, wanted it so.
func shutOut(r *store.Resource, a Account) bool {
	return (a.State == Suspended || a.State == Deactivated) && !a.Held && !isActive(r)
}

// samePerson says whether a user may be the one whom the draft creates. Two different externalIds make two people (I16).
func (p *plan) samePerson(cur *store.Resource) bool {
	is, was := p.d.After.Get("externalId").Text(), cur.Attributes.Get("externalId").Text()
	return is == "" || was == "" || is == was
}
