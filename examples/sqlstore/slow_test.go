package sqlstore_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/people"
	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/scim"
)

// stalled is the connection of a client that has stopped reading: the first write succeeds, and the next one waits until the client goes on.
type stalled struct {
	httptest.ResponseRecorder
	waits chan struct{} // closed when a write waits
	on    chan struct{}
	n     int
}

func (s *stalled) Write(b []byte) (int, error) {
	if s.n++; s.n == 2 {
		close(s.waits)
		<-s.on
	}
	return s.ResponseRecorder.Write(b)
}

// TestSlowReader has a client stop reading in the middle of a large group. Meanwhile others read the group, change it and delete a
// member, although there is one connection: the request that waits holds no connection, transaction or lock. In the end it gets
// the group as it was.
func TestSlowReader(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		size := 100_000
		if testing.Short() {
			size = 5_000
		}
		s := open(t, nil)
		switch e := sqlstore.EngineOf(s).(type) {
		case postgresEngine:
			c := e.Pool().Config()
			c.MaxConns = 1
			pool, err := pgxpool.NewWithConfig(t.Context(), c)
			require.NoError(t, err)
			t.Cleanup(pool.Close)
			s, err = onPool(t.Context(), pool, &sqlstore.Options{Schema: e.TablesIn()})
			require.NoError(t, err)
		case liteEngine:
			e.Reader().SetMaxOpenConns(1)
		}
		h, err := scim.NewHandler(s, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
		require.NoError(t, err)
		require.NoError(t, people.Users(t.Context(), s, h.Lifecycle().Index, "acme", 0, size))
		require.NoError(t, people.Group(t.Context(), s, h.Lifecycle().Index, "acme", "all", size))
		do := func(method, path, body string, status int) string {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
			require.Equal(t, status, w.Code, w.Body)
			return w.Body.String()
		}
		slow := &stalled{ResponseRecorder: *httptest.NewRecorder(), waits: make(chan struct{}), on: make(chan struct{})}
		slow.Body = &bytes.Buffer{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.ServeHTTP(slow, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/Groups/all", nil))
		}()
		select {
		case <-slow.waits:
		case <-done:
			t.Fatal("the answer fits into one write")
		}
		require.Contains(t, do(http.MethodGet, "/Users/"+people.ID(1), "", http.StatusOK), people.UserName(1))
		do(http.MethodPatch, "/Groups/all", `{"Operations":[{"op":"remove","path":"members","value":[{"value":"`+people.ID(size-1)+`"}]}]}`, http.StatusNoContent)
		do(http.MethodDelete, "/Users/"+people.ID(size-2), "", http.StatusNoContent)
		require.Contains(t, do(http.MethodGet, "/Groups?excludedAttributes=members", "", http.StatusOK), `"totalResults":1`)
		close(slow.on)
		<-done
		text, err := io.ReadAll(slow.Body)
		require.NoError(t, err)
		require.Equal(t, size, strings.Count(string(text), `"value":`), "all members of before")
	})
}
