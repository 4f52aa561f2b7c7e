package app_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// TestRandomLives changes a few people from many sides at once. Then each account is in a legal state, its events billed and unbilled alternate,
// and the seats add up and were never more than the limit.
func TestRandomLives(t *testing.T) { onAllStores(t, randomLives) }

// onAllStores runs a test on an empty store of each kind.
func onAllStores(t *testing.T, test func(t *testing.T, s store.Store)) {
	t.Run("Fake", func(t *testing.T) { test(t, storetest.NewFake()) })
	t.Run("memory", func(t *testing.T) { test(t, memstore.New()) })
	try.OnEngines(t, func(t *testing.T, name string) {
		s, err := boot.OpenDatabase(t.Context(), name)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		test(t, s)
	})
}

// randomLives runs each seed in a tenant of its own.
func randomLives(t *testing.T, s store.Store) {
	for seed := range uint64(12) {
		var mu sync.Mutex
		lives := map[string][]lifecycle.Kind{}
		settings := lifecycle.DefaultSettings()
		settings.JIT, settings.Review = true, seed%2 == 1
		settings.Deprovision = []lifecycle.Deprovision{"suspend", "deactivate", "delete"}[seed%3]
		settings.Delete = []lifecycle.DeletePolicy{"remove", "keep"}[seed/6]
		settings.SeatCounting = []lifecycle.SeatCounting{"provisioned", "billed"}[seed/3%2]
		limit := 2
		if seed%4 > 0 {
			settings.SeatLimit = &limit
		}
		w := watch(t, s)
		s, err := lifecycle.New(w, &lifecycle.Options{
			Settings: lifecycle.FixedSettings(settings),
			Hooks: lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error {
				mu.Lock()
				defer mu.Unlock()
				lives[e.Subject.ID] = append(lives[e.Subject.ID], e.Kind)
				return nil
			}},
		})
		require.NoError(t, err)
		ctx, tenant := context.Background(), fmt.Sprint("tenant-", seed)
		attributes := func(name, more string) document.Value {
			return document.Document(`{"externalId":"e-` + name + `","userName":"` + name + `"` + more + `}`).Value()
		}
		find := func(name string) *store.Resource {
			users, _, _ := s.Accounts(ctx, tenant, lifecycle.AccountQuery{Count: 100})
			for _, u := range users {
				if u.Attributes.Get("userName").Text() == name {
					return u
				}
			}
			return nil
		}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				rnd := rand.New(rand.NewPCG(seed, uint64(i)))
				for range 25 {
					name := []string{"ada", "bob", "eve"}[rnd.IntN(3)]
					switch rnd.IntN(8) {
					case 0:
						_, _ = decide(ctx, s, false, lifecycle.Draft{Key: store.Key{Tenant: tenant, Type: "User"}, After: attributes(name, "")})
					case 1, 2:
						_, _ = s.Login(ctx, tenant, lifecycle.Identity{UserName: name})
					case 3, 4:
						if cur := find(name); cur != nil {
							active := `,"active":` + []string{"true", "false"}[rnd.IntN(2)]
							_, _ = decide(ctx, s, true, lifecycle.Draft{Key: cur.Key, Before: cur, After: attributes(name, active)})
						}
					case 5:
						if cur := find(name); cur != nil {
							_, _ = []func(context.Context, lifecycle.Request, string) (*store.Resource, error){s.Approve, s.Reject, s.Suspend, s.Reactivate}[rnd.IntN(4)](ctx, lifecycle.Request{Tenant: tenant}, cur.ID)
						}
					case 6:
						if cur := find(name); cur != nil && rnd.IntN(3) == 0 {
							_, _ = decide(ctx, s, true, lifecycle.Draft{Key: cur.Key, Before: cur})
						}
					case 7:
						_, _ = s.Add(ctx, lifecycle.Request{Tenant: tenant}, lifecycle.Identity{UserName: name})
						if used, _, err := s.Seats(ctx, tenant); settings.SeatLimit != nil && (err != nil || used > limit) {
							t.Errorf("seed %d: %d seats are used of %d: %v", seed, used, limit, err)
						}
					}
				}
			})
		}
		wg.Wait()
		w.deliverAll(t, s)
		seats := 0
		users, _, err := s.Accounts(ctx, tenant, lifecycle.AccountQuery{Count: 100})
		require.NoError(t, err)
		billed := map[string]bool{}
		for id, kinds := range lives {
			on := false
			for _, k := range kinds {
				if k == lifecycle.KindBilled || k == lifecycle.KindUnbilled {
					require.Equal(t, k == lifecycle.KindBilled, !on, "seed %d: billed and unbilled alternate: %v", seed, kinds)
					on = !on
				}
			}
			billed[id] = on
		}
		for _, u := range users {
			a, err := lifecycle.AccountOf(u)
			require.NoError(t, err)
			require.Contains(t, lifecycle.States[1:], a.State)
			takes := a.State == lifecycle.Active || a.State == lifecycle.Provisioned && settings.SeatCounting == "provisioned"
			require.Equal(t, takes, a.Seat, "seed %d", seed)
			require.Equal(t, billed[u.ID], a.Billed, "seed %d: %v", seed, lives[u.ID])
			if a.Seat {
				seats++
			}
		}
		used, _, err := s.Seats(ctx, tenant)
		require.NoError(t, err)
		require.Equal(t, seats, used, "seed %d", seed)
	}
}

