package lifecycle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
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

// post is a store with events in it, and the processes that deliver them. It writes down what their hooks are told.
type post struct {
	t    *testing.T
	fake *storetest.Fake
	n    int

	mu   sync.Mutex
	told []string
	log  bytes.Buffer
}

func newPost(t *testing.T) *post { return &post{t: t, fake: storetest.NewFake()} }

// Write is the log of all processes.
func (p *post) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *post) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// process is a process of the product that has one hook. What the hook returns without an error counts as told.
func (p *post) process(d lifecycle.Delivery, hook lifecycle.Hook) *lifecycle.Service {
	return p.on(p.fake, d, hook)
}

func (p *post) on(s store.Store, d lifecycle.Delivery, hook lifecycle.Hook) *lifecycle.Service {
	p.t.Helper()
	l, err := lifecycle.New(s, &lifecycle.Options{
		Delivery: d,
		Logger:   slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Hooks: lifecycle.Hooks{Any: func(ctx context.Context, e *lifecycle.Event) error {
			if err := hook(ctx, e); err != nil {
				return err
			}
			p.hear(e.Subject.ID + " " + string(e.Kind))
			return nil
		}},
	})
	require.NoError(p.t, err)
	return l
}

func (p *post) hear(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, line)
}

// heard is what was told since it was asked last.
func (p *post) heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := p.told
	p.told = nil
	return told
}

// run has a process run, until stop is called or the test ends.
func (p *post) run(ctx context.Context, s *lifecycle.Service) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		assert.NoError(p.t, s.Run(ctx))
	}()
	stop = func() { cancel(); <-ended }
	p.t.Cleanup(stop)
	synctest.Wait()
	return stop
}

// happen commits events of acme: each is a subject's id and a kind. It returns their ids.
func (p *post) happen(events ...string) (ids []string) {
	p.t.Helper()
	c := &store.Change{Tenant: "acme"}
	for _, e := range events {
		id, kind, _ := strings.Cut(e, " ")
		p.n++
		ids = append(ids, fmt.Sprintf("event-%04d", p.n))
		c.Events = append(c.Events, store.Event{ID: ids[len(ids)-1], Kind: kind, Subject: store.Key{Tenant: c.Tenant, Type: "User", ID: id},
			Time: time.Now().UTC().Truncate(time.Microsecond), Data: `{"v":1}`, Consumers: []string{"hooks"}})
	}
	require.NoError(p.t, p.fake.Commit(context.Background(), c))
	return ids
}

// after is what was told until a time has passed.
func (p *post) after(d time.Duration) []string {
	time.Sleep(d)
	synctest.Wait()
	return p.heard()
}

func (p *post) parked(s *lifecycle.Service) []store.Delivery {
	p.t.Helper()
	parked, err := s.Parked(context.Background(), "acme", 100)
	require.NoError(p.t, err)
	return parked
}

func fine(context.Context, *lifecycle.Event) error { return nil }

// add is a request that makes one event, provisioned, of a user of the tenant.
func add(ctx context.Context, t *testing.T, s *lifecycle.Service, tenant, name string) {
	t.Helper()
	_, err := s.Add(ctx, lifecycle.Request{Tenant: tenant, ID: "request of " + name, Who: "root"}, lifecycle.Identity{UserName: name})
	require.NoError(t, err)
}

type requestKey struct{}

// Fault 14: without Run, a request delivers what it caused and nothing else, and no hook sees anything of the request.
func TestFault14RequestDeliversItsOwnEventsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		waiting := make([]string, 300)
		for i := range waiting {
			waiting[i] = fmt.Sprintf("waiting-%d provisioned", i)
		}
		p.happen(waiting...)
		request, cancel := context.WithCancel(context.WithValue(t.Context(), requestKey{}, "umbrella"))
		var names []string
		s := p.process(lifecycle.Delivery{Timeout: 7 * time.Second}, func(ctx context.Context, e *lifecycle.Event) error {
			names = append(names, e.Subject.Tenant+" "+e.UserName)
			assert.Equal(t, lifecycle.Origin{Request: "request of " + e.UserName, Who: "root", By: lifecycle.SourceManual}, e.Origin)
			cancel()
			assert.NoError(t, ctx.Err(), "it isn't cancelled with the request")
			assert.Nil(t, ctx.Value(requestKey{}), "it has none of the request's values")
			deadline, ok := ctx.Deadline()
			assert.True(t, ok)
			assert.Equal(t, 7*time.Second, time.Until(deadline))
			return nil
		})
		add(request, t, s, "umbrella", "ada")
		assert.Equal(t, []string{"umbrella ada"}, names)
		add(t.Context(), t, s, "initech", "bob")
		assert.Equal(t, []string{"umbrella ada", "initech bob"}, names)
		assert.Equal(t, 1, strings.Count(p.logged(), "level=WARN"), "once per process: %s", p.logged())
		assert.Contains(t, p.logged(), "nobody calls Service.Run")

		p.heard()
		p.run(t.Context(), p.process(lifecycle.Delivery{}, fine))
		assert.ElementsMatch(t, waiting, p.heard(), "who runs Run delivers the rest")
	})
}

