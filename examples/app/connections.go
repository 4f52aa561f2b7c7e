package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store"
)

// The pages of connections. All take ?tenant=, and the body of a write may say "who" the administrator is.
//
//	POST   /app/connections                   {"name","provider"} -> 201 {"id",...}
//	GET    /app/connections                   -> {"connections":[...]}
//	PATCH  /app/connections/{id}              {"state","dialect","name","traceUntil","limits":{"perSecond","burst","body"}}; changes what is given
//	DELETE /app/connections/{id}              -> 200 {"effects":[...]}, and nothing is deleted; with ?confirm=true -> 204 when it is deleted
//	POST   /app/connections/{id}/credentials  {"kind","expires","scopes",...} -> 201 with the secret, once
//	DELETE /app/credentials/{id}              -> 204 when no process accepts it any more
//	POST   /app/credentials/{id}/rotate       {"expires"} -> 201 with a new secret; both secrets work until then
//	POST   /app/credentials/{id}/complete     ends the one that this one replaces
//	POST   /app/credentials/{id}/cancel       ends this one
//
// The status is 400 for a wrong request, and 404 for a connection or a credential that isn't there. It is 503 if it isn't certain yet that all
// processes go by a change; then the request should be sent again.
func (a *App) mountConnections(mux *http.ServeMux) {
	for pattern, do := range map[string]func(r *http.Request, in adminInput) (int, any, error){
		"POST /app/connections":                  a.createConnection,
		"GET /app/connections":                   a.listConnections,
		"PATCH /app/connections/{id}":            a.changeConnection,
		"DELETE /app/connections/{id}":           a.switchOff,
		"POST /app/connections/{id}/credentials": a.issue,
		"DELETE /app/credentials/{id}":           a.revoke,
		"POST /app/credentials/{id}/rotate":      a.rotate,
		"POST /app/credentials/{id}/complete":    a.endRotation(a.Connections.Complete),
		"POST /app/credentials/{id}/cancel":      a.endRotation(a.Connections.Cancel),
	} {
		mux.Handle(pattern, adminPage(do))
	}
}

// adminInput is a request of these pages.
type adminInput struct {
	Tenant string
	Who    string
	raw    []byte // the body; empty if there is none
}

func (in adminInput) click() lifecycle.Request {
	return lifecycle.Request{Tenant: in.Tenant, Who: cmp.Or(in.Who, "demo")}
}

// decode reads the body into a struct. It returns an error for a field that the struct doesn't have.
func (in adminInput) decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(in.raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var (
		wrong *connection.InvalidError
		when  *time.ParseError
		typed *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &wrong):
		return wrong
	case errors.As(err, &when):
		return badInput{fmt.Errorf("the body: %q is no time: want one such as 2026-11-02T08:00:00Z", when.Value)}
	case errors.As(err, &typed):
		return badInput{fmt.Errorf("the body: %s can't be a %s", typed.Field, typed.Value)}
	case err != nil:
		return badInput{errors.New("the body: " + strings.TrimPrefix(err.Error(), "json: "))}
	}
	return nil
}

// adminPage returns a handler that decodes a request, calls do, and encodes its result or its error.
func adminPage(do func(r *http.Request, in adminInput) (int, any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := adminInput{Tenant: r.URL.Query().Get("tenant")}
		status, out, err := http.StatusOK, any(nil), error(nil)
		err = in.read(r)
		if err == nil && (in.Tenant == "" || len(in.Tenant) > 1_000) {
			err = badInput{errors.New("tenant is missing, or too long")}
		}
		if err == nil {
			status, out, err = do(r, in)
		}
		if err != nil {
			status, out = describeAdmin(err)
		}
		if status == http.StatusNoContent {
			w.WriteHeader(status)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out)
	})
}

func (in *adminInput) read(r *http.Request) (err error) {
	if in.raw, err = io.ReadAll(http.MaxBytesReader(nil, r.Body, 64<<10)); err != nil {
		return badInput{errors.New("the body is too long, or broke off")}
	}
	if in.raw = bytes.TrimSpace(in.raw); len(in.raw) == 0 {
		in.raw = []byte("{}")
	}
	var who struct {
		Who    string `json:"who"`
		Tenant string `json:"tenant"`
	}
	if in.raw[0] != '{' || json.Unmarshal(in.raw, &who) != nil {
		return badInput{errors.New("the body: want a JSON object")}
	}
	in.Who, in.Tenant = who.Who, cmp.Or(in.Tenant, who.Tenant)
	return nil
}

