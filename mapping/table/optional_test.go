package table_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// database is a product's own database with transactions, membership rows and a search, so that it has all that is optional. Reads outside of
// a transaction wait until it ends.
type database struct {
	mu     sync.RWMutex
	tables []rolledBack
	rows   map[string]map[string]map[string]string // tenant, group, member, type
	turns  int                                     // how many transactions began
	search int                                     // how many queries the repository answered
}

// rolledBack is a repository that the database rolls back.
type rolledBack interface {
	save()
	rollBack()
}

type inside struct{}

func (d *database) Transact(ctx context.Context, do func(context.Context) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turns++
	for _, t := range d.tables {
		t.save()
	}
	was := map[string]map[string]map[string]string{}
	for tenant, groups := range d.rows {
		was[tenant] = map[string]map[string]string{}
		for g, members := range groups {
			was[tenant][g] = maps.Clone(members)
		}
	}
	err := do(context.WithValue(ctx, inside{}, true))
	if err != nil {
		d.rows = was
		for _, t := range d.tables {
			t.rollBack()
		}
	}
	return err
}

// read waits until a transaction has ended, unless ctx is in that transaction.
func (d *database) read(ctx context.Context) (end func()) {
	if ctx.Value(inside{}) != nil {
		return func() {}
	}
	d.mu.RLock()
	return d.mu.RUnlock
}

