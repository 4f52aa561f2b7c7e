package scim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
)

func TestPost(t *testing.T) {
	s := serve(t)
	a := s.do("POST", "/Users", `{"schemas":["`+userURN+`","`+enterpriseURN+`"],"USERNAME":"Bjensen@Example.com","externalId":"701984",
		"name":{"givenName":"Barbara","familyname":"Jensen"},"emails":[{"value":"b@example.com","type":"work","primary":true}],
		"password":"t1meMa$heen","id":"mine","meta":{"location":"x"},"groups":[],"nickName":null,"unknown":1,
		"`+enterpriseURN+`":{"employeeNumber":"1","manager":{"value":"boss"}}}`).is(201)
	id := a.id()
	assert.NotEqual(t, "mine", id, "id is readOnly: RFC 7643 section 3.1")
	assert.Equal(t, "Bjensen@Example.com", a.at("userName"), "values come back as they were sent")
	assert.Equal(t, "Jensen", a.at("name", "familyName"), "attribute names ignore case")
	assert.Equal(t, []any{userURN, enterpriseURN}, a.at("schemas"))
	assert.Equal(t, "boss", a.at(enterpriseURN, "manager", "value"))
	assert.Equal(t, s.url+"/Users/"+id, a.at("meta", "location"))
	assert.Equal(t, s.url+"/Users/"+id, a.header.Get("Location"))
	assert.Equal(t, "User", a.at("meta", "resourceType"))
	assert.Equal(t, a.header.Get("ETag"), a.at("meta", "version"))
	assert.Regexp(t, `^W/".+"$`, a.header.Get("ETag"))
	for _, name := range []string{"created", "lastModified"} {
		at, err := time.Parse(time.RFC3339, a.at("meta", name).(string))
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), at, time.Minute)
	}
	for _, gone := range []string{"password", "nickName", "unknown", "groups"} {
		assert.NotContains(t, a.body, gone)
	}
	assert.NotContains(t, a.text, "t1me")
	got := s.do("GET", "/Users/"+id, "").is(200)
	assert.Equal(t, a.body, got.body, "what is read is what was answered")
	assert.NotContains(t, s.do("GET", "/Users/"+id+"?attributes=password,userName", "").is(200).text, "password")

	t.Run("refused", func(t *testing.T) {
		for _, c := range []struct {
			name, path, body string
			status           int
			scimType, words  string
		}{
			{"the same userName in other case", "/Users", userBody("BJENSEN@example.com"), 409, "uniqueness", "userName"},
			{"no userName", "/Users", `{"schemas":["` + userURN + `"]}`, 400, "invalidValue", "userName"},
			{"blank userName", "/Users", userBody(" "), 400, "invalidValue", "userName"},
			{"wrong type", "/Users", userBody("x", `"emails":[{"value":"a"},{"value":true}]`), 400, "invalidValue", "emails[1].value: want a string, got boolean"},
			{"no body", "/Users", "", 400, "invalidSyntax", "empty"},
			{"an array", "/Users", "[]", 400, "invalidSyntax", "array"},
			{"not JSON", "/Users", "{", 400, "invalidSyntax", "at byte"},
			{"trailing text", "/Users", userBody("x") + "x", 400, "invalidSyntax", "got more text"},
			{"duplicate key", "/Users", userBody("x", `"UserName":"y"`), 400, "invalidSyntax", "twice"},
			{"group without a name", "/Groups", `{"schemas":["` + groupURN + `"]}`, 400, "invalidValue", "displayName"},
			{"member that isn't there", "/Groups", `{"schemas":["` + groupURN + `"],"displayName":"g","members":[{"value":"nobody"}]}`, 400, "invalidValue", "nobody"},
			{"unknown endpoint", "/Printers", userBody("x"), 404, "", "endpoint"},
		} {
			t.Run(c.name, func(t *testing.T) {
				s := &service{t: t, url: s.url}
				s.do("POST", c.path, c.body).fails(c.status, c.scimType, c.words)
			})
		}
		assert.EqualValues(t, 1, s.do("GET", "/Users?count=0", "").is(200).at("totalResults"), "nothing was half-made")
		assert.EqualValues(t, 0, s.do("GET", "/Groups?count=0", "").is(200).at("totalResults"))
	})
}

