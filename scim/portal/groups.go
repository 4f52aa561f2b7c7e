package portal

import (
	"context"
	"slices"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// GroupsModel is a page of groups.
type GroupsModel struct {
	Groups []GroupModel `json:"groups"`
	Next   string       `json:"next"`
	Roles  bool         `json:"roles"` // groups have roles in the product
}

// GroupModel is a line of it.
type GroupModel struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	External  string        `json:"externalId,omitempty"`
	Role      string        `json:"role,omitempty"`    // what it becomes in the product
	Protected bool          `json:"protected"`         // Options.ProtectedGroups
	Members   []MemberModel `json:"members,omitempty"` // on the page of the group
}

// MemberModel is a member of a group.
type MemberModel struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
}

const (
	groupsOnPage = 50
	mostMembers  = 100 // that a page shows
	mostGroups   = 100 // of a person, that a page shows
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
	g.Protected = slices.Contains(p.opts.ProtectedGroups, g.Name)
	var err error
	if p.opts.Role != nil {
		g.Role, err = p.opts.Role(ctx, r.Tenant, g.Name)
	}
	return g, err
}

// GroupPageModel is one group.
type GroupPageModel struct {
	GroupModel
	Roles    bool        `json:"roles"`
	Timeline []LineModel `json:"timeline"`
	Older    string      `json:"older"` // cursor of the timeline
	Next     string      `json:"next"`  // cursor of the members
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
	m := GroupPageModel{Roles: v.p.opts.Role != nil}
	if m.GroupModel, err = v.p.group(ctx, r); err != nil {
		return nil, err
	}
	m.Members = []MemberModel{}
	types := []string{groupType, userType}
	if v.get("cursor") != "" { // the groups that are members stand on the first page, and the cursor goes through the people
		types = types[1:]
	}
	for _, typ := range types { // each by itself, which a store answers from an index
		page, err := v.p.store.List(ctx, store.Query{Tenant: tenant, Types: []string{typ}, Cursor: v.get("cursor"), Count: mostMembers, NoTotal: true, Filter: memberOf(id)})
		if err != nil {
			return nil, err
		}
		m.Next = page.Next
		for _, r := range page.Resources {
			m.Members = append(m.Members, MemberModel{r.ID, r.Type, r.Label})
		}
	}
	timeline, next, err := v.p.life.Journal(ctx, lifecycle.JournalQuery{Tenant: tenant, Subject: id, Before: v.get("before"), Max: 10})
	if err != nil {
		return nil, err
	}
	m.Older = next
	m.Timeline, err = v.lines(timeline)
	return m, err
}

// memberOf is the filter groups.value eq.
func memberOf(group string) filter.Expr {
	return filter.Related{Relation: filter.Groups, Where: filter.Compare{
		Attr: filter.Attr{Path: filter.Path{Name: "value"}, Type: filter.String, CaseExact: true}, Op: filter.Eq, Value: document.String(group)}}
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
