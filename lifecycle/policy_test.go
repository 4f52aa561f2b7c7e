package lifecycle_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

func adjusted(change func(*lifecycle.Settings)) lifecycle.Settings {
	s := lifecycle.DefaultSettings()
	change(&s)
	return s
}

var badSettings = map[string]struct {
	settings lifecycle.Settings
	words    string
}{
	"deprovision":     {adjusted(func(s *lifecycle.Settings) { s.Deprovision = "deactivated" }), `deprovision: want one of [suspend deactivate delete], got "deactivated"`},
	"delete":          {adjusted(func(s *lifecycle.Settings) { s.Delete = "Keep" }), `delete: want one of [remove keep], got "Keep"`},
	"existingAccount": {adjusted(func(s *lifecycle.Settings) { s.ExistingAccount = "aquire" }), "existingAccount: want one of [refuse acquire link]"},
	"existingUser":    {adjusted(func(s *lifecycle.Settings) { s.ExistingUser = "linked" }), "existingUser: want one of [refuse link]"},
	"inactiveUser":    {adjusted(func(s *lifecycle.Settings) { s.InactiveUser = "revive" }), "inactiveUser: want one of [refuse restore]"},
	"sameExternalId":  {adjusted(func(s *lifecycle.Settings) { s.SameExternalID = "yes" }), "sameExternalId: want one of [refuse allow]"},
	"scimOff":         {adjusted(func(s *lifecycle.Settings) { s.SCIMOff = "suspended" }), "scimOff: want one of [keep suspend]"},
	"seatCounting":    {adjusted(func(s *lifecycle.Settings) { s.SeatCounting = "active" }), "seatCounting: want one of [provisioned billed]"},
	"seatLimit":       {adjusted(func(s *lifecycle.Settings) { s.SeatLimit = new(int); *s.SeatLimit = -1 }), "seatLimit: want 0 or more"},
	"nothing allowed": {lifecycle.Settings{Review: true}, "begin with lifecycle.DefaultSettings()"},
}

// Fault 8: a misspelt policy was another policy, wherever it came from.
func TestMisspeltSettings(t *testing.T) {
	for name, c := range badSettings {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, c.settings.Validate(), c.words)
			_, err := lifecycle.New(storetest.NewFake(), &lifecycle.Options{Settings: lifecycle.FixedSettings(c.settings)})
			require.ErrorContains(t, err, c.words)
			bad := func() lifecycle.Settings { return c.settings }
			stored := &lifecycle.StoredSettings{Store: storetest.NewFake(), Defaults: bad}
			_, err = lifecycle.New(storetest.NewFake(), &lifecycle.Options{Settings: stored})
			require.ErrorContains(t, err, c.words)
			_, err = stored.Settings(t.Context(), "acme")
			require.ErrorContains(t, err, c.words)
			require.ErrorContains(t, stored.Set(t.Context(), "acme", c.settings), c.words)
			s, err := lifecycle.New(storetest.NewFake(), &lifecycle.Options{Settings: source(bad)})
			require.NoError(t, err)
			require.ErrorContains(t, s.Admit(t.Context(), &lifecycle.Request{Tenant: "acme", By: lifecycle.SourceSCIM}), c.words)
			require.ErrorContains(t, s.Admit(t.Context(), &lifecycle.Request{Tenant: "acme", By: lifecycle.SourceSCIM}), `the tenant "acme": `)
			_, err = s.Login(t.Context(), "acme", lifecycle.Identity{UserName: "ada"})
			require.ErrorContains(t, err, c.words)
		})
	}
}

// kept is a store with these settings of every tenant.
type kept struct {
	store.Store
	settings document.Document
}

func (k kept) Get(_ context.Context, key store.Key) (*store.Resource, error) {
	return &store.Resource{Key: key, Version: "1", Internal: k.settings}, nil
}

