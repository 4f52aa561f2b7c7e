package patch

import (
	"testing"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
)

var seeds = []string{
	message(`[{"op":"Replace","path":"active","value":"False"}]`),
	message(`[{"op":"add","path":"emails[type eq \"work\"].value","value":"x"},{"op":"add","path":"roles[primary eq \"True\"].display","value":"RD"}]`),
	message(`[{"op":"remove","path":"emails[type eq \"work\" and value ew \"example.com\"]"}]`),
	message(`[{"op":"replace","value":{"name.givenName":"Cee","` + enterprise + `:employeeNumber":"303","emails[type eq \"home\"].value":"h"}}]`),
	message(`[{"op":"add","path":"roles","value":[{"value":"{\"id\":\"06b0\",\"value\":\"Admin\"}"}]}]`),
	message(`[{"op":"remove","path":"emails","value":[{"value":"a"},{"type":"home"}]}]`),
	message(`[{"op":"replace","path":"` + badge + `","value":{"keys":[{"value":"k"}],"tags":["a"],"contract":{"code":"c"}}}]`),
	`{"Operations":[]}`, `{"schemas":[],"Operations":[{"op":"move"}]}`, `[]`,
}

// FuzzApply applies any body to both resource types. It checks that nothing panics, that errors are SCIM errors, and that the original
// resource isn't changed.
func FuzzApply(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Add(message(`[{"op":"remove","path":"members[value eq \"a\" or value eq \"b\"]"},{"op":"add","path":"members","value":["x",{"$ref":"../Users/y"}]}]`), false)
	users, groups := userType(f), groupType(f)
	user, err := document.Parse(babs, 0)
	if err != nil {
		f.Fatal(err)
	}
	group := document.Object(document.Field{Name: "displayName", Value: document.String("g")})
	f.Fuzz(func(t *testing.T, body string, strict bool) {
		v, err := document.Parse(body, 0)
		if err != nil {
			return
		}
		for st, cur := range map[*schema.Type]document.Value{users: user, groups: group} {
			before := cur.Document()
			got, _, err := run(t, st, cur, v, &schema.Mode{Refused: refused(strict)})
			if cur.Document() != before {
				t.Fatalf("the resource has changed: %s", cur.Document())
			}
			switch {
			case notSchema(err) != nil:
				t.Fatalf("not a SCIM error: %v", err)
			case err == nil:
				if _, err := document.Parse(string(got.Document()), 0); got.Document() != "" && err != nil {
					t.Fatalf("result: %v", err)
				}
			}
		}
	})
}
