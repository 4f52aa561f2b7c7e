package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

func related(where filter.Expr) filter.Expr {
	return filter.Related{Relation: filter.Groups, Where: where}
}

func inGroup(id string) filter.Expr {
	c := compare("value", filter.Eq, id)
	c.Attr.CaseExact = true
	return related(c)
}

func meta(sub string, op filter.Op, at time.Time) filter.Expr {
	return filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: "meta", Sub: sub}, Type: filter.DateTime}, Op: op,
		Value: document.String(at.Format(time.RFC3339)), Time: at}
}

func byID(id string) filter.Expr {
	c := compare("id", filter.Eq, id)
	c.Attr.CaseExact = true
	return c
}

// costly are lists of users that no index answers.
var costly = map[string]store.Query{
	"attribute":                  {Count: 5, Filter: compare("userName", filter.Co, "00")},
	"attribute, total only":      {Filter: compare("userName", filter.Co, "00")},
	"one of many":                {Count: 5, Filter: filter.Or{compare("userName", filter.Eq, "u000003"), compare("title", filter.Eq, "x")}},
	"in no other group":          {Count: 5, Filter: filter.Not{X: related(filter.Not{X: compare("display", filter.Co, "x")})}},
	"group's name":               {Count: 5, Filter: related(compare("display", filter.Eq, "g"))},
	"not in a group":             {Filter: filter.Not{X: inGroup("g")}},
	"created":                    {Count: 5, Filter: meta("created", filter.Ge, epoch)},
	"in the order of created":    {Count: 5, Sort: &store.Sort{By: filter.Attr{Path: filter.Path{Name: "meta", Sub: "created"}, Type: filter.DateTime}}},
	"in the order of a title":    {Count: 5, Sort: &store.Sort{By: filter.Attr{Path: filter.Path{Name: "title"}, Type: filter.String}}},
	"in many groups":             {Count: 5, Filter: filter.Or{inGroup("g"), inGroup("a"), inGroup("b"), inGroup("c"), inGroup("d")}},
	"a large group's, looked at": {Count: 5, Filter: filter.And{inGroup("g"), compare("userName", filter.Co, "00")}},
}

// cheap are lists that an index answers.
var cheap = map[string]store.Query{
	"all":                {Count: 5},
	"total only":         {},
	"far":                {Count: 5, Start: sqlstore.Far},
	"changed last":       {Count: 5, Sort: &store.Sort{By: filter.Attr{Path: filter.Path{Name: "meta", Sub: "lastModified"}, Type: filter.DateTime}, Descending: true}},
	"changed since":      {Count: 5, Filter: meta("lastModified", filter.Gt, epoch)},
	"a name":             {Count: 5, Filter: compare("userName", filter.Eq, "u000003")},
	"two names":          {Count: 5, Filter: filter.Or{compare("userName", filter.Eq, "u000003"), compare("userName", filter.Eq, "u000004")}},
	"a name and more":    {Count: 5, Filter: filter.And{compare("userName", filter.Eq, "u000003"), compare("title", filter.Co, "x")}},
	"a name and a group": {Count: 5, Filter: filter.And{related(compare("display", filter.Co, "x")), compare("userName", filter.Eq, "u000003")}},
	"an id":              {Count: 5, Filter: byID("u000003")},
	"a group's":          {Count: 5, Filter: inGroup("g")},
	"a group's total":    {Filter: inGroup("g")},
	"two groups'":        {Filter: filter.Or{inGroup("g"), inGroup("a")}},
	"in order of names":  {Count: 5, Sort: &store.Sort{By: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}, Descending: true}},
	"a beginning":        {Count: 5, Filter: compare("userName", filter.Sw, "u00")},
	"active":             {Count: 5, Filter: filter.Compare{Attr: filter.Attr{Path: filter.Path{Name: "active"}, Type: filter.Boolean}, Op: filter.Eq, Value: document.Bool(true)}},
	"by name":            {Count: 5, Filter: compare("userName", filter.Eq, "u000003"), Sort: &store.Sort{By: filter.Attr{Path: filter.Path{Name: "title"}, Type: filter.String}}},
}

// ask runs queries on the users of the tenant t, and checks the errors.
func ask(t *testing.T, s *sqlstore.Store, queries map[string]store.Query, want error) {
	t.Helper()
	for name, q := range queries {
		q.Tenant, q.Types = "t", []string{"User"}
		_, err := s.List(t.Context(), q)
		require.ErrorIs(t, err, want, name)
	}
}

// large creates more users than a list may look at before it counts as a scan, all in one group.
func large(t *testing.T, s *sqlstore.Store) {
	users := populate(t, s, sqlstore.Few+200)
	commit(t, s, create(testGroup("g")))
	commit(t, s, store.Change{Members: []store.MemberDelta{{Group: "g", Version: "1", Add: refs(users...)}}})
}