func describeAdmin(err error) (int, failure) {
	var (
		wrong *connection.InvalidError
		query *lifecycle.ErrJournalQuery
	)
	switch {
	case errors.As(err, &wrong):
		return http.StatusBadRequest, failure{Error: wrong.Error()}
	case errors.As(err, &query):
		return http.StatusBadRequest, failure{Error: query.Reason}
	case errors.Is(err, connection.ErrUncertain):
		return http.StatusServiceUnavailable, failure{Error: "it is not certain yet that this holds in all processes; try again"}
	case errors.Is(err, connection.ErrNotShadow):
		return http.StatusConflict, notShadow
	case errors.Is(err, lifecycle.ErrNoBody):
		return http.StatusConflict, failure{Error: "the body of this request was not kept; PUT /app/settings with keepBodiesUntil keeps those of later ones"}
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound, failure{Error: "there is no such thing in this organization"}
	}
	return describe(err)
}

// connectionView is a connection as it is shown.
type connectionView struct {
	ID          string                    `json:"id"`
	Name        string                    `json:"name"`
	Provider    connection.Provider       `json:"provider"`
	Recognised  *connection.Provider      `json:"recognised"`
	State       lifecycle.ConnectionState `json:"state"`
	Dialect     connection.Dialect        `json:"dialect"`
	Limits      connection.Limits         `json:"limits"`
	Created     string                    `json:"created"`
	Status      statusView                `json:"status"`
	Credentials []credentialView          `json:"credentials"`
}

type statusView struct {
	connection.Status
	LastRequest *string `json:"lastRequest"`
	LastSuccess *string `json:"lastSuccess"`
}

type credentialView struct {
	ID       string          `json:"id"`
	Kind     connection.Kind `json:"kind"`
	Prefix   string          `json:"prefix"`
	ClientID string          `json:"clientId,omitempty"`
	Scopes   []string        `json:"scopes"`
	Created  *string         `json:"created"`
	Expires  *string         `json:"expires"`
	LastUsed *string         `json:"lastUsed"`
	Replaces string          `json:"replaces,omitempty"`
}

func timeText(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.RFC3339Nano)
	return &text
}

func viewOf(c *connection.Connection) connectionView {
	v := connectionView{ID: c.ID, Name: c.Name, Provider: c.Provider, State: c.State, Dialect: c.Dialect, Limits: c.Limits, Created: *timeText(c.Created), Credentials: []credentialView{},
		Status: statusView{c.Status, timeText(c.Status.LastRequest), timeText(c.Status.LastSuccess)}}
	if c.Recognised != "" {
		v.Recognised = &c.Recognised
	}
	for _, k := range c.Credentials {
		v.Credentials = append(v.Credentials, credentialView{k.ID, k.Kind, k.Prefix, k.ClientID, k.Scopes, timeText(k.Created), timeText(k.Expires), timeText(k.LastUsed), k.Replaces})
	}
	return v
}

// view reads one connection as List shows it.
func (a *App) view(r *http.Request, tenant, id string) (any, error) {
	list, err := a.Connections.List(r.Context(), tenant)
	for i := range list {
		if list[i].ID == id {
			return viewOf(&list[i]), nil
		}
	}
	return nil, errors.Join(err, store.ErrNotFound)
}

func (a *App) createConnection(r *http.Request, in adminInput) (int, any, error) {
	var body struct {
		Name     string              `json:"name"`
		Provider connection.Provider `json:"provider"`
		Who      string              `json:"who"`
		Tenant   string              `json:"tenant"`
	}
	if err := in.decode(&body); err != nil {
		return 0, nil, err
	}
	c, err := a.Connections.Create(r.Context(), in.click(), body.Name, body.Provider)
	if err == nil {
		err = a.customers.add(r.Context(), in.Tenant)
	}
	if err != nil {
		return 0, nil, err
	}
	out, err := a.view(r, in.Tenant, c.ID)
	return http.StatusCreated, out, err
}

func (a *App) listConnections(r *http.Request, in adminInput) (int, any, error) {
	list, err := a.Connections.List(r.Context(), in.Tenant)
	views := make([]connectionView, len(list))
	for i := range list {
		views[i] = viewOf(&list[i])
	}
	return http.StatusOK, map[string]any{"connections": views}, err
}

