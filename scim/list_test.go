package scim_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/scim"
)

func TestList(t *testing.T) {
	s := serve(t)
	ids := map[string]string{}
	for i, name := range []string{"ada", "bob", "Cleo", "dan"} {
		ids[name] = s.user(name, fmt.Sprintf(`"externalId":"E%d","active":%v,"title":"T%d"`, i, i%2 == 0, 9-i),
			`"emails":[{"type":"work","value":"`+name+`@Work.example"},{"type":"home","value":"`+name+`@home.example"}]`,
			`"`+enterpriseURN+`":{"department":"D`+itoa(i%2)+`"}`)
	}
	group := s.group("Crew", ids["ada"], ids["bob"])

	names := func(a answer) (list []string) {
		a.is(200)
		for _, r := range a.at("Resources").([]any) {
			list = append(list, at(t, r, "userName").(string))
		}
		return list
	}
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"", []string{"ada", "bob", "Cleo", "dan"}},
		{"count=2", []string{"ada", "bob"}},
		{"startIndex=2&count=2", []string{"bob", "Cleo"}},
		{"startIndex=0&count=1", []string{"ada"}},
		{"startIndex=-5&count=1", []string{"ada"}},
		{"startIndex=5", nil},
		{"startIndex=99999999999999999999", nil},
		{"count=0", nil},
		{"count=-1", nil},
		{"count=99999999999999999999", []string{"ada", "bob", "Cleo", "dan"}},
		{"sortBy=userName&sortOrder=descending", []string{"dan", "Cleo", "bob", "ada"}},
		{"sortBy=title", []string{"dan", "Cleo", "bob", "ada"}},
		{"sortBy=emails&sortOrder=Descending&count=1", []string{"dan"}},
		{"sortBy=" + enterpriseURN + ":department&count=2", []string{"ada", "Cleo"}},
	} {
		a := s.do("GET", "/Users?"+c.query, "").is(200)
		assert.Equal(t, c.want, names(a), c.query)
		assert.EqualValues(t, 4, a.at("totalResults"), c.query)
		assert.EqualValues(t, len(c.want), a.at("itemsPerPage"), c.query)
	}
	for _, c := range []struct {
		filter string
		want   []string
	}{
		{`userName eq "CLEO"`, []string{"Cleo"}},
		{`USERNAME EQ "cleo"`, []string{"Cleo"}},
		{`userName eq nobody@x.example`, nil},
		{`userName eq ada`, []string{"ada"}},
		{userURN + `:userName sw "c"`, []string{"Cleo"}},
		{`id eq "` + ids["bob"] + `"`, []string{"bob"}},
		{`externalId eq "E1"`, []string{"bob"}},
		{`externalId eq "e1"`, nil},
		{`active eq true`, []string{"ada", "Cleo"}},
		{`active eq "False"`, []string{"bob", "dan"}},
		{`not (active eq true) and title pr`, []string{"bob", "dan"}},
		{`userName eq "ada" or userName eq "bob" and active eq true`, []string{"ada"}},
		{`(userName eq "ada" or userName eq "bob") and active eq false`, []string{"bob"}},
		{`emails[type eq "work" and value co "@WORK"]`, []string{"ada", "bob", "Cleo", "dan"}},
		{`emails[type eq "work"].value eq "dan@work.example"`, []string{"dan"}},
		{`emails[type eq "home" and value co "@work"]`, nil},
		{`emails.type eq "home" and emails.value ew "@work.example" and userName gt "c"`, []string{"Cleo", "dan"}},
		{`emails co "bob@"`, []string{"bob"}},
		{enterpriseURN + `:department eq "d1"`, []string{"bob", "dan"}},
		{`userName sw "d" and ` + enterpriseURN + `:department eq "D1"`, []string{"dan"}},
		{`schemas eq "` + enterpriseURN + `"`, []string{"ada", "bob", "Cleo", "dan"}},
		{`schemas eq "` + groupURN + `"`, nil},
		{`meta.resourceType eq "User" and meta.created gt "2020-01-01T00:00:00Z"`, []string{"ada", "bob", "Cleo", "dan"}},
		{`meta.lastModified lt "2020-01-01T00:00:00+02:00"`, nil},
		{`nickName pr`, nil},
		{`nickName eq null`, []string{"ada", "bob", "Cleo", "dan"}},
		{`groups.value eq "` + group + `"`, []string{"ada", "bob"}},
		{`groups[display eq "crew"]`, []string{"ada", "bob"}},
	} {
		a := s.do("GET", "/Users?filter="+url.QueryEscape(c.filter), "")
		assert.Equal(t, c.want, names(a), c.filter)
		b := s.do("POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":`+quote(c.filter)+`,"startIndex":1,"count":10}`)
		assert.Equal(t, c.want, names(b), c.filter)
	}
	for filter, total := range map[string]int{
		`members eq "` + ids["ada"] + `"`:                                 1,
		`members[value eq "` + ids["bob"] + `"]`:                          1,
		`members.value eq "` + ids["dan"] + `"`:                           0,
		`id eq "` + group + `" and members eq "` + ids["ada"] + `"`:       1,
		`displayName eq "CREW"`:                                           1,
		`members[display eq "ada" and type eq "User"] or members[a eq 1]`: -1,
	} {
		a := s.do("GET", "/Groups?attributes=id&filter="+url.QueryEscape(filter), "")
		if total < 0 {
			a.fails(400, "invalidFilter", "a")
			continue
		}
		assert.EqualValues(t, total, a.is(200).at("totalResults"), filter)
	}
	for _, c := range []struct{ query, scimType, words string }{
		{"filter=userName", "invalidFilter", "filter: at character 9"},
		{`filter=userName%20xx%20"a"`, "invalidFilter", "xx"},
		{`filter=hat%20eq%20"a"`, "invalidFilter", "hat"},
		{`filter=password%20eq%20"a"`, "invalidFilter", "password"},
		{`filter=active%20gt%20true`, "invalidFilter", "active"},
		{`filter=meta.created%20gt%20"yesterday"`, "invalidFilter", "created"},
		{"count=x", "invalidValue", "count"},
		{"startIndex=1.5", "invalidValue", "startIndex"},
		{"sortBy=hat", "invalid", "hat"},
		{"sortOrder=sideways", "invalidValue", "sortOrder"},
		{"%zz", "invalidSyntax", "query"},
	} {
		a := s.do("GET", "/Users?"+c.query, "").is(400)
		assert.Contains(t, a.at("scimType"), c.scimType, c.query)
		assert.Contains(t, a.at("detail"), c.words, c.query)
	}
	t.Run("groups", func(t *testing.T) {
		a := s.do("GET", "/Groups", "").is(200)
		assert.Len(t, a.at("Resources", 0, "members"), 2)
		a = s.do("GET", "/Groups?excludedAttributes=members", "").is(200)
		assert.NotContains(t, a.at("Resources", 0), "members")
		assert.Equal(t, "Crew", a.at("Resources", 0, "displayName"))
	})
	t.Run("search refused", func(t *testing.T) {
		for body, words := range map[string]string{
			`{"count":"1"}`: "count", `{"filter":1}`: "filter", `{"attributes":[1]}`: "attributes",
			`{"schemas":["` + userURN + `"]}`: "SearchRequest", `{"sortOrder":"up"}`: "sortOrder",
		} {
			assert.Contains(t, s.do("POST", "/Users/.search", body).is(400).at("detail"), words)
		}
	})
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

func TestListLimits(t *testing.T) {
	s := serve(t, func(o *scim.Options) {
		o.Limits = scim.Limits{PageSize: 2, MaxResults: 3, Body: 2000, Operations: 2, Members: 2, Filter: 40}
	})
	var ids []string
	for i := range 5 {
		ids = append(ids, s.user("u"+itoa(i)))
	}
	assert.Len(t, s.do("GET", "/Users", "").at("Resources"), 2)
	assert.Len(t, s.do("GET", "/Users?count=100", "").at("Resources"), 3)
	assert.EqualValues(t, 3, s.do("GET", "/ServiceProviderConfig", "").at("filter", "maxResults"))
	s.do("POST", "/Users", userBody("x", `"title":"`+string(make([]byte, 2000))+`"`)).fails(413, "", "2000 bytes")
	op := `{"op":"add","path":"title","value":"T"}`
	s.do("PATCH", "/Users/"+ids[0], patchBody(op, op, op)).fails(413, "", "2")
	g := s.group("g")
	s.do("PATCH", "/Groups/"+g, patchBody(`{"op":"add","path":"members","value":`+memberList(ids[:3])+`}`)).fails(413, "", "members")
	s.do("GET", "/Users?filter="+url.QueryEscape(`userName eq "0123456789012345678901234567890123456789"`), "").fails(400, "invalidFilter", "40")
}
