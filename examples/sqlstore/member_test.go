package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

func testGroup(id string) *store.Resource {
	return &store.Resource{Key: store.Key{Type: "Group", ID: id}, Version: "v1", Created: epoch, LastModified: epoch, Label: id}
}

func commit(t *testing.T, s *sqlstore.Store, c store.Change) {
	t.Helper()
	c.Tenant = "t"
	require.NoError(t, s.Commit(t.Context(), &c))
}

func create(resources ...*store.Resource) store.Change {
	var c store.Change
	for _, r := range resources {
		c.Put = append(c.Put, store.Put{Resource: r})
	}
	return c
}

// refs makes references to members. Ids that begin with g or h are those of groups.
func refs(ids ...string) (all []store.MemberRef) {
	for _, id := range ids {
		typ := "User"
		if id[0] == 'g' || id[0] == 'h' {
			typ = "Group"
		}
		all = append(all, store.MemberRef{Type: typ, ID: id})
	}
	return all
}

// membersOf lists the ids of a group's members.
func membersOf(t *testing.T, s *sqlstore.Store, group string) (ids []string) {
	t.Helper()
	for m, err := range s.Members(t.Context(), store.MemberQuery{Tenant: "t", Groups: []string{group}}) {
		require.NoError(t, err)
		ids = append(ids, m.ID)
	}
	return ids
}

// TestExactDeltas commits deltas that add members or remove non-members: each is refused as a whole.
func TestExactDeltas(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		commit(t, s, create(testUser("a", "a"), testUser("b", "b"), testUser("c", "c"), testGroup("g"), testGroup("h")))
		commit(t, s, store.Change{Members: []store.MemberDelta{{Group: "g", Version: "v2", Add: refs("a", "h")}}})
		for name, d := range map[string]store.MemberDelta{
			"add a member":               {Add: refs("b", "a")},
			"add twice":                  {Add: refs("b", "b")},
			"add without a type, twice":  {Add: []store.MemberRef{{ID: "b"}, {Type: "User", ID: "b"}}},
			"remove a stranger":          {Remove: []string{"a", "b"}},
			"remove twice":               {Remove: []string{"a", "a"}},
			"add and remove a stranger":  {Add: refs("b"), Remove: []string{"c"}},
			"another version":            {Add: refs("b"), IfVersion: "v1"},
			"remove, and add who is one": {Add: refs("h"), Remove: []string{"a"}},
		} {
			d.Group, d.Version = "g", "v3"
			require.ErrorIs(t, s.Commit(t.Context(), &store.Change{Tenant: "t", Members: []store.MemberDelta{d}}), store.ErrVersionMismatch, name)
			g, err := s.Get(t.Context(), store.Key{Tenant: "t", Type: "Group", ID: "g"})
			require.NoError(t, err)
			require.Equal(t, "v2", g.Version, name)
			require.Equal(t, []string{"a", "h"}, membersOf(t, s, "g"), name)
		}
		var unknown *store.UnknownMemberError
		require.ErrorAs(t, s.Commit(t.Context(), &store.Change{Tenant: "t", Members: []store.MemberDelta{{Group: "g", Add: refs("b", "x")}}}), &unknown)
		require.Equal(t, "x", unknown.ID)
		commit(t, s, store.Change{Members: []store.MemberDelta{{Group: "g", Version: "v3", Add: refs("b", "c"), Remove: []string{"a", "h"}}}})
		require.Equal(t, []string{"b", "c"}, membersOf(t, s, "g"))
		commit(t, s, store.Change{
			Put:     []store.Put{{Resource: testUser("n", "n")}, {Resource: &store.Resource{Key: store.Key{Type: "Robot", ID: "r"}, Created: epoch, LastModified: epoch}}},
			Members: []store.MemberDelta{{Group: "h", Add: []store.MemberRef{{ID: "n"}, {ID: "r"}}}},
		})
		require.Equal(t, []string{"n", "r"}, membersOf(t, s, "h"), "members that the change puts, by a type of which there was none")
	})
}

// TestDeleteOfMember shows that a resource can only be deleted when it has left all groups.
func TestDeleteOfMember(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		commit(t, s, create(testUser("a", "a"), testUser("b", "b"), testGroup("g"), testGroup("h")))
		commit(t, s, store.Change{Members: []store.MemberDelta{{Group: "g", Add: refs("a", "b", "h")}}})
		user := []store.Delete{{Type: "User", ID: "a"}}
		require.ErrorIs(t, s.Commit(t.Context(), &store.Change{Tenant: "t", Delete: user}), store.ErrVersionMismatch)
		require.ErrorIs(t, s.Commit(t.Context(), &store.Change{Tenant: "t", Delete: []store.Delete{{Type: "Group", ID: "h"}}}), store.ErrVersionMismatch)
		require.Equal(t, []string{"a", "b", "h"}, membersOf(t, s, "g"))
		commit(t, s, store.Change{Members: []store.MemberDelta{{Group: "g", Remove: []string{"a"}}}, Delete: user})
		require.Equal(t, []string{"b", "h"}, membersOf(t, s, "g"))
		commit(t, s, store.Change{Delete: []store.Delete{{Type: "Group", ID: "g"}, {Type: "User", ID: "b"}}})
		left := 0
		require.NoError(t, sqlstore.EngineOf(s).Query(t.Context(), "SELECT count(*) FROM ~member", nil, func(rw sqlstore.Row) error { return rw.Scan(&left) }))
		require.Zero(t, left, "a deleted group has no rows")
	})
}

