package app

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/scim/portal"
)

// mountPortal serves the portal at /setup. Browsers keep its cookie at a loopback address by http as well, everywhere else only by https.
//
//	POST /app/portal-link  {"tenant","abilities","who","expires","return","language"} -> {"url"}: a setup link; without abilities it is for all
func (a *App) mountPortal(mux *http.ServeMux, s *boot.Service) error {
	service := s.URL
	if s.Public != "" {
		service = s.Public
	}
	at, err := url.Parse(service)
	if err != nil {
		return err
	}
	origin := at.Scheme + "://" + at.Host
	o := portal.Options{Store: s.Store, Handler: s.Handler, Connections: a.Connections, URL: origin + "/setup", SCIM: service, TokenURL: origin + "/oauth/token",
		Settings: a.Settings, Choices: portal.ChoiceNames(), Logger: s.Log}
	if a.Portal != nil {
		a.Portal(&o)
	}
	if a.portal, err = portal.New(o); err != nil {
		return err
	}
	mux.Handle("/setup", a.portal)
	mux.Handle("/setup/", a.portal)
	mux.Handle("POST /app/portal-link", adminPage(a.portalLink))
	return nil
}

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
	if body.Abilities == nil {
		body.Abilities = portal.Abilities()
	}
	link, err := a.portal.Link(r.Context(), portal.Link{Tenant: in.Tenant, Who: body.Who, Abilities: body.Abilities, Expires: body.Expires,
		Return: body.Return, Language: body.Language, Zone: body.Zone})
	var wrong *portal.InvalidLinkError
	if errors.As(err, &wrong) {
		err = badInput{errors.New(wrong.Detail)}
	}
	return http.StatusOK, map[string]string{"url": link}, err
}