func TestGet(t *testing.T) {
	s := serve(t)
	id := s.user("ada", `"title":"Countess","name":{"givenName":"Ada","familyName":"Lovelace"}`)
	path := "/Users/" + id
	etag := s.do("GET", path, "").is(200).header.Get("ETag")
	for _, c := range []struct {
		name, path string
		header     string
		status     int
	}{
		{"known version", path, "If-None-Match: " + etag, 304},
		{"known version among others", path, `If-None-Match: "x", ` + etag, 304},
		{"any version", path, "If-None-Match: *", 304},
		{"other version", path, `If-None-Match: W/"x"`, 200},
		{"slash at the end", path + "/", "", 200},
		{"unknown query parameter", path + "?aadOptscim062020", "", 200},
		{"unknown id", "/Users/nobody", "", 404},
		{"id of another type", "/Groups/" + id, "", 404},
		{"path below a resource", path + "/name", "", 404},
		{"both projections", path + "?attributes=title&excludedAttributes=title", "", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &service{t: t, url: s.url}
			if c.header == "" {
				c.header = "Accept: */*"
			}
			a := s.do("GET", c.path, "", c.header).is(c.status)
			if c.status == 304 {
				assert.Empty(t, a.text)
				assert.Equal(t, etag, a.header.Get("ETag"))
			}
		})
	}
	t.Run("HEAD", func(t *testing.T) {
		a := s.do("HEAD", path, "").is(200)
		assert.Empty(t, a.text)
		assert.Equal(t, etag, a.header.Get("ETag"))
		assert.NotEqual(t, "0", a.header.Get("Content-Length"))
	})
	t.Run("attributes", func(t *testing.T) {
		for _, c := range []struct {
			query   string
			present []string
		}{
			{"attributes=title", []string{"id", "schemas", "title"}},
			{"attributes=TITLE,name.givenName", []string{"id", "schemas", "title", "name"}},
			{"attributes=" + userURN + ":title", []string{"id", "schemas", "title"}},
			{"attributes=nothing", []string{"id", "schemas"}},
			{"excludedAttributes=title,name,meta,id", []string{"id", "schemas", "userName", "active"}},
		} {
			a := s.do("GET", path+"?"+c.query, "").is(200)
			names := make([]string, 0, len(a.body))
			for name := range a.body {
				names = append(names, name)
			}
			assert.ElementsMatch(t, c.present, names, c.query)
		}
		assert.Equal(t, map[string]any{"givenName": "Ada"}, s.do("GET", path+"?attributes=name.givenName", "").at("name"))
		assert.Equal(t, map[string]any{"givenName": "Ada"}, s.do("GET", path+"?excludedAttributes=name.familyName", "").at("name"))
	})
}

func TestPut(t *testing.T) {
	s := serve(t)
	id := s.user("ada", `"title":"Countess","externalId":"e1"`)
	path := "/Users/" + id
	first := s.do("GET", path, "").is(200)
	a := s.do("PUT", path, userBody("ada2", `"id":"`+id+`","nickName":"A","meta":{"resourceType":"User"}`)).is(200)
	assert.Equal(t, "ada2", a.at("userName"))
	assert.NotContains(t, a.body, "title", "what a PUT leaves out is cleared: RFC 7644 section 3.5.1")
	assert.NotEqual(t, first.header.Get("ETag"), a.header.Get("ETag"))
	assert.Equal(t, first.at("meta", "created"), a.at("meta", "created"))
	again := s.do("PUT", path, userBody("ada2", `"nickName":"A"`)).is(200)
	assert.Equal(t, a.body, again.body, "nothing differs, so the version stays")

	s.user("bob")
	s.do("PUT", path, userBody("BOB")).fails(409, "uniqueness", "userName")
	s.do("PUT", "/Users/nobody", userBody("x")).fails(404, "", "nobody")
	s.do("PUT", "/Users/nobody", userBody("x"), "If-None-Match: *").fails(404, "", "nobody")
	s.do("PUT", path, userBody("x"), "If-None-Match: *").fails(412, "", "If-None-Match")
	s.do("PUT", path, userBody("x"), `If-Match: W/"old"`).fails(412, "", "If-Match")
	s.do("PUT", path, `{"schemas":["`+userURN+`"]}`).fails(400, "invalidValue", "userName")
	s.do("PUT", path, userBody("ada3"), "If-Match: "+a.header.Get("ETag")).is(200)

	t.Run("group", func(t *testing.T) {
		g := s.group("Crew", id)
		body := `{"schemas":["` + groupURN + `"],"displayName":"Crew 2","members":` + memberList([]string{id}) + `}`
		assert.Len(t, s.do("PUT", "/Groups/"+g, body).is(200).at("members"), 1)
		a := s.do("PUT", "/Groups/"+g, `{"schemas":["`+groupURN+`"],"displayName":"Crew 2"}`).is(200)
		assert.NotContains(t, a.body, "members", "a PUT without members means none")
	})
}

