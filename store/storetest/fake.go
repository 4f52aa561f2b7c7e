package storetest

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rollcall-dev/rollcall/store"
)

// Fake is a store in memory for a product's own unit tests, and the one that [Random] compares other stores with. It is slow, because
// its code is so plain that a reader can see that it is right. It fails on demand: see [Fake.Fail], [Fake.FailCommit],
// [Fake.LoseAnswer], [Fake.Damage], [Fake.Before], [Fake.SetUnavailable] and [Fake.Freeze].
//
// It implements [store.CounterReader], [store.EventSource], [store.EventAdmin], [store.FeedReader], [store.JournalReader],
// [store.Forgetter] and [store.Tracer]. It goes by the clock of the process, so that a test in a bubble of testing/synctest decides what
// time it is. It is safe for concurrent use. Make it with [NewFake]: the zero value can't be used.
type Fake struct {
	mu         sync.Mutex
	tenants    map[string]*tenant // a commit puts a changed copy here, so that what a reader holds stays as it is
	deliveries []*delivery        // of all tenants and consumers, in the order of commits
	told       int64              // how many events there ever were
	pruned     int64              // the greatest sequence that was removed from the feed
	paused     map[consumerOf]bool
	faults     faults
}

var (
	_ store.Store         = (*Fake)(nil)
	_ store.CounterReader = (*Fake)(nil)
	_ store.EventSource   = (*Fake)(nil)
	_ store.JournalReader = (*Fake)(nil)
	_ store.Forgetter     = (*Fake)(nil)
	_ store.EventAdmin    = (*Fake)(nil)
	_ store.FeedReader    = (*Fake)(nil)
)

// groupType is the resource type whose members membership rows are (RFC 7643 section 4.2).
const groupType = "Group"

// NewFake makes an empty store. It starts nothing and needs no closing.
func NewFake() *Fake { return &Fake{tenants: map[string]*tenant{}, paused: map[consumerOf]bool{}} }

// tenant is all that a tenant has, except for its events.
type tenant struct {
	resources map[name]*store.Resource     // never changed in place
	members   map[string]map[string]string // group's id -> member's id -> member's type
	counters  map[string]store.Counter     // by name
	journal   []store.Entry
}

type name struct{ typ, id string }

func (t *tenant) clone() *tenant {
	c := &tenant{
		resources: maps.Clone(t.resources),
		members:   make(map[string]map[string]string, len(t.members)),
		counters:  maps.Clone(t.counters),
		journal:   slices.Clone(t.journal),
	}
	for group, rows := range t.members {
		c.members[group] = maps.Clone(rows)
	}
	return c
}

func empty() *tenant {
	return &tenant{
		resources: map[name]*store.Resource{},
		members:   map[string]map[string]string{},
		counters:  map[string]store.Counter{},
	}
}

// Get implements [store.Store].
func (f *Fake) Get(ctx context.Context, k store.Key) (*store.Resource, error) {
	t, err := f.read(ctx, "Get", k.Tenant)
	if err != nil {
		return nil, err
	}
	r, ok := t.resources[name{k.Type, k.ID}]
	if !ok {
		return nil, store.ErrNotFound
	}
	if f.damaged(r) {
		return nil, store.ErrCorrupt
	}
	return clone(r), nil
}

// Members implements [store.Store]. The rows are those that exist when the caller begins to read them.
func (f *Fake) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		t, err := f.read(ctx, "Members", q.Tenant)
		if err != nil {
			yield(store.Member{}, err)
			return
		}
		var rows []store.Member
		for _, group := range q.Groups {
			for _, m := range t.membersOf(group) {
				if len(q.IDs) == 0 || slices.Contains(q.IDs, m.ID) {
					rows = append(rows, m)
				}
			}
		}
		for _, id := range q.Of {
			rows = append(rows, t.groupsOf(id)...)
		}
		for _, row := range rows {
			if err := ctx.Err(); err != nil {
				yield(store.Member{}, err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// membersOf returns a group's members with their labels, in the order of their ids.
func (t *tenant) membersOf(group string) []store.Member {
	var rows []store.Member
	for id, typ := range t.members[group] {
		rows = append(rows, store.Member{Group: group, Type: typ, ID: id, Label: t.resources[name{typ, id}].Label})
	}
	slices.SortFunc(rows, func(a, b store.Member) int { return strings.Compare(a.ID, b.ID) })
	return rows
}

// groupsOf returns the groups that a resource is a member of, with their labels, in the order of their ids.
func (t *tenant) groupsOf(id string) []store.Member {
	var rows []store.Member
	for group, members := range t.members {
		if typ, ok := members[id]; ok {
			label := t.resources[name{groupType, group}].Label
			rows = append(rows, store.Member{Group: group, Type: typ, ID: id, Label: label})
		}
	}
	slices.SortFunc(rows, func(a, b store.Member) int { return strings.Compare(a.Group, b.Group) })
	return rows
}

// Counters implements [store.CounterReader].
func (f *Fake) Counters(ctx context.Context, tenant string, names ...string) ([]store.Counter, error) {
	t, err := f.read(ctx, "Counters", tenant)
	if err != nil {
		return nil, err
	}
	var counters []store.Counter
	for _, name := range names {
		c := t.counters[name]
		c.Name = name
		counters = append(counters, c)
	}
	return counters, nil
}

// clone copies a resource, so that a caller may change what it gets.
func clone(r *store.Resource) *store.Resource {
	c := *r
	c.Index = slices.Clone(r.Index)
	return &c
}
