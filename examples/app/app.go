// Package app is a tiny product around the lifecycle, to see it work: a demo API in JSON under /app. It is NOT
// authenticated, and shows every tenant's people to everybody who can reach it; a real product has its own pages for this.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// App is the product. Its fields may be set before New's result is used.
type App struct {
	// Defaults are the settings of a tenant that has none of its own; nil: lifecycle.DefaultSettings.
	Defaults func() lifecycle.Settings
	// Options completes the handler's options.
	Options func(o *scim.Options)

	settings *lifecycle.StoredSettings
	ledger   ledger
	outside  outside
	service  *lifecycle.Service
}

// Boot is the app as boot runs it, under a command's name.
func (a *App) Boot(name string) boot.App {
	return boot.App{Name: name, Configure: a.configure, Mount: a.mount, Background: a.background}
}

func (a *App) configure(ctx context.Context, s store.Store, o *scim.Options) (err error) {
	if a.ledger, err = newLedger(ctx, s); err != nil {
		return err
	}
	a.settings = &lifecycle.StoredSettings{Store: s, Defaults: a.Defaults}
	a.outside = outside{s}
	o.Lifecycle.Settings = a.settings
	o.Lifecycle.Accounts = a.outside
	o.Hooks.Any = a.ledger.record
	if a.Options != nil {
		a.Options(o)
	}
	return nil
}

// background delivers the events, if the store keeps them.
func (a *App) background(ctx context.Context, s *boot.Service) error {
	return s.Handler.Lifecycle().Run(ctx)
}

func (a *App) mount(mux *http.ServeMux, s *boot.Service) error {
	a.service = s.Handler.Lifecycle()
	for pattern, do := range map[string]func(r *http.Request, in input) (any, error){
		"POST /app/login":      a.login,
		"GET /app/users":       a.users,
		"POST /app/users":      a.add,
		"GET /app/seats":       a.seats,
		"GET /app/events":      a.events,
		"POST /app/approve":    a.administer((*lifecycle.Service).Approve),
		"POST /app/reject":     a.administer((*lifecycle.Service).Reject),
		"POST /app/suspend":    a.administer((*lifecycle.Service).Suspend),
		"POST /app/reactivate": a.administer((*lifecycle.Service).Reactivate),
		"POST /app/acquire":    a.acquire,
		"POST /app/accounts":   a.account,
		"GET /app/settings":    a.getSettings,
		"PUT /app/settings":    a.putSettings,
	} {
		mux.Handle(pattern, page(do))
	}
	return nil
}

// input is what a request says: a JSON body, or a query.
type input struct {
	Tenant     string          `json:"tenant"`
	UserName   string          `json:"userName"`
	Attributes json.RawMessage `json:"attributes"` // of POST /app/users
	raw        []byte
}

// page decodes a request, does it, and encodes the result or the error.
func page(do func(r *http.Request, in input) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, err := read(r)
		var out any
		if err == nil {
			out, err = do(r, in)
		}
		status := http.StatusOK
		if err != nil {
			status, out = describe(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out)
	})
}

// failure is an error answer.
type failure struct {
	Error  string `json:"error"`
	Reason string `json:"reason,omitempty"`
}

// badInput is the caller's fault.
type badInput struct{ error }

func read(r *http.Request) (in input, err error) {
	in.Tenant = r.URL.Query().Get("tenant")
	if r.Method != http.MethodGet {
		var raw json.RawMessage
		if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 64<<10)).Decode(&raw); err != nil {
			return in, badInput{errors.New("the body is not JSON")}
		}
		if in.raw = raw; r.Method == http.MethodPost {
			if err := json.Unmarshal(raw, &in); err != nil {
				return in, badInput{errors.New(`want {"tenant": "...", "userName": "..."}`)}
			}
		}
	}
	if in.Tenant == "" && r.URL.Path != "/app/accounts" {
		return in, badInput{errors.New("tenant is missing")}
	}
	if in.UserName == "" && r.Method == http.MethodPost {
		return in, badInput{errors.New("userName is missing")}
	}
	return in, nil
}

func describe(err error) (int, failure) {
	var denied *lifecycle.Denied
	var bad badInput
	switch {
	case errors.As(err, &denied):
		status := http.StatusForbidden
		switch denied.Reason {
		case lifecycle.DeniedUnknown:
			status = http.StatusNotFound
		case lifecycle.DeniedExists, lifecycle.DeniedElsewhere, lifecycle.DeniedNotPossible:
			status = http.StatusConflict
		}
		return status, failure{"denied", string(denied.Reason)}
	case errors.As(err, &bad):
		return http.StatusBadRequest, failure{Error: bad.Error()}
	case errors.Is(err, store.ErrUnavailable):
		return http.StatusServiceUnavailable, failure{Error: "the store is unavailable; try again"}
	}
	return http.StatusInternalServerError, failure{Error: "the service failed"}
}

// login answers POST /app/login: {"status","firstLogin","billed","id"}.
func (a *App) login(r *http.Request, in input) (any, error) {
	login, err := a.service.Login(r.Context(), in.Tenant, lifecycle.Identity{UserName: in.UserName})
	return map[string]any{"status": login.State, "firstLogin": login.FirstLogin, "billed": login.Billed, "id": login.ID}, err
}

