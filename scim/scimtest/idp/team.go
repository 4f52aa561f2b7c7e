package idp

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// teamLink is what a provider believes of a group in the service.
type teamLink struct {
	id      string
	name    string
	members map[string]bool // the ids of the users in it
	gone    bool
}

// syncTeams provisions teams, one after the other.
func (p *provider) syncTeams(ctx context.Context, teams []*Team) {
	p.forgetDeleted()
	for _, t := range teams {
		if ctx.Err() != nil {
			return
		}
		if p.teams[t] == nil {
			p.teams[t] = &teamLink{members: map[string]bool{}}
		}
		if p.syncTeam(ctx, t, p.teams[t]) != nil {
			p.teamsAgain[t] = true
		}
	}
}

// forgetDeleted removes deleted users from the believed members of groups, because the service has removed them by itself.
func (p *provider) forgetDeleted() {
	for _, l := range p.links {
		if l.gone {
			for _, t := range p.teams {
				delete(t.members, l.id)
			}
		}
	}
}

// wantedMembers returns the ids of the users that shall be in a group.
func (p *provider) wantedMembers(t *Team) map[string]bool {
	ids := map[string]bool{}
	for x := range t.Members {
		l := p.links[x]
		if l == nil || l.id == "" || l.gone || p.style.activeOnly && l.believed[Active] != "true" {
			continue
		}
		ids[l.id] = true
	}
	return ids
}

func (p *provider) syncTeam(ctx context.Context, t *Team, l *teamLink) error {
	switch {
	case l.gone, l.id == "" && t.Deleted:
		return nil
	case t.Deleted:
		if _, err := p.send(ctx, http.MethodDelete, "/Groups/"+l.id, nil, http.StatusNotFound); err != nil {
			return err
		}
		l.gone = true
		return nil
	case l.id == "":
		if err := p.provisionTeam(ctx, t, l); err != nil {
			return err
		}
	}
	want := p.wantedMembers(t)
	add, remove := sortedIDs(want, l.members), sortedIDs(l.members, want)
	if l.name == t.Name && len(add) == 0 && len(remove) == 0 {
		return nil
	}
	return p.changeTeam(ctx, t, l, want, add, remove)
}

// provisionTeam finds a team's group in the service, or creates one.
func (p *provider) provisionTeam(ctx context.Context, t *Team, l *teamLink) error {
	found, err := p.findTeam(ctx, t.Name)
	if err != nil {
		return err
	}
	if found != nil {
		l.id, l.name, l.members = str(found["id"]), str(found["displayName"]), memberIDs(found)
		return nil
	}
	body := map[string]any{"schemas": []any{groupURN}, "displayName": t.Name, "externalId": t.ID}
	if p.style.agent != "" { // Okta sends no externalId for groups
		delete(body, "externalId")
	}
	want := map[string]bool{}
	if p.style.withMembers {
		want = p.wantedMembers(t)
		body["members"] = values(sortedIDs(want, nil))
	}
	made, err := p.send(ctx, http.MethodPost, "/Groups", body, http.StatusCreated)
	if err != nil {
		return err
	}
	l.id, l.name, l.members = made.id(), t.Name, want
	return nil
}

func (p *provider) findTeam(ctx context.Context, name string) (map[string]any, error) {
	if !p.style.listsGroups {
		found, err := p.find(ctx, "/Groups", "displayName eq "+quote(name), p.style.after)
		if err != nil || found == nil || found["members"] != nil {
			return found, err
		}
		a, err := p.send(ctx, http.MethodGet, "/Groups/"+str(found["id"]), nil)
		return a.body, err
	}
	var found map[string]any
	err := p.list(ctx, "/Groups", func(g map[string]any) {
		if g["displayName"] == name {
			found = g
		}
	})
	return found, err
}

