package lifecycle_test

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

func refs(ids ...string) (list []store.MemberRef) {
	for _, id := range ids {
		list = append(list, store.MemberRef{ID: id})
	}
	return list
}

// memberIDs are the members of a group.
func memberIDs(t *testing.T, s store.Store, group store.Key) (ids []string) {
	for row, err := range s.Members(context.Background(), store.MemberQuery{Tenant: group.Tenant, Groups: []string{group.ID}}) {
		require.NoError(t, err)
		ids = append(ids, row.ID)
	}
	return ids
}

// quiet is a house whose hook only counts changes of members, so that many may call it.
func quiet(t *testing.T) (*house, *atomic.Int32) {
	var changes atomic.Int32
	fake := storetest.NewFake()
	s, err := lifecycle.New(fake, &lifecycle.Options{Hooks: lifecycle.Hooks{MembersChanged: func(context.Context, *lifecycle.Event) error {
		changes.Add(1)
		return nil
	}}})
	require.NoError(t, err)
	return &house{t: t, s: s, fake: fake}, &changes
}

// Two who replace the members at once do not merge theirs: whoever is in neither's list is out.
func TestConcurrentReplacementsAreNotMerged(t *testing.T) {
	h, _ := quiet(t)
	var ids []string
	for i := range 5 {
		ids = append(ids, h.create("User", `{"userName":"u`+strconv.Itoa(i)+`"}`).ID)
	}
	a, b := []string{ids[0], ids[1]}, []string{ids[3], ids[4]}
	for round := range 60 {
		crew := h.create("Group", `{"displayName":"Crew `+strconv.Itoa(round)+`"}`)
		_, err := h.members(crew.Key, "", lifecycle.Members{Add: refs(ids[2])})
		require.NoError(t, err)
		for _, err := range raceOf(2, func(i int) error {
			_, err := h.members(crew.Key, "", lifecycle.Members{Replace: true, Add: refs([][]string{a, b}[i]...)})
			return err
		}) {
			require.NoError(t, err)
		}
		got := memberIDs(t, h.fake, crew.Key)
		slices.Sort(got)
		assert.True(t, slices.Equal(got, a) || slices.Equal(got, b), "round %d: %v", round, got)
	}
}

// However many add and remove the same member at once, the product is told what really changed.
func TestEqualMemberChangesAreToldOnce(t *testing.T) {
	h, changes := quiet(t)
	ada := h.create("User", `{"userName":"ada"}`)
	crew := h.create("Group", `{"displayName":"Crew"}`)
	for range 20 {
		changes.Store(0)
		for _, m := range []lifecycle.Members{{Add: refs(ada.ID)}, {Remove: []string{ada.ID}}} {
			for _, err := range raceOf(16, func(int) error {
				_, err := h.members(crew.Key, "", m)
				return err
			}) {
				require.NoError(t, err)
			}
		}
		require.EqualValues(t, 2, changes.Load(), "one addition and one removal")
	}
}

func TestGroupsInGroups(t *testing.T) {
	h := newHouse(t)
	a, b := h.create("Group", `{"displayName":"A"}`), h.create("Group", `{"displayName":"B"}`)
	for name, m := range map[string]lifecycle.Members{
		"itself":                {Add: refs(a.ID)},
		"itself, with its type": {Add: []store.MemberRef{{Type: "Group", ID: a.ID}}},
		"itself among others":   {Replace: true, Add: refs(b.ID, a.ID)},
	} {
		_, err := h.members(a.Key, "", m)
		var refusal *lifecycle.Refusal
		require.ErrorAs(t, err, &refusal, name)
		assert.Equal(t, lifecycle.Invalid, refusal.Reason)
		assert.Contains(t, refusal.Detail, "member of itself")
	}
	for _, x := range [][2]*store.Resource{{a, b}, {b, a}} { // a circle is allowed
		_, err := h.members(x[0].Key, "", lifecycle.Members{Add: refs(x[1].ID)})
		require.NoError(t, err)
	}
	require.NoError(t, h.del(h.read(a)))
	assert.Empty(t, memberIDs(t, h.fake, b.Key))
}

