package scim_test

import (
	"net/url"
	"testing"

	elimity "github.com/elimity-com/scim"
	elimityschema "github.com/elimity-com/scim/schema"
	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/scim"
)

// The tests in this file are of what the test suites of vendors and other implementations were seen to check.

const gadgetURN = "urn:example:Gadget"

// gadgets adds a type with simple values in a list, and with notes that are returned only on request.
func gadgets(o *scim.Options) {
	text := func(name string, more ...func(*elimityschema.StringParams)) elimityschema.CoreAttribute {
		p := elimityschema.StringParams{Name: name}
		for _, m := range more {
			m(&p)
		}
		return elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(p))
	}
	onRequest := func(p *elimityschema.StringParams) { p.Returned = elimityschema.AttributeReturnedRequest() }
	o.ResourceTypes = []elimity.ResourceType{scim.UserType(), scim.GroupType(), {Name: "Gadget", Endpoint: "/Gadgets", Schema: elimityschema.Schema{
		ID: gadgetURN,
		Attributes: elimityschema.Attributes{
			text("name"), text("notes", onRequest), text("remarks", onRequest),
			text("tags", func(p *elimityschema.StringParams) { p.MultiValued = true }),
			text("codes", func(p *elimityschema.StringParams) { p.MultiValued, p.CaseExact = true, true }),
		},
	}}}
}

// TestReturnedOnRequest checks RFC 7643 section 7: a write that names such an attribute is answered with it.
func TestReturnedOnRequest(t *testing.T) {
	s := serve(t, gadgets)
	a := s.do("POST", "/Gadgets", `{"name":"n","notes":"N","tags":["a"]}`).is(201)
	assert.Equal(t, "N", a.at("notes"))
	path := "/Gadgets/" + a.id()
	assert.NotContains(t, s.do("GET", path, "").is(200).body, "notes", "a read that doesn't ask for it isn't")
	assert.NotContains(t, s.do("GET", "/Gadgets", "").is(200).text, "notes")
	assert.Equal(t, "N", s.do("GET", path+"?attributes=notes", "").is(200).at("notes"))
	assert.NotContains(t, s.do("POST", "/Gadgets", `{"name":"m"}`).is(201).body, "notes")

	put := s.do("PUT", path, `{"name":"n","NOTES":"O","remarks":"R"}`).is(200)
	assert.Equal(t, "O", put.at("notes"))
	assert.Equal(t, "R", put.at("remarks"))
	for _, c := range []struct {
		name, body string
		notes      any
	}{
		{"another attribute", patchBody(`{"op":"replace","path":"name","value":"x"}`), nil},
		{"with a path", patchBody(`{"op":"replace","path":"notes","value":"P"}`), "P"},
		{"with the URN", patchBody(`{"op":"replace","path":"` + gadgetURN + `:notes","value":"Q"}`), "Q"},
		{"without a path", patchBody(`{"op":"replace","value":{"notes":"R"}}`), "R"},
		{"the same again", patchBody(`{"op":"replace","value":{"notes":"R"}}`), "R"},
		{"removed", patchBody(`{"op":"remove","path":"notes"}`), nil},
	} {
		a := s.do("PATCH", path, c.body).is(200)
		assert.Equal(t, c.notes, a.body["notes"], c.name)
		assert.NotContains(t, a.body, "remarks", c.name)
	}
	assert.NotContains(t, s.do("PATCH", path+"?excludedAttributes=notes", patchBody(`{"op":"add","path":"notes","value":"x"}`)).is(200).body, "notes")
	only := s.do("PATCH", path+"?attributes=name", patchBody(`{"op":"add","path":"notes","value":"y"}`)).is(200)
	assert.NotContains(t, only.body, "notes", "who lists attributes gets those")
}

// TestFiltersOnSimpleValues checks tags[value eq "red"] in PATCH and in queries.
func TestFiltersOnSimpleValues(t *testing.T) {
	s := serve(t, gadgets)
	one := s.do("POST", "/Gadgets", `{"name":"one","tags":["Red","blue","RED"],"codes":["x","X"]}`).is(201)
	assert.Equal(t, []any{"Red", "blue"}, one.at("tags"), "the same value is there once, as it was first spelt")
	assert.Equal(t, []any{"x", "X"}, one.at("codes"), "unless case counts")
	s.do("POST", "/Gadgets", `{"name":"two","tags":["green","yellow"]}`).is(201)
	for filter, want := range map[string]int{
		`tags[value eq "red"]`: 1, `tags[value eq "green"]`: 1, `tags[value eq "black"]`: 0, `tags[value co "e"]`: 2, `tags eq "RED"`: 1,
		`tags[value sw "r" and value ew "d"]`: 1, `tags[value sw "r" and value ew "e"]`: 0, `tags[value eq "red" or value eq "green"]`: 2,
		`tags[not (value eq "red")]`: 2, `tags[value pr]`: 2, `tags[value ne "green"]`: 2, `codes[value eq "X"]`: 1, `codes[value eq "Y"]`: 0,
	} {
		assert.EqualValues(t, want, s.do("GET", "/Gadgets?filter="+url.QueryEscape(filter), "").is(200).at("totalResults"), filter)
	}
	s.do("GET", "/Gadgets?filter="+url.QueryEscape(`tags[type eq "red"]`), "").fails(400, "invalidFilter", "value")
	s.do("GET", "/Gadgets?filter="+url.QueryEscape(`name[value eq "red"]`), "").fails(400, "invalidFilter", "multi-valued")
	path := "/Gadgets/" + one.id()
	patch := func(operation string, want ...any) {
		t.Helper()
		assert.Equal(t, want, s.do("PATCH", path, patchBody(operation)).is(200).at("tags"), operation)
	}
	patch(`{"op":"replace","path":"tags[value eq \"red\"]","value":"black"}`, "black", "blue")
	patch(`{"op":"add","path":"tags[value eq \"white\"]","value":"white"}`, "black", "blue", "white")
	patch(`{"op":"remove","path":"tags[value eq \"BLUE\"]"}`, "black", "white")
	patch(`{"op":"add","path":"tags","value":["Black","grey"]}`, "black", "white", "grey")
	s.do("PATCH", path, patchBody(`{"op":"replace","path":"tags[value eq \"none\"]","value":"x"}`)).fails(400, "noTarget", "tags")
}

