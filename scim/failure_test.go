package scim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// logged is a handler whose store fails with an error, and its log. It may be used in a synctest bubble.
type logged struct {
	t   *testing.T
	h   *scim.Handler
	log bytes.Buffer
	err error
}

func newLogged(t *testing.T, err error) *logged {
	l := &logged{t: t, err: err}
	fake := storetest.NewFake()
	fake.Before(func(_ context.Context, method string) error {
		if method == "Commit" { // of what refusals leave in the journal
			return nil
		}
		return l.err
	})
	var failed error
	l.h, failed = scim.NewHandler(fake, &scim.Options{Auth: scim.BearerTokens{"acme": "acme"}, Logger: slog.New(slog.NewTextHandler(&l.log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	require.NoError(t, failed)
	l.log.Reset() // of what was said at the start
	return l
}

func (l *logged) get(ctx context.Context, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, "GET", path, nil)
	r.Header.Set("Authorization", "Bearer acme")
	w := httptest.NewRecorder()
	l.h.ServeHTTP(w, r)
	return w
}

// lines are those that were logged since the last call.
func (l *logged) lines() []string {
	text := strings.TrimSuffix(l.log.String(), "\n")
	l.log.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// Fault 22: a store that is away was logged nowhere, and one that fails filled the log.
func TestFailuresAreLoggedOnceASecond(t *testing.T) {
	for name, err := range map[string]error{
		"away":     fmt.Errorf("sqlstore: no space left on device: %w", store.ErrUnavailable),
		"too late": fmt.Errorf("sqlstore: no space left on device: %w", context.DeadlineExceeded),
		"failing":  errors.New("sqlstore: no space left on device"),
		"damaged":  fmt.Errorf("sqlstore: no space left on device: %w", store.ErrCorrupt),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLogged(t, err)
				for range 25 {
					assert.GreaterOrEqual(t, l.get(t.Context(), "/Users/u1?filter=secret").Code, 500)
					time.Sleep(30 * time.Millisecond)
				}
				lines := l.lines()
				require.Len(t, lines, 1)
				for _, part := range []string{"level=ERROR", "tenant=acme", "method=GET", "path=/Users/u1 ", "no space left on device"} {
					assert.Contains(t, lines[0], part)
				}
				assert.NotContains(t, lines[0], "leftOut")
				time.Sleep(time.Second)
				l.get(t.Context(), "/Users")
				lines = l.lines()
				require.Len(t, lines, 1)
				assert.Contains(t, lines[0], "leftOut=24")
				time.Sleep(time.Second)
				l.get(t.Context(), "/Users")
				lines = l.lines()
				require.Len(t, lines, 1)
				assert.NotContains(t, lines[0], "leftOut")
			})
		})
	}
}

// A store that is away doesn't hide that something else fails.
func TestFailuresOfTwoKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLogged(t, store.ErrUnavailable)
		l.get(t.Context(), "/Users")
		l.err = errDatabase
		first := l.get(t.Context(), "/Users")
		second := l.get(t.Context(), "/Users")
		lines := l.lines()
		require.Len(t, lines, 2)
		id := first.Header().Get("X-Request-Id")
		assert.Contains(t, lines[1], " request="+id)
		assert.Contains(t, second.Body.String(), "request id "+id, "whoever looks into the log finds a line")
		assert.NotEqual(t, id, second.Header().Get("X-Request-Id"))
	})
}

// A client that has gone, and what the store is right to refuse, are no failures.
func TestNoFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone, leave := context.WithCancel(t.Context())
		leave()
		l := newLogged(t, context.Canceled)
		l.get(gone, "/Users")
		l.err = fmt.Errorf("%w: %w", store.ErrUnavailable, context.Canceled)
		l.get(gone, "/Users")
		for _, err := range []error{store.ErrNotFound, store.ErrTooMuch, store.ErrBusy, store.ErrCursor} {
			l.err = err
			l.get(t.Context(), "/Users")
		}
		l.get(t.Context(), "/Me")
		assert.Empty(t, l.lines())
	})
}

// A damaged record is the service's failure, whatever the store says of it, and the log names the resource.
func TestDamagedRecord(t *testing.T) {
	for _, err := range []error{fmt.Errorf("%w: %w", store.ErrCorrupt, &document.SyntaxError{}), document.ErrDamaged} {
		l := newLogged(t, err)
		w := l.get(t.Context(), "/Users/u1")
		assert.Equal(t, 500, w.Code)
		lines := l.lines()
		require.Len(t, lines, 1)
		assert.Contains(t, lines[0], "a record in the store is damaged")
		assert.Contains(t, lines[0], "path=/Users/u1")
		assert.Contains(t, lines[0], " request="+w.Header().Get("X-Request-Id"))
	}
}

// What a store won't do for a client says how it would.
func TestStoreIsBounded(t *testing.T) {
	s := serve(t)
	fake := s.store.(*storetest.Fake)
	fake.Before(func(context.Context, string) error { return store.ErrTooMuch })
	a := s.do("GET", `/Users?filter=title+co+%22x%22`, "").fails(400, "tooMany", "userName, externalId, emails.value, displayName")
	assert.Contains(t, a.at("detail"), "eq and sw on one of")
	s.do("POST", "/Groups/.search", `{"filter":"members.display co \"x\""}`).fails(400, "tooMany", "displayName")
	fake.Before(func(context.Context, string) error { return store.ErrBusy })
	a = s.do("GET", `/Users?filter=title+co+%22x%22`, "").fails(429, "", "try again")
	assert.Equal(t, "1", a.header.Get("Retry-After"))
}