// Fault 8: what is in the store is checked when it is read, by whomever it was written.
func TestStoredWords(t *testing.T) {
	for text, words := range map[document.Document]string{
		`{"deprovision":"deactivated"}`: `"acme": deprovision: want one of [suspend deactivate delete], got "deactivated"`,
		`{"delete":""}`:                 `delete: want one of [remove keep], got ""`,
		`{"reviews":true}`:              `unknown field "reviews"`,
		`{"seatLimit":-1}`:              "seatLimit: want 0 or more",
		`{"scim":"yes"}`:                "scim",
		`{"scim":false,"sso":false,"manual":false,"suspendManaged":false,"planAllows":false}`: "begin with",
		`[]`:            "damaged",
		`null`:          "damaged",
		``:              "damaged",
		`{"review":tru`: "damaged",
	} {
		t.Run(string(text), func(t *testing.T) {
			s := &lifecycle.StoredSettings{Store: kept{settings: text}}
			got, err := s.Settings(t.Context(), "acme")
			require.ErrorContains(t, err, words)
			assert.Zero(t, got)
			assert.Equal(t, words == "damaged", errors.Is(err, store.ErrCorrupt))
		})
	}
	s := &lifecycle.StoredSettings{Store: kept{settings: `{"review":true}`}}
	got, err := s.Settings(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, adjusted(func(s *lifecycle.Settings) { s.Review = true }), got, "what is missing is as by default")
}

// An empty word is the default, in Go; who reads settings sees only words.
func TestEmptyWords(t *testing.T) {
	bare := lifecycle.Settings{SCIM: true, SSO: true, Manual: true, SuspendManaged: true, PlanAllows: true}
	require.NoError(t, bare.Validate())
	_, err := lifecycle.New(storetest.NewFake(), &lifecycle.Options{Settings: lifecycle.FixedSettings(bare)})
	require.NoError(t, err)
	s := &lifecycle.StoredSettings{Store: storetest.NewFake(), MaxAge: time.Nanosecond, Defaults: func() lifecycle.Settings { return bare }}
	got, err := s.Settings(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, lifecycle.DefaultSettings(), got)
	require.NoError(t, s.Set(t.Context(), "acme", bare))
	got, err = s.Settings(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, lifecycle.DefaultSettings(), got)
}

// The JSON form is what administrators' pages and other services read and write.
func TestSettingsInJSON(t *testing.T) {
	text, err := json.Marshal(lifecycle.DefaultSettings())
	require.NoError(t, err)
	assert.JSONEq(t, `{"scim":true,"sso":true,"jit":false,"manual":true,"scimOff":"keep","review":false,"deprovision":"suspend","delete":"remove",
		"existingAccount":"refuse","existingUser":"refuse","handOver":false,"inactiveUser":"refuse","sameExternalId":"refuse","editManaged":false,"suspendManaged":true,"seatLimit":null,"seatCounting":"provisioned",
		"defaultRole":"","plan":"","planAllows":true,"keepBodiesUntil":null,"keepValuesUntil":null}`, string(text))
	var s lifecycle.Settings
	require.NoError(t, json.Unmarshal(text, &s))
	assert.Equal(t, lifecycle.DefaultSettings(), s)
	for _, bad := range []string{`{"scimOff":"x"}`, `{"deprovision":"x"}`, `{"delete":"x"}`, `{"existingAccount":"x"}`, `{"existingUser":"x"}`, `{"inactiveUser":""}`, `{"sameExternalId":"x"}`, `{"seatCounting":""}`} {
		require.ErrorContains(t, json.Unmarshal([]byte(bad), &s), "want one of", bad)
	}
}

// Mistakes that can be seen before the first request are errors of New.
func TestBadSources(t *testing.T) {
	fake := storetest.NewFake()
	for words, source := range map[string]lifecycle.SettingsSource{
		"StoredSettings.Store is not set": &lifecycle.StoredSettings{},
		"Store is not set":                (*lifecycle.StoredSettings)(nil),
		"StoredSettings.MaxAge":           &lifecycle.StoredSettings{Store: fake, MaxAge: -1},
		"a nil *FixedSettings":            (*lifecycle.FixedSettings)(nil),
		"are all false":                   &lifecycle.FixedSettings{Review: true},
		"planAllows is false":             lifecycle.FixedSettings(adjusted(func(s *lifecycle.Settings) { s.PlanAllows = false })),
	} {
		_, err := lifecycle.New(fake, &lifecycle.Options{Settings: source})
		require.ErrorContains(t, err, words)
	}
	_, err := new(lifecycle.StoredSettings).Settings(t.Context(), "acme")
	require.ErrorContains(t, err, "Store is not set")
	require.ErrorContains(t, new(lifecycle.StoredSettings).Set(t.Context(), "acme", lifecycle.DefaultSettings()), "Store is not set")
}

// Settings are checked at each request.
func TestCheckingSettingsAllocatesNothing(t *testing.T) {
	s := lifecycle.DefaultSettings()
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if s.Validate() != nil {
			t.Fail()
		}
	}))
}