// A guard hears of memberships too, and may veto or amend them.
func TestGuardsOfMemberships(t *testing.T) {
	var heard []lifecycle.Proposal
	h := newHouse(t, func(o *lifecycle.Options, _ *lifecycle.Settings) {
		o.Guards = []lifecycle.Guard{func(_ context.Context, _ *lifecycle.Request, p *lifecycle.Proposal) error {
			heard = append(heard, *p)
			for i := range p.Members {
				d := &p.Members[i]
				d.Add = slices.DeleteFunc(d.Add, func(m store.MemberRef) bool { return m.Type == "Robot" })
				if len(d.Remove) > 1 {
					return &lifecycle.Refusal{Reason: lifecycle.Forbidden, Detail: "one at a time"}
				}
			}
			return nil
		}}
	})
	ada, bob := h.create("User", `{"userName":"ada"}`), h.create("User", `{"userName":"bob"}`)
	crew := h.create("Group", `{"displayName":"Crew"}`)
	heard = nil
	_, err := h.members(crew.Key, "", lifecycle.Members{Add: append(refs(ada.ID, bob.ID), store.MemberRef{Type: "Robot", ID: "r2"})})
	require.NoError(t, err, "the robot is taken out before the store could miss it")
	require.Len(t, heard, 1)
	assert.True(t, heard[0].After.IsNull(), "only members change")
	assert.ElementsMatch(t, []string{ada.ID, bob.ID}, memberIDs(t, h.fake, crew.Key))
	heard = nil
	_, err = h.members(crew.Key, "", lifecycle.Members{Replace: true})
	require.ErrorContains(t, err, "one at a time")
	require.Len(t, heard, 1)
	assert.Nil(t, heard[0].Resource, "or a replacement would look like the deletion of the group")
	assert.True(t, heard[0].Before.IsNull())
	require.ErrorContains(t, h.del(h.read(crew)), "one at a time", "a group that is deleted ends memberships")
	heard = nil
	require.NoError(t, h.del(h.read(ada)))
	require.Len(t, heard, 1)
	require.Len(t, heard[0].Members, 1, "the memberships that end with a person")
	assert.Equal(t, crew.ID, heard[0].Members[0].Group)
}

// active=false that removes is a removal for the guards, too, and what they make of the memberships of somebody who is gone is no endless
// race.
func TestGuardsOfRemovals(t *testing.T) {
	for _, retain := range []lifecycle.DeletePolicy{"remove", "keep"} {
		for _, way := range []string{"DELETE", "active=false"} {
			t.Run(string(retain)+", "+way, func(t *testing.T) {
				var ended []string
				var veto error
				h := newHouse(t, func(o *lifecycle.Options, s *lifecycle.Settings) {
					s.Deprovision, s.Delete = "delete", retain
					o.Guards = []lifecycle.Guard{func(_ context.Context, _ *lifecycle.Request, p *lifecycle.Proposal) error {
						if p.Resource == nil || !p.After.IsNull() {
							return nil
						}
						for i := range p.Members {
							ended = append(ended, slices.Clone(p.Members[i].Remove)...)
							clear(p.Members[i].Remove)
						}
						p.Members = nil
						return veto
					}}
				})
				ada := h.create("User", `{"userName":"ada"}`)
				crew := h.create("Group", `{"displayName":"Crew"}`)
				_, err := h.members(crew.Key, "", lifecycle.Members{Add: []store.MemberRef{{ID: ada.ID}}})
				require.NoError(t, err)
				remove := func() error {
					if way == "DELETE" {
						return h.del(h.read(ada))
					}
					next := *ada
					next.Attributes = attrs(t, `{"userName":"ada","active":false}`)
					return h.put(h.read(ada), &next, nil)
				}
				veto = &lifecycle.Refusal{Reason: lifecycle.Forbidden, Detail: "protected"}
				h.told = nil
				require.ErrorContains(t, remove(), "protected")
				assert.Empty(t, h.told)
				veto, ended = nil, nil
				require.NoError(t, remove())
				assert.Equal(t, []string{ada.ID}, ended)
				assert.Contains(t, h.told, "members.changed + -"+ada.ID)
			})
		}
	}
}
