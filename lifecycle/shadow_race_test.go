package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// process is the store as one process sees it. Something happens once right before a certain commit, or right after a certain list.
type process struct {
	store.Store
	commits func(c *store.Change) bool
	lists   func(q store.Query) bool
	happens func()
	left    int // how many commits succeed before the process dies; 0: it doesn't
	dead    bool
}

var errDead = errors.New("the process has died")

func (p *process) Unwrap() store.Store { return p.Store }

func (p *process) once() {
	do := p.happens
	p.happens = nil
	do()
}

func (p *process) Commit(ctx context.Context, c *store.Change) error {
	if p.dead {
		return errDead
	}
	if p.happens != nil && p.commits != nil && p.commits(c) {
		p.once()
	}
	err := p.Store.Commit(ctx, c)
	if err == nil && p.left > 0 {
		p.left--
		p.dead = p.left == 0
	}
	return err
}

func (p *process) List(ctx context.Context, q store.Query) (*store.Page, error) {
	page, err := p.Store.List(ctx, q)
	if p.happens != nil && p.lists != nil && p.lists(q) {
		p.once()
	}
	return page, err
}

// What one process finds while another one makes the same shadow true, or while somebody writes to it, is no reason to refuse or to drop anything.
func TestGoLiveRaces(t *testing.T) {
	type setting struct {
		*house // it writes to the shadow
		one    *process
	}
	// dies makes a part of the shadow true by another process, which then dies.
	dies := func(s *setting) {
		other, err := lifecycle.New(&process{Store: s.fake, left: 1}, nil)
		require.NoError(s.t, err)
		_, err = other.GoLive(s.t.Context(), admin, "c1", nil)
		require.ErrorIs(s.t, err, errDead)
	}
	rename := func(s *setting, u *store.Resource, to string) {
		_, err := s.shade("User", u.ID, `{"userName":"`+to+`"}`, nil)
		require.NoError(s.t, err)
	}
	join := func(s *setting, group, user *store.Resource) {
		_, err := s.shade("Group", group.ID, "", &lifecycle.Members{Add: []store.MemberRef{{Type: "User", ID: user.ID}}})
		require.NoError(s.t, err)
	}
	create := func(s *setting, typ, attributes string) *store.Resource {
		r, err := s.shade(typ, "", attributes, nil)
		require.NoError(s.t, err)
		return r
	}
	puts := func(u *store.Resource) func(c *store.Change) bool {
		return func(c *store.Change) bool {
			return slices.ContainsFunc(c.Put, func(p store.Put) bool { return p.Resource.Key == u.Key })
		}
	}
	for _, test := range []struct {
		name    string
		prepare func(s *setting)
		names   []string // that there are afterwards
		members int
		refused int
	}{
		{name: "another process frees the name for which others wait", names: []string{"d", "e", "f"}, prepare: func(s *setting) {
			c, d, e := s.hand(`{"userName":"c"}`), s.hand(`{"userName":"d"}`), s.hand(`{"userName":"e"}`)
			rename(s, e, "f")
			rename(s, d, "e")
			rename(s, c, "d")
			s.one.commits, s.one.happens = puts(e), func() { dies(s) }
		}},
		{name: "another process makes somebody true whose membership waits", names: []string{"x", "y"}, members: 1, prepare: func(s *setting) {
			u := create(s, "User", `{"userName":"x"}`)
			x := s.hand(`{"userName":"x"}`)
			rename(s, x, "y")
			team := create(s, "Group", `{"displayName":"Team"}`)
			join(s, team, u)
			s.one.lists = func(q store.Query) bool {
				return q.Filter != nil && slices.Equal(q.Types, []string{"User"}) && s.is(x, "y") && s.is(team, "Team")
			}
			s.one.happens = func() { dies(s) }
		}},
		{name: "somebody comes while what is left is refused", names: []string{"Bob", "new"}, members: 1, refused: 1, prepare: func(s *setting) {
			create(s, "User", `{"userName":"bob"}`)
			s.hand(`{"userName":"Bob"}`)
			team := create(s, "Group", `{"displayName":"Team"}`)
			s.one.commits = func(c *store.Change) bool {
				return len(c.Put) == 0 && len(c.Journal) > 0 // the refusal
			}
			s.one.happens = func() { join(s, team, create(s, "User", `{"userName":"new"}`)) }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := storetest.NewFake()
			s, err := lifecycle.New(fake, nil)
			require.NoError(t, err)
			x := &setting{house: &house{t: t, s: s, fake: fake}, one: &process{Store: fake}}
			test.prepare(x)
			live, err := lifecycle.New(x.one, nil)
			require.NoError(t, err)
			did, err := live.GoLive(t.Context(), admin, "c1", nil)
			require.NoError(t, err)
			require.Nil(t, x.one.happens)
			assert.Equal(t, test.refused, did.Refused)
			page, err := fake.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User", "Group"}, Count: 100})
			require.NoError(t, err)
			var names []string
			members := 0
			for _, r := range page.Resources {
				if r.Type == "User" {
					names = append(names, r.Attributes.Get("userName").Text())
					continue
				}
				for _, err := range fake.Members(t.Context(), store.MemberQuery{Tenant: "acme", Groups: []string{r.ID}}) {
					require.NoError(t, err)
					members++
				}
			}
			slices.Sort(names)
			assert.Equal(t, test.names, names)
			assert.Equal(t, test.members, members)
		})
	}
}

