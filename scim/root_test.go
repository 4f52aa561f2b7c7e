package scim_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/scim"
)

// TestRootQuery checks queries across resource types (RFC 7644 sections 3.4.2.1 and 3.4.3).
func TestRootQuery(t *testing.T) {
	s := serve(t)
	ada, bob := s.user("ada", `"displayName":"Ada"`, `"externalId":"E1"`), s.user("bob", `"displayName":"Bob"`, `"title":"T"`)
	crew := s.group("Crew", ada, bob)
	cleo := s.user("cleo", `"displayName":"Cleo"`)
	staff := s.group("Staff", crew)
	name := map[string]string{ada: "ada", bob: "bob", crew: "crew", cleo: "cleo", staff: "staff"}
	names := func(a answer) (list []string) {
		for _, r := range a.at("Resources").([]any) {
			list = append(list, name[at(t, r, "id").(string)])
		}
		return list
	}
	for _, c := range []struct {
		filter string
		want   []string
	}{
		{`id pr`, []string{"ada", "bob", "crew", "cleo", "staff"}},
		{`meta.resourceType eq "User"`, []string{"ada", "bob", "cleo"}},
		{`meta.resourceType eq "Group"`, []string{"crew", "staff"}},
		{`meta.resourceType ne "Group"`, []string{"ada", "bob", "cleo"}},
		{`(meta.resourceType eq "User") or (meta.resourceType eq "Group")`, []string{"ada", "bob", "crew", "cleo", "staff"}},
		{`meta.resourceType eq "Robot"`, nil},
		{`not (meta.resourceType eq "User")`, []string{"crew", "staff"}},
		{`meta[resourceType eq "Group"]`, []string{"crew", "staff"}},
		{`userName eq "ADA"`, []string{"ada"}},
		{`displayName eq "crew" or userName eq "bob"`, []string{"bob", "crew"}},
		{`userName pr`, []string{"ada", "bob", "cleo"}},
		{`not (userName pr)`, []string{"crew", "staff"}},
		{`title ne "T"`, []string{"ada", "crew", "cleo", "staff"}},
		{`title eq null`, []string{"ada", "crew", "cleo", "staff"}},
		{`displayName sw "c" and meta.resourceType eq "User"`, []string{"cleo"}},
		{`displayName sw "c"`, []string{"crew", "cleo"}},
		{`externalId eq "E1"`, []string{"ada"}},
		{`members[value eq "` + ada + `"]`, []string{"crew"}},
		{`emails[type eq "work"] or members pr`, []string{"crew", "staff"}},
		{`id eq "` + staff + `"`, []string{"staff"}},
	} {
		a := s.do("GET", "/?filter="+url.QueryEscape(c.filter), "").is(200)
		assert.Equal(t, c.want, names(a), c.filter)
		assert.EqualValues(t, len(c.want), a.at("totalResults"), c.filter)
		b := s.do("POST", "/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":`+quote(c.filter)+`}`).is(200)
		assert.Equal(t, a.body, b.body, c.filter)
	}
	all := s.do("GET", "/?filter=id+pr", "").is(200)
	for i, r := range all.at("Resources").([]any) {
		typ := map[string]string{"crew": "Group", "staff": "Group"}[name[at(t, r, "id").(string)]]
		if typ == "" {
			typ = "User"
		}
		single := s.do("GET", "/"+typ+"s/"+at(t, r, "id").(string), "").is(200)
		assert.Equal(t, any(single.body), r, "element %d is what its own address answers", i)
	}
	assert.Equal(t, []string{"staff", "crew", "cleo", "bob", "ada"}, names(s.do("GET", "/?sortBy=displayName&sortOrder=descending", "").is(200)))
	assert.Equal(t, []string{"bob", "cleo"}, names(s.do("GET", "/?sortBy=displayName&startIndex=2&count=2", "").is(200)))
	assert.EqualValues(t, 5, s.do("GET", "/?count=0", "").is(200).at("totalResults"))
	few := s.do("GET", "/?filter=id+pr&attributes=userName,displayName", "").is(200)
	assert.NotContains(t, few.at("Resources", 2), "members")
	assert.Equal(t, "Crew", few.at("Resources", 2, "displayName"))

	s.do("GET", "/?filter=nobody+eq+1", "").fails(400, "invalidFilter", "no such attribute")
	s.do("GET", "/?filter=userName+eq", "").fails(400, "invalidFilter", "filter")
	s.do("GET", "/?filter=active+gt+true", "").fails(400, "invalidFilter", "active")
	s.do("GET", "/?sortBy=nobody", "").fails(400, "invalidPath", "sortBy")
	s.do("GET", "/?attributes=a&excludedAttributes=b", "").fails(400, "invalidValue", "attributes")
	s.do("GET", "/.search", "").fails(405, "", "POST")
	s.do("POST", "/", "{}").fails(405, "", "GET")
	s.do("GET", "/?filter=id+pr", "", "Authorization: Bearer umbrella").is(200)
	assert.EqualValues(t, 0, s.do("GET", "/?filter=id+pr", "", "Authorization: Bearer umbrella").at("totalResults"))
	serve(t, func(o *scim.Options) { o.Auth = scoped{scim.ScopeWrite} }).do("GET", "/?filter=id+pr", "").fails(403, "", "read")
}

// TestBaseURL checks what a set-up page that probes the address is told.
func TestBaseURL(t *testing.T) {
	s := serve(t)
	for _, path := range []string{"/", "/?", "/?aadOptscim062020"} {
		a := s.do("GET", path, "").is(200)
		assert.EqualValues(t, 2, a.at("totalResults"))
		assert.Equal(t, "/Users", a.at("Resources", 0, "endpoint"))
		assert.Equal(t, "/Groups", a.at("Resources", 1, "endpoint"))
	}
	s.do("GET", "/", "", "Authorization: Bearer nobody").is(401)
}
