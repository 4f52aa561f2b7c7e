package patch

import (
	"testing"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
)

func benchmark(b *testing.B, ops string) {
	st := userType(b)
	cur, err := st.Finish(parse(b, with(`"title":"T","nickName":"N","locale":"en","timezone":"Europe/Oslo","userType":"E","preferredLanguage":"en"`)))
	if err != nil {
		b.Fatal(err)
	}
	body := parse(b, message(ops))
	parsed, err := Parse(st, body, &schema.Mode{}, Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("Parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(st, body, &schema.Mode{}, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Apply", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := Apply(st, cur, parsed, &schema.Mode{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkActive changes one attribute of a user that has twelve.
func BenchmarkActive(b *testing.B) { benchmark(b, `[{"op":"replace","path":"active","value":false}]`) }
func BenchmarkValuePath(b *testing.B) {
	benchmark(b, `[{"op":"replace","path":"emails[type eq \"work\"].value","value":"new@example.com"}]`)
}
func BenchmarkNoPath(b *testing.B) {
	benchmark(b, `[{"op":"replace","value":{"displayName":"C","name.givenName":"Cee","name.familyName":"Three"}}]`)
}
func BenchmarkEntraVerbose(b *testing.B) { benchmark(b, entraVerbose) }

func BenchmarkOneMember(b *testing.B) {
	st := groupType(b)
	body := parse(b, message(`[{"op":"add","path":"members","value":[{"value":"2819c223-7f76-453a-919d-413861904646"}]}]`))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := run(b, st, document.Value{}, body, &schema.Mode{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkManyMembers reads the text, the operations and the members of a request with as many members as Limits.Members allows.
func BenchmarkManyMembers(b *testing.B) {
	st := groupType(b)
	text := manyMembers(20_000)
	b.Run("text", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := document.Parse(text, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
	body := parse(b, text)
	b.Run("operations", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := run(b, st, document.Value{}, body, &schema.Mode{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
