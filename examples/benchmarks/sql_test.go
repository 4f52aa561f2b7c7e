package benchmarks_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// clients is how many clients send requests at the same time.
const clients = 16

// turn is how many requests one service gets before it is the turn of the next one.
const turn = 500

// BenchmarkPostgres runs the same requests of 16 clients over loopback, by turns, through handlers on PostgreSQL with 1,000 users each:
// one written by hand that keeps the same facts ("bare"), one with a single statement per request and the fewest facts ("lean"), ours
// ("rollcall"), and ours while it delivers the events to a hook, too ("delivering"). Ours checks credentials and schemas, and keeps
// the account, an event and a journal entry. It reports the medians of the turns, and those of the ratios of throughputs: ratio is
// rollcall to bare, lean-ratio is rollcall to lean, and delivering-ratio is delivering to lean.
//
//	ROLLCALL_TEST_POSTGRES=postgres://... go test -bench 'Postgres$' ./examples/benchmarks
func BenchmarkPostgres(b *testing.B) {
	const users = 1_000
	var next atomic.Int64
	jobs := []struct {
		name string
		do   func(c *client, ids []string) error
	}{
		{"FilterThenCreate", func(c *client, _ []string) error {
			return filterThenCreate(c, "new"+strconv.FormatInt(next.Add(1), 10))
		}},
		{"GET", func(c *client, ids []string) error {
			id := ids[rand.IntN(users)]
			return c.do(http.MethodGet, "/Users/"+id, "", http.StatusOK, id)
		}},
		{"FilterUserName", func(c *client, _ []string) error {
			return c.do(http.MethodGet, byName("user"+strconv.Itoa(rand.IntN(users))), "", http.StatusOK, `"totalResults":1`)
		}},
		{"PATCH", func(c *client, ids []string) error {
			name := "Name " + strconv.FormatInt(next.Add(1), 10)
			return c.do(http.MethodPatch, "/Users/"+ids[rand.IntN(users)], `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
				"Operations":[{"op":"replace","path":"displayName","value":"`+name+`"}]}`, http.StatusOK, name)
		}},
		{"List100", func(c *client, _ []string) error {
			return c.do(http.MethodGet, "/Users?startIndex="+strconv.Itoa(1+rand.IntN(users-100))+"&count=100", "", http.StatusOK, `"itemsPerPage":100`)
		}},
	}
	for _, job := range jobs {
		b.Run(job.name, func(b *testing.B) {
			kinds := []struct {
				name    string
				handler func(testing.TB, *pgxpool.Pool) http.Handler
			}{{"bare", newBare}, {"lean", newLean}, {"rollcall", rollcallOnPostgres}, {"delivering", deliveringOnPostgres}}
			services, own, took := make([]*service, len(kinds)), make([]func(c *client) error, len(kinds)), make([][]time.Duration, len(kinds))
			for i, kind := range kinds {
				h := kind.handler(b, newPool(b))
				ids := fill(b, h, users)
				services[i], own[i] = serve(b, h), func(c *client) error { return job.do(c, ids) }
			}
			for done := 0; done < b.N; done += turn {
				for i, s := range services {
					took[i] = append(took[i], s.together(b, min(turn, b.N-done), own[i]))
				}
			}
			for _, pair := range []struct {
				name     string
				of, ours int
			}{{"ratio", 0, 2}, {"lean-ratio", 1, 2}, {"delivering-ratio", 1, 3}} {
				ratios := make([]float64, len(took[0]))
				for i := range ratios {
					ratios[i] = float64(took[pair.of][i]) / float64(took[pair.ours][i])
				}
				slices.Sort(ratios)
				b.ReportMetric(ratios[len(ratios)/2], pair.name)
			}
			for i, kind := range kinds {
				slices.Sort(took[i])
				b.ReportMetric(float64(took[i][len(took[i])/2])/float64(min(turn, b.N)), "ns/of-"+kind.name)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkSQLite measures what 16 clients over loopback get from the store on SQLite: the requests for a new user, and reads at the same time.
func BenchmarkSQLite(b *testing.B) {
	var next atomic.Int64
	create := func(c *client) error { return filterThenCreate(c, "new"+strconv.FormatInt(next.Add(1), 10)) }
	get := func(ids []string) func(c *client) error {
		return func(c *client) error {
			id := ids[rand.IntN(len(ids))]
			return c.do(http.MethodGet, "/Users/"+id, "", http.StatusOK, id)
		}
	}
	for _, bench := range []struct {
		name    string
		writers int // besides the clients that read
		job     func(ids []string) func(c *client) error
	}{
		{"FilterThenCreate", 0, func([]string) func(c *client) error { return create }},
		{"GET", 0, get},
		{"GETBesideWriters", 4, get},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), nil)
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, s.Close()) })
			h := rollcallOn(b, s)
			job := bench.job(fill(b, h, 1_000))
			on := serve(b, h)
			ctx, stop := context.WithCancel(b.Context())
			var writers sync.WaitGroup
			for range bench.writers {
				writers.Go(func() {
					for c := on.client(); ctx.Err() == nil; {
						if err := create(c); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			b.ResetTimer()
			on.together(b, b.N, job)
			b.StopTimer()
			stop()
			writers.Wait()
		})
	}
}

// service is a handler with a listener.
type service struct {
	server    *httptest.Server
	transport *http.Transport
}

func serve(b *testing.B, h http.Handler) *service {
	s := &service{httptest.NewServer(h), &http.Transport{MaxIdleConnsPerHost: 2 * clients, DisableCompression: true}}
	b.Cleanup(func() {
		s.transport.CloseIdleConnections()
		s.server.Close()
	})
	return s
}

func (s *service) client() *client {
	return &client{http: &http.Client{Transport: s.transport}, base: s.server.URL}
}

// together makes the clients do a job n times in all, and returns how long that took.
func (s *service) together(b *testing.B, n int, job func(c *client) error) time.Duration {
	var (
		left atomic.Int64
		all  sync.WaitGroup
	)
	left.Store(int64(n))
	began := time.Now()
	for range clients {
		all.Go(func() {
			for c := s.client(); left.Add(-1) >= 0; {
				if err := job(c); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(began)
}

// filterThenCreate sends what an identity provider sends for a new user: a filter and a POST.
func filterThenCreate(c *client, name string) error {
	if err := c.do(http.MethodGet, byName(name), "", http.StatusOK, `"totalResults":0`); err != nil {
		return err
	}
	return c.do(http.MethodPost, "/Users", user(name), http.StatusCreated, name)
}

func byName(name string) string { return "/Users?filter=userName+eq+%22" + name + "@corp.example%22" }

// client sends requests over one connection.
type client struct {
	http *http.Client
	base string
	body bytes.Buffer
}

// do sends a request; the answer must have the status and hold the text.
func (c *client) do(method, path, body string, status int, holds string) error {
	got, err := c.send(context.Background(), "benchmark-token", method, path, body)
	if err != nil {
		return err
	}
	if got != status || !bytes.Contains(c.body.Bytes(), []byte(holds)) {
		return fmt.Errorf("%s %s: %d %s", method, path, got, &c.body)
	}
	return nil
}

// send sends a request, and keeps the body of the answer.
func (c *client) send(ctx context.Context, token, method, path, body string) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/scim+json")
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	c.body.Reset()
	_, err = io.Copy(&c.body, answer.Body)
	return answer.StatusCode, err
}

// newPool returns a pool on a new PostgreSQL schema, which is dropped when the benchmark ends.
func newPool(b *testing.B) *pgxpool.Pool {
	dsn := os.Getenv("ROLLCALL_TEST_POSTGRES")
	if dsn == "" {
		b.Skip("no PostgreSQL to measure: set ROLLCALL_TEST_POSTGRES=postgres://user:password@host/database")
	}
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(b, err)
	schema := fmt.Sprintf("rollcall_bench_%x", rand.Uint64())
	config.ConnConfig.RuntimeParams["search_path"] = schema
	config.MaxConns = clients
	postgres.Tune(config)
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	require.NoError(b, err)
	_, err = pool.Exec(b.Context(), "CREATE SCHEMA "+schema)
	require.NoError(b, err)
	b.Cleanup(func() {
		_, err := pool.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE")
		require.NoError(b, err)
		pool.Close()
	})
	return pool
}

func rollcallOnPostgres(tb testing.TB, pool *pgxpool.Pool) http.Handler {
	s, err := postgres.OnPool(tb.Context(), pool, nil)
	require.NoError(tb, err)
	return rollcallOn(tb, s)
}

func rollcallOn(tb testing.TB, s boot.Database) http.Handler {
	h, err := scim.NewHandler(undelivered{s}, &scim.Options{
		Auth:  scim.BearerTokens{"benchmark-token": bareTenant},
		Hooks: lifecycle.Hooks{Any: func(context.Context, *lifecycle.Event) error { return nil }},
	})
	require.NoError(tb, err)
	return h
}

// deliveringOnPostgres delivers all that it commits to a hook that returns at once.
func deliveringOnPostgres(tb testing.TB, pool *pgxpool.Pool) http.Handler {
	s, err := postgres.OnPool(tb.Context(), pool, nil)
	require.NoError(tb, err)
	h, err := scim.NewHandler(s, &scim.Options{
		Auth:  scim.BearerTokens{"benchmark-token": bareTenant},
		Hooks: lifecycle.Hooks{Any: func(context.Context, *lifecycle.Event) error { return nil }},
	})
	require.NoError(tb, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Lifecycle().Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		require.NoError(tb, <-ended)
	})
	return h
}

// undelivered keeps events for a process that isn't measured, as the bare handler does.
type undelivered struct{ boot.Database }

func (undelivered) Lease(context.Context, store.Lease) ([]store.Delivery, error) { return nil, nil }
