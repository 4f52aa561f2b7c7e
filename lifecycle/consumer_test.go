package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
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

// ear hears events as one consumer.
type ear struct {
	mu    sync.Mutex
	heard []string
	fail  func(e *lifecycle.Event) error
}

func (x *ear) hook(_ context.Context, e *lifecycle.Event) error {
	if x.fail != nil {
		if err := x.fail(e); err != nil {
			return err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.heard = append(x.heard, e.UserName+" "+string(e.Kind)+" to "+e.Consumer)
	return nil
}

// all is what was heard since it was asked last.
func (x *ear) all() []string {
	synctest.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	heard := x.heard
	x.heard = nil
	return heard
}

func (x *ear) hooks() lifecycle.Hooks { return lifecycle.Hooks{Any: x.hook} }

func consume(t *testing.T, f *storetest.Fake, o lifecycle.Options) *lifecycle.Service {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := lifecycle.New(f, &o)
	require.NoError(t, err)
	return s
}

func runs(t *testing.T, s *lifecycle.Service) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); assert.NoError(t, s.Run(ctx)) }()
	t.Cleanup(func() { cancel(); <-ended })
	synctest.Wait()
}

// A consumer that hangs or fails changes nothing for another.
func TestConsumersAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hooks, audit ear
		webhook := ear{fail: func(*lifecycle.Event) error { return errors.New("down") }}
		hanging := func(ctx context.Context, _ *lifecycle.Event) error { <-ctx.Done(); return ctx.Err() }
		s := consume(t, storetest.NewFake(), lifecycle.Options{Hooks: hooks.hooks(), Consumers: []lifecycle.Consumer{
			{Name: "audit", Hooks: audit.hooks(), Kinds: []lifecycle.Kind{lifecycle.KindProvisioned}},
			{Name: "down", Hooks: webhook.hooks(), Attempts: 2, Backoff: time.Second},
			{Name: "hangs", Hooks: lifecycle.Hooks{Any: hanging}, Workers: 1},
		}})
		runs(t, s)
		for n := range 3 {
			add(t.Context(), t, s, "acme", fmt.Sprint("u", n))
		}
		assert.ElementsMatch(t, []string{"u0 provisioned to audit", "u1 provisioned to audit", "u2 provisioned to audit"}, audit.all())
		assert.ElementsMatch(t, []string{"u0 provisioned to hooks", "u1 provisioned to hooks", "u2 provisioned to hooks"}, hooks.all())
		time.Sleep(5 * time.Second)
		parked, err := s.Parked(t.Context(), "acme", 10)
		require.NoError(t, err)
		require.Len(t, parked, 3)
		assert.Equal(t, "down", parked[0].Consumer)
		assert.Equal(t, "down", parked[0].Reason)
		lags, err := s.Lags(t.Context(), "acme")
		require.NoError(t, err)
		require.Len(t, lags, 2)
		assert.Equal(t, "hangs", lags[1].Consumer)
		assert.Equal(t, 3, lags[1].Waiting)
		assert.Equal(t, []string{"hooks", "audit", "down", "hangs"}, s.Consumers())

		webhook.fail = nil
		require.NoError(t, s.Retry(t.Context(), "acme", "", parked[0].ID))
		assert.Equal(t, []string{"u0 provisioned to down"}, webhook.all())
		require.NoError(t, s.Drop(t.Context(), "acme", "down", parked[1].ID, "nobody needs it"))
		assert.ErrorIs(t, s.Drop(t.Context(), "acme", "down", parked[1].ID, ""), store.ErrNotFound)
		assert.ErrorIs(t, s.Retry(t.Context(), "acme", "", "nothing"), store.ErrNotFound)
		left, err := s.Parked(t.Context(), "acme", 10)
		require.NoError(t, err)
		require.Len(t, left, 1)
		assert.Equal(t, parked[2].ID, left[0].ID)
	})
}

func TestPauseAndReplayOneConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hooks, audit ear
		s := consume(t, storetest.NewFake(), lifecycle.Options{Hooks: hooks.hooks(), Consumers: []lifecycle.Consumer{{Name: "audit", Hooks: audit.hooks()}}})
		runs(t, s)
		require.NoError(t, s.Pause(t.Context(), "acme", "audit"))
		add(t.Context(), t, s, "acme", "ann")
		add(t.Context(), t, s, "other", "bob")
		assert.Equal(t, []string{"bob provisioned to audit"}, audit.all(), "it is paused for one tenant only")
		assert.Len(t, hooks.all(), 2)
		require.NoError(t, s.Resume(t.Context(), "acme", "audit"))
		assert.Equal(t, []string{"ann provisioned to audit"}, audit.all())

		require.NoError(t, s.ReplayTo(t.Context(), store.Replay{Tenant: "acme", Consumer: "audit"}))
		assert.Equal(t, []string{"ann provisioned to audit"}, audit.all())
		assert.Empty(t, hooks.all())
		require.NoError(t, s.ReplayTo(t.Context(), store.Replay{Tenant: "acme", Consumer: "audit", From: time.Now().Add(time.Hour)}))
		assert.Empty(t, audit.all())
		for _, err := range []error{s.Pause(t.Context(), "acme", "nobody"), s.Resume(t.Context(), "acme", "webhook."), s.ReplayTo(t.Context(), store.Replay{Tenant: "acme", Consumer: "x"})} {
			assert.ErrorIs(t, err, lifecycle.ErrNoConsumer)
		}
	})
}

// Who is in a family when a change is committed is told of it, by itself, and nobody else.
func TestFamilyOfConsumers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			family ear
			mu     sync.Mutex
			there  = []lifecycle.Subscriber{{Name: "a"}, {Name: "b", Kinds: []lifecycle.Kind{lifecycle.KindDeleted}}}
		)
		s := consume(t, storetest.NewFake(), lifecycle.Options{Consumers: []lifecycle.Consumer{{Name: "push", Hooks: family.hooks(),
			Subscribers: func(_ context.Context, tenant string) ([]lifecycle.Subscriber, error) {
				mu.Lock()
				defer mu.Unlock()
				if tenant != "acme" {
					return nil, nil
				}
				return there, nil
			}}}})
		runs(t, s)
		add(t.Context(), t, s, "acme", "ann")
		add(t.Context(), t, s, "other", "bob")
		assert.Equal(t, []string{"ann provisioned to push.a"}, family.all())
		time.Sleep(time.Hour) // who had nothing to do for long runs no more, and begins again
		mu.Lock()
		there = append(there, lifecycle.Subscriber{Name: "c"})
		mu.Unlock()
		add(t.Context(), t, s, "acme", "kim")
		heard := family.all()
		slices.Sort(heard)
		assert.Equal(t, []string{"kim provisioned to push.a", "kim provisioned to push.c"}, heard)
		require.NoError(t, s.ReplayTo(t.Context(), store.Replay{Tenant: "acme", Consumer: "push.a"}))
		assert.ElementsMatch(t, []string{"ann provisioned to push.a", "kim provisioned to push.a"}, family.all())
	})
}

// In a backlog somebody who lost access goes first.
func TestDeactivatedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := storetest.NewFake()
		var hooks ear
		idle := consume(t, f, lifecycle.Options{Consumers: []lifecycle.Consumer{{Name: "slow", Hooks: hooks.hooks()}}})
		running := consume(t, f, lifecycle.Options{Delivery: lifecycle.Delivery{Batch: 4}, Consumers: []lifecycle.Consumer{{Name: "slow", Workers: 1,
			Hooks: lifecycle.Hooks{Any: func(ctx context.Context, e *lifecycle.Event) error {
				time.Sleep(time.Second)
				return hooks.hook(ctx, e)
			}}}}})
		require.NoError(t, idle.Pause(t.Context(), "acme", "slow"))
		for n := range 40 {
			add(t.Context(), t, idle, "acme", fmt.Sprint("u", n))
		}
		last, err := idle.Find(t.Context(), "acme", "u39")
		require.NoError(t, err)
		require.NoError(t, idle.Resume(t.Context(), "acme", "slow"))
		runs(t, running)
		time.Sleep(1500 * time.Millisecond)
		require.NoError(t, f.Commit(t.Context(), &store.Change{Tenant: "acme", Events: []store.Event{{ID: "late", Kind: "deactivated", Urgent: true, Data: `{"v":1}`,
			Subject: last.Key, Time: time.Now().UTC().Truncate(time.Microsecond), Consumers: []string{"slow"}}}}))
		time.Sleep(10 * time.Second)
		heard := hooks.all()
		assert.Contains(t, heard, "u39 provisioned to slow", "its subject goes first, in order")
		assert.Contains(t, heard, " deactivated to slow")
		assert.Less(t, slices.Index(heard, "u39 provisioned to slow"), slices.Index(heard, " deactivated to slow"))
		assert.Less(t, len(heard), 14)
	})
}