// TestScansOfATenant shows that a tenant can run a certain number of costly lists at once, and not more. Other tenants, and lists that an
// index answers, don't wait for them, also while all tenants together run as many as they may.
func TestScansOfATenant(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		large(t, s)
		ask(t, s, costly, nil)
		var leave []func()
		hold := func(tenant string) {
			l, err := sqlstore.ScansOf(s).Enter(t.Context(), tenant)
			require.NoError(t, err)
			leave = append(leave, l)
		}
		release := func() {
			for _, l := range leave {
				l()
			}
			leave = nil
		}
		for range sqlstore.ScansOf(s).Each {
			hold("t")
		}
		sqlstore.ScansOf(s).Patience = time.Millisecond
		ask(t, s, costly, store.ErrBusy)
		ask(t, s, cheap, nil)
		_, err := s.List(t.Context(), store.Query{Tenant: "other", Types: []string{"User"}, Filter: compare("userName", filter.Co, "00")})
		require.NoError(t, err)
		release()
		ask(t, s, costly, nil)

		for n := range cap(sqlstore.ScansOf(s).All) {
			hold(fmt.Sprint("tenant ", n))
		}
		ask(t, s, costly, store.ErrBusy)
		ask(t, s, cheap, nil)
		require.Less(t, cap(sqlstore.ScansOf(s).All), sqlstore.EngineOf(s).Connections(), "connections are left")
		if turns := sqlstore.EngineOf(s).Turns(); turns > 1 {
			require.Less(t, sqlstore.ScansOf(s).Each, turns, "a tenant's scans leave it a turn")
		}
		sqlstore.ScansOf(s).Patience = time.Minute // with patience it waits for its turn, and holds no connection
		var wg sync.WaitGroup
		for range 2 * sqlstore.EngineOf(s).Connections() {
			wg.Go(func() {
				_, err := s.List(context.WithoutCancel(t.Context()), store.Query{Tenant: "t", Types: []string{"User"}, Filter: compare("userName", filter.Co, "00")})
				require.NoError(t, err)
			})
		}
		ask(t, s, cheap, nil)
		release()
		wg.Wait()
		require.Empty(t, sqlstore.ScansOf(s).Tenants, "nothing is left of scans that have ended")
		require.Empty(t, sqlstore.ScansOf(s).All)
	})
}

// TestScanTurns checks how many scans are admitted.
func TestScanTurns(t *testing.T) {
	for _, tt := range []struct{ connections, turns, scans, all, each int }{
		{1, 1, 0, 1, 1}, {2, 1, 0, 1, 1}, {4, 2, 0, 2, 1}, {8, 2, 0, 4, 1}, {8, 2, 100, 4, 1}, {16, 4, 0, 8, 2}, {16, 4, 1, 8, 1}, {16, 4, 100, 8, 3}, {64, 16, 0, 32, 2},
	} {
		s := sqlstore.NewScans(&sqlstore.Options{Scans: tt.scans}, tt.turns, tt.connections)
		require.Equal(t, tt.all, cap(s.All), "%+v", tt)
		require.Equal(t, tt.each, s.Each, "%+v", tt)
	}
	s := sqlstore.NewScans(&sqlstore.Options{}, 2, 4)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	leave, err := s.Enter(gone, "a")
	require.NoError(t, err, "a turn that is free needs no waiting")
	_, err = s.Enter(gone, "a")
	require.ErrorIs(t, err, store.ErrBusy)
	leaveOther, err := s.Enter(gone, "b")
	require.NoError(t, err)
	_, err = s.Enter(gone, "c")
	require.ErrorIs(t, err, store.ErrBusy)
	leave()
	leaveOther()
	require.Empty(t, s.Tenants)
}

// TestScanBudget shows that lists that take too long, or would look at too many resources, fail with store.ErrTooMuch.
func TestScanBudget(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		large(t, s)
		sqlstore.ScansOf(s).Rows = sqlstore.Few + 100
		ask(t, s, costly, store.ErrTooMuch)
		ask(t, s, cheap, nil)
		sqlstore.ScansOf(s).Rows, sqlstore.ScansOf(s).Time = 0, time.Nanosecond
		ask(t, s, costly, store.ErrTooMuch)
		plain := map[string]store.Query{}
		for _, name := range []string{"all", "total only", "far", "a name", "an id", "a group's", "changed last"} {
			plain[name] = cheap[name]
		}
		ask(t, s, plain, nil)
		sqlstore.ScansOf(s).Time = -1
		ask(t, s, costly, nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, q := range costly {
			q.Tenant, q.Types = "t", []string{"User"}
			_, err := s.List(ctx, q)
			require.ErrorIs(t, err, context.Canceled, name)
		}
	})
}

