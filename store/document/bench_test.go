package document

import (
	"encoding/json"
	"testing"
)

const user = `{"userName":"bjensen@example.com","externalId":"701984","name":{"formatted":"Ms. Barbara J Jensen, III","familyName":"Jensen","givenName":"Barbara","middleName":"Jane"},"displayName":"Babs Jensen","nickName":"Babs","profileUrl":"https://login.example.com/bjensen","emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@jensen.org","type":"home"}],"addresses":[{"type":"work","streetAddress":"100 Universal City Plaza","locality":"Hollywood","region":"CA","postalCode":"91608","country":"USA","formatted":"100 Universal City Plaza\nHollywood, CA 91608 USA","primary":true}],"phoneNumbers":[{"value":"555-555-5555","type":"work"},{"value":"555-555-4444","type":"mobile"}],"userType":"Employee","title":"Tour Guide","preferredLanguage":"en-US","locale":"en-US","timezone":"America/Los_Angeles","active":true,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"701984","costCenter":"4130","organization":"Universal Studios","division":"Theme Park","department":"Tour Operations","manager":{"value":"26118915-6090-4610-87e4-49d8ca9f808d","displayName":"John Smith"}}}`

func BenchmarkParse(b *testing.B) {
	b.Run("document", func(b *testing.B) {
		b.SetBytes(int64(len(user)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(user, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(user)))
		b.ReportAllocs()
		text := []byte(user)
		for b.Loop() {
			var m map[string]any
			if err := json.Unmarshal(text, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	v := parse(b, user)
	var m map[string]any
	if err := json.Unmarshal([]byte(user), &m); err != nil {
		b.Fatal(err)
	}
	b.Run("Document", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v.Document()
		}
	})
	b.Run("AppendJSON", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 4096)
		for b.Loop() {
			buf = AppendJSON(buf[:0], v)
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	d := parse(b, user).Document()
	for _, name := range []string{"userName", "emails", "active", "nothing"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Get(name)
			}
		})
	}
}

func BenchmarkFold(b *testing.B) {
	for name, s := range map[string]string{"lower": "bjensen@example.com", "mixed": "BJensen@Example.com", "unicode": "Bjørn.Jensén@example.com"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Fold(s)
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	d := parse(b, user).Document()
	b.SetBytes(int64(len(d)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Check(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTree(b *testing.B) {
	d := parse(b, user).Document()
	b.SetBytes(int64(len(d)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Tree(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFoldsTo(b *testing.B) {
	folded := Fold("BJensen@Example.com")
	for name, s := range map[string]string{"lower": "bjensen@example.com", "mixed": "BJensen@Example.com", "other": "bjansen@example.com", "unicode": "Bjørn.Jensén@example.com"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				FoldsTo(s, folded)
			}
		})
	}
}
