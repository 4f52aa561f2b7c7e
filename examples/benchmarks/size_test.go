package benchmarks_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/people"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// usersVariable says how many users the larger tenant of BenchmarkSize has; it takes a few minutes to fill one of 1,000,000.
const usersVariable = "ROLLCALL_BENCH_USERS"

// tenant is a store with people in it, behind a handler.
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
	return &tenant{s, h, users}
}

// engines open an empty store each.
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
		s, err := postgres.OnPool(b.Context(), newPool(b), nil)
		require.NoError(b, err)
		return s
	}},
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

// asked is how many of a tenant's people are asked for.
const asked = 1_000

// BenchmarkSize asks a small tenant and a large one for the same by turns: it must take about as long. It reports the median
// of each, and the ratio. All are asked for once before, so that a disk that is slower than memory isn't what is measured.
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
				for i := range asked {
					jobs[0][n].do(b, i)
					jobs[1][n].do(b, i)
				}
				b.Run(j.name, func(b *testing.B) {
					var took [2][]time.Duration
					for i := range b.N {
						for of := range both {
							began := time.Now()
							jobs[of][n].do(b, i)
							took[of] = append(took[of], time.Since(began))
						}
					}
					var medians [2]float64
					for of, t := range both {
						slices.Sort(took[of])
						medians[of] = float64(took[of][len(took[of])/2])
						b.ReportMetric(medians[of], "ns/of-"+strconv.Itoa(t.users))
					}
					b.ReportMetric(medians[1]/medians[0], "ratio")
					b.ReportMetric(0, "ns/op")
				})
			}
		})
	}
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

type job struct {
	name string
	do   func(b *testing.B, i int)
}

func (t *tenant) jobs(b *testing.B) []job {
	// any is the number of a person: from everywhere, and of both tenants one of as many.
	any := func(i int) int { return i * 7919 % asked * (t.users / asked) }
	middle, err := t.store.List(b.Context(), store.Query{Tenant: bareTenant, Types: []string{"User"}, Count: 1, Start: t.users / 2})
	require.NoError(b, err)
	outsider := people.ID(t.users - 1)
	return []job{
		{"FilterUserName", func(b *testing.B, i int) {
			t.do(b, http.MethodGet, "/Users?filter=userName+eq+%22"+people.UserName(any(i))+"%22", "", http.StatusOK, `"totalResults":1`)
		}},
		{"GET", func(b *testing.B, i int) {
			t.do(b, http.MethodGet, "/Users/"+people.ID(any(i)), "", http.StatusOK, people.UserName(any(i)))
		}},
		{"CursorPage", func(b *testing.B, _ int) {
			p, err := t.store.List(context.Background(), store.Query{Tenant: bareTenant, Types: []string{"User"}, Count: 100, Cursor: middle.Next})
			if err != nil || len(p.Resources) != 100 || p.Total != t.users {
				b.Fatal(len(p.Resources), p.Total, err)
			}
		}},
		{"OneMember", func(b *testing.B, i int) {
			t.do(b, http.MethodPatch, "/Groups/crew", memberPatch([]string{"add", "remove"}[i%2], outsider), http.StatusNoContent, "")
		}},
	}
}
