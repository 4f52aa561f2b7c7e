package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/try"
)

// inbox receives webhooks.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	status int // the status that the inbox answers
	got    []delivered
}

type delivered struct {
	header http.Header
	body   []byte
}

func newInbox(t *testing.T) *inbox {
	b := &inbox{status: 200}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.got = append(b.got, delivered{r.Header, body})
		w.WriteHeader(b.status)
	}))
	t.Cleanup(b.Close)
	return b
}

// wait waits for n deliveries.
func (b *inbox) wait(t *testing.T, n int) []delivered {
	t.Helper()
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.got) >= n
	}, 10*time.Second, 5*time.Millisecond)
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Len(t, b.got, n)
	return b.got
}

func withFeed(t *testing.T, store string, more ...string) *try.Product {
	return try.Start(t, new(app.App).Boot("app"), append([]string{"-store", store, "-feed-token", "FEED", "-webhook-allow", "127.0.0.1"}, more...)...)
}

// The reference library of Standard Webhooks accepts each delivery, and refuses one that was changed on the way.
func TestStandardWebhooks(t *testing.T) {
	try.OnStores(t, func(t *testing.T, store string) {
		p, box := withFeed(t, store), newInbox(t)
		secret := p.Do(201, "POST", "/app/webhooks?tenant=acme", `{"url":"`+box.URL+`/in","kinds":["provisioned"]}`)["secret"].(string)
		id := p.Do(200, "GET", "/app/webhooks?tenant=acme", "")["webhooks"].([]any)[0].(map[string]any)["id"].(string)
		p.Do(201, "POST", "/Users", `{"userName":"ada"}`)
		got := box.wait(t, 1)[0]
		verify := func(secret string, d delivered) error {
			w, err := standardwebhooks.NewWebhook(secret)
			require.NoError(t, err)
			return w.Verify(d.body, d.header)
		}
		assert.NoError(t, verify(secret, got))
		assert.Error(t, verify(secret, delivered{got.header, append([]byte(" "), got.body...)}))
		assert.Less(t, len(got.body), 20_000)
		var body struct {
			Type string
			Data struct{ ID, Kind, UserName string }
		}
		require.NoError(t, json.Unmarshal(got.body, &body))
		assert.Equal(t, "provisioned", body.Type)
		assert.Equal(t, "ada", body.Data.UserName)
		assert.Equal(t, got.header.Get("webhook-id"), body.Data.ID)

		next := p.Do(200, "POST", "/app/webhooks/rotate", `{"tenant":"acme","id":"`+id+`"}`)["secret"].(string)
		p.Do(201, "POST", "/Users", `{"userName":"bob"}`)
		both := box.wait(t, 2)[1]
		assert.NoError(t, verify(secret, both), "the old secret is signed with for a while")
		assert.NoError(t, verify(next, both))
		assert.Len(t, strings.Fields(both.header.Get("webhook-signature")), 2)
		assert.Error(t, verify("whsec_"+strings.Repeat("A", 32), both))
	})
}

