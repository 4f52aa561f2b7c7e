package app

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/scim/portal"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
	"github.com/rollcall-dev/rollcall/store"
)

// mountPortal serves the portal at /setup. Browsers accept its cookie over http at a loopback address only, and over https everywhere.
func (a *App) mountPortal(mux *http.ServeMux, s *boot.Service) (err error) {
	a.Portal, err = portal.New(portal.Options{Store: s.Store, Handler: s.Handler, Connections: a.Connections, URL: s.Origin + "/setup",
		SCIM: s.Public, TokenURL: s.Origin + "/oauth/token", Settings: a.Settings, Choices: portal.ChoiceNames(), Check: Check(s.Handler), Logger: s.Log,
		ProtectedGroups: a.protected})
	if err != nil {
		return err
	}
	mux.Handle("/setup/", a.Portal)
	return a.mountCustomers(mux)
}

// portalLink answers POST /app/portal-link {"tenant","abilities","who","expires","return","language","zone"} -> {"url"}: a setup link. Without
// abilities the link is for all of them.
func (a *App) portalLink(r *http.Request, in adminInput) (int, any, error) {
	var body struct {
		Tenant    string           `json:"tenant"`
		Abilities []portal.Ability `json:"abilities"`
		Who       string           `json:"who"`
		Expires   time.Time        `json:"expires"`
		Return    string           `json:"return"`
		Language  string           `json:"language"`
		Zone      string           `json:"zone"`
	}
	if err := in.decode(&body); err != nil {
		return 0, nil, err
	}
	if a.Portal == nil {
		return 0, nil, store.ErrNotFound
	}
	if body.Abilities == nil {
		body.Abilities = portal.Abilities()
	}
	link, err := a.Portal.Link(r.Context(), portal.Link{Tenant: in.Tenant, Who: body.Who, Abilities: body.Abilities, Expires: body.Expires,
		Return: body.Return, Language: body.Language, Zone: body.Zone})
	var wrong *portal.InvalidLinkError
	if errors.As(err, &wrong) {
		err = badInput{errors.New(wrong.Detail)}
	}
	if err == nil {
		err = a.customers.add(r.Context(), in.Tenant)
	}
	return http.StatusOK, map[string]string{"url": link}, err
}

// Check tests a connection by the clauses of the RFCs, and by the recorded requests of its identity provider.
func Check(h http.Handler) func(context.Context, portal.CheckRequest) ([]portal.CheckLine, error) {
	return func(ctx context.Context, r portal.CheckRequest) (lines []portal.CheckLine, err error) {
		for _, profile := range []string{"rfc", string(r.Provider)} {
			if !slices.ContainsFunc(scimtest.Profiles(), func(p scimtest.Profile) bool { return p.Name == profile }) {
				continue
			}
			report, err := scimtest.Check(ctx, scimtest.Target{Handler: h, Token: r.Token, Profile: profile})
			if err != nil {
				return nil, err
			}
			for _, c := range report.Clauses {
				line := portal.CheckLine{Name: c.ID, Rule: c.Text, Result: c.Result, Detail: c.Reason}
				for _, f := range c.Failures {
					line.Detail += f.String() + " "
				}
				lines = append(lines, line)
			}
		}
		return lines, nil
	}
}
