package overlay_test

import (
	"context"
	"flag"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle/internal/overlay"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
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

	require.NoError(t, o.Clear(t.Context(), "acme", []string{"User", "Group"}))
	page, err := o.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User"}, Count: 10})
	require.NoError(t, err)
	assert.Zero(t, page.Total)
	for n := range 4 {
		require.NoError(t, put(user(string(rune('a'+n)), "v1", `{"userName":"`+string(rune('a'+n))+`"}`), ""))
	}
}
