package schema

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

func TestTakeMembers(t *testing.T) {
	g, u, d := groupType(t), userType(t), deviceType(t)
	Link(g, u, d)
	for _, c := range []struct {
		name, members string
		want          []store.MemberRef
		fail          string
	}{
		{"one", `[{"value":"1"}]`, []store.MemberRef{{ID: "1"}}, ""},
		{"once each", `[{"value":"2"},{"value":"1"},{"value":"2","type":"User"}]`, []store.MemberRef{{ID: "2"}, {ID: "1"}}, ""},
		{"ids are caseExact", `[{"value":"a"},{"value":"A"}]`, []store.MemberRef{{ID: "a"}, {ID: "A"}}, ""},
		{"types", `[{"value":"1","type":"User"},{"value":"2","type":"group"},{"value":"3","type":"Device"},{"value":"4","type":"direct"}]`,
			[]store.MemberRef{{Type: "User", ID: "1"}, {Type: "Group", ID: "2"}, {Type: "Device", ID: "3"}, {ID: "4"}}, ""},
		{"references", `[{"value":"1","$ref":"https://x.example/scim/v2/Users/1"},{"value":"2","$ref":"../Groups/2"},{"value":"3","$ref":"Users/3"},{"value":"4","$ref":"/Users/5"},{"value":"5","$ref":"Cats/5"},{"value":"6","$ref":null},{"value":"7","$ref":"7"},{"value":"8","$ref":"/devices/8/"}]`,
			[]store.MemberRef{{Type: "User", ID: "1"}, {Type: "Group", ID: "2"}, {Type: "User", ID: "3"}, {ID: "4"}, {ID: "5"}, {ID: "6"}, {ID: "7"}, {Type: "Device", ID: "8"}}, ""},
		{"no value", `[{"value":"1"},{"type":"User"}]`, nil, "members[1].value: want the id of a resource"},
		{"empty value", `[{"value":" "}]`, nil, "members[0].value: want the id of a resource"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := decode(t, g, `{"displayName":"G","members":`+c.members+`}`)
			refs, present, err := g.TakeMembers(&v)
			assert.True(t, present)
			assert.Equal(t, `{"displayName":"G"}`, text(v))
			if c.fail != "" {
				require.EqualError(t, err, c.fail)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, refs)
		})
	}
	for _, typ := range []*Type{g, u} {
		v := document.Object(document.Field{Name: "displayName", Value: document.String("x")})
		refs, present, err := typ.TakeMembers(&v)
		require.NoError(t, err)
		require.False(t, present)
		require.Empty(t, refs)
	}
}

// TestMisplacedMembers shows that members in a place where they would be ignored are refused, so that a PUT doesn't empty a group by
// mistake (I11).
func TestMisplacedMembers(t *testing.T) {
	const coreGroup = "urn:ietf:params:scim:schemas:core:2.0:Group"
	g := groupType(t)
	for body, want := range map[string]string{
		`"members.value":"a"`:                                                   "members.value: want the members in the attribute members",
		`"members[value eq \"a\"]":{}`:                                          "",
		`"members[value eq \"a\"]":{"value":"a"}`:                               "members[...: want the members in the attribute members",
		`"` + coreGroup + `":{"members":[{"value":"a"}]}`:                       coreGroup + ": want the members in the attribute members",
		`"` + coreGroup + `":{"members":[]}`:                                    "",
		`"` + coreGroup + `":{"displayName":"x"}`:                               "",
		`"` + coreGroup + `:members":[{"value":"a"}]`:                           "",
		`"` + coreGroup + `:members":[{"value":"a"}],"members":[{"value":"b"}]`: "members: given twice",
		`"members":[{"value":"b"}],"` + coreGroup + `:members":[{"value":"a"}]`: "members: given twice",
		`"members":null,"` + coreGroup + `:members":[{"value":"a"}]`:            "",
		`"members":[null]`:                                                      "members[0].value: want the id",
		`"members":[{"value":"a"},{}]`:                                          "members[1].value: want the id",
		`"members":[{"display":"a"}]`:                                           "members[0].value: want the id",
		`"members":5`:                                                           "members",
		`"members":{"value":"a"}`:                                               "",
		`"members":null`:                                                        "",
	} {
		v, err := g.Decode(parse(t, `{"displayName":"G",`+body+`}`), nil)
		if err == nil {
			_, _, err = g.TakeMembers(&v)
		}
		if want == "" {
			assert.NoError(t, err, body)
		} else {
			assert.ErrorContains(t, err, want, body)
		}
	}
	v := decode(t, g, `{"displayName":"G","members":null,"`+coreGroup+`:members":[{"value":"a"}]}`)
	refs, present, err := g.TakeMembers(&v)
	require.NoError(t, err)
	assert.True(t, present)
	assert.Equal(t, []store.MemberRef{{ID: "a"}}, refs)
	_, err = userType(t).Decode(parse(t, `{"userName":"u","members.value":"a"}`), nil)
	assert.NoError(t, err, "a user has no members")
}
