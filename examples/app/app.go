// Package app is a small product that shows what package lifecycle does, by a demo API in JSON under /app. The API is NOT
// authenticated, and shows every tenant's people to everybody who can reach it. A real product has pages of its own instead.
//
// In the table below, what follows the path is a request's query or body, and what follows the arrow is its answer.
//
//	POST   /app/login      {"tenant","userName"} -> {"status","firstLogin","billed","id","role","groups":[{"id","name"}]}: a sign-in
//	GET    /app/users      ?tenant=&cursor=&status= -> {"users":[...],"next"}: "next" is the next page's cursor, "" on the last
//	POST   /app/users      {"tenant","userName",...}: adds somebody by hand, with any attributes
//	PATCH  /app/users      {"tenant","userName",...}: changes attributes by hand; null removes one
//	DELETE /app/users      ?tenant=&userName=: removes somebody by hand
//	POST   /app/approve, /app/reject, /app/suspend, /app/reactivate, /app/acquire  {"tenant","userName"}
//	GET    /app/seats      ?tenant= -> {"limit","used"}: a limit of null is none
//	GET    /app/events     ?tenant=&after= -> {"events":[...],"next"}: what the hook was told; "next" is the place to go on from, at any later time
//	GET    /app/settings   ?tenant=: lifecycle.Settings
//	PUT    /app/settings   ?tenant=: changes the settings that are given, in all processes at once, and brings people's accounts into line with them
//	GET    /app/safety     ?tenant=: lifecycle.Safety: the brakes, and who is protected
//	PUT    /app/safety     ?tenant=: changes what is given
//	POST   /app/release    ?tenant= {"connection","count"|"minutes","who"}: a brake lets through what it holds; once if neither number is given
//	GET    /app/people/{id}/export  ?tenant=: all that is kept about somebody
//	DELETE /app/people/{id}/data    ?tenant=: erases somebody from all that is kept
//	DELETE /app/tenant     ?tenant=&confirm=: erases a tenant; confirm must be its name again
//	GET    /app/preview, POST /app/connections/{id}/live: see mountPreview
//	POST   /app/import     ?tenant=: people who are there already, as text/csv or application/x-ndjson -> the number of rows by outcome, and "rows"
//	POST   /app/accounts   {"userName"}: makes an account outside any organization
//
// The portal for customers' administrators is at /setup, see portalLink. The vendor's view over all customers is at /app/customers/.
//
// The pages for operators of events (/app/webhooks and others) are explained at mountOut, and GET /feed in package feed.
//
// A request that fails is answered with {"error","reason"}. The status is 403 or 404 for a sign-in that is denied, and the reason is one of
// suspended, deactivated, pending, unknown, ssoDisabled and noSeat. It is 409 if the account's state or somebody else's name doesn't allow
// the request, and 400, without a reason, if the request is wrong.
package app

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/scim/portal"
	"github.com/rollcall-dev/rollcall/store"
)

// App is the product. Its fields may be set before its methods are called.
type App struct {
	// Settings and Connections are what the pages show and change. Boot sets them. Without Boot, the caller sets them before Join.
	Settings    *lifecycle.StoredSettings
	Connections *connection.Service
	// Options completes the handler's options.
	Options func(o *scim.Options)
	// Portal is the portal that POST /app/portal-link makes links to. Boot sets it.
	Portal *portal.Portal
	// Plugins add further ways to deliver events, and monitoring.
	Plugins []Plugin

	out       out
	ledger    ledger
	outside   outside
	customers customers
	protected []string // names of groups
	service   *lifecycle.Service
	handler   *scim.Handler
	secrets   secrets
	lives     lives
}

// Boot returns the app for boot.Run, with the name of a command.
func (a *App) Boot(name string) boot.App {
	return boot.App{Name: name, Flags: a.flags, Configure: a.configure, Mount: a.mount, Background: a.background}
}

func (a *App) configure(ctx context.Context, s store.Store, o *scim.Options) (err error) {
	a.Settings = &lifecycle.StoredSettings{Store: s, MaxAge: 100 * time.Millisecond}
	o.Lifecycle.Settings = a.Settings
	a.Connections, err = connection.New(s, &connection.Options{Fallback: o.Auth, Logger: o.Logger, Federation: a.verifier()})
	if err != nil {
		return err
	}
	o.Auth = a.Connections
	if err := a.Join(ctx, s, o); err != nil {
		return err
	}
	for _, p := range a.Plugins {
		if p.Configure != nil {
			if err := p.Configure(o); err != nil {
				return err
			}
		}
	}
	if a.Options != nil {
		a.Options(o)
	}
	return nil
}