// Fault 14: what fails in a request is not tried again in it. It stays due for a Run, and the later events of its subject wait
// for it.
func TestFault14WhatFailsInARequestWaitsForRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		calls := 0
		s := p.process(lifecycle.Delivery{}, func(_ context.Context, e *lifecycle.Event) error {
			if calls++; calls == 1 {
				return errors.New("down")
			}
			return nil
		})
		ada := lifecycle.Identity{UserName: "ada"}
		add(t.Context(), t, s, "acme", "ada")
		assert.Equal(t, 1, calls)
		_, err := s.Login(t.Context(), "acme", ada) // activated, billed
		require.NoError(t, err)
		assert.Equal(t, 1, calls, "an earlier event of the subject waits for its retry")
		p.run(t.Context(), s)
		kinds := strings.Join(p.after(2*time.Second), "|")
		assert.Regexp(t, `^\S+ provisioned\|\S+ activated\|\S+ billed$`, kinds)
	})
}

// Fault 14: earlier events of the same subject come first, or their order would be lost; those of others don't.
func TestFault14EarlierEventsOfTheSubjectComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		down := true
		s := p.process(lifecycle.Delivery{}, func(context.Context, *lifecycle.Event) error {
			if down {
				return errors.New("down")
			}
			return nil
		})
		add(t.Context(), t, s, "acme", "ada")
		add(t.Context(), t, s, "acme", "bob")
		time.Sleep(time.Minute)
		down = false
		login, err := s.Login(t.Context(), "acme", lifecycle.Identity{UserName: "ada"})
		require.NoError(t, err)
		assert.Equal(t, []string{login.ID + " provisioned", login.ID + " activated", login.ID + " billed"}, p.heard())
	})
}

// Fault 14: all the hooks that a request calls have one deadline together, however many there are; a replay, too.
func TestFault14RequestIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		release := make(chan struct{})
		defer close(release)
		hangs := false
		s := p.process(lifecycle.Delivery{Timeout: 5 * time.Second, Attempts: 1}, func(ctx context.Context, e *lifecycle.Event) error {
			switch {
			case !hangs:
				return nil
			case e.Kind == "ignores its context":
				<-release
			}
			<-ctx.Done()
			return ctx.Err()
		})
		add(t.Context(), t, s, "acme", "ada")
		id := strings.Fields(p.heard()[0])[0]
		hangs = true
		for range 5 {
			p.happen(id+" ignores its context", id+" updated")
		}
		began := time.Now()
		_, err := s.Login(t.Context(), "acme", lifecycle.Identity{UserName: "ada"})
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(began), 6*time.Second)
		assert.Contains(t, p.logged(), "abandoned=1")
		p.happen("a updated", "b updated", "c updated")
		began = time.Now()
		require.NoError(t, s.Replay(t.Context(), "acme", time.Time{}))
		assert.LessOrEqual(t, time.Since(began), 6*time.Second)
	})
}

// With Run in the process a request waits for no hook, and no hook waits until Run looks again.
func TestRunIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		s := p.process(lifecycle.Delivery{Poll: time.Hour}, func(context.Context, *lifecycle.Event) error { time.Sleep(20 * time.Second); return nil })
		p.run(t.Context(), s)
		began := time.Now()
		add(t.Context(), t, s, "acme", "ada")
		add(t.Context(), t, s, "umbrella", "bob")
		_, err := s.Login(t.Context(), "acme", lifecycle.Identity{UserName: "ada"})
		require.NoError(t, err)
		assert.Zero(t, time.Since(began))
		assert.Len(t, p.after(20*time.Second), 2)
		assert.Len(t, p.after(20*time.Second), 1, "the next one of a subject follows when the one before is done")
		assert.Len(t, p.after(20*time.Second), 1)
		assert.NotContains(t, p.logged(), "nobody calls Service.Run")
	})
}