// The pages for operators do what the documents show.
func TestOperators(t *testing.T) {
	try.OnStores(t, func(t *testing.T, store string) {
		p, box := withFeed(t, store), newInbox(t)
		box.status = 410
		p.Do(201, "POST", "/app/webhooks?tenant=acme", `{"url":"`+box.URL+`"}`)
		p.Do(400, "POST", "/app/webhooks?tenant=acme", `{"url":"gopher://x"}`)
		p.Do(400, "POST", "/app/webhooks?tenant=acme", `{"url":"https://x.example","kinds":["nothing"]}`)
		p.Do(201, "POST", "/Users", `{"userName":"ada"}`)
		box.wait(t, 1)
		var hook map[string]any
		require.Eventually(t, func() bool {
			list := p.Do(200, "GET", "/app/webhooks?tenant=acme", "")
			hook = list["webhooks"].([]any)[0].(map[string]any)
			return hook["state"] == "disabled"
		}, 5*time.Second, 10*time.Millisecond)
		attempt := hook["attempts"].([]any)[0].(map[string]any)
		assert.Equal(t, 410.0, attempt["status"])
		assert.Nil(t, attempt["next"])
		assert.NotContains(t, fmt.Sprint(hook), "whsec_")
		var parked []any
		require.Eventually(t, func() bool {
			parked = p.Do(200, "GET", "/app/parked?tenant=acme", "")["parked"].([]any)
			return len(parked) == 1
		}, 5*time.Second, 10*time.Millisecond)
		event := parked[0].(map[string]any)["event"].(string)
		p.Do(200, "POST", "/app/retry", `{"tenant":"acme","event":"`+event+`"}`)
		require.Eventually(t, func() bool {
			again := p.Do(200, "GET", "/app/parked?tenant=acme", "")["parked"].([]any)
			return len(again) == 1 && strings.Contains(fmt.Sprint(again), "disabled")
		}, 5*time.Second, 10*time.Millisecond)
		p.Do(200, "POST", "/app/drop", `{"tenant":"acme","event":"`+event+`","reason":"gone"}`)
		p.Do(404, "POST", "/app/retry", `{"tenant":"acme","event":"`+event+`"}`)

		assert.Equal(t, []string{"provisioned"}, p.Heard(1))
		p.Do(202, "POST", "/app/replay", `{"tenant":"acme","consumer":"hooks","from":"2020-01-01T00:00:00Z"}`)
		assert.Equal(t, []string{"provisioned", "provisioned"}, p.Heard(2))
		told := p.Do(200, "GET", "/app/events?tenant=acme", "")["events"].([]any)
		assert.Equal(t, told[0].(map[string]any)["id"], told[1].(map[string]any)["id"], "events keep their ids")
		p.Do(400, "POST", "/app/replay", `{"tenant":"acme","consumer":"hooks","from":"yesterday"}`)
		p.Do(404, "POST", "/app/replay", `{"tenant":"acme","consumer":"nobody","from":"2020-01-01T00:00:00Z"}`)

		p.Do(200, "POST", "/app/pause", `{"tenant":"acme","consumer":"hooks"}`)
		p.Do(201, "POST", "/Users", `{"userName":"bob"}`)
		lag := p.Do(200, "GET", "/app/lag?tenant=acme", "")["consumers"].([]any)[0].(map[string]any)
		assert.Equal(t, "hooks", lag["consumer"])
		assert.Equal(t, 1.0, lag["waiting"])
		assert.Equal(t, true, lag["paused"])
		p.Do(200, "POST", "/app/resume", `{"tenant":"acme","consumer":"hooks"}`)
		assert.Len(t, p.Heard(3), 3)
		p.Do(404, "POST", "/app/pause", `{"tenant":"acme","consumer":"nobody"}`)
		p.Do(400, "POST", "/app/pause", `{"consumer":"hooks"}`)
	})
}

// walk reads the feed of a server from its beginning until stop is closed and nothing more comes.
func walk(t *testing.T, base, query string, stop <-chan struct{}) (ids, users []string) {
	cursor := ""
	for last := false; ; {
		select {
		case <-stop:
			last = true
		default:
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(base, "/scim/v2")+"/feed?limit=50&cursor="+cursor+query, nil)
		if !assert.NoError(t, err) {
			return ids, users
		}
		r.Header.Set("Authorization", "Bearer FEED")
		answer, err := http.DefaultClient.Do(r)
		if !assert.NoError(t, err) {
			return ids, users
		}
		var page struct {
			Events []struct{ ID, UserName, Kind string }
			Cursor string
		}
		err = json.NewDecoder(answer.Body).Decode(&page)
		answer.Body.Close()
		if !assert.NoError(t, err) || !assert.Equal(t, 200, answer.StatusCode) {
			return ids, users
		}
		for _, e := range page.Events {
			ids, users = append(ids, e.ID), append(users, e.UserName)
		}
		cursor = page.Cursor
		if last && len(page.Events) == 0 {
			return ids, users
		}
	}
}