// TestScanEnds shows that the statement of a list ends if it takes too long, and if the context of the caller ends.
func TestScanEnds(t *testing.T) {
	s := newOnPostgres(t, nil)
	large(t, s)
	p := sqlstore.EngineOf(s).(postgresEngine)
	connect := func() *pgx.Conn {
		c, err := pgx.Connect(t.Context(), p.Pool().Config().ConnString())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
		return c
	}
	admin := connect()
	running := func() (n int) {
		err := admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'`, p.TablesIn()).Scan(&n)
		require.NoError(t, err)
		return n
	}
	tx, err := connect().Begin(t.Context()) // statements that read users wait for this transaction
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), p.Fill("LOCK TABLE ~resource IN ACCESS EXCLUSIVE MODE"))
	require.NoError(t, err)
	q := costly["attribute"]
	q.Tenant, q.Types = "t", []string{"User"}

	sqlstore.ScansOf(s).Time = 100 * time.Millisecond
	_, err = s.List(t.Context(), q)
	require.ErrorIs(t, err, store.ErrTooMuch)
	require.Eventually(t, func() bool { return running() == 0 }, time.Minute, time.Millisecond)

	sqlstore.ScansOf(s).Time = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := s.List(ctx, q)
		done <- err
	}()
	require.Eventually(t, func() bool { return running() == 1 }, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.Eventually(t, func() bool { return running() == 0 }, time.Minute, time.Millisecond)
	require.NoError(t, tx.Rollback(t.Context()))
	ask(t, s, costly, nil)
}

// TestScanStatements shows that a few statements look at 1,200 users, whatever the filter asks of their groups.
func TestScanStatements(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		large(t, s)
		asked := spy(s)
		all := map[string]store.Query{
			"an attribute or a group": {Count: 500, Filter: filter.Or{compare("title", filter.Co, "x"), related(compare("display", filter.Co, "z"))}},
			"what SQL can't say":      {Count: 500, Filter: filter.Or{compare("title", filter.Co, "x"), related(compare("display", filter.Co, "z\n"))}},
			"sorted": {Count: 500, Filter: related(compare("display", filter.Co, "g")),
				Sort: &store.Sort{By: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}}},
		}
		for name, q := range costly {
			all[name] = q
		}
		for name, q := range all {
			*asked = nil
			ask(t, s, map[string]store.Query{name: q}, nil)
			require.LessOrEqual(t, len(*asked), 8, name)
		}
	})
}

// TestScanPlans checks how PostgreSQL finds users by their groups: it looks these up for each user, and never joins
// all users with all memberships, whatever its statistics say.
func TestScanPlans(t *testing.T) {
	n := &trips{}
	s := newNoted(t, n)
	large(t, s)
	for _, analyzed := range []bool{false, true} {
		if analyzed {
			for _, table := range []string{"resource", "member", "keys"} {
				_, err := sqlstore.EngineOf(s).(postgresEngine).Pool().Exec(t.Context(), sqlstore.EngineOf(s).(postgresEngine).Fill("ANALYZE ~"+table))
				require.NoError(t, err)
			}
		}
		n.texts = nil
		for _, name := range []string{"in no other group", "group's name", "not in a group", "a large group's, looked at"} {
			ask(t, s, map[string]store.Query{name: costly[name]}, nil)
		}
		looked := 0
		for _, sql := range n.texts {
			if !strings.Contains(sql, "EXISTS") {
				continue
			}
			plan := explainText(t, sqlstore.EngineOf(s).(postgresEngine).Pool(), sql)
			require.Contains(t, plan, "SubPlan", sql)
			require.NotRegexp(t, "Anti Join|Semi Join|Hash Join|Merge Join|Seq Scan on rollcall_", plan, sql)
			looked++
		}
		require.Greater(t, looked, 3)
	}
}

// TestParsedOnce shows that a document is parsed once for a filter, if that has one term and if it has 250.
func TestParsedOnce(t *testing.T) {
	r := &sqlstore.Record{Resource: *testUser("u", "somebody")}
	r.Attributes = document.Document(`{"userName":"somebody","title":"engineer","emails":[{"value":"a@b.example","type":"work"},{"value":"c@d.example","type":"home"}]}`)
	var rows [filter.Groups + 1]int
	cost := func(terms int) float64 {
		var x filter.Or
		for n := range terms {
			x = append(x, compare("title", filter.Co, fmt.Sprint("none", n)), compare("emails", filter.Co, fmt.Sprint("none", n)))
		}
		src := &sqlstore.Source{}
		return testing.AllocsPerRun(20, func() {
			if err := src.Reset(r, &rows); err != nil || filter.Match(x, src) {
				panic(errors.Join(errors.New("it matches"), err))
			}
		})
	}
	require.Less(t, cost(250), cost(1)+10)
}
