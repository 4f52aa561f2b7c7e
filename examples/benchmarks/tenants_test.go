package benchmarks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/people"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
)

// tenantsVariable says how many tenants the larger store of BenchmarkTenants has.
const tenantsVariable = "ROLLCALL_BENCH_TENANTS"

// peopleEach is how many people each tenant has.
const peopleEach = 10

// tenants is a handler over a store with many tenants. The token of a tenant is its name.
type tenants struct {
	store   boot.Database
	handler *scim.Handler
	n       int
	created int           // how many people were created
	told    chan struct{} // receives a value for each event that the hook got
}

// tokenIsTenant takes a token for the name of its tenant.
type tokenIsTenant struct{}

func (tokenIsTenant) Authenticate(r *http.Request) (scim.Principal, error) {
	name, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || name == "" {
		return scim.Principal{}, scim.ErrUnauthorized
	}
	return scim.Principal{Tenant: name}, nil
}

func fillTenants(b *testing.B, s boot.Database, n int) *tenants {
	t := &tenants{store: s, n: n, told: make(chan struct{}, 1_000_000)}
	var err error
	t.handler, err = scim.NewHandler(s, &scim.Options{Auth: tokenIsTenant{}, Hooks: lifecycle.Hooks{
		Provisioned: func(context.Context, *lifecycle.Event) error { t.told <- struct{}{}; return nil }}})
	require.NoError(b, err)
	for i := range n {
		require.NoError(b, people.Users(b.Context(), s, t.handler.Lifecycle().Index, t.name(i), 0, peopleEach))
	}
	if v, ok := s.(interface{ sweep(b *testing.B) }); ok {
		v.sweep(b)
	}
	return t
}

// name returns the name of the ith tenant, in an order that jumps over the whole list.
func (t *tenants) name(i int) string { return fmt.Sprintf("tenant-%d", i*7919%t.n) }

// do sends a request of the ith tenant.
func (t *tenants) do(i int, method, path, body string, status int, holds string) error {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+t.name(i))
	r.Header.Set("Content-Type", "application/scim+json")
	w := httptest.NewRecorder()
	t.handler.ServeHTTP(w, r)
	if w.Code != status || !strings.Contains(w.Body.String(), holds) {
		return fmt.Errorf("%s %s: %d %.300s", method, path, w.Code, w.Body)
	}
	return nil
}

func (t *tenants) create(i int) error {
	t.created++
	return t.do(i, http.MethodPost, "/Users", user("new"+strconv.Itoa(t.created)), http.StatusCreated, "new")
}

// atOnce is how many requests Deliver sends.
const atOnce = 100

func (t *tenants) deliver(i int) error {
	for len(t.told) > 0 {
		<-t.told
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- t.handler.Lifecycle().Run(ctx) }()
	for n := range atOnce {
		if err := t.create(i*atOnce + n); err != nil {
			stop()
			return errors.Join(err, <-ended)
		}
	}
	for range atOnce {
		<-t.told
	}
	stop()
	return <-ended
}

// BenchmarkTenants sends the same requests to a store with few tenants and to one with many, by turns. Both must take about as long. It reports
// the medians, and their ratio. Deliver measures from a hundred requests, each of another tenant if there are as many, until the hook has got
// their events.
//
//	ROLLCALL_BENCH_TENANTS=10000 ROLLCALL_TEST_POSTGRES=postgres://... go test -bench Tenants -benchtime 1000x ./examples/benchmarks
func BenchmarkTenants(b *testing.B) {
	many := 100
	if text := os.Getenv(tenantsVariable); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(b, err)
		many = n
	}
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) {
			both := [2]*tenants{fillTenants(b, engine.open(b), 10), fillTenants(b, engine.open(b), many)}
			for _, job := range []struct {
				name  string
				every int // of b.N
				do    func(t *tenants, i int) error
			}{
				{"GET", 1, func(t *tenants, i int) error {
					return t.do(i, http.MethodGet, "/Users/"+people.ID(i%peopleEach), "", http.StatusOK, people.UserName(i%peopleEach))
				}},
				{"FilterUserName", 1, func(t *tenants, i int) error {
					return t.do(i, http.MethodGet, "/Users?filter=userName+eq+%22"+people.UserName(i%peopleEach)+"%22", "", http.StatusOK, `"totalResults":1,`)
				}},
				{"Page", 1, func(t *tenants, i int) error {
					return t.do(i, http.MethodGet, "/Users?count=5", "", http.StatusOK, `"totalResults":10,`)
				}},
				{"PATCH", 1, func(t *tenants, i int) error {
					return t.do(i, http.MethodPatch, "/Users/"+people.ID(i%peopleEach), `{"Operations":[{"op":"replace","path":"title","value":"`+strconv.Itoa(i)+`"}]}`, http.StatusOK, strconv.Itoa(i))
				}},
				{"POST", 1, (*tenants).create},
				{"Deliver", atOnce, (*tenants).deliver},
			} {
				b.Run(job.name, func(b *testing.B) {
					byTurns(b, max(1, b.N/job.every), [2]int{both[0].n, both[1].n}, func(of, i int) { require.NoError(b, job.do(both[of], i)) })
				})
			}
		})
	}
}
