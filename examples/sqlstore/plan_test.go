package sqlstore_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/people"
	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/lifecycle"
)

// indexedRequests are requests that indexes answer for any number of people, with the number of round trips to
// PostgreSQL. 0 means that the number varies.
var indexedRequests = []struct {
	method, path, body string
	trips              int
}{
	{"POST", "/Users", `{"userName":"ada","externalId":"e","emails":[{"value":"ada@example.com","primary":true}]}`, 1},
	{"POST", "/Groups", `{"displayName":"crew","members":[{"value":"` + people.ID(1) + `"}]}`, 2},
	{"PUT", "/Users/" + people.ID(2), `{"userName":"person.2","displayName":"x"}`, 2},
	{"PATCH", "/Users/" + people.ID(2), `{"Operations":[{"op":"replace","path":"displayName","value":"y"}]}`, 2},
	{"PATCH", "/Users/" + people.ID(2), `{"Operations":[{"op":"replace","path":"active","value":false}]}`, 2},
	{"PATCH", "/Groups/all", `{"Operations":[{"op":"remove","path":"members","value":[{"value":"` + people.ID(3) + `"}]}]}`, 2},
	{"PATCH", "/Groups/all", `{"Operations":[{"op":"add","path":"members","value":[{"value":"` + people.ID(3) + `"}]}]}`, 2},
	{"PATCH", "/Groups/all", `{"Operations":[{"op":"replace","path":"displayName","value":"everybody"}]}`, 3}, // the groups that show its name have a new version, too
	{"DELETE", "/Users/" + people.ID(4), "", 4},
	{"GET", "/Users/" + people.ID(2), "", 1},
	{"GET", "/Groups/all", "", 3}, // the group is read again after its members, to know that they are of the same moment
	{"GET", "/Groups/all?excludedAttributes=members", "", 1},
	{"GET", "/Users?startIndex=3&count=2", "", 1},
	{"GET", "/Groups?excludedAttributes=members", "", 1},
	{"GET", "/Users?startIndex=2000&count=2", "", 3}, // it runs in a transaction, so that the counts are of the same moment
	{"GET", "/Users?sortBy=userName&count=2", "", 0},
	{"GET", "/Users?sortBy=displayName&sortOrder=descending&count=2", "", 0},
	{"GET", "/Users?sortBy=externalId&count=2", "", 0},
	{"GET", "/Users?count=2&filter=" + url.QueryEscape(`userName sw "person"`), "", 0},
	{"GET", "/Users?count=2&sortBy=userName&filter=" + url.QueryEscape(`userName sw "person"`), "", 0},
	{"GET", "/Users?count=2&filter=" + url.QueryEscape(`userName sw "person" or displayName sw "Ada" or emails.value sw "a"`), "", 0},
	{"GET", "/Users?count=2&filter=" + url.QueryEscape(`active eq true`), "", 4},
	{"GET", "/Users?count=2&filter=" + url.QueryEscape(`active eq false and userName sw "person"`), "", 0},
	{"GET", "/Users?cursor&count=2", "", 3}, // the tenant's key for cursors is looked up and made
	{"GET", "/Users?cursor&count=2", "", 1},
	{"GET", "/Users?filter=" + url.QueryEscape(`userName eq "ada"`), "", 1},
	{"GET", "/Users?filter=" + url.QueryEscape(`externalId eq "e" and active eq true`), "", 0},
	{"GET", "/Users?filter=" + url.QueryEscape(`emails[type eq "work" and value eq "ada@example.com"]`), "", 0},
	{"GET", "/Users?filter=" + url.QueryEscape(`userName eq "ada" or emails.value eq "ada@example.com"`), "", 0},
	{"GET", "/Users?filter=" + url.QueryEscape(`id eq "`+people.ID(2)+`"`), "", 1},
	{"GET", "/Users?filter=" + url.QueryEscape(`meta.lastModified gt "2026-01-01T00:00:00Z"`), "", 0},
	{"GET", "/Groups?filter=" + url.QueryEscape(`displayName eq "crew"`), "", 0},
	{"GET", "/Groups?excludedAttributes=members&filter=" + url.QueryEscape(`members eq "`+people.ID(2)+`"`), "", 0},
	{"GET", "/Groups?filter=" + url.QueryEscape(`id eq "all" and members eq "`+people.ID(2)+`"`), "", 0},
}