// Replay without Run delivers at once too, and what fails waits.
func TestReplayWithoutRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		p.happen("a provisioned", "b provisioned", "a updated", "b updated")
		s := p.process(lifecycle.Delivery{}, func(_ context.Context, e *lifecycle.Event) error {
			if e.Subject.ID == "b" {
				return errors.New("down")
			}
			return nil
		})
		require.NoError(t, s.Replay(t.Context(), "acme", time.Time{}))
		assert.Equal(t, []string{"a provisioned", "a updated"}, p.heard())
		require.NoError(t, s.Replay(t.Context(), "umbrella", time.Time{}))
		assert.Empty(t, p.heard())
	})
}

// Fault 22, of hooks: a failure is logged with all that is needed to find it.
func TestFault22FailuresSayWhose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		id := p.happen("ada provisioned")[0]
		keep := lifecycle.Retention{Delivered: -1, Parked: -1, Journal: -1, Tombstones: -1} // what is old is nothing to log here
		stop := p.run(t.Context(), p.process(lifecycle.Delivery{Attempts: 2, Retention: keep}, func(_ context.Context, e *lifecycle.Event) error {
			if e.Attempt == 1 {
				panic("at the disco")
			}
			return errors.New("down")
		}))
		time.Sleep(5 * time.Second)
		stop()
		lines := strings.Split(strings.TrimSpace(p.logged()), "\n")
		require.Len(t, lines, 2)
		for i, want := range [][]string{{"level=WARN", "attempt=1", "panic: at the disco", "delivery_test.go"}, {"level=ERROR", "attempt=2", "error=down", "parked=true"}} {
			for _, w := range append(want, "tenant=acme", "consumer=hooks", "kind=provisioned", "event="+id, "subject=ada") {
				assert.Contains(t, lines[i], w)
			}
		}
	})
}

// Delivery's contradictions are errors of New that name the field.
func TestDeliveryIsValidated(t *testing.T) {
	for _, c := range []struct {
		d    lifecycle.Delivery
		want string
	}{
		{lifecycle.Delivery{}, ""},
		{lifecycle.Delivery{Backoff: time.Hour}, ""},
		{lifecycle.Delivery{MaxWait: time.Millisecond}, ""},
		{lifecycle.Delivery{Retention: lifecycle.Retention{Delivered: -1, Parked: -1, Journal: -1}}, ""},
		{lifecycle.Delivery{Workers: -1}, "Delivery.Workers is negative"},
		{lifecycle.Delivery{Timeout: -1}, "Delivery.Timeout is negative"},
		{lifecycle.Delivery{Stop: -1}, "Delivery.Stop is negative"},
		{lifecycle.Delivery{Attempts: -1}, "Delivery.Attempts is negative"},
		{lifecycle.Delivery{Backoff: -1}, "Delivery.Backoff is negative"},
		{lifecycle.Delivery{MaxWait: -1}, "Delivery.MaxWait is negative"},
		{lifecycle.Delivery{Poll: -1}, "Delivery.Poll is negative"},
		{lifecycle.Delivery{Batch: -1}, "Delivery.Batch is negative"},
		{lifecycle.Delivery{Lease: -1}, "Delivery.Lease is negative"},
		{lifecycle.Delivery{Snapshot: -1}, "Delivery.Snapshot is negative"},
		{lifecycle.Delivery{Lease: time.Millisecond}, "Delivery.Lease is 1ms; want 1s or more"},
		{lifecycle.Delivery{Backoff: 2 * time.Second, MaxWait: time.Second}, "Delivery.Backoff is 2s, which is longer than Delivery.MaxWait, 1s"},
	} {
		_, err := lifecycle.New(storetest.NewFake(), &lifecycle.Options{Delivery: c.d})
		if c.want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, c.want)
	}
}

// An event that is larger than the limit is kept and told without its attributes, and says so.
func TestFault19SnapshotIsBounded(t *testing.T) {
	for _, kept := range []bool{true, false} {
		var s store.Store = storetest.NewFake()
		if !kept {
			s = plain{s}
		}
		var last *lifecycle.Event
		l, err := lifecycle.New(s, &lifecycle.Options{
			Delivery: lifecycle.Delivery{Snapshot: 20},
			Hooks:    lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error { last = e; return nil }},
		})
		require.NoError(t, err)
		add(t.Context(), t, l, "acme", "a")
		require.NotNil(t, last)
		assert.False(t, last.Truncated)
		assert.Equal(t, document.Document(`{"userName":"a"}`), last.After)
		add(t.Context(), t, l, "acme", strings.Repeat("b", 20))
		assert.True(t, last.Truncated)
		assert.Empty(t, last.After)
		assert.Equal(t, []string{"userName"}, last.Changed)
	}
}
