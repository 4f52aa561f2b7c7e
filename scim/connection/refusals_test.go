package connection_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// Refusals beyond a hundred in a minute are counted, and one entry says how many, whichever processes refused them.
func TestRefusalsAreSummarized(t *testing.T) {
	type storm struct {
		one, two *process
		token    string
		status   int
	}
	refuse := func(s storm, p *process, n int) {
		for range n {
			assert.Equal(p.t, s.status, p.do("DELETE", "/Users/nobody", s.token, "").Code)
		}
	}
	sum := func(p *process) { p.h.Lifecycle().SummarizeRefusals(p.t.Context()) }
	// run calls Run of a process until the function that it returns is called.
	run := func(p *process) (stop func()) {
		ctx, cancel := context.WithCancel(p.t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); assert.NoError(p.t, p.h.Lifecycle().Run(ctx)) }()
		return func() { cancel(); <-ended }
	}
	tests := map[string]struct {
		does func(s storm)
		want []string // how many more, by the entries that say so
	}{
		"both tell": {func(s storm) {
			refuse(s, s.one, 80)
			refuse(s, s.two, 80)
			time.Sleep(time.Minute)
			sum(s.one)
			sum(s.two)
			time.Sleep(5 * time.Second)
			sum(s.one)
			sum(s.two)
		}, []string{"60"}},
		"one more": {func(s storm) {
			refuse(s, s.one, 101)
			time.Sleep(65 * time.Second)
			sum(s.one)
			sum(s.one)
		}, []string{"1"}},
		"with Run": {func(s storm) {
			defer run(s.one)()
			defer run(s.two)()
			for range 3 {
				refuse(s, s.one, 300)
				refuse(s, s.two, 300)
				time.Sleep(time.Minute)
			}
			time.Sleep(time.Minute)
		}, []string{"500", "500", "500"}},
		"without Run, with the next refusal": {func(s storm) {
			refuse(s, s.one, 150)
			time.Sleep(2 * time.Minute)
			refuse(s, s.one, 150)
			time.Sleep(2 * time.Minute)
			refuse(s, s.one, 1)
		}, []string{"50", "50"}},
		"across a minute's end": {func(s storm) {
			defer run(s.one)()
			time.Sleep(59*time.Second + 500*time.Millisecond)
			refuse(s, s.one, 130)
			time.Sleep(700 * time.Millisecond) // not a second after the minute's end: what is refused now is not of that minute
			refuse(s, s.one, 120)
			time.Sleep(2 * time.Minute)
		}, []string{"30", "20"}},
		"one is killed before it tells": {func(s storm) {
			refuse(s, s.one, 120)
			refuse(s, s.two, 30)
			time.Sleep(65 * time.Second)
			sum(s.two)
		}, []string{"30"}},
		"one is killed after it told": {func(s storm) {
			refuse(s, s.two, 1)
			refuse(s, s.one, 130)
			time.Sleep(time.Minute)
			sum(s.one)
			time.Sleep(5 * time.Second)
			sum(s.two)
		}, []string{"31"}},
		"one is killed after it told, and the other has nothing to tell until later": {func(s storm) {
			refuse(s, s.one, 130)
			time.Sleep(time.Minute)
			sum(s.one)
			time.Sleep(time.Hour)
			refuse(s, s.two, 1)
			time.Sleep(65 * time.Second)
			sum(s.two)
		}, []string{"30"}},
		"one stands still and tells later": {func(s storm) {
			refuse(s, s.one, 140)
			refuse(s, s.two, 20)
			time.Sleep(65 * time.Second)
			sum(s.two)
			time.Sleep(10 * time.Second)
			sum(s.one)
			sum(s.one)
			time.Sleep(50 * time.Second)
			sum(s.two)
			sum(s.one)
		}, []string{"20", "40"}},
		"one stops": {func(s storm) {
			stop := run(s.one)
			refuse(s, s.one, 140)
			stop()
			refuse(s, s.two, 10)
			time.Sleep(65 * time.Second)
			sum(s.two)
		}, []string{"50"}},
	}
	for name, tt := range tests {
		for what, status := range map[string]int{"known": 404, "revoked": 401} {
			t.Run(name+"/"+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					fake := storetest.NewFake()
					s := storm{newProcess(t, fake, nil), newProcess(t, fake, nil), "", status}
					k := s.one.token(connection.Ask{})
					s.token = k.Token
					if status == http.StatusUnauthorized {
						require.NoError(t, s.one.c.Revoke(t.Context(), by, k.ID))
						time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
					}
					tt.does(s)
					list, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Outcome: "refused", Max: 10_000})
					require.NoError(t, err)
					var more []string
					minutes, summaries := map[time.Time]int{}, map[time.Time]int{}
					for _, e := range list {
						assert.NotEmpty(t, e.Connection)
						minute := e.Time.Truncate(time.Minute)
						if e.Action != "refusals" {
							minutes[minute]++
							continue
						}
						summaries[minute]++
						n, _, _ := strings.Cut(e.Data.Get("detail").Text(), " ")
						more = append(more, n)
					}
					slices.Reverse(more)
					assert.Equal(t, tt.want, more)
					for minute, n := range minutes {
						assert.LessOrEqual(t, n, 100, minute)
					}
					for minute, n := range summaries {
						assert.Equal(t, 1, n, minute)
					}
				})
			})
		}
	}
}

