package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

func (a *App) getSettings(r *http.Request, in input) (any, error) {
	return a.Settings.Settings(r.Context(), in.Tenant)
}

// putSettings answers PUT /app/settings: it changes the settings that the body gives. When it answers, all processes go by
// them, and people's accounts are in line with them.
func (a *App) putSettings(r *http.Request, in input) (any, error) {
	settings, err := a.Settings.Settings(r.Context(), in.Tenant)
	if err != nil {
		return nil, err
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(in.raw, &given); err != nil {
		return nil, err
	}
	delete(given, "tenant")
	delete(given, "who")
	if err := merge(&settings, given); err != nil {
		return nil, badInput{err}
	}
	if err := a.Settings.Set(r.Context(), in.Tenant, settings); err != nil {
		return nil, err
	}
	if err := a.recordSettings(r.Context(), in, slices.Sorted(maps.Keys(given))); err != nil {
		return nil, err
	}
	for _, name := range []string{"scim", "scimOff", "seatCounting"} {
		if _, ok := given[name]; ok { // also if the value is the same: an earlier request may have been interrupted
			return settings, a.service.Apply(r.Context(), in.click())
		}
	}
	return settings, nil
}

// merge sets the settings that are given. It returns an error for an unknown name or a wrong value.
func merge(settings *lifecycle.Settings, given map[string]json.RawMessage) error {
	text, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	var known map[string]any
	if err := json.Unmarshal(text, &known); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		is, ok := known[name]
		if !ok {
			return fmt.Errorf("there is no setting %q; there are %v", name, slices.Sorted(maps.Keys(known)))
		}
		want, null := "a whole number, or null for none", string(given[name]) == "null"
		switch is.(type) {
		case bool:
			want = "true or false"
		case string:
			want = "a string"
		default:
			null = false // null is one of this setting's values
		}
		one, err := json.Marshal(map[string]json.RawMessage{name: given[name]})
		if err != nil {
			return err
		}
		err = json.Unmarshal(one, settings)
		if err != nil && strings.HasSuffix(name, "Until") {
			return fmt.Errorf("%s: want a time such as 2026-11-02T08:00:00Z, or null for none, got %s", name, given[name])
		}
		if null || errors.As(err, new(*json.UnmarshalTypeError)) {
			return fmt.Errorf("%s: want %s, got %s", name, want, given[name])
		}
		if err != nil {
			return err // the setting has no such value
		}
	}
	return settings.Validate()
}
