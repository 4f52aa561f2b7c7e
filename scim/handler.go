// Package scim is a SCIM 2.0 service provider (RFC 7643, RFC 7644) as an http.Handler, to be mounted in an existing product. It
// reads requests, liberally where an identity provider is known to deviate from the RFCs, has package lifecycle decide what each
// means and commit that to the product's [store.Store], and answers strictly by the RFCs.
//
//	request - authenticate - decode - validate - decide - commit - render - answer
//
// Begin with [NewHandler] and [Options]. [Handler.Lifecycle] is what a product asks at each sign-in.
package scim

import (
	"compress/gzip"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	elimity "github.com/elimity-com/scim"
	"golang.org/x/time/rate"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store"
)

// Handler serves the SCIM endpoints of every tenant. Mount it with http.StripPrefix, or anything else that leaves it
// a path such as /Users. It is safe for concurrent use, keeps no state between requests but what Options.Auth and
// the lifecycle cache, and starts no goroutine.
type Handler struct {
	opts      Options
	store     store.Store
	lifecycle *lifecycle.Service
	endpoints map[string]*endpoint // by the first segment of the path: Users
	types     map[string]*endpoint // by the resource type's name
	discovery discovery
	interop   discovery // what connections of the dialect interop are told
	cursors   cursors
	exchanges sync.Pool
	callers   rateLimiter // of connections that have a limit of their own
	observer  Observer    // nil: nobody wants to know
	denied    failureLog  // of credentials that were refused
	failed    failureLog  // of what is answered with 500
	away      failureLog  // of a store that can't be had
}

// NewHandler makes a handler on a store. It checks the options and compiles the schemas. It returns an error, which says what
// would be right, if an option is wrong, contradicts another one, or needs an interface that the store doesn't have; a nil o.Auth
// is such an error.
func NewHandler(s store.Store, o *Options) (*Handler, error) {
	if s == nil {
		return nil, errors.New("scim: NewHandler needs a store")
	}
	if o == nil {
		o = &Options{}
	}
	o, err := o.withTypes()
	if err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	s = lifecycle.ObserveStore(s, o.Lifecycle.Observer)
	h := &Handler{opts: *o, store: s, endpoints: make(map[string]*endpoint)}
	switch tokens := o.Auth.(type) {
	case BearerTokens:
		h.opts.Auth = tokens.hashed()
	case *BearerTokens:
		h.opts.Auth = tokens.hashed()
	case BearerPrincipals:
		h.opts.Auth = tokens.hashed()
	}
	h.opts.Auth = singleCredential{h.opts.Auth}
	h.opts.Limits = o.Limits.withDefaults()
	h.opts.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if h.opts.Logger == nil {
		h.opts.Logger = slog.New(slog.DiscardHandler)
	}
	if h.opts.ResourceTypes == nil {
		h.opts.ResourceTypes = []elimity.ResourceType{UserType(), GroupType()}
	}
	granted, err := h.addGrants()
	if err != nil {
		return nil, err
	}
	types := make(map[string]*endpoint, len(h.opts.ResourceTypes))
	declared := make([]elimity.ResourceType, len(h.opts.ResourceTypes))
	var compiled []*schema.Type
	for i, rt := range h.opts.ResourceTypes {
		ep, err := h.compile(rt)
		if err != nil {
			return nil, err
		}
		if types[rt.Name] != nil {
			return nil, fmt.Errorf("scim: the resource type %s is declared twice in Options.ResourceTypes", rt.Name)
		}
		ep.grants = granted[rt.Name]
		declared[i] = ep.declared
		types[rt.Name] = ep
		h.endpoints[strings.Trim(rt.Endpoint, "/")] = ep
		compiled = append(compiled, ep.Type)
	}
	if err := h.opts.checkTypes(types); err != nil {
		return nil, err
	}
	h.opts.ResourceTypes, h.types = declared, types
	h.cursors.store, h.cursors.fixed, h.cursors.timeout = s, o.CursorKey, h.opts.Limits.CursorTimeout
	schema.Link(compiled...)
	if h.discovery, err = h.describeService(); err != nil {
		return nil, err
	}
	if h.interop, err = h.discovery.forInterop(); err != nil {
		return nil, err
	}
	if h.lifecycle, err = lifecycle.New(s, h.lifecycleOptions(types)); err != nil {
		return nil, err
	}
	if h.asynchronous() && !h.lifecycle.Tells(lifecycle.KindRequestCompleted) {
		return nil, errors.New("scim: Options.SecurityEvents has " + asyncResponse + ", but nobody is told the results of asynchronous requests: set Lifecycle.Feed, or Hooks.Any")
	}
	if a, ok := o.Auth.(interface{ Attach(*lifecycle.Service) }); ok {
		a.Attach(h.lifecycle)
	}
	h.denied.mild = true
	h.callers.known = make(map[limited]*rate.Limiter)
	h.observer, _ = o.Auth.(Observer)
	h.exchanges.New = func() any { return &exchange{caller: caller{h: h}, buf: make([]byte, 0, 4<<10)} }
	return h, nil
}

