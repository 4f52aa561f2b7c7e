package scim

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/rollcall-dev/rollcall/store"
)

// meMethods are what /Me takes. POST isn't there: who is authenticated exists already.
var meMethods = []method{
	{http.MethodGet, ScopeRead, (*exchange).get},
	{http.MethodHead, ScopeRead, (*exchange).get},
	{http.MethodPut, ScopeWrite, (*exchange).put},
	{http.MethodPatch, ScopeWrite, (*exchange).patch},
	{http.MethodDelete, ScopeWrite, (*exchange).delete},
}

// me answers a request of /Me as if it named the resource of the authenticated subject (RFC 7644 section 3.11). The location in
// the answer is the resource's own.
func (x *exchange) me() error {
	if x.h.opts.Me == nil {
		return &Error{Status: http.StatusNotImplemented, Detail: "the service doesn't offer /Me; read the resource by its id"}
	}
	typ, id, err := x.h.opts.Me(x.r, x.who)
	if errors.Is(err, store.ErrNotFound) {
		return &Error{Status: http.StatusNotFound, Detail: "no resource belongs to this credential"}
	}
	if err != nil {
		return err
	}
	ep := x.h.types[typ]
	if ep == nil || id == "" {
		return fmt.Errorf("Options.Me returned the resource type %q and the id %q; want one that is served, and an id", typ, id)
	}
	return x.dispatch(ep, id, meMethods)
}
