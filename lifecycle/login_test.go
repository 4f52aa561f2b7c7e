package lifecycle_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// user makes a user that a sign-in can find.
func (h *house) user(name, attributes string) *store.Resource {
	h.t.Helper()
	r := &store.Resource{Key: store.Key{Tenant: "acme", Type: "User"}, Attributes: attrs(h.t, attributes),
		Index: []store.IndexKey{{Attribute: "userName", Value: document.Fold(name), Unique: true}}}
	require.NoError(h.t, h.s.Create(h.t.Context(), actor, r, nil))
	return r
}

// now reads a resource again.
func (h *house) now(r *store.Resource) *store.Resource {
	h.t.Helper()
	r, err := h.fake.Get(h.t.Context(), r.Key)
	require.NoError(h.t, err)
	return r
}

func (h *house) refused(why lifecycle.LoginReason, name string) {
	h.t.Helper()
	_, err := h.s.Login(h.t.Context(), "acme", lifecycle.Identity{UserName: name})
	var refusal *lifecycle.LoginError
	require.ErrorAs(h.t, err, &refusal)
	assert.Equal(h.t, why, refusal.Reason)
}

func (h *house) login(name string) *lifecycle.Login {
	h.t.Helper()
	l, err := h.s.Login(h.t.Context(), "acme", lifecycle.Identity{UserName: name})
	require.NoError(h.t, err)
	return l
}

func TestFromProvisionedToBilledToDeactivated(t *testing.T) {
	h := newHouse(t)
	h.refused(lifecycle.LoginUnknown, "ada")
	ada := h.user("Ada", `{"userName":"Ada"}`)
	first := h.login("ADA")
	assert.Equal(t, &lifecycle.Login{ID: ada.ID, State: lifecycle.StateActive, FirstLogin: true, Billed: true}, first)
	h.heard("provisioned Ada", "activated Ada", "billed Ada")
	signedIn := h.now(ada)
	assert.Equal(t, ada.Attributes, signedIn.Attributes, "active reads back what was sent: nothing")
	assert.Equal(t, ada.LastModified, signedIn.LastModified)
	h.update(signedIn, `{"userName":"Ada","title":"T"}`)
	h.heard("updated Ada")

	var calls []string
	h.fake.Before(func(_ context.Context, method string) error { calls = append(calls, method); return nil })
	assert.Equal(t, &lifecycle.Login{ID: ada.ID, State: lifecycle.StateActive}, h.login("ada"))
	assert.Equal(t, []string{"List"}, calls, "a login that changes nothing is one read")
	h.fake.Before(nil)
	h.heard()

	require.NoError(t, h.s.Suspend(t.Context(), "acme", "ada"))
	h.refused(lifecycle.LoginSuspended, "ada")
	require.ErrorIs(t, h.s.Suspend(t.Context(), "acme", "ada"), lifecycle.ErrNoStep)
	require.NoError(t, h.s.Reactivate(t.Context(), "acme", "ada"))
	assert.False(t, h.login("ada").Billed, "a suspension doesn't end what is billed")
	h.heard("suspended Ada", "reactivated Ada")

	off := h.update(h.now(ada), `{"userName":"Ada","active":false}`)
	h.refused(lifecycle.LoginDeactivated, "ada")
	require.ErrorIs(t, h.s.Reactivate(t.Context(), "acme", "ada"), lifecycle.ErrNoStep)
	on := h.update(off, `{"userName":"Ada","active":true}`)
	assert.Equal(t, &lifecycle.Login{ID: ada.ID, State: lifecycle.StateActive, Billed: true}, h.login("ada"), "billed again, but no first login")
	require.ErrorIs(t, h.s.Delete(t.Context(), actor, on, on.Version), store.ErrVersionMismatch, "a login is a change too")
	require.NoError(t, h.s.Delete(t.Context(), actor, h.now(ada), ""))
	h.heard("deactivated Ada", "unbilled Ada", "reactivated Ada", "activated Ada", "billed Ada", "unbilled Ada", "deleted Ada")

	h.user("bob", `{"userName":"bob","active":false}`)
	h.heard("provisioned bob", "deactivated bob")
	h.refused(lifecycle.LoginDeactivated, "bob")
	require.ErrorIs(t, h.s.Suspend(t.Context(), "acme", "nobody"), store.ErrNotFound)
	require.ErrorIs(t, h.s.Suspend(t.Context(), "other", "bob"), store.ErrNotFound, "of another tenant")
}