func (a *App) changeConnection(r *http.Request, in adminInput) (int, any, error) {
	var body struct {
		Name    *string                    `json:"name"`
		State   *lifecycle.ConnectionState `json:"state"`
		Dialect *connection.Dialect        `json:"dialect"`
		Trace   *time.Time                 `json:"traceUntil"`
		Limits  *connection.Limits         `json:"limits"`
		Who     string                     `json:"who"`
		Tenant  string                     `json:"tenant"`
	}
	if err := in.decode(&body); err != nil {
		return 0, nil, err
	}
	if _, err := a.Connections.Change(r.Context(), in.click(), r.PathValue("id"), connection.Update{Name: body.Name, State: body.State, Dialect: body.Dialect, TraceUntil: body.Trace, Limits: body.Limits}); err != nil {
		return 0, nil, err
	}
	out, err := a.view(r, in.Tenant, r.PathValue("id"))
	return http.StatusOK, out, err
}

func (a *App) switchOff(r *http.Request, in adminInput) (int, any, error) {
	if r.URL.Query().Get("confirm") == "true" {
		return http.StatusNoContent, nil, a.Connections.SwitchOff(r.Context(), in.click(), r.PathValue("id"))
	}
	effects, err := a.Connections.Effects(r.Context(), in.Tenant, r.PathValue("id"))
	return http.StatusOK, map[string]any{"effects": effects}, err
}

func (a *App) issue(r *http.Request, in adminInput) (int, any, error) {
	var body struct {
		Kind     connection.Kind `json:"kind"`
		Expires  *time.Time      `json:"expires"`
		Scopes   []string        `json:"scopes"`
		Issuer   string          `json:"issuer"`
		JWKS     string          `json:"jwks"`
		Subject  string          `json:"subject"`
		Audience string          `json:"audience"`
		Replaces string          `json:"replaces"`
		Who      string          `json:"who"`
		Tenant   string          `json:"tenant"`
	}
	if err := in.decode(&body); err != nil {
		return 0, nil, err
	}
	ask := connection.Ask{Kind: cmp.Or(body.Kind, connection.Bearer), Scopes: body.Scopes, Replaces: body.Replaces,
		Trust: connection.Trust{Issuer: body.Issuer, JWKS: body.JWKS, Subject: body.Subject, Audience: body.Audience}}
	var err error
	if ask.Expires, err = expiry(body.Expires); err != nil {
		return 0, nil, err
	}
	k, err := a.Connections.Issue(r.Context(), in.click(), r.PathValue("id"), ask)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, secretOf(k), nil
}

// expiry returns the time at which a credential is to expire. A body without one means never, as does the zero time in package connection.
// Therefore a body that gives the zero time is wrong.
func expiry(asked *time.Time) (time.Time, error) {
	if asked == nil {
		return time.Time{}, nil
	}
	if asked.IsZero() {
		return time.Time{}, badInput{errors.New("expires: want a time in the future")}
	}
	return *asked, nil
}

// secretOf returns the secret of a new credential, which is shown once.
func secretOf(k *connection.Issued) map[string]string {
	out := map[string]string{"id": k.ID}
	for name, value := range map[string]string{"token": k.Token, "clientId": k.ClientID, "clientSecret": k.Secret} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

func (a *App) revoke(r *http.Request, in adminInput) (int, any, error) {
	return http.StatusNoContent, nil, a.Connections.Revoke(r.Context(), in.click(), r.PathValue("id"))
}

func (a *App) rotate(r *http.Request, in adminInput) (int, any, error) {
	var body struct {
		Expires *time.Time `json:"expires"`
		Who     string     `json:"who"`
		Tenant  string     `json:"tenant"`
	}
	if err := in.decode(&body); err != nil {
		return 0, nil, err
	}
	expires, err := expiry(body.Expires)
	if err != nil {
		return 0, nil, err
	}
	k, err := a.Connections.Rotate(r.Context(), in.click(), r.PathValue("id"), expires)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, secretOf(k), nil
}

// NextExpiry returns the time at which the next credential of any organization expires; see connection.Service.NextExpiry.
func (a *App) NextExpiry(ctx context.Context) (at time.Time, ok bool, err error) {
	return a.Connections.NextExpiry(ctx)
}