// askAll sends the requests to a store with a few people. It checks the round trips where they are noted.
func askAll(t *testing.T, s *sqlstore.Store, noted *trips) {
	h := newAsker(t, s)
	require.NoError(t, people.Users(t.Context(), s, h.Lifecycle().Index, "acme", 0, 10))
	require.NoError(t, people.Group(t.Context(), s, h.Lifecycle().Index, "acme", "all", 10))
	for _, x := range indexedRequests {
		noted.texts = nil
		w := h.do(x.method, x.path, x.body)
		require.Less(t, w.Code, http.StatusBadRequest, "%s %s: %s", x.method, x.path, w.Body)
		if x.trips > 0 && noted.isTracer {
			require.Len(t, noted.texts, x.trips, "%s %s", x.method, x.path)
		}
		if strings.HasSuffix(x.path, "?excludedAttributes=members") {
			require.NotContains(t, strings.Join(noted.texts, ""), "_member")
		}
	}
	_, err := h.Lifecycle().Login(t.Context(), "acme", lifecycle.Identity{UserName: people.UserName(5)})
	require.NoError(t, err)
}

// trips notes the statements that go to PostgreSQL. Each text is one round trip; it may be a batch of statements.
type trips struct {
	isTracer bool
	texts    []string
}

func (n *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	n.texts = append(n.texts, d.SQL)
	return ctx
}

func (n *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	var all []string
	for _, q := range d.Batch.QueuedQueries {
		all = append(all, q.SQL)
	}
	n.texts = append(n.texts, strings.Join(all, ";\n"))
	return ctx
}

func (*trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData)     {}
func (*trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// TestLitePlans checks the plans of SQLite for the statements of those requests: none reads everything of a tenant. SQLite makes them without
// statistics.
func TestLitePlans(t *testing.T) {
	s := newOnSQLite(t, nil)
	e := sqlstore.EngineOf(s).(liteEngine)
	asked := spy(s)
	askAll(t, s, &trips{})
	var statements []string
	for _, text := range *asked {
		if !strings.Contains(text, "UPDATE ") && !strings.Contains(text, "DELETE ") {
			statements = append(statements, e.Fill(text))
		}
	}
	read, written := e.Prepared()
	statements = slices.Concat(statements, read, written)
	bad := regexp.MustCompile(`^SCAN (r|m|o|k|rollcall_(resource|member|keys|event|journal))\b|^SEARCH (r|m|o|rollcall_resource|rollcall_member) .*\(tenant=\?\)$`)
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
			require.NotRegexp(t, bad, detail, sql)
		}
		require.NoError(t, rows.Close())
	}
}

// TestPostgresPlans does the same with PostgreSQL, whose statistics are those of empty tables. It also counts
// the round trips.
func TestPostgresPlans(t *testing.T) {
	noted := &trips{isTracer: true}
	s := newNoted(t, noted)
	pool := sqlstore.EngineOf(s).(postgresEngine).Pool()
	asked := spy(s)
	askAll(t, s, noted)
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
		plan := explain(t, pool, "EXECUTE "+p.Name, p.Places)
		require.NotRegexp(t, bad, plan, p.Statement)
	}
	p := sqlstore.EngineOf(s).(spiedEngine).Engine.(postgresEngine)
	once := 0
	for _, text := range *asked {
		text = p.Fill(text)
		if slices.ContainsFunc(all, func(p prepared) bool { return p.Statement == text }) || strings.Contains(text, "UPDATE ") {
			continue
		}
		require.NotRegexp(t, bad, explainText(t, pool, text), text)
		once++
	}
	require.Greater(t, once, 1, "statements that don't stay prepared")
}

// explainText returns the plan of a statement that isn't prepared.
func explainText(t *testing.T, pool *pgxpool.Pool, text string) string {
	t.Helper()
	places := 0
	for strings.Contains(text, sqlstore.Place(places+1)) {
		places++
	}
	_, err := pool.Exec(t.Context(), "PREPARE looked_at AS "+text, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err, text)
	plan := explain(t, pool, "EXECUTE looked_at", places)
	_, err = pool.Exec(t.Context(), "DEALLOCATE looked_at", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	return plan
}

// explain returns the plan of an EXECUTE with so many parameters. The pool must have one connection.
func explain(t *testing.T, pool *pgxpool.Pool, execute string, places int) string {
	t.Helper()
	if places > 0 {
		execute += "(NULL" + strings.Repeat(", NULL", places-1) + ")"
	}
	rows, err := pool.Query(t.Context(), "EXPLAIN "+execute, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err, execute)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err, execute)
	return strings.Join(plan, "\n")
}