// TestWrittenWithoutLifecycle: users that were in the store before have an account by what active says.
func TestWrittenWithoutLifecycle(t *testing.T) {
	h := newHouse(t)
	for name, attributes := range map[string]string{"on": `{"userName":"on"}`, "off": `{"userName":"off","active":false}`} {
		require.NoError(t, h.fake.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: &store.Resource{
			Key: store.Key{Tenant: "acme", Type: "User", ID: name}, Version: "1", Attributes: attrs(t, attributes),
			Index: []store.IndexKey{{Attribute: "userName", Value: name, Unique: true}}}}}}))
	}
	assert.True(t, h.login("on").Billed)
	h.refused(lifecycle.LoginDeactivated, "off")
}

// TestOneOfManyFirstLoginsIsBilled races logins on two services, as on two machines.
func TestOneOfManyFirstLoginsIsBilled(t *testing.T) {
	const logins = 64
	fake := storetest.NewFake()
	var mu sync.Mutex
	told := map[lifecycle.Kind]int{}
	hear := func(_ context.Context, e *lifecycle.Event) error {
		mu.Lock()
		defer mu.Unlock()
		told[e.Kind]++
		return nil
	}
	var services []*lifecycle.Service
	for range 2 {
		s, err := lifecycle.New(fake, &lifecycle.Options{Hooks: lifecycle.Hooks{Activated: hear, Billed: hear}})
		require.NoError(t, err)
		services = append(services, s)
	}
	(&house{t: t, s: services[0], fake: fake}).user("ada", `{"userName":"ada"}`)
	var wg sync.WaitGroup
	firsts, billed := 0, 0
	for i := range logins {
		wg.Go(func() {
			l, err := services[i%2].Login(t.Context(), "acme", lifecycle.Identity{UserName: "ada"})
			mu.Lock()
			defer mu.Unlock()
			if assert.NoError(t, err) && l.FirstLogin {
				firsts++
			}
			if err == nil && l.Billed {
				billed++
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 1, firsts)
	assert.Equal(t, 1, billed)
	assert.Equal(t, map[lifecycle.Kind]int{lifecycle.Activated: 1, lifecycle.Billed: 1}, told)
}

// TestRandomLives: whatever races with whatever, billed and unbilled alternate, and no account is left in between.
func TestRandomLives(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			h := newHouse(t)
			s, err := lifecycle.New(h.fake, &lifecycle.Options{Hooks: lifecycle.Hooks{Billed: keep, Unbilled: keep}})
			require.NoError(t, err)
			h.s = s
			ada := h.user("ada", `{"userName":"ada"}`)
			var wg sync.WaitGroup
			for worker := range uint64(4) {
				wg.Go(func() {
					random := rand.New(rand.NewPCG(seed, worker))
					for range 15 {
						switch random.IntN(4) {
						case 0, 1:
							_, _ = s.Login(t.Context(), "acme", lifecycle.Identity{UserName: "ada"})
						case 2:
							_ = []func(context.Context, string, string) error{s.Suspend, s.Reactivate}[random.IntN(2)](t.Context(), "acme", "ada")
						case 3:
							cur, err := h.fake.Get(t.Context(), ada.Key)
							if assert.NoError(t, err) {
								next := *cur
								next.Attributes = attrs(t, fmt.Sprintf(`{"userName":"ada","active":%t}`, random.IntN(2) == 0))
								_ = s.Update(t.Context(), actor, cur, &next, nil) // a lost race is a legal end
							}
						}
					}
				})
			}
			wg.Wait()
			// The store has the events in the order of the commits.
			state := h.now(ada).Internal.Value()
			billed := false
			for _, kind := range h.committed() {
				require.Equal(t, billed, kind == string(lifecycle.Unbilled), "%v", h.committed())
				billed = !billed
			}
			assert.Equal(t, billed, state.Get("billed").True())
			switch is := lifecycle.State(state.Get("state").Text()); is {
			case lifecycle.StateActive:
				assert.True(t, billed)
			case lifecycle.StateProvisioned, lifecycle.StateDeactivated:
				assert.False(t, billed)
			default:
				assert.Equal(t, lifecycle.StateSuspended, is)
			}
		})
	}
}

