package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// Fault 15: a hook that hangs and ignores its context costs one worker, and not for ever. Its event is parked in the end.
func TestFault15HangingHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		release := make(chan struct{})
		d := lifecycle.Delivery{Workers: 2, Timeout: 30 * time.Second, Attempts: 3}
		s := p.process(d, func(_ context.Context, e *lifecycle.Event) error {
			if e.Subject.ID == "hangs" && e.Kind == "updated" {
				<-release
				return errors.New("too late")
			}
			return nil
		})
		p.happen("hangs updated", "a provisioned", "hangs deleted", "b provisioned", "c provisioned")
		stop := p.run(t.Context(), s)
		assert.Equal(t, []string{"a provisioned", "b provisioned", "c provisioned"}, p.heard(), "others go on at once")
		p.happen("d provisioned")
		assert.Equal(t, []string{"d provisioned"}, p.after(time.Second))
		assert.Empty(t, p.after(31*time.Second))
		assert.Contains(t, p.logged(), "abandoned=1")
		assert.Contains(t, p.logged(), "its deadline of 30s is over")
		assert.Equal(t, []string{"hangs deleted"}, p.after(80*time.Second), "the others of its subject follow when it is parked")
		parked := p.parked(s)
		require.Len(t, parked, 1)
		assert.Equal(t, "hangs", parked[0].Subject.ID)
		assert.Contains(t, parked[0].Reason, "the hook went on although its context had ended")
		assert.Contains(t, p.logged(), "abandoned=3")
		stop()
		close(release)
		synctest.Wait()
		assert.Contains(t, p.logged(), "an abandoned hook has ended")
		assert.Contains(t, p.logged(), "abandoned=0")
	})
}

// Fault 15: hooks that hang for as many subjects as there are workers keep the others waiting no longer than their deadline.
func TestFault15AllWorkersHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		s := p.process(lifecycle.Delivery{Workers: 4, Timeout: 10 * time.Second, Backoff: time.Minute}, func(ctx context.Context, e *lifecycle.Event) error {
			if strings.HasPrefix(e.Subject.ID, "hangs") {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		p.happen("hangs1 updated", "hangs2 updated", "hangs3 updated", "hangs4 updated", "a updated", "b updated")
		p.run(t.Context(), s)
		assert.Empty(t, p.after(9*time.Second))
		assert.ElementsMatch(t, []string{"a updated", "b updated"}, p.after(2*time.Second))
	})
}

// Fault 15: Run ends in bounded time, whatever the hooks do, and what it has not begun is due at once for somebody else.
func TestFault15StopIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		hook  func(ctx context.Context, release <-chan struct{}) error
		takes time.Duration
		told  bool
	}{
		"the hook ends by itself":        {func(context.Context, <-chan struct{}) error { time.Sleep(4 * time.Second); return nil }, 4 * time.Second, true},
		"the hook heeds its context":     {func(ctx context.Context, _ <-chan struct{}) error { <-ctx.Done(); return ctx.Err() }, 6 * time.Second, false},
		"the hook ignores its context":   {func(_ context.Context, release <-chan struct{}) error { <-release; return nil }, 7 * time.Second, false},
		"the hook ends within the grace": {func(ctx context.Context, _ <-chan struct{}) error { <-ctx.Done(); return nil }, 6 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPost(t)
				release := make(chan struct{})
				defer close(release)
				p.happen("begun updated", "waits1 updated", "waits2 updated")
				stop := p.run(t.Context(), p.process(lifecycle.Delivery{Workers: 1, Stop: 6 * time.Second, Lease: 2 * time.Second},
					func(ctx context.Context, e *lifecycle.Event) error {
						if e.Subject.ID != "begun" {
							return errors.New("it was begun although Run ends")
						}
						return c.hook(ctx, release)
					}))
				at := time.Now()
				go stop()
				synctest.Wait()
				left, err := p.fake.Lease(t.Context(), store.Lease{Owner: "other", Consumer: "hooks", For: time.Hour, Max: 10})
				require.NoError(t, err)
				require.Len(t, left, 2, "what had not begun is due at once")
				for _, l := range left {
					assert.Zero(t, l.Attempts, "and the attempt doesn't count")
				}
				stop() // waits for the one that is under way
				assert.Equal(t, c.takes, time.Since(at))
				assert.Equal(t, c.told, len(p.heard()) == 1)
				time.Sleep(5 * time.Second)
				left, err = p.fake.Lease(t.Context(), store.Lease{Owner: "other", Consumer: "hooks", For: time.Hour, Max: 10})
				require.NoError(t, err)
				assert.Equal(t, c.told, len(left) == 0, "what was told is settled, the rest is tried again")
			})
		})
	}
}

