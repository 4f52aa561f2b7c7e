package patch

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
)

// entraVerbose is what Entra's SCIM validator adds to a user of two attributes.
const entraVerbose = `[{"op":"add","path":"active","value":true},
	{"op":"add","path":"displayName","value":"VMIN"},
	{"op":"add","path":"title","value":"T"},
	{"op":"add","path":"emails[type eq \"work\"].value","value":"val.min@bluequay.example"},
	{"op":"add","path":"emails[type eq \"work\"].primary","value":true},
	{"op":"add","path":"preferredLanguage","value":"nb-NO"},
	{"op":"add","path":"name.givenName","value":"V"},
	{"op":"add","path":"name.familyName","value":"Min"},
	{"op":"add","path":"name.formatted","value":"V Min"},
	{"op":"add","path":"addresses[type eq \"work\"].formatted","value":"F"},
	{"op":"add","path":"addresses[type eq \"work\"].streetAddress","value":"1 St"},
	{"op":"add","path":"addresses[type eq \"work\"].locality","value":"L"},
	{"op":"add","path":"addresses[type eq \"work\"].region","value":"R"},
	{"op":"add","path":"addresses[type eq \"work\"].postalCode","value":"0001"},
	{"op":"add","path":"addresses[type eq \"work\"].primary","value":true},
	{"op":"add","path":"addresses[type eq \"work\"].country","value":"NO"},
	{"op":"add","path":"phoneNumbers[type eq \"work\"].value","value":"1"},
	{"op":"add","path":"phoneNumbers[type eq \"work\"].primary","value":true},
	{"op":"add","path":"phoneNumbers[type eq \"mobile\"].value","value":"2"},
	{"op":"add","path":"phoneNumbers[type eq \"fax\"].value","value":"3"},
	{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber","value":"E1"},
	{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Dp"},
	{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter","value":"Cc"},
	{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization","value":"Og"},
	{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division","value":"Dv"},
	{"op":"add","path":"userType","value":"Ut"},
	{"op":"add","path":"nickName","value":"Nn"},
	{"op":"add","path":"locale","value":"nb"},
	{"op":"add","path":"timezone","value":"Tz"},
	{"op":"add","path":"profileUrl","value":"Pu"},
	{"op":"add","path":"roles[primary eq \"True\"].display","value":"RD"},
	{"op":"add","path":"roles[primary eq \"True\"].value","value":"RV"},
	{"op":"add","path":"roles[primary eq \"True\"].type","value":"RT"}]`