func keep(context.Context, *lifecycle.Event) error { return nil }

// committed are the kinds of the events in the store, in order.
func (h *house) committed() (kinds []string) {
	h.t.Helper()
	require.NoError(h.t, h.fake.Replay(h.t.Context(), "acme", time.Time{}))
	at := time.Now()
	for {
		leased, err := h.fake.Lease(h.t.Context(), store.Lease{Owner: "test", Now: at, Until: at.Add(time.Minute), Max: 100})
		require.NoError(h.t, err)
		if len(leased) == 0 {
			return kinds
		}
		for _, d := range leased {
			kinds = append(kinds, d.Kind)
			require.NoError(h.t, h.fake.Settle(h.t.Context(), []store.Settlement{{Tenant: "acme", EventID: d.ID, Owner: "test", Outcome: store.Done}}))
		}
	}
}

func TestHookThatPanics(t *testing.T) {
	h := newHouse(t)
	s, err := lifecycle.New(h.fake, &lifecycle.Options{Logger: slog.New(slog.NewTextHandler(&h.log, nil)),
		Hooks: lifecycle.Hooks{Provisioned: func(context.Context, *lifecycle.Event) error { panic("a bug of the product") }}})
	require.NoError(t, err)
	h.s = s
	h.now(h.user("ada", `{"userName":"ada"}`)) // is committed, and no failure of the request
	assert.Contains(t, h.log.String(), "panic: a bug of the product")
}

func BenchmarkLoginAgain(b *testing.B) {
	fake := storetest.NewFake()
	s, err := lifecycle.New(fake, nil)
	require.NoError(b, err)
	v, err := document.Parse(`{"userName":"ada"}`, 0)
	require.NoError(b, err)
	require.NoError(b, s.Create(b.Context(), actor, &store.Resource{Key: store.Key{Tenant: "acme", Type: "User"}, Attributes: v.Document(),
		Index: []store.IndexKey{{Attribute: "userName", Value: "ada", Unique: true}}}, nil))
	_, err = s.Login(b.Context(), "acme", lifecycle.Identity{UserName: "ada"})
	require.NoError(b, err)
	calls := 0
	fake.Before(func(context.Context, string) error { calls++; return nil })
	for b.Loop() {
		_, err = s.Login(b.Context(), "acme", lifecycle.Identity{UserName: "ada"})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(calls)/float64(b.N), "calls/op")
}

// nowhere keeps nothing, so that what is measured is the lifecycle alone.
type nowhere struct{ store.Store }

func (nowhere) Commit(context.Context, *store.Change) error { return nil }

func BenchmarkCreateAlone(b *testing.B) {
	for name, hooks := range map[string]lifecycle.Hooks{"no hooks": {}, "hooks": {Provisioned: keep}} {
		b.Run(name, func(b *testing.B) {
			s, err := lifecycle.New(nowhere{}, &lifecycle.Options{Hooks: hooks})
			require.NoError(b, err)
			v, err := document.Parse(`{"userName":"ada@acme.example","name":{"givenName":"Ada","familyName":"L"},"active":true,"emails":[{"value":"ada@acme.example","type":"work","primary":true}]}`, 0)
			require.NoError(b, err)
			d := v.Document()
			b.ReportAllocs()
			for b.Loop() {
				_ = s.Create(b.Context(), actor, &store.Resource{Key: store.Key{Tenant: "acme", Type: "User"}, Attributes: d}, nil)
			}
		})
	}
}
