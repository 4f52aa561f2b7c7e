package sqlstore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// populate creates n users in the tenant t, and returns their ids in order.
func populate(t *testing.T, s *sqlstore.Store, n int) (all []string) {
	t.Helper()
	for i := range n {
		all = append(all, fmt.Sprintf("u%06d", i))
	}
	for part := range slices.Chunk(all, 1000) {
		var c store.Change
		for _, id := range part {
			c.Put = append(c.Put, store.Put{Resource: testUser(id, id)})
		}
		commit(t, s, c)
	}
	return all
}

// TestMembersOfOneMoment replaces 6,000 members while they are read: the reader gets one membership, and not parts of
// two. The pool has one connection, so the test would not end if the reader held it.
func TestMembersOfOneMoment(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		if p, ok := sqlstore.EngineOf(s).(postgresEngine); ok {
			c := p.Pool().Config()
			c.MaxConns = 1
			pool, err := pgxpool.NewWithConfig(t.Context(), c)
			require.NoError(t, err)
			t.Cleanup(pool.Close)
			s, err = onPool(t.Context(), pool, &sqlstore.Options{Schema: p.TablesIn()})
			require.NoError(t, err)
		}
		const size = 6000
		users := populate(t, s, 2*size)
		before, after := users[:size], users[size:]
		commit(t, s, create(testGroup("g"), testGroup("h")))
		commit(t, s, store.Change{Members: []store.MemberDelta{{Group: "g", Version: "1", Add: refs(before...)}, {Group: "h", Version: "1", Add: refs("u000000")}}})
		var of []string
		for m, err := range s.Members(t.Context(), store.MemberQuery{Tenant: "t", Groups: []string{"g", "h"}}) {
			require.NoError(t, err)
			if len(of) == 10 {
				commit(t, s, store.Change{Members: []store.MemberDelta{{Group: "g", Version: "2", Remove: before, Add: refs(after...)}}})
			}
			of = append(of, m.ID)
		}
		require.Equal(t, append(slices.Clone(before), "u000000"), of, "all from before")
		require.Equal(t, after, membersOf(t, s, "g"))
	})
}

// TestMembersOfMany reads the members of many groups, more than are read at once, in the order in which they are asked for.
func TestMembersOfMany(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		users := populate(t, s, sqlstore.BatchRows+1)
		var asked, want []string
		for i, size := range []int{6000, 1, 6000, 0, sqlstore.BatchRows, sqlstore.BatchRows + 1, 3, 6000} {
			id := fmt.Sprint("g", 9-i)
			asked = append(asked, id, "none")
			commit(t, s, create(testGroup(id)))
			if size > 0 {
				commit(t, s, store.Change{Members: []store.MemberDelta{{Group: id, Version: "1", Add: refs(users[:size]...)}}})
			}
			for _, u := range users[:size] {
				want = append(want, id+" has "+u)
			}
		}
		var got []string
		for m, err := range s.Members(t.Context(), store.MemberQuery{Tenant: "t", Groups: asked}) {
			require.NoError(t, err)
			got = append(got, m.Group+" has "+m.ID)
		}
		require.Equal(t, len(want), len(got))
		require.True(t, slices.Equal(want, got))

		for _, tt := range []struct{ most, complete, rows int }{{5, 0, 0}, {6000, 1, 6000}, {6001, 4, 6001}, {12_001, 8, 12_001}, {0, 16, len(want)}, {1 << 20, 16, len(want)}} {
			var rows sqlstore.MemberRows
			complete, err := sqlstore.EngineOf(s).Members(t.Context(), store.MemberQuery{Tenant: "t", Groups: asked}, &rows, tt.most)
			require.NoError(t, err)
			n := 0
			for range rows.All() {
				n++
			}
			require.Equal(t, tt.rows, n, "rows of at most %d", tt.most)
			require.GreaterOrEqual(t, complete, tt.complete, "owners of at most %d rows", tt.most)
			require.LessOrEqual(t, complete, tt.complete+1, "one without rows may be among them")
		}
	})
}

// TestMemberRows shows that the rows of 100,000 members need less than 10 MB, and come back as they were added.
func TestMemberRows(t *testing.T) {
	var rows sqlstore.MemberRows
	var want []store.Member
	rows.Begin("empty", false)
	for i := range 100_000 {
		if i%50_000 == 0 {
			rows.Begin("nobody", false)
			rows.Begin(fmt.Sprint("owner", i), i > 0)
		}
		m := store.Member{Group: "owner0", Type: "User", ID: uuid.NewString(), Label: "somebody." + fmt.Sprint(i) + "@corp.example"}
		if i%1000 == 999 {
			m.Type, m.Label = "Group", strings.Repeat("long ", i/10)
		}
		if rows.Add(m.Type, m.ID, m.Label); i >= 50_000 {
			m.Group, m.ID = m.ID, "owner50000"
		}
		if i%1000 == 999 {
			m.Label = strings.Repeat("long ", i/10)
		}
		want = append(want, m)
	}
	size := rows.Slab.Cap()
	for _, s := range rows.Slabs {
		size += len(s)
	}
	labels := 0
	for _, m := range want {
		if m.Type == "Group" {
			labels += len(m.Label)
		}
	}
	require.Less(t, size-labels, 10_000_000)
	require.True(t, slices.Equal(want, slices.Collect(rows.All())))

	rows = sqlstore.MemberRows{}
	rows.Begin("a", false)
	rows.Add("User", "1", "")
	rows.Begin("b", false)
	rows.Add("User", "2", "two")
	rows.Add("User", "3", "three")
	rows.DropLast()
	require.Equal(t, []store.Member{{Group: "a", Type: "User", ID: "1"}}, slices.Collect(rows.All()))
}
