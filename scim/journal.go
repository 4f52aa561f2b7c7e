package scim

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
)

// journal makes sure that a refusal is in the tenant's journal; those that lifecycle.Service.Do made are there already. A read of
// something that isn't there is not listed, as clients look for people before they create them.
func (x *exchange) journal(e *Error, err error) {
	if e.Status == http.StatusUnauthorized && err != ErrUnauthorized { //nolint:errorlint // only the bare error; it says more than that there was none
		x.h.denied.report(x, "a credential was refused", err, x.identify())
	}
	if x.who.Tenant == "" || x.request.Journalled() || x.request.DryRun {
		return
	}
	detail := e.Detail
	switch e.Status {
	case http.StatusUnauthorized:
		detail = err.Error() // the client is not told
		x.explained = detail
	case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusPreconditionFailed,
		http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusUnsupportedMediaType:
		if x.reads {
			return
		}
	default:
		return
	}
	if x.request.Action == "" {
		const most = 16 // bytes of a method that isn't one
		x.request.Action = x.r.Method[:min(len(x.r.Method), most)] + " " + x.place()
	}
	x.identify()
	x.h.lifecycle.Refuse(context.WithoutCancel(x.ctx), &x.request, &lifecycle.Refusal{Detail: detail, Err: err})
}

// place says what a request was about that was refused before it was looked at: the endpoint, written as in all entries, if the
// request names one.
func (x *exchange) place() string {
	first, id, _ := strings.Cut(strings.Trim(x.r.URL.Path, "/"), "/")
	ep, ok := x.h.endpoints[first]
	if !ok {
		return quoted(x.r.URL.Path)
	}
	if len(id) <= 64 && id != ".search" && !strings.Contains(id, "/") {
		x.request.Subject = x.key(ep, id)
	}
	return ep.Endpoint
}

// statusOf says for the journal how a request will be answered.
func statusOf(r *lifecycle.Request, d *lifecycle.Decision) int {
	if d.Err != nil {
		if e := describe(d.Err); e != nil {
			return e.Status
		}
		return http.StatusForbidden
	}
	method, path, _ := strings.Cut(r.Action, " ")
	switch {
	case method == http.MethodPost:
		return http.StatusCreated
	case method == http.MethodDelete, method == http.MethodPatch && path == "/Groups":
		return http.StatusNoContent
	}
	return http.StatusOK
}

// observe tells the authenticator what became of the request.
func (x *exchange) observe() {
	if x.reads && x.status < http.StatusBadRequest && x.preset == nil && !x.who.TraceUntil.IsZero() && x.received.Before(x.who.TraceUntil) {
		if x.request.Action == "" {
			x.request.Action = x.r.Method + " " + x.place()
		}
		x.h.lifecycle.Trace(context.WithoutCancel(x.ctx), &x.request, x.status)
	}
	if x.h.observer == nil || x.who.Tenant == "" || x.preset != nil {
		return
	}
	o := Observation{Time: x.received, Read: x.reads, Status: x.status, Outcome: x.outcome, UserAgent: x.r.UserAgent(), Quirks: x.request.Quirks}
	if x.ep != nil {
		o.Type = x.ep.Name
	}
	if x.told != nil {
		o.Detail, o.Explained, o.Outcome = x.told.Detail, x.explained, lifecycle.Refused
	}
	if len(o.UserAgent) > mostUserAgent {
		o.UserAgent = strings.ToValidUTF8(o.UserAgent[:mostUserAgent], "")
	}
	x.h.observer.Observe(&x.who, o)
}

const mostUserAgent = 200

// secret says whether no value of a top-level attribute, or of an extension, may be written down.
func (ep *endpoint) secret(attribute string) bool {
	for _, x := range ep.Extensions {
		if x.URN == attribute {
			return anySecret(x.Attributes)
		}
	}
	for _, a := range ep.Attributes {
		if a.Name == attribute {
			return a.Hidden() || anySecret(a.Sub)
		}
	}
	return true // unknown: say nothing
}

func anySecret(attributes []*schema.Attribute) bool {
	for _, a := range attributes {
		if a.Hidden() || anySecret(a.Sub) {
			return true
		}
	}
	return false
}

// Retried is what would become of a request now.
type Retried struct {
	Outcome lifecycle.Outcome
	Status  int
	Detail  string // of a refusal; empty if it would pass
}

// Retry does a request again that the journal has kept (lifecycle.Settings.KeepBodiesUntil), as a dry run: it is decided by
// today's state and settings, on behalf of the connection that sent it, and nothing is written. It returns
// store.ErrNotFound if there is no such entry, and lifecycle.ErrNoBody if its body was not kept.
func (h *Handler) Retry(ctx context.Context, tenant, entry string) (Retried, error) {
	e, body, err := h.lifecycle.KeptBody(ctx, tenant, entry)
	if err != nil {
		return Retried{}, err
	}
	who := Principal{Tenant: tenant, Connection: e.Connection}
	if c, ok := h.opts.Auth.(singleCredential).Authenticator.(interface {
		PrincipalOf(ctx context.Context, tenant, connection string) (Principal, error)
	}); ok && e.Connection != "" {
		if who, err = c.PrincipalOf(ctx, tenant, e.Connection); err != nil {
			return Retried{}, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, body.Method, (&url.URL{Path: body.Path, RawQuery: body.Query}).String(), strings.NewReader(body.Text))
	if err != nil {
		return Retried{}, err
	}
	for name, value := range map[string]string{"If-Match": body.Match, "If-None-Match": body.NoneMatch} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	w := &dryWriter{header: http.Header{}}
	x := &exchange{caller: caller{h: h, preset: &who}, w: w, r: r, buf: make([]byte, 0, 4<<10)}
	if err := x.serve(); err != nil {
		if describe(err) == nil {
			return Retried{}, err
		}
		x.fail(err)
	}
	out := Retried{Outcome: x.outcome, Status: w.status}
	if x.told != nil {
		out.Outcome, out.Detail = lifecycle.Refused, x.told.Detail
	}
	return out, nil
}

// dryWriter takes an answer that nobody is sent.
type dryWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *dryWriter) Header() http.Header         { return w.header }
func (w *dryWriter) WriteHeader(status int)      { w.status = status }
func (w *dryWriter) Write(b []byte) (int, error) { return w.body.Write(b) }

// noteDecision keeps what the observer is told of a decision.
func (c *caller) noteDecision(d *lifecycle.Decision, err error) {
	if d != nil {
		c.outcome = d.Outcome
	}
	if err == nil {
		return
	}
	if refusal := (*lifecycle.Refusal)(nil); errors.As(err, &refusal) {
		c.explained = refusal.Explanation
	}
}
