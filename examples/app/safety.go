package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// defaultSafety has the limits of a tenant that has set none: in an hour, a connection takes access from at most 500 people, and
// ends at most 2,000 memberships. It has no limit by share of the people, because scripts that drive the demo use a handful of people.
func defaultSafety() lifecycle.Safety {
	people, members := 500, 2_000
	return lifecycle.Safety{
		People:  &lifecycle.Brake{Max: &people, Window: lifecycle.Window(time.Hour)},
		Members: &lifecycle.Brake{Max: &members, Window: lifecycle.Window(time.Hour)},
	}
}

// getSafety answers GET /app/safety.
func (a *App) getSafety(r *http.Request, in input) (any, error) {
	safety, err := a.service.Safety(r.Context(), in.Tenant)
	if safety.Protected == nil {
		safety.Protected = []string{}
	}
	return safety, err
}

// putSafety answers PUT /app/safety: it changes what the body gives.
func (a *App) putSafety(r *http.Request, in input) (any, error) {
	given, err := in.without("tenant", "who")
	if err != nil {
		return nil, err
	}
	return a.service.SetSafety(r.Context(), in.click(), func(s *lifecycle.Safety) error {
		d := json.NewDecoder(bytes.NewReader(given))
		d.DisallowUnknownFields()
		if err := d.Decode(s); err != nil {
			return badInput{err}
		}
		for _, b := range []*lifecycle.Brake{s.People, s.Members} {
			if b != nil && b.Window == 0 {
				b.Window = lifecycle.Window(time.Hour)
			}
		}
		if err := s.Validate(); err != nil {
			return badInput{err}
		}
		return nil
	})
}

// without returns the body without some of its fields.
func (in input) without(names ...string) ([]byte, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(in.raw, &given); err != nil {
		return nil, badInput{err}
	}
	for _, name := range names {
		delete(given, name)
	}
	return json.Marshal(given)
}

// release answers POST /app/release {"connection","count"|"minutes","who"}: it makes a brake let through what it holds.
func (a *App) release(r *http.Request, in input) (any, error) {
	given, err := in.without("tenant")
	if err != nil {
		return nil, err
	}
	var body struct {
		Connection string `json:"connection"`
		Who        string `json:"who"`
		Count      *int   `json:"count"`
		Minutes    *int   `json:"minutes"`
	}
	d := json.NewDecoder(bytes.NewReader(given))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return nil, badInput{err}
	}
	what := lifecycle.Release{Connection: body.Connection}
	for name, n := range map[string]*int{"count": body.Count, "minutes": body.Minutes} {
		if n != nil && (*n < 1 || *n > 1_000_000) {
			return nil, badInput{fmt.Errorf("%s: want a number from 1 to 1000000", name)}
		}
	}
	if body.Who == "" {
		return nil, badInput{errors.New("who is missing: name the administrator who releases the brake")}
	}
	if body.Count != nil {
		what.Count = *body.Count
	}
	if body.Minutes != nil {
		what.For = time.Duration(*body.Minutes) * time.Minute
	}
	by := lifecycle.Request{Tenant: in.Tenant, Who: body.Who}
	if err := a.service.Release(r.Context(), by, what); err != nil {
		return nil, err
	}
	return map[string]any{"released": true, "connection": body.Connection, "count": body.Count, "minutes": body.Minutes, "who": body.Who}, nil
}
