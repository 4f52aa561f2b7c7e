package sqlstore_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/store"
)

// useAll calls those methods of a store that no single request calls: for deliveries, the journal, claims and retention.
func useAll(t *testing.T, s *sqlstore.Store) {
	ctx := t.Context()
	fill(t, s, "t", 3)
	ada := store.Key{Tenant: "t", Type: "User", ID: "u1"}
	for _, l := range []store.Lease{{}, {Tenant: "t"}, {Tenant: "t", Subjects: []store.Key{ada}}, {Tenant: "t", Subjects: []store.Key{ada, ada, ada}}} {
		l.Owner, l.Consumer, l.Max = "one", hooks, 2
		events, err := s.Lease(ctx, l)
		require.NoError(t, err)
		for _, e := range events {
			for _, o := range []store.Outcome{store.Renew, store.HandBack, store.Retry, store.Park, store.Done} {
				require.NoError(t, s.Settle(ctx, []store.Settlement{{Tenant: "t", EventID: e.ID, Consumer: hooks, Owner: "one", Outcome: o}}))
			}
		}
	}
	for _, r := range []store.Replay{{}, {From: epoch}, {Subject: &ada}, {EventID: "t 0001"}} {
		r.Tenant, r.Consumer = "t", hooks
		require.NoError(t, s.Replay(ctx, r))
	}
	_, err := s.Parked(ctx, "t", hooks, 1)
	require.NoError(t, err)
	for _, q := range []store.JournalQuery{{}, {Connection: "x"}, {Subject: "x"}, {Outcome: "x"}, {Request: "x"}, {Subject: "x", Before: "x"},
		{Request: "x", Subject: "x", Connection: "x", Outcome: "x", Before: "x"}} {
		q.Tenant, q.Max = "t", 10
		_, err := s.Journal(ctx, q)
		require.NoError(t, err)
	}
	_, err = s.Counters(ctx, "t", seats, "brake")
	require.NoError(t, err)
	require.NoError(t, s.Commit(ctx, claims(store.Claim{Counter: seats, Take: -1}, store.Claim{Counter: seats, Take: 1, Limit: 1 << 20})))
	commit(t, s, store.Change{
		Members: []store.MemberDelta{{Group: "g", Version: "v2", Remove: []string{"u1"}}, {Group: "g", Version: "v3", Add: []store.MemberRef{{ID: "u1"}}}},
	})
	commit(t, s, store.Change{Members: []store.MemberDelta{{Group: "g", Remove: []string{"u2"}}}, Delete: []store.Delete{{Type: "User", ID: "u2"}}})
	_, err = s.Prune(ctx, store.Retention{Done: epoch, Parked: epoch, Journal: epoch.Add(time.Second)})
	require.NoError(t, err)
	require.NoError(t, s.Forget(ctx, "t"))
}

// checkPostgresPlans checks the plans of all statements that the pool's only connection has prepared. The statistics are those of
// empty tables.
func checkPostgresPlans(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	rows, err := pool.Query(t.Context(), "SELECT name, statement, cardinality(parameter_types) FROM pg_prepared_statements WHERE statement LIKE '%rollcall_%'")
	require.NoError(t, err)
	type prepared struct {
		Name, Statement string
		Places          int
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[prepared])
	require.NoError(t, err)
	require.Greater(t, len(all), 20)
	bad := regexp.MustCompile(`Seq Scan on rollcall_(resource|member|keys|event|journal)|on rollcall_(resource|member)[^\n]*\n *Index Cond: \(tenant = [^ ()]+\)|Filter: \(\(?(member_)?id = ANY`)
	for _, p := range all {
		if strings.HasPrefix(p.Statement, "DELETE FROM") && strings.Contains(p.Statement, " LIMIT ") {
			bad := regexp.MustCompile(`Seq Scan on rollcall_(resource|member|keys|event|journal)`) // this statement should read all rows of a tenant
			require.NotRegexp(t, bad, explain(t, pool, "EXECUTE "+p.Name, p.Places), p.Statement)
			continue
		}
		require.NotRegexp(t, bad, explain(t, pool, "EXECUTE "+p.Name, p.Places), p.Statement)
	}
}

