package scim_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
)

// A POST of somebody who is there already answers with who is there, as far as the product wants that.
func TestPostLinks(t *testing.T) {
	s := serve(t, func(o *scim.Options) {
		o.Lifecycle.Link = map[string][]string{"User": {"emails.value"}, "Group": {"externalId"}}
	})
	post := func(path, body string) answer {
		a := s.do(http.MethodPost, path, body)
		require.Equal(t, http.StatusCreated, a.status, a.text)
		return a
	}
	ada := post("/Users", `{"userName":"ada","emails":[{"value":"Ada@x.example"}]}`).body["id"].(string)
	crew := post("/Groups", `{"displayName":"Crew","externalId":"g1","members":[{"value":"`+ada+`"}]}`).body["id"].(string)

	linked := post("/Users", `{"userName":"ada.l","emails":[{"value":"ADA@x.example"}]}`)
	assert.Equal(t, ada, linked.body["id"])
	assert.Equal(t, "ada.l", linked.body["userName"])
	require.Len(t, linked.body["groups"], 1, "the one who is there is in a group")
	got := s.do(http.MethodGet, "/Users/"+ada, "")
	assert.Equal(t, got.body, linked.body)

	team := post("/Groups", `{"displayName":"Team","externalId":"g1"}`)
	assert.Equal(t, crew, team.body["id"])
	require.Len(t, team.body["members"], 1, "a group is emptied only by an explicit request to")

	eve := post("/Users", `{"userName":"eve","emails":[{"value":"eve@x.example"}]}`).body["id"].(string)
	refused := s.do(http.MethodPost, "/Users", `{"userName":"both","emails":[{"value":"eve@x.example"},{"value":"ada@x.example"}]}`)
	assert.Equal(t, http.StatusConflict, refused.status)
	assert.Equal(t, "uniqueness", refused.body["scimType"])
	assert.Contains(t, refused.body["detail"], "several resources have this value")
	assert.NotEqual(t, ada, eve)
}

// Elements can identify too: emails[type eq "work"].value is what somebody's colleagues know, another's home address is not.
func TestElementsIdentify(t *testing.T) {
	const work = `emails[type eq "Work"].value`
	body := func(name, typ, mail string) string {
		return `{"userName":"` + name + `","emails":[{"value":"` + mail + `","type":"` + typ + `"}]}`
	}
	t.Run("link", func(t *testing.T) {
		s := serve(t, func(o *scim.Options) { o.Lifecycle.Link = map[string][]string{"User": {"externalId", work}} })
		ada := s.do("POST", "/Users", body("ada", "work", "ada@x.example")).is(201).body["id"]
		assert.NotEqual(t, ada, s.do("POST", "/Users", body("eve", "home", "ada@x.example")).is(201).body["id"])
		assert.Equal(t, ada, s.do("POST", "/Users", body("ada.l", "WORK", "ADA@x.example")).is(201).body["id"])
		s.do("PATCH", "/Users/"+ada.(string), patchBody(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"a@x.example"}`)).is(200)
		assert.NotEqual(t, ada, s.do("POST", "/Users", body("bob", "work", "ada@x.example")).is(201).body["id"])
		assert.Equal(t, ada, s.do("POST", "/Users", body("ada", "work", "a@x.example")).is(201).body["id"])
	})
	t.Run("unique", func(t *testing.T) {
		s := serve(t, func(o *scim.Options) { o.Unique = map[string][]string{"User": {work}} })
		s.do("POST", "/Users", `{"userName":"ada","emails":[{"value":"ada@x.example","type":"work"},{"value":"Ada@x.example","type":"work"}]}`).is(201)
		eve := s.do("POST", "/Users", body("eve", "home", "ada@x.example")).is(201).body["id"].(string)
		s.do("POST", "/Users", body("bob", "work", "ADA@x.example")).fails(409, "uniqueness", work)
		s.do("PATCH", "/Users/"+eve, patchBody(`{"op":"replace","path":"emails[value pr].type","value":"work"}`)).fails(409, "uniqueness", work)
	})
}
