package overlay_test

import (
	"context"
	"errors"
	"flag"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle/internal/overlay"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

var options = overlay.Options{Name: "c", Types: []string{"User", "Group", "Device"}, Most: 1 << 30}

// An overlay over an empty store is a store like any other.
func TestContract(t *testing.T) {
	if !testing.Short() {
		require.NoError(t, flag.Set("test.short", "true")) // smaller groups: the Fake compares each record with each filter
		defer func() { require.NoError(t, flag.Set("test.short", "false")) }()
	}
	storetest.Run(t, func(*testing.T) store.Store { return overlay.New(storetest.NewFake(), options) })
}

// half commits the first changes below and the others to the overlay. Who reads it can't tell.
type half struct {
	below store.Store
	*overlay.Store
	n int // how many are committed below
}

func (h *half) Commit(ctx context.Context, c *store.Change) error {
	c = without(c)
	if h.n--; h.n >= 0 {
		return h.below.Commit(ctx, c)
	}
	return h.Store.Commit(ctx, c)
}

// plain is a store without the claims whose windows an overlay has of its own, and without its optional interfaces.
type plain struct{ s store.Store }

func (p plain) Get(ctx context.Context, k store.Key) (*store.Resource, error) { return p.s.Get(ctx, k) }
func (p plain) List(ctx context.Context, q store.Query) (*store.Page, error)  { return p.s.List(ctx, q) }
func (p plain) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return p.s.Members(ctx, q)
}
func (p plain) Commit(ctx context.Context, c *store.Change) error { return p.s.Commit(ctx, without(c)) }
func (p plain) Counters(ctx context.Context, tenant string, names ...string) ([]store.Counter, error) {
	return p.s.(store.CounterReader).Counters(ctx, tenant, names...)
}

func without(c *store.Change) *store.Change {
	d := *c
	d.Claims = slices.DeleteFunc(slices.Clone(c.Claims), func(c store.Claim) bool { return c.Window > 0 })
	return &d
}

// Whatever of a history was committed below and whatever to the overlay, what there is is the same: lists, filters, orders, pages,
// members, conflicts.
func TestRandom(t *testing.T) {
	seeds, steps := 8, 400
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		below := storetest.NewFake()
		storetest.Random(t, uint64(seed), steps, plain{storetest.NewFake()},
			&half{below: below, Store: overlay.New(below, options), n: 10 + seed*6})
	}
}

// meanwhile is a store in which something happens once: right before a commit, or, if it has a type, right after a list of that type was read.
type meanwhile struct {
	store.Store
	typ     string
	happens func()
}

func (m *meanwhile) Unwrap() store.Store { return m.Store }

func (m *meanwhile) List(ctx context.Context, q store.Query) (*store.Page, error) {
	page, err := m.Store.List(ctx, q)
	if happens := m.happens; happens != nil && m.typ != "" && slices.Contains(q.Types, m.typ) {
		m.happens = nil
		happens()
	}
	return page, err
}

func (m *meanwhile) Commit(ctx context.Context, c *store.Change) error {
	if happens := m.happens; happens != nil && m.typ == "" {
		m.happens = nil
		happens()
	}
	return m.Store.Commit(ctx, c)
}

