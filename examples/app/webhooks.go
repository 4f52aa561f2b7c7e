package app

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/payload"
	"github.com/rollcall-dev/rollcall/lifecycle/webhook"
	"github.com/rollcall-dev/rollcall/store"
)

// order is the content of an operator's request.
type order struct {
	Tenant   string           `json:"tenant"`
	URL      string           `json:"url"`
	Kinds    []lifecycle.Kind `json:"kinds"`
	ID       string           `json:"id"`
	Event    string           `json:"event"`
	Consumer string           `json:"consumer"`
	From     string           `json:"from"`
	Reason   string           `json:"reason"`
}

// operate returns a handler that decodes a request, calls do, and encodes its result with a status, or its error.
func operate(status int, do func(r *http.Request, in order) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, err := readOrder(r)
		var out any
		if err == nil {
			out, err = do(r, in)
		}
		status := status
		var invalid *webhook.InvalidError
		switch {
		case err == nil:
		case errors.As(err, &invalid):
			status, out = http.StatusBadRequest, failure{Error: invalid.Detail}
		case errors.Is(err, store.ErrNotFound), errors.Is(err, lifecycle.ErrNoConsumer):
			status, out = http.StatusNotFound, failure{Error: err.Error()}
		default:
			status, out = describe(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out)
	})
}

func readOrder(r *http.Request) (in order, err error) {
	const most = 64 << 10
	if r.Method == http.MethodPost {
		raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, most))
		if err != nil || json.Unmarshal(raw, &in) != nil {
			return in, badInput{errors.New("want an object of JSON with strings, and kinds as a list of them")}
		}
	}
	in.Tenant = cmp.Or(in.Tenant, r.URL.Query().Get("tenant"))
	in.ID = cmp.Or(in.ID, r.URL.Query().Get("id"))
	if in.Tenant == "" && r.URL.Path != "/app/lag" {
		return in, badInput{errors.New("tenant is missing")}
	}
	if len(in.Tenant) > 1_000 {
		return in, badInput{errors.New("tenant is too long")}
	}
	return in, nil
}

// mountOut adds the pages of operators:
//
//	POST   /app/webhooks         ?tenant= {"url","kinds"} -> 201 {"id","secret"}
//	GET    /app/webhooks         ?tenant= -> {"webhooks":[{"id","url","kinds","state","lag","attempts"}]}, attempts oldest first
//	DELETE /app/webhooks         ?tenant=&id=
//	POST   /app/webhooks/rotate  {"tenant","id"} -> {"id","secret"}
//	GET    /app/parked           ?tenant= -> {"parked":[...]}
//	POST   /app/retry, /app/drop {"tenant","event"}, with "consumer" for this consumer only; /app/drop also takes a "reason"
//	POST   /app/replay           {"tenant","consumer","from"} -> 202
//	POST   /app/pause, /app/resume {"tenant","consumer"}
//	GET    /app/lag              ?tenant= -> {"consumers":[{"tenant","consumer","waiting","parked","paused","lagSeconds"}]}
func (a *App) mountOut(mux *http.ServeMux) error {
	for _, p := range []struct {
		pattern string
		status  int
		do      func(r *http.Request, in order) (any, error)
	}{
		{"POST /app/webhooks", http.StatusCreated, a.addWebhook},
		{"GET /app/webhooks", http.StatusOK, a.webhooks},
		{"DELETE /app/webhooks", http.StatusOK, a.removeWebhook},
		{"POST /app/webhooks/rotate", http.StatusOK, a.rotateWebhook},
		{"GET /app/parked", http.StatusOK, a.parked},
		{"POST /app/retry", http.StatusOK, a.retryEvent},
		{"POST /app/drop", http.StatusOK, a.drop},
		{"POST /app/replay", http.StatusAccepted, a.replay},
		{"POST /app/pause", http.StatusOK, a.pause},
		{"POST /app/resume", http.StatusOK, a.resume},
		{"GET /app/lag", http.StatusOK, a.lag},
	} {
		mux.Handle(p.pattern, operate(p.status, p.do))
	}
	return a.out.mountFeed(mux, a.service)
}

func (a *App) addWebhook(r *http.Request, in order) (any, error) {
	e, secret, err := a.out.hooks.Add(r.Context(), in.Tenant, in.URL, in.Kinds, webhook.HMAC)
	return map[string]any{"id": e.ID, "secret": secret}, err
}

func (a *App) removeWebhook(r *http.Request, in order) (any, error) {
	return map[string]any{"removed": in.ID}, a.out.hooks.Remove(r.Context(), in.Tenant, in.ID)
}

func (a *App) rotateWebhook(r *http.Request, in order) (any, error) {
	secret, err := a.out.hooks.Rotate(r.Context(), in.Tenant, in.ID, webhook.HMAC)
	return map[string]any{"id": in.ID, "secret": secret}, err
}

// attempt is an attempt to send an event to a webhook.
type attempt struct {
	Time   string  `json:"time"`
	Event  string  `json:"event"`
	Status int     `json:"status"` // 0: there was no answer
	Error  string  `json:"error"`
	Next   *string `json:"next"` // the time of the next attempt; null: there is none
}