// newDatabase makes a new database, for tests of what PostgreSQL counts for each database.
func newDatabase(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv(postgresVariable)
	if dsn == "" {
		t.Skip("no PostgreSQL to test with: set ROLLCALL_TEST_POSTGRES=postgres://user:password@host/database")
	}
	name := fmt.Sprintf("rollcall_test_%x", rand.Uint64())
	run := func(sql string) error {
		c, err := pgx.Connect(context.Background(), dsn)
		if err != nil {
			return err
		}
		_, err = c.Exec(context.Background(), sql)
		return errors.Join(err, c.Close(context.Background()))
	}
	require.NoError(t, run("CREATE DATABASE "+name), "the tests need the right to create databases")
	t.Cleanup(func() { require.NoError(t, run("DROP DATABASE "+name+" WITH (FORCE)")) })
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// TestNoDeadlocks has 24 clients of two processes delete people, create them anew, and change members of groups, some of which are members of
// each other. There must be no deadlock, and each refusal must have an error of the contract.
func TestNoDeadlocks(t *testing.T) {
	dsn := newDatabase(t)
	const clients, rounds, people, groups = 24, 40, 30, 6
	first := openIn(t, dsn, nil)
	user := func(n int) *store.Resource { return testUser(fmt.Sprintf("u%d", n), fmt.Sprint(n)) }
	var everybody []*store.Resource
	for n := range people {
		everybody = append(everybody, user(n))
	}
	for n := range groups {
		everybody = append(everybody, testGroup(fmt.Sprintf("g%d", n)))
	}
	commit(t, first, create(everybody...))
	var (
		all  sync.WaitGroup
		done [5]atomic.Int64
	)
	for process := range 2 {
		s := openIn(t, dsn, nil)
		for client := range clients / 2 {
			all.Go(func() {
				r := rand.New(rand.NewPCG(uint64(process), uint64(client)))
				for n := range rounds {
					who, kind := fmt.Sprintf("u%d", r.IntN(people)), r.IntN(5)
					c, err := randomChange(t.Context(), s, r, who, kind, groups)
					if err == nil {
						c.Events = []store.Event{{ID: fmt.Sprint(process, client, n), Subject: store.Key{Type: "User", ID: who}, Time: epoch, Consumers: []string{hooks}}}
						c.Claims = []store.Claim{{Counter: seats, Take: 1 - 2*r.IntN(2), Limit: 1 << 20}}
						err = s.Commit(t.Context(), c)
					}
					switch {
					case err == nil:
						done[kind].Add(1)
					case errors.Is(err, store.ErrVersionMismatch), errors.Is(err, store.ErrNotFound),
						errors.As(err, new(*store.UnknownMemberError)), errors.As(err, new(*store.ConflictError)):
					default:
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	for kind := range done {
		require.NotZero(t, done[kind].Load(), "kind %d", kind)
	}
	var deadlocks int
	require.NoError(t, sqlstore.EngineOf(first).Query(t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`, nil,
		func(rw sqlstore.Row) error { return rw.Scan(&deadlocks) }))
	require.Zero(t, deadlocks)
	var strangers int
	require.NoError(t, sqlstore.EngineOf(first).Query(t.Context(), `SELECT count(*) FROM ~member m WHERE NOT EXISTS (
		SELECT FROM ~resource r WHERE r.tenant = m.tenant AND r.type = m.member_type AND r.id = m.member_id)`, nil,
		func(rw sqlstore.Row) error { return rw.Scan(&strangers) }))
	require.Zero(t, strangers, "members that don't exist")
}

// randomChange makes a change that deletes a person who leaves all groups, changes members, or creates or renames people.
func randomChange(ctx context.Context, s *sqlstore.Store, r *rand.Rand, who string, kind, groups int) (*store.Change, error) {
	c := &store.Change{Tenant: "t"}
	in := map[string]bool{}
	for m, err := range s.Members(ctx, store.MemberQuery{Tenant: "t", Of: []string{who}}) {
		if err != nil {
			return nil, err
		}
		in[m.Group] = true
	}
	anyGroup := func() string { return fmt.Sprintf("g%d", r.IntN(groups)) }
	switch kind {
	case 0: // delete
		for g := range in { // the order is random
			c.Members = append(c.Members, store.MemberDelta{Group: g, Remove: []string{who}})
		}
		c.Delete = []store.Delete{{Type: "User", ID: who}}
	case 1: // add
		for g := range map[string]bool{anyGroup(): true, anyGroup(): true} {
			if !in[g] {
				c.Members = append(c.Members, store.MemberDelta{Group: g, Add: []store.MemberRef{{ID: who}}})
			}
		}
	case 2: // make groups members of each other, or end that
		g, h := anyGroup(), anyGroup()
		d := store.MemberDelta{Group: g, Add: refs(h)}
		for m, err := range s.Members(ctx, store.MemberQuery{Tenant: "t", Groups: []string{g}, IDs: []string{h}}) {
			if err != nil {
				return nil, err
			}
			d.Add, d.Remove = nil, []string{m.ID}
		}
		c.Members = []store.MemberDelta{d}
	case 3: // create
		c.Put = []store.Put{{Resource: testUser(who, who[1:])}}
		c.Members = []store.MemberDelta{{Group: anyGroup(), Add: refs(who)}}
	case 4: // rename two
		ids := []string{who, fmt.Sprintf("u%d", r.IntN(30))}
		for _, id := range slices.Compact(ids) {
			was, err := s.Get(ctx, store.Key{Tenant: "t", Type: "User", ID: id})
			if err != nil {
				return nil, err
			}
			now := testUser(id, fmt.Sprintf("%s renamed %d", id, r.Uint64()))
			now.Version = fmt.Sprint(r.Uint64())
			c.Put = append(c.Put, store.Put{Resource: now, IfVersion: was.Version, Was: was})
		}
	}
	return c, nil
}
