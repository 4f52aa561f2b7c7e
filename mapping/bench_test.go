package mapping_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping"
)

// twelve is a struct of 12 fields, for both mapping and encoding/json.
type twelve struct {
	Email    string    `scim:"userName" json:"email"`
	External string    `scim:"externalId" json:"external"`
	Given    string    `scim:"name.givenName" json:"given"`
	Family   string    `scim:"name.familyName" json:"family"`
	Display  string    `scim:"displayName" json:"display"`
	Title    string    `scim:"title" json:"title"`
	Active   bool      `scim:"active" json:"active"`
	Language string    `scim:"preferredLanguage" json:"language"`
	Mobile   string    `scim:"phoneNumbers[type eq \"mobile\"].value" json:"mobile"`
	Dept     string    `scim:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" json:"dept"`
	Number   int       `scim:"urn:example:hr:number" json:"number"`
	Hired    time.Time `scim:"urn:example:hr:hired" json:"hired"`
}

var person12 = twelve{
	"ada@example.com", "x-1", "Ada", "Lovelace", "Ada Lovelace", "Dr", true, "en-GB", "+44 2012345678", "Engines", 1815,
	time.Date(1833, 6, 5, 10, 0, 0, 0, time.UTC),
}

// BenchmarkBothWays compares FromSCIM and ToSCIM of a struct of 12 fields to json.Unmarshal and json.Marshal of it.
func BenchmarkBothWays(b *testing.B) {
	m := compiled[twelve](b, nil)
	p := person12
	v := m.ToSCIM(&p)
	text, err := json.Marshal(&p)
	require.NoError(b, err)
	b.Run("mapping", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var t twelve
			if m.FromSCIM(v, &t) != nil || m.ToSCIM(&t).Len() == 0 {
				b.Fatal("lost")
			}
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var t twelve
			if json.Unmarshal(text, &t) != nil {
				b.Fatal("lost")
			}
			if _, err := json.Marshal(&t); err != nil {
				b.Fatal("lost")
			}
		}
	})
}

// BenchmarkUpdate changes one attribute of twelve.
func BenchmarkUpdate(b *testing.B) {
	m := compiled[twelve](b, nil)
	p, q := person12, person12
	q.Title = "Prof"
	before, after := m.ToSCIM(&p), m.ToSCIM(&q)
	b.ReportAllocs()
	for b.Loop() {
		t := p
		if out, err := m.Update(before, after, &t); err != nil || len(out.Changed) != 1 {
			b.Fatal("lost")
		}
	}
}

// BenchmarkFor compiles the tags.
func BenchmarkFor(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mapping.For[twelve](); err != nil {
			b.Fatal(err)
		}
	}
}
