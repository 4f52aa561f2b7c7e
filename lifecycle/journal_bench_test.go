package lifecycle

import (
	"testing"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// BenchmarkJournalEntry is what a creation pays for its entry, beside the row that the commit writes anyway in the same round trip.
func BenchmarkJournalEntry(b *testing.B) {
	s, err := New(storetest.NewFake(), nil)
	if err != nil {
		b.Fatal(err)
	}
	key := store.Key{Tenant: "acme", Type: "User", ID: "01a21949-1ee3-768b-8f86-6a0a60b285ea"}
	res := &store.Resource{Key: key, Attributes: `{"userName":"ada@acme.example","name":{"givenName":"Ada","familyName":"L"},"displayName":"Ada L","title":"Dr","active":true,"emails":[{"value":"ada@acme.example","type":"work"}],"externalId":"e1"}`}
	r := &Request{Tenant: "acme", ID: "36f83b98-8053-437a-b85a-3fa926709b0d", By: SourceSCIM, Who: key.ID, Action: "POST /Users", Connection: Connection{ID: key.ID},
		Status: func(*Request, *Decision) int { return 201 }}
	r.Begin(time.Now())
	b.ReportAllocs()
	for b.Loop() {
		d := &Decision{Outcome: Created, Resource: res, events: []*Event{{Kind: KindProvisioned}}}
		s.record(r, d, key)
	}
}
