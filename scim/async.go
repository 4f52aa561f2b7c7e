package scim

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// asyncResponse is the event by which the result of an asynchronous request is told (RFC 9967 section 2.5.1.3).
const asyncResponse = "urn:ietf:params:scim:event:misc:asyncresp"

// asynchronous says whether clients may ask for an answer before a request is done.
func (h *Handler) asynchronous() bool { return slices.Contains(h.opts.SecurityEvents, asyncResponse) }

// answersAsync says whether the client of this request may. A request that writes nothing has no event, so it is done at once.
func (x *exchange) answersAsync() bool {
	return x.h.asynchronous() && !x.request.DryRun && x.request.Connection.State != lifecycle.ConnectionShadow
}

// prefersAsync says whether the client asks for that, where it may.
func (x *exchange) prefersAsync() bool {
	_, asked := respondAsync(x.r.Header)
	return asked && x.answersAsync()
}

// mostWait is how long a request waits at most because its client prefers to, before it is answered asynchronously.
const mostWait = time.Minute

// respondAsync says whether a client prefers an answer before the request is done, and for how long it would wait for a normal one
// (RFC 7240 sections 4.1 and 4.3). A preference that can't be read is none.
func respondAsync(h http.Header) (wait time.Duration, asked bool) {
	waits := false // of several the first counts (section 2)
	for _, value := range h["Prefer"] {
		for preference := range strings.SplitSeq(value, ",") {
			preference, _, _ = strings.Cut(preference, ";") // its parameters
			name, value, _ := strings.Cut(preference, "=")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "respond-async":
				asked = true
			case "wait":
				seconds, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
				if !waits && err == nil && seconds >= 0 {
					wait, waits = min(time.Duration(seconds)*time.Second, mostWait), true
				}
			}
		}
	}
	return wait, asked
}

// runAsync does the operations in the background, and answers 202 if they take longer than wait: then an event for each operation
// says what became of it. If nobody in this process does anything in the background now, the request is answered as if its client
// had not asked.
func (b *bulkJob) runAsync(wait time.Duration) error {
	x, txn := b.x, uuid.NewString()
	own := &exchange{caller: x.caller, base: x.base, r: x.r} // x is another request's by the time that this ends
	finished, left := make(chan struct{}), make(chan struct{})
	accepted := x.h.lifecycle.Background(func(running context.Context) {
		ctx, end := context.WithCancelCause(context.WithoutCancel(own.ctx))
		defer end(nil)
		defer context.AfterFunc(running, func() { end(context.Cause(running)) })()
		own.ctx, own.r = ctx, own.r.WithContext(ctx)
		b.x = own
		b.run()
		select {
		case finished <- struct{}{}:
		case <-left:
			b.tell(txn)
		}
	})
	if !accepted {
		b.run()
		return b.answer()
	}
	patience := time.NewTimer(wait)
	defer patience.Stop()
	select {
	case <-finished:
		b.x = x
		return b.answer()
	case <-patience.C:
	case <-x.ctx.Done():
	}
	defer close(left)
	h := x.w.Header()
	h["Set-Txn"], h["Preference-Applied"] = []string{txn}, []string{"respond-async"}
	x.start(http.StatusAccepted)
	return nil
}

// eventsAtOnce is how many results are told in one commit.
const eventsAtOnce = 100

// What is told of an operation that was not tried. A bulk response leaves it out, but here each has its event.
var (
	errStopped  = &Error{Status: http.StatusServiceUnavailable, Detail: "the service was stopped before it came to this operation; send it again"}
	errNotTried = &Error{Status: http.StatusConflict, Detail: "as many operations before it failed as failOnErrors accepts, so this one was not done"}
)

// onBulk is the resource type of the subject of an event about an operation whose path names none.
const onBulk = "Bulk"

// tell says by events what became of the operations, each under its index in the request (RFC 9967 section 2.5.1.2).
func (b *bulkJob) tell(txn string) {
	b.versions()
	x := b.x
	ctx := context.WithoutCancel(x.ctx)
	var events []*lifecycle.Event
	for _, o := range b.ops {
		switch {
		case o.ran:
		case x.ctx.Err() != nil:
			o.fail(errStopped)
		default:
			o.fail(errNotTried)
		}
		subject := store.Key{Tenant: x.who.Tenant, Type: onBulk, ID: o.resource()}
		if o.ep != nil {
			subject.Type = o.ep.Name
		}
		events = append(events, &lifecycle.Event{Kind: lifecycle.KindRequestCompleted, Subject: subject,
			After:  document.Document(o.appendJSON(nil, x.base)),
			Origin: lifecycle.Origin{Request: txn + ":" + strconv.Itoa(o.index)}})
	}
	for some := range slices.Chunk(events, eventsAtOnce) {
		if err := x.h.lifecycle.Tell(ctx, x.request, &store.Change{Tenant: x.who.Tenant}, some...); err != nil {
			x.h.opts.Logger.ErrorContext(ctx, "the results of an asynchronous request could not be told",
				slog.String("tenant", x.who.Tenant), slog.String("request", x.request.ID), slog.String("txn", txn),
				slog.Int("operations", len(some)), slog.String("error", err.Error()))
		}
	}
}