// Lifecycle returns the service behind the handler: sign-in, administration, event delivery.
func (h *Handler) Lifecycle() *lifecycle.Service { return h.lifecycle }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := h.exchanges.Get().(*exchange)
	x.w, x.r, x.media = w, r, contentTypes
	if h.opts.ServerTiming {
		x.began = time.Now()
	}
	defer h.finish(x)
	if h.opts.Lifecycle.Observer != nil {
		defer x.watch()()
	}
	if err := x.serve(); err != nil {
		x.fail(err)
	}
	x.observe()
}

// finish contains a panic and gives the exchange back.
func (h *Handler) finish(x *exchange) {
	if p := recover(); p != nil {
		if p == any(http.ErrAbortHandler) { // by identity, as net/http compares
			panic(p)
		}
		x.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}
	x.endCompression(true)
	const keep = 256 << 10
	if cap(x.buf) <= keep {
		*x = exchange{caller: caller{h: h}, buf: x.buf[:0]}
		h.exchanges.Put(x)
	}
}

// exchange is one request and its answer on their way through the stages.
type exchange struct {
	caller
	w         http.ResponseWriter
	r         *http.Request
	base      string
	ep        *endpoint // that the path names; nil for discovery
	bodyLimit int64     // most bytes of the request's body
	limitName string    // what that limit is called in ServiceProviderConfig, with a blank behind it; "" if it isn't there
	buf       []byte    // the answer's body, or the part that has not been sent yet
	started   bool      // the answer's header is sent
	status    int       // of the answer
	received  time.Time
	reads     bool     // the request changes nothing
	told      *Error   // the error that was answered
	media     []string // the answer's Content-Type
	secret    bool     // the answer may have secrets, so it is not compressed
	zip       *gzip.Writer

	began, authenticated time.Time // only with Options.ServerTiming
}

func (x *exchange) serve() error {
	path := strings.TrimSuffix(strings.TrimPrefix(x.r.URL.Path, "/"), "/")
	first, rest, nested := strings.Cut(path, "/")
	if x.request.ID = requestID(x.r.Header); x.request.ID != "" {
		x.w.Header()["X-Request-Id"] = []string{x.request.ID}
	}
	x.received = time.Now()
	x.reads = x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	if x.preset != nil {
		x.become(x.r, *x.preset)
		x.request.DryRun = true
	} else if err := x.authenticate(x.r); err != nil && !x.isPublic(first) {
		return err
	}
	x.request.Begin(x.received)
	if !x.reads || !x.who.TraceUntil.IsZero() {
		x.w.Header()["X-Request-Id"] = []string{x.identify()}
	}
	if x.h.opts.ServerTiming {
		x.authenticated = time.Now()
	}
	if x.who.Tenant != "" && x.preset == nil {
		if err := x.limitRate(); err != nil {
			return err
		}
	}
	if err := x.negotiate(); err != nil && !(first == "Bulk" && x.prefersAsync()) { // RFC 9967 section 2.5.1.1: Accept is ignored then
		return err
	}
	x.base = x.h.base(x.r)
	if ep, ok := x.h.endpoints[first]; ok {
		switch {
		case !nested:
			return x.dispatch(ep, "", collectionMethods)
		case rest == ".search":
			return x.dispatch(ep, "", searchMethods)
		case !strings.Contains(rest, "/"):
			return x.dispatch(ep, rest, resourceMethods)
		}
		return x.nowhere()
	}
	if !nested {
		switch first {
		case "Bulk":
			return x.bulk()
		case "Me":
			return x.me()
		case "", ".search":
			return x.root(first)
		}
	}
	return x.discover(first, rest)
}

