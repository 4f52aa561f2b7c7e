// Package feed serves the events of a product to its other systems, which pull them: in one total order, which is the same for all
// who read it, with no gaps. Mount a [Handler] where they reach it, and set lifecycle.Options.Feed.
//
//	GET /feed?cursor=&kinds=&tenant=&wait=&limit=
//	-> {"events":[{"id","kind","tenant","subject","userName","time","data"}],"cursor"}
//
// A client begins without a cursor, with what is kept, and goes on with the cursor of each answer, also of an empty one. It keeps
// that cursor together with what it has made of the events. After 410 it has missed some, because they were older than the
// retention: it begins anew with the cursor of that answer, after it has read the current state.
package feed

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Options configure a Handler.
type Options struct {
	// Authorize says whose events a request may read: of one tenant, or of all if tenant is "". ok is false for a request that may
	// read nothing; then the answer is 401. See BearerToken. It must be set.
	Authorize func(r *http.Request) (tenant string, ok bool)

	// Form says how much of each event is sent. Default payload.Full.
	Form payload.Form

	// Logger gets the failures of the store. The default discards them.
	Logger *slog.Logger
}

// BearerToken lets requests with that token read the events of a tenant, or of all tenants if tenant is "". It takes the same time
// for every wrong token, so compare the token nowhere else.
func BearerToken(token, tenant string) func(*http.Request) (string, bool) {
	want := sha256.Sum256([]byte(token))
	return func(r *http.Request) (string, bool) {
		headers := r.Header.Values("Authorization")
		if len(headers) != 1 {
			return "", false
		}
		scheme, got, _ := strings.Cut(headers[0], " ")
		sum := sha256.Sum256([]byte(strings.TrimSpace(got)))
		ok := subtle.ConstantTimeCompare(sum[:], want[:]) == 1
		return tenant, ok && token != "" && strings.EqualFold(scheme, "Bearer")
	}
}

// Bounds of a request.
const (
	maxWait   = 60 * time.Second
	maxEvents = 1000
	events    = 200              // unless limit says otherwise
	maxBytes  = 8 << 20          // of an answer; one event may be larger
	look      = time.Second / 2  // how often a waiting request looks by itself
	patience  = 20 * time.Second // for the store
)

// Handler is an http.Handler. Make it with New.
type Handler struct {
	service *lifecycle.Service
	Options
}

// New makes a handler of the feed of a service. It returns an error if the service has no feed (lifecycle.Options.Feed).
func New(s *lifecycle.Service, o *Options) (*Handler, error) {
	if o == nil || o.Authorize == nil {
		return nil, errors.New("feed: Options.Authorize is not set: use BearerToken, or say yourself who may read the feed")
	}
	h := &Handler{s, *o}
	if h.Logger == nil {
		h.Logger = slog.New(slog.DiscardHandler)
	}
	if !s.HasFeed() {
		return nil, errors.New("feed: the service keeps no feed: set lifecycle.Options.Feed")
	}
	return h, nil
}

// request is what a client asks for.
type request struct {
	store.FeedQuery
	isFirst bool // it has no cursor
	wait    time.Duration
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed, "the feed is read by GET", "")
		return
	}
	tenant, ok := h.Authorize(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		fail(w, http.StatusUnauthorized, "want a bearer token that may read the feed", "")
		return
	}
	q, err := parse(r, tenant)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	page, gone, err := h.read(r.Context(), q)
	switch {
	case r.Context().Err() != nil: // nobody reads the answer
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusServiceUnavailable, "the events can't be read now; try again", "")
	case err != nil:
		h.Logger.ErrorContext(r.Context(), "the feed could not be read", slog.String("error", err.Error()))
		fail(w, http.StatusInternalServerError, "the events can't be read", "")
	case gone:
		fail(w, http.StatusGone, "events behind this cursor were removed, because they are older than what is kept; read the current state, and go on with the cursor of this answer", cursor(page.Pruned))
	default:
		h.answer(w, r, page)
	}
}

