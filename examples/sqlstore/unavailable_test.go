package sqlstore_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// asker sends requests to a handler on a store, as the tenant acme.
type asker struct{ *scim.Handler }

func newAsker(t *testing.T, s store.Store) asker {
	h, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
	require.NoError(t, err)
	return asker{h}
}

func (a asker) do(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/scim+json")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// requireUnavailable checks that a client is told to try again later, and gets no detail of the database's error.
func requireUnavailable(t *testing.T, w *httptest.ResponseRecorder, of string) {
	t.Helper()
	require.Equal(t, http.StatusServiceUnavailable, w.Code, "%s: %s", of, w.Body)
	require.NotEmpty(t, w.Header().Get("Retry-After"), of)
	for _, inside := range []string{"sql", "127.0.0.1", "connect", "refused", "pg"} {
		require.NotContains(t, strings.ToLower(w.Body.String()), inside, of)
	}
}

// wire is how a pool reaches its database. It can be cut.
type wire struct {
	mu    sync.Mutex
	isCut bool
	conns []net.Conn
	lost  atomic.Int32 // connections that were cut
}

var errCut = errors.New("connect: refused")

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isCut {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errCut}
	}
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		w.conns = append(w.conns, c)
	}
	return c, err
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for _, c := range w.conns {
		if c.Close() == nil {
			w.lost.Add(1)
		}
	}
	w.conns = nil
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}

// TestConnectionLost cuts the connections of a service to PostgreSQL: each method is answered with 503, and nothing of it is done later. When
// the database can be reached again, the service works again.
func TestConnectionLost(t *testing.T) {
	schema := newSchema(t)
	c, err := pgxpool.ParseConfig(os.Getenv(postgresVariable))
	require.NoError(t, err)
	cable := &wire{}
	c.ConnConfig.DialFunc = cable.dial
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	defer pool.Close()
	s, err := onPool(t.Context(), pool, &sqlstore.Options{Schema: schema})
	require.NoError(t, err)
	h := newAsker(t, s)
	made := h.do(http.MethodPost, "/Users", `{"userName":"ada"}`)
	require.Equal(t, http.StatusCreated, made.Code, made.Body)
	ada := strings.TrimPrefix(made.Header().Get("Location"), "http://example.com")
	before := h.do(http.MethodGet, ada, "").Body.String()

	for _, x := range []struct{ method, path, body string }{
		{http.MethodPost, "/Users", `{"userName":"bob"}`},
		{http.MethodPost, "/Groups", `{"displayName":"crew"}`},
		{http.MethodPut, ada, `{"userName":"ada","title":"x"}`},
		{http.MethodPatch, ada, `{"Operations":[{"op":"replace","path":"active","value":false}]}`},
		{http.MethodDelete, ada, ""},
		{http.MethodGet, ada, ""},
		{http.MethodGet, "/Users?filter=userName+eq+%22ada%22", ""},
		{http.MethodGet, "/Users?filter=nickName+co+%22ada%22", ""},
	} {
		cable.cut() // also the pool's idle connection
		requireUnavailable(t, h.do(x.method, x.path, x.body), x.method+" "+x.path)
		cable.mend()
		assert.Equal(t, before, h.do(http.MethodGet, ada, "").Body.String(), "after %s %s", x.method, x.path)
	}
	require.NotZero(t, cable.lost.Load())
	assert.Contains(t, h.do(http.MethodGet, "/Users", "").Body.String(), `"totalResults":1`)
	assert.Contains(t, h.do(http.MethodGet, "/Groups", "").Body.String(), `"totalResults":0`)
	assert.Equal(t, http.StatusCreated, h.do(http.MethodPost, "/Users", `{"userName":"bob"}`).Code)
}

// TestReadOnly has SQLite refuse writes: clients are told to try again later, and nothing is left of what they tried.
func TestReadOnly(t *testing.T) {
	s := newOnSQLite(t, nil)
	h := newAsker(t, s)
	big := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada","title":"` + strings.Repeat("x", 1<<16) + `"}`
	for _, fault := range []struct{ name, begin, end string }{
		{"disk full", "max_page_count = 1", "max_page_count = 1000000"}, // this comes first, because later there are free pages of deleted rows
		{"read-only", "query_only = 1", "query_only = 0"},
	} {
		set := func(pragma string) {
			_, err := sqlstore.EngineOf(s).(liteEngine).Writer().ExecContext(t.Context(), "PRAGMA "+pragma)
			require.NoError(t, err)
		}
		set(fault.begin)
		requireUnavailable(t, h.do(http.MethodPost, "/Users", big), fault.name)
		require.Contains(t, h.do(http.MethodGet, "/Users", "").Body.String(), `"totalResults":0`, "%s: reads go on", fault.name)
		set(fault.end)
		w := h.do(http.MethodPost, "/Users", big)
		require.Equal(t, http.StatusCreated, w.Code, "%s: %s", fault.name, w.Body)
		require.Equal(t, http.StatusNoContent, h.do(http.MethodDelete, w.Header().Get("Location")[len("http://example.com"):], "").Code, fault.name)
	}
}