func (d *database) Members(ctx context.Context, q store.MemberQuery) iter.Seq2[store.Member, error] {
	return func(yield func(store.Member, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(store.Member{}, err)
			return
		}
		end := d.read(ctx)
		var found []store.Member
		groups := d.rows[q.Tenant]
		for _, g := range q.Groups {
			for _, id := range slices.Sorted(maps.Keys(groups[g])) {
				if len(q.IDs) == 0 || slices.Contains(q.IDs, id) {
					found = append(found, store.Member{Group: g, Type: groups[g][id], ID: id})
				}
			}
		}
		for _, id := range q.Of {
			for _, g := range slices.Sorted(maps.Keys(groups)) {
				if typ, ok := groups[g][id]; ok {
					found = append(found, store.Member{Group: g, Type: typ, ID: id})
				}
			}
		}
		end()
		for _, m := range found {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (d *database) ChangeMembers(_ context.Context, tenant string, delta store.MemberDelta) error {
	if d.rows[tenant] == nil {
		d.rows[tenant] = map[string]map[string]string{}
	}
	members := d.rows[tenant][delta.Group]
	if members == nil {
		members = map[string]string{}
		d.rows[tenant][delta.Group] = members
	}
	for _, id := range delta.Remove {
		if _, ok := members[id]; !ok {
			return errors.New("the store has not looked who is a member")
		}
		delete(members, id)
	}
	for _, ref := range delta.Add {
		if _, ok := members[ref.ID]; ok {
			return errors.New("the store has not looked who is no member")
		}
		members[ref.ID] = ref.Type
	}
	return nil
}

func (d *database) Empty(_ context.Context, tenant, group string) error {
	delete(d.rows[tenant], group)
	return nil
}

// repository is a Memory that takes part in transactions and finds rows by an index.
type repository[T any] struct {
	*database
	now  *table.Memory[T]
	undo []func()
}

func (r *repository[T]) save()     { r.undo = nil }
func (r *repository[T]) rollBack() { undoAll(r.undo) }

func undoAll(undo []func()) {
	for _, u := range slices.Backward(undo) {
		u()
	}
}

func (r *repository[T]) Create(ctx context.Context, tenant string, x *table.Record[T]) error {
	err := r.now.Create(ctx, tenant, x)
	if err == nil {
		r.undo = append(r.undo, func() { _ = r.now.Delete(context.Background(), tenant, x.ID) })
	}
	return err
}

func (r *repository[T]) Update(ctx context.Context, tenant string, x *table.Record[T]) error {
	was, err := r.now.Get(ctx, tenant, x.ID)
	if err == nil {
		r.undo = append(r.undo, func() { _ = r.now.Update(context.Background(), tenant, was) })
		err = r.now.Update(ctx, tenant, x)
	}
	return err
}

func (r *repository[T]) Delete(ctx context.Context, tenant, id string) error {
	was, err := r.now.Get(ctx, tenant, id)
	if err == nil {
		r.undo = append(r.undo, func() { _ = r.now.Create(context.Background(), tenant, was) })
		err = r.now.Delete(ctx, tenant, id)
	}
	return err
}

func (r *repository[T]) Get(ctx context.Context, tenant, id string) (*table.Record[T], error) {
	defer r.read(ctx)()
	return r.now.Get(ctx, tenant, id)
}

func (r *repository[T]) Find(context.Context, string, string, string) ([]*table.Record[T], error) {
	return nil, errors.ErrUnsupported
}

func (r *repository[T]) List(ctx context.Context, tenant, after string, max int) ([]*table.Record[T], error) {
	defer r.read(ctx)()
	return r.now.List(ctx, tenant, after, max)
}

// Search answers queries without filter and order.
func (r *repository[T]) Search(ctx context.Context, q store.Query) (page []*table.Record[T], total int, err error) {
	if q.Filter != nil || q.Sort != nil || q.Tenant == "" {
		return nil, 0, errors.ErrUnsupported
	}
	all, err := r.List(ctx, q.Tenant, "", 1<<30)
	r.mu.Lock()
	r.search++
	r.mu.Unlock()
	from := min(max(q.Start, 0), len(all))
	return all[from:min(from+max(q.Count, 0), len(all))], len(all), err
}

func fullStore(t *testing.T) (*table.Store, *database) {
	t.Helper()
	d := &database{rows: map[string]map[string]map[string]string{}}
	users := &repository[employee]{database: d, now: table.NewMemory[employee]()}
	groups := &repository[squad]{database: d, now: table.NewMemory[squad]()}
	others := &repository[table.Other]{database: d, now: table.NewMemory[table.Other]()}
	d.tables = []rolledBack{users, groups, others}
	s, err := table.New(table.Of(compiled[employee](t, nil), users), table.Of(compiled[squad](t, nil), groups),
		&table.Options{Others: others})
	require.NoError(t, err)
	return s, d
}

func TestStoreWithEverything(t *testing.T) {
	brief(t)
	var all []*database
	storetest.Run(t, func(t *testing.T) store.Store {
		s, d := fullStore(t)
		all = append(all, d)
		return s
	})
	turns, searches := 0, 0
	for _, d := range all {
		turns += d.turns
		searches += d.search
	}
	assert.Positive(t, turns)
	assert.Positive(t, searches)
	for seed := range uint64(2) {
		s, _ := fullStore(t)
		storetest.Random(t, seed, 400, s, storetest.NewFake())
	}
}

// TestMemberTableNeedsTransactor shows that a MemberTable without a Transactor is refused, because its rows could not be rolled back.
func TestMemberTableNeedsTransactor(t *testing.T) {
	d := &database{}
	groups := &repository[squad]{database: d}
	_, err := table.New(table.Table{}, table.Of(compiled[squad](t, nil), groups), nil)
	require.ErrorContains(t, err, "must be a Transactor")
}

// failing is a repository whose methods can be made to fail.
type failing struct {
	*table.Memory[employee]
	fail map[string]bool
}

var errBroken = errors.New("broken")

func (f *failing) Update(ctx context.Context, tenant string, r *table.Record[employee]) error {
	if f.fail["update"] {
		return errBroken
	}
	return f.Memory.Update(ctx, tenant, r)
}

func (f *failing) Find(_ context.Context, _, path, value string) ([]*table.Record[employee], error) {
	if f.fail["find"] {
		return nil, errBroken
	}
	return nil, errors.ErrUnsupported
}

func (f *failing) List(ctx context.Context, tenant, after string, n int) ([]*table.Record[employee], error) {
	if f.fail["list"] {
		return nil, errBroken
	}
	return f.Memory.List(ctx, tenant, after, n)
}

// TestRepositoryFails shows that the error of a repository is returned, and that what was written before is undone.
func TestRepositoryFails(t *testing.T) {
	f := &failing{table.NewMemory[employee](), map[string]bool{}}
	s, err := table.New(table.Of(compiled[employee](t, nil), f), table.Table{}, nil)
	require.NoError(t, err)
	ada := user("1", `{"userName":"ada"}`, store.IndexKey{Attribute: "userName", Value: "ada", Unique: true})
	require.NoError(t, s.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: ada}}}))

	next := *ada
	next.Version = "v2"
	change := &store.Change{Tenant: "acme", Put: []store.Put{{Resource: user("2", `{"userName":"eve"}`)}, {Resource: &next, IfVersion: "v1"}}}
	f.fail["update"] = true
	require.ErrorIs(t, s.Commit(t.Context(), change), errBroken)
	_, err = s.Get(t.Context(), store.Key{Tenant: "acme", Type: "User", ID: "2"})
	require.ErrorIs(t, err, store.ErrNotFound)
	clear(f.fail)

	for _, part := range []string{"find", "list"} {
		f.fail[part] = true
		eve := user("2", `{"userName":"eve"}`, store.IndexKey{Attribute: "userName", Value: "eve", Unique: true})
		require.ErrorIs(t, s.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: eve}}}), errBroken)
		clear(f.fail)
	}
	f.fail["list"] = true
	_, err = s.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User"}, Count: 1})
	require.ErrorIs(t, err, errBroken)
}
