package scim_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// slowly is a handler that answers asynchronously, and whose every creation takes a second. results are the events of requests that have
// ended, by their transaction.
type slowly struct {
	*scim.Handler
	mu      sync.Mutex
	results map[string]*lifecycle.Event
}

func newSlowly(t *testing.T, change ...func(*scim.Options)) *slowly {
	s := &slowly{results: map[string]*lifecycle.Event{}}
	o := &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, SecurityEvents: []string{payload.SETAsyncResp},
		Hooks: lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error {
			if e.Kind == lifecycle.KindRequestCompleted {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.results[e.Origin.Request] = e
			}
			return nil
		}},
		Lifecycle: lifecycle.Options{Guards: []lifecycle.Guard{func(ctx context.Context, _ *lifecycle.Request, p *lifecycle.Proposal) error {
			if who, ok := scim.PrincipalFrom(ctx); !ok || who.Tenant != "acme" {
				return errors.New("a guard lost whom it works for")
			}
			if p.Before.IsNull() {
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			return nil
		}}}}
	for _, c := range change {
		c(o)
	}
	h, err := scim.NewHandler(storetest.NewFake(), o)
	require.NoError(t, err)
	s.Handler = h
	return s
}

func (s *slowly) post(body string, prefer ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/Bulk", strings.NewReader(body))
	r.Header["Prefer"] = prefer
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// result is what the event of a transaction says, or nil.
func (s *slowly) result(txn string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.results[txn]
	if e == nil {
		return nil
	}
	var v map[string]any
	_ = json.Unmarshal([]byte(e.After), &v)
	return v
}

// A bulk request that prefers it is answered at once, and each of its operations has one event (RFC 9967 section 2.5.1).
func TestAsyncBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowly(t)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = s.Lifecycle().Run(ctx) })
		synctest.Wait()
		began := time.Now()
		w := s.post(bulkBody("", bulkUser("a", "ada"), bulkUser("b", "ada"), bulkGroup("g", "Crew", "bulkId:a"),
			`{"method":"DELETE","path":"/Nowhere/x"}`), "respond-async")
		assert.Equal(t, http.StatusAccepted, w.Code)
		assert.Empty(t, w.Body.String())
		assert.Equal(t, "respond-async", w.Header().Get("Preference-Applied"))
		assert.Equal(t, began, time.Now(), "nobody waited")
		txn := w.Header().Get("Set-Txn")
		require.NotEmpty(t, txn)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Len(t, s.results, 4, "one for each operation")
		made := s.result(txn + ":0")
		assert.Equal(t, "201", made["status"])
		assert.Equal(t, "a", made["bulkId"])
		assert.Equal(t, "POST", made["method"])
		assert.Contains(t, made["version"], `W/"`)
		assert.Equal(t, s.results[txn+":0"].Subject.ID, made["location"].(string)[strings.LastIndexByte(made["location"].(string), '/')+1:])
		refused := s.result(txn + ":1")
		assert.Equal(t, "409", refused["status"])
		assert.Equal(t, "uniqueness", refused["response"].(map[string]any)["scimType"])
		assert.Equal(t, "201", s.result(txn + ":2")["status"])
		assert.Equal(t, "404", s.result(txn + ":3")["status"])

		sets := payload.SETs{Issuer: "https://acme.example", Audience: []string{"x"}}
		for i, uri := range []string{"/Users/" + s.results[txn+":0"].Subject.ID, "/Users", "/Groups/" + s.results[txn+":2"].Subject.ID, "/Bulk"} {
			e := s.results[txn+":"+strconv.Itoa(i)]
			claims, ok := sets.Event(e)
			require.True(t, ok)
			var set struct {
				Txn    string
				SubID  struct{ URI string } `json:"sub_id"`
				Events map[string]json.RawMessage
			}
			require.NoError(t, json.Unmarshal(claims, &set), string(claims))
			assert.Equal(t, txn+":"+strconv.Itoa(i), set.Txn)
			assert.Equal(t, uri, set.SubID.URI)
			assert.JSONEq(t, string(e.After), string(set.Events[payload.SETAsyncResp]))
		}
		stop()
		running.Wait()
	})
}