// A hook may say when to try again, or that it helps nothing.
func TestRetryError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var began []time.Duration
		at := time.Now()
		hooks := ear{fail: func(e *lifecycle.Event) error {
			began = append(began, time.Since(at))
			if e.UserName == "hopeless" {
				return fmt.Errorf("wrapped: %w", &lifecycle.RetryError{Err: errors.New("gone"), GiveUp: true})
			}
			if e.Attempt == 1 {
				return &lifecycle.RetryError{Err: errors.New("later"), After: time.Hour}
			}
			return nil
		}}
		s := consume(t, storetest.NewFake(), lifecycle.Options{Hooks: hooks.hooks()})
		runs(t, s)
		add(t.Context(), t, s, "acme", "ann")
		time.Sleep(2 * time.Hour)
		require.Len(t, began, 2)
		assert.InDelta(t, time.Hour, began[1], float64(2*time.Second))
		add(t.Context(), t, s, "acme", "hopeless")
		synctest.Wait()
		parked, err := s.Parked(t.Context(), "acme", 10)
		require.NoError(t, err)
		require.Len(t, parked, 1)
		assert.Equal(t, 1, parked[0].Attempts)
	})
}

// What is taken inside the commit is in the change, and nobody keeps or delivers it.
func TestInTx(t *testing.T) {
	f := &taking{Fake: storetest.NewFake()}
	s, err := lifecycle.New(f, &lifecycle.Options{Consumers: []lifecycle.Consumer{{Name: "jobs", InTx: true, Kinds: []lifecycle.Kind{lifecycle.KindProvisioned}}}})
	require.NoError(t, err)
	add(t.Context(), t, s, "acme", "ann")
	require.Len(t, f.took, 1)
	assert.Equal(t, "ann", f.took[0].UserName)
	assert.Equal(t, "jobs", f.took[0].Consumer)
	assert.Equal(t, "root", f.took[0].Origin.Who)
	due, err := f.Due(t.Context())
	require.NoError(t, err)
	assert.Empty(t, due)
	assert.NotContains(t, s.Consumers(), "jobs")
}

type taking struct {
	*storetest.Fake
	took []*lifecycle.Event
}

func (x *taking) Commit(ctx context.Context, c *store.Change) error {
	events, err := lifecycle.EventsFor(c, "jobs")
	if err != nil {
		return err
	}
	x.took = append(x.took, events...)
	return x.Fake.Commit(ctx, c)
}

// Everything that is true is told to a new consumer, whatever changes meanwhile.
func TestSnapshot(t *testing.T) {
	f := storetest.NewFake()
	s := consume(t, f, lifecycle.Options{})
	for _, name := range []string{"ann", "bob", "kim"} {
		add(t.Context(), t, s, "acme", name)
	}
	_, err := s.Login(t.Context(), "acme", lifecycle.Identity{UserName: "ann"})
	require.NoError(t, err)
	bob, err := s.Find(t.Context(), "acme", "bob")
	require.NoError(t, err)
	_, err = s.Suspend(t.Context(), lifecycle.Request{Tenant: "acme"}, bob.ID)
	require.NoError(t, err)
	group := &store.Resource{Key: store.Key{Tenant: "acme", Type: "Group", ID: "g"}, Version: "1", Attributes: document.Document(`{"displayName":"Team"}`)}
	require.NoError(t, f.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: group}}}))
	require.NoError(t, f.Commit(t.Context(), &store.Change{Tenant: "acme", Members: []store.MemberDelta{{Group: "g", Version: "2", Add: []store.MemberRef{{ID: bob.ID}}}}}))

	var lines []string
	changed := false
	later := consume(t, f, lifecycle.Options{Consumers: []lifecycle.Consumer{{Name: "new", Hooks: lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error {
		lines = append(lines, fmt.Sprint(e.Kind, " ", e.UserName, " ", e.Added, " ", e.Origin.By, " ", e.After.Get("title").Text()))
		return nil
	}}}}})
	kim, err := s.Find(t.Context(), "acme", "kim")
	require.NoError(t, err)
	f.Before(func(_ context.Context, method string) error {
		if method == "Commit" && !changed {
			changed = true // somebody changes what is about to be told
			next := *kim
			next.Version, next.Attributes = "next", document.Document(`{"userName":"kim","title":"boss"}`)
			return f.Commit(context.Background(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: &next, IfVersion: kim.Version}}})
		}
		return nil
	})
	n, err := later.Snapshot(t.Context(), "acme", "new")
	require.NoError(t, err)
	assert.Equal(t, 4, n)
	assert.ElementsMatch(t, []string{
		"provisioned ann [] snapshot ", "activated ann [] snapshot ", "billed ann [] snapshot ",
		"provisioned bob [] snapshot ", "deactivated bob [] snapshot ",
		"provisioned kim [] snapshot boss",
		"group.created  [] snapshot ", "members.changed  [" + bob.ID + "] snapshot ",
	}, lines)
	_, err = later.Snapshot(t.Context(), "acme", "nobody")
	assert.ErrorIs(t, err, lifecycle.ErrNoConsumer)
}

