package filter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store/document"
)

func TestParsePath(t *testing.T) {
	work := eq("type", "work")
	for _, tt := range []struct {
		in   string
		want PatchPath
	}{
		// RFC 7644 figure 8.
		{`members`, PatchPath{Path: Path{Name: "members"}}},
		{`name.familyName`, PatchPath{Path: Path{Name: "name", Sub: "familyName"}}},
		{`addresses[type eq "work"]`, PatchPath{Path: Path{Name: "addresses"}, Where: work}},
		{`members[value eq "2819c223-7f76-453a-919d-413861904646"]`,
			PatchPath{Path: Path{Name: "members"}, Where: eq("value", "2819c223-7f76-453a-919d-413861904646")}},
		{`members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName`,
			PatchPath{Path: Path{Name: "members"}, Where: eq("value", "2819c223-7f76-453a-919d-413861904646"), Sub: "displayName"}},

		{`emails[type eq "work"].value`, PatchPath{Path: Path{Name: "emails"}, Where: work, Sub: "value"}},
		{`addresses[type eq "work" and primary eq true].formatted`,
			PatchPath{Path: Path{Name: "addresses"}, Where: And{work, is(at("primary"), Eq, document.Bool(true))}, Sub: "formatted"}},
		{`emails[not (type eq "work") or value pr]`, PatchPath{Path: Path{Name: "emails"}, Where: Or{Not{work}, pr("value")}}},
		{`members.$ref`, PatchPath{Path: Path{Name: "members", Sub: "$ref"}}},
		{`members[$ref eq "x"].$ref`, PatchPath{Path: Path{Name: "members"}, Where: eq("$ref", "x"), Sub: "$ref"}},
		{` active `, PatchPath{Path: Path{Name: "active"}}},
		{`emails[ type eq "work" ].value `, PatchPath{Path: Path{Name: "emails"}, Where: work, Sub: "value"}},
		{`roles[primary eq "True"].value`, PatchPath{Path: Path{Name: "roles"}, Where: eq("primary", "True"), Sub: "value"}},

		// URNs end at the last colon.
		{coreUser + `:userName`, PatchPath{Path: Path{URI: coreUser, Name: "userName"}}},
		{coreUser + `:name.familyName`, PatchPath{Path: Path{URI: coreUser, Name: "name", Sub: "familyName"}}},
		{coreUser + `:emails[type eq "work"].value`, PatchPath{Path: Path{URI: coreUser, Name: "emails"}, Where: work, Sub: "value"}},
		{enterprise + `:manager`, PatchPath{Path: Path{URI: enterprise, Name: "manager"}}},
		{enterprise + `:manager.value`, PatchPath{Path: Path{URI: enterprise, Name: "manager", Sub: "value"}}},
		{enterprise, PatchPath{Path: Path{URI: "urn:ietf:params:scim:schemas:extension:enterprise:2.0", Name: "User"}}},
		{enterprise + `.department`, PatchPath{Path: Path{URI: "urn:ietf:params:scim:schemas:extension:enterprise:2.0", Name: "User", Sub: "department"}}},
		{`urn:a:b:Device`, PatchPath{Path: Path{URI: "urn:a:b", Name: "Device"}}},
		{`urn:a:b:Device:attr`, PatchPath{Path: Path{URI: "urn:a:b:Device", Name: "attr"}}},

		// URNs that can't end in an attribute.
		{`urn:example:2.0`, PatchPath{Path: Path{URI: "urn:example:2.0"}}},
		{`urn:example:a.b.c`, PatchPath{Path: Path{URI: "urn:example:a.b.c"}}},
		{`urn:example:a.1`, PatchPath{Path: Path{URI: "urn:example:a.1"}}},
		{`http://schemas.example.com/2.0/User`, PatchPath{Path: Path{URI: "http://schemas.example.com/2.0/User"}}},
	} {
		p, dialect, err := ParsePath(tt.in, Options{Strict: true})
		if assert.NoError(t, err, tt.in) {
			assert.Equal(t, tt.want, p, tt.in)
			assert.Zero(t, dialect, tt.in)
			roundTripPath(t, p)
		}
	}
}