func TestActiveLeftOut(t *testing.T) {
	s := serve(t)
	a := s.do("POST", "/Users", userBody("ada")).is(201)
	assert.Equal(t, true, a.at("active"), "who is created is active")
	path := "/Users/" + a.id()
	s.do("PATCH", path, patchBody(`{"op":"replace","path":"active","value":false}`)).is(200)
	a = s.do("PUT", path, userBody("ada", `"title":"T"`)).is(200)
	assert.Equal(t, false, a.at("active"), "a PUT without active lets nobody in again")
	for _, op := range []string{`{"op":"remove","path":"active"}`, `{"op":"replace","path":"active","value":""}`, `{"op":"replace","path":"active","value":null}`,
		`{"op":"replace","path":"active","value":[]}`, `{"op":"replace","value":{"active":null}}`, `{"op":"replace","value":{"active":""}}`} {
		a = s.do("PATCH", path, patchBody(op, `{"op":"replace","path":"title","value":"`+itoa(len(op))+`"}`)).is(200)
		assert.Equal(t, false, a.at("active"), "nor does a PATCH that takes it away: %s", op)
	}
}

func TestPatch(t *testing.T) {
	s := serve(t)
	id := s.user("ada", `"active":true,"emails":[{"type":"work","value":"a@x"}]`)
	path := "/Users/" + id
	a := s.do("PATCH", path, patchBody(`{"op":"Replace","path":"active","value":"False"}`, `{"op":"add","path":"name.givenName","value":"Ada"}`)).is(200)
	assert.Equal(t, false, a.at("active"))
	assert.Equal(t, "Ada", a.at("name", "givenName"))
	again := s.do("PATCH", path, patchBody(`{"op":"replace","value":{"active":false}}`)).is(200)
	assert.Equal(t, a.body, again.body, "no difference, no new version")
	assert.Equal(t, map[string]any{"givenName": "Ada"}, s.do("PATCH", path+"?attributes=name", patchBody(`{"op":"add","path":"title","value":"T"}`)).is(200).at("name"))

	before := s.do("GET", path, "").is(200)
	for _, c := range []struct {
		name, body      string
		status          int
		scimType, words string
	}{
		{"second operation fails", patchBody(`{"op":"replace","path":"title","value":"X"}`, `{"op":"replace","path":"title","value":true}`), 400, "invalidValue", "title"},
		{"no such attribute", patchBody(`{"op":"replace","path":"hat size","value":"X"}`), 400, "invalidPath", "hat"},
		{"remove without path", patchBody(`{"op":"remove"}`), 400, "noTarget", "path"},
		{"unknown operation", patchBody(`{"op":"move","path":"title"}`), 400, "invalidSyntax", "move"},
		{"readOnly", patchBody(`{"op":"replace","path":"id","value":"x"}`), 400, "mutability", "id"},
		{"remove a required attribute", patchBody(`{"op":"remove","path":"userName"}`), 400, "mutability", "userName"},
		{"not a patch", userBody("x"), 400, "invalidSyntax", "Operations"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &service{t: t, url: s.url}
			s.do("PATCH", path, c.body).fails(c.status, c.scimType, c.words)
		})
	}
	assert.Equal(t, before.body, s.do("GET", path, "").is(200).body, "all operations or none")
	s.do("PATCH", "/Users/nobody", patchBody(`{"op":"add","path":"title","value":"T"}`)).fails(404, "", "nobody")
	s.do("PATCH", path, patchBody(`{"op":"add","path":"title","value":"U"}`), `If-Match: W/"old"`).fails(412, "", "If-Match")
	s.do("PATCH", path, patchBody(`{"op":"add","path":"title","value":"U"}`), "If-Match: "+before.header.Get("ETag")).is(200)
}