// parse reads the query. Every part of it is optional.
func parse(r *http.Request, tenant string) (q request, err error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, errors.New("the query can't be read: write each value percent-encoded")
	}
	for _, name := range []string{"tenant", "cursor", "kinds", "wait", "limit"} {
		if len(values[name]) > 1 { // a client that gives several kinds so would miss events
			return q, errors.New(name + ": give it once; several kinds are separated by commas")
		}
	}
	q.FeedQuery = store.FeedQuery{Tenant: values.Get("tenant"), Max: events}
	switch {
	case tenant != "" && q.Tenant != "" && q.Tenant != tenant:
		return q, errors.New("tenant: this token may only read the events of its own organization; leave it out")
	case tenant != "":
		q.Tenant = tenant
	}
	if c := values.Get("cursor"); c == "" {
		q.isFirst = true
	} else if q.After, err = position(c); err != nil {
		return q, err
	}
	for k := range strings.SplitSeq(values.Get("kinds"), ",") {
		if k = strings.TrimSpace(k); k == "" {
			continue
		}
		if payload.Schema(lifecycle.Kind(k)) == nil {
			return q, fmt.Errorf("kinds: there is no kind %q; want some of %v, separated by commas", cut(k), lifecycle.Kinds())
		}
		if !slices.Contains(q.Kinds, k) {
			q.Kinds = append(q.Kinds, k)
		}
	}
	if text := values.Get("wait"); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || !(seconds >= 0) {
			return q, errors.New("wait: want a number of seconds, 0 or more")
		}
		q.wait = time.Duration(min(seconds, maxWait.Seconds()) * float64(time.Second))
	}
	if text := values.Get("limit"); text != "" {
		if q.Max, err = strconv.Atoi(text); err != nil || q.Max < 1 {
			return q, errors.New("limit: want a number of events, 1 or more")
		}
		q.Max = min(q.Max, maxEvents)
	}
	return q, nil
}

func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), 40)], "") }

// read reads on until there is something to tell, or the client has waited for long enough. gone says that its cursor is older than
// what is kept.
func (h *Handler) read(ctx context.Context, q request) (page store.FeedPage, gone bool, err error) {
	limit, cancel := context.WithTimeout(ctx, q.wait+patience)
	defer cancel()
	end := time.Now().Add(q.wait)
	for isAsked := !q.isFirst; ; isAsked = false {
		changed := h.service.Changed() // before it looks, so that nothing comes unnoticed in between
		if page, err = h.service.Feed(limit, q.FeedQuery); err != nil {
			return page, false, err
		}
		if isAsked && q.After < page.Pruned {
			return page, true, nil
		}
		left := time.Until(end)
		if len(page.Events) > 0 || left <= 0 && !page.More {
			return page, false, nil
		}
		q.After = page.Next
		if page.More {
			continue // it looked at events of other kinds only
		}
		pause := time.NewTimer(min(left, look))
		select {
		case <-limit.Done():
		case <-changed:
		case <-pause.C:
		}
		pause.Stop()
		if ctx.Err() != nil {
			return page, false, ctx.Err()
		}
	}
}

// answer writes a page. One that gets too long ends before, with the cursor of what is in it.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, page store.FeedPage) {
	b := append(make([]byte, 0, 4<<10), `{"events":[`...)
	next := page.Next
	for i, d := range page.Events {
		if i > 0 && len(b)+len(d.Data) > maxBytes {
			next = page.Events[i-1].Sequence
			break
		}
		e, err := lifecycle.EventOf(d.Event)
		if err != nil {
			h.Logger.ErrorContext(r.Context(), "an event of the feed is damaged", slog.String("tenant", d.Subject.Tenant), slog.String("event", d.ID), slog.String("error", err.Error()))
			fail(w, http.StatusInternalServerError, "an event can't be read", "")
			return
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = payload.Append(b, e, h.Form)
	}
	b = document.AppendString(append(b, `],"cursor":`...), cursor(next))
	b = append(b, '}')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(b)
	}
}

func fail(w http.ResponseWriter, status int, text, cursor string) {
	b := document.AppendString([]byte(`{"error":`), text)
	if cursor != "" {
		b = document.AppendString(append(b, `,"cursor":`...), cursor)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '}'))
}

// cursor is a position as clients get it. It means nothing to them.
func cursor(position int64) string {
	return base64.RawURLEncoding.EncodeToString(strconv.AppendInt([]byte("1:"), position, 36))
}

var errCursor = errors.New("cursor: it is none of this feed; leave it out to begin with the first event that is kept")

func position(cursor string) (int64, error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor[:min(len(cursor), 100)])
	number, ok := strings.CutPrefix(string(text), "1:")
	if err != nil || !ok {
		return 0, errCursor
	}
	n, err := strconv.ParseInt(number, 36, 64)
	if err != nil || n < 0 {
		return 0, errCursor
	}
	return n, nil
}