// TestSameElements checks that a value of a type is there once, however it is spelt or sent (RFC 7643 section 2.4, RFC 7644
// section 3.5.2.1).
func TestSameElements(t *testing.T) {
	s := serve(t)
	type email = map[string]any
	work := email{"value": "a@x", "type": "work"}
	ada := s.do("POST", "/Users", userBody("ada", `"emails":[{"value":"a@x","type":"work"},{"value":"A@X","type":"Work"},{"value":"a@x","type":"home"}]`)).is(201)
	assert.Equal(t, []any{work, email{"value": "a@x", "type": "home"}}, ada.at("emails"))
	path := "/Users/" + ada.id()
	put := s.do("PUT", path, userBody("ada", `"emails":[{"value":"a@x","type":"work"},{"type":"WORK","value":"a@X","display":"A"}]`)).is(200)
	assert.Equal(t, []any{email{"value": "a@x", "type": "work", "display": "A"}}, put.at("emails"))
	for _, again := range []string{
		`{"op":"add","path":"emails","value":[{"type":"work","value":"a@x"}]}`,
		`{"op":"add","path":"emails","value":{"value":"A@X","type":"WORK"}}`,
		`{"op":"add","value":{"emails":[{"value":"a@x","type":"work","display":"A"}]}}`,
		`{"op":"replace","path":"emails","value":[{"value":"a@x","type":"work","display":"A"},{"value":"a@x","type":"work"}]}`,
	} {
		a := s.do("PATCH", path, patchBody(again)).is(200)
		assert.Equal(t, put.at("emails"), a.at("emails"), again)
		assert.Equal(t, put.header.Get("ETag"), a.header.Get("ETag"), "%s: nothing has changed", again)
	}
	a := s.do("PATCH", path, patchBody(`{"op":"add","path":"emails","value":[{"value":"b@x","type":"work"},{"value":"A@X","type":"work","primary":true}]}`)).is(200)
	assert.Equal(t, []any{email{"value": "a@x", "type": "work", "display": "A", "primary": true}, email{"value": "b@x", "type": "work"}}, a.at("emails"))
	a = s.do("PATCH", path, patchBody(`{"op":"replace","path":"emails[value eq \"b@x\"].value","value":"A@x"}`)).is(200)
	assert.Len(t, a.at("emails"), 1, "two elements that become the same are one")
}

// TestWhatIsNotUnderstoodIsRefused checks that an element whose keys mean nothing is refused, not dropped.
func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	s := serve(t)
	s.do("POST", "/Users", userBody("ada", `"emails":{"work":"a@d"}`)).fails(400, "invalidValue", "emails[0]: want an object with value")
	s.do("POST", "/Users", userBody("ada", `"emails":[{"value":"a@d"},{"work":"a@d"}]`)).fails(400, "invalidValue", "emails[1]")
	ada := s.user("ada", `"emails":[{"value":"a@d"}]`)
	s.do("PATCH", "/Users/"+ada, patchBody(`{"op":"replace","path":"emails","value":{"work":"a@d"}}`)).fails(400, "invalidValue", "emails")
	assert.Len(t, s.do("GET", "/Users/"+ada, "").is(200).at("emails"), 1)
	s.do("PATCH", "/Users/"+ada, patchBody(`{"op":"replace","path":"emails","value":[{}]}`)).is(200)
}

// TestSpellingsThatAreTaken checks deviations that have one meaning, and that a strict connection refuses them.
func TestSpellingsThatAreTaken(t *testing.T) {
	s, strict := serve(t), serve(t, func(o *scim.Options) { o.Auth = dialect{scim.Strict()} })
	number := userBody("ada", `"title":7,"externalId":12345`)
	a := s.do("POST", "/Users", number).is(201)
	assert.Equal(t, "7", a.at("title"))
	assert.Equal(t, "12345", a.at("externalId"))
	strict.do("POST", "/Users", number).fails(400, "invalidValue", "want a string, got number")
	s.do("POST", "/Users", `{"userName":7}`).fails(400, "invalidValue", "userName") // a name that identifies is never a slip

	ada, theirs := "/Users/"+a.id(), "/Users/"+strict.user("ada")
	empty := patchBody(`{"op":"replace","path":"","value":{"title":"T"}}`)
	assert.Equal(t, "T", s.do("PATCH", ada, empty).is(200).at("title"))
	strict.do("PATCH", theirs, empty).fails(400, "invalidPath", "")

	bob := s.user("bob")
	crew := s.group("Crew")
	for _, value := range []string{`"[{\"value\":\"` + bob + `\"}]"`, `"{\"value\":\"` + a.id() + `\"}"`} {
		s.do("PATCH", "/Groups/"+crew, patchBody(`{"op":"add","path":"members","value":`+value+`}`)).is(204)
	}
	assert.ElementsMatch(t, []string{bob, a.id()}, members(t, s.do("GET", "/Groups/"+crew, "").is(200)))
	strict.do("PATCH", "/Groups/"+strict.group("Crew"), patchBody(`{"op":"add","path":"members","value":"[{\"value\":\"`+bob+`\"}]"}`)).fails(400, "invalidValue", "members")
}
