package benchmarks_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/people"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// usersVariable says how many users the larger tenant of BenchmarkSize has; it takes a few minutes to fill one of 1,000,000.
const usersVariable = "ROLLCALL_BENCH_USERS"

// tenant is a handler over a store with the people of one tenant.
type tenant struct {
	store   boot.Database
	handler *scim.Handler
	users   int
}

// fillTenant makes a tenant in which a tenth of the people are members of one group.
func fillTenant(b *testing.B, s boot.Database, users int) *tenant {
	h, err := scim.NewHandler(s, &scim.Options{Auth: scim.BearerTokens{"benchmark-token": bareTenant},
		Limits: scim.Limits{Body: 16 << 20}})
	require.NoError(b, err)
	index := h.Lifecycle().Index
	require.NoError(b, people.Users(b.Context(), s, index, bareTenant, 0, users))
	require.NoError(b, people.Group(b.Context(), s, index, bareTenant, "crew", users/10))
	if v, ok := s.(interface{ sweep(b *testing.B) }); ok {
		v.sweep(b)
	}
	return &tenant{s, h, users}
}

// engines has a function for each kind of store, which opens an empty one.
var engines = []struct {
	name string
	open func(b *testing.B) boot.Database
}{
	{"SQLite", func(b *testing.B) boot.Database {
		s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), nil)
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, s.Close()) })
		return s
	}},
	{"PostgreSQL", func(b *testing.B) boot.Database {
		pool := newPool(b)
		s, err := postgres.OnPool(b.Context(), pool, nil)
		require.NoError(b, err)
		return vacuumed{s, pool}
	}},
}

// vacuumed is a store on PostgreSQL that runs VACUUM after it was filled, as a server does by itself sooner or later.
type vacuumed struct {
	*postgres.Store
	pool *pgxpool.Pool
}

func (v vacuumed) sweep(b *testing.B) {
	_, err := v.pool.Exec(b.Context(), "VACUUM (ANALYZE)")
	require.NoError(b, err)
}

func (t *tenant) do(b *testing.B, method, path, body string, status int, holds string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer benchmark-token")
	r.Header.Set("Content-Type", "application/scim+json")
	w := httptest.NewRecorder()
	t.handler.ServeHTTP(w, r)
	if w.Code != status || !strings.Contains(w.Body.String(), holds) {
		b.Fatalf("%s %s: %d %.300s", method, path, w.Code, w.Body)
	}
}

