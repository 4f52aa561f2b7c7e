package lifecycle_test

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// few is a LifecycleHook with what it must have; most has all the rest too. They write down whom they are told of.
type few struct{ told *[]string }

func (f few) tell(method string) error { *f.told = append(*f.told, method); return nil }

func (f few) Provisioned(context.Context, *lifecycle.Event) error { return f.tell("Provisioned") }
func (f few) Activated(context.Context, *lifecycle.Event) error   { return f.tell("Activated") }
func (f few) Deactivated(context.Context, *lifecycle.Event) error { return f.tell("Deactivated") }
func (f few) Billed(context.Context, *lifecycle.Event) error      { return f.tell("Billed") }

type most struct{ few }

func (m most) Reactivated(context.Context, *lifecycle.Event) error  { return m.tell("Reactivated") }
func (m most) Unbilled(context.Context, *lifecycle.Event) error     { return m.tell("Unbilled") }
func (m most) Rejected(context.Context, *lifecycle.Event) error     { return m.tell("Rejected") }
func (m most) Updated(context.Context, *lifecycle.Event) error      { return m.tell("Updated") }
func (m most) Deleted(context.Context, *lifecycle.Event) error      { return m.tell("Deleted") }
func (m most) GroupCreated(context.Context, *lifecycle.Event) error { return m.tell("GroupCreated") }
func (m most) GroupUpdated(context.Context, *lifecycle.Event) error { return m.tell("GroupUpdated") }
func (m most) GroupDeleted(context.Context, *lifecycle.Event) error { return m.tell("GroupDeleted") }
func (m most) MembersChanged(context.Context, *lifecycle.Event) error {
	return m.tell("MembersChanged")
}
func (m most) SeatRefused(context.Context, *lifecycle.Event) error { return m.tell("SeatRefused") }
func (m most) AccountConflict(context.Context, *lifecycle.Event) error {
	return m.tell("AccountConflict")
}
func (m most) ResourceCreated(context.Context, *lifecycle.Event) error {
	return m.tell("ResourceCreated")
}
func (m most) ResourceUpdated(context.Context, *lifecycle.Event) error {
	return m.tell("ResourceUpdated")
}
func (m most) ResourceDeleted(context.Context, *lifecycle.Event) error {
	return m.tell("ResourceDeleted")
}
func (m most) Any(context.Context, *lifecycle.Event) error { return m.tell("Any") }

// Each method of the interfaces becomes the hook of its name, and what is not there none.
func TestHooksOf(t *testing.T) {
	var told []string
	for _, h := range []lifecycle.LifecycleHook{few{&told}, most{few{&told}}} {
		hooks := reflect.ValueOf(lifecycle.HooksOf(h))
		methods := reflect.TypeOf(h)
		for i := range hooks.NumField() {
			name := hooks.Type().Field(i).Name
			_, has := methods.MethodByName(name)
			require.Equal(t, has, !hooks.Field(i).IsNil(), name)
			if has {
				require.NoError(t, hooks.Field(i).Interface().(lifecycle.Hook)(t.Context(), nil))
				assert.Equal(t, name, told[len(told)-1])
			}
		}
	}
}

// Every kind of event has a hook of its own, and Any is told after it.
func TestEveryKindIsTold(t *testing.T) {
	h := newHouse(t)
	var told []string
	h.s, _ = lifecycle.New(h.fake, &lifecycle.Options{Hooks: lifecycle.HooksOf(most{few{&told}}), Settings: source(func() lifecycle.Settings {
		s, one := lifecycle.DefaultSettings(), 1
		s.Review, s.SeatLimit, s.ExistingAccount = true, &one, "refuse"
		return s
	}), Accounts: directory{"mila": "outside-1"}})
	expect := func(want ...string) {
		t.Helper()
		var all []string
		for _, w := range want {
			all = append(all, w, "Any")
		}
		assert.Equal(t, all, told)
		told = nil
	}
	ada := h.create("User", `{"userName":"ada"}`)
	expect("Provisioned")
	_, err := h.s.Approve(t.Context(), admin, h.id("ada"))
	require.NoError(t, err)
	expect("Activated")
	_, err = h.login("ada")
	require.NoError(t, err)
	expect("Activated", "Billed")
	ada = h.update(h.read(ada), `{"userName":"ada","title":"T"}`)
	expect("Updated")
	ada = h.update(ada, `{"userName":"ada","active":false,"title":"T"}`)
	expect("Deactivated", "Unbilled")
	ada = h.update(ada, `{"userName":"ada","active":true,"title":"T"}`)
	expect("Reactivated")
	bob := h.create("User", `{"userName":"bob"}`)
	_, err = h.s.Approve(t.Context(), admin, h.id("bob"))
	denied(t, err, lifecycle.DeniedNoSeat)
	_, err = h.s.Reject(t.Context(), admin, h.id("bob"))
	require.NoError(t, err)
	expect("Provisioned", "SeatRefused", "Rejected")
	require.NoError(t, h.del(h.read(bob)))
	expect("Deleted")
	require.Error(t, h.post(h.resource("User", `{"userName":"mila"}`)))
	expect("AccountConflict")
	for _, typ := range []string{"Group", "Device"} {
		r := h.create(typ, `{"displayName":"X"}`)
		if typ == "Group" {
			_, err = h.members(r.Key, "", lifecycle.Members{Add: []store.MemberRef{{ID: ada.ID}}})
			require.NoError(t, err)
		}
		require.NoError(t, h.del(h.update(h.read(r), `{"displayName":"Y"}`)))
	}
	expect("GroupCreated", "MembersChanged", "GroupUpdated", "GroupDeleted", "ResourceCreated", "ResourceUpdated", "ResourceDeleted")
}