func TestPatchMembers(t *testing.T) {
	s := serve(t)
	ada, bob, eve := s.user("ada"), s.user("bob", `"displayName":"Bob"`), s.user("eve")
	g := s.group("Crew", ada)
	path := "/Groups/" + g
	members := func() (ids []string) {
		t.Helper()
		list, _ := s.do("GET", path, "").is(200).body["members"].([]any)
		for _, m := range list {
			ids = append(ids, m.(map[string]any)["value"].(string))
		}
		return ids
	}
	for _, c := range []struct {
		name, op string
		then     []string
	}{
		{"add", `{"op":"add","path":"members","value":[{"value":"` + bob + `"}]}`, []string{ada, bob}},
		{"add again", `{"op":"Add","path":"members","value":[{"$ref":null,"value":"` + bob + `"}]}`, []string{ada, bob}},
		{"rename", `{"op":"replace","path":"displayName","value":"Crew 2"}`, []string{ada, bob}},
		{"remove by filter", `{"op":"remove","path":"members[value eq \"` + ada + `\"]"}`, []string{bob}},
		{"remove what isn't one", `{"op":"remove","path":"members[value eq \"` + ada + `\"]"}`, []string{bob}},
		{"remove by value array", `{"op":"Remove","path":"members","value":[{"value":"` + eve + `"}]}`, []string{bob}},
		{"remove by display", `{"op":"remove","path":"members[display eq \"bob\"]"}`, nil},
		{"replace", `{"op":"replace","path":"members","value":[{"value":"` + ada + `"},{"value":"` + eve + `"}]}`, []string{ada, eve}},
		{"replace without a path", `{"op":"replace","value":{"members":[{"value":"` + bob + `"}]}}`, []string{bob}},
		{"rename with id", `{"op":"replace","value":{"id":"` + g + `","displayName":"Crew 3"}}`, []string{bob}},
		{"empty by remove", `{"op":"remove","path":"members"}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &service{t: t, url: s.url}
			assert.Empty(t, s.do("PATCH", path, patchBody(c.op)).is(204).text)
			assert.ElementsMatch(t, c.then, members())
		})
	}
	before := s.do("GET", path, "").is(200)
	s.do("PATCH", path, patchBody(`{"op":"remove","path":"members","value":[{"value":"`+eve+`"}]}`)).is(204)
	assert.Equal(t, before.body, s.do("GET", path, "").body, "nothing changed, so the version and lastModified stay")

	a := s.do("PATCH", path+"?attributes=members", patchBody(`{"op":"add","path":"members","value":[{"value":"`+bob+`"}]}`)).is(200)
	assert.Equal(t, map[string]any{"value": bob, "$ref": s.url + "/Users/" + bob, "type": "User", "display": "Bob"}, a.at("members", 0))
	assert.NotEqual(t, before.at("meta", "version"), s.do("GET", path, "").at("meta", "version"), "a member is part of the group's version")
	assert.Equal(t, g, s.do("GET", "/Users/"+bob, "").is(200).at("groups", 0, "value"))
	assert.Equal(t, "Crew 3", s.do("GET", "/Users/"+bob, "").at("groups", 0, "display"))

	s.do("PATCH", "/Groups/nobody", patchBody(`{"op":"add","path":"members","value":[{"value":"`+bob+`"}]}`)).fails(404, "", "nobody")
	s.do("PATCH", "/Groups/nobody", patchBody(`{"op":"remove","path":"members","value":[{"value":"`+bob+`"}]}`)).fails(404, "", "nobody")
	s.do("PATCH", path, patchBody(`{"op":"add","path":"members","value":[{"value":"`+ada+`"},{"value":"nobody"}]}`)).fails(400, "invalidValue", "nobody")
	assert.Equal(t, []string{bob}, members(), "none of the members was added")
	s.do("PATCH", path, patchBody(`{"op":"add","path":"members","value":[{"value":"`+ada+`"}]}`), `If-Match: W/"old"`).fails(412, "", "version")
	s.do("DELETE", "/Users/"+bob, "").is(204)
	assert.Empty(t, members(), "the deleted are nobody's members")
}

func TestDelete(t *testing.T) {
	s := serve(t)
	id := s.user("ada")
	path := "/Users/" + id
	s.do("DELETE", path, "", `If-Match: W/"old"`).fails(412, "", "If-Match")
	assert.Empty(t, s.do("DELETE", path, "").is(204).text)
	for _, method := range []string{"GET", "DELETE"} {
		s.do(method, path, "").fails(404, "", id)
	}
	s.do("PUT", path, userBody("x")).fails(404, "", id)
	s.do("PATCH", path, patchBody(`{"op":"add","path":"title","value":"T"}`)).fails(404, "", id)
	assert.EqualValues(t, 0, s.do("GET", `/Users?filter=userName%20eq%20%22ada%22`, "").is(200).at("totalResults"))
	assert.NotEqual(t, id, s.user("ada"), "the deleted free their userName, and ids are never used again")
}

func TestMethods(t *testing.T) {
	s := serve(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"PUT", "/Users", 405, "GET, HEAD, POST"},
		{"DELETE", "/Users", 405, "GET, HEAD, POST"},
		{"POST", "/Users/x", 405, "GET, HEAD, PUT, PATCH, DELETE"},
		{"GET", "/Users/.search", 405, "POST"},
		{"POST", "/Schemas", 405, "GET, HEAD"},
		{"DELETE", "/ServiceProviderConfig", 405, "GET, HEAD"},
		{"GET", "/Me", 501, ""},
		{"PUT", "/Bulk", 405, "POST"},
		{"GET", "/users", 404, ""},
		{"GET", "/Users/x/y", 404, ""},
		{"GET", "/Schemas/urn:nothing", 404, ""},
	} {
		a := s.do(c.method, c.path, "").fails(c.status, "", "")
		assert.Equal(t, c.allow, a.header.Get("Allow"), c.path)
	}
	for _, c := range []struct {
		header string
		status int
	}{
		{"Content-Type: application/json", 201},
		{"Content-Type: application/scim+json; charset=UTF-8", 201},
		{"Content-Type: application/json;charset=utf-8", 201},
		{"Content-Type: text/plain", 415},
		{"Content-Type: application/xml", 415},
		{"Content-Type: application/json; charset=latin1", 415},
		{"Content-Encoding: br", 415},
	} {
		a := s.do("POST", "/Users", userBody("u-"+c.header), c.header).is(c.status)
		if c.status == 415 {
			a.fails(415, "", c.header[:7])
		}
	}
}

func TestAuthentication(t *testing.T) {
	s := serve(t)
	id := s.user("ada")
	for _, header := range []string{"", "non-token", "Bearer", "Bearer ", "Bearer wrong", "Basic acme", "Bearer acme2"} {
		for _, path := range []string{"/Users", "/Users/" + id, "/Schemas", "/nowhere"} {
			a := s.do("GET", path, "", "Authorization: "+header).fails(401, "", "Authorization")
			assert.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer")
		}
	}
	s.do("GET", "/Users/"+id, "", "Authorization: bearer acme").is(200)

	t.Run("isolation", func(t *testing.T) {
		other := "Authorization: Bearer umbrella"
		s.do("GET", "/Users/"+id, "", other).fails(404, "", id)
		s.do("PUT", "/Users/"+id, userBody("x"), other).fails(404, "", id)
		s.do("PATCH", "/Users/"+id, patchBody(`{"op":"add","path":"title","value":"T"}`), other).fails(404, "", id)
		s.do("DELETE", "/Users/"+id, "", other).fails(404, "", id)
		assert.EqualValues(t, 0, s.do("GET", "/Users", "", other).is(200).at("totalResults"))
		s.do("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"g","members":[{"value":"`+id+`"}]}`, other).fails(400, "invalidValue", id)
		s.do("POST", "/Users", userBody("ada"), other).is(201)
		s.do("GET", "/Users/"+id, "").is(200)
	})
	t.Run("scopes", func(t *testing.T) {
		reader := serve(t, func(o *scim.Options) { o.Auth = principal{Tenant: "acme", Scopes: []string{scim.ScopeRead}} })
		reader.do("GET", "/Users", "").is(200)
		reader.do("POST", "/Users/.search", `{}`).is(200)
		reader.do("POST", "/Users", userBody("x")).fails(403, "", "write")
	})
	t.Run("options", func(t *testing.T) {
		_, err := scim.NewHandler(s.store, &scim.Options{})
		assert.ErrorContains(t, err, "Auth")
		_, err = scim.NewHandler(nil, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
		assert.ErrorContains(t, err, "store")
	})
}

// principal authenticates everybody as itself.
type principal scim.Principal

func (p principal) Authenticate(*http.Request) (scim.Principal, error) { return scim.Principal(p), nil }