func TestParsePathErrors(t *testing.T) {
	for _, tt := range []struct {
		in   string
		pos  int
		want string
		got  string
	}{
		{``, 1, anAttribute, `the end`},
		{`  `, 3, anAttribute, `the end`},
		{`/members`, 1, anAttribute, `"/members"`},
		{`"members"`, 1, anAttribute, `"\""`},
		{`members x`, 9, "'.', '[' or the end", `"x"`},
		{`members [value eq "x"]`, 9, "'.', '[' or the end", `"["`},
		{`members]`, 8, "'.', '[' or the end", `"]"`},
		{`members/0`, 8, "'.', '[' or the end", `"/0"`},
		{`a.b.c`, 4, "the end", `".c"`},
		{`a.b[c pr]`, 4, "no square brackets behind a sub-attribute", `"["`},
		{`a.`, 3, aSubAttribute, `the end`},
		{`a..b`, 3, aSubAttribute, `".b"`},
		{`members[]`, 9, aSubAttribute, `"]"`},
		{`members["x"]`, 9, aSubAttribute, `"\""`},
		{`members[0]`, 9, aSubAttribute, `"0"`},
		{`members[value eq]`, 17, "a space and a value", `"]"`},
		{`members[value eq "x"`, 21, "and, or, or ']'", `the end`},
		{`members[value eq "x"].`, 23, aSubAttribute, `the end`},
		{`members[value eq "x"]display`, 22, "'.' or the end", otherText},
		{`members[value eq "x"].a.b`, 24, "the end", otherText},
		{`members[value eq "x"].value eq "y"`, 29, "the end", otherText},
		{`members[a[b pr]]`, 10, "an operator, as square brackets don't nest", `"["`},
		{`userName eq "x"`, 10, "'.', '[' or the end", `"eq"`},
		{`urn:a:`, 7, anAttribute, `the end`},
		{`urn:example:2.0[a pr]`, 13, anAttribute, `"2.0"`},
		{`urn:exa^mple:2.0`, 8, "the URN of a schema", `"^mple:2.0"`},
		{`:a`, 1, "the URN of a schema", `":a"`},
		{"a\xff", 2, "UTF-8", "a byte that is none"},
	} {
		_, _, err := ParsePath(tt.in, Options{})
		var e *Error
		if assert.ErrorAs(t, err, &e, tt.in) {
			assert.Equal(t, Error{tt.pos, tt.want, tt.got}, *e, tt.in)
		}
	}
}

func TestParsePathDialect(t *testing.T) {
	p, dialect, err := ParsePath(`members[value eq 1-2]`, Options{})
	require.NoError(t, err)
	assert.Equal(t, PatchPath{Path: Path{Name: "members"}, Where: eq("value", "1-2")}, p)
	assert.Equal(t, UnquotedValue, dialect)
	_, _, err = ParsePath(`members[value eq 1-2]`, Options{Strict: true})
	assert.ErrorContains(t, err, "at character 18: want a value")
}

func roundTripPath(t testing.TB, p PatchPath) {
	t.Helper()
	again, dialect, err := ParsePath(p.String(), Options{Strict: true, MaxLength: 1 << 20, MaxDepth: 1 << 10, MaxTerms: 1 << 16})
	require.NoError(t, err, p.String())
	require.Equal(t, p, again)
	require.Zero(t, dialect)
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{`members[value eq "x"]`, `emails[type eq "work"].value`, `name.familyName`, enterprise, enterprise + `:manager.value`, `urn:example:2.0`,
		`addresses[type eq "work" and not (primary eq true)].formatted`, `a.b.c`, `a[b eq c].d`, `http://x/y`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, dialect, err := ParsePath(s, Options{})
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			require.True(t, e.Pos >= 1 && e.Pos <= len(s)+1)
			return
		}
		roundTripPath(t, p)
		_, _, err = ParsePath(s, Options{Strict: true})
		require.Equal(t, dialect == 0, err == nil)
	})
}