// Who loses a race against another writer of the overlay hears what is true after it.
func TestRaces(t *testing.T) {
	var (
		anna     = user("anna", "v1", `{"userName":"anna"}`)
		group    = &store.Resource{Key: store.Key{Tenant: "acme", Type: "Group", ID: "g"}, Version: "v1", Attributes: "{}"}
		creates  = store.Change{Tenant: "acme", Put: []store.Put{{Resource: anna}}}
		deletes  = store.Change{Tenant: "acme", Delete: []store.Delete{{Type: "User", ID: "anna"}}}
		joins    = store.Change{Tenant: "acme", Members: []store.MemberDelta{{Group: "g", Version: "v2", Add: []store.MemberRef{{Type: "User", ID: "anna"}}}}}
		leaves   = store.Change{Tenant: "acme", Members: []store.MemberDelta{{Group: "g", Version: "v3", Remove: []string{"anna"}}}}
		disbands = store.Change{Tenant: "acme", Delete: []store.Delete{{Type: "Group", ID: "g"}}}
		changes  = store.Change{Tenant: "acme", Put: []store.Put{{Resource: user("anna", "v2", `{"userName":"anna"}`), IfVersion: "v1"}}}
	)
	for _, test := range []struct {
		name          string
		below         bool // Anna is in the store below, otherwise in the overlay
		before        []store.Change
		winner, loser store.Change
		want          error
		after         []store.Change
		groups        int // that Anna is in afterwards
	}{
		{name: "two deletes", winner: deletes, loser: deletes, want: store.ErrNotFound},
		{name: "two deletes of who is below", below: true, winner: deletes, loser: deletes, want: store.ErrNotFound},
		{name: "two deletes of who is below and was changed", below: true, before: []store.Change{changes}, winner: deletes, loser: deletes,
			want: store.ErrNotFound},
		{name: "an update of who is below and was changed, after a delete", below: true, before: []store.Change{changes}, winner: deletes,
			loser: store.Change{Tenant: "acme", Put: []store.Put{{Resource: user("anna", "v3", `{"userName":"anna"}`), IfVersion: "v2"}}}, want: store.ErrVersionMismatch},
		{name: "two deletes of a group", winner: disbands, loser: disbands, want: store.ErrNotFound},
		{name: "a membership that begins in a group that is deleted", winner: disbands, loser: joins, want: store.ErrNotFound},
		{name: "a group's delete beside a membership that begins", winner: joins, loser: disbands},
		{name: "two creations of who was deleted", below: true, before: []store.Change{deletes}, winner: creates, loser: creates,
			want: &store.ConflictError{Attribute: "id"}},
		{name: "two updates", winner: changes, loser: changes, want: store.ErrVersionMismatch},
		{name: "two first updates of who is below", below: true, winner: changes, loser: changes, want: store.ErrVersionMismatch},
		{name: "a delete after an update", winner: changes, loser: deletes},
		{name: "a delete beside a membership that begins", winner: deletes, loser: joins},
		{name: "a delete of who is below beside a membership that begins", below: true, winner: deletes, loser: joins},
		{name: "a membership that begins beside a delete", winner: joins, loser: deletes},
		{name: "who was deleted beside a membership that begins comes back", winner: deletes, loser: joins, after: []store.Change{creates}},
		{name: "who is below and was deleted beside a membership that begins comes back", below: true, winner: deletes, loser: joins,
			after: []store.Change{creates}},
		{name: "who was deleted beside a membership that begins comes back and joins", winner: deletes, loser: joins,
			after: []store.Change{creates, joins}, groups: 1},
		{name: "who was deleted beside a membership that begins joins as they come back", winner: deletes, loser: joins,
			after: []store.Change{{Tenant: "acme", Put: creates.Put, Members: joins.Members}}, groups: 1},
		{name: "two memberships that begin", winner: joins, loser: joins, want: store.ErrVersionMismatch, groups: 1},
		{name: "two memberships that end", before: []store.Change{joins}, winner: leaves, loser: leaves, want: store.ErrVersionMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			base := &meanwhile{Store: storetest.NewFake()}
			o := overlay.New(base, options)
			first := map[bool]store.Store{true: base, false: o}[test.below]
			require.NoError(t, first.Commit(t.Context(), &creates))
			require.NoError(t, o.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: group}}}))
			for _, c := range test.before {
				require.NoError(t, o.Commit(t.Context(), &c))
			}
			base.happens = func() { require.NoError(t, o.Commit(t.Context(), &test.winner)) }
			err := o.Commit(t.Context(), &test.loser)
			if conflict := (*store.ConflictError)(nil); errors.As(test.want, &conflict) {
				assert.Equal(t, test.want, err)
			} else {
				assert.ErrorIs(t, err, test.want)
			}
			for _, c := range test.after {
				require.NoError(t, o.Commit(t.Context(), &c))
			}
			for q, want := range map[*store.MemberQuery]int{{Of: []string{"anna"}}: test.groups, {Groups: []string{"g"}}: test.groups} {
				n := 0
				q.Tenant = "acme"
				for _, err := range o.Members(t.Context(), *q) {
					require.NoError(t, err)
					n++
				}
				assert.Equal(t, want, n, "%v", q)
			}
		})
	}
}

// again is a store to which each change is committed twice.
type again struct {
	plain
	outcomes [][2]bool // whether they were done
}

func once(c *store.Change) *store.Change {
	d := without(c)
	d.Journal, d.Events = nil, nil // which have ids
	return d
}

func (a *again) Commit(ctx context.Context, c *store.Change) error {
	first, second := a.plain.Commit(ctx, once(c)), a.plain.Commit(ctx, once(c))
	a.outcomes = append(a.outcomes, [2]bool{first == nil, second == nil})
	return first
}

// atOnce is an overlay to which each change is committed by two writers at the same time. The first changes are committed below.
type atOnce struct {
	base *meanwhile
	*overlay.Store
	below    int
	outcomes [][2]bool
}