// A storm of refusals costs the store no commit each: in a minute those that are listed, one that finds that no more may be, and
// in the next what is told of the others.
func TestRefusalsCostNoCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		p := newProcess(t, fake, nil)
		k := p.token(connection.Ask{})
		commits := 0
		fake.Before(func(_ context.Context, method string) error {
			if method == "Commit" {
				commits++
			}
			return nil
		})
		for range 2_000 {
			p.do("DELETE", "/Users/nobody", k.Token, "")
		}
		time.Sleep(65 * time.Second)
		for range 10 {
			p.h.Lifecycle().SummarizeRefusals(t.Context())
		}
		assert.LessOrEqual(t, commits, 100+3+1, "and one more for lastUsed")
	})
}

// What could not be told while the store was away is told later, and once.
func TestRefusalsWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		p := newProcess(t, fake, nil)
		k := p.token(connection.Ask{})
		ctx, cancel := context.WithCancel(p.t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); assert.NoError(p.t, p.h.Lifecycle().Run(ctx)) }()
		for range 130 {
			p.do("DELETE", "/Users/nobody", k.Token, "")
		}
		fake.SetUnavailable(true)
		time.Sleep(3 * time.Minute)
		fake.SetUnavailable(false)
		time.Sleep(2 * time.Minute)
		cancel()
		<-ended
		list, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Outcome: "refused", Max: 1_000})
		require.NoError(t, err)
		require.Len(t, list, 101)
		assert.Contains(t, list[0].Data.Get("detail").Text(), "30 more requests")
	})
}

// What a process has yet to say of refusals is not written into a tenant that is forgotten.
func TestRefusalsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		p := newProcess(t, fake, nil)
		k := p.token(connection.Ask{})
		for range 130 {
			p.do("DELETE", "/Users/nobody", k.Token, "")
		}
		require.NoError(t, p.c.Forget(t.Context(), "acme"))
		require.NoError(t, p.h.Lifecycle().Forget(t.Context(), "acme"))
		for range 2 {
			time.Sleep(65 * time.Second)
			p.h.Lifecycle().SummarizeRefusals(t.Context())
		}
		list, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 10})
		require.NoError(t, err)
		assert.Empty(t, list)
		counts, err := fake.Counters(t.Context(), "acme", "journal.unlisted."+k.Connection, "journal.summaries."+k.Connection)
		require.NoError(t, err)
		assert.Zero(t, counts[0].Count+counts[1].Count)
	})
}