// Join adds what the pages show to a handler's options: a hook that records all events, the accounts outside any organization, brakes,
// webhooks, and a key that seals the bodies of requests. It returns an error if the store can't be reached or a flag is wrong.
func (a *App) Join(ctx context.Context, s store.Store, o *scim.Options) (err error) {
	if a.ledger, err = newLedger(ctx, s); err != nil {
		return err
	}
	a.outside, a.customers = outside{s}, customers{s}
	if len(a.protected) > 0 {
		o.Lifecycle.Guards = append(o.Lifecycle.Guards, lifecycle.ProtectGroups(a.protected...))
	}
	o.Lifecycle.Accounts = a.outside
	o.Lifecycle.Safety = defaultSafety
	o.Hooks.Any = a.ledger.record
	if o.Lifecycle.Bodies, err = a.secrets.bodies(); err != nil {
		return err
	}
	return a.out.configure(s, o)
}

// background delivers events, and runs the connections and the plugins, until ctx ends or one of them fails.
func (a *App) background(ctx context.Context, s *boot.Service) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var others sync.WaitGroup
	others.Go(func() {
		if err := a.Connections.Run(ctx); err != nil && ctx.Err() == nil {
			cancel(err)
		}
	})
	for _, p := range a.Plugins {
		if p.Background != nil {
			others.Go(func() {
				if err := p.Background(ctx, s); err != nil && ctx.Err() == nil {
					cancel(err)
				}
			})
		}
	}
	err := s.Handler.Lifecycle().Run(ctx)
	a.lives.end()
	others.Wait()
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

