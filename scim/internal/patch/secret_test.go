package patch

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
)

// TestErrorsShowNoSecrets shows that no error has the value of a secret attribute, nor the text that a path compares it with, whatever else is
// wrong.
func TestErrorsShowNoSecrets(t *testing.T) {
	const secret = "hunter2"
	st := userType(t)
	for _, path := range []string{"title", "emails", "ims.value", badge + ":keys", badge + ":tags", badge + ":level"} {
		require.NoError(t, st.Hide(path))
	}
	cur, err := st.Finish(parse(t, babs))
	require.NoError(t, err)
	check := func(item document.Value) {
		t.Helper()
		body := document.Object(document.Field{Name: "Operations", Value: document.Array(item)})
		for _, strict := range []bool{false, true} {
			if _, _, err := run(t, st, cur, body, &schema.Mode{Refused: refused(strict)}); err != nil {
				assert.NotContains(t, err.Error(), secret, "%s", document.AppendJSON(nil, item))
			}
		}
	}
	member := func(name, text string) document.Field {
		return document.Field{Name: name, Value: document.String(text)}
	}
	for _, attr := range []string{"password", "title", "emails", "ims", badge + ":keys", badge + ":tags", badge + ":level", "nothing"} {
		for _, brackets := range []string{
			`[value eq "%"]`, `[value eq "%"`, `[value eq "%]`, `[value eq %]`, `[value eq '%']`, `[type eq "work" and value eq "%"]`, `[not (value co "x%")]`, `[password eq "%"]`,
			`[value eq "%"].value`, `[value eq "%"].nothing`, `[value eq "%"].a.b`, `[value eq "%"] x`, `[value gt "%" or value eq "%"].value`, ` eq "%"`, `.value eq "%"`,
		} {
			path := attr
			for _, c := range brackets {
				if c == '%' {
					path += secret
				} else {
					path += string(c)
				}
			}
			for _, op := range []string{"add", "remove", "replace"} {
				for _, value := range []document.Value{{}, document.String("x"), document.Int(1), document.Array(), document.Object(member("value", "x"), member("primary", "maybe")), document.Object(member("nothing", "x"))} {
					check(document.Object(member("op", op), member("path", path), document.Field{Name: "value", Value: value}))
					check(document.Object(member("op", op), document.Field{Name: "value", Value: document.Object(document.Field{Name: path, Value: value})}))
				}
			}
		}
	}
	for _, path := range []string{"password", badge + ":level", badge + ":tags", "title", "emails", `emails[type eq "work"].primary`} {
		for _, value := range []document.Value{document.String(secret), document.Object(member("value", secret)), document.Array(document.String(secret)), document.Array(document.Array(document.String(secret)))} {
			for _, op := range []string{"add", "remove", "replace"} {
				check(document.Object(member("op", op), member("path", path), document.Field{Name: "value", Value: value}))
			}
		}
	}
}

// TestErrorsShowOtherFilters shows that an error has a filter that compares nothing secret, so that an administrator finds the operation.
func TestErrorsShowOtherFilters(t *testing.T) {
	st := userType(t)
	require.NoError(t, st.Hide("ims.value"))
	for path, want := range map[string]string{
		`emails[type eq "work"].shoe`:       `Operations[0] emails[type eq "work"].shoe`,
		`ims[type eq "work"].shoe`:          `Operations[0] ims[type eq "work"].shoe`,
		`ims[value eq "work"].shoe`:         `Operations[0] ims[...`,
		`ims[not (value eq "work")].shoe`:   `Operations[0] ims[...`,
		`ims[type pr or value pr].shoe`:     `Operations[0] ims[type pr or value pr].shoe`,
		`emails[shoe eq "work"].value`:      `Operations[0] emails[...`,
		`emails[type eq "work" and type pr`: `Operations[0] emails[...`,
	} {
		body := document.Object(document.Field{Name: "Operations", Value: document.Array(document.Object(
			document.Field{Name: "op", Value: document.String("replace")}, document.Field{Name: "path", Value: document.String(path)},
			document.Field{Name: "value", Value: document.String("x")}))})
		_, err := Parse(st, body, nil, Limits{})
		var e *schema.Error
		if assert.ErrorAs(t, err, &e, path) {
			assert.Equal(t, want, e.Path)
		}
	}
}
