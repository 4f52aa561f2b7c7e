package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// Link is a setup link: whoever has it may begin one session. Opening it does nothing, so that a mail scanner does no harm: the session
// begins with a click on the page that it opens.
type Link struct {
	Tenant    string
	Who       string // for the journal: to whom it is given. Default "setup link"
	Abilities []Ability
	Expires   time.Time // zero: after Options.LinkLifetime
	Return    string    // an https address of the product, to go back to; it may be empty
	Language  string    // as Admin.Language
	Zone      string    // a name such as Europe/Berlin; "": Options.Zone
}

// InvalidLinkError says what is wrong with a Link.
type InvalidLinkError struct{ Detail string }

func (e *InvalidLinkError) Error() string { return "portal: " + e.Detail }

// Link makes a setup link, and returns its address. Only a hash of it is kept, so it can't be shown again.
func (p *Portal) Link(ctx context.Context, l Link) (string, error) {
	now := time.Now()
	if l.Expires.IsZero() {
		l.Expires = now.Add(p.opts.LinkLifetime)
	}
	if l.Who == "" {
		l.Who = "setup link"
	}
	a := Admin{Tenant: l.Tenant, Who: l.Who, Abilities: l.Abilities}
	if err := a.check(); err != nil {
		return "", &InvalidLinkError{strings.TrimPrefix(err.Error(), "portal: ")}
	}
	if !l.Expires.After(now) || l.Expires.After(now.Add(90*24*time.Hour)) {
		return "", &InvalidLinkError{"expires: want a time within the next 90 days"}
	}
	if l.Return != "" && !isReturn(l.Return) {
		return "", &InvalidLinkError{"return: want an address that begins with https://"}
	}
	if l.Language != "" && p.languages[l.Language] == nil {
		return "", &InvalidLinkError{"language: there is no such catalogue"}
	}
	if _, err := time.LoadLocation(l.Zone); err != nil {
		return "", &InvalidLinkError{"zone: want a time zone such as Europe/Berlin"}
	}
	p.sweep(ctx, l.Tenant)
	t := newTicket(l.Tenant)
	r := t.resource(linkType, granted{Who: l.Who, Abilities: l.Abilities, Expires: l.Expires.UTC(), Return: l.Return, Language: l.Language, Zone: l.Zone})
	by := lifecycle.Request{Tenant: l.Tenant, Who: l.Who, Action: "make setup link"}
	err := p.store.Commit(ctx, &store.Change{Tenant: l.Tenant, Put: []store.Put{{Resource: r}}, Journal: []store.Entry{
		lifecycle.NewEntry(by, store.Key{Type: linkType, ID: r.ID}, lifecycle.Created, "")}})
	if err != nil {
		return "", err
	}
	return p.opts.URL + "/begin/" + t.String(), nil
}

// isReturn says whether an address may be a link on the pages: https, or http on this machine.
func isReturn(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) < 2_000 && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && isLocal(u.Hostname()))
}

func isLocal(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// EndSessions ends all setup links and all sessions of a tenant that setup links began.
func (p *Portal) EndSessions(ctx context.Context, tenant string) error {
	for {
		page, err := p.store.List(ctx, store.Query{Tenant: tenant, Types: []string{linkType, sessionType}, Count: 100, NoTotal: true})
		if err != nil || len(page.Resources) == 0 {
			return err
		}
		for _, r := range page.Resources {
			err := p.store.Commit(ctx, &store.Change{Tenant: tenant, Delete: []store.Delete{{Type: r.Type, ID: r.ID}}})
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
	}
}

// LinkModel is the page that a setup link opens.
type LinkModel struct {
	Organization string    `json:"organization"`
	Expires      time.Time `json:"expires"`
	Action       string    `json:"-"`
}

// openLink shows what a link is, and changes nothing.
func openLink(v *visit) (any, error) {
	t, g, _, err := v.p.findLink(v.r.Context(), v.r.PathValue("ticket"))
	if err != nil {
		return nil, err
	}
	return LinkModel{Organization: t.tenant, Expires: g.Expires, Action: v.Path("/begin/" + t.String())}, nil
}

// findLink reads a link that is good, or returns errLink.
func (p *Portal) findLink(ctx context.Context, text string) (ticket, granted, *store.Resource, error) {
	var g granted
	t, ok := parseTicket(text)
	if !ok {
		return t, g, nil, errLink
	}
	r, err := p.find(ctx, t, linkType, &g)
	if errors.Is(err, store.ErrNotFound) {
		err = errLink
	}
	return t, g, r, err
}

// beginSession uses a link up, and begins a session.
func beginSession(v *visit) (done, error) {
	ctx := v.r.Context()
	t, g, r, err := v.p.findLink(ctx, v.r.PathValue("ticket"))
	if err != nil {
		return done{}, err
	}
	v.p.sweep(ctx, t.tenant)
	s := newTicket(t.tenant)
	g.Expires = time.Now().Add(v.p.opts.SessionLifetime).UTC()
	session := s.resource(sessionType, g)
	by := lifecycle.Request{Tenant: t.tenant, Who: g.Who, Action: "use setup link"}
	err = v.p.store.Commit(ctx, &store.Change{Tenant: t.tenant,
		Put:     []store.Put{{Resource: session}},
		Delete:  []store.Delete{{Type: linkType, ID: r.ID, IfVersion: r.Version}}, // of two who click one is let in
		Journal: []store.Entry{lifecycle.NewEntry(by, store.Key{Type: linkType, ID: r.ID}, lifecycle.Removed, "")}})
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrVersionMismatch) {
		err = errLink
	}
	if err != nil {
		return done{}, err
	}
	v.setCookie("", s.String(), v.p.opts.SessionLifetime)
	return done{to: "/"}, nil
}

// endSession signs out.
func endSession(v *visit) (done, error) {
	if t, ok := v.ticket(""); ok {
		err := v.p.store.Commit(v.r.Context(), &store.Change{Tenant: t.tenant, Delete: []store.Delete{{Type: sessionType, ID: t.id()}}})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return done{}, err
		}
	}
	v.setCookie("", "", -1)
	return done{to: "/bye"}, nil
}

var errLink = &problem{http.StatusGone, "error.link", ""}
