package benchmarks_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store"
)

// BenchmarkCost measures what connections and the journal cost on PostgreSQL, with one client over loopback. It compares a GET with a
// connection's token to one without authentication, and a create with a journal entry to one without. The two are sent by turns. It reports the
// median of their differences, in per cent of the whole request.
//
//	ROLLCALL_TEST_POSTGRES=postgres://... go test -run '^$' -bench Cost -benchtime 5000x ./examples/benchmarks
func BenchmarkCost(b *testing.B) {
	b.Run("Authentication", func(b *testing.B) {
		s := openedPostgres(b).(*postgres.Store)
		c, err := connection.New(s, nil)
		require.NoError(b, err)
		with, err := scim.NewHandler(s, &scim.Options{Auth: c})
		require.NoError(b, err)
		without, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
		require.NoError(b, err)
		id := fill(b, without, 1)[0]
		by := lifecycle.Request{Tenant: "acme"}
		made, err := c.Create(b.Context(), by, "Okta", connection.Okta)
		require.NoError(b, err)
		k, err := c.Issue(b.Context(), by, made.ID, connection.Ask{Kind: connection.Bearer})
		require.NoError(b, err)
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		authorized := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header["Authorization"] = []string{"Bearer " + k.Token}
			with.ServeHTTP(w, r)
		})
		cost(b, authorized, without, func(c *client, _ int) error { return c.do(http.MethodGet, "/Users/"+id, "", http.StatusOK, id) })
		stop()
		require.NoError(b, <-ended)
	})
	b.Run("Journal", func(b *testing.B) {
		s := openedPostgres(b)
		with, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
		require.NoError(b, err)
		without, err := scim.NewHandler(unjournalled{s}, &scim.Options{Auth: scim.NoAuth{Tenant: "umbrella"}})
		require.NoError(b, err)
		cost(b, with, without, func(c *client, n int) error {
			return c.do(http.MethodPost, "/Users", user("user"+strconv.Itoa(n)), http.StatusCreated, `"id"`)
		})
	})
}

// unjournalled is a store that drops the entries of the journal.
type unjournalled struct{ store.Store }

func (u unjournalled) Unwrap() store.Store { return u.Store }

func (u unjournalled) Commit(ctx context.Context, c *store.Change) error {
	bare := *c
	bare.Journal = nil
	return u.Store.Commit(ctx, &bare)
}

// cost does a thing with and without a part of it, by turns.
func cost(b *testing.B, with, without http.Handler, job func(c *client, n int) error) {
	const turn = 20
	services := [2]*service{serve(b, with), serve(b, without)}
	clients := [2]*client{services[0].client(), services[1].client()}
	var shares, whole []float64
	for done := 0; done < b.N; done += turn {
		var took [2]time.Duration
		for k := range 2 {
			i := (k + done/turn) % 2 // the two also take turns at being first
			began := time.Now()
			for n := range turn {
				require.NoError(b, job(clients[i], done+n))
			}
			took[i] = time.Since(began)
		}
		shares = append(shares, 100*(1-float64(took[1])/float64(took[0])))
		whole = append(whole, float64(took[0])/turn)
	}
	slices.Sort(shares)
	slices.Sort(whole)
	b.ReportMetric(shares[len(shares)/2], "%-of-it")
	b.ReportMetric(whole[len(whole)/2], "ns/of-it")
	b.ReportMetric(0, "ns/op")
}