// Fault 15: an event whose process dies with it each time is parked by the number of its leases, without another try.
func TestFault15EventThatKillsItsProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		p.happen("kills updated", "kills deleted")
		for range 3 {
			got, err := p.fake.Lease(t.Context(), store.Lease{Owner: "dies", Consumer: "hooks", For: time.Second, Max: 1})
			require.NoError(t, err)
			require.Len(t, got, 1)
			time.Sleep(2 * time.Second)
		}
		s := p.process(lifecycle.Delivery{Attempts: 3}, fine)
		p.run(t.Context(), s)
		assert.Equal(t, []string{"kills deleted"}, p.heard())
		parked := p.parked(s)
		require.Len(t, parked, 1)
		assert.Contains(t, parked[0].Reason, "it was begun 3 times")
	})
}

// Fault 15: leases may be short, because they are prolonged while a hook runs.
func TestFault15LeaseIsProlonged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		var calls atomic.Int32
		slow := func(context.Context, *lifecycle.Event) error {
			calls.Add(1)
			time.Sleep(25 * time.Second)
			return nil
		}
		for range 2 {
			p.run(t.Context(), p.process(lifecycle.Delivery{Lease: 2 * time.Second}, slow))
		}
		p.happen("a updated", "a deleted", "b updated")
		assert.ElementsMatch(t, []string{"a updated", "b updated"}, p.after(30*time.Second))
		assert.Equal(t, []string{"a deleted"}, p.after(time.Minute))
		assert.EqualValues(t, 3, calls.Load())
	})
}

// A worker never begins with an event so late that its lease may run out, and another process gets what has waited.
func TestWhatWaitsIsHandedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		d := lifecycle.Delivery{Workers: 1, Lease: 8 * time.Second}
		p.happen("slow updated", "a updated", "b updated")
		p.run(t.Context(), p.process(d, func(context.Context, *lifecycle.Event) error { time.Sleep(20 * time.Second); return nil }))
		p.run(t.Context(), p.process(d, func(_ context.Context, e *lifecycle.Event) error {
			assert.Equal(t, 1, e.Attempt, "having waited is no attempt")
			return nil
		}))
		assert.Empty(t, p.after(4*time.Second))
		assert.Equal(t, []string{"a updated", "b updated"}, p.after(4*time.Second))
		assert.Equal(t, []string{"slow updated"}, p.after(20*time.Second))
	})
}

// Events of different subjects run concurrently, as many as there are workers, and those of one subject in order.
func TestWorkersKeepTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		const subjects, each = 40, 5
		for n := range each {
			var events []string
			for i := range subjects {
				events = append(events, fmt.Sprintf("s%d kind%d", i, n))
			}
			p.happen(events...)
		}
		var now, most atomic.Int32
		busy := make([]atomic.Bool, subjects)
		hook := func(_ context.Context, e *lifecycle.Event) error {
			var i int
			_, err := fmt.Sscanf(e.Subject.ID, "s%d", &i)
			require.NoError(t, err)
			assert.True(t, busy[i].CompareAndSwap(false, true), "one event of a subject at a time")
			defer busy[i].Store(false)
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(rand.N(100 * time.Millisecond))
			if rand.IntN(10) == 0 {
				return errors.New("now and then")
			}
			return nil
		}
		p.run(t.Context(), p.process(lifecycle.Delivery{Workers: 7, Attempts: 1000, Backoff: time.Millisecond}, hook))
		told := p.after(time.Minute)
		assert.Len(t, told, subjects*each)
		last := make(map[string]string)
		for _, line := range told {
			id, kind, _ := strings.Cut(line, " ")
			assert.Less(t, last[id], kind)
			last[id] = kind
		}
		assert.EqualValues(t, 7, most.Load())
	})
}

