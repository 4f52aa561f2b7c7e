package lifecycle_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

func braked(safety lifecycle.Safety) func(*lifecycle.Options, *lifecycle.Settings) {
	return func(o *lifecycle.Options, _ *lifecycle.Settings) {
		o.Safety = func() lifecycle.Safety { return safety }
	}
}

func held(t *testing.T, err error) *lifecycle.Refusal {
	t.Helper()
	var r *lifecycle.Refusal
	require.ErrorAs(t, err, &r)
	require.Equal(t, lifecycle.HeldBack, r.Reason, r.Detail)
	return r
}

// A window ends, and then everything counts anew. The product is told once in each.
func TestBrakeWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		most := 10
		h := newHouse(t, braked(lifecycle.Safety{People: &lifecycle.Brake{Max: &most, Window: lifecycle.Window(time.Hour)}}))
		var people []*store.Resource
		for i := range 30 {
			people = append(people, h.create("User", `{"userName":"u`+strconv.Itoa(i)+`"}`))
		}
		h.told = nil
		for round := range 2 {
			for range most {
				require.NoError(t, h.del(people[0]))
				people = people[1:]
				time.Sleep(time.Minute)
			}
			assert.LessOrEqual(t, held(t, h.del(people[0])).RetryAfter, 50*time.Minute)
			time.Sleep(time.Minute)
			_ = held(t, h.del(people[0]))
			told := 0
			for _, line := range h.told {
				if line == "brake.held "+people[0].Attributes.Get("userName").Text() {
					told++
				}
			}
			assert.Equal(t, 1, told, "round %d", round)
			entries, err := h.fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Outcome: "held", Max: 10})
			require.NoError(t, err)
			assert.Len(t, entries, 2*(round+1))
			time.Sleep(49 * time.Minute)
		}
	})
}

// What takes access from nobody asks no brake, and by hand anybody may be removed.
func TestBrakeCostsNothing(t *testing.T) {
	most := 10
	reads := map[string]int{}
	h := newHouse(t, braked(lifecycle.Safety{People: &lifecycle.Brake{Max: &most, Window: lifecycle.Window(time.Hour)}}),
		with(func(s *lifecycle.Settings) { s.EditManaged = true }))
	ada := h.create("User", `{"userName":"ada"}`)
	h.fake.Before(func(_ context.Context, method string) error {
		if method != "Lease" && method != "Settle" { // of the hooks
			reads[method]++
		}
		return nil
	})
	ada = h.update(ada, `{"userName":"ada","title":"T"}`)
	assert.Equal(t, map[string]int{"Commit": 1}, reads)
	clear(reads)
	h.update(ada, `{"userName":"ada","active":false}`)
	assert.Equal(t, map[string]int{"Commit": 1, "Get": 1}, reads, "the bound is claimed by the commit itself")
	h.fake.Before(nil)
	for i := range 15 {
		r := h.create("User", `{"userName":"u`+strconv.Itoa(i)+`"}`)
		require.NoError(t, h.s.Remove(t.Context(), admin, r.ID), "by hand")
	}
	_, err := lifecycle.New(h.fake, &lifecycle.Options{Safety: func() lifecycle.Safety {
		one := 1
		return lifecycle.Safety{People: &lifecycle.Brake{Max: &one, Window: lifecycle.Window(time.Hour)}}
	}})
	require.ErrorContains(t, err, "people.max")
}

// Connections have windows of their own, and brakes where the tenant says so; a release may be for one.
func TestBrakesOfConnections(t *testing.T) {
	most, more := 10, 12
	h := newHouse(t, braked(lifecycle.Safety{People: &lifecycle.Brake{Max: &most, Window: lifecycle.Window(time.Hour)}, Connections: map[string]lifecycle.Brakes{
		"okta": {People: &lifecycle.Brake{Max: &more, Window: lifecycle.Window(time.Hour)}}}}))
	remove := func(connection string, n int) error {
		t.Helper()
		var last error
		for i := range n {
			request := &lifecycle.Request{Tenant: "acme", By: lifecycle.SourceSCIM, Connection: lifecycle.Connection{ID: connection}}
			made, err := h.s.Do(t.Context(), request, func(context.Context) (lifecycle.Draft, error) {
				return lifecycle.Draft{Key: store.Key{Tenant: "acme", Type: "User"}, After: attrs(t, `{"userName":"`+connection+strconv.Itoa(i)+`"}`).Value()}, nil
			})
			require.NoError(t, err)
			r := made.Resource
			_, last = h.s.Do(t.Context(), request, func(context.Context) (lifecycle.Draft, error) {
				return lifecycle.Draft{Key: r.Key, Before: r}, nil
			})
			if last != nil {
				require.NoError(t, h.s.Release(t.Context(), admin, lifecycle.Release{Connection: "someone else's", For: time.Hour}))
				_, err := h.s.Do(t.Context(), request, func(context.Context) (lifecycle.Draft, error) { return lifecycle.Draft{Key: r.Key, Before: r}, nil })
				_ = held(t, err)
				assert.Equal(t, n-1, i, "the first that is held")
				return last
			}
		}
		return last
	}
	_ = held(t, remove("one", 11))
	_ = held(t, remove("two", 11))
	_ = held(t, remove("okta", 13))
}

