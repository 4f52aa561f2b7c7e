package scim_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestVersionOfWhatIsShown checks that nobody is told that something hasn't changed (304), or has its old version, when the groups
// of a user or the display of a member have, which the answer shows.
func TestVersionOfWhatIsShown(t *testing.T) {
	s := serve(t)
	ada, bob := s.user("ada", `"displayName":"Ada"`), s.user("bob")
	crew := s.group("Crew", bob)
	type step struct {
		name string
		do   func()
		user bool // whether the user, and the group, are shown otherwise
		crew bool
	}
	patch := func(path, operation string) func() {
		return func() {
			if status := s.do("PATCH", path, patchBody(operation)).status; status != 200 && status != 204 {
				t.Fatal(status)
			}
		}
	}
	userPath, crewPath := "/Users/"+ada, "/Groups/"+crew
	for _, c := range []step{
		{"nothing", func() {}, false, false},
		{"joins", patch(crewPath, `{"op":"add","path":"members","value":[{"value":"`+ada+`"}]}`), true, true},
		{"nothing again", func() {}, false, false},
		{"the group is renamed", patch(crewPath, `{"op":"replace","path":"displayName","value":"Staff"}`), true, true},
		{"the member is renamed", patch(userPath, `{"op":"replace","path":"displayName","value":"Ada L"}`), true, true},
		{"another member is renamed", patch("/Users/"+bob, `{"op":"replace","path":"displayName","value":"Bob"}`), false, true},
		{"the member's title", patch(userPath, `{"op":"replace","path":"title","value":"T"}`), true, false},
		{"leaves", patch(crewPath, `{"op":"remove","path":"members[value eq \"`+ada+`\"]"}`), true, true},
	} {
		before := map[string]answer{}
		for _, path := range []string{userPath, crewPath} {
			a := s.do("GET", path, "").is(200)
			assert.Equal(t, a.header.Get("ETag"), a.at("meta", "version"), "%s: the header and meta say the same", c.name)
			before[path] = a
		}
		list := s.do("GET", `/Users?filter=id%20eq%20"`+ada+`"`, "").is(200)
		assert.Equal(t, before[userPath].at("meta", "version"), list.at("Resources", 0, "meta", "version"), "%s: and so does a list", c.name)
		c.do()
		for path, changed := range map[string]bool{userPath: c.user, crewPath: c.crew} {
			tag := before[path].header.Get("ETag")
			a := s.do("GET", path, "", "If-None-Match: "+tag)
			if !changed {
				a.is(304)
				assert.Equal(t, tag, a.header.Get("ETag"))
				continue
			}
			a.is(200)
			assert.NotEqual(t, tag, a.header.Get("ETag"), "%s: %s", c.name, path)
		}
	}
	// Writes go by the resource's own version.
	tag := s.do("GET", userPath, "").is(200).header.Get("ETag")
	patch(crewPath, `{"op":"add","path":"members","value":[{"value":"`+ada+`"}]}`)()
	a := s.do("PUT", userPath, userBody("ada"), "If-Match: "+tag).is(200)
	assert.Equal(t, a.header.Get("ETag"), s.do("GET", userPath, "").is(200).header.Get("ETag"))
	s.do("PUT", userPath, userBody("ada", `"title":"x"`), "If-Match: "+tag).is(412)
	s.do("DELETE", userPath, "", "If-Match: "+a.header.Get("ETag")).is(204)
}