func (a *App) mount(mux *http.ServeMux, s *boot.Service) error {
	pages, err := a.Pages(s.Handler)
	if err != nil {
		return err
	}
	if err := a.mountPortal(mux, s); err != nil {
		return err
	}
	mux.Handle("/app/", pages)
	mux.Handle("/feed", pages)
	mux.Handle("/oauth/token", a.Connections.TokenEndpoint())
	mux.Handle("GET /.well-known/oauth-authorization-server", a.Connections.Metadata("", "/oauth/token"))
	for _, p := range a.Plugins {
		if p.Mount != nil {
			if err := p.Mount(mux, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// Pages returns the handler of all paths under /app/, and of /feed. It must be called after Join, and once only.
func (a *App) Pages(h *scim.Handler) (http.Handler, error) {
	a.service, a.handler = h.Lifecycle(), h
	a.lives.stop = make(chan struct{})
	mux := http.NewServeMux()
	a.mountConnections(mux)
	a.mountJournal(mux)
	a.mountPreview(mux)
	for pattern, do := range map[string]func(r *http.Request, in input) (any, error){
		"POST /app/login":      a.login,
		"GET /app/users":       a.users,
		"POST /app/users":      a.add,
		"PATCH /app/users":     a.edit,
		"DELETE /app/users":    a.remove,
		"GET /app/seats":       a.seats,
		"GET /app/events":      a.events,
		"POST /app/approve":    a.administer(a.service.Approve),
		"POST /app/reject":     a.administer(a.service.Reject),
		"POST /app/suspend":    a.administer(a.service.Suspend),
		"POST /app/reactivate": a.administer(a.service.Reactivate),
		"POST /app/acquire":    a.acquire,
		"POST /app/accounts":   a.account,
		"GET /app/settings":    a.getSettings,
		"PUT /app/settings":    a.putSettings,
		"GET /app/safety":      a.getSafety,
		"PUT /app/safety":      a.putSafety,
		"POST /app/release":    a.release,
	} {
		mux.Handle(pattern, page(do))
	}
	mux.Handle("POST /app/portal-link", adminPage(a.portalLink))
	mux.HandleFunc("POST /app/import", a.importPeople)
	for pattern, do := range map[string]func(r *http.Request, in adminInput) (int, any, error){
		"GET /app/people/{id}/export":  a.exportPerson,
		"DELETE /app/people/{id}/data": a.erasePerson,
		"DELETE /app/tenant":           a.forgetTenant,
	} {
		mux.Handle(pattern, adminPage(do))
	}
	return mux, a.mountOut(mux)
}

// login answers POST /app/login: {"status","firstLogin","billed","id","role","groups"}.
func (a *App) login(r *http.Request, in input) (any, error) {
	login, err := a.service.Login(r.Context(), in.Tenant, lifecycle.Identity{UserName: in.UserName})
	var denied *lifecycle.Denied
	if errors.As(err, &denied) && denied.Reason == lifecycle.DeniedElsewhere { // an organization must not learn of accounts elsewhere
		err = &lifecycle.Denied{Reason: lifecycle.DeniedUnknown}
	}
	return map[string]any{"status": login.State, "firstLogin": login.FirstLogin, "billed": login.Billed, "id": login.ID, "role": login.Role, "groups": noneNil(login.Groups)}, err
}

// user is a line of GET /app/users.
type user struct {
	ID         string  `json:"id"`
	UserName   string  `json:"userName"`
	Status     string  `json:"status"`
	Billed     bool    `json:"billed"`
	FirstLogin *string `json:"firstLogin"` // the time of the first sign-in; null: there was none
	Active     bool    `json:"active"`     // as the identity provider sent it
	ManagedBy  string  `json:"managedBy"`
}

func userOf(r *store.Resource) user {
	account, err := lifecycle.AccountOf(r)
	if err != nil { // a damaged record is shown, so that somebody repairs it
		account.State = "damaged"
	}
	active := r.Attributes.Get("active")
	u := user{ID: r.ID, UserName: r.Attributes.Get("userName").Text(), Status: string(account.State), Billed: account.Billed,
		Active: active.IsNull() || active.True(), ManagedBy: string(account.Source)}
	if !account.FirstLogin.IsZero() {
		at := account.FirstLogin.Format("2006-01-02T15:04:05.000000Z07:00")
		u.FirstLogin = &at
	}
	return u
}

// users answers GET /app/users: a page of users, and the cursor of the next page in "next".
func (a *App) users(r *http.Request, in input) (any, error) {
	const page = 500
	resources, next, err := a.service.Accounts(r.Context(), in.Tenant, lifecycle.AccountQuery{State: lifecycle.State(r.URL.Query().Get("status")), Cursor: r.URL.Query().Get("cursor"), Count: page})
	if errors.Is(err, store.ErrCursor) {
		return nil, badInput{errors.New("cursor is not one of this list's")}
	}
	users := make([]user, len(resources))
	for i, res := range resources {
		users[i] = userOf(res)
	}
	return map[string]any{"users": users, "next": next}, err
}

// add answers POST /app/users: it adds somebody by hand.
func (a *App) add(r *http.Request, in input) (any, error) {
	v, err := in.attributes()
	if err != nil {
		return nil, err
	}
	res, err := a.service.Add(r.Context(), in.click(), lifecycle.Identity{UserName: in.UserName, Attributes: v.Document()})
	if err != nil {
		return nil, err
	}
	return userOf(res), nil
}

// edit answers PATCH /app/users: it changes attributes by hand. A null removes one.
func (a *App) edit(r *http.Request, in input) (any, error) {
	v, err := in.attributes()
	if err != nil {
		return nil, err
	}
	return a.byName(r, in, func(ctx context.Context, by lifecycle.Request, id string) (*store.Resource, error) {
		return a.service.Edit(ctx, by, id, v)
	})
}

// remove answers DELETE /app/users: it removes somebody by hand.
func (a *App) remove(r *http.Request, in input) (any, error) {
	_, err := a.byName(r, in, func(ctx context.Context, by lifecycle.Request, id string) (*store.Resource, error) {
		return &store.Resource{}, a.service.Remove(ctx, by, id)
	})
	return map[string]any{"removed": in.UserName}, err
}

// action is what an administrator does to somebody.
type action = func(ctx context.Context, by lifecycle.Request, id string) (*store.Resource, error)

func (a *App) administer(do action) func(*http.Request, input) (any, error) {
	return func(r *http.Request, in input) (any, error) { return a.byName(r, in, do) }
}

// byName does something to the user whom the request names. The pages of a real product know the id.
func (a *App) byName(r *http.Request, in input, do action) (any, error) {
	res, err := a.service.Find(r.Context(), in.Tenant, in.UserName)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &lifecycle.Denied{Reason: lifecycle.DeniedUnknown}
	}
	if err == nil {
		res, err = do(r.Context(), in.click(), res.ID)
	}
	if err != nil {
		return nil, err
	}
	return userOf(res), nil
}

// seats answers GET /app/seats: {"limit","used"}. A limit of null means that there is none.
func (a *App) seats(r *http.Request, in input) (any, error) {
	used, limit, err := a.service.Seats(r.Context(), in.Tenant)
	if limit < 0 {
		return map[string]any{"limit": nil, "used": used}, err
	}
	return map[string]any{"limit": limit, "used": used}, err
}

// acquire answers POST /app/acquire.
func (a *App) acquire(r *http.Request, in input) (any, error) {
	return map[string]any{"acquired": in.UserName}, a.service.Acquire(r.Context(), in.click(), in.UserName)
}

// account answers POST /app/accounts: it makes an account outside any organization.
func (a *App) account(r *http.Request, in input) (any, error) {
	return map[string]any{"userName": in.UserName}, a.outside.add(r.Context(), in.UserName)
}

// events answers GET /app/events: the deliveries after the one that "after" names, in the order in which they came.
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

// Latest returns the last deliveries that the hook received, the newest first, with each event once. It looks at no more than max deliveries.
func (a *App) Latest(ctx context.Context, tenant string, max int) ([]Delivery, error) {
	list, err := a.ledger.latest(ctx, tenant, max)
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(d Delivery) bool {
		again := seen[d.ID]
		seen[d.ID] = true
		return again
	}), err
}
