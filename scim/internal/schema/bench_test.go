package schema

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// entraUser is a user of twelve attributes as Entra ID sends one.
const entraUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
"externalId":"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef","userName":"ada.lovelace@bluequay.example","active":true,"displayName":"Ada Lovelace",
"title":"Analyst","preferredLanguage":"en-GB","name":{"formatted":"Ada Lovelace","familyName":"Lovelace","givenName":"Ada"},
"emails":[{"primary":true,"type":"work","value":"ada.lovelace@bluequay.example"}],
"addresses":[{"type":"work","streetAddress":"12 Quay Street","locality":"London","postalCode":"N1 1AA","country":"GB"}],
"phoneNumbers":[{"type":"work","value":"+44 20 7946 0101"},{"type":"mobile","value":"+44 7700 900101"}],
"meta":{"resourceType":"User"},
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"701984","department":"Engines","manager":{"value":"26118915-6090-4610-87e4-49d8ca9f808d"}}}`

func BenchmarkDecode(b *testing.B) {
	t := userType(b)
	body := parse(b, entraUser)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Decode(body, &Mode{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := document.Parse(entraUser, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFinish(b *testing.B) {
	t := userType(b)
	v := decode(b, t, entraUser)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Finish(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	t := userType(b)
	v := decode(b, t, entraUser)
	b.ReportAllocs()
	for b.Loop() {
		t.Index(v)
	}
}

func BenchmarkProjection(b *testing.B) {
	t := userType(b)
	r := &store.Resource{
		Key: store.Key{Type: "User", ID: "0199c1de-98b2-7a0e-b2c5-3b8f3d6f5a11"}, Version: "0199c1de98b27a0e", Attributes: decode(b, t, entraUser).Document(),
		Created: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC), LastModified: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
	}
	for _, c := range []struct {
		name               string
		attributes, except []string
	}{
		{"default", nil, nil},
		{"attributes=userName", []string{"userName"}, nil},
		{"attributes=emails.value", []string{"emails.value"}, nil},
		{"excludedAttributes=groups", nil, []string{"groups"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, err := t.Projection(c.attributes, c.except)
			if err != nil {
				b.Fatal(err)
			}
			buf := make([]byte, 0, 4<<10)
			b.ReportAllocs()
			for b.Loop() {
				buf = p.AppendTail(p.AppendHead(buf[:0], r), r, r.Version, "https://scim.example.com/scim/v2/Users")
			}
		})
	}
}

func BenchmarkBind(b *testing.B) {
	t := userType(b)
	x := filter.Expr(filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: "userName"}}, Op: filter.Eq, Value: document.String("Ada.Lovelace@bluequay.example")})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Bind(x, &Mode{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	t := userType(b)
	for _, p := range []filter.Path{{Name: "userName"}, {Name: "EMAILS", Sub: "VALUE"}, {URI: enterprise, Name: "department"}} {
		b.Run(p.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := t.Resolve(p, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecodeManyMembers decodes a POST with as many members as scim.Limits.Members allows.
func BenchmarkDecodeManyMembers(b *testing.B) {
	g := groupType(b)
	members := document.Array()
	for i := range 20_000 {
		id := fmt.Sprintf("0199c1de-98b2-7a0e-b2c5-%012d", i)
		members.Append(document.Object(document.Field{Name: "value", Value: document.String(id)}, document.Field{Name: "$ref", Value: document.String("https://scim.example.com/Users/" + id)},
			document.Field{Name: "type", Value: document.String("User")}, document.Field{Name: "display", Value: document.String("Person")}))
	}
	body := document.Object(document.Field{Name: "displayName", Value: document.String("G")}, document.Field{Name: "members", Value: members})
	b.ReportAllocs()
	for b.Loop() {
		v, err := g.Decode(body, &Mode{})
		if err != nil {
			b.Fatal(err)
		}
		if refs, _, err := g.TakeMembers(&v); err != nil || len(refs) != 20_000 {
			b.Fatal(err)
		}
	}
}
