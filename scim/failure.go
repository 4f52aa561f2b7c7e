package scim

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// fail answers with an error. An error that describe doesn't know is the service's own fault: it is logged under a request id, and
// the client gets only that id. A store that can't be reached is logged too, because nobody else may know of it.
func (x *exchange) fail(err error) {
	e := x.describe(err)
	x.told = e
	x.journal(e, err)
	if x.started {
		panic(http.ErrAbortHandler) // half an answer is out: the client must see it break off
	}
	if e.Status == http.StatusInternalServerError && x.request.ID != "" {
		x.w.Header().Set("X-Request-Id", x.request.ID)
	}
	x.answerError(e)
}

// describe makes an error the answer that the client may see, and logs what an operator must know of it.
func (x *exchange) describe(err error) *Error {
	e := describe(err)
	switch {
	case e == nil:
		e = x.failed(err)
	case isAway(err) && !errors.Is(x.r.Context().Err(), context.Canceled): // who has gone is no failure of the store
		x.h.away.report(x, "the store is not available", err, x.request.ID)
	case errors.Is(err, store.ErrTooMuch) && x.ep != nil:
		e.Detail += "; eq and sw on one of these attributes are answered by one: " + strings.Join(x.ep.Indexed(), ", ") +
			"; and so are active, and gt on meta.lastModified"
	}
	return e
}

// failed is the answer to a failure of the service's own.
func (x *exchange) failed(err error) *Error {
	if x.request.ID == "" {
		x.request.ID = uuid.NewString()
	}
	id, what := x.request.ID, "scim request failed"
	if errors.Is(err, store.ErrCorrupt) || errors.Is(err, document.ErrDamaged) {
		what = "scim request failed: a record in the store is damaged"
	}
	detail := "the service failed; its log has the reason under the request id " + id
	if logged := x.h.failed.report(x, what, err, id); logged != id {
		detail = "the service failed, as it did for others; its log has one reason under the request id " + logged
	}
	return &Error{Status: http.StatusInternalServerError, Detail: detail}
}

// isAway says whether an error means that the store can't be reached, or doesn't answer in time.
func isAway(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// failureLog logs a kind of failure, at most a line a second: a store that is away makes every request fail, and nobody
// needs to read of each. The next line says how many were left out.
type failureLog struct {
	mu      sync.Mutex
	at      time.Time // of the last line
	id      string    // the request id in it
	leftOut int       // since
	mild    bool      // it is no failure of the service's own
}

// report logs a failed request, or counts it. It returns the request id of the last line that was logged.
func (l *failureLog) report(x *exchange, what string, err error, id string) (logged string) {
	l.mu.Lock()
	if now := time.Now(); l.at.IsZero() || now.Sub(l.at) >= time.Second {
		l.at, l.id = now, id
		leftOut := l.leftOut
		l.leftOut = 0
		l.mu.Unlock()
		level := slog.LevelError
		if l.mild {
			level = slog.LevelWarn
		}
		x.logFailure(level, what, err, id, leftOut)
		return id
	}
	defer l.mu.Unlock()
	l.leftOut++
	return l.id
}

func (x *exchange) logFailure(level slog.Level, what string, err error, id string, leftOut int) {
	attributes := []slog.Attr{
		slog.String("tenant", x.who.Tenant), slog.String("connection", x.who.Connection),
		slog.String("method", x.r.Method), slog.String("path", x.r.URL.Path), slog.String("error", err.Error()),
	}
	if id != "" {
		attributes = append(attributes, slog.String("request", id))
	}
	if leftOut > 0 {
		attributes = append(attributes, slog.Int("leftOut", leftOut))
	}
	x.h.opts.Logger.LogAttrs(x.r.Context(), level, what, attributes...)
}
