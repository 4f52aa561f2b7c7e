package schema

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

func TestBind(t *testing.T) {
	types := map[string]*Type{"user": userType(t), "group": groupType(t), "device": deviceType(t)}
	for _, c := range []struct {
		typ, filter, want string
		quirks            []string
	}{
		{"user", `userName eq "Ada"`, `userName eq "ada"`, nil},
		{"user", `USERNAME EQ "Ada"`, `userName eq "ada"`, nil},
		{"user", `externalId eq "Ada"`, `externalId eq "Ada"`, nil},
		{"user", `id eq "Ada"`, `id eq "Ada"`, nil},
		{"user", coreUser + `:username sw "A"`, `userName sw "a"`, nil},
		{"user", enterprise + `:Department eq "R&D"`, enterprise + `:department eq "r&d"`, nil},
		{"user", `title pr and not (active eq true) or name.FamilyName co "X"`, `title pr and not (active eq true) or name.familyName co "x"`, nil},
		{"user", `emails[type eq "Work" and value co "@X"]`, `emails[type eq "work" and value co "@x"]`, nil},
		{"user", `emails[not (emails.type eq "Work") or primary eq true]`, `emails[not (type eq "work") or primary eq true]`, nil},
		{"user", `emails eq "A@x"`, `emails.value eq "a@x"`, nil},
		{"user", `emails co "A@x"`, `emails.value co "a@x"`, nil},
		{"user", `Email eq "A@x"`, `emails.value eq "a@x"`, quirks(quirk.EmailAttribute)},
		{"user", `emails pr`, `emails pr`, nil},
		{"user", `emails.value pr`, `emails.value pr`, nil},
		{"user", `name pr`, `name pr`, nil},
		{"user", `name[familyName eq "L"]`, `name pr and name.familyName eq "l"`, nil},
		{"user", `title eq null`, `title eq null`, nil},
		{"user", `active ne false`, `active ne false`, nil},
		{"user", `id eq "X" and manager eq "M"`, `id eq "X" and ` + enterprise + `:manager.value eq "M"`, quirks(quirk.UnqualifiedExtension)},
		{"user", `department eq "D"`, enterprise + `:department eq "d"`, quirks(quirk.UnqualifiedExtension)},
		{"user", `active eq "False"`, `active eq false`, quirks(quirk.StringBoolean)},
		{"user", `roles[primary eq "True"]`, `roles[primary eq true]`, quirks(quirk.StringBoolean)},
		{"user", `userName eq 17`, `userName eq "17"`, quirks(quirk.UnquotedFilterValue)},
		{"user", `userName eq true`, `userName eq "true"`, quirks(quirk.UnquotedFilterValue)},
		{"device", `ports gt "4"`, `ports gt 4`, quirks(quirk.StringNumber)},
		{"device", `ports gt 4.5`, `ports gt 4.5`, nil},
		{"device", `serial eq "S"`, `serial eq "S"`, nil},
		{"device", `tags eq "A"`, `tags eq "a"`, nil},
		{"device", `disks.labels eq "A"`, `disks.labels eq "a"`, nil},
		{"device", `room eq "A"`, location + `:room eq "a"`, quirks(quirk.UnqualifiedExtension)},
		{"device", `key eq "aGk="`, `key eq "aGk="`, nil},

		{"user", `meta.created gt "2026-01-02T03:04:05Z"`, `meta.created gt "2026-01-02T03:04:05Z"`, nil},
		{"user", `meta[resourceType eq "User" and lastModified lt "2026-01-02T03:04:05Z"]`, `meta.resourceType eq "User" and meta.lastModified lt "2026-01-02T03:04:05Z"`, nil},
		{"user", `meta.location eq "https://x.example/scim/v2/Users/a%2Fb"`, `id eq "a/b"`, nil},
		{"user", `meta.location ne "https://x.example/scim/v2/Users/7"`, `id ne "7"`, nil},
		{"user", `meta.location eq "https://x.example/scim/v2/Groups/7"`, `false`, nil},
		{"user", `meta.location eq "7"`, `false`, nil},
		{"user", `meta.version eq "W/\"v1\""`, `meta.version eq "v1"`, nil},
		{"user", `meta.version eq "v1"`, `meta.version eq "v1"`, nil},
		{"user", `meta pr or meta.created pr or id pr or schemas pr`, `true or true or true or true`, nil},

		{"user", `schemas eq "` + strings.ToUpper(coreUser) + `"`, `true`, nil},
		{"user", `schemas eq "` + enterprise + `"`, enterprise + ` pr`, nil},
		{"user", `schemas eq "urn:x"`, `false`, nil},
		{"user", `schemas co "enterprise"`, enterprise + ` pr`, nil},
		{"user", `schemas sw "urn:"`, `true`, nil},
		{"user", `schemas ne "` + coreUser + `"`, enterprise + ` pr`, nil},
		{"user", `schemas ne "urn:x"`, `true`, nil},
		{"user", `schemas eq null or schemas ne null`, `false or true`, nil},
		{"device", `schemas ew "2.0"`, `false`, nil},
		{"device", `schemas co "example"`, `true`, nil},
		{"device", `schemas ne "` + coreDevice + `"`, location + ` pr or ` + asset + ` pr`, nil},
		{"user", enterprise + ` pr`, enterprise + ` pr`, nil},

		{"group", `members eq "U1"`, `members[value eq "U1"]`, nil},
		{"group", `members.value eq "U1"`, `members[value eq "U1"]`, nil},
		{"group", `members.display co "Ada"`, `members[display co "ada"]`, nil},
		{"group", `members.type eq "User"`, `members[type eq "user"]`, nil},
		{"group", `members[value eq "U1" and type eq "User"]`, `members[value eq "U1" and type eq "user"]`, nil},
		{"group", `members.$ref eq "../Users/U1"`, `members[value eq "U1"]`, nil},
		{"group", `members[$ref eq "https://x.example/Users/U1"]`, `members[value eq "U1"]`, nil},
		{"group", `members pr`, `members[true]`, nil},
		{"group", `members.value pr`, `members[true]`, nil},
		{"group", `members.display pr`, `members[display pr]`, nil},
		{"group", `members[display pr and value pr]`, `members[display pr and true]`, nil},
		{"group", `members eq null`, `not (members[true])`, nil},
		{"group", `members ne null`, `members[true]`, nil},
		{"group", `members ne "U1"`, `members[value ne "U1"] or not (members[true])`, nil},
		{"group", `not (members eq "U1")`, `not (members[value eq "U1"])`, nil},
		{"group", `members[value eq null or display eq null]`, `members[false or display eq null]`, nil},
		{"user", `groups eq "G1"`, `groups[value eq "G1"]`, nil},
		{"user", `groups.display eq "Admins" and userName pr`, `groups[display eq "admins"] and userName pr`, nil},
		{"user", `groups[type eq "Direct" and value eq "G"]`, `groups[true and value eq "G"]`, nil},
		{"user", `groups.type eq "indirect"`, `groups[false]`, nil},
	} {
		t.Run(c.typ+" "+c.filter, func(t *testing.T) {
			x, _, err := filter.Parse(c.filter, filter.Options{})
			require.NoError(t, err)
			m := &Mode{}
			bound, err := types[c.typ].Bind(x, m)
			require.NoError(t, err)
			assert.Equal(t, c.want, bound.(interface{ String() string }).String())
			assert.Equal(t, append([]string{}, c.quirks...), quirksOf(m))
			if len(c.quirks) > 0 {
				_, err = types[c.typ].Bind(x, &Mode{Refused: quirk.All})
				assert.Error(t, err, "strict")
			}
		})
	}
}

