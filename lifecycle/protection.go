package lifecycle

import (
	"context"
	"fmt"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
)

// refuseProtected refuses that somebody who is protected loses access.
func (s *Safety) refuseProtected(id string) error {
	if !slices.Contains(s.Protected, id) {
		return nil
	}
	return &Refusal{Reason: Forbidden, Detail: fmt.Sprintf(
		"the user %s is protected, so that no identity provider takes its access; an administrator of the product must end the protection first", quoted(id))}
}

// refuseProtectedMembers refuses that somebody who is protected leaves a group that gives access.
func (p *plan) refuseProtectedMembers(ctx context.Context, kept *safety, group string, ids []string) error {
	if p.s.opts.GivesAccess == nil {
		return nil
	}
	for _, id := range ids {
		if !slices.Contains(kept.Protected, id) {
			continue
		}
		gives, err := p.s.opts.GivesAccess(ctx, p.r.key(groupType, group))
		if err != nil || !gives {
			return err
		}
		return &Refusal{Reason: Forbidden, Attribute: "members", Detail: fmt.Sprintf(
			"the user %s is protected, and this group gives it its access; an administrator of the product must end the protection first", quoted(id))}
	}
	return nil
}

// ProtectGroups is a Guard that refuses that an identity provider deletes one of the groups, renames it, or takes members out of it. The groups
// are named by their displayName, as a product knows those that mean something to it. Somebody who is deleted leaves such a group all
// the same: protect the person for that.
//
// A change of nothing but members costs one read more, as the group's name must be known.
func ProtectGroups(names ...string) Guard {
	protects := make(map[string]bool, len(names))
	for _, name := range names {
		protects[name] = true
	}
	return func(ctx context.Context, r *Request, p *Proposal) error {
		if r.By != SourceSCIM || p.Key.Type != groupType || p.Key.ID == "" {
			return nil
		}
		removes := p.Resource != nil && p.After.IsNull()
		loses := slices.ContainsFunc(p.Members, func(d store.MemberDelta) bool { return d.Group == p.Key.ID && len(d.Remove) > 0 })
		name := p.Before.Get("displayName").Text()
		if p.Resource == nil && loses {
			group, err := p.Store.Get(ctx, p.Key)
			if err != nil {
				return missing(p.Key, err)
			}
			name = group.Attributes.Get("displayName").Text()
		}
		renames := p.Resource != nil && !removes && p.After.Get("displayName").Text() != name
		if !protects[name] || !removes && !loses && !renames {
			return nil
		}
		return &Refusal{Reason: Forbidden, Detail: fmt.Sprintf(
			"the group %s is protected by the product: an identity provider may add members, but not remove them, rename the group or delete it", quoted(name))}
	}
}