// Wrong consumers are errors that say what would be right.
func TestConsumerOptions(t *testing.T) {
	hooks := lifecycle.Hooks{Any: fine}
	for name, c := range map[string]struct {
		consumers []lifecycle.Consumer
		want      string
	}{
		"name":     {[]lifecycle.Consumer{{Name: "No Good", Hooks: hooks}}, "want a name"},
		"empty":    {[]lifecycle.Consumer{{Hooks: hooks}}, "want a name"},
		"hooks":    {[]lifecycle.Consumer{{Name: "hooks", Hooks: hooks}}, "want names that differ"},
		"twice":    {[]lifecycle.Consumer{{Name: "a", Hooks: hooks}, {Name: "a", Hooks: hooks}}, "want names that differ"},
		"silent":   {[]lifecycle.Consumer{{Name: "a"}}, "no Hooks"},
		"in tx":    {[]lifecycle.Consumer{{Name: "a", InTx: true, Hooks: hooks}}, "never called"},
		"negative": {[]lifecycle.Consumer{{Name: "a", Hooks: hooks, Workers: -1}}, "Workers is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := lifecycle.New(storetest.NewFake(), &lifecycle.Options{Consumers: c.consumers})
			assert.ErrorContains(t, err, c.want)
		})
	}
}

// A process that is woken by the store of another one's commit delivers at once, and doesn't wait for its next look.
func TestNotified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := storetest.NewFake()
		told := &telling{Fake: f, wake: make(chan func(), 1)}
		var hooks ear
		s, err := lifecycle.New(told, &lifecycle.Options{Hooks: hooks.hooks(), Delivery: lifecycle.Delivery{Poll: time.Hour}})
		require.NoError(t, err)
		runs(t, s)
		other := consume(t, f, lifecycle.Options{Hooks: hooks.hooks()})
		require.NoError(t, other.Pause(t.Context(), "acme", "hooks"))
		add(t.Context(), t, other, "acme", "ann")
		require.NoError(t, other.Resume(t.Context(), "acme", "hooks"))
		time.Sleep(time.Minute)
		assert.Empty(t, hooks.all(), "nobody has told it")
		(<-told.wake)()
		assert.Equal(t, []string{"ann provisioned to hooks"}, hooks.all())
	})
}

type telling struct {
	*storetest.Fake
	wake chan func()
}

func (x *telling) Notify(ctx context.Context, wake func()) error {
	x.wake <- wake
	<-ctx.Done()
	return nil
}

// cut is the store of a process that is killed: nothing of it reaches the store any more.
type cut struct {
	*storetest.Fake
	dead atomic.Bool
}

func (x *cut) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	if x.dead.Load() {
		return nil, store.ErrUnavailable
	}
	return x.Fake.Lease(ctx, l)
}

func (x *cut) Settle(ctx context.Context, s []store.Settlement) error {
	if x.dead.Load() {
		return store.ErrUnavailable
	}
	return x.Fake.Settle(ctx, s)
}

// What a process had in hand when it died is told by another one within 10 seconds, with the leases as they are by default; while it
// lives, nobody else is told, however long its hook takes.
func TestDeathIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &cut{Fake: storetest.NewFake()}
		first, err := lifecycle.New(f, &lifecycle.Options{Hooks: lifecycle.Hooks{Any: func(ctx context.Context, _ *lifecycle.Event) error { <-ctx.Done(); return ctx.Err() }}})
		require.NoError(t, err)
		var heard ear
		second := consume(t, f.Fake, lifecycle.Options{Hooks: heard.hooks()})
		runs(t, first)
		add(t.Context(), t, first, "acme", "ann")
		synctest.Wait()
		runs(t, second)
		time.Sleep(25 * time.Second)
		assert.Empty(t, heard.all(), "its lease is renewed")
		f.dead.Store(true)
		time.Sleep(10 * time.Second)
		assert.Equal(t, []string{"ann provisioned to hooks"}, heard.all())
	})
}