func memberPatch(op string, ids ...string) string {
	var list strings.Builder
	for i, id := range ids {
		if i > 0 {
			list.WriteByte(',')
		}
		fmt.Fprintf(&list, `{"value":%q}`, id)
	}
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"` + op + `","path":"members","value":[` + list.String() + `]}]}`
}

// asked is how many different people of a tenant the requests ask for.
const asked = 1_000

// BenchmarkSize sends the same requests to a small tenant and to a large one, by turns. Both must take about as long. It reports the medians, and
// their ratio. Each request is sent once before, so that no time of the disk is measured.
//
//	ROLLCALL_BENCH_USERS=1000000 go test -bench Size ./examples/benchmarks
func BenchmarkSize(b *testing.B) {
	large := 5_000
	if text := os.Getenv(usersVariable); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(b, err)
		large = n
	}
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) {
			both := [2]*tenant{fillTenant(b, engine.open(b), 1_000), fillTenant(b, engine.open(b), large)}
			jobs := [2][]job{both[0].jobs(b), both[1].jobs(b)}
			for n, j := range jobs[0] {
				for i := range max(1, j.different) {
					jobs[0][n].do(b, i)
					jobs[1][n].do(b, i)
				}
				b.Run(j.name, func(b *testing.B) {
					byTurns(b, b.N, [2]int{both[0].users, both[1].users}, func(of, i int) { jobs[of][n].do(b, i) })
				})
			}
		})
	}
}

// byTurns asks a small store (0) and a large one (1) for the same by turns, in so many rounds. It reports the medians by the sizes of the
// stores, the ratio of the medians, and the 99th percentile of the large store.
func byTurns(b *testing.B, rounds int, sizes [2]int, ask func(of, i int)) {
	var took [2][]time.Duration
	for i := range rounds {
		for of := range took {
			began := time.Now()
			ask(of, i)
			took[of] = append(took[of], time.Since(began))
		}
	}
	var medians [2]float64
	for of, size := range sizes {
		slices.Sort(took[of])
		medians[of] = float64(took[of][len(took[of])/2])
		b.ReportMetric(medians[of], "ns/of-"+strconv.Itoa(size))
	}
	b.ReportMetric(float64(took[1][len(took[1])*99/100]), "p99-ns")
	b.ReportMetric(medians[1]/medians[0], "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkManyMembers adds 10,000 members to a group of 10,000 by one PATCH, and removes them again.
func BenchmarkManyMembers(b *testing.B) {
	const many = 10_000
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) {
			t := fillTenant(b, engine.open(b), 2*many)
			ids := make([]string, many)
			for i := range ids {
				ids[i] = people.ID(many + i)
			}
			add, remove := memberPatch("add", ids...), memberPatch("remove", ids...)
			for b.Loop() {
				t.do(b, http.MethodPatch, "/Groups/crew", add, http.StatusNoContent, "")
				b.StopTimer()
				t.do(b, http.MethodPatch, "/Groups/crew", remove, http.StatusNoContent, "")
				b.StartTimer()
			}
		})
	}
}

// job is a kind of request. different is how many different requests it has: each is sent once before the measurement.
type job struct {
	name      string
	different int
	do        func(b *testing.B, i int)
}

func (t *tenant) jobs(b *testing.B) []job {
	// any is the number of a person, from the whole tenant. Both tenants are asked for equally many people.
	any := func(i int) int { return i * 7919 % asked * (t.users / asked) }
	middle, err := t.store.List(b.Context(), store.Query{Tenant: bareTenant, Types: []string{"User"}, Count: 1, Start: t.users / 2})
	require.NoError(b, err)
	outsider := people.ID(t.users - 1)
	jobs := []job{
		{"FilterUserName", asked, func(b *testing.B, i int) {
			t.do(b, http.MethodGet, "/Users?filter=userName+eq+%22"+people.UserName(any(i))+"%22", "", http.StatusOK, `"totalResults":1,`)
		}},
		{"GET", asked, func(b *testing.B, i int) {
			t.do(b, http.MethodGet, "/Users/"+people.ID(any(i)), "", http.StatusOK, people.UserName(any(i)))
		}},
		{"CursorPage", 1, func(b *testing.B, _ int) {
			p, err := t.store.List(context.Background(), store.Query{Tenant: bareTenant, Types: []string{"User"}, Count: 100, Cursor: middle.Next})
			if err != nil || len(p.Resources) != 100 || p.Total != t.users {
				b.Fatal(len(p.Resources), p.Total, err)
			}
		}},
		{"OneMember", 2, func(b *testing.B, i int) {
			t.do(b, http.MethodPatch, "/Groups/crew", memberPatch([]string{"add", "remove"}[i%2], outsider), http.StatusNoContent, "")
		}},
	}
	user := people.User(func(string, document.Value) ([]store.IndexKey, string) { return nil, "" }, any(17))
	name, external := people.UserName(any(17)), user.Attributes.Get("externalId").Text()
	shared := user.Attributes.Get("displayName").Text()
	changed := people.User(func(string, document.Value) ([]store.IndexKey, string) { return nil, "" }, t.users-6).LastModified.Format(time.RFC3339)
	for _, x := range []struct {
		name, path, filter, more string
		total                    int // of the results; -1: it isn't fixed
	}{
		{"Page", "/Users", "", "&count=10", t.users},
		{"Page100", "/Users", "", "&count=100", t.users},
		{"Total", "/Users", "", "&count=0", t.users},
		{"FarBehind", "/Users", "", "&count=10&startIndex=" + strconv.Itoa(t.users*9/10+1), t.users},
		{"ExternalId", "/Users", `externalId eq "` + external + `"`, "", 1},
		{"EmailsValue", "/Users", `emails.value eq "` + name + `"`, "", 1},
		{"WorkEmail", "/Users", `emails[type eq "work" and value eq "` + name + `"]`, "", 1},
		{"DisplayName", "/Users", `displayName eq "` + shared + `"`, "&count=3", -1},
		{"TwoKeys", "/Users", `userName eq "` + name + `" and externalId eq "` + external + `"`, "", 1},
		{"UserNameAndActive", "/Users", `userName eq "` + name + `" and active eq true`, "", -1},
		{"DisplayNameAndActive", "/Users", `displayName eq "` + shared + `" and active eq true`, "&count=3", -1},
		{"BeginsNone", "/Users", `userName sw "zzz"`, "&count=10", 0},
		{"BeginsAll", "/Users", `userName sw "person."`, "&count=10", t.users},
		{"BeginsAllSorted", "/Users", `userName sw "person."`, "&count=10&sortBy=userName", t.users},
		{"BeginsDisplayName", "/Users", `displayName sw "Ada"`, "&count=10", -1},
		{"BeginsExternalId", "/Users", `externalId sw "` + external[:13] + `"`, "&count=10", -1},
		{"Search", "/Users", `userName sw "zzz" or displayName sw "zzz" or emails.value sw "` + name + `"`, "&count=10", 1},
		{"SortUserName", "/Users", "", "&count=10&sortBy=userName", t.users},
		{"SortUserNameDescending", "/Users", "", "&count=10&sortBy=userName&sortOrder=descending", t.users},
		{"SortDisplayName", "/Users", "", "&count=10&sortBy=displayName", t.users},
		{"SortExternalId", "/Users", "", "&count=10&sortBy=externalId", t.users},
		{"SortLastModified", "/Users", "", "&count=10&sortBy=meta.lastModified&sortOrder=descending", t.users},
		{"ChangedNone", "/Users", `meta.lastModified gt "2036-01-01T00:00:00Z"`, "&count=10", 0},
		{"ChangedFew", "/Users", `meta.lastModified gt "` + changed + `"`, "&count=10", 5},
		{"ChangedAll", "/Users", `meta.lastModified gt "2020-01-01T00:00:00Z"`, "&count=10", t.users},
		{"Active", "/Users", "active eq true", "&count=10", t.users * 19 / 20},
		{"Inactive", "/Users", "active eq false", "&count=10", t.users / 20},
		{"GroupsOf", "/Groups", `members.value eq "` + people.ID(0) + `"`, "&excludedAttributes=members", 1},
		{"MembersOf", "/Users", `groups.value eq "crew"`, "&count=10", -1}, // OneMember leaves one more, or not
		{"InAnyGroup", "/Users", "groups.value pr", "&count=10", -1},
		{"Groups", "/Groups", "", "&excludedAttributes=members", 1},
	} {
		path := x.path + "?filter=" + url.QueryEscape(x.filter) + x.more
		holds := `"totalResults":`
		if x.total >= 0 {
			holds += strconv.Itoa(x.total) + ","
		}
		jobs = append(jobs, job{x.name, 1, func(b *testing.B, _ int) { t.do(b, http.MethodGet, path, "", http.StatusOK, holds) }})
	}
	state := filter.Compare{Attr: filter.Attr{Path: filter.Path{URI: filter.InternalURI, Name: "state"}, Type: filter.String, CaseExact: true},
		Op: filter.Eq, Value: document.String("provisioned")}
	return append(jobs, job{"State", 1, func(b *testing.B, _ int) { // of the administrator's page
		p, err := t.store.List(context.Background(), store.Query{Tenant: bareTenant, Types: []string{"User"}, Count: 10, Filter: state})
		if err != nil || len(p.Resources) != 10 || p.Total != t.users {
			b.Fatal(len(p.Resources), p.Total, err)
		}
	}})
}
