package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store/document"
)

type fullName struct {
	Login string `scim:"userName"`
	Full  string `validate:"max=20"`
}

// twoNames maps two attributes to one field.
var twoNames = mapping.Composed{
	Paths: []string{"name.givenName", "name.familyName"}, Fields: []string{"Full"},
	In: func(a []string) ([]string, error) {
		if a[0] == "" && a[1] != "" {
			return nil, errors.New("want a given name too")
		}
		return []string{strings.TrimSpace(a[0] + " " + a[1])}, nil
	},
	Out: func(f []string) []string {
		given, family, _ := strings.Cut(f[0], " ")
		return []string{given, family}
	},
}

func parsed(t *testing.T, text string) document.Value {
	t.Helper()
	v, err := document.Parse(text, 0)
	require.NoError(t, err)
	return v
}

func TestComposedIntoOne(t *testing.T) {
	m, err := mapping.Compile[fullName](&mapping.Options{Composed: []mapping.Composed{twoNames}})
	require.NoError(t, err)
	sent := parsed(t, `{"userName":"ada","name":{"givenName":"Ada Maria","familyName":"King"}}`)
	var v fullName
	out, err := m.Create(sent, &v)
	require.NoError(t, err)
	assert.Equal(t, fullName{"ada", "Ada Maria King"}, v)
	assert.Empty(t, out.Ignored)
	assert.JSONEq(t, `{"userName":"ada","name":{"givenName":"Ada","familyName":"Maria King"}}`, string(document.AppendJSON(nil, m.ToSCIM(&v))))

	_, changed := m.Merge(sent, &v)
	assert.False(t, changed, "what was sent stays as it was sent, as long as the field is what it means")
	next := parsed(t, `{"userName":"ada","name":{"givenName":"Ada Maria","familyName":"Byron"}}`)
	out, err = m.Update(sent, next, &v)
	require.NoError(t, err)
	assert.Equal(t, "Ada Maria Byron", v.Full)
	assert.Equal(t, []mapping.Change{{Field: "Full", Path: "name.familyName"}}, out.Changed)

	v.Full = "Eve"
	merged, changed := m.Merge(next, &v)
	assert.True(t, changed)
	assert.JSONEq(t, `{"userName":"ada","name":{"givenName":"Eve"}}`, string(document.AppendJSON(nil, merged)))

	var invalid *mapping.InvalidError
	_, err = m.Create(parsed(t, `{"name":{"familyName":"King"}}`), &v)
	require.ErrorAs(t, err, &invalid)
	assert.Equal(t, "want a given name too", invalid.Detail)
	_, err = m.Create(parsed(t, `{"name":{"givenName":"a name that is longer than twenty"}}`), &v)
	require.ErrorAs(t, err, &invalid)
	assert.Equal(t, "name.givenName", invalid.Path)
	assert.Contains(t, invalid.Detail, "at most 20 characters")
	_, err = m.Create(parsed(t, `{"name":{"givenName":7}}`), &v)
	assert.ErrorContains(t, err, "name.givenName: want a string")
}

func TestComposedIntoSeveral(t *testing.T) {
	type names struct {
		Login        string `scim:"userName"`
		First, Last  string
		Email, Place string
	}
	m, err := mapping.Compile[names](&mapping.Options{Composed: []mapping.Composed{
		{Paths: []string{"displayName"}, Fields: []string{"First", "Last"}, Authority: mapping.OnCreate,
			In: func(a []string) ([]string, error) {
				first, last, _ := strings.Cut(a[0], " ")
				return []string{first, last}, nil
			},
			Out: func(f []string) []string { return []string{strings.TrimSpace(f[0] + " " + f[1])} }},
		{Paths: []string{`emails[type eq "work"].value`}, Fields: []string{"Email", "Place"},
			In: func(a []string) ([]string, error) {
				at, place, _ := strings.Cut(a[0], "@")
				return []string{at, place}, nil
			},
			Out: func(f []string) []string { return []string{f[0] + "@" + f[1]} }},
	}})
	require.NoError(t, err)
	sent := parsed(t, `{"userName":"ada","displayName":"Ada King","emails":[{"type":"work","value":"a@b.example"}]}`)
	var v names
	_, err = m.Create(sent, &v)
	require.NoError(t, err)
	assert.Equal(t, names{"ada", "Ada", "King", "a", "b.example"}, v)
	assert.JSONEq(t, string(document.AppendJSON(nil, sent)), string(document.AppendJSON(nil, m.ToSCIM(&v))))
	out, err := m.Update(sent, parsed(t, `{"userName":"ada","displayName":"Eve Queen"}`), &v)
	require.NoError(t, err)
	assert.Equal(t, names{"ada", "Ada", "King", "", ""}, v)
	assert.Equal(t, "displayName", out.Ignored[0].Path)
	assert.Equal(t, "Ada King", out.Attributes.Get("displayName").Text())
	assert.Equal(t, map[string]string{"displayName": "immutable"}, m.Mutability())
}

func TestComposedRefused(t *testing.T) {
	with := func(change func(*mapping.Composed)) error {
		c := twoNames
		change(&c)
		_, err := mapping.Compile[fullName](&mapping.Options{Composed: []mapping.Composed{c}})
		return err
	}
	assert.ErrorContains(t, with(func(c *mapping.Composed) { c.In = nil }), "want Paths, Fields, In and Out")
	assert.ErrorContains(t, with(func(c *mapping.Composed) { c.Fields = []string{"Ful"} }), "no exported field Ful")
	assert.ErrorContains(t, with(func(c *mapping.Composed) { c.Fields = []string{"Login"} }), "Login holds userName already")
	assert.ErrorContains(t, with(func(c *mapping.Composed) { c.Paths = []string{"displayName"} }), "Out made 2 values for 1 paths")
	assert.ErrorContains(t, with(func(c *mapping.Composed) {
		c.In = func([]string) ([]string, error) { return nil, nil }
	}), "In made 0 values for 1 fields")
	assert.ErrorContains(t, with(func(c *mapping.Composed) { c.Paths = []string{"userName", "title"} }), "both hold userName")
	assert.ErrorContains(t, with(func(c *mapping.Composed) { c.Paths = []string{"id", "title"} }), "id can't be mapped")
	assert.Panics(t, func() { mapping.Must(mapping.For[struct{}]()) })
}