// user is a line of GET /app/users.
type user struct {
	ID         string  `json:"id"`
	UserName   string  `json:"userName"`
	Status     string  `json:"status"`
	Billed     bool    `json:"billed"`
	FirstLogin *string `json:"firstLogin"` // when; null: never
	Active     bool    `json:"active"`     // as the identity provider sent it
	ManagedBy  string  `json:"managedBy"`
}

func userOf(r *store.Resource) user {
	account := lifecycle.AccountOf(r)
	active := r.Attributes.Get("active")
	u := user{ID: r.ID, UserName: r.Attributes.Get("userName").Text(), Status: string(account.State), Billed: account.Billed,
		Active: active.IsNull() || active.True(), ManagedBy: string(account.Source)}
	if !account.FirstLogin.IsZero() {
		at := account.FirstLogin.Format("2006-01-02T15:04:05.000000Z07:00")
		u.FirstLogin = &at
	}
	return u
}

// users answers GET /app/users: a page of them, and the cursor of the next in "next".
func (a *App) users(r *http.Request, in input) (any, error) {
	const page = 500
	resources, next, err := a.service.Accounts(r.Context(), in.Tenant, lifecycle.State(r.URL.Query().Get("status")), r.URL.Query().Get("cursor"), page)
	if errors.Is(err, store.ErrCursor) {
		return nil, badInput{errors.New("cursor is not one of this list's")}
	}
	users := make([]user, len(resources))
	for i, res := range resources {
		users[i] = userOf(res)
	}
	return map[string]any{"users": users, "next": next}, err
}

// add answers POST /app/users: somebody is added by hand.
func (a *App) add(r *http.Request, in input) (any, error) {
	who := lifecycle.Identity{UserName: in.UserName}
	if len(in.Attributes) > 0 {
		v, err := document.Parse(string(in.Attributes), 0)
		if err != nil || v.Kind() != document.KindObject {
			return nil, badInput{errors.New("attributes: want an object")}
		}
		who.Attributes = v.Document()
	}
	res, err := a.service.AddManually(r.Context(), in.Tenant, who)
	if err != nil {
		return nil, err
	}
	return userOf(res), nil
}

func (a *App) administer(do func(*lifecycle.Service, context.Context, string, string) (*store.Resource, error)) func(*http.Request, input) (any, error) {
	return func(r *http.Request, in input) (any, error) {
		res, err := do(a.service, r.Context(), in.Tenant, in.UserName)
		if err != nil {
			return nil, err
		}
		return userOf(res), nil
	}
}

// seats answers GET /app/seats: {"limit","used"}; a limit of null is none.
func (a *App) seats(r *http.Request, in input) (any, error) {
	used, limit, err := a.service.Seats(r.Context(), in.Tenant)
	if limit < 0 {
		return map[string]any{"limit": nil, "used": used}, err
	}
	return map[string]any{"limit": limit, "used": used}, err
}

// acquire answers POST /app/acquire.
func (a *App) acquire(r *http.Request, in input) (any, error) {
	return map[string]any{"acquired": in.UserName}, a.service.Acquire(r.Context(), in.Tenant, in.UserName)
}

// account answers POST /app/accounts: there's an account outside any organization now.
func (a *App) account(r *http.Request, in input) (any, error) {
	return map[string]any{"userName": in.UserName}, a.outside.add(r.Context(), in.UserName)
}

func (a *App) getSettings(r *http.Request, in input) (any, error) {
	return a.settings.Settings(r.Context(), in.Tenant)
}

// putSettings answers PUT /app/settings: what the body leaves out stays as it is.
func (a *App) putSettings(r *http.Request, in input) (any, error) {
	settings, err := a.settings.Settings(r.Context(), in.Tenant)
	if err != nil {
		return nil, err
	}
	was := settings.SCIM
	if err := json.Unmarshal(in.raw, &settings); err != nil {
		return nil, badInput{errors.New("settings: " + err.Error())}
	}
	if err := settings.Validate(); err != nil {
		return nil, badInput{err}
	}
	if err := a.settings.Set(r.Context(), in.Tenant, settings); err != nil {
		return nil, err
	}
	if was != settings.SCIM {
		err = a.service.Apply(r.Context(), in.Tenant)
	}
	return settings, err
}

// events answers GET /app/events: every delivery behind the one in "after", in the order received.
func (a *App) events(r *http.Request, in input) (any, error) {
	const page = 1_000
	next, after := r.URL.Query().Get("after"), int64(0)
	if next != "" {
		var err error
		if after, err = strconv.ParseInt(next, 10, 64); err != nil || after < 0 {
			return nil, badInput{errors.New("after: want the delivery of an event, as it was given")}
		}
	}
	list, err := a.ledger.read(r.Context(), in.Tenant, after, page)
	if n := len(list); n > 0 {
		next = list[n-1].Delivery
	}
	return map[string]any{"events": append([]Delivery{}, list...), "next": next}, err
}

// Latest are the last deliveries that the hook received, newest first, each event once.
func (a *App) Latest(ctx context.Context, tenant string, max int) ([]Delivery, error) {
	list, err := a.ledger.latest(ctx, tenant, max)
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(d Delivery) bool {
		again := seen[d.ID]
		seen[d.ID] = true
		return again
	}), err
}
