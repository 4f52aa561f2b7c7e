package scim

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func (x *exchange) location(ep *endpoint, id string) string { return x.base + ep.Endpoint + "/" + id }

// answer sends the header, unless it is out, and the rest of the body.
func (x *exchange) answer(status int) error {
	const buffered = 2 << 10 // net/http counts so much by itself
	if !x.started && len(x.buf) > buffered {
		x.w.Header()["Content-Length"] = []string{strconv.Itoa(len(x.buf))}
	}
	x.send(status)
	x.endCompression(false)
	return nil
}

// send sends what there is of the body. A client that has gone is no failure of the service.
func (x *exchange) send(status int) {
	if !x.started {
		x.w.Header()["Content-Type"] = x.media
		x.compress()
		x.start(status)
	}
	if x.zip != nil {
		_, _ = x.zip.Write(x.buf)
	} else {
		_, _ = x.w.Write(x.buf)
	}
	x.buf = x.buf[:0]
}

// start sends the header.
func (x *exchange) start(status int) {
	if x.h.opts.ServerTiming {
		x.w.Header().Set("Server-Timing", fmt.Sprintf("auth;dur=%.3f, total;dur=%.3f", milliseconds(x.authenticated.Sub(x.began)), milliseconds(time.Since(x.began))))
	}
	x.w.WriteHeader(status)
	x.started, x.status = true, status
}

func milliseconds(d time.Duration) float64 { return float64(max(d, 0)) / float64(time.Millisecond) }

func (x *exchange) answerError(e *Error) {
	x.logRefusal(e)
	h := x.w.Header()
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	if e.allow != "" {
		h.Set("Allow", e.allow)
	}
	if e.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="scim"`)
	}
	h["X-Request-Id"] = []string{x.identify()}
	h.Del("Location")
	h.Del("ETag")
	h.Del("Content-Location")
	x.buf = e.appendJSON(x.buf[:0])
	_ = x.answer(e.Status)
}

// answerVersion answers without a body.
func (x *exchange) answerVersion(status int, version string) error {
	if version != "" {
		x.w.Header().Set("ETag", schema.ETag(version))
	}
	x.start(status)
	return nil
}

// answerResource answers with a resource. Content-Location is its meta.location (RFC 7643 section 3.1), after a POST too.
func (x *exchange) answerResource(ep *endpoint, status int, f found, p *schema.Projection) (err error) {
	h := x.w.Header()
	version, err := x.versionShown(&f, p)
	if err != nil {
		return err
	}
	tag, location := schema.ETag(version), x.location(ep, f.resource.ID)
	values := &struct { // together, to allocate once
		texts    [2]string
		resource [1]*store.Resource
	}{[...]string{tag, location}, [...]*store.Resource{f.resource}}
	h["Etag"], h["Content-Location"] = values.texts[:1:1], values.texts[1:]
	if status == http.StatusCreated {
		h["Location"] = values.texts[1:]
	}
	if x.buf, err = x.appendResources(x.buf[:0], x.base, ep, p, values.resource[:], f.related, x.overflow(status)); err != nil {
		return err
	}
	return x.answer(status)
}

// overflow sends a large answer in parts, so that a group of any size needs little memory.
func (x *exchange) overflow(status int) func([]byte) []byte {
	const part = 64 << 10
	return func(b []byte) []byte {
		if len(b) < part {
			return b
		}
		x.buf = b
		x.send(status)
		return x.buf
	}
}

// appendResources renders resources, separated by commas, with their members or groups. known has the rows that were read with the
// resources; the other rows are rendered as the store hands them out. overflow may be nil. Otherwise it is called with what has
// been rendered so far, and may send that and return an empty buffer.
func (c *caller) appendResources(b []byte, base string, ep *endpoint, p *schema.Projection, resources []*store.Resource, known related,
	overflow func([]byte) []byte) ([]byte, error) {
	w := writer{b: b, base: base, ep: ep, p: p, resources: resources, next: -1}
	if relation := p.Relation(); relation != 0 && len(resources) > 0 {
		for i := range known.rows {
			w.related(relation, known.rows[i])
			if overflow != nil {
				w.b = overflow(w.b)
			}
		}
		if known.complete < len(resources) {
			var err error
			if w, err = c.stream(w, relation, known, overflow); err != nil {
				return w.b, err
			}
		}
	}
	for w.next < len(resources) {
		w.turn()
		if overflow != nil {
			w.b = overflow(w.b)
		}
	}
	return w.b, nil
}

// stream renders the rows of the resources behind those that are complete, as they come from the store.
func (c *caller) stream(w writer, relation filter.Relation, known related, overflow func([]byte) []byte) (writer, error) {
	rest := known.rest
	if rest == nil {
		ids := make([]string, 0, len(w.resources)-known.complete)
		for _, r := range w.resources[known.complete:] {
			ids = append(ids, r.ID)
		}
		q := store.MemberQuery{Tenant: c.who.Tenant, Groups: ids}
		if relation == filter.Groups {
			q.Groups, q.Of = nil, ids
		}
		rest = c.store().Members(c.ctx, q)
	}
	for row, err := range rest {
		if err != nil {
			return w, err
		}
		w.related(relation, row)
		if overflow != nil {
			w.b = overflow(w.b)
		}
	}
	return w, nil
}

// writer renders a list of resources while the rows of their relation come in, in the same order.
type writer struct {
	b         []byte
	base      string
	ep        *endpoint
	p         *schema.Projection
	resources []*store.Resource
	next      int // the resource that is open; -1 before the first
	rows      int // of the open resource
	shown     rowSum
}

// turn closes the open resource and opens the next one.
func (w *writer) turn() {
	if w.next >= 0 {
		r := w.resources[w.next]
		if w.rows > 0 {
			w.b = append(w.b, ']')
		}
		w.b = w.p.AppendTail(w.b, r, w.shown.version(r.Version), w.base+w.ep.Endpoint)
	}
	w.rows, w.shown = 0, rowSum(0)
	if w.next++; w.next < len(w.resources) {
		if w.next > 0 {
			w.b = append(w.b, ',')
		}
		w.b = w.p.AppendHead(w.b, w.resources[w.next])
	}
}

// related appends a row to the resource that it belongs to.
func (w *writer) related(relation filter.Relation, row store.Member) {
	owner := row.Group
	if relation == filter.Groups {
		owner = row.ID
	}
	for w.next < len(w.resources) && (w.next < 0 || w.resources[w.next].ID != owner) {
		w.turn()
	}
	if w.next == len(w.resources) {
		return // the store has handed out a row of a resource that it wasn't asked for, or out of order
	}
	if w.rows++; w.rows == 1 {
		w.b = append(w.b, relationStart[relation]...)
	} else {
		w.b = append(w.b, ',')
	}
	if relation == filter.Groups {
		w.shown.add(row)
	}
	w.b = w.p.AppendRow(w.b, row, w.base)
}

var relationStart = [...]string{filter.Members: `,"members":[`, filter.Groups: `,"groups":[`}