func (a *atOnce) Commit(ctx context.Context, c *store.Change) error {
	var to store.Store = a.Store
	if a.below--; a.below >= 0 {
		to = a.base.Store
	}
	first, done := error(nil), false
	a.base.happens = func() { first, done = to.Commit(ctx, once(c)), true }
	second := to.Commit(ctx, once(c))
	if a.base.happens = nil; !done { // it was refused before it came so far, or is below
		first, second = second, to.Commit(ctx, once(c))
	}
	a.outcomes = append(a.outcomes, [2]bool{first == nil, second == nil})
	return first
}

// Two writers of the same at the same time are as two, one after the other.
func TestRandomRaces(t *testing.T) {
	for seed := range 40 {
		base := &meanwhile{Store: storetest.NewFake()}
		want, got := &again{plain: plain{storetest.NewFake()}}, &atOnce{base: base, Store: overlay.New(base, options), below: 2 * seed}
		storetest.Random(t, uint64(seed), 300, want, got)
		require.Equal(t, want.outcomes, got.outcomes, "seed %d", seed)
	}
}

// Of two who give the last seat back one does, also if it was taken below.
func TestClaimRaces(t *testing.T) {
	base := &meanwhile{Store: storetest.NewFake()}
	o := overlay.New(base, options)
	claims := func(n int) *store.Change {
		return &store.Change{Tenant: "acme", Claims: []store.Claim{{Counter: "seats", Take: n, Limit: 1}}}
	}
	require.NoError(t, base.Commit(t.Context(), claims(1)))
	base.happens = func() { require.NoError(t, o.Commit(t.Context(), claims(-1))) }
	for _, n := range []int{-1, 1} {
		require.NoError(t, o.Commit(t.Context(), claims(n)))
	}
	counters, err := o.Counters(t.Context(), "acme", "seats")
	require.NoError(t, err)
	assert.Equal(t, 1, counters[0].Count)
	assert.Equal(t, &store.ClaimError{Counter: "seats"}, o.Commit(t.Context(), claims(1)))
}

// A list has everybody once, whether somebody is written to the overlay for the first time, or made true, between the reads of its parts.
func TestListMeanwhile(t *testing.T) {
	const over = "rollcall.Shadow.c.is.User"
	put := func(id, version, was string) *store.Change {
		return &store.Change{Tenant: "acme", Put: []store.Put{{Resource: user(id, version, `{"userName":"`+id+`"}`), IfVersion: was}}}
	}
	for _, test := range []struct {
		name    string
		happens func(t *testing.T, base store.Store, o *overlay.Store)
		q       store.Query
		want    []string
	}{
		{"written first", func(t *testing.T, _ store.Store, o *overlay.Store) {
			require.NoError(t, o.Commit(t.Context(), put("b", "v2", "v1")))
		},
			store.Query{}, []string{"a", "b", "c", "x"}},
		{"written first, and not in the filter any more", func(t *testing.T, _ store.Store, o *overlay.Store) {
			r := user("b", "v2", `{"userName":"z"}`)
			require.NoError(t, o.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: r, IfVersion: "v1"}}}))
		}, store.Query{Filter: filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}, Op: filter.Lt, Value: document.String("y")}},
			[]string{"a", "c", "x"}},
		{"made true", func(t *testing.T, base store.Store, o *overlay.Store) {
			one, err := o.One(t.Context(), store.Key{Tenant: "acme", Type: "User", ID: "x"})
			require.NoError(t, err)
			c := put("x", "v1", "")
			c.Delete = one.Done
			require.NoError(t, base.Commit(t.Context(), c))
		}, store.Query{}, []string{"a", "b", "c", "x"}},
	} {
		for _, count := range []int{1, 10} {
			base := &meanwhile{Store: storetest.NewFake(), typ: over}
			o := overlay.New(base, options)
			for _, id := range []string{"a", "b", "c"} {
				require.NoError(t, base.Commit(t.Context(), put(id, "v1", "")))
			}
			require.NoError(t, o.Commit(t.Context(), put("x", "v1", "")))
			base.happens = func() { test.happens(t, base, o) }
			q := test.q
			q.Tenant, q.Types, q.Count, q.NoTotal = "acme", []string{"User"}, count, true
			var got []string
			for {
				page, err := o.List(t.Context(), q)
				require.NoError(t, err)
				for _, r := range page.Resources {
					got = append(got, r.ID)
				}
				if q.Cursor = page.Next; q.Cursor == "" {
					break
				}
			}
			assert.Equal(t, test.want, got, "%s, in pages of %d", test.name, count)
		}
	}
}

// looksFirst is a store that looks whether resources are absent before it waits for others, as a database does that commits what it has read before.
type looksFirst struct{ meanwhile }