// TestProviders applies to users what identity providers were seen to send. testdata has whole conversations.
func TestProviders(t *testing.T) {
	st := userType(t)
	for _, r := range []struct{ name, cur, ops, want string }{
		{"Entra validator: add attributes, verbose", `{"userName":"u","active":false}`,
			entraVerbose,
			`{"userName":"u","active":true,"displayName":"VMIN","title":"T","emails":[{"type":"work","value":"val.min@bluequay.example","primary":true}],"preferredLanguage":"nb-NO","name":{"givenName":"V","familyName":"Min","formatted":"V Min"},"addresses":[{"type":"work","formatted":"F","streetAddress":"1 St","locality":"L","region":"R","postalCode":"0001","primary":true,"country":"NO"}],"phoneNumbers":[{"type":"work","value":"1","primary":true},{"type":"mobile","value":"2"},{"type":"fax","value":"3"}],"userType":"Ut","nickName":"Nn","locale":"nb","timezone":"Tz","profileUrl":"Pu","roles":[{"primary":true,"display":"RD","value":"RV","type":"RT"}],"` + enterprise + `":{"employeeNumber":"E1","department":"Dp","costCenter":"Cc","organization":"Og","division":"Dv"}}`},
		{"Entra validator: add manager", `{"userName":"u"}`,
			`[{"op":"add","path":"` + enterprise + `:manager","value":{"value":"old-boss"}}]`,
			`{"userName":"u","` + enterprise + `":{"manager":{"value":"old-boss"}}}`},
		{"Entra validator: replace manager", `{"userName":"u","` + enterprise + `":{"manager":{"value":"old-boss"}}}`,
			`[{"op":"replace","path":"` + enterprise + `:manager","value":{"value":"new-boss"}}]`,
			`{"userName":"u","` + enterprise + `":{"manager":{"value":"new-boss"}}}`},
		{"Entra validator: remove manager", `{"userName":"u","` + enterprise + `":{"manager":{"value":"new-boss"}}}`,
			`[{"op":"replace","path":"` + enterprise + `:manager","value":{"value":""}}]`,
			`{"userName":"u"}`},
		{"Entra validator: mixed value paths", `{"userName":"u","emails":[{"value":"w0@bluequay.example","type":"work","primary":true}]}`,
			`[{"op":"replace","path":"emails[type eq \"work\"].value","value":"w1@bluequay.example"},{"op":"add","path":"emails[type eq \"home\"].value","value":"h1@bluequay.example"},{"op":"add","path":"emails[type eq \"other\"].value","value":"o1@bluequay.example"},{"op":"replace","path":"emails[type eq \"work\"].display","value":"WD"},{"op":"replace","path":"emails[type eq \"home\"].display","value":"HD"},{"op":"add","path":"emails[type eq \"work\"].primary","value":false},{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}]`,
			`{"userName":"u","emails":[{"value":"w1@bluequay.example","display":"WD","type":"work","primary":false},{"value":"h1@bluequay.example","display":"HD","type":"home","primary":true},{"value":"o1@bluequay.example","type":"other"}]}`},
		{"Entra: a mail and a name", `{"userName":"u","name":{"givenName":"A"},"emails":[{"value":"old@bluequay.example","type":"work"}]}`,
			`[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"new@bluequay.example"},{"op":"Replace","path":"name.familyName","value":"Tide"}]`,
			`{"userName":"u","name":{"familyName":"Tide","givenName":"A"},"emails":[{"value":"new@bluequay.example","type":"work"}]}`},
		{"Entra: userName", `{"userName":"u"}`,
			`[{"op":"Replace","path":"userName","value":"after@bluequay.example"}]`,
			`{"userName":"after@bluequay.example"}`},
		{"Entra: disable", `{"userName":"u","active":true}`,
			`[{"op":"Replace","path":"active","value":"False"}]`,
			`{"userName":"u","active":false}`},
		{"Entra: restore", `{"userName":"u","active":false}`,
			`[{"op":"Replace","path":"active","value":"True"}]`,
			`{"userName":"u","active":true}`},
		{"Entra: disable in lower case", `{"userName":"u","active":true}`,
			`[{"op":"Replace","path":"active","value":"false"}]`,
			`{"userName":"u","active":false}`},
		{"Entra: disable as documented", `{"userName":"u","active":true}`,
			`[{"op":"Replace","path":"active","value":false}]`,
			`{"userName":"u","active":false}`},
		{"Entra: manager as documented", `{"userName":"u"}`,
			`[{"op":"Add","path":"manager","value":[{"$ref":"http://scim.example/scim/Users/{{boss_id}}","value":"{{boss_id}}"}]}]`,
			`{"userName":"u","` + enterprise + `":{"manager":{"value":"{{boss_id}}","$ref":"http://scim.example/scim/Users/{{boss_id}}"}}}`},
		{"Entra: assertive app roles", `{"userName":"u","roles":[{"value":"x"}]}`,
			`[{"op":"replace","path":"roles","value":[{"primary":false,"type":"WindowsAzureActiveDirectoryRole","display":"User","value":"User"},{"primary":false,"type":"WindowsAzureActiveDirectoryRole","display":"Test","value":"Test"}]}]`,
			`{"userName":"u","roles":[{"value":"User","display":"User","type":"WindowsAzureActiveDirectoryRole","primary":false},{"value":"Test","display":"Test","type":"WindowsAzureActiveDirectoryRole","primary":false}]}`},
		{"Entra, aadOptscim: add", `{"userName":"u"}`,
			`[{"op":"add","path":"nickName","value":"Skip"}]`,
			`{"userName":"u","nickName":"Skip"}`},
		{"Entra, aadOptscim: dotted keys", `{"userName":"u"}`,
			`[{"op":"replace","path":"emails[type eq \"work\"].value","value":"c3b@bluequay.example"},{"op":"replace","value":{"displayName":"Cee Three","name.givenName":"Cee","name.familyName":"Three","` + enterprise + `:employeeNumber":"303"}}]`,
			`{"userName":"u","name":{"familyName":"Three","givenName":"Cee"},"displayName":"Cee Three","emails":[{"value":"c3b@bluequay.example","type":"work"}],"` + enterprise + `":{"employeeNumber":"303"}}`},
		{"Okta: deactivate", `{"userName":"u","active":true}`,
			`[{"op":"replace","value":{"active":false}}]`,
			`{"userName":"u","active":false}`},
		{"Zenkit: language", `{"userName":"u"}`,
			`[{"op":"Replace","path":"preferredLanguage","value":"en"}]`,
			`{"userName":"u","preferredLanguage":"en"}`},
	} {
		t.Run(r.name, func(t *testing.T) {
			got, _, err := run(t, st, parse(t, r.cur), parse(t, message(r.ops)), &schema.Mode{})
			require.NoError(t, err)
			want, err := st.Finish(parse(t, r.want))
			require.NoError(t, err)
			assert.Equal(t, string(want.Document()), string(got.Document()))
			again, _, err := run(t, st, got, parse(t, message(r.ops)), &schema.Mode{})
			require.NoError(t, err)
			assert.Equal(t, got.Document(), again.Document(), "a retry changes nothing")
		})
	}
}

