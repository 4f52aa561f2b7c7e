package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/feed"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// reader reads the feed of a service by HTTP.
type reader struct {
	t       *testing.T
	fake    *storetest.Fake
	service *lifecycle.Service
	handler *feed.Handler
}

func newReader(t *testing.T, tenant string) *reader {
	t.Helper()
	f := storetest.NewFake()
	s, err := lifecycle.New(f, &lifecycle.Options{Feed: true})
	require.NoError(t, err)
	h, err := feed.New(s, &feed.Options{Authorize: feed.BearerToken("secret", tenant)})
	require.NoError(t, err)
	return &reader{t, f, s, h}
}

// page is an answer.
type page struct {
	Status int `json:"-"`
	Events []struct {
		ID, Kind, Tenant, Subject, UserName, Time string
		Data                                      map[string]any
	}
	Cursor, Error string
}

func (p page) names() (names []string) {
	for _, e := range p.Events {
		names = append(names, e.UserName+" "+e.Kind)
	}
	return names
}

func (x *reader) get(query string) (p page) {
	x.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/feed?"+query, nil)
	r.Header.Set("Authorization", "Bearer secret")
	w := httptest.NewRecorder()
	x.handler.ServeHTTP(w, r)
	require.NoError(x.t, json.Unmarshal(w.Body.Bytes(), &p), w.Body.String())
	p.Status = w.Code
	assert.Equal(x.t, "application/json", w.Header().Get("Content-Type"))
	return p
}

func (x *reader) add(tenant, name string) {
	x.t.Helper()
	_, err := x.service.Add(context.Background(), lifecycle.Request{Tenant: tenant}, lifecycle.Identity{UserName: name})
	require.NoError(x.t, err)
}

func TestWalk(t *testing.T) {
	x := newReader(t, "")
	empty := x.get("")
	assert.Equal(t, 200, empty.Status)
	assert.NotNil(t, empty.Events)
	assert.NotEmpty(t, empty.Cursor)
	for n := range 5 {
		x.add([]string{"acme", "other"}[n%2], fmt.Sprint("u", n))
	}
	all := x.get("").names()
	assert.Equal(t, []string{"u0 provisioned", "u1 provisioned", "u2 provisioned", "u3 provisioned", "u4 provisioned"}, all)
	var walked []string
	for p := x.get("limit=2&cursor=" + empty.Cursor); len(p.Events) > 0; p = x.get("limit=2&cursor=" + p.Cursor) {
		walked = append(walked, p.names()...)
	}
	assert.Equal(t, all, walked)
	assert.Equal(t, []string{"u1 provisioned", "u3 provisioned"}, x.get("tenant=other").names())
	assert.Empty(t, x.get("kinds=deleted,updated").names())
	assert.Len(t, x.get("kinds=deleted,%20provisioned").names(), 5)
	end := x.get("kinds=deleted")
	assert.Empty(t, x.get("cursor="+end.Cursor).names(), "what was looked at is behind the cursor")
}

func TestAuthorization(t *testing.T) {
	x := newReader(t, "acme")
	x.add("acme", "ann")
	x.add("other", "bob")
	assert.Equal(t, []string{"ann provisioned"}, x.get("").names())
	assert.Equal(t, 400, x.get("tenant=other").Status)
	for _, header := range []string{"", "Bearer wrong", "Bearer ", "secret", "Basic secret"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		w := httptest.NewRecorder()
		x.handler.ServeHTTP(w, r)
		assert.Equal(t, 401, w.Code, header)
		assert.Equal(t, "Bearer", w.Header().Get("WWW-Authenticate"))
		assert.NotContains(t, w.Body.String(), "ann")
	}
	open := feed.BearerToken("", "")
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer ")
	_, ok := open(r)
	assert.False(t, ok, "an empty token lets nobody in")
	w := httptest.NewRecorder()
	x.handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	assert.Equal(t, 405, w.Code)
}

func TestWrongQueries(t *testing.T) {
	x := newReader(t, "")
	for _, q := range []string{"cursor=x", "cursor=MTo", "cursor=" + url.QueryEscape("../.."), "kinds=nothing", "wait=long", "wait=-1", "wait=NaN", "limit=0", "limit=x",
		"kinds=deleted&kinds=deactivated", "cursor=&cursor=", "cursor=%zz", "kinds=deleted;limit=1", "kinds=deleted&limit=1&limit=2"} {
		p := x.get(q)
		assert.Equal(t, 400, p.Status, q)
		assert.NotEmpty(t, p.Error)
	}
	x.fake.SetUnavailable(true)
	assert.Equal(t, 503, x.get("").Status)
}

func TestLongPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newReader(t, "")
		at := time.Now()
		empty := x.get("wait=20")
		assert.Equal(t, 20*time.Second, time.Since(at))
		assert.Empty(t, empty.Events)
		var waiting sync.WaitGroup
		at = time.Now()
		waiting.Go(func() {
			assert.Equal(t, []string{"ann provisioned"}, x.get("wait=60&cursor="+empty.Cursor).names())
			assert.Equal(t, 7*time.Second, time.Since(at), "as soon as it happens")
		})
		time.Sleep(7 * time.Second)
		x.add("acme", "ann")
		waiting.Wait()
		at = time.Now()
		x.get("wait=100000&kinds=deleted")
		assert.Equal(t, time.Minute, time.Since(at), "no longer than a minute")
	})
}

// Whoever has missed something is told so, and where to go on.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newReader(t, "")
		x.add("acme", "ann")
		first := x.get("")
		x.add("acme", "bob")
		time.Sleep(time.Hour)
		x.add("acme", "kim")
		prune := func(before time.Time) {
			_, err := x.fake.Prune(t.Context(), store.Retention{Done: before})
			require.NoError(t, err)
		}
		prune(time.Now().Add(-30 * time.Minute))
		gone := x.get("cursor=" + first.Cursor)
		assert.Equal(t, 410, gone.Status)
		assert.NotEmpty(t, gone.Error)
		assert.Equal(t, []string{"kim provisioned"}, x.get("cursor="+gone.Cursor).names())
		last := x.get("")
		assert.Equal(t, []string{"kim provisioned"}, last.names(), "without a cursor it begins with what is kept")
		prune(time.Now().Add(time.Hour))
		assert.Equal(t, 200, x.get("cursor="+last.Cursor).Status, "who has read everything has missed nothing")

		var waiting sync.WaitGroup
		waiting.Go(func() {
			assert.Equal(t, 200, x.get("wait=30&cursor="+last.Cursor).Status, "what was removed while it waited it had seen")
		})
		time.Sleep(time.Second)
		waiting.Wait()
	})
}

func TestOptions(t *testing.T) {
	s, err := lifecycle.New(storetest.NewFake(), nil)
	require.NoError(t, err)
	_, err = feed.New(s, nil)
	assert.ErrorContains(t, err, "Authorize is not set")
	_, err = feed.New(s, &feed.Options{Authorize: feed.BearerToken("x", "")})
	assert.ErrorContains(t, err, "set lifecycle.Options.Feed")
}