// changeTeam changes a group's name and members to those that are wanted, by requests of the provider's style.
func (p *provider) changeTeam(ctx context.Context, t *Team, l *teamLink, want map[string]bool, add, remove []string) error {
	path := "/Groups/" + l.id
	rename := func(op string) error {
		if l.name == t.Name {
			return nil
		}
		if _, err := p.send(ctx, http.MethodPatch, path, patch(map[string]any{"op": op, "path": "displayName", "value": t.Name})); err != nil {
			return err
		}
		l.name = t.Name
		return nil
	}
	var err error
	switch p.style.members {
	case membersPut:
		_, err = p.send(ctx, http.MethodPut, path, map[string]any{"schemas": []any{groupURN}, "id": l.id, "displayName": t.Name, "members": values(sortedIDs(want, nil))})
	case membersOkta:
		ops := []any{map[string]any{"op": "replace", "value": map[string]any{"id": l.id, "displayName": t.Name}}}
		for _, id := range remove {
			ops = append(ops, map[string]any{"op": "remove", "path": "members[value eq " + quote(id) + "]"})
		}
		if len(add) > 0 {
			ops = append(ops, map[string]any{"op": "add", "path": "members", "value": values(add)})
		}
		_, err = p.send(ctx, http.MethodPatch, path, patch(ops...))
	case membersEntra, membersEntraFlag:
		return p.changeMembersOfEntra(ctx, path, l, add, remove, rename)
	default:
		if err := rename("replace"); err != nil {
			return err
		}
		return p.changeOneByOne(ctx, path, l, add, remove)
	}
	if err != nil {
		return err
	}
	l.name, l.members = t.Name, want
	return nil
}

func (p *provider) changeMembersOfEntra(ctx context.Context, path string, l *teamLink, add, remove []string, rename func(string) error) error {
	flag := p.style.members == membersEntraFlag
	verbs := map[bool][3]string{false: {"Replace", "Add", "Remove"}, true: {"replace", "add", "remove"}}[flag]
	if err := rename(verbs[0]); err != nil {
		return err
	}
	const most = 100 // the most members in one PATCH
	for ids := range slices.Chunk(add, most) {
		if _, err := p.send(ctx, http.MethodPatch, path, patch(map[string]any{"op": verbs[1], "path": "members", "value": values(ids)})); err != nil {
			return err
		}
		for _, id := range ids {
			l.members[id] = true
		}
	}
	for ids := range slices.Chunk(remove, most) {
		ops := []any{map[string]any{"op": verbs[2], "path": "members", "value": values(ids)}}
		if flag {
			ops = nil
			for _, id := range ids {
				ops = append(ops, map[string]any{"op": verbs[2], "path": "members[value eq " + quote(id) + "]"})
			}
		}
		if _, err := p.send(ctx, http.MethodPatch, path, patch(ops...)); err != nil {
			return err
		}
		for _, id := range ids {
			delete(l.members, id)
		}
	}
	return nil
}

// changeOneByOne sends a PATCH for each member, several at once if the provider does so.
func (p *provider) changeOneByOne(ctx context.Context, path string, l *teamLink, add, remove []string) error {
	parallel := 1
	if p.style.members == membersParallel {
		parallel = p.style.parallel
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
		slots = make(chan struct{}, parallel)
	)
	one := func(id string, op map[string]any, into bool) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			_, err := p.send(ctx, http.MethodPatch, path, patch(op))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil && first == nil:
				first = err
			case err == nil && into:
				l.members[id] = true
			case err == nil:
				delete(l.members, id)
			}
		})
	}
	for _, id := range add {
		one(id, map[string]any{"op": "add", "path": "members", "value": values([]string{id})}, true)
	}
	for _, id := range remove {
		one(id, map[string]any{"op": "remove", "path": "members[value eq " + quote(id) + "]"}, false)
	}
	wg.Wait()
	return first
}

// pushNow replaces the members of each group by all that shall be in it, as Okta's Push Now does.
func (p *provider) pushNow(ctx context.Context) {
	p.forgetDeleted()
	for _, t := range p.dir.teams {
		l := p.teams[t]
		if l == nil || l.id == "" || l.gone {
			continue
		}
		want := p.wantedMembers(t)
		if _, err := p.send(ctx, http.MethodPatch, "/Groups/"+l.id, patch(map[string]any{"op": "replace", "path": "members", "value": values(sortedIDs(want, nil))})); err == nil {
			l.members = want
		}
	}
}

func values(ids []string) []any {
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = map[string]any{"value": id}
	}
	return list
}

func memberIDs(group map[string]any) map[string]bool {
	ids := map[string]bool{}
	members, _ := group["members"].([]any)
	for _, m := range members {
		if o, ok := m.(map[string]any); ok {
			ids[str(o["value"])] = true
		}
	}
	return ids
}

// sameMembers says whether two sets are equal.
func sameMembers(a, b map[string]bool) bool { return maps.Equal(a, b) }
