package app

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// The pages of the journal. All take ?tenant=.
//
//	GET  /app/journal             ?connection=&subject=&outcome=&operation=&requestId=&from=&to=&before=&max= -> {"entries":[...],"next"}
//	GET  /app/journal/export      the same, as JSON lines without an end of page
//	POST /app/journal/{id}/retry  -> {"outcome","status","detail"}: what would happen now; nothing is written
func (a *App) mountJournal(mux *http.ServeMux) {
	mux.Handle("GET /app/journal", adminPage(a.journal))
	mux.Handle("POST /app/journal/{id}/retry", adminPage(a.retry))
	mux.HandleFunc("GET /app/journal/export", a.export)
}

func journalQuery(r *http.Request) (q lifecycle.JournalQuery, err error) {
	v := r.URL.Query()
	q = lifecycle.JournalQuery{Tenant: v.Get("tenant"), Connection: v.Get("connection"), Subject: v.Get("subject"), Outcome: lifecycle.Outcome(v.Get("outcome")),
		Operation: v.Get("operation"), Request: v.Get("requestId"), Before: v.Get("before")}
	if v.Has("max") {
		if q.Max, err = strconv.Atoi(v.Get("max")); err != nil || q.Max < 1 {
			return q, badInput{errors.New("max: want 1 to 1000")}
		}
	}
	for name, field := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if v.Get(name) != "" {
			if *field, err = time.Parse(time.RFC3339, v.Get(name)); err != nil {
				return q, badInput{errors.New(name + ": want a time such as 2026-11-02T08:00:00Z")}
			}
		}
	}
	return q, nil
}

func (a *App) journal(r *http.Request, _ adminInput) (int, any, error) {
	q, err := journalQuery(r)
	if err != nil {
		return 0, nil, err
	}
	entries, next, err := a.service.Journal(r.Context(), q)
	return http.StatusOK, map[string]any{"entries": append([]lifecycle.JournalEntry{}, entries...), "next": next}, err
}

func (a *App) retry(r *http.Request, in adminInput) (int, any, error) {
	out, err := a.handler.Retry(r.Context(), in.Tenant, r.PathValue("id"))
	return http.StatusOK, map[string]any{"outcome": out.Outcome, "status": out.Status, "detail": out.Detail}, err
}

func (a *App) export(w http.ResponseWriter, r *http.Request) {
	q, err := journalQuery(r)
	if err == nil && q.Tenant == "" {
		err = badInput{errors.New("tenant is missing")}
	}
	if err != nil {
		status, out := describeAdmin(err)
		http.Error(w, out.Error, status)
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	if err := a.service.Export(r.Context(), q, w); err != nil {
		panic(http.ErrAbortHandler) // a part is sent already: the client must see that the rest is missing
	}
}

// endRotation returns the page that ends the rotation of a credential by complete or cancel.
func (a *App) endRotation(end func(ctx context.Context, by lifecycle.Request, id string) error) func(*http.Request, adminInput) (int, any, error) {
	return func(r *http.Request, in adminInput) (int, any, error) {
		return http.StatusNoContent, nil, end(r.Context(), in.click(), r.PathValue("id"))
	}
}

// recordSettings writes a journal entry that says who changed which settings.
func (a *App) recordSettings(ctx context.Context, in input, names []string) error {
	by := in.click()
	by.Action = "change settings"
	return a.service.Record(ctx, by, store.Key{Type: "rollcall.Settings", ID: "settings"}, lifecycle.Updated, "settings", names...)
}
