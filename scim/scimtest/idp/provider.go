package idp

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// provider is a simulated identity provider. It knows what it has yet to bring to the service, and what it believes that the service has.
type provider struct {
	*client
	dir   *Directory
	links map[*Person]*link
	teams map[*Team]*teamLink
	// again and teamsAgain are the people and teams for which the last cycle failed.
	again      map[*Person]bool
	teamsAgain map[*Team]bool

	now         time.Duration // the present time, since the beginning of the simulation
	paused      time.Duration // the time until which the provider is in quarantine
	quarantines int
	retries     int // how often the quarantine was prolonged
}

// link is what a provider believes of a person's user in the service.
type link struct {
	id       string
	believed Attributes
	gone     bool // whether the provider has deleted the user
}

func newProvider(c *client, dir *Directory) *provider {
	return &provider{client: c, dir: dir, links: map[*Person]*link{}, teams: map[*Team]*teamLink{}, again: map[*Person]bool{}, teamsAgain: map[*Team]bool{}}
}

// test sends the requests that the provider sends when an administrator tests the connection.
func (p *provider) test(ctx context.Context) error {
	for _, probe := range p.style.probes {
		if _, err := p.send(ctx, http.MethodGet, probe, nil); err != nil {
			return err
		}
	}
	if !p.style.testsByWriting {
		return nil
	}
	user, err := p.send(ctx, http.MethodPost, "/Users", Attributes{UserName: "jumpcloud-test@company.example", GivenName: "Test", FamilyName: "User",
		WorkMail: "jumpcloud-test@company.example", Active: "true"}.resource())
	if err != nil {
		return err
	}
	group, err := p.send(ctx, http.MethodPost, "/Groups", map[string]any{"schemas": []any{groupURN}, "displayName": "JumpCloud test group"})
	if err != nil {
		return err
	}
	for _, path := range []string{"/Users/" + user.id(), "/Groups/" + group.id()} {
		if _, err := p.send(ctx, http.MethodDelete, path, nil); err != nil {
			return err
		}
	}
	return nil
}

// cycle provisions what has changed since the last cycle. It does nothing during a quarantine.
func (p *provider) cycle(ctx context.Context) error {
	if p.now < p.paused {
		return nil
	}
	people, teams := p.dir.drain()
	people, teams = p.withRetries(people, teams)
	if len(people) == 0 && len(teams) == 0 {
		return nil
	}
	done, wrong := p.requests, p.wrong
	for _, x := range people {
		if p.links[x] == nil {
			p.links[x] = &link{}
		}
	}
	failed := p.each(ctx, people, func(x *Person) error { return p.syncPerson(ctx, x, p.links[x]) })
	for x := range failed {
		p.again[x] = true
	}
	if slices.Contains(p.style.maps, Manager) {
		for x := range p.each(ctx, p.withReports(people), func(x *Person) error { return p.syncManager(ctx, x, p.links[x]) }) {
			p.again[x] = true
		}
	}
	if p.style.groups {
		p.syncTeams(ctx, p.withTeams(people, teams))
	}
	p.judge(p.requests-done, p.wrong-wrong)
	return ctx.Err()
}

// judge puts the provider into quarantine if too many requests of a cycle have failed, as Entra ID does: first for six hours, then for
// twelve, and then for a day each time.
func (p *provider) judge(requests, failures int) {
	const least = 100 // the least number of requests to judge by; Entra ID has 5,000, for far larger companies
	if !p.style.quarantines {
		return
	}
	if p.statuses[http.StatusUnauthorized] == 0 && (failures < least || failures*10 < requests*4) {
		p.retries = 0
		return
	}
	waits := []time.Duration{6 * time.Hour, 12 * time.Hour, 24 * time.Hour}
	p.paused = p.now + waits[min(p.retries, len(waits)-1)]
	p.retries++
	p.quarantines++
}

func (p *provider) withRetries(people []*Person, teams []*Team) ([]*Person, []*Team) {
	for _, x := range p.dir.people {
		if p.again[x] && !slices.Contains(people, x) {
			people = append(people, x)
		}
	}
	for _, t := range p.dir.teams {
		if p.teamsAgain[t] && !slices.Contains(teams, t) {
			teams = append(teams, t)
		}
	}
	clear(p.again)
	clear(p.teamsAgain)
	return people, teams
}

// withReports adds those whose manager is among the people, because the manager's user may be new in the service.
func (p *provider) withReports(people []*Person) []*Person {
	among := map[*Person]bool{}
	for _, x := range people {
		among[x] = true
	}
	list := slices.Clone(people)
	for _, x := range p.dir.people {
		if !among[x] && x.Manager != nil && among[x.Manager] && p.links[x] != nil {
			list = append(list, x)
		}
	}
	return list
}

