package scim_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/scim"
)

// TestInteropProfile checks the clauses of draft-zollner-scim-interop-profile-02 that differ from RFC 7644, in the dialect interop
// and in no other. The numbers are those of the clauses in docs/protocol.md.
func TestInteropProfile(t *testing.T) {
	tolerant := serve(t)
	strict := serve(t, func(o *scim.Options) { o.Auth = dialect{scim.Strict()} })
	s := serve(t, func(o *scim.Options) { o.Auth = dialect{scim.Interop()} })

	// Z1
	assert.Equal(t, true, s.do("GET", "/ServiceProviderConfig", "").is(200).at("interopProfileConformant"))
	for _, other := range []*service{tolerant, strict} {
		assert.NotContains(t, other.do("GET", "/ServiceProviderConfig", "").is(200).body, "interopProfileConformant")
	}
	// Z2, Z3
	for _, r := range s.do("GET", "/ResourceTypes", "").is(200).at("Resources").([]any) {
		assert.Equal(t, at(t, r, "name"), at(t, r, "id"))
		s.do("GET", "/ResourceTypes/"+at(t, r, "id").(string), "").is(200)
		s.do("GET", "/Schemas/"+at(t, r, "schema").(string), "").is(200)
	}
	// Z6, AL2
	types := 0
	for _, schema := range s.do("GET", "/Schemas", "").is(200).at("Resources").([]any) {
		for _, a := range at(t, schema, "attributes").([]any) {
			assert.NotEqual(t, "password", at(t, a, "name"))
			subs, _ := at(t, a, "subAttributes").([]any)
			for _, sub := range subs {
				if at(t, sub, "name") == "type" {
					types++
					assert.NotEmpty(t, at(t, sub, "canonicalValues"), "%v", at(t, a, "name"))
				}
			}
		}
	}
	assert.Greater(t, types, 5)
	assert.Contains(t, tolerant.do("GET", "/Schemas/"+userURN, "").is(200).text, `"password"`)

	// Z5: unknown attributes and schemas
	for _, body := range []string{
		userBody("x", `"shoeSize":7`), userBody("x", `"name":{"shoeSize":7}`), userBody("x", `"emails":[{"value":"a","shoeSize":7}]`),
		userBody("x", `"password":"secret"`), `{"schemas":["` + userURN + `","urn:x"],"userName":"x"}`,
	} {
		s.do("POST", "/Users", body).fails(400, "invalidSyntax", "")
		tolerant.do("POST", "/Users", body)
	}
	strict.do("POST", "/Users", userBody("x", `"shoeSize":7`)).fails(400, "invalidValue", "shoeSize")
	// Z7
	s.do("POST", "/Users", userBody("x"), "Content-Type: application/json").fails(415, "", "application/scim+json")
	// Z8
	s.do("GET", `/Users?filter=shoeSize%20eq%20"x"`, "").fails(400, "invalidFilter", "")
	s.do("GET", `/Users?filter=userName%20eq%20"x"%20and%20active%20eq%20true`, "").is(200)
	// Z9
	s.do("GET", "/Users?count=100", "").is(200)
	s.do("GET", "/Users?count=100000", "").is(200)

	// Z10, Z11
	name := `"name":{"givenName":"Ada","familyName":"Lovelace"}`
	operation := func(s *service, id, o string) answer { return s.do("PATCH", "/Users/"+id, patchBody(o)) }
	for _, c := range []struct {
		s      *service
		family any // after a replace of the whole name
	}{{s, nil}, {strict, "Lovelace"}, {tolerant, "Lovelace"}} {
		id := c.s.user("ada", name, `"emails":[{"value":"a@x","type":"work"}]`)
		a := operation(c.s, id, `{"op":"add","path":"name","value":{"middleName":"M"}}`).is(200)
		assert.Equal(t, map[string]any{"givenName": "Ada", "familyName": "Lovelace", "middleName": "M"}, a.at("name"), "add merges")
		a = operation(c.s, id, `{"op":"replace","path":"name","value":{"givenName":"Eve"}}`).is(200)
		assert.Equal(t, "Eve", a.at("name", "givenName"))
		assert.Equal(t, c.family, at(t, a.at("name"), "familyName"))
		withoutPath := `{"op":"replace","value":{"title":"T"}}`
		element := `{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"b@x"}}`
		if c.s == s {
			operation(s, id, withoutPath).fails(400, "invalidSyntax", "path")
			operation(s, id, element).fails(400, "invalidPath", "sub-attribute")
			operation(s, id, `{"op":"replace","path":"shoeSize","value":7}`).fails(400, "invalidPath", "")
		} else {
			operation(c.s, id, withoutPath).is(200)
			operation(c.s, id, element).is(200)
		}
		operation(c.s, id, `{"op":"replace","path":"emails[type eq \"work\"].value","value":"c@x"}`).is(200)
		operation(c.s, id, `{"op":"replace","path":"active","value":false}`).is(200)
		operation(c.s, id, `{"op":"replace","path":"active","value":true}`).is(200)
		// Z12, Z13
		c.s.do("POST", "/Users", userBody("ADA")).fails(409, "uniqueness", "userName")
		crew := c.s.group("Crew", id)
		c.s.do("PATCH", "/Groups/"+crew, patchBody(`{"op":"remove","path":"members[value eq \"`+id+`\"]"}`)).is(204)
		c.s.do("DELETE", "/Users/"+id, "").is(204)
		c.s.do("GET", "/Users/"+id, "").is(404)
		c.s.user("ada")
	}
}
