package scim_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// wrong is, by the type of an attribute, what can't be meant by it. What can be (a "True", a single value for a list) is
// in the table of quirks.
var wrong = map[string][]string{
	"string":    {`1e400`, `true`, `{"x":1}`, `[true]`, `[["x"]]`},
	"reference": {`false`, `{"x":1}`, `[{}]`},
	"binary":    {`1`, `true`, `{"x":1}`, `"*"`, `"A A="`, `"A"`},
	"dateTime":  {`1`, `true`, `{"x":1}`, `"yesterday"`, `"2008-13-01T00:00:00Z"`, `"2008-02-30T00:00:00Z"`},
	"boolean":   {`1`, `0`, `"maybe"`, `{"x":1}`, `[1]`, `[[true]]`},
	"complex":   {`1`, `true`, `[1]`, `[[{}]]`, `[true]`},
}

// Every attribute that discovery declares refuses what isn't of its type, by its name, in a POST and in a PATCH.
func TestWrongTypes(t *testing.T) {
	s := serve(t)
	paths := map[string]string{"User": "/Users/" + s.user("ada"), "Group": "/Groups/" + s.group("Crew")}
	extended := map[string]string{userURN: "User", groupURN: "Group", enterpriseURN: "User"}
	before, rows := s.everything(), 0
	for _, schema := range s.do("GET", "/Schemas", "").is(200).at("Resources").([]any) {
		urn := at(t, schema, "id").(string)
		typ := extended[urn]
		within := func(member string) string {
			must := map[string]string{"User": `"userName":"bob"`, "Group": `"displayName":"G"`}[typ]
			if strings.HasPrefix(member, `"`+must[1:strings.Index(must, ":")]) { // it is what must be there
				return "{" + member + "}"
			}
			if urn == enterpriseURN {
				member = `"` + urn + `":{` + member + `}`
			}
			return "{" + must + "," + member + "}"
		}
		prefix := ""
		if urn == enterpriseURN {
			prefix = urn + ":"
		}
		eachAttribute(t, schema.(map[string]any), func(a attribute) {
			for _, value := range wrong[a.typ] {
				if a.manyValued && !strings.HasPrefix(value, "[") {
					value = "[" + value + "]"
				}
				t.Run(typ+"/"+prefix+a.path+"="+value, func(t *testing.T) {
					rows++
					s := &service{t: t, url: s.url}
					s.do("POST", paths[typ][:strings.LastIndex(paths[typ], "/")], within(a.wrap(value))).fails(400, "invalidValue", a.name)
					s.do("PATCH", paths[typ], patchBody(`{"op":"replace","path":"`+prefix+a.path+`","value":`+value+`}`)).fails(400, "invalidValue", a.name)
				})
			}
		})
	}
	assert.Greater(t, rows, 200)
	assert.Equal(t, before, s.everything())
}

// attribute is a writable one of a schema, or of a complex attribute.
type attribute struct {
	path, name string
	typ        string
	manyValued bool
	wrap       func(value string) string // makes a member of an object of its value
}

func eachAttribute(t *testing.T, of map[string]any, do func(attribute)) {
	for _, v := range of["attributes"].([]any) {
		name, writable := at(t, v, "name").(string), at(t, v, "mutability") != "readOnly"
		if !writable || name == "members" { // members are tested by themselves
			continue
		}
		many := at(t, v, "multiValued").(bool)
		do(attribute{name, name, at(t, v, "type").(string), many, func(value string) string { return `"` + name + `":` + value }})
		subs, _ := at(t, v, "subAttributes").([]any)
		for _, sub := range subs {
			if at(t, sub, "mutability") == "readOnly" {
				continue
			}
			subName := at(t, sub, "name").(string)
			path := name + "." + subName
			if many {
				path = name + `[type eq \"work\"].` + subName
			}
			do(attribute{path, subName, at(t, sub, "type").(string), at(t, sub, "multiValued").(bool), func(value string) string {
				if many {
					return `"` + name + `":[{"` + subName + `":` + value + `}]`
				}
				return `"` + name + `":{"` + subName + `":` + value + `}`
			}})
		}
	}
}