// I10: a subject whose hook fails waits, with more time between the attempts, and the others go on.
func TestFailingSubjectWaitsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		began := time.Now()
		var at []time.Duration
		s := p.process(lifecycle.Delivery{Attempts: 4, Backoff: 4 * time.Second, MaxWait: 6 * time.Second}, func(_ context.Context, e *lifecycle.Event) error {
			if e.Subject.ID == "bad" && e.Kind == "updated" {
				at = append(at, time.Since(began))
				assert.Equal(t, len(at), e.Attempt)
				return errors.New("down \x00\xff")
			}
			return nil
		})
		p.happen("bad updated", "bad deleted", "good updated", "good deleted")
		p.run(t.Context(), s)
		assert.Equal(t, []string{"good updated", "good deleted"}, p.heard())
		assert.Equal(t, []string{"bad deleted"}, p.after(time.Minute))
		require.Len(t, at, 4)
		for i, longest := range []time.Duration{4 * time.Second, 6 * time.Second, 6 * time.Second} {
			wait := at[i+1] - at[i]
			assert.GreaterOrEqual(t, wait, longest*3/4)
			assert.LessOrEqual(t, wait, longest+time.Second, "and at most one poll more")
		}
		parked := p.parked(s)
		require.Len(t, parked, 1)
		assert.Equal(t, "down \uFFFD\uFFFD", parked[0].Reason, "text that every store can hold")
		at = nil
		require.NoError(t, s.Replay(t.Context(), "acme", time.Time{}))
		assert.Equal(t, []string{"good updated", "good deleted", "bad deleted"}, p.after(time.Minute), "a replay tells all of it again, in order")
		assert.Len(t, at, 4)
	})
}

// An event that can't be read whole is parked at once, and no hook is told a part of it.
func TestFault07DamagedEventIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		for i, data := range []string{`{"v":1,"userName":"a`, ``, `{"userName":"a"}`} {
			require.NoError(t, p.fake.Commit(t.Context(), &store.Change{Tenant: "acme", Events: []store.Event{{ID: fmt.Sprint("e", i), Kind: "updated",
				Subject: store.Key{Tenant: "acme", Type: "User", ID: "a"}, Time: time.Now(), Data: document.Document(data), Consumers: []string{"hooks"}}}}))
		}
		p.happen("a deleted")
		s := p.process(lifecycle.Delivery{}, fine)
		p.run(t.Context(), s)
		assert.Equal(t, []string{"a deleted"}, p.heard())
		parked := p.parked(s)
		require.Len(t, parked, 3)
		for _, d := range parked {
			assert.Contains(t, d.Reason, store.ErrCorrupt.Error())
		}
	})
}

// A store that is away for a while makes Run wait; nothing is lost, and what a store didn't hear is told it again.
func TestRunRidesOutAStoreThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		var away atomic.Pointer[string]
		p.fake.Before(func(_ context.Context, op string) error {
			if down := away.Load(); down != nil && *down == op {
				return store.ErrUnavailable
			}
			return nil
		})
		stop := p.run(t.Context(), p.process(lifecycle.Delivery{}, fine))
		for _, op := range []string{"Lease", "Settle"} {
			away.Store(&op)
			p.happen(op+" updated", op+" deleted")
			before := strings.Count(p.logged(), "level=ERROR")
			told := p.after(5 * time.Second)
			lines := strings.Count(p.logged(), "level=ERROR") - before
			assert.Positive(t, lines)
			assert.LessOrEqual(t, lines, 6, "at most one line a second")
			away.Store(nil)
			assert.Equal(t, []string{op + " updated", op + " deleted"}, append(told, p.after(5*time.Second)...))
		}
		stop()
		left, err := p.fake.Lease(t.Context(), store.Lease{Owner: "other", Consumer: "hooks", Max: 10})
		require.NoError(t, err)
		assert.Empty(t, left)
	})
}

// Hooks get the values of Run's context and a deadline, and a hook that ends its goroutine counts as one that fails.
func TestHooksContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		p.happen("a updated")
		began := time.Now()
		ctx := context.WithValue(t.Context(), requestKey{}, "of Run")
		p.run(ctx, p.process(lifecycle.Delivery{Timeout: 3 * time.Second}, func(ctx context.Context, e *lifecycle.Event) error {
			assert.Equal(t, "of Run", ctx.Value(requestKey{}))
			deadline, _ := ctx.Deadline()
			assert.Equal(t, 3*time.Second, time.Until(deadline))
			if e.Attempt == 1 {
				runtime.Goexit()
			}
			return nil
		}))
		assert.Equal(t, []string{"a updated"}, p.after(3*time.Second))
		assert.Contains(t, p.logged(), "the hook ended its goroutine")
		assert.Less(t, time.Since(began), 4*time.Second)
	})
}

// forgetful is a store that writes down when it is pruned, and of what.
type forgetful struct {
	store.Store
	prune func(store.Retention) (int, error)
}

func (f forgetful) Unwrap() store.Store { return f.Store }
func (f forgetful) Prune(_ context.Context, r store.Retention) (int, error) {
	return f.prune(r)
}
func (f forgetful) Forget(context.Context, string) error { return nil }