func TestBindAttributes(t *testing.T) {
	u, d := userType(t), deviceType(t)
	bind := func(typ *Type, s string) filter.Expr {
		x, _, err := filter.Parse(s, filter.Options{})
		require.NoError(t, err)
		bound, err := typ.Bind(x, nil)
		require.NoError(t, err)
		return bound
	}
	assert.Equal(t, filter.Attr{Path: filter.Path{Name: "emails", Sub: "value"}, Type: filter.String, Multi: true}, bind(u, `emails eq "x"`).(filter.Compare).Attr)
	assert.Equal(t, filter.Attr{Path: filter.Path{Name: "id"}, Type: filter.String, CaseExact: true}, bind(u, `id eq "x"`).(filter.Compare).Attr)
	assert.Equal(t, filter.Attr{Path: filter.Path{Name: "tags"}, Type: filter.String, Multi: true}, bind(d, `tags eq "x"`).(filter.Compare).Attr)
	c := bind(d, `bought ge "2026-01-02T03:04:05+01:00"`).(filter.Compare)
	assert.Equal(t, filter.DateTime, c.Attr.Type)
	assert.True(t, c.Time.Equal(time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)))
	has := bind(u, `emails[primary eq true]`).(filter.Has)
	assert.Equal(t, filter.Attr{Path: filter.Path{Name: "emails"}, Type: filter.Complex, Multi: true}, has.Attr)
	assert.Equal(t, filter.Attr{Path: filter.Path{Name: "primary"}, Type: filter.Boolean}, has.Where.(filter.Compare).Attr)
}

