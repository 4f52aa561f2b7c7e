package lifecycle

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// What is kept of an event is canonical, with Before and After as documents in the document, and reads back as it was.
func TestEventData(t *testing.T) {
	for _, e := range []*Event{
		{Kind: KindSeatRefused},
		{Kind: KindUpdated, UserName: `a "b"`, Before: `{"title":"T \u0001é","x":1}`, After: `{"title":"T","y":2}`, Changed: []string{"title", "y", "x"}},
		{Kind: KindDeleted, UserName: "a", Before: `{"title":"T","x":1}`, Changed: []string{"title", "x"}},
		{Kind: KindMembersChanged, Added: []string{"1", `"2"`}, Removed: []string{strings.Repeat("3", 200)}},
		{Kind: KindUpdated, Truncated: true, Changed: []string{"photos"}},
		{Kind: KindUpdated, Truncated: true},
		{Kind: KindBilled, Origin: Origin{Request: "r", Who: `"w"`, By: SourceManual, Connection: "c"}},
		{Kind: KindBilled, Origin: Origin{Who: "w"}},
	} {
		e.ID, e.Subject, e.Time = "i", store.Key{Tenant: "a", Type: "User", ID: "1"}, time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
		s := e.stored(100)
		v, err := document.Parse(string(s.Data), 0)
		require.NoError(t, err, s.Data)
		assert.Equal(t, v.Document(), s.Data, "canonical")
		if e.After != "" {
			assert.Equal(t, e.After.Value(), v.Get("after"), "a document in a document")
		}
		back, err := eventOf(s)
		require.NoError(t, err)
		if len(e.Changed) == 0 {
			back.Changed = nil
		}
		assert.Equal(t, e, back)
	}
}

// Fault 19: an event can't be larger than the limit on its snapshot, however large the resource is.
func TestFault19EventIsCut(t *testing.T) {
	large := document.Document(`{"title":"` + strings.Repeat("x", 90) + `"}`)
	for _, c := range []struct {
		before, after document.Document
		truncated     bool
		changed       []string
	}{
		{"", large, false, []string{"title"}},
		{`{"title":"T","x":1}`, large, true, []string{"title", "x"}},
		{large, "", false, []string{"title"}},
		{large, large + " ", true, nil},
	} {
		e := &Event{ID: "i", Kind: KindUpdated, Before: c.before, After: c.after}
		s := e.stored(len(large) + 5)
		assert.LessOrEqual(t, len(s.Data), len(large)+100)
		back, err := eventOf(s)
		require.NoError(t, err)
		assert.Equal(t, c.truncated, back.Truncated)
		assert.ElementsMatch(t, c.changed, back.Changed)
		if c.truncated {
			assert.Empty(t, back.Before+back.After)
			continue
		}
		assert.Equal(t, c.before+c.after, back.Before+back.After)
	}
}

// Fault 7, of events: data of which a part was lost is an error, wherever the cut is.
func TestFault07DamagedEvent(t *testing.T) {
	e := &Event{ID: "i", Kind: KindUpdated, UserName: "ada", Before: `{"title":"T"}`, After: `{"title":"U","x":[1,{"y":2}]}`}
	whole := e.stored(1000)
	for n := range len(whole.Data) {
		cut := whole
		cut.Data = whole.Data[:n]
		_, err := eventOf(cut)
		require.ErrorIs(t, err, store.ErrCorrupt, "%s", cut.Data)
	}
	for _, data := range []document.Document{`{"userName":"ada"}`, `{"v":1,"before":"{\"title\":\"T\"}"}`, `{"v":1,"after":[]}`, `{"v":1,"origin":1}`} {
		cut := whole
		cut.Data = data
		_, err := eventOf(cut)
		require.ErrorIs(t, err, store.ErrCorrupt, "%s", cut.Data)
	}
}

// BenchmarkEventStored is the part of each change that makes an event fit to be kept.
func BenchmarkEventStored(b *testing.B) {
	after := document.Document(`{"userName":"bjensen@example.com","title":"` + strings.Repeat("x", 900) + `"}`)
	e := &Event{ID: "i", Kind: KindUpdated, UserName: "bjensen@example.com", Before: after, After: after,
		Origin: Origin{Request: "0197-1", Who: "token-1", By: SourceSCIM, Connection: "okta"}}
	b.ReportAllocs()
	for b.Loop() {
		e.stored(256 << 10)
	}
}

// BenchmarkHooksWants is asked twice for each event of a change.
func BenchmarkHooksWants(b *testing.B) {
	var h Hooks
	b.ReportAllocs()
	for b.Loop() {
		h.wants(KindResourceDeleted)
	}
}