// Fault 22, of what is kept: about once an hour per process what is old is removed.
func TestFault22RunPrunes(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		keep                       lifecycle.Retention
		delivered, parked, journal time.Duration // 0: for ever
	}{
		"defaults":      {lifecycle.Retention{}, 7 * day, 90 * day, 90 * day},
		"own":           {lifecycle.Retention{Delivered: time.Hour, Parked: day, Journal: 2 * day}, time.Hour, day, 2 * day},
		"some for ever": {lifecycle.Retention{Delivered: -1, Journal: -1, Tombstones: -1}, 0, 90 * day, 0},
		"all for ever":  {lifecycle.Retention{Delivered: -1, Parked: -1, Journal: -1, Tombstones: -1}, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPost(t)
				var pruned []time.Time
				s := p.on(forgetful{p.fake, func(r store.Retention) (int, error) {
					pruned = append(pruned, time.Now())
					age := func(at time.Time) time.Duration {
						if at.IsZero() {
							return 0
						}
						return time.Since(at)
					}
					assert.Equal(t, []time.Duration{c.delivered, c.parked, c.journal}, []time.Duration{age(r.Done), age(r.Parked), age(r.Journal)})
					if len(pruned) == 2 {
						return 0, store.ErrUnavailable
					}
					return 3, nil
				}}, lifecycle.Delivery{Poll: time.Hour, Retention: c.keep}, fine)
				began := time.Now()
				first, second := p.run(t.Context(), s), p.run(t.Context(), s)
				time.Sleep(5 * time.Hour)
				first() // the other goes on
				time.Sleep(5 * time.Hour)
				second()
				if c.delivered+c.parked+c.journal == 0 {
					assert.Empty(t, pruned)
					return
				}
				require.GreaterOrEqual(t, len(pruned), 8)
				require.LessOrEqual(t, len(pruned), 13)
				assert.LessOrEqual(t, pruned[0].Sub(began), 11*time.Minute)
				for i := range pruned[1:] {
					assert.InDelta(t, time.Hour, pruned[i+1].Sub(pruned[i]), float64(11*time.Minute))
				}
				assert.Equal(t, 1, strings.Count(p.logged(), "could not be removed"))
			})
		})
	}
}

// What one process has leased and died with another one delivers, once the lease has run out; each event is with one of them
// at a time.
func TestSeveralProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		p.happen("a updated")
		_, err := p.fake.Lease(t.Context(), store.Lease{Owner: "dies", Consumer: "hooks", For: 15 * time.Second, Max: 1})
		require.NoError(t, err)
		for range 3 {
			p.run(t.Context(), p.process(lifecycle.Delivery{}, fine))
		}
		assert.Empty(t, p.after(14*time.Second))
		assert.Equal(t, []string{"a updated"}, p.after(2*time.Second))
		var want []string
		for i := range 200 {
			want = append(want, fmt.Sprintf("s%d updated", i))
		}
		p.happen(want...)
		assert.ElementsMatch(t, want, p.after(2*time.Second))
	})
}

// BenchmarkDelivery is one process whose hook takes 10 ms. Each event has a subject of its own.
func BenchmarkDelivery(b *testing.B) {
	fake := storetest.NewFake()
	told := make(chan struct{}, 16)
	s, err := lifecycle.New(fake, &lifecycle.Options{Hooks: lifecycle.Hooks{Any: func(context.Context, *lifecycle.Event) error {
		time.Sleep(10 * time.Millisecond)
		told <- struct{}{}
		return nil
	}}})
	require.NoError(b, err)
	var events []store.Event
	for i := range b.N {
		id := fmt.Sprint(i)
		events = append(events, store.Event{ID: id, Kind: "updated", Subject: store.Key{Tenant: "acme", Type: "User", ID: id}, Data: `{"v":1}`, Consumers: []string{"hooks"}})
	}
	require.NoError(b, fake.Commit(b.Context(), &store.Change{Tenant: "acme", Events: events}))
	b.ResetTimer()
	ended := make(chan error)
	ctx, cancel := context.WithCancel(b.Context())
	go func() { ended <- s.Run(ctx) }()
	for range b.N {
		<-told
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	cancel()
	require.NoError(b, <-ended)
}

// Fault 22: a store that is away is one line in the log for all consumers together, and not one a second for each part of each.
func TestFault22AStoreThatIsAwayFillsNoLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		d := lifecycle.Delivery{}
		s := p.process(d, func(context.Context, *lifecycle.Event) error { return nil })
		p.fake.SetUnavailable(true)
		stop := p.run(t.Context(), s)
		again := p.run(t.Context(), s)
		time.Sleep(30*time.Second + time.Millisecond)
		assert.LessOrEqual(t, strings.Count(p.logged(), "level=ERROR"), 4)
		assert.GreaterOrEqual(t, strings.Count(p.logged(), "level=ERROR"), 3)
		p.fake.SetUnavailable(false)
		stop()
		again()
	})
}
