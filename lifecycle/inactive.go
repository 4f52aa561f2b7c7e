package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
)

// inactive finds the user who is there, has no access, and is the one whom a creation means, where the tenant restores such people:
// by the externalId, which costs a read, or by the userName of which the store said that it is taken. nil: none. Whom an
// administrator has shut out it doesn't find.
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

// shutOut says whether somebody is inactive as the identity provider, or a setting, wanted it.
func shutOut(r *store.Resource, a Account) bool {
	return (a.State == Suspended || a.State == Deactivated) && !a.Held && !isActive(r)
}

// samePerson says whether nothing speaks against that a user is the one whom the draft creates: two different externalIds do (I16).
func (p *plan) samePerson(cur *store.Resource) bool {
	is, was := p.d.After.Get("externalId").Text(), cur.Attributes.Get("externalId").Text()
	return is == "" || was == "" || is == was
}
