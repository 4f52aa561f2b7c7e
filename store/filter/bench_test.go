package filter

import (
	"testing"

	"github.com/rollcall-dev/rollcall/store/document"
)

func BenchmarkParse(b *testing.B) {
	for _, s := range []string{
		`userName eq "x"`,
		`emails[type eq "work" and value co "@example.com"] or not (active eq true and meta.lastModified gt "2011-05-13T04:42:34Z")`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "Sales"`,
	} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Parse(s, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParsePath(b *testing.B) {
	for _, s := range []string{`emails[type eq "work"].value`, `name.familyName`, `members[value eq "2819c223-7f76-453a-919d-413861904646"]`} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := ParsePath(s, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// documented is a source like store.Resource.
type documented struct{ document.Document }

func (d documented) Attribute(p Path) document.Value                      { return d.Get(p.Name) }
func (d documented) Related(Relation, func(row document.Value) bool) bool { return false }

func BenchmarkMatch(b *testing.B) {
	v, err := document.Parse(`{"userName":"BJensen@example.com","externalId":"701984","name":{"familyName":"Jensen","givenName":"Barbara"},
		"displayName":"Babs Jensen","emails":[{"value":"babs@jensen.org","type":"home"},{"value":"bjensen@example.com","type":"work"}],
		"active":true,"hired":"2011-05-13T04:42:34Z","logins":42}`, 0)
	if err != nil {
		b.Fatal(err)
	}
	var src Source = documented{v.Document()}
	for _, s := range []string{
		`userName eq "bjensen@example.com"`, `userName co "jensen"`, `name.familyName sw "jen"`, `active eq true`, `logins ge 40`,
		`hired lt "2020-01-01T00:00:00Z"`, `emails[type eq "work" and value ew "@example.com"]`, `emails.value eq "bjensen@example.com"`,
		`title pr or not (userName ne "bjensen@example.com")`,
	} {
		x := bound(b, s)
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !Match(x, src) {
					b.Fatal("no match")
				}
			}
		})
	}
}

func BenchmarkSortKey(b *testing.B) {
	v, err := document.Parse(`{"userName":"BJensen@example.com","hired":"2011-05-13T04:42:34Z","logins":42,"emails":[{"value":"A"},{"value":"B","primary":true}]}`, 0)
	if err != nil {
		b.Fatal(err)
	}
	var src Source = documented{v.Document()}
	for _, name := range []string{"userName", "hired", "logins", "emails.value"} {
		by := attributes[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := SortKey(src, by); !ok {
					b.Fatal("no key")
				}
			}
		})
	}
}
