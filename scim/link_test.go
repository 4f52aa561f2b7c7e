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
	assert.Contains(t, refused.body["detail"], "several resources have this emails.value")
	assert.NotEqual(t, ada, eve)
}
