package portal

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// choice is a setting that a customer may be let decide.
type choice struct {
	name  string   // of lifecycle.Settings in JSON
	words []string // that it may have; nil: it is on or off
	until bool     // to switch it on is for a day: its value is the time at which it ends
	// effect says whom a change to a word concerns: how many, and the text behind "effect." about it.
	effect func(c headcount, to string) (n Span, key string)
}

// later is the effect of a change that concerns nobody who is here now.
func later(key string) func(headcount, string) (Span, string) {
	return func(headcount, string) (Span, string) { return Span{}, key }
}

// choices are all that there are, in the order of the page.
var choices = []choice{
	{name: "scim", effect: func(c headcount, to string) (Span, string) {
		if to == "true" {
			return c.shutOut, "scim.on"
		}
		return c.managed, "scim.off"
	}},
	{name: "scimOff", words: []string{"keep", "suspend"}, effect: func(c headcount, to string) (Span, string) { return c.managed, "scimOff." + to }},
	{name: "sso", effect: func(c headcount, to string) (Span, string) {
		if to == "true" {
			return c.access, "sso.on"
		}
		return c.access, "sso.off"
	}},
	{name: "jit", effect: later("jit")},
	{name: "manual", effect: func(c headcount, _ string) (Span, string) { return c.byHand, "manual" }},
	{name: "review", effect: func(c headcount, to string) (Span, string) {
		if to == "true" {
			return c.access, "review.on"
		}
		return c.pending, "review.off"
	}},
	{name: "deprovision", words: []string{"suspend", "deactivate", "delete"}, effect: func(c headcount, to string) (Span, string) { return c.managed, "deprovision." + to }},
	{name: "delete", words: []string{"remove", "keep"}, effect: func(c headcount, to string) (Span, string) { return c.managed, "delete." + to }},
	{name: "existingUser", words: []string{"refuse", "link"}, effect: func(c headcount, to string) (Span, string) { return c.byHand, "existingUser." + to }},
	{name: "existingAccount", words: []string{"refuse", "acquire", "link"}, effect: later("later")},
	{name: "inactiveUser", words: []string{"refuse", "restore"}, effect: func(c headcount, to string) (Span, string) { return c.inactive, "inactiveUser." + to }},
	{name: "suspendManaged", effect: func(c headcount, to string) (Span, string) { return c.managed, "suspendManaged" }},
	{name: "editManaged", effect: func(c headcount, to string) (Span, string) { return c.managed, "editManaged" }},
	{name: "handOver", effect: func(c headcount, to string) (Span, string) { return c.managed, "handOver" }},
	{name: "keepBodiesUntil", until: true, effect: later("keep")},
	{name: "keepValuesUntil", until: true, effect: later("keep")},
}

// ChoiceNames are the settings that a customer may be let decide (Options.Choices), by their names in JSON.
func ChoiceNames() []string {
	names := make([]string, len(choices))
	for i := range choices {
		names[i] = choices[i].name
	}
	return names
}

func (p *Portal) checkChoices() error {
	for _, name := range p.opts.Choices {
		if !slices.Contains(ChoiceNames(), name) {
			return fmt.Errorf("portal: Options.Choices: there is no choice %q; there are %v", name, ChoiceNames())
		}
	}
	return nil
}

// SettingsModel is the settings that the customer decides, and what a change would do.
type SettingsModel struct {
	Choices []ChoiceModel `json:"choices"`
	Changes []ChangeModel `json:"changes"` // with ?change=1 and the settings that are wanted
	More    bool          `json:"more"`    // there are too many people to look at each of them, so some numbers are bounds
	AtOnce  *AtOnceModel  `json:"atOnce"`  // nil: there are too many people to say
}

// AtOnceModel is what changed settings would do at once.
type AtOnceModel struct {
	LoseAccess int `json:"loseAccess"`
	GetAccess  int `json:"getAccess"`
	NoSeat     int `json:"noSeat"` // of GetAccess: who would find no seat
}

// ChoiceModel is a setting as it is.
type ChoiceModel struct {
	Name  string   `json:"name"`
	Value string   `json:"value"` // a word, true or false; of one with an end true while it holds
	Words []string `json:"words,omitempty"`
}

// On says whether a setting without words is on.
func (c ChoiceModel) On() bool { return c.Value == "true" }

// ChangeModel is a setting that would be another one.
type ChangeModel struct {
	Name   string `json:"name"`
	From   string `json:"from"`
	To     string `json:"to"`
	People Span   `json:"people"` // whom it concerns
	Effect string `json:"effect"` // in words
}

