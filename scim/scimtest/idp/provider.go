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

// provider is a simulated identity provider: what it has to bring to the service, and what it believes the service has.
type provider struct {
	*client
	dir   *Directory
	links map[*Person]*link
	teams map[*Team]*teamLink
	// again are those that could not be brought over in the last cycle.
	again      map[*Person]bool
	teamsAgain map[*Team]bool

	now         time.Duration // since the beginning
	paused      time.Duration // until when it is in quarantine
	quarantines int
	retries     int // of the quarantine
}

// link is what a provider believes of somebody in the service.
type link struct {
	id       string
	believed Attributes
	gone     bool // deleted there
}

func newProvider(c *client, dir *Directory) *provider {
	return &provider{client: c, dir: dir, links: map[*Person]*link{}, teams: map[*Team]*teamLink{}, again: map[*Person]bool{}, teamsAgain: map[*Team]bool{}}
}

// test is what happens when an administrator presses the button that tests the connection.
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

// cycle brings over what has changed since the last one.
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

// judge puts the provider into quarantine if too much of a cycle has failed, as Entra ID does: at first for six hours, then for
// twelve, then for a day.
func (p *provider) judge(requests, failures int) {
	const least = 100 // Entra ID has 5,000, for far larger companies
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

// withReports adds those whose manager is among the people: the manager may only now be there.
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

// withTeams adds the teams of the people: somebody may only now be there, or be there no more.
func (p *provider) withTeams(people []*Person, teams []*Team) []*Team {
	list := slices.Clone(teams)
	for _, t := range p.dir.teams {
		if !slices.Contains(teams, t) && slices.ContainsFunc(people, func(x *Person) bool { return t.Members[x] }) {
			list = append(list, t)
		}
	}
	return list
}

// each does something for all people, so many at a time as the provider does, and returns those for whom it failed.
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

// wanted are somebody's attributes as they are to be in the service, but for the manager.
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

// syncPerson brings one person over.
func (p *provider) syncPerson(ctx context.Context, x *Person, l *link) error {
	want := p.wanted(x)
	active := want[Active] == "true"
	switch {
	case l.gone:
		return nil
	case l.id == "" && !active:
		return nil // who isn't there need not be deactivated
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
		want[Manager] = m // of which syncManager takes care
	}
	return p.change(ctx, l, want)
}

// provision finds somebody in the service, or makes them there.
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

// known are those of somebody's attributes that the provider maps.
func (p *provider) known(a Attributes) Attributes {
	maps.DeleteFunc(a, func(name, _ string) bool { return !slices.Contains(p.style.maps, name) })
	return a
}

// syncManager sets somebody's manager, in a pass of its own, when both are there.
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

// errLost says that somebody isn't there any more, whom the provider believed there.
var errLost = errors.New("lost")

// lost unlinks who isn't there any more, so that the next cycle brings them over again.
func lost(l *link, a answer, err error) error {
	if a.status == http.StatusNotFound {
		*l = link{}
		return errors.Join(errLost, err)
	}
	return err
}

// sortedIDs are those in a but not in b.
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
