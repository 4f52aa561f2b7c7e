package portal

import (
	"context"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// GroupsModel is a page of groups.
type GroupsModel struct {
	Groups []GroupModel `json:"groups"`
	Next   string       `json:"next"`
	Roles  bool         `json:"roles"` // groups have roles in the product
}

// GroupModel is a line of it.
type GroupModel struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	External string        `json:"externalId,omitempty"`
	Role     string        `json:"role,omitempty"` // what it becomes in the product
	Members  []MemberModel `json:"members,omitempty"`
	Count    int           `json:"count,omitempty"` // of the members, on the page of the group
}

// MemberModel is a member of a group.
type MemberModel struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
}

const (
	groupsOnPage  = 50
	mostMembers   = 200    // that a page shows
	mostOfMembers = 20_000 // that it counts
	mostGroups    = 100    // of a person, that a page shows
)

func groups(v *visit) (any, error) {
	ctx, tenant := v.r.Context(), v.Admin.Tenant
	page, err := v.p.store.List(ctx, store.Query{Tenant: tenant, Types: []string{groupType}, Cursor: v.get("cursor"), Count: groupsOnPage, NoTotal: true})
	if err != nil {
		return nil, err
	}
	m := GroupsModel{Groups: []GroupModel{}, Next: page.Next, Roles: v.p.opts.Role != nil}
	for _, r := range page.Resources {
		g, err := v.p.group(ctx, r)
		if err != nil {
			return nil, err
		}
		m.Groups = append(m.Groups, g)
	}
	return m, nil
}

func (p *Portal) group(ctx context.Context, r *store.Resource) (GroupModel, error) {
	g := GroupModel{ID: r.ID, Name: r.Attributes.Get("displayName").Text(), External: r.Attributes.Get("externalId").Text()}
	var err error
	if p.opts.Role != nil {
		g.Role, err = p.opts.Role(ctx, r.Tenant, g.Name)
	}
	return g, err
}

// GroupPageModel is one group.
type GroupPageModel struct {
	GroupModel
	More     bool                     `json:"more"` // it has more members than Count
	Roles    bool                     `json:"roles"`
	Timeline []lifecycle.JournalEntry `json:"timeline"`
	Next     string                   `json:"next"`
}

func groupPage(v *visit) (any, error) {
	ctx, tenant, id := v.r.Context(), v.Admin.Tenant, v.r.PathValue("id")
	if len(id) > 200 {
		return nil, errNowhere
	}
	r, err := v.p.store.Get(ctx, store.Key{Tenant: tenant, Type: groupType, ID: id})
	if err != nil {
		return nil, err
	}
	m := GroupPageModel{Roles: v.p.opts.Role != nil, Timeline: []lifecycle.JournalEntry{}}
	if m.GroupModel, err = v.p.group(ctx, r); err != nil {
		return nil, err
	}
	m.Members = []MemberModel{}
	for row, err := range v.p.store.Members(ctx, store.MemberQuery{Tenant: tenant, Groups: []string{id}}) {
		if err != nil {
			return nil, err
		}
		if m.Count == mostOfMembers {
			m.More = true
			break
		}
		if m.Count++; len(m.Members) < mostMembers {
			m.Members = append(m.Members, MemberModel{row.ID, row.Type, row.Label})
		}
	}
	timeline, next, err := v.p.life.Journal(ctx, lifecycle.JournalQuery{Tenant: tenant, Subject: id, Before: v.get("before"), Max: 10})
	m.Timeline, m.Next = append(m.Timeline, timeline...), next
	return m, err
}

// groupsOf are the groups of a person, with what each becomes.
func (p *Portal) groupsOf(ctx context.Context, tenant, id string) ([]MembershipModel, error) {
	list := []MembershipModel{}
	for row, err := range p.store.Members(ctx, store.MemberQuery{Tenant: tenant, Of: []string{id}}) {
		if err != nil {
			return nil, err
		}
		if len(list) == mostGroups {
			break
		}
		m := MembershipModel{ID: row.Group, Name: row.Label}
		if p.opts.Role != nil {
			if m.Role, err = p.opts.Role(ctx, tenant, m.Name); err != nil {
				return nil, err
			}
		}
		list = append(list, m)
	}
	return list, nil
}
