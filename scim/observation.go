package scim

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// OperationHeader is the header of an answer that names its operation, such as "Users.patch", for middleware outside of the
// handler. It is sent if Options.Lifecycle.Observer is set.
const OperationHeader = "Rollcall-Operation"

// watch tells the observer that the request begins. What it returns is called when it has been answered.
func (x *exchange) watch() (end func()) {
	name := x.h.operation(x.r)
	ctx, ended := x.h.opts.Lifecycle.Observer.Begin(x.r.Context(), lifecycle.Op{Stage: lifecycle.StageRequest, Name: name})
	x.r = x.r.WithContext(ctx)
	seen := &statusWriter{ResponseWriter: x.w}
	x.w = seen
	x.w.Header()[OperationHeader] = []string{name}
	agent, hasCredential := x.r.Header.Get("User-Agent"), len(x.r.Header["Authorization"]) > 0
	return func() {
		r := lifecycle.Result{Tenant: x.request.Tenant, Connection: x.request.Connection.ID, Request: x.request.ID, Provider: provider(agent), Status: seen.status}
		for q := range x.mode.Quirks.All() {
			r.Quirks = append(r.Quirks, q.String())
		}
		if r.Status == 0 { // a panic, which is answered after this
			r.Status = http.StatusInternalServerError
		}
		if e := x.told; e != nil {
			r.Err, r.SCIMType = e, e.Type
			if e.Status == http.StatusUnauthorized {
				r.Outcome = "invalid"
				if !hasCredential {
					r.Outcome = "missing"
				}
			}
		}
		ended(r)
	}
}

// operations are the names of what is done by a method, on a collection and on a resource.
var operations = map[string][2]string{
	http.MethodGet: {"list", "get"}, http.MethodHead: {"list", "get"}, http.MethodPost: {"create", "other"}, http.MethodPut: {"other", "replace"},
	http.MethodPatch: {"other", "patch"}, http.MethodDelete: {"other", "delete"},
}

// operation names what a request asks for. Of what isn't served the name is "other", so that no client can make up names.
func (h *Handler) operation(r *http.Request) string {
	first, rest, nested := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	done, ok := operations[r.Method]
	if !ok {
		return "other"
	}
	_, isEndpoint := h.endpoints[first]
	switch {
	case isEndpoint && nested && rest == ".search" && r.Method == http.MethodPost:
		return first + ".search"
	case isEndpoint && nested:
		return first + "." + done[1]
	case isEndpoint:
		return first + "." + done[0]
	case first == "Bulk" && r.Method == http.MethodPost:
		return "Bulk.run"
	case first == "Me":
		return "Me." + done[1]
	case first == serviceProviderConfig, first == "Schemas", first == "ResourceTypes":
		return "discovery.get"
	}
	return "other"
}

// providers are how identity providers call themselves.
var providers = []struct{ word, name string }{
	{"okta", "okta"}, {"microsoft", "entra"}, {"azure", "entra"}, {"entra", "entra"}, {"onelogin", "onelogin"}, {"google", "google"}, {"jumpcloud", "jumpcloud"},
	{"ping", "ping"}, {"rippling", "rippling"}, {"workos", "workos"}, {"keycloak", "keycloak"}, {"authentik", "authentik"}, {"sailpoint", "sailpoint"},
}

// provider is the family of the identity provider.
func provider(agent string) string {
	const most = 200
	agent = strings.ToLower(agent[:min(len(agent), most)])
	for _, p := range providers {
		if strings.Contains(agent, p.word) {
			return p.name
		}
	}
	return "other"
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// logRefusal writes a line for each refusal, with what an operator finds the request by, and nothing that was sent in it.
func (x *exchange) logRefusal(e *Error) {
	log := x.h.opts.Logger
	if e.Status >= http.StatusInternalServerError || !log.Enabled(x.r.Context(), slog.LevelInfo) {
		return // what is the service's own fault was logged as such
	}
	rule := e.Type
	if rule == "" {
		rule = http.StatusText(e.Status)
	}
	log.LogAttrs(x.r.Context(), slog.LevelInfo, "scim request refused", slog.String("request", x.request.ID), slog.String("tenant", x.request.Tenant),
		slog.String("connection", x.request.Connection.ID), slog.String("operation", x.h.operation(x.r)), slog.Int("status", e.Status), slog.String("rule", rule))
}
