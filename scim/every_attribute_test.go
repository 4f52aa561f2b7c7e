package scim_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// spec is an attribute as /Schemas describes it to a client.
type spec struct {
	Name            string
	Type            string
	MultiValued     bool
	Required        bool
	Mutability      string
	Returned        string
	CanonicalValues []string
	ReferenceTypes  []string
	SubAttributes   []spec
}

// Every attribute that discovery declares writable can be created, added, replaced and removed by its path, reads back as
// it was sent, and can be asked for by name: what conformance testers do with a schema.
func TestEveryAttribute(t *testing.T) {
	s := serve(t)
	boss := s.user("boss")
	tested := 0
	for _, kind := range []struct{ schema, path, endpoint string }{
		{userURN, "", "/Users"}, {enterpriseURN, enterpriseURN + ":", "/Users"}, {groupURN, "", "/Groups"},
	} {
		for _, a := range s.schema(kind.schema) {
			if a.Mutability == "readOnly" || a.Returned == "never" || a.Name == "members" || a.Name == "schemas" {
				continue
			}
			tested++
			t.Run(kind.endpoint+" "+kind.path+a.Name, func(t *testing.T) {
				first, second := a.value(t, boss, 1), a.value(t, boss, 2)
				path := kind.path + a.Name
				target := kind.endpoint + "/" + s.named(kind.endpoint, fmt.Sprintf("%s.%d", a.Name, len(kind.path)))

				patch := func(op string, value any) {
					s.do("PATCH", target, patchBody(text(t, map[string]any{"op": op, "path": path, "value": value}))).is(s.patched(kind.endpoint))
				}
				read := func() any {
					v := s.do("GET", target, "").is(200).body
					if kind.path != "" {
						v, _ = v[kind.schema].(map[string]any)
					}
					return v[a.Name]
				}
				patch("replace", first)
				assert.Equal(t, plain(t, first), read(), "replace where nothing was")
				patch("replace", second)
				assert.Equal(t, plain(t, second), read(), "replace")
				asked := s.do("GET", target+"?attributes="+path, "").is(200)
				assert.LessOrEqual(t, len(asked.body), 4, "schemas, id, meta at most, and what was asked for: %s", asked.text)
				if !a.Required {
					s.do("PATCH", target, patchBody(text(t, map[string]any{"op": "remove", "path": path}))).is(s.patched(kind.endpoint))
					if a.Name == "active" { // stays as it was: TestActiveLeftOut
						assert.Equal(t, plain(t, second), read(), "remove")
					} else {
						assert.Nil(t, read(), "remove")
					}
					patch("add", first)
					assert.Equal(t, plain(t, first), read(), "add")
				}
				if a.Type == "complex" && !a.MultiValued {
					a.eachSub(func(sub spec) {
						if kind.schema == enterpriseURN {
							return // the manager's value is all that can be written
						}
						s.do("PATCH", target, patchBody(text(t, map[string]any{"op": "remove", "path": path + "." + sub.Name}))).is(s.patched(kind.endpoint))
						s.do("PATCH", target, patchBody(text(t, map[string]any{"op": "add", "path": path + "." + sub.Name, "value": sub.value(t, boss, 3)}))).is(s.patched(kind.endpoint))
						assert.Equal(t, plain(t, sub.value(t, boss, 3)), at(t, read(), sub.Name))
					})
				}
			})
		}
	}
	assert.GreaterOrEqual(t, tested, 26, "of RFC 7643 sections 4.1 to 4.3")
}

// schema reads the attributes of a schema from discovery.
func (s *service) schema(urn string) []spec {
	var parsed struct{ Attributes []spec }
	if err := json.Unmarshal([]byte(s.do("GET", "/Schemas/"+urn, "").is(200).text), &parsed); err != nil {
		s.t.Fatal(err)
	}
	return parsed.Attributes
}

// named creates a resource of an endpoint with that name.
func (s *service) named(endpoint, name string) string {
	if endpoint == "/Groups" {
		return s.group(name)
	}
	return s.user(name)
}

// patched is what a PATCH answers there.
func (s *service) patched(endpoint string) int {
	if endpoint == "/Groups" {
		return 204
	}
	return 200
}

// value makes a value of the attribute's type, another one for each n.
func (a spec) value(t *testing.T, boss string, n int) any {
	if !a.MultiValued {
		return a.one(t, boss, n)
	}
	list := []any{a.one(t, boss, n), a.one(t, boss, n+100)}
	if second, ok := list[1].(map[string]any); ok {
		delete(second, "primary") // there is one at most
	}
	return list
}

func (a spec) one(t *testing.T, boss string, n int) any {
	if a.Name == "manager" {
		return map[string]any{"value": boss}
	}
	switch a.Type {
	case "complex":
		object := map[string]any{}
		a.eachSub(func(sub spec) { object[sub.Name] = sub.value(t, boss, n) })
		return object
	case "boolean":
		return a.Name == "primary" || n%2 == 0
	case "integer":
		return n
	case "decimal":
		return float64(n) + 0.5
	case "dateTime":
		return fmt.Sprintf("2026-01-%02dT10:00:00Z", n%28+1)
	case "binary":
		return "TUlJ"
	case "reference":
		return fmt.Sprintf("https://example.com/%s/%d", a.Name, n)
	}
	if len(a.CanonicalValues) > 0 {
		return a.CanonicalValues[n%len(a.CanonicalValues)]
	}
	return fmt.Sprintf("%s %d ä€😀", a.Name, n)
}

func (a spec) eachSub(do func(spec)) {
	for _, sub := range a.SubAttributes {
		if sub.Mutability != "readOnly" && sub.Returned != "never" && sub.Name != "$ref" {
			do(sub)
		}
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// plain is v as it reads from JSON.
func plain(t *testing.T, v any) any {
	t.Helper()
	var p any
	if err := json.Unmarshal([]byte(text(t, v)), &p); err != nil {
		t.Fatal(err)
	}
	return p
}
