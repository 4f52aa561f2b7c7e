package lifecycle_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// What others log in the store's journal is no entry of the service's, and a walk passes by it in few calls of the store.
func TestJournalLeavesOutTheLogsOfOthers(t *testing.T) {
	const attempts, written = 400, 3 // after each entry that was written
	fake := storetest.NewFake()
	l, err := lifecycle.New(fake, nil)
	require.NoError(t, err)
	var want []string
	for i := range written {
		name := fmt.Sprint("user", i)
		want = append([]string{name}, want...)
		change := store.Change{Tenant: "acme"}
		entry := func(outcome, action string) {
			change.Journal = append(change.Journal, store.Entry{ID: uuid.Must(uuid.NewV7()).String(), Time: time.Now(), Subject: store.Key{Tenant: "acme", Type: "User", ID: name},
				Action: action, Outcome: outcome, Data: "{}"})
		}
		entry("created", "POST /Users")
		for range attempts {
			entry("failed", "webhook")
		}
		require.NoError(t, fake.Commit(t.Context(), &change))
	}
	calls := 0
	fake.Before(func(_ context.Context, method string) error {
		if method == "Journal" {
			calls++
		}
		return nil
	})
	for most := 1; most <= written+1; most++ {
		var got []string
		q := lifecycle.JournalQuery{Tenant: "acme", Max: most}
		for {
			entries, next, err := l.Journal(t.Context(), q)
			require.NoError(t, err)
			for _, e := range entries {
				assert.Equal(t, lifecycle.Created, e.Outcome)
				got = append(got, e.Subject)
			}
			if q.Before = next; next == "" {
				break
			}
		}
		assert.Equal(t, want, got, "by %d", most)
	}
	assert.LessOrEqual(t, calls, 30)
	for _, outcome := range []lifecycle.Outcome{"failed", "Created"} {
		_, _, err = l.Journal(t.Context(), lifecycle.JournalQuery{Tenant: "acme", Outcome: outcome})
		assert.ErrorAs(t, err, new(*lifecycle.ErrJournalQuery))
	}
}
