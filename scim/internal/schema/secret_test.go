package schema

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// TestErrorsShowNoSecrets shows that no error has the text that a filter compares a secret attribute with: one that is writeOnly or never
// returned, or that the product declared sensitive.
func TestErrorsShowNoSecrets(t *testing.T) {
	const secret = "hunter2"
	u, d := userType(t), deviceType(t)
	for _, path := range []string{"title", "emails", "name.givenName", enterprise} {
		require.NoError(t, u.Hide(path))
	}
	for _, path := range []string{"ports", "bought", "disks.size"} {
		require.NoError(t, d.Hide(path))
	}
	hidden := func(err error, text string) {
		t.Helper()
		if err != nil {
			assert.NotContains(t, err.Error(), secret, text)
		}
	}
	literals := []string{`"` + secret + `"`, `"` + secret, secret, `"` + secret + `" x`, `'` + secret + `'`, `["` + secret + `"]`, `"` + secret + `"]`}
	for _, typ := range []*Type{u, d, groupType(t)} {
		for _, attr := range []string{"password", "pin", "owner.token", "title", "emails.value", "emails.primary", "name.givenName", "ports", "bought", "disks.size", "shared", "employeeNumber", enterprise + ":manager.value", "nothing"} {
			for _, literal := range literals {
				for _, op := range []string{" eq ", " gt ", " co ", "=", " "} {
					for _, text := range []string{attr + op + literal, attr + "[value" + op + literal + "]", attr + "[value" + op + literal + "].x", attr + ".x" + op + literal} {
						for _, strict := range []bool{false, true} {
							x, _, err := filter.Parse(text, filter.Options{Strict: strict})
							if op != "=" && op != " " { // with these, the parser can't find a value
								hidden(err, text)
							}
							if err == nil {
								_, err = typ.Bind(x, &Mode{Refused: refused(strict)})
								hidden(err, text)
							}
							if p, _, err := filter.ParsePath(text, filter.Options{Strict: strict}); err == nil && p.Where != nil {
								if a, _, err := typ.Resolve(p.Path, nil); err == nil && a != nil && a.Type == filter.Complex {
									_, err = typ.BindElement(a, p.Where, &Mode{Refused: refused(strict)})
									hidden(err, text)
								}
							}
							_, err = typ.BindSort(text, &Mode{Refused: refused(strict)})
							hidden(err, text)
							_, err = typ.Decode(document.Object(document.Field{Name: text, Value: document.String("x")}), &Mode{Refused: refused(strict)})
							hidden(err, text)
						}
					}
				}
			}
		}
	}
}

// TestErrorsShowWhatIsNoSecret shows that errors have other values, so that an administrator can see what is wrong.
func TestErrorsShowWhatIsNoSecret(t *testing.T) {
	u := userType(t)
	require.NoError(t, u.Hide("title"))
	for text, want := range map[string]string{
		`active eq "maybe"`: `active: want true or false, got "maybe"`, `meta.created gt "yesterday"`: `got "yesterday"`,
	} {
		x, _, err := filter.Parse(text, filter.Options{})
		require.NoError(t, err)
		_, err = u.Bind(x, nil)
		assert.ErrorContains(t, err, want)
	}
	_, err := u.BindSort("name", nil)
	assert.ErrorContains(t, err, "name is complex")
}