// What ends while the client waits is answered as usual, and so is what nobody can do in the background.
func TestAsyncBulkAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		prefer []string
		run    bool
		status int
	}{
		"not asked":                 {nil, true, 200},
		"only a time":               {[]string{"wait=0"}, true, 200},
		"another preference":        {[]string{"return=minimal"}, true, 200},
		"time enough":               {[]string{"respond-async, wait=10"}, true, 200},
		"too little time":           {[]string{`Respond-Async; x="y"`, "WAIT = 1"}, true, 202},
		"the first of two times":    {[]string{"respond-async, wait=0, wait=10"}, true, 202},
		"a time that can't be read": {[]string{"respond-async, wait=-3"}, true, 202},
		"nobody runs":               {[]string{"respond-async"}, false, 200},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSlowly(t)
				ctx, stop := context.WithCancel(t.Context())
				var running sync.WaitGroup
				if c.run {
					running.Go(func() { _ = s.Lifecycle().Run(ctx) })
					synctest.Wait()
				}
				w := s.post(bulkBody(`"failOnErrors":1,`, bulkUser("a", "ada"), bulkUser("b", "bob"), bulkUser("c", "bob"), bulkUser("d", "dan")), c.prefer...)
				assert.Equal(t, c.status, w.Code, w.Body.String())
				time.Sleep(time.Minute)
				synctest.Wait()
				if c.status == http.StatusOK {
					assert.Empty(t, s.results)
				} else {
					txn := w.Header().Get("Set-Txn")
					assert.Equal(t, "409", s.result(txn + ":3")["status"], "what was not tried has an event, too")
					assert.Len(t, s.results, 4)
				}
				stop()
				running.Wait()
			})
		})
	}
}

// When the process stops, what it did not come to is told to have failed, and more than a Run does at once isn't taken.
func TestAsyncBulkStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowly(t, func(o *scim.Options) { o.Lifecycle.Delivery.Stop = 3 * time.Second })
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = s.Lifecycle().Run(ctx) })
		synctest.Wait()
		var many []string
		for i := range 10 {
			many = append(many, bulkUser("u"+strconv.Itoa(i), "u"+strconv.Itoa(i)))
		}
		w := s.post(bulkBody(`"failOnErrors":5,`, many...), "respond-async")
		require.Equal(t, http.StatusAccepted, w.Code)
		for i := range 3 {
			assert.Equal(t, http.StatusAccepted, s.post(bulkBody("", bulkUser("x", "x"+strconv.Itoa(i))), "respond-async").Code)
		}
		assert.Equal(t, http.StatusOK, s.post(bulkBody("", bulkUser("x", "y")), "respond-async").Code, "a fifth one is done at once")
		stop()
		running.Wait()
		go func() { _ = s.Lifecycle().Run(t.Context()) }() // another process tells what was kept
		time.Sleep(time.Minute)
		synctest.Wait()
		statuses := map[any]int{}
		for i := range 10 {
			statuses[s.result(w.Header().Get("Set-Txn") + ":" + strconv.Itoa(i))["status"]]++
		}
		assert.GreaterOrEqual(t, statuses["201"], 3, statuses)
		assert.GreaterOrEqual(t, statuses["503"], 5, statuses)
		assert.Zero(t, statuses[nil], statuses)
	})
}

// Accept is ignored where an answer without a body is asked for, also by a strict connection.
func TestAsyncBulkIgnoresAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowly(t, func(o *scim.Options) {
			o.Auth = scim.BearerPrincipals{"x": {Tenant: "acme", Dialect: scim.Strict()}}
		})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = s.Lifecycle().Run(ctx) })
		synctest.Wait()
		for prefer, status := range map[string]int{"respond-async": http.StatusAccepted, "return=minimal": http.StatusNotAcceptable} {
			r := httptest.NewRequest("POST", "/Bulk", strings.NewReader(bulkBody("", bulkUser("a", "ada"))))
			r.Header = http.Header{"Authorization": {"Bearer x"}, "Accept": {"text/html"}, "Content-Type": {"application/scim+json"}, "Prefer": {prefer}}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			assert.Equal(t, status, w.Code, w.Body.String())
		}
		stop()
		running.Wait()
	})
}

// Asynchronous requests are advertised where the product says that their results are told, and somebody is told.
func TestAsyncAdvertised(t *testing.T) {
	s := newSlowly(t)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/ServiceProviderConfig", nil))
	assert.Contains(t, w.Body.String(), `"asyncRequest":"request"`)
	_, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, SecurityEvents: []string{payload.SETAsyncResp}})
	assert.ErrorContains(t, err, "Lifecycle.Feed")
}
