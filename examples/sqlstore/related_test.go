package sqlstore_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// answeredRows counts statements and the rows that they returned.
type answeredRows struct {
	trips
	rows []int64
}

func (n *answeredRows) TraceQueryEnd(_ context.Context, _ *pgx.Conn, d pgx.TraceQueryEndData) {
	n.rows = append(n.rows, d.CommandTag.RowsAffected())
}

// newNoted opens a store on PostgreSQL with one connection and a tracer.
func newNoted(t *testing.T, tracer pgx.QueryTracer) *sqlstore.Store {
	t.Helper()
	schema := newSchema(t)
	c, err := pgxpool.ParseConfig(os.Getenv(postgresVariable))
	require.NoError(t, err)
	c.MaxConns = 1
	c.ConnConfig.Tracer = tracer
	postgres.Tune(c)
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s, err := onPool(t.Context(), pool, &sqlstore.Options{Schema: schema})
	require.NoError(t, err)
	return s
}

func compare(attribute string, op filter.Op, value string) filter.Compare {
	return filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: attribute}, Type: filter.String}, Op: op, Value: document.String(value)}
}

// relatedQueries are lists of users, and how many statements each may take PostgreSQL.
var relatedQueries = map[string]struct {
	q     store.Query
	trips int
}{
	"all":        {store.Query{Count: 50}, 1},
	"page":       {store.Query{Count: 4, Start: 3}, 1},
	"one":        {store.Query{Count: 50, Filter: compare("userName", filter.Eq, "u000007")}, 1},
	"some":       {store.Query{Count: 50, Filter: filter.Or{compare("userName", filter.Eq, "u000002"), compare("userName", filter.Eq, "u000004"), compare("userName", filter.Eq, "u000000")}}, 1},
	"none":       {store.Query{Count: 50, Filter: compare("userName", filter.Eq, "nobody")}, 1},
	"looked at":  {store.Query{Count: 50, Filter: compare("userName", filter.Co, "0")}, 0},
	"sorted":     {store.Query{Count: 50, Sort: &store.Sort{By: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}, Descending: true}}, 0},
	"by created": {store.Query{Count: 50, Sort: &store.Sort{By: filter.Attr{Path: filter.Path{Name: "meta", Sub: "created"}, Type: filter.DateTime}}}, 0},
	"total":      {store.Query{}, 1},
}

// TestRelatedStops lists users of whom each is in 30 groups: no more rows are read than were asked for. They come with the page, and are
// complete for the first users.
func TestRelatedStops(t *testing.T) {
	const users, groups = 20, 30
	check := func(t *testing.T, s *sqlstore.Store, reset func(), statements func() (n int, rows int64)) {
		all := populate(t, s, users)
		for g := range groups {
			id := fmt.Sprintf("g%02d", g)
			commit(t, s, create(testGroup(id)))
			commit(t, s, store.Change{Members: []store.MemberDelta{{Group: id, Version: "1", Add: refs(all...)}}})
		}
		for name, tt := range relatedQueries {
			for _, most := range []int{0, 1, groups - 1, groups, groups + 1, 100, users * groups, 1 << 20} {
				about := fmt.Sprintf("%s with %d", name, most)
				q := tt.q
				q.Tenant, q.Types = "t", []string{"User"}
				want, err := s.List(t.Context(), q)
				require.NoError(t, err, about)
				reset()
				page, rows, complete, err := s.ListRelated(t.Context(), q, most)
				require.NoError(t, err, about)
				require.Equal(t, want, page, about)
				if n, read := statements(); n > 0 && tt.trips > 0 {
					require.Equal(t, tt.trips, n, about)
					require.LessOrEqual(t, read, int64(len(page.Resources)+1+most+1), "rows of "+about)
				}
				require.LessOrEqual(t, len(rows), most, about)
				require.Equal(t, min(len(page.Resources), most/groups), complete, about)
				var of store.MemberQuery
				for _, r := range page.Resources[:complete] {
					of.Of = append(of.Of, r.ID)
				}
				of.Tenant = "t"
				expected := []store.Member{}
				for m, err := range s.Members(t.Context(), of) {
					require.NoError(t, err)
					expected = append(expected, m)
				}
				require.Equal(t, expected, append([]store.Member{}, rows...), about)
			}
		}
	}
	t.Run("SQLite", func(t *testing.T) {
		check(t, newOnSQLite(t, nil), func() {}, func() (int, int64) { return 0, 0 })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		n := &answeredRows{}
		s := newNoted(t, n)
		check(t, s, func() { n.texts, n.rows = nil, nil }, func() (int, int64) {
			sum := int64(0)
			for _, r := range n.rows {
				sum += r
			}
			return len(n.texts), sum
		})
	})
}
