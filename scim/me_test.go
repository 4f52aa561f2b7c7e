package scim_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

func TestMe(t *testing.T) {
	subject := map[string]string{}
	s := serve(t, func(o *scim.Options) {
		o.Me = func(r *http.Request, p scim.Principal) (string, string, error) {
			id, ok := subject[p.Tenant]
			switch {
			case !ok:
				return "", "", store.ErrNotFound
			case id == "away":
				return "", "", errors.New("secret text")
			case id == "choosy":
				return "", "", &scim.Error{Status: 403, Detail: "this token is no person's"}
			}
			return "User", id, nil
		}
	})
	s.do("GET", "/Me", "").fails(404, "", "credential")
	ada := s.user("ada")
	subject["acme"] = ada
	me := s.do("GET", "/Me", "").is(200)
	assert.Equal(t, "ada", me.at("userName"))
	assert.Equal(t, s.url+"/Users/"+ada, me.at("meta", "location"), "the location is the resource's own: RFC 7644 section 3.11")
	assert.Equal(t, s.url+"/Users/"+ada, me.header.Get("Content-Location"))
	assert.Equal(t, []any{userURN}, s.do("GET", "/Me?attributes=userName", "").is(200).at("schemas"))
	s.do("GET", "/Me", "", "If-None-Match: "+me.header.Get("ETag")).is(304)
	assert.Equal(t, "T", s.do("PATCH", "/Me", patchBody(`{"op":"add","path":"title","value":"T"}`)).is(200).at("title"))
	assert.NotContains(t, s.do("PUT", "/Me", userBody("ada")).is(200).body, "title")
	s.do("PUT", "/Me", userBody("ada"), `If-Match: W/"old"`).fails(412, "", "If-Match")
	a := s.do("POST", "/Me", userBody("x")).fails(405, "", "GET")
	assert.Equal(t, "GET, HEAD, PUT, PATCH, DELETE", a.header.Get("Allow"))
	s.do("GET", "/Me", "", "Authorization: Bearer umbrella").fails(404, "", "credential")
	s.do("DELETE", "/Me", "").is(204)
	s.do("GET", "/Users/"+ada, "").is(404)
	s.do("GET", "/Me", "").is(404)
	subject["acme"] = "away"
	assert.NotContains(t, s.do("GET", "/Me", "").fails(500, "", "request id").text, "secret")
	subject["acme"] = "choosy"
	s.do("GET", "/Me", "").fails(403, "", "no person")
	serve(t).do("GET", "/Me", "").fails(501, "", "/Me")
}
