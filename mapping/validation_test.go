package mapping_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping"
)

type guest struct {
	Email  string   `scim:"userName,required" validate:"email"`
	Phone  string   `scim:"phoneNumbers[type eq \"mobile\"].value" validate:"omitempty,phone_cc"`
	Lang   string   `scim:"preferredLanguage" validate:"omitempty,bcp47"`
	E164   string   `scim:"phoneNumbers[type eq \"work\"].value" validate:"omitempty,e164"`
	Pin    string   `scim:"urn:example:door:pin,sensitive" validate:"omitempty,len=4"`
	Kind   string   `scim:"userType" validate:"omitempty,oneof=guest host"`
	Color  string   `scim:"urn:example:door:color" validate:"omitempty,primary_color"`
	Places []place  `scim:"addresses" validate:"dive"`
	Tags   []string `scim:"urn:example:door:tags" validate:"max=2,dive,alpha"`
	Home   struct {
		City string `scim:"addresses[type eq \"home\"].locality" validate:"max=3"`
	}
}

type place struct {
	Country string `scim:"country" validate:"iso3166_1_alpha2"`
}

func colors() *mapping.Options {
	return &mapping.Options{Checks: []mapping.Check{{
		Tag: "primary_color", Want: "red, yellow or blue",
		Valid: func(s string) bool { return s == "red" || s == "yellow" || s == "blue" },
	}}}
}

func TestValidation(t *testing.T) {
	m := compiled[guest](t, colors())
	for _, tt := range []struct{ with, path, want string }{
		{``, "", ""},
		{`"userName":""`, "userName", "userName: want a value; it is required"},
		{`"userName":"ada"`, "userName", `userName: want an e-mail address such as ada@example.com, got "ada"`},
		{`"phoneNumbers":[{"type":"mobile","value":"0049123"}]`, `phoneNumbers[type eq "mobile"].value`,
			`want <country_prefix> <telephone_number>, such as +49 301234567, got "0049123"`},
		{`"phoneNumbers":[{"type":"mobile","value":"+49 301234567"}]`, "", ""},
		{`"phoneNumbers":[{"type":"work","value":"301"}]`, `phoneNumbers[type eq "work"].value`, "want a telephone number such as +49301234567"},
		{`"preferredLanguage":"de_DE"`, "preferredLanguage", "want a language tag such as en or de-CH"},
		{`"preferredLanguage":"de-CH-1996"`, "", ""},
		{`"userType":"boss"`, "userType", "want one of guest, host"},
		{`"urn:example:door":{"pin":"secret"}`, "urn:example:door:pin", "want a length of 4"},
		{`"urn:example:door":{"color":"green"}`, "urn:example:door:color", `want red, yellow or blue, got "green"`},
		{`"urn:example:door":{"tags":["a","b","c"]}`, "urn:example:door:tags", "want at most 2 values"},
		{`"urn:example:door":{"tags":["a","1"]}`, "urn:example:door:tags", `want letters only, got "1"`},
		{`"addresses":[{"country":"DE"},{"country":"XX"}]`, "addresses.country", `want a country code such as DE, got "XX"`},
		{`"addresses":[{"country":"DE","type":"home","locality":"Rome"}]`, `addresses[type eq "home"].locality`, "want at most 3 characters"},
	} {
		t.Run(tt.with, func(t *testing.T) {
			sent := `{"userName":"ada@example.com"}`
			if strings.HasPrefix(tt.with, `"userName"`) {
				sent = "{" + tt.with + "}"
			} else if tt.with != "" {
				sent = `{"userName":"ada@example.com",` + tt.with + `}`
			}
			x := guest{Kind: "host"}
			_, err := m.Create(parse(t, sent), &x)
			if tt.path == "" {
				require.NoError(t, err)
				return
			}
			var invalid *mapping.InvalidError
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, tt.path, invalid.Path)
			assert.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "secret", "a sensitive value is not shown")
			assert.Equal(t, guest{Kind: "host"}, x)
		})
	}
}

// TestOldFaults shows that an update isn't refused for an invalid value that the product itself has in another field.
func TestOldFaults(t *testing.T) {
	m := compiled[guest](t, colors())
	x := guest{Email: "not an address", Kind: "host"}
	before := m.ToSCIM(&x)
	after := before.Clone()
	after.Set("userType", parse(t, `"guest"`))
	_, err := m.Update(before, after, &x)
	require.NoError(t, err)
	assert.Equal(t, "guest", x.Kind)
	require.Error(t, m.Validate(&x))
	after.Set("userName", parse(t, `"still none"`))
	_, err = m.Update(before, after, &x)
	require.ErrorContains(t, err, `userName: want an e-mail address such as ada@example.com, got "still none"`)
}

func TestPhoneCC(t *testing.T) {
	type x struct {
		P string `scim:"title" validate:"phone_cc"`
	}
	m := compiled[x](t, nil)
	for s, ok := range map[string]bool{
		"+49 301234567": true, "49 301234567": true, "+1 2025550123": true, "+423 1234": true,
		"": false, "+49301234567": false, "+49  301234567": false, "+ 1234567": false, "+0 1234567": false, "+1234 1234567": false,
		"+49 123": false, "+49 123456789012345": false, "+49 30-1234567": false, "+49 30 1234567": false, " +49 301234567": false, "+49 ３０１２３４５": false,
	} {
		assert.Equal(t, ok, m.Validate(&x{s}) == nil, "%q", s)
	}
}

func TestBadChecks(t *testing.T) {
	for _, c := range []mapping.Check{{Tag: "x", Want: "y"}, {Tag: "x", Valid: func(string) bool { return true }}, {Want: "y", Valid: func(string) bool { return true }}} {
		_, err := mapping.Compile[guest](&mapping.Options{Checks: []mapping.Check{c}})
		require.ErrorContains(t, err, "mapping: check")
	}
}