// isPublic says whether a request may be answered without a credential: what the service can do tells nothing about anybody
// (RFC 7643 section 5 has clients read it before they authenticate). One that has a credential is to learn that it is wrong.
func (x *exchange) isPublic(first string) bool {
	if len(x.r.Header["Authorization"]) > 0 {
		return false
	}
	switch first {
	case serviceProviderConfig:
		return true
	case "Schemas", "ResourceTypes":
		return x.h.opts.PublicDiscovery
	}
	return false
}

// method is what one HTTP method does on a kind of path.
type method struct {
	name  string
	scope string
	do    func(x *exchange, ep *endpoint, id string) error
}

var (
	collectionMethods = []method{
		{http.MethodGet, ScopeRead, (*exchange).list},
		{http.MethodHead, ScopeRead, (*exchange).list},
		{http.MethodPost, ScopeWrite, (*exchange).post},
	}
	searchMethods = []method{
		{http.MethodPost, ScopeRead, (*exchange).search},
	}
	resourceMethods = []method{
		{http.MethodGet, ScopeRead, (*exchange).get},
		{http.MethodHead, ScopeRead, (*exchange).get},
		{http.MethodPut, ScopeWrite, (*exchange).put},
		{http.MethodPatch, ScopeWrite, (*exchange).patch},
		{http.MethodDelete, ScopeWrite, (*exchange).delete},
	}
)

func (x *exchange) dispatch(ep *endpoint, id string, methods []method) error {
	for _, m := range methods {
		if m.name == x.r.Method {
			x.reads = m.scope == ScopeRead
			x.request.Action, x.request.Subject = ep.actions[m.name], x.key(ep, id)
			if !x.who.reaches(ep.Name) {
				return outOfScope(ep)
			}
			if err := x.permit(m.scope); err != nil {
				return err
			}
			if ep.grants != nil && m.scope == ScopeWrite {
				return errGrant
			}
			x.secret = ep.secrets
			x.ep, x.bodyLimit = ep, x.h.opts.Limits.bodyOf(ep, m.scope)
			return m.do(x, ep, id)
		}
	}
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.name
	}
	return x.notAllowed(names...)
}

func (x *exchange) notAllowed(allowed ...string) error {
	allow := strings.Join(allowed, ", ")
	return &Error{Status: http.StatusMethodNotAllowed, Detail: "the method " + quoted(x.r.Method) + " is not for this address; it takes " + allow, allow: allow}
}

func (x *exchange) nowhere() error {
	return &Error{Status: http.StatusNotFound, Detail: x.h.noEndpoint(strings.Trim(x.r.URL.Path, "/"))}
}

// noEndpoint says of a path that nothing is served there, and what is likely to be meant: paths differ by case, and a product
// that mounts the handler under a prefix may have forgotten to strip it.
func (h *Handler) noEndpoint(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments[:min(len(segments), 16)] {
		name, ok := h.served(s)
		switch {
		case !ok:
		case i > 0:
			prefix := "/" + strings.Join(segments[:i], "/")
			return "there is no endpoint " + quoted("/"+path) + ": the prefix " + quoted(prefix) + " reached the handler, which serves /" + name +
				"; mount it with http.StripPrefix(" + quoted(prefix) + ", handler)"
		case name != s:
			return "there is no endpoint " + quoted("/"+s) + "; upper and lower case count in a path: it is /" + name
		}
	}
	return "there is no such endpoint; see ResourceTypes for those that there are"
}

// served finds what is served under a first segment of a path, in any case.
func (h *Handler) served(segment string) (name string, ok bool) {
	for name := range h.endpoints {
		if strings.EqualFold(name, segment) {
			return name, true
		}
	}
	for _, name := range [...]string{"Bulk", "Me", serviceProviderConfig, "ResourceTypes", "Schemas"} {
		if strings.EqualFold(name, segment) {
			return name, true
		}
	}
	return "", false
}