// endpoint is a webhook as operators see it, without its secret.
type endpoint struct {
	ID       string           `json:"id"`
	URL      string           `json:"url"`
	Kinds    []lifecycle.Kind `json:"kinds"` // empty: all kinds
	State    string           `json:"state"` // ok, failing or disabled
	Lag      int              `json:"lag"`   // the number of events that are to be sent to it
	Parked   int              `json:"parked"`
	Paused   bool             `json:"paused"`
	Attempts []attempt        `json:"attempts"`
}

func (a *App) webhooks(r *http.Request, in order) (any, error) {
	const most = 20 // attempts
	all, err := a.out.hooks.List(r.Context(), in.Tenant)
	if err != nil {
		return nil, err
	}
	lags, err := a.service.Lags(r.Context(), in.Tenant)
	if err != nil {
		return nil, err
	}
	list := []endpoint{}
	for _, e := range all {
		line := endpoint{ID: e.ID, URL: e.URL, Kinds: append([]lifecycle.Kind{}, e.Kinds...), State: "ok", Attempts: []attempt{}}
		for _, l := range lags {
			if l.Consumer == e.Consumer() {
				line.Lag, line.Parked, line.Paused = l.Waiting, l.Parked, l.Paused
			}
		}
		tries, err := a.out.hooks.Attempts(r.Context(), in.Tenant, e.ID, most)
		if err != nil {
			return nil, err
		}
		if len(tries) > 0 && tries[0].Error != "" {
			line.State = "failing"
		}
		if e.Disabled != "" {
			line.State = "disabled"
		}
		for _, t := range slices.Backward(tries) {
			one := attempt{Time: payload.Time(t.Time), Event: t.Event, Status: t.Status, Error: t.Error}
			if !t.Next.IsZero() {
				next := payload.Time(t.Next)
				one.Next = &next
			}
			line.Attempts = append(line.Attempts, one)
		}
		list = append(list, line)
	}
	return map[string]any{"webhooks": list}, nil
}

// parkedEvent is an event whose delivery to a consumer was given up.
type parkedEvent struct {
	Event    string `json:"event"`
	ID       string `json:"id"` // the same as Event
	Consumer string `json:"consumer"`
	Kind     string `json:"kind"`
	Subject  string `json:"subject"`
	Time     string `json:"time"`
	Attempts int    `json:"attempts"`
	Reason   string `json:"reason"`
}

func (a *App) parked(r *http.Request, in order) (any, error) {
	const most = 1_000
	all, err := a.service.Parked(r.Context(), in.Tenant, most)
	list := []parkedEvent{}
	for _, d := range all {
		list = append(list, parkedEvent{d.ID, d.ID, d.Consumer, d.Kind, d.Subject.ID, payload.Time(d.Time), d.Attempts, d.Reason})
	}
	return map[string]any{"parked": list}, err
}

func (a *App) retryEvent(r *http.Request, in order) (any, error) {
	return map[string]any{"retried": in.Event}, a.service.Retry(r.Context(), in.Tenant, in.Consumer, in.Event)
}

func (a *App) drop(r *http.Request, in order) (any, error) {
	return map[string]any{"dropped": in.Event}, a.service.Drop(r.Context(), in.Tenant, in.Consumer, in.Event, in.Reason)
}

func (a *App) replay(r *http.Request, in order) (any, error) {
	from, err := time.Parse(time.RFC3339, in.From)
	if err != nil {
		return nil, badInput{errors.New(`from: want a time as RFC 3339 has it, such as "2026-03-01T12:00:00Z"`)}
	}
	err = a.service.ReplayTo(r.Context(), store.Replay{Tenant: in.Tenant, Consumer: in.Consumer, From: from})
	return map[string]any{"consumer": in.Consumer, "from": payload.Time(from)}, err
}

func (a *App) pause(r *http.Request, in order) (any, error) {
	return map[string]any{"paused": in.Consumer}, a.service.Pause(r.Context(), in.Tenant, in.Consumer)
}

func (a *App) resume(r *http.Request, in order) (any, error) {
	return map[string]any{"resumed": in.Consumer}, a.service.Resume(r.Context(), in.Tenant, in.Consumer)
}

// lagLine is how far behind a consumer is.
type lagLine struct {
	Tenant     string  `json:"tenant"`
	Consumer   string  `json:"consumer"`
	Waiting    int     `json:"waiting"`
	Parked     int     `json:"parked"`
	Paused     bool    `json:"paused"`
	LagSeconds float64 `json:"lagSeconds"` // the age of the oldest event that waits
}

// lag answers GET /app/lag. It has a line for each consumer, also if no event waits for it.
func (a *App) lag(r *http.Request, in order) (any, error) {
	lags, err := a.service.Lags(r.Context(), in.Tenant)
	list := []lagLine{}
	for _, name := range a.service.Consumers() {
		if name != webhook.Name && !slices.ContainsFunc(lags, func(l store.Lag) bool { return l.Consumer == name }) {
			list = append(list, lagLine{Tenant: in.Tenant, Consumer: name})
		}
	}
	for _, l := range lags {
		line := lagLine{l.Tenant, l.Consumer, l.Waiting, l.Parked, l.Paused, 0}
		if l.Waiting > 0 {
			line.LagSeconds = max(time.Since(l.Oldest).Seconds(), 0)
		}
		list = append(list, line)
	}
	return map[string]any{"consumers": list}, err
}
