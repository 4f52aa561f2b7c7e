package schema

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store/filter"
)

func TestCoerce(t *testing.T) {
	u := userType(t)
	for _, c := range []struct{ path, value, want string }{
		{"userName", `"x"`, `"x"`},
		{"userName", `null`, `null`},
		{"emails", `[{"VALUE":"x","Type":"work"},{"value":"y"}]`, `[{"value":"x","type":"work"},{"value":"y"}]`},
		{"emails", `null`, `null`},
		{"emails", `[]`, `[]`},
		{"emails.value", `"x"`, `"x"`},
		{"emails.primary", `"True"`, `true`},
		{"name", `{"givenName":"a","nothing":1}`, `{"givenName":"a"}`},
		{"name", `{}`, `null`},
		{"manager", `"m"`, `{"value":"m"}`},
		{"manager", `""`, `null`},
		{"manager", `[]`, `error: Operations[2].value: want an object with value, $ref, displayName, got array of 0`},
		{"emails", `[{"value":true}]`, `error: Operations[2].value[0].value: want a string, got boolean`},
		{"emails", `[{"value":7}]`, `[{"value":"7"}]`},
		{"emails", `[{"value":7e3}]`, `error: Operations[2].value[0].value: want a string, got number`},
		{"emails", `{"work":"a@d"}`, `error: Operations[2].value[0]: want an object with value, display, type, primary, got object`},
		{"emails", `[{"value":"a@x","type":"work"},{"value":"A@X","type":"WORK","display":"d"},{"value":"a@x"}]`, `[{"value":"a@x","display":"d","type":"work"},{"value":"a@x"}]`},
		{"active", `"x"`, `error: Operations[2].value: want true or false, got "x"`},
	} {
		a, _, err := u.Resolve(splitPath(c.path), nil)
		require.NoError(t, err)
		got, err := u.Coerce(a, parse(t, c.value), "Operations[2].value", nil)
		if err != nil {
			assert.Equal(t, c.want, "error: "+err.Error())
			continue
		}
		assert.Equal(t, c.want, text(got), "%s = %s", c.path, c.value)
	}
}

func TestIsBase64(t *testing.T) {
	for s, want := range map[string]bool{"": true, "YQ==": true, "YQ": true, "YWI=": true, "YWJj": true, "_-8": true, "/+8=": true,
		"YQ=": false, "Y": false, "=": false, "====": false, "/-8=": false, "YW\nJj": false, "YW Jj": false, "YQ==YQ==": false, "ä": false} {
		assert.Equal(t, want, isBase64(s), "%q", s)
	}
}

func TestClip(t *testing.T) {
	assert.Equal(t, `"short"`, quoted("short"))
	long := quoted(strings.Repeat("é", 100))
	assert.True(t, utf8.ValidString(long))
	assert.Less(t, len(long), 60)
	assert.Equal(t, `"a\"\n"`, quoted("a\"\n"))
}

func TestSplitPath(t *testing.T) {
	for s, want := range map[string]filter.Path{
		"userName":                       {Name: "userName"},
		"name.givenName":                 {Name: "name", Sub: "givenName"},
		enterprise + ":manager.$ref":     {URI: enterprise, Name: "manager", Sub: "$ref"},
		`emails[type eq "a:b.c]"].value`: {Name: "emails", Sub: "value"},
		`emails[type`:                    {Name: "emails"},
		"urn:example:2.0":                {URI: "urn:example:2.0"},
		"urn:x:":                         {URI: "urn:x:"},
		"":                               {},
	} {
		assert.Equal(t, want, splitPath(s), s)
	}
}

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		want      bool
	}{
		{"password", `{"password":1}`, true},
		{"password", `{"oldpassword":1}`, false},
		{"password", `{"oldpassword":1,"password":2}`, true},
		{"password", `{"a":"password","b":"\"password\":1"}`, false},
		{"password", `{"passwords":1}`, false},
		{"a", `{"a":1}`, true},
		{enterprise, `{"x":1,"` + enterprise + `":{"a":1}}`, true},
		{enterprise, `{"x":"` + enterprise + `"}`, false},
		{`q"`, `{"q\"":1}`, true},
	} {
		assert.Equal(t, c.want, patternOf(c.name).in(c.doc), "%s in %s", c.name, c.doc)
	}
}

func TestErrorPaths(t *testing.T) {
	e := invalid("invalidValue", "", "x")
	assert.Equal(t, "x", e.Error())
	assert.Equal(t, "[1]: x", e.at(1).Error())
	assert.Equal(t, "urn:x:emails[1]: x", e.under("emails").within("urn:x").Error())
	assert.Equal(t, "a.b: x", invalid("", "b", "x").under("a").Error())
	assert.Equal(t, "urn:x: x", invalid("", "", "x").within("urn:x").Error())
}