func TestBindRefuses(t *testing.T) {
	types := map[string]*Type{"user": userType(t), "group": groupType(t), "device": deviceType(t)}
	for _, c := range []struct{ typ, filter, want string }{
		{"user", `nothing eq "x"`, "nothing: User has no such attribute"},
		{"user", `emails.nothing eq "x"`, "emails.nothing: emails has no such sub-attribute; it has value, display, type, primary"},
		{"user", `emails[nothing eq "x"]`, `emails has no sub-attribute "nothing"; it has value, display, type, primary`},
		{"user", `emails[name.type eq "x"]`, `name.type: want a sub-attribute of emails in the brackets: value, display, type, primary`},
		{"user", `urn:x:userName eq "x"`, "urn:x:userName: User has no such attribute"},
		{"user", `password eq "x"`, "password: can't be filtered on"},
		{"user", `password pr`, "password: can't be filtered on"},
		{"user", `name eq "x"`, "name: complex, so it has no value to compare; name one of its sub-attributes: formatted, familyName, givenName, middleName, honorificPrefix, honorificSuffix"},
		{"user", `meta eq "x"`, "meta: complex, so it has no value to compare; name one of its sub-attributes: resourceType, created, lastModified, location, version"},
		{"user", enterprise + ` eq "x"`, enterprise + ": an extension has no value to compare; name one of its attributes: employeeNumber, costCenter, organization, division, department, manager"},
		{"user", `userName[value eq "x"]`, "userName: want a multi-valued or complex attribute before the brackets"},
		{"user", `active gt true`, "active: gt is for what has an order; a boolean can be compared with eq and ne"},
		{"user", `active co "true"`, "active: co is for strings; a boolean can be compared with eq and ne"},
		{"user", `active eq "maybe"`, `active: want true or false, got "maybe"`},
		{"user", `active eq 1`, `active: want true or false, got number`},
		{"user", `x509Certificates.value lt "x"`, "x509Certificates.value: lt is for what has an order; a binary can be compared with eq and ne"},
		{"user", `userName gt null`, "userName: null can be compared with eq and ne only"},
		{"user", `meta.created gt "yesterday"`, `meta.created: want a date and time such as 2008-01-23T04:56:22Z, got "yesterday"`},
		{"user", `meta.created sw "2026"`, "meta.created: sw is for strings; a dateTime can be compared with eq, ne, gt, ge, lt and le"},
		{"user", `meta.location sw "https://"`, "meta.location: can be compared with eq and ne only"},
		{"user", `meta.version gt "1"`, "meta.version: can be compared with eq and ne only"},
		{"group", `members.$ref co "x"`, "members.$ref: can be compared with eq and ne only"},
		{"device", `ports eq "many"`, `ports: want a number, got "many"`},
		{"device", `ports co 1`, "ports: co is for strings; an integer can be compared with eq, ne, gt, ge, lt and le"},
		{"device", `pin eq "x"`, "pin: can't be filtered on"},
		{"device", `shared eq "x"`, "shared: Device has no such attribute"},
	} {
		t.Run(c.filter, func(t *testing.T) {
			x, _, err := filter.Parse(c.filter, filter.Options{})
			require.NoError(t, err)
			_, err = types[c.typ].Bind(x, nil)
			require.EqualError(t, err, c.want)
			require.Equal(t, "invalidFilter", err.(*Error).Type)
		})
	}
}

