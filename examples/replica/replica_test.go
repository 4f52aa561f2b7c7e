package replica_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/examples/replica"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

const lag = 3 * time.Second

// lagging is a primary whose replica gets each change when lag has passed.
type lagging struct {
	store.Store
	replica store.Store
	sent    sync.WaitGroup
	asked   int // lists of the primary
}

func (l *lagging) Unwrap() store.Store { return l.Store }

func (l *lagging) Commit(ctx context.Context, c *store.Change) error {
	err := l.Store.Commit(ctx, c)
	if err == nil {
		again := *c
		again.Events, again.Journal, again.Claims = nil, nil, nil
		l.sent.Go(func() {
			time.Sleep(lag)
			_ = l.replica.Commit(context.WithoutCancel(ctx), &again)
		})
	}
	return err
}

func (l *lagging) List(ctx context.Context, q store.Query) (*store.Page, error) {
	l.asked++
	return l.Store.List(ctx, q)
}

// TestLag has an identity provider write and read while the replica lags: it finds at once what it wrote, whoever asks for
// somebody goes to the primary, and lists go to the replica as soon as that has caught up.
func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		behind := memstore.New()
		primary := &lagging{Store: memstore.New(), replica: behind}
		defer primary.sent.Wait()
		h, err := scim.NewHandler(replica.New(primary, behind, 2*lag), &scim.Options{Auth: scim.BearerTokens{"a": "acme", "b": "umbrella"}})
		require.NoError(t, err)
		do := func(token, method, path, body string) string {
			r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Less(t, w.Code, 300, w.Body)
			return w.Body.String()
		}
		const filter = "/Users?filter=userName+eq+%22ada%22"
		require.Contains(t, do("a", http.MethodGet, filter, ""), `"totalResults":0`)
		do("a", http.MethodPost, "/Users", `{"userName":"ada"}`)
		require.Contains(t, do("a", http.MethodGet, filter, ""), `"totalResults":1`, "who looks for somebody must find them")
		require.Contains(t, do("a", http.MethodGet, "/Users", ""), `"ada"`, "what was written is in the tenant's lists")

		before := primary.asked
		require.Contains(t, do("b", http.MethodGet, "/Users", ""), `"totalResults":0`)
		require.Equal(t, before, primary.asked, "a tenant that writes nothing asks the replica")

		time.Sleep(2 * lag)
		before = primary.asked
		require.Contains(t, do("a", http.MethodGet, "/Users", ""), `"ada"`, "the replica has caught up")
		require.Equal(t, before, primary.asked)
		do("a", http.MethodPost, "/Users", `{"userName":"bob"}`)
		require.Contains(t, do("a", http.MethodGet, "/Users?sortBy=userName", ""), `"totalResults":2`)
		require.Greater(t, primary.asked, before)
	})
}

// TestContract runs the store kit through the wrapper: it hides nothing of what the primary can do.
func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store {
		s := memstore.New()
		return replica.New(s, s, time.Hour)
	})
}