// withTeams adds the teams of the people, because a person's user may be new in the service, or deleted.
func (p *provider) withTeams(people []*Person, teams []*Team) []*Team {
	list := slices.Clone(teams)
	for _, t := range p.dir.teams {
		if !slices.Contains(teams, t) && slices.ContainsFunc(people, func(x *Person) bool { return t.Members[x] }) {
			list = append(list, t)
		}
	}
	return list
}

// each calls do for all people, as many at a time as the provider's style says, and returns those for whom it failed.
func (p *provider) each(ctx context.Context, people []*Person, do func(*Person) error) map[*Person]bool {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed = map[*Person]bool{}
		queue  = make(chan *Person)
	)
	for range p.style.parallel {
		wg.Go(func() {
			for x := range queue {
				if do(x) != nil {
					mu.Lock()
					failed[x] = true
					mu.Unlock()
				}
			}
		})
	}
	for _, x := range people {
		if ctx.Err() == nil {
			queue <- x
		}
	}
	close(queue)
	wg.Wait()
	return failed
}

// wanted returns the attributes that a person's user shall have in the service, except for the manager.
func (p *provider) wanted(x *Person) Attributes {
	a := Attributes{}
	for _, name := range p.style.maps {
		a[name] = x.Attrs[name]
	}
	delete(a, Manager)
	a[Active] = "false"
	if x.Enabled && x.Assigned && !x.Deleted {
		a[Active] = "true"
	}
	return a
}

// syncPerson provisions one person.
func (p *provider) syncPerson(ctx context.Context, x *Person, l *link) error {
	want := p.wanted(x)
	active := want[Active] == "true"
	switch {
	case l.gone:
		return nil
	case l.id == "" && !active:
		return nil // there is no user to deactivate
	case l.id == "":
		return p.provision(ctx, x, l, want)
	case x.Deleted && p.style.deletes:
		if _, err := p.send(ctx, http.MethodDelete, "/Users/"+l.id, nil, http.StatusNotFound); err != nil {
			return err
		}
		l.gone = true
		return nil
	case !active:
		if l.believed[Active] == "true" {
			return p.change(ctx, l, l.believed.with(Active, "false"))
		}
		return nil
	}
	if m := l.believed[Manager]; m != "" {
		want[Manager] = m // only syncManager changes the manager
	}
	return p.change(ctx, l, want)
}

// provision finds a person's user in the service, or creates one.
func (p *provider) provision(ctx context.Context, x *Person, l *link, want Attributes) error {
	found, err := p.find(ctx, "/Users", "userName eq "+quote(want[UserName]), p.style.after)
	if err != nil {
		return err
	}
	if found != nil {
		l.id, l.believed = str(found["id"]), p.known(attributesOf(found))
		return p.change(ctx, l, want)
	}
	body := want.resource()
	if p.style.password {
		body["password"], body["groups"], body["locale"] = "Aa1!"+x.ID, []any{}, "en-US"
	}
	made, err := p.send(ctx, http.MethodPost, "/Users", body, http.StatusCreated)
	if err != nil {
		return err
	}
	l.id, l.believed = made.id(), want
	return nil
}

// known returns those attributes that the provider maps.
func (p *provider) known(a Attributes) Attributes {
	maps.DeleteFunc(a, func(name, _ string) bool { return !slices.Contains(p.style.maps, name) })
	return a
}

// syncManager sets a person's manager, if both have a user in the service. It is called when all people are provisioned.
func (p *provider) syncManager(ctx context.Context, x *Person, l *link) error {
	if l.id == "" || l.gone || l.believed[Active] != "true" {
		return nil
	}
	id := ""
	if x.Manager != nil {
		if m := p.links[x.Manager]; m != nil && !m.gone {
			id = m.id
		}
	}
	if id == l.believed[Manager] {
		return nil
	}
	return p.change(ctx, l, l.believed.with(Manager, id))
}

// errLost says that the service doesn't have a user any more that the provider believed to be there.
var errLost = errors.New("lost")

// lost unlinks a person whose user was answered with 404, so that the next cycle provisions the person anew.
func lost(l *link, a answer, err error) error {
	if a.status == http.StatusNotFound {
		*l = link{}
		return errors.Join(errLost, err)
	}
	return err
}

// sortedIDs returns the ids that are in a but not in b, in order.
func sortedIDs(a, b map[string]bool) []string {
	var list []string
	for id := range a {
		if !b[id] {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

// isFiltered says whether an attribute's path has a filter in it.
func isFiltered(name string) bool { return strings.Contains(name, "[") }