// valueOf reads a setting by its name.
func (c *choice) valueOf(s lifecycle.Settings) (string, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		return "", err
	}
	switch value := all[c.name].(type) {
	case bool:
		return fmt.Sprint(value), nil
	case string:
		if c.until {
			at, err := time.Parse(time.RFC3339, value)
			return fmt.Sprint(err == nil && at.After(time.Now())), nil
		}
		return value, nil
	}
	return fmt.Sprint(false), nil
}

// set changes a setting by its name.
func (c *choice) set(s *lifecycle.Settings, value string) error {
	var x any
	switch {
	case c.until && value == "true":
		x = time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
	case c.until:
		x = nil
	case c.words == nil:
		x = value == "true"
	default:
		x = value
	}
	text, err := json.Marshal(map[string]any{c.name: x})
	if err != nil {
		return err
	}
	return json.Unmarshal(text, s)
}

// wanted are the changes that a form asks for: a box that isn't ticked isn't sent.
func (v *visit) wanted(s lifecycle.Settings) (list []ChangeModel, err error) {
	for i := range choices {
		c := &choices[i]
		if !slices.Contains(v.p.opts.Choices, c.name) {
			continue
		}
		is, err := c.valueOf(s)
		if err != nil {
			return nil, err
		}
		to := v.get(c.name)
		switch {
		case c.words == nil && to == "":
			to = "false"
		case c.words == nil && to != "true" && to != "false", c.words != nil && !slices.Contains(c.words, to):
			return nil, wrong(v.T("error.form"))
		}
		if to != is {
			list = append(list, ChangeModel{Name: c.name, From: is, To: to})
		}
	}
	return list, nil
}

func settings(v *visit) (any, error) {
	ctx, tenant := v.r.Context(), v.Admin.Tenant
	s, err := v.p.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return nil, err
	}
	m := SettingsModel{Choices: []ChoiceModel{}, Changes: []ChangeModel{}}
	for i := range choices {
		c := &choices[i]
		if slices.Contains(v.p.opts.Choices, c.name) {
			value, err := c.valueOf(s)
			if err != nil {
				return nil, err
			}
			m.Choices = append(m.Choices, ChoiceModel{c.name, value, c.words})
		}
	}
	if v.get("change") == "" {
		return m, nil
	}
	changes, err := v.wanted(s)
	if err != nil {
		return nil, err
	}
	counts, err := v.p.countPeople(ctx, tenant, "")
	if err != nil {
		return nil, err
	}
	m.More = !counts.all
	for i := range changes {
		at := slices.IndexFunc(choices, func(c choice) bool { return c.name == changes[i].Name })
		n, key := choices[at].effect(counts, changes[i].To)
		changes[i].People, changes[i].Effect = n, v.T("effect."+key, v.Count(n))
	}
	m.Changes = append(m.Changes, changes...)
	if len(changes) == 0 || !counts.all {
		return m, nil
	}
	if err := apply(&s, changes); err != nil {
		return nil, err
	}
	report, err := v.p.life.WhatIf(ctx, tenant, lifecycle.WhatIf{Settings: &s})
	m.AtOnce = &AtOnceModel{report.LoseAccess, report.GetAccess, report.NoSeat}
	return m, err
}

// apply changes settings, or says what is wrong with them.
func apply(s *lifecycle.Settings, changes []ChangeModel) error {
	for _, x := range changes {
		at := slices.IndexFunc(choices, func(c choice) bool { return c.name == x.Name })
		if err := choices[at].set(s, x.To); err != nil {
			return wrong(err.Error())
		}
	}
	if err := s.Validate(); err != nil {
		return wrong(err.Error())
	}
	return nil
}

// setSettings keeps the settings, and lets the people's accounts follow them.
func setSettings(v *visit) (done, error) {
	ctx, tenant := v.r.Context(), v.Admin.Tenant
	s, err := v.p.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return done{}, err
	}
	changes, err := v.wanted(s)
	if err != nil || len(changes) == 0 {
		return done{to: "/settings"}, err
	}
	var names []string
	follow := false
	for _, x := range changes {
		names = append(names, x.Name)
		follow = follow || x.Name == "scim" || x.Name == "scimOff"
	}
	if err := apply(&s, changes); err != nil {
		return done{}, err
	}
	if err := v.p.opts.Settings.Set(ctx, tenant, s); err != nil {
		return done{}, err
	}
	by := v.by()
	by.Action = "change settings"
	if err := v.p.life.Record(ctx, by, store.Key{Type: "rollcall.Settings", ID: "settings"}, lifecycle.Updated, "", names...); err != nil {
		return done{}, err
	}
	if follow {
		err = v.p.life.Apply(ctx, v.by())
	}
	return done{to: "/settings", notice: "settings"}, err
}