func (l *looksFirst) Commit(ctx context.Context, c *store.Change) error {
	for _, a := range c.Absent {
		if _, err := l.Get(ctx, store.Key{Tenant: c.Tenant, Type: a.Type, ID: a.ID}); err == nil {
			return store.ErrVersionMismatch
		}
	}
	looked := *c
	looked.Absent = nil
	return l.meanwhile.Commit(ctx, &looked)
}

// Nothing is written any more once an overlay is closed, neither by what grows it nor by what doesn't.
func TestClose(t *testing.T) {
	marker := &store.Resource{Key: store.Key{Tenant: "acme", Type: "x.Closed", ID: "c"}, Version: "v1"}
	o := options
	o.Closed = store.Absent{Type: marker.Type, ID: marker.ID}
	anna := user("anna", "v1", `{"userName":"anna"}`)
	for name, c := range map[string]store.Change{
		"grows":   {Tenant: "acme", Put: []store.Put{{Resource: user("bob", "v1", `{"userName":"bob"}`)}}},
		"stays":   {Tenant: "acme", Put: []store.Put{{Resource: user("anna", "v2", `{"userName":"anna"}`), IfVersion: "v1"}}},
		"shrinks": {Tenant: "acme", Delete: []store.Delete{{Type: "User", ID: "anna"}}},
	} {
		base := &looksFirst{meanwhile{Store: storetest.NewFake()}}
		s := overlay.New(base, o)
		require.NoError(t, s.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: anna}}}))
		base.happens = func() { require.NoError(t, s.Close(t.Context(), marker)) }
		assert.ErrorIs(t, s.Commit(t.Context(), &c), store.ErrVersionMismatch, name)
		page, err := s.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User"}, Count: 10})
		require.NoError(t, err)
		if assert.Len(t, page.Resources, 1, name) {
			assert.Equal(t, anna, page.Resources[0], name)
		}
		assert.ErrorIs(t, s.Commit(t.Context(), &c), store.ErrVersionMismatch, name)

		require.NoError(t, s.Clear(t.Context(), "acme", []string{"User"}))
		require.NoError(t, base.Commit(t.Context(), &store.Change{Tenant: "acme", Delete: []store.Delete{{Type: marker.Type, ID: marker.ID}}}))
		require.NoError(t, s.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: anna}}}), "it is open again")
	}
}

func user(n, version, attributes string) *store.Resource {
	v, err := document.Parse(attributes, 0)
	if err != nil {
		panic(err)
	}
	return &store.Resource{Key: store.Key{Tenant: "acme", Type: "User", ID: n}, Version: version, Attributes: v.Document(),
		Index: []store.IndexKey{{Attribute: "userName", Value: v.Get("userName").Text(), Unique: true}}}
}

// The size is that of what there is in the overlay; what is beyond it is refused, and nothing of it is kept.
func TestSize(t *testing.T) {
	below := storetest.NewFake()
	small := options
	small.Most = 1_000
	o := overlay.New(below, small)
	put := func(u *store.Resource, was string) error {
		return o.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: u, IfVersion: was}}})
	}
	n := 0
	for ; ; n++ {
		err := put(user(string(rune('a'+n)), "v1", `{"userName":"`+string(rune('a'+n))+`"}`), "")
		if err != nil {
			require.ErrorIs(t, err, overlay.ErrFull)
			break
		}
	}
	assert.Equal(t, 4, n)
	_, err := o.Get(t.Context(), store.Key{Tenant: "acme", Type: "User", ID: "e"})
	assert.ErrorIs(t, err, store.ErrNotFound)
	for i := range 10 { // the same one again and again takes no more
		require.NoError(t, put(user("a", string(rune('B'+i)), `{"userName":"a"}`), map[bool]string{true: "v1", false: string(rune('A' + i))}[i == 0]))
	}
	require.NoError(t, o.Commit(t.Context(), &store.Change{Tenant: "acme", Delete: []store.Delete{{Type: "User", ID: "b"}}}))
	require.NoError(t, put(user("f", "v1", `{"userName":"f"}`), ""))

	require.ErrorIs(t, put(user("g", "v1", `{"userName":"g"}`), ""), overlay.ErrFull)
	require.NoError(t, o.Forget(t.Context(), store.Key{Tenant: "acme", Type: "User", ID: "f"}))
	require.NoError(t, put(user("g", "v1", `{"userName":"g"}`), ""), "who is forgotten takes no room")

	require.NoError(t, o.Clear(t.Context(), "acme", []string{"User", "Group"}))
	page, err := o.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User"}, Count: 10})
	require.NoError(t, err)
	assert.Zero(t, page.Total)
	for n := range 4 {
		require.NoError(t, put(user(string(rune('a'+n)), "v1", `{"userName":"`+string(rune('a'+n))+`"}`), ""))
	}
}