// What is under way while its connection goes live and the shadow ends isn't lost: it is made true. After EndShadow there may be another shadow.
func TestUnderWayAtTheEnd(t *testing.T) {
	for _, begun := range []bool{false, true} { // whether anything was written before
		fake := storetest.NewFake()
		p := &process{Store: fake, commits: func(c *store.Change) bool { return true }}
		s, err := lifecycle.New(p, nil)
		require.NoError(t, err)
		h := &house{t: t, s: s, fake: fake}
		if begun {
			_, err = h.shade("User", "", `{"userName":"ann"}`, nil)
			require.NoError(t, err)
		}
		other, err := lifecycle.New(fake, nil)
		require.NoError(t, err)
		p.happens = func() {
			_, err := other.GoLive(t.Context(), admin, "c1", nil)
			require.NoError(t, err)
			require.NoError(t, other.FinishShadow(t.Context(), "acme", "c1"))
		}
		bob, err := h.shade("User", "", `{"userName":"bob"}`, nil)
		require.NoError(t, err)
		assert.True(t, h.is(bob, "bob"))
		left, err := s.HasShadow(t.Context(), "acme", "c1")
		require.NoError(t, err)
		assert.False(t, left)

		require.NoError(t, s.EndShadow(t.Context(), "acme", "c1"))
		cid, err := h.shade("User", "", `{"userName":"cid"}`, nil)
		require.NoError(t, err)
		assert.False(t, h.is(cid, "cid"))
	}
}

// Who is erased while a shadow is made true doesn't come back from it, whether the person is in the product or not.
func TestEraseWhileGoingLive(t *testing.T) {
	for _, isThere := range []bool{false, true} {
		h := newHouse(t)
		id := ""
		if isThere {
			id = h.hand(`{"userName":"ann"}`).ID
		}
		ann, err := h.shade("User", id, `{"userName":"ann","title":"Dr"}`, nil)
		require.NoError(t, err)
		goesLive := func() {
			other, err := lifecycle.New(h.fake, nil)
			require.NoError(t, err)
			_, err = other.GoLive(t.Context(), admin, "c1", nil)
			require.NoError(t, err)
		}
		p := &process{Store: h.fake, happens: goesLive}
		p.commits = func(c *store.Change) bool {
			return slices.ContainsFunc(c.Delete, func(d store.Delete) bool { return strings.HasSuffix(d.Type, ".is.User") })
		}
		s, err := lifecycle.New(p, nil)
		require.NoError(t, err)
		known, err := s.Erase(t.Context(), admin, ann.ID)
		require.NoError(t, err)
		assert.True(t, known)
		require.Nil(t, p.happens)
		for _, view := range []store.Store{h.fake, h.s.View(asShadow())} {
			_, err = view.Get(t.Context(), ann.Key)
			assert.ErrorIs(t, err, store.ErrNotFound)
		}
	}
}

// A seat that somebody gives up is free for others, in whatever order they are made true, and the preview knows it.
func TestGoLiveSeats(t *testing.T) {
	seats := 2
	h := newHouse(t, func(_ *lifecycle.Options, s *lifecycle.Settings) { s.SeatLimit = &seats })
	ann := h.hand(`{"userName":"ann"}`)
	h.hand(`{"userName":"bob"}`)
	_, err := h.shade("User", ann.ID, "", nil)
	require.NoError(t, err)
	_, err = h.shade("User", "", `{"userName":"cid"}`, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"create cid", "deactivate ann", "unknown bob"}, h.preview())
	did, err := h.s.GoLive(t.Context(), admin, "c1", nil)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 1, 0}, []int{did.Created, did.Deactivated, did.Refused})
	used, _, err := h.s.Seats(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, 2, used)
}

// What was made true takes no room and no second seat in a shadow that is written to again, because going live was interrupted.
func TestGoLiveFrees(t *testing.T) {
	seats, size := 20, 3_000
	h := newHouse(t, func(o *lifecycle.Options, s *lifecycle.Settings) { s.SeatLimit, o.ShadowSize = &seats, size })
	shadowSeats := func() int {
		reader, ok := h.s.View(asShadow()).(store.CounterReader)
		require.True(t, ok)
		counters, err := reader.Counters(t.Context(), "acme", "seats")
		require.NoError(t, err)
		return counters[0].Count
	}
	ann := h.hand(`{"userName":"ann"}`)
	_, err := h.shade("User", ann.ID, `{"userName":"ann","active":false}`, nil)
	require.NoError(t, err)
	var n int
	for err == nil {
		n++
		_, err = h.shade("User", "", fmt.Sprintf(`{"userName":"u%d"}`, n), nil)
	}
	n--
	refusal := (*lifecycle.Refusal)(nil)
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, lifecycle.TooLarge, refusal.Reason)
	require.Greater(t, n, 2)
	before := shadowSeats()
	for range 3 {
		one, err := lifecycle.New(&process{Store: h.fake, left: 1}, nil)
		require.NoError(t, err)
		_, err = one.GoLive(t.Context(), admin, "c1", nil)
		require.ErrorIs(t, err, errDead)
		assert.Equal(t, before, shadowSeats())
	}
	_, err = h.shade("User", "", `{"userName":"late"}`, nil)
	require.NoError(t, err)
	assert.Equal(t, before+1, shadowSeats())
}

