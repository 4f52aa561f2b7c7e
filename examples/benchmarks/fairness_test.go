package benchmarks_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/people"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/scim"
)

// BenchmarkFairness measures the requests of one tenant while nobody else asks, and while another tenant lists, filters and
// PATCHes with 32 clients as fast as it can. PostgreSQL has 8 connections. It reports the 99th percentile of both, and their ratio.
//
//	ROLLCALL_TEST_POSTGRES=postgres://... go test -bench Fairness -benchtime 2000x ./examples/benchmarks
func BenchmarkFairness(b *testing.B) {
	const users, hard, connections = 2_000, 32, 8
	for _, engine := range []struct {
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
			c := newPool(b).Config()
			c.MaxConns = connections
			pool, err := pgxpool.NewWithConfig(b.Context(), c)
			require.NoError(b, err)
			b.Cleanup(pool.Close)
			s, err := postgres.OnPool(b.Context(), pool, nil)
			require.NoError(b, err)
			return s
		}},
	} {
		b.Run(engine.name, func(b *testing.B) {
			s := engine.open(b)
			h, err := scim.NewHandler(s, &scim.Options{Auth: scim.BearerTokens{"benchmark-token": "quiet", "hard-token": "hard"}})
			require.NoError(b, err)
			for _, tenant := range []string{"quiet", "hard"} {
				require.NoError(b, people.Users(b.Context(), s, h.Lifecycle().Index, tenant, 0, users))
			}
			on := serve(b, h)
			var n atomic.Int64
			patch := func() (path, body string) {
				return "/Users/" + people.ID(rand.IntN(users)), `{"Operations":[{"op":"replace","path":"title","value":"` + strconv.FormatInt(n.Add(1), 10) + `"}]}`
			}
			for _, job := range []struct {
				name string
				do   func(c *client) error
			}{
				{"GET", func(c *client) error {
					return c.do(http.MethodGet, "/Users/"+people.ID(rand.IntN(users)), "", http.StatusOK, "")
				}},
				{"PATCH", func(c *client) error {
					path, body := patch()
					return c.do(http.MethodPatch, path, body, http.StatusOK, "")
				}},
			} {
				b.Run(job.name, func(b *testing.B) {
					p99 := func() time.Duration {
						c := on.client()
						took := make([]time.Duration, b.N)
						for i := range took {
							began := time.Now()
							if err := job.do(c); err != nil {
								b.Fatal(err)
							}
							took[i] = time.Since(began)
						}
						slices.Sort(took)
						return took[len(took)*99/100]
					}
					quiet := p99()
					ctx, stop := context.WithCancel(b.Context())
					var all sync.WaitGroup
					for i := range hard {
						all.Go(func() {
							for c := on.client(); ctx.Err() == nil; {
								path, body := patch()
								switch i % 4 {
								case 0:
									_, _ = c.send(ctx, "hard-token", http.MethodGet, "/Users?count=100&startIndex="+fmt.Sprint(1+rand.IntN(users)), "")
								case 1:
									_, _ = c.send(ctx, "hard-token", http.MethodGet, "/Users?filter=userName+sw+%22person.1%22", "")
								case 2:
									_, _ = c.send(ctx, "hard-token", http.MethodGet, "/Users?filter=title+co+%22x%22", "")
								default:
									_, _ = c.send(ctx, "hard-token", http.MethodPatch, path, body)
								}
							}
						})
					}
					beside := p99()
					stop()
					all.Wait()
					b.ReportMetric(float64(quiet), "p99-quiet-ns")
					b.ReportMetric(float64(beside), "p99-beside-ns")
					b.ReportMetric(float64(beside)/float64(quiet), "ratio")
					b.ReportMetric(0, "ns/op")
				})
			}
		})
	}
}
