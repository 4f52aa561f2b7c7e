package table_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/mapping/table"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// employee and squad are a product's own types.
type employee struct {
	Login  string   `scim:"userName"`
	Name   string   `scim:"displayName"`
	Active *bool    `scim:"active"`
	Mails  []string `scim:"emails.value"`
	Family string   `scim:"name.familyName"`
}

type squad struct {
	Name string `scim:"displayName"`
}

func newStore(t testing.TB) (*table.Store, *table.Memory[employee], *table.Memory[squad]) {
	t.Helper()
	users, groups := table.NewMemory[employee](), table.NewMemory[squad]()
	s, err := table.New(
		table.Of(compiled[employee](t, nil), users), table.Of(compiled[squad](t, nil), groups), nil)
	require.NoError(t, err)
	return s, users, groups
}

// brief makes the kit's large groups smaller, because with -race a group of 100,000 members would take a minute instead of 3 s.
func brief(t *testing.T) {
	t.Helper()
	was := flag.Lookup("test.short").Value.String()
	require.NoError(t, flag.Set("test.short", "true"))
	t.Cleanup(func() { require.NoError(t, flag.Set("test.short", was)) })
}

func TestStore(t *testing.T) {
	brief(t)
	storetest.Run(t, func(t *testing.T) store.Store {
		s, _, _ := newStore(t)
		return s
	})
}

func TestStoreRandom(t *testing.T) {
	for seed := range uint64(4) {
		s, _, _ := newStore(t)
		storetest.Random(t, seed, 400, s, storetest.NewFake())
	}
}

func user(id, attributes string, keys ...store.IndexKey) *store.Resource {
	return &store.Resource{
		Key: store.Key{Tenant: "acme", Type: "User", ID: id}, Version: "v1", Attributes: document.Document(attributes), Index: keys,
	}
}

// TestProductChanges shows that SCIM shows what the product changes in its tables.
func TestProductChanges(t *testing.T) {
	ctx := t.Context()
	s, users, groups := newStore(t)
	login := store.IndexKey{Attribute: "userName", Value: "ada", Unique: true}
	r := user("1", `{"userName":"Ada","title":"Dr","displayName":"Ada L."}`, login)
	r.Label = "Ada L."
	require.NoError(t, s.Commit(ctx, &store.Change{Tenant: "acme", Put: []store.Put{{Resource: r}}}))

	rec, err := users.Get(ctx, "acme", "1")
	require.NoError(t, err)
	require.Equal(t, "Ada", rec.Value.Login)
	rec.Value.Login, rec.Value.Name = "eve", "Eve"
	require.NoError(t, users.Update(ctx, "acme", rec))
	sent, err := rec.Sent()
	require.NoError(t, err)
	require.Equal(t, []mapping.Difference{
		{Change: mapping.Change{Field: "Login", Path: "userName"}, Provider: `"Ada"`, Product: `"eve"`},
		{Change: mapping.Change{Field: "Name", Path: "displayName"}, Provider: `"Ada L."`, Product: `"Eve"`},
	}, compiled[employee](t, nil).Drift(sent, &rec.Value))
	sent, err = (&table.Record[employee]{}).Sent()
	require.NoError(t, err)
	require.True(t, sent.IsEmpty())

	got, err := s.Get(ctx, r.Key)
	require.NoError(t, err)
	require.Equal(t, document.Document(`{"userName":"eve","title":"Dr","displayName":"Eve"}`), got.Attributes)
	require.NotEqual(t, "v1", got.Version)
	require.Equal(t, "Eve", got.Label)
	require.Contains(t, got.Index, store.IndexKey{Attribute: "userName", Value: "eve", Unique: true})
	require.NotContains(t, got.Index, login)
	again, err := s.Get(ctx, r.Key)
	require.NoError(t, err)
	require.Equal(t, got, again, "a version stays as long as nothing changes")

	next := *r
	next.Version = "v2"
	require.ErrorIs(t, s.Commit(ctx, &store.Change{Tenant: "acme", Put: []store.Put{{Resource: &next, IfVersion: "v1"}}}), store.ErrVersionMismatch)
	taken := user("2", `{"userName":"EVE"}`, store.IndexKey{Attribute: "userName", Value: "eve", Unique: true})
	var conflict *store.ConflictError
	require.ErrorAs(t, s.Commit(ctx, &store.Change{Tenant: "acme", Put: []store.Put{{Resource: taken}}}), &conflict)
	require.NoError(t, s.Commit(ctx, &store.Change{Tenant: "acme", Put: []store.Put{{Resource: &next, IfVersion: got.Version}}}))

	// A row that the product itself has made is a resource like all others.
	require.NoError(t, users.Create(ctx, "acme", &table.Record[employee]{ID: "7", Value: employee{Login: "Joe", Mails: []string{"j@x"}}}))
	require.NoError(t, groups.Create(ctx, "acme", &table.Record[squad]{ID: "8", Value: squad{"Team"}}))
	joe, err := s.Get(ctx, store.Key{Tenant: "acme", Type: "User", ID: "7"})
	require.NoError(t, err)
	require.Equal(t, document.Document(`{"userName":"Joe","emails":[{"value":"j@x"}]}`), joe.Attributes)
	require.Equal(t, "Joe", joe.Label)
	require.Equal(t, []store.IndexKey{
		{Attribute: "userName", Value: "joe", Unique: true}, {Attribute: "emails.value", Value: "j@x"},
	}, joe.Index)
	require.NoError(t, s.Commit(ctx, &store.Change{Tenant: "acme", Members: []store.MemberDelta{
		{Group: "8", Version: "v2", Add: []store.MemberRef{{ID: "7"}}},
	}}))
	for m, err := range s.Members(ctx, store.MemberQuery{Tenant: "acme", Of: []string{"7"}}) {
		require.NoError(t, err)
		require.Equal(t, store.Member{Group: "8", Type: "User", ID: "7", Label: "Team"}, m)
	}
}

// TestUnmappedFields shows that SCIM doesn't change fields that no attribute is mapped to.
func TestUnmappedFields(t *testing.T) {
	type row struct {
		Login  string `scim:"userName"`
		Salary int
	}
	users := table.NewMemory[row]()
	s, err := table.New(table.Of(compiled[row](t, nil), users), table.Table{}, nil)
	require.NoError(t, err)
	require.NoError(t, users.Create(t.Context(), "acme", &table.Record[row]{ID: "1", Value: row{"ada", 7}}))
	cur, err := s.Get(t.Context(), store.Key{Tenant: "acme", Type: "User", ID: "1"})
	require.NoError(t, err)
	next := *cur
	next.Attributes, next.Version = `{"userName":"eve"}`, "v2"
	require.NoError(t, s.Commit(t.Context(), &store.Change{Tenant: "acme", Put: []store.Put{{Resource: &next, IfVersion: cur.Version}}}))
	r, err := users.Get(t.Context(), "acme", "1")
	require.NoError(t, err)
	require.Equal(t, row{"eve", 7}, r.Value)
}

func compiled[T any](t testing.TB, o *mapping.Options) *mapping.Mapping[T] {
	t.Helper()
	m, err := mapping.Compile[T](o)
	require.NoError(t, err)
	return m
}