// checkLitePlans checks the plans of SQLite.
func checkLitePlans(t *testing.T, e liteEngine, statements []string) {
	t.Helper()
	bad := regexp.MustCompile(`^SCAN (r|m|o|k|e|p|rollcall_(resource|member|keys|event|journal))\b|^SEARCH (r|m|o|rollcall_resource|rollcall_member) .*\(tenant=\?\)$`)
	for _, sql := range statements {
		places := 0
		for strings.Contains(sql, fmt.Sprint("?", places+1)) {
			places++
		}
		rows, err := e.Reader().Query("EXPLAIN QUERY PLAN "+sql, make([]any, places)...)
		require.NoError(t, err, sql)
		for rows.Next() {
			var id, parent, unused int
			var detail string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
			if !strings.HasPrefix(sql, "DELETE FROM") || !strings.Contains(sql, " LIMIT ") { // a batch of Forget should read all rows of a tenant
				require.NotRegexp(t, bad, detail, sql)
			}
		}
		require.NoError(t, rows.Close())
	}
}

// meant has, by a part of a statement, the index that the statement should use.
var meant = map[string]string{
	"e.seq + 0": "rollcall_event_subject", "ORDER BY e.seq LIMIT": "rollcall_event_due", "owner <> ''": "rollcall_event_leased",
	"subject_id <> ''": "rollcall_journal_subject",
	"outcome <> ''":    "rollcall_journal_outcome", "request <> ''": "rollcall_journal_request",
}

// TestPostgresStatements checks the plans of the statements of useAll.
func TestPostgresStatements(t *testing.T) {
	schema := newSchema(t)
	c, err := pgxpool.ParseConfig(os.Getenv(postgresVariable))
	require.NoError(t, err)
	c.MaxConns = 1
	postgres.Tune(c)
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s, err := onPool(t.Context(), pool, &sqlstore.Options{Schema: schema})
	require.NoError(t, err)
	useAll(t, s)
	checkPostgresPlans(t, pool)
	for part, index := range meant {
		var name, statement string
		var places int
		rows, err := pool.Query(t.Context(), "SELECT name, statement, cardinality(parameter_types) FROM pg_prepared_statements WHERE strpos(statement, $1) > 0", part)
		require.NoError(t, err)
		type found struct{ name, statement string }
		n := map[found]int{}
		_, err = pgx.ForEachRow(rows, []any{&name, &statement, &places}, func() error { n[found{name, statement}] = places; return nil })
		require.NoError(t, err)
		require.NotEmpty(t, n, part)
		for f, places := range n {
			require.Contains(t, explain(t, pool, "EXECUTE "+f.name, places), index, f.statement)
		}
	}
}

func TestLiteStatements(t *testing.T) {
	s := newOnSQLite(t, nil)
	e := sqlstore.EngineOf(s).(liteEngine)
	e.ForgetTexts()
	useAll(t, s)
	var statements []string
	e.Made().Made.Range(func(_, text any) bool { statements = append(statements, text.(string)); return true })
	require.Greater(t, len(statements), 20)
	checkLitePlans(t, e, statements)
	for part, index := range meant {
		n := 0
		for _, sql := range statements {
			if !strings.Contains(sql, part) {
				continue
			}
			n++
			plan := ""
			rows, err := e.Reader().Query("EXPLAIN QUERY PLAN "+sql, make([]any, 20)[:strings.Count(sql, "?")]...)
			require.NoError(t, err, sql)
			for rows.Next() {
				var id, parent, unused int
				var detail string
				require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
				plan += detail + "\n"
			}
			require.NoError(t, rows.Close())
			require.Contains(t, plan, index, sql)
		}
		require.NotZero(t, n, part)
	}
}