// plain is a store with nothing but what a store must have.
type plain struct{ store.Store }

// A store without events is told of in the log, and its hooks are called at once, once each.
func TestStoreWithoutEvents(t *testing.T) {
	var log strings.Builder
	var told []*lifecycle.Event
	s, err := lifecycle.New(plain{storetest.NewFake()}, &lifecycle.Options{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Hooks: lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error {
			told = append(told, e)
			if len(told) == 1 {
				panic("at the disco")
			}
			return errors.New("down")
		}},
	})
	require.NoError(t, err)
	assert.Contains(t, log.String(), "level=WARN")
	assert.Contains(t, log.String(), "the store keeps no events")
	for _, name := range []string{"ada", "bob"} {
		_, err = s.Add(t.Context(), admin, lifecycle.Identity{UserName: name})
		require.NoError(t, err, "a hook's failure is not the request's")
	}
	require.Len(t, told, 2, "no second try")
	assert.Equal(t, 1, told[0].Attempt)
	assert.Contains(t, log.String(), "panic: at the disco")
	assert.Contains(t, log.String(), "error=down")
	require.Error(t, s.Run(t.Context()))
	require.Error(t, s.Replay(t.Context(), "acme", time.Time{}))
	parked, err := s.Parked(t.Context(), "acme", 1)
	require.NoError(t, err)
	assert.Empty(t, parked)
}

// The hooks of a store without events share one deadline, as those of a request without a Run do.
func TestHooksWithoutEventsShareADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		calls := 0
		s, err := lifecycle.New(plain{storetest.NewFake()}, &lifecycle.Options{
			Logger:   slog.New(slog.NewTextHandler(&log, nil)),
			Delivery: lifecycle.Delivery{Timeout: 10 * time.Second},
			Hooks: lifecycle.Hooks{Any: func(ctx context.Context, _ *lifecycle.Event) error {
				calls++
				<-ctx.Done()
				return ctx.Err()
			}},
		})
		require.NoError(t, err)
		began := time.Now()
		_, err = s.Add(t.Context(), admin, lifecycle.Identity{UserName: "ada"})
		require.NoError(t, err)
		_, err = s.Login(t.Context(), "acme", lifecycle.Identity{UserName: "ada"}) // activated and billed: two events
		require.NoError(t, err)
		assert.Equal(t, 20*time.Second, time.Since(began), "10 s for each request, not for each event")
		assert.Equal(t, 2, calls)
		assert.Equal(t, 3, strings.Count(log.String(), "level=ERROR"), "each event that was not told has its line: %s", log.String())
	})
}

// An event says what was, what is, and what differs.
func TestSnapshots(t *testing.T) {
	var last *lifecycle.Event
	h := newHouse(t)
	h.s, _ = lifecycle.New(h.fake, &lifecycle.Options{Hooks: lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error {
		last = e
		return nil
	}}})
	ada := h.create("User", `{"userName":"ada","title":"T","nickName":"N"}`)
	assert.Equal(t, ada.Key, last.Subject)
	assert.Empty(t, last.Before)
	assert.Equal(t, ada.Attributes, last.After)
	assert.ElementsMatch(t, []string{"userName", "title", "nickName"}, last.Changed)
	next := h.update(ada, `{"userName":"ada","title":"U","locale":"en"}`)
	assert.Equal(t, ada.Attributes, last.Before)
	assert.Equal(t, next.Attributes, last.After)
	assert.ElementsMatch(t, []string{"title", "nickName", "locale"}, last.Changed)
	require.NoError(t, h.del(next))
	assert.Equal(t, next.Attributes, last.Before)
	assert.Empty(t, last.After)
	assert.NotEmpty(t, last.ID)
}

// A replay begins at a point.
func TestReplayFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.create("User", `{"userName":"ada"}`)
		time.Sleep(time.Hour)
		from := time.Now()
		h.create("User", `{"userName":"bob"}`)
		h.create("User", `{"userName":"eve"}`)
		h.told = nil
		require.NoError(t, h.s.Replay(t.Context(), "acme", from))
		h.heard("provisioned bob", "provisioned eve")
		require.NoError(t, h.s.Replay(t.Context(), "umbrella", time.Time{}))
		h.heard()
	})
}
