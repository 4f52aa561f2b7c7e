package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/lifecycle/webhook"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// receiver is somebody whom webhooks are pushed to.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		r.bodies, r.heads = append(r.bodies, string(body)), append(r.heads, q.Header)
		r.mu.Unlock()
		answer(w, q)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.bodies)
}

// pusher is a service with webhooks.
type pusher struct {
	t     *testing.T
	fake  *storetest.Fake
	hooks *webhook.Webhooks
	*lifecycle.Service
	log bytes.Buffer
}

func newPusher(t *testing.T, o webhook.Options) *pusher {
	t.Helper()
	p := &pusher{t: t, fake: storetest.NewFake()}
	o.Store, o.MaxAge = p.fake, time.Millisecond
	var err error
	p.hooks, err = webhook.New(o)
	require.NoError(t, err)
	p.Service, err = lifecycle.New(p.fake, &lifecycle.Options{Consumers: []lifecycle.Consumer{p.hooks.Consumer()}, Delivery: lifecycle.Delivery{Poll: 10 * time.Millisecond}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { assert.NoError(t, p.Run(ctx)) })
	t.Cleanup(func() { cancel(); run.Wait() })
	return p
}

func (p *pusher) endpoint(address string, kinds ...lifecycle.Kind) webhook.Endpoint {
	p.t.Helper()
	e, _, err := p.hooks.Add(p.t.Context(), "acme", address, kinds, webhook.HMAC)
	require.NoError(p.t, err)
	return e
}

func (p *pusher) user(name string) {
	p.t.Helper()
	_, err := p.Add(p.t.Context(), lifecycle.Request{Tenant: "acme"}, lifecycle.Identity{UserName: name})
	require.NoError(p.t, err)
}

// attempts waits for so many attempts of an endpoint, and returns them, oldest first.
func (p *pusher) attempts(e webhook.Endpoint, n int) (all []webhook.Attempt) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		var err error
		all, err = p.hooks.Attempts(p.t.Context(), "acme", e.ID, 100)
		return err == nil && len(all) >= n
	}, 10*time.Second, time.Millisecond)
	for i := range len(all) / 2 {
		all[i], all[len(all)-1-i] = all[len(all)-1-i], all[i]
	}
	return all
}