func TestBindElement(t *testing.T) {
	u, g := userType(t), groupType(t)
	for _, c := range []struct {
		typ           *Type
		path          string
		elem, missing string // an element that matches, and one that doesn't
	}{
		{u, `emails[type eq "WORK"]`, `{"type":"work"}`, `{"type":"home"}`},
		{u, `emails[type eq "work" and primary eq "True"]`, `{"type":"work","primary":true}`, `{"type":"work"}`},
		{u, `emails[value pr]`, `{"value":"x"}`, `{"type":"x"}`},
		{g, `members[value eq "U1"]`, `{"value":"U1"}`, `{"value":"u1"}`},
		{g, `members[display eq "Ada"]`, `{"display":"ADA"}`, `{"display":"b"}`},
		{g, `members[$ref ew "x" or type eq "User"]`, "", ""},
		{u, `emails[password eq "User"]`, "", ""},
	} {
		t.Run(c.path, func(t *testing.T) {
			p, _, err := filter.ParsePath(c.path, filter.Options{})
			require.NoError(t, err)
			a, _, err := c.typ.Resolve(p.Path, nil)
			require.NoError(t, err)
			where, err := c.typ.BindElement(a, p.Where, nil)
			if c.elem == "" {
				require.Error(t, err)
				require.Equal(t, "invalidFilter", err.(*Error).Type)
				return
			}
			require.NoError(t, err)
			assert.True(t, filter.MatchElement(where, parse(t, c.elem)))
			assert.False(t, filter.MatchElement(where, parse(t, c.missing)))
		})
	}
}

func TestBindSort(t *testing.T) {
	u := userType(t)
	for path, want := range map[string]filter.Attr{
		"userName":                 {Path: filter.Path{Name: "userName"}, Type: filter.String},
		"NAME.familyname":          {Path: filter.Path{Name: "name", Sub: "familyName"}, Type: filter.String},
		"emails":                   {Path: filter.Path{Name: "emails", Sub: "value"}, Type: filter.String, Multi: true},
		"meta.lastModified":        {Path: filter.Path{Name: "meta", Sub: "lastModified"}, Type: filter.DateTime},
		"meta.location":            {Path: filter.Path{Name: "id"}, Type: filter.String, CaseExact: true},
		enterprise + ":department": {Path: filter.Path{URI: enterprise, Name: "department"}, Type: filter.String},
		" " + coreUser + ":title ": {Path: filter.Path{Name: "title"}, Type: filter.String},
		"active":                   {Path: filter.Path{Name: "active"}, Type: filter.Boolean},
	} {
		got, err := u.BindSort(path, nil)
		require.NoError(t, err, path)
		assert.Equal(t, want, got, path)
	}
	for _, path := range []string{"", "nothing", "name", "password", "groups", "groups.value", "schemas", "meta", "meta.version", enterprise, coreUser, "emails.x"} {
		_, err := u.BindSort(path, nil)
		require.Error(t, err, path)
		require.Equal(t, "invalidPath", err.(*Error).Type, path)
	}
}

// source is a user with membership rows.
type source struct {
	store.Resource
	rows []document.Value
}

func (s *source) Related(_ filter.Relation, where func(document.Value) bool) bool {
	for _, r := range s.rows {
		if where(r) {
			return true
		}
	}
	return false
}

// TestBindMatches shows that bound filters, evaluated as stores do, match what the client asked for.
func TestBindMatches(t *testing.T) {
	u := userType(t)
	v := decode(t, u, entraUser)
	some := &source{Resource: store.Resource{
		Key: store.Key{Type: "User", ID: "u1"}, Version: "v1", Attributes: v.Document(), LastModified: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}, rows: []document.Value{parse(t, `{"value":"g1","type":"Group","display":"Admins"}`)}}
	for s, want := range map[string]bool{
		`userName eq "ADA.lovelace@bluequay.example"`:                      true,
		`emails[type eq "WORK" and value ew "BLUEQUAY.example"]`:           true,
		`emails.type eq "home"`:                                            false,
		`id eq "u1" and manager eq "26118915-6090-4610-87e4-49d8ca9f808d"`: true,
		`schemas eq "` + enterprise + `"`:                                  true,
		`meta.version eq "W/\"v1\""`:                                       true,
		`meta.location eq "https://x.example/Users/u1"`:                    true,
		`meta.lastModified ge "2026-01-02T04:04:05+01:00"`:                 true,
		`meta.lastModified gt "2026-01-02T04:04:05+01:00"`:                 false,
		`groups.display eq "ADMINS"`:                                       true,
		`groups eq "g2"`:                                                   false,
		`groups ne "g1"`:                                                   false,
		`groups pr and groups.type eq "direct"`:                            true,
		`name[familyName ne "x"]`:                                          true,
		`nickName ne "x"`:                                                  true,
		`title pr and nickName eq null`:                                    true,
	} {
		x, _, err := filter.Parse(s, filter.Options{})
		require.NoError(t, err)
		bound, err := u.Bind(x, nil)
		require.NoError(t, err)
		assert.Equal(t, want, filter.Match(bound, some), s)
	}
}
