package portal

import (
	"slices"
	"strconv"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
)

// SafetyModel is the brakes, what they hold, and who is protected.
type SafetyModel struct {
	People      *lifecycle.Brake  `json:"people"`  // nil: no brake
	Members     *lifecycle.Brake  `json:"members"` // nil: no brake
	Protected   []PersonModel     `json:"protected"`
	Held        []LineModel       `json:"held"` // the last requests that a brake held back
	Connections []ConnectionModel `json:"connections"`
	Windows     []string          `json:"-"`
}

const mostProtectedShown = 100

func safetyPage(v *visit) (any, error) {
	ctx, tenant := v.r.Context(), v.Admin.Tenant
	s, err := v.p.life.Safety(ctx, tenant)
	if err != nil {
		return nil, err
	}
	m := SafetyModel{People: s.People, Members: s.Members, Protected: []PersonModel{}, Windows: windows}
	for _, id := range s.Protected {
		if len(m.Protected) == mostProtectedShown {
			break
		}
		r, err := v.p.user(ctx, tenant, id)
		switch {
		case err == nil:
			x := personModel(r)
			x.Protected = true
			m.Protected = append(m.Protected, x)
		case !isNotFound(err):
			return nil, err
		}
	}
	held, _, err := v.p.life.Journal(ctx, lifecycle.JournalQuery{Tenant: tenant, Outcome: lifecycle.Held, From: time.Now().Add(-7 * 24 * time.Hour), Max: 20})
	if err != nil {
		return nil, err
	}
	if m.Held, err = v.lines(held); err != nil {
		return nil, err
	}
	list, err := v.p.opts.Connections.List(ctx, tenant)
	if err != nil {
		return nil, err
	}
	m.Connections, err = v.connectionModels(list)
	return m, err
}

// releaseBrake lets the identity provider go on, for a reason that the journal keeps.
func releaseBrake(v *visit) (done, error) {
	reason := v.get("reason")
	if reason == "" {
		return done{}, wrong(v.T("error.reason"))
	}
	what := lifecycle.Release{Connection: v.get("connection"), Reason: reason}
	n, err := strconv.Atoi(v.get("number"))
	switch v.get("for") {
	case "once":
	case "count":
		if what.Count = n; err != nil || n < 1 || n > 1_000_000 {
			return done{}, wrong(v.T("error.number"))
		}
	case "minutes":
		if what.For = time.Duration(n) * time.Minute; err != nil || n < 1 || n > 7*24*60 {
			return done{}, wrong(v.T("error.number"))
		}
	default:
		return done{}, wrong(v.T("error.form"))
	}
	if what.Connection != "" {
		if _, _, err := v.connections(); err != nil {
			return done{}, err
		}
	}
	return done{to: "/safety", notice: "released"}, v.p.life.Release(v.r.Context(), v.by(), what)
}

var windows = []string{"10m", "30m", "1h", "6h", "24h"}

// setBrakes sets how many people may lose access, and how many memberships may end, in a time.
func setBrakes(v *visit) (done, error) {
	read := func(name string) (*lifecycle.Brake, error) {
		if v.get(name+"-on") == "" {
			return nil, nil
		}
		b := &lifecycle.Brake{}
		if text := v.get(name + "-max"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, wrong(v.T("error.number"))
			}
			b.Max = &n
		}
		if text := v.get(name + "-percent"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > 100 {
				return nil, wrong(v.T("error.percent"))
			}
			share := float64(n) / 100
			b.Share = &share
		}
		if b.Max == nil && b.Share == nil {
			return nil, wrong(v.T("error.brake"))
		}
		window := v.get(name + "-window")
		if err := b.Window.UnmarshalText([]byte(window)); err != nil {
			return nil, wrong(v.T("error.form"))
		}
		return b, nil
	}
	peopleBrake, err := read("people")
	if err != nil {
		return done{}, err
	}
	members, err := read("members")
	if err != nil {
		return done{}, err
	}
	_, err = v.p.life.SetSafety(v.r.Context(), v.by(), func(s *lifecycle.Safety) error {
		s.People, s.Members = peopleBrake, members
		return checked(*s)
	})
	return done{to: "/safety", notice: "brakes"}, err
}