// Who is protected keeps the groups that give access, and no others.
func TestProtectedMembers(t *testing.T) {
	ada := "nobody"
	h := newHouse(t, func(o *lifecycle.Options, _ *lifecycle.Settings) {
		o.Safety = func() lifecycle.Safety { return lifecycle.Safety{Protected: []string{ada}} }
		o.GivesAccess = func(_ context.Context, group store.Key) (bool, error) {
			return group.ID != "", nil
		}
	})
	ada = h.create("User", `{"userName":"ada"}`).ID
	bob := h.create("User", `{"userName":"bob"}`).ID
	crew := h.create("Group", `{"displayName":"Crew"}`)
	_, err := h.members(crew.Key, "", lifecycle.Members{Add: refs(ada, bob)})
	require.NoError(t, err)
	for _, m := range []lifecycle.Members{{Remove: []string{ada}}, {Replace: true}, {Remove: []string{ada, bob}}} {
		_, err := h.members(crew.Key, "", m)
		require.ErrorContains(t, err, "protected")
	}
	require.ErrorContains(t, h.del(h.read(crew)), "protected")
	_, err = h.members(crew.Key, "", lifecycle.Members{Remove: []string{bob}})
	require.NoError(t, err)
	assert.Equal(t, []string{ada}, memberIDs(t, h.fake, crew.Key))
}

// The guard for named groups: an identity provider adds members, and nothing else.
func TestProtectGroups(t *testing.T) {
	var guard lifecycle.Guard
	h := newHouse(t, func(o *lifecycle.Options, _ *lifecycle.Settings) {
		o.Guards = []lifecycle.Guard{func(ctx context.Context, r *lifecycle.Request, p *lifecycle.Proposal) error { return guard(ctx, r, p) }}
	})
	guard = lifecycle.ProtectGroups("Owners")
	ada := h.create("User", `{"userName":"ada"}`)
	for _, name := range []string{"Owners", "Others"} {
		group := h.create("Group", `{"displayName":"`+name+`"}`)
		_, err := h.members(group.Key, "", lifecycle.Members{Add: refs(ada.ID)})
		require.NoError(t, err)
		_, err = h.members(group.Key, "", lifecycle.Members{Remove: []string{ada.ID}})
		cur := h.read(group)
		next := *cur
		next.Attributes = attrs(t, `{"displayName":"`+name+` 2"}`)
		if name == "Others" {
			require.NoError(t, err)
			require.NoError(t, h.put(cur, &next, nil))
			require.NoError(t, h.del(h.read(group)))
			continue
		}
		require.ErrorContains(t, err, "Owners")
		require.ErrorContains(t, h.put(cur, &next, nil), "Owners")
		require.ErrorContains(t, h.del(cur), "Owners")
		next.Attributes = attrs(t, `{"displayName":"Owners","externalId":"g1"}`)
		require.NoError(t, h.put(cur, &next, nil))
	}
}

// A release counts a change once, also where both bounds of a brake are reached, and of two who release once two requests go on.
func TestReleaseOfBothBounds(t *testing.T) {
	for name, release := range map[string]lifecycle.Release{"once": {}, "for a count": {Count: 2}} {
		t.Run(name, func(t *testing.T) {
			most, share := 1, 0.1
			h := newHouse(t, braked(lifecycle.Safety{Members: &lifecycle.Brake{Max: &most, Share: &share, Window: lifecycle.Window(time.Hour)}}))
			var ids []string
			for i := range 8 {
				ids = append(ids, h.create("User", `{"userName":"u`+strconv.Itoa(i)+`"}`).ID)
			}
			crew := h.create("Group", `{"displayName":"Crew"}`)
			_, err := h.members(crew.Key, "", lifecycle.Members{Add: refs(ids...)})
			require.NoError(t, err)
			leave := func() error {
				_, err := h.members(crew.Key, "", lifecycle.Members{Remove: ids[:2]})
				return err
			}
			_ = held(t, leave())
			for range 2 {
				require.NoError(t, h.s.Release(t.Context(), admin, release))
			}
			for range 2 {
				require.NoError(t, leave())
				ids = ids[2:]
			}
			_ = held(t, leave())
		})
	}
}