// Each way in which a receiver is not what it should be, and what is made of it.
func TestHostileReceivers(t *testing.T) {
	inner := newReceiver(t, func(http.ResponseWriter, *http.Request) {})
	for name, c := range map[string]struct {
		answer   http.HandlerFunc
		host     string // that takes the place of 127.0.0.1
		want     string // in the error; "": it is a success
		status   int
		disabled bool
	}{
		"fine":       {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, status: 204},
		"500":        {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, want: "it answered 500", status: 500},
		"400":        {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) }, want: "it answered 400", status: 400},
		"gone":       {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, want: "it answered 410", status: 410, disabled: true},
		"hangs":      {answer: func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }, want: "exceeded"},
		"drips":      {answer: drip, want: "broke off", status: 200},
		"metadata":   {answer: redirect("http://169.254.169.254/latest/meta-data"), want: "a redirect, which is not followed", status: 302},
		"inwards":    {answer: redirect(inner.URL), want: "a redirect", status: 302},
		"localhost":  {host: "localhost", want: "not public"},
		"switches":   {answer: switches, want: "it answered 101", status: 101},
		"hints":      {answer: hints, want: "headers"},
		"header":     {answer: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, want: "headers"},
		"halfway":    {answer: abort, want: "EOF"},
		"half body":  {answer: half, want: "broke off", status: 200},
		"many bytes": {answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 10<<20)) }, status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.answer == nil {
				c.answer = func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }
			}
			r := newReceiver(t, c.answer)
			p := newPusher(t, webhook.Options{Allow: []string{"127.0.0.1"}, HTTP: true, Timeout: 500 * time.Millisecond, Waits: []time.Duration{20 * time.Millisecond, time.Hour}})
			address := r.URL
			if c.host != "" {
				address = strings.Replace(address, "127.0.0.1", c.host, 1)
			}
			e := p.endpoint(address)
			p.user("ann")
			tries := 1
			if c.want != "" && !c.disabled {
				tries = 2
			}
			all := p.attempts(e, tries)
			require.Len(t, all, tries)
			assert.Equal(t, c.status, all[0].Status)
			if c.want == "" {
				assert.Empty(t, all[0].Error)
				return
			}
			assert.Contains(t, all[0].Error, c.want)
			list, err := p.hooks.List(t.Context(), "acme")
			require.NoError(t, err)
			if c.disabled {
				require.Eventually(t, func() bool {
					list, err = p.hooks.List(t.Context(), "acme")
					return err == nil && list[0].Disabled != ""
				}, 5*time.Second, time.Millisecond)
				assert.True(t, all[0].Next.IsZero())
				p.user("bob")
				assert.Equal(t, 1, r.count(), "nothing is pushed any more")
				return
			}
			assert.Empty(t, list[0].Disabled)
			assert.False(t, all[0].Next.IsZero())
			assert.WithinDuration(t, time.Now().Add(time.Hour), all[1].Next, 10*time.Minute)
			assert.Equal(t, all[0].Event, all[1].Event)
		})
	}
	t.Cleanup(func() { assert.Zero(t, inner.count(), "nobody is redirected") })
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = w.Write([]byte("half"))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// switches answers that it speaks another protocol from now on, and says nothing in it.
func switches(w http.ResponseWriter, q *http.Request) {
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "silence")
	w.WriteHeader(http.StatusSwitchingProtocols)
	_ = http.NewResponseController(w).Flush()
	<-q.Context().Done()
}

// hints says for ever that the answer will come.
func hints(w http.ResponseWriter, q *http.Request) {
	for q.Context().Err() == nil {
		w.Header().Set("Link", strings.Repeat("x", 1_000))
		w.WriteHeader(http.StatusEarlyHints)
	}
}

// drip answers a byte now and then, for ever.
func drip(w http.ResponseWriter, q *http.Request) {
	for q.Context().Err() == nil {
		_, _ = w.Write([]byte("."))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-q.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// A failing endpoint holds up nobody else, and an endpoint gets only its kinds.
func TestEndpointsAreIndependent(t *testing.T) {
	bad, good, some := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }), newReceiver(t, fine), newReceiver(t, fine)
	p := newPusher(t, webhook.Options{Allow: []string{"127.0.0.1"}})
	p.endpoint(bad.URL)
	g, s := p.endpoint(good.URL), p.endpoint(some.URL, lifecycle.KindDeactivated)
	p.user("ann")
	ann, err := p.Find(t.Context(), "acme", "ann")
	require.NoError(t, err)
	_, err = p.Suspend(t.Context(), lifecycle.Request{Tenant: "acme"}, ann.ID)
	require.NoError(t, err)
	p.attempts(g, 2)
	p.attempts(s, 1)
	assert.Contains(t, some.bodies[0], `"type":"deactivated"`)
	require.Eventually(t, func() bool { return bad.count() == 1 }, 5*time.Second, time.Millisecond)

	// The one that failed is told again when somebody wants it, with the same id.
	require.NoError(t, p.ReplayTo(t.Context(), store.Replay{Tenant: "acme", Consumer: g.Consumer()}))
	p.attempts(g, 4)
	assert.Equal(t, good.heads[0].Get("Webhook-Id"), good.heads[2].Get("Webhook-Id"))
	require.NoError(t, p.hooks.Remove(t.Context(), "acme", g.ID))
	p.user("bob")
	assert.Equal(t, 4, good.count())
	assert.ErrorIs(t, p.hooks.Remove(t.Context(), "acme", g.ID), store.ErrNotFound)
}