// Percent is a brake's share in percent, as the form has it.
func (v *visit) Percent(share *float64) string {
	if share == nil {
		return ""
	}
	return strconv.Itoa(int(*share*100 + .5))
}

// IntOr is a number that may be missing.
func (v *visit) IntOr(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// WindowsWith are the windows to choose from, and the one that is set.
func (v *visit) WindowsWith(b *lifecycle.Brake) []string {
	if b == nil {
		return windows
	}
	text, _ := b.Window.MarshalText()
	if slices.Contains(windows, string(text)) {
		return windows
	}
	return append([]string{string(text)}, windows...)
}

// WindowOf is a brake's window.
func (v *visit) WindowOf(b *lifecycle.Brake) string {
	if b == nil {
		return "1h"
	}
	text, _ := b.Window.MarshalText()
	return string(text)
}

// setMode pauses a connection, or resumes it.
func setMode(from, mode lifecycle.ConnectionState, notice string) func(*visit) (done, error) {
	return func(v *visit) (done, error) {
		_, one, err := v.connections()
		if err != nil {
			return done{}, err
		}
		if one == nil {
			return done{}, wrong(v.T("error.noconnection"))
		}
		if one.State != from && one.State != mode { // a shadow that is paused and resumed would become live by accident
			return done{}, wrong(v.T("error.mode"))
		}
		_, err = v.p.opts.Connections.Change(v.r.Context(), v.by(), one.ID, connection.Update{State: &mode})
		return done{to: "/safety", notice: notice}, err
	}
}

// OffModel is the page that switches a connection off.
type OffModel struct {
	Connections []ConnectionModel `json:"connections"`
	Connection  *ConnectionModel  `json:"connection"`
	Credentials int               `json:"credentials"` // that will be revoked
	People      Span              `json:"people"`      // whom nobody will manage
	More        bool              `json:"more"`        // there are too many people to look at each of them, so People has bounds
}

func offPage(v *visit) (any, error) {
	list, one, err := v.connections()
	if err != nil {
		return nil, err
	}
	m := OffModel{}
	if m.Connections, err = v.connectionModels(list); err != nil {
		return nil, err
	}
	if one == nil && len(list) > 0 { // what is off can be switched on again
		one = &list[len(list)-1]
	}
	if one == nil {
		return m, nil
	}
	c, err := v.connectionModel(one)
	if err != nil {
		return nil, err
	}
	m.Connection, m.Credentials = &c, len(one.Credentials)
	counts, err := v.p.countPeople(v.r.Context(), v.Admin.Tenant, one.ID)
	m.People, m.More = counts.mine, !counts.all
	return m, err
}

// switchOff ends a connection, if its name was typed.
func switchOff(v *visit) (done, error) {
	_, one, err := v.connections()
	if err != nil {
		return done{}, err
	}
	if one == nil {
		return done{}, wrong(v.T("error.noconnection"))
	}
	if v.get("confirm") != one.Name {
		return done{}, wrong(v.T("error.confirm", one.Name))
	}
	err = v.p.opts.Connections.SwitchOff(v.r.Context(), v.by(), one.ID)
	return done{to: "/off?" + query("connection", one.ID), notice: "off"}, err
}

// switchOn undoes switchOff: the connection manages again those whom no other connection has taken over. Its credentials stay revoked.
func switchOn(v *visit) (done, error) {
	_, one, err := v.connections()
	if err != nil {
		return done{}, err
	}
	if one == nil {
		return done{}, wrong(v.T("error.noconnection"))
	}
	if one.State != lifecycle.ConnectionOff {
		return done{}, wrong(v.T("error.mode"))
	}
	live := lifecycle.ConnectionLive
	_, err = v.p.opts.Connections.Change(v.r.Context(), v.by(), one.ID, connection.Update{State: &live})
	return done{to: "/credentials?" + query("connection", one.ID), notice: "on"}, err
}