// TestDeletedMembersAreGone deletes people while they are added to a group. In the end the members are exactly the people who are there, in the
// store and by the events.
func TestDeletedMembersAreGone(t *testing.T) {
	onAllStores(t, func(t *testing.T, s store.Store) {
		var mu sync.Mutex
		told, gone := map[string]bool{}, map[string]bool{} // the members, and the former members, by the events
		w := watch(t, s)
		l, err := lifecycle.New(w, &lifecycle.Options{Hooks: lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error {
			mu.Lock()
			defer mu.Unlock()
			for _, id := range e.Removed {
				delete(told, id)
			}
			for _, id := range e.Added {
				told[id] = true
			}
			gone[e.Subject.ID] = e.Kind == lifecycle.KindDeleted
			return nil
		}}})
		require.NoError(t, err)
		ctx := context.Background()
		create := func(typ, attributes string) *store.Resource {
			d, err := decide(ctx, l, false, lifecycle.Draft{Key: store.Key{Tenant: "acme", Type: typ}, After: document.Document(attributes).Value()})
			require.NoError(t, err)
			return d.Resource
		}
		group := create("Group", `{"displayName":"crew"}`).Key
		const people = 40
		users := make([]*store.Resource, people)
		for i := range users {
			users[i] = create("User", fmt.Sprintf(`{"userName":"u%d"}`, i))
		}
		var work sync.WaitGroup
		errs := make([]error, 2*people)
		for i, u := range users {
			work.Go(func() {
				_, err := decide(ctx, l, false, lifecycle.Draft{Key: group, Members: &lifecycle.Members{Add: []store.MemberRef{{ID: u.ID}}}})
				if !errors.As(err, new(*lifecycle.Refusal)) { // a refusal means that the person was deleted before
					errs[i] = err
				}
			})
			if i%2 == 0 {
				work.Go(func() { _, errs[people+i] = decide(ctx, l, false, lifecycle.Draft{Key: u.Key, Before: u}) })
			}
		}
		work.Wait()
		require.NoError(t, errors.Join(errs...))
		want := map[string]bool{}
		for i := 1; i < people; i += 2 {
			want[users[i].ID] = true
		}
		members := map[string]bool{}
		for m, err := range s.Members(ctx, store.MemberQuery{Tenant: "acme", Groups: []string{group.ID}}) {
			require.NoError(t, err)
			members[m.ID] = true
		}
		require.Equal(t, want, members)
		w.deliverAll(t, l)
		mu.Lock()
		defer mu.Unlock()
		maps.DeleteFunc(told, func(id string, _ bool) bool { return gone[id] })
		require.Equal(t, want, told)
	})
}

// decide decides and commits a draft as if an identity provider had sent it. If the race with another change is lost, it returns an error if
// once is set, and otherwise tries the same draft again.
func decide(ctx context.Context, s *lifecycle.Service, once bool, d lifecycle.Draft) (*lifecycle.Decision, error) {
	r := &lifecycle.Request{Tenant: d.Key.Tenant, By: lifecycle.SourceSCIM, Action: "test", Once: once}
	return s.Do(ctx, r, func(context.Context) (lifecycle.Draft, error) { return d, nil })
}

// watched is a store that reports when there is no event left to deliver.
type watched struct {
	store.Store
	store.EventSource
	unsettled atomic.Int64
	idle      chan struct{}
}

func watch(t *testing.T, s store.Store) *watched {
	source, ok := store.As[store.EventSource](s)
	require.True(t, ok)
	return &watched{Store: s, EventSource: source, idle: make(chan struct{}, 1)}
}

func (w *watched) Unwrap() store.Store { return w.Store }

func (w *watched) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	leased, err := w.EventSource.Lease(ctx, l)
	if n := w.unsettled.Add(int64(len(leased))); n == 0 && err == nil {
		select {
		case w.idle <- struct{}{}:
		default:
		}
	}
	return leased, err
}

func (w *watched) Settle(ctx context.Context, list []store.Settlement) error {
	defer w.unsettled.Add(-int64(len(list)))
	return w.EventSource.Settle(ctx, list)
}

// deliverAll delivers the events that requests have left, because another request was delivering an earlier event of the same subject.
func (w *watched) deliverAll(t *testing.T, s *lifecycle.Service) {
	select {
	case <-w.idle: // an earlier value, from a request
	default:
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-w.idle
	stop()
	require.NoError(t, <-done)
}