func fine(http.ResponseWriter, *http.Request) {}

func TestRetryAfter(t *testing.T) {
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(429)
	})
	p := newPusher(t, webhook.Options{Allow: []string{"127.0.0.1"}})
	e := p.endpoint(r.URL)
	p.user("ann")
	assert.WithinDuration(t, time.Now().Add(2*time.Hour), p.attempts(e, 1)[0].Next, time.Minute)
}

// Bodies are shorter than 20 kB, whatever is in an event.
func TestBody(t *testing.T) {
	long := strings.Repeat("x", 30_000)
	ids := make([]string, 2_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("%036d", i)
	}
	e := &lifecycle.Event{ID: "1", Kind: lifecycle.KindUpdated, Time: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), After: `{"userName":"ann"}`}
	assert.Equal(t, `{"type":"updated","timestamp":"2026-03-01T00:00:00.000000Z","data":`+string(payload.Append(nil, e, payload.Full))+`}`, string(webhook.Body(e, payload.Full)))
	for _, large := range []*lifecycle.Event{{Kind: lifecycle.KindUpdated, After: `{"userName":"` + "" + `"}`, Changed: []string{long}}, {Kind: lifecycle.KindMembersChanged, Added: ids}} {
		body := webhook.Body(large, payload.Full)
		assert.Less(t, len(body), 20_000)
		var v map[string]map[string]map[string]any
		_ = json.Unmarshal(body, &v)
		assert.Equal(t, true, v["data"]["data"]["truncated"])
	}
}

func TestInvalidEndpoints(t *testing.T) {
	p := newPusher(t, webhook.Options{Allow: []string{"hooks.local"}, Most: 2})
	for address, want := range map[string]string{
		"": "want an address", "ftp://x": "want an address", "https://": "want an address", "https://u:p@x.example": "without a user", "https://x.example/#f": "a fragment",
		"http://x.example": "want https", "https://x.example/" + strings.Repeat("a", 3000): "up to 2048", "javascript:alert(1)": "want an address",
	} {
		_, _, err := p.hooks.Add(t.Context(), "acme", address, nil, webhook.HMAC)
		var invalid *webhook.InvalidError
		require.ErrorAs(t, err, &invalid, address)
		assert.Contains(t, invalid.Detail, want)
	}
	_, _, err := p.hooks.Add(t.Context(), "acme", "https://x.example", []lifecycle.Kind{"deleted", "nothing"}, webhook.HMAC)
	assert.ErrorContains(t, err, `there is no kind "nothing"`)
	p.endpoint("http://hooks.local/x")
	p.endpoint("https://x.example")
	_, _, err = p.hooks.Add(t.Context(), "acme", "https://y.example", nil, webhook.HMAC)
	assert.ErrorContains(t, err, "2 endpoints already")
	_, err = webhook.New(webhook.Options{})
	assert.ErrorContains(t, err, "Store is not set")
}

// Endpoints outlive the process, and no log shows a secret.
func TestKept(t *testing.T) {
	p := newPusher(t, webhook.Options{})
	e, secret, err := p.hooks.Add(t.Context(), "acme", "https://x.example", []lifecycle.Kind{lifecycle.KindDeleted, lifecycle.KindDeleted}, webhook.HMAC)
	require.NoError(t, err)
	again, err := webhook.New(webhook.Options{Store: p.fake})
	require.NoError(t, err)
	list, err := again.List(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, []webhook.Endpoint{{ID: e.ID, URL: "https://x.example", Kinds: []lifecycle.Kind{lifecycle.KindDeleted}, Created: list[0].Created}}, list)
	other, err := again.List(t.Context(), "other")
	require.NoError(t, err)
	assert.Empty(t, other)
	slog.New(slog.NewTextHandler(&p.log, nil)).Info("x", "endpoint", list[0], "hooks", p.hooks)
	assert.NotContains(t, p.log.String(), secret)
}