// While 16 writers write on two processes, several readers read the feeds of both. Each reader gets every event once, in the same order.
func TestFeedOfTwoProcesses(t *testing.T) {
	try.OnEngines(t, func(t *testing.T, store string) {
		servers := []string{spawn(t, store, "-feed-token", "FEED").base, spawn(t, store, "-feed-token", "FEED").base}
		const writers, each = 16, 20
		var writing, walking sync.WaitGroup
		stop := make(chan struct{})
		walks := make([][]string, 4)
		users := make([][]string, len(walks))
		for i := range walks {
			walking.Go(func() { walks[i], users[i] = walk(t, servers[i%2], []string{"&wait=0", "&wait=0.2"}[i/2], stop) })
		}
		for w := range writers {
			writing.Go(func() {
				for n := range each {
					status, answer, err := send(servers[w%2], http.MethodPost, "/Users", fmt.Sprintf(`{"userName":"w%d-%d"}`, w, n))
					assert.NoError(t, err)
					assert.Equal(t, 201, status, answer)
				}
			})
		}
		writing.Wait()
		close(stop)
		walking.Wait()
		seen := map[string]bool{}
		for _, u := range users[0] {
			assert.False(t, seen[u], "%s is there twice", u)
			seen[u] = true
		}
		assert.Len(t, seen, writers*each, "none is missing")
		for i := range walks {
			assert.Equal(t, walks[0], walks[i], "the order of each walk")
		}
	})
}

// An event that one process commits is delivered by a webhook or the feed of another process within a second.
func TestOtherProcessHears(t *testing.T) {
	try.OnEngines(t, func(t *testing.T, store string) {
		one, other := spawn(t, store, "-feed-token", "FEED").base, spawn(t, store, "-feed-token", "FEED").base
		var took time.Duration
		var waiting sync.WaitGroup
		at := time.Now()
		began := make(chan struct{})
		waiting.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(other, "/scim/v2")+"/feed?wait=20", nil)
			if !assert.NoError(t, err) {
				return
			}
			r.Header.Set("Authorization", "Bearer FEED")
			r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(began) }}))
			answer, err := http.DefaultClient.Do(r)
			if assert.NoError(t, err) {
				answer.Body.Close()
			}
			took = time.Since(at)
		})
		<-began // the feed has a request, and no event yet
		at = time.Now()
		status, _, err := send(one, http.MethodPost, "/Users", `{"userName":"ada"}`)
		require.NoError(t, err)
		require.Equal(t, 201, status)
		waiting.Wait()
		assert.Less(t, took, time.Second)
		t.Logf("after %s", took)
	})
}

// A bulk request with "Prefer: respond-async" is answered before it is done, and the feed has its results (RFC 9967 section 2.5.1).
func TestAsyncBulk(t *testing.T) {
	try.OnStores(t, func(t *testing.T, store string) {
		p := withFeed(t, store)
		assert.Equal(t, "request", p.Do(200, "GET", "/ServiceProviderConfig", "")["securityEvents"].(map[string]any)["asyncRequest"])
		bulk := func(operations string) *http.Response {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.Base+"/Bulk", strings.NewReader(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`+operations+`]}`))
			require.NoError(t, err)
			r.Header = http.Header{"Authorization": {"Bearer " + try.Token}, "Content-Type": {"application/scim+json"}, "Prefer": {"respond-async"}}
			answer, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			answer.Body.Close()
			return answer
		}
		for bulk(`{"method":"DELETE","path":"/Users/nobody"}`).StatusCode != http.StatusAccepted { // until the background work has begun
			require.NoError(t, t.Context().Err())
		}
		answer := bulk(`
			{"method":"POST","path":"/Users","bulkId":"a","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada"}},
			{"method":"POST","path":"/Groups","bulkId":"g","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Crew","members":[{"value":"bulkId:a"}]}},
			{"method":"DELETE","path":"/Users/nobody"}`)
		require.Equal(t, http.StatusAccepted, answer.StatusCode)
		txn := answer.Header.Get("Set-Txn")
		results := map[string]string{}
		cursor := ""
		for len(results) < 3 {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(p.Base, "/scim/v2")+"/feed?wait=10&kinds=request.completed&cursor="+cursor, nil)
			require.NoError(t, err)
			r.Header.Set("Authorization", "Bearer FEED")
			answer, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			var page struct {
				Events []struct {
					Data struct {
						Origin struct{ Request string }
						After  struct{ Status string }
					}
				}
				Cursor string
			}
			err = json.NewDecoder(answer.Body).Decode(&page)
			answer.Body.Close()
			require.NoError(t, err)
			require.NotEmpty(t, page.Events, "within 10 s")
			for _, e := range page.Events {
				if request := e.Data.Origin.Request; strings.HasPrefix(request, txn) {
					results[request] = e.Data.After.Status
				}
			}
			cursor = page.Cursor
		}
		assert.Equal(t, map[string]string{txn + ":0": "201", txn + ":1": "201", txn + ":2": "404"}, results)
	})
}