// is says whether a resource is known by a name.
func (h *house) is(r *store.Resource, name string) bool {
	cur, err := h.fake.Get(h.t.Context(), r.Key)
	return err == nil && (cur.Attributes.Get("userName").Text() == name || cur.Attributes.Get("displayName").Text() == name)
}

// everything is all that a store shows of people and groups.
func (h *house) everything(s store.Store) (all string) {
	page, err := s.List(h.t.Context(), store.Query{Tenant: "acme", Types: []string{"User", "Group"}, Count: 1000, NoTotal: true})
	require.NoError(h.t, err)
	for _, r := range page.Resources {
		all += fmt.Sprintln(r.ID, r.Version, r.Attributes)
		for _, q := range []store.MemberQuery{{Tenant: "acme", Groups: []string{r.ID}}, {Tenant: "acme", Of: []string{r.ID}}} {
			for m, err := range s.Members(h.t.Context(), q) {
				require.NoError(h.t, err)
				all += fmt.Sprintln("", m.Group, m.ID, m.Label)
			}
		}
	}
	return all
}

// anything writes something at random to the shadow.
func (h *house) anything(rnd *rand.Rand, n int) {
	view := h.s.View(asShadow())
	one := func(typ string) *store.Resource {
		page, err := view.List(h.t.Context(), store.Query{Tenant: "acme", Types: []string{typ}, Count: 1000, NoTotal: true})
		require.NoError(h.t, err)
		if len(page.Resources) < 3 {
			r, err := h.shade(typ, "", fmt.Sprintf(`{"userName":"%s%d","displayName":"%[1]s%[2]d"}`, typ, n), nil)
			require.NoError(h.t, err)
			return r
		}
		return page.Resources[rnd.IntN(len(page.Resources))]
	}
	user, group := one("User"), one("Group")
	var err error
	switch rnd.IntN(8) {
	case 0, 1:
		_, err = h.shade("User", "", fmt.Sprintf(`{"userName":"u%d"}`, n), nil)
	case 2:
		_, err = h.shade("User", user.ID, fmt.Sprintf(`{"userName":"%s","title":"%d"}`, user.Attributes.Get("userName").Text(), n), nil)
	case 3:
		_, err = h.shade([]string{"User", "Group"}[n%2], []string{user.ID, group.ID}[n%2], "", nil)
	default:
		change := &lifecycle.Members{Add: []store.MemberRef{{Type: "User", ID: user.ID}}}
		for _, err := range view.Members(h.t.Context(), store.MemberQuery{Tenant: "acme", Groups: []string{group.ID}, IDs: []string{user.ID}}) {
			require.NoError(h.t, err)
			change = &lifecycle.Members{Remove: []string{user.ID}}
		}
		_, err = h.shade("Group", group.ID, "", change)
	}
	require.NoError(h.t, err)
}

// Whatever is written while a shadow is made true, and however many other processes begin to make it true and die, the identity provider sees
// what it has written, and that is what there is in the end.
func TestGoLiveRandom(t *testing.T) {
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		h := newHouse(t)
		for i := range 3 {
			h.hand(fmt.Sprintf(`{"userName":"h%d"}`, i))
			h.create("Group", fmt.Sprintf(`{"displayName":"h%d"}`, i))
		}
		for n := range 30 {
			h.anything(rnd, n)
		}
		view, n := h.s.View(asShadow()), 30
		want := h.everything(view)
		happens := func() {
			switch n++; rnd.IntN(12) {
			case 0:
				h.anything(rnd, n)
				want = h.everything(view)
			case 1:
				other, err := lifecycle.New(&process{Store: h.fake, left: 1 + rnd.IntN(3)}, nil)
				require.NoError(t, err)
				if _, err = other.GoLive(t.Context(), admin, "c1", nil); err != nil {
					require.ErrorIs(t, err, errDead)
				}
				require.Equal(t, want, h.everything(view), "seed %d", seed)
			}
		}
		s, err := lifecycle.New(&meddled{Store: h.fake, list: happens, commit: func(*store.Change) { happens() }}, nil)
		require.NoError(t, err)
		_, err = s.GoLive(t.Context(), admin, "c1", nil)
		require.NoError(t, err)
		require.Equal(t, want, h.everything(h.fake), "seed %d", seed)
	}
}