// TestProvidersGroups does the same for groups.
func TestProvidersGroups(t *testing.T) {
	st := groupType(t)
	for _, r := range []struct {
		name, ops, displayName string
		want                   lifecycle.Members
	}{
		{"authentik: the whole resource", `[{"op":"replace","value":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"{{group_id}}","externalId":"ak-g-1","displayName":"AK Crew 2"}}]`,
			"AK Crew 2", lifecycle.Members{}},
		{"authentik: add and remove", `[{"op":"add","path":"members","value":[{"value":"{{u3}}"}]},{"op":"remove","path":"members","value":[{"value":"{{u1}}"}]}]`,
			"g", lifecycle.Members{Add: refs("{{u3}}"), Remove: []string{"{{u1}}"}}},
		{"Entra validator: nothing", `[]`,
			"g", lifecycle.Members{}},
		{"Microsoft's Postman suite: a string", `[{"op":"add","path":"members","value":"{{u1}}"}]`,
			"g", lifecycle.Members{Add: refs("{{u1}}")}},
		{"Microsoft's Postman suite: a name", `[{"name":"addMember","op":"add","path":"members","value":[{"displayName":"new User","value":"{{u1}}"}]}]`,
			"g", lifecycle.Members{Add: refs("{{u1}}")}},
		{"Entra: rename", `[{"op":"Replace","path":"displayName","value":"New Crew"}]`,
			"New Crew", lifecycle.Members{}},
		{"Entra: add", `[{"op":"Add","path":"members","value":[{"$ref":null,"value":"{{u1}}"}]}]`,
			"g", lifecycle.Members{Add: refs("{{u1}}")}},
		{"Entra: remove", `[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"{{u1}}"}]}]`,
			"g", lifecycle.Members{Remove: []string{"{{u1}}"}}},
		{"Entra: remove without $ref", `[{"op":"Remove","path":"members","value":[{"value":"{{u1}}"}]}]`,
			"g", lifecycle.Members{Remove: []string{"{{u1}}"}}},
		{"Entra: add many", `[{"op":"Add","path":"members","value":[{"$ref":null,"value":"{{u1}}"},{"$ref":null,"value":"{{u2}}"},{"$ref":null,"value":"{{u3}}"}]}]`,
			"g", lifecycle.Members{Add: refs("{{u1}}", "{{u2}}", "{{u3}}")}},
		{"Okta: remove and add", `[{"op":"remove","path":"members[value eq \"{{u1}}\"]"},{"op":"add","path":"members","value":[{"value":"{{u2}}","display":"gm2@okfixture.example"}]}]`,
			"g", lifecycle.Members{Add: refs("{{u2}}"), Remove: []string{"{{u1}}"}}},
		{"Okta: push now", `[{"op":"replace","path":"members","value":[{"value":"{{u1}}","display":"pn1@okfixture.example"},{"value":"{{u2}}","display":"pn2@okfixture.example"}]}]`,
			"g", lifecycle.Members{Replace: true, Add: refs("{{u1}}", "{{u2}}")}},
		{"Okta: rename", `[{"op":"replace","value":{"id":"{{group_id}}","displayName":"Front Door 2"}}]`,
			"Front Door 2", lifecycle.Members{}},
		{"PingFederate: remove", `[{"op":"remove","path":"members[value eq \"{{u1}}\"]"}]`,
			"g", lifecycle.Members{Remove: []string{"{{u1}}"}}},
	} {
		t.Run(r.name, func(t *testing.T) {
			got, members, err := run(t, st, parse(t, `{"displayName":"g"}`), parse(t, message(r.ops)), &schema.Mode{})
			require.NoError(t, err)
			assert.Equal(t, document.String(r.displayName), got.Get("displayName"))
			if members == nil { // the operations change no members
				members = &lifecycle.Members{}
			}
			assert.Equal(t, r.want, *members)
		})
	}
}
