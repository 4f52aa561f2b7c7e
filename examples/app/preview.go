package app

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store/document"
)

// The pages of a connection in the state shadow.
//
//	GET  /app/preview                ?tenant=&connection=&cursor= -> {"people":[...],"groups":[...],"next"}; all of it as text/csv by Accept
//	POST /app/connections/{id}/live  ?tenant= -> 200 when the connection is live, 202 while it is going live, 409 if its state isn't shadow
func (a *App) mountPreview(mux *http.ServeMux) {
	mux.HandleFunc("GET /app/preview", a.preview)
	mux.Handle("POST /app/connections/{id}/live", adminPage(a.goLive))
}

type personPreview struct {
	ID          string                  `json:"id"`
	UserName    string                  `json:"userName"`
	Action      lifecycle.PreviewAction `json:"action"`
	Changes     []changePreview         `json:"changes"`
	Explanation string                  `json:"explanation"`
}

type changePreview struct {
	Attribute string          `json:"attribute"`
	From      json.RawMessage `json:"from"`
	To        json.RawMessage `json:"to"`
	Authority string          `json:"authority"`
}

type groupPreview struct {
	ID          string                    `json:"id"`
	DisplayName string                    `json:"displayName"`
	Action      lifecycle.PreviewAction   `json:"action"`
	Added       []lifecycle.PreviewMember `json:"added"`
	Removed     []lifecycle.PreviewMember `json:"removed"`
	AddedMore   int                       `json:"addedMore,omitempty"`
	RemovedMore int                       `json:"removedMore,omitempty"`
	Changes     []changePreview           `json:"changes"`
	Explanation string                    `json:"explanation"`
}

type previewPage struct {
	People []personPreview `json:"people"`
	Groups []groupPreview  `json:"groups"`
	Next   string          `json:"next"`
}

func (a *App) preview(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, out any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out)
	}
	q := r.URL.Query()
	tenant, id := q.Get("tenant"), q.Get("connection")
	if tenant == "" || id == "" {
		answer(http.StatusBadRequest, failure{Error: "tenant or connection is missing"})
		return
	}
	if _, err := a.view(r, tenant, id); err != nil {
		answer(describeAdmin(err))
		return
	}
	if media, _, _ := mime.ParseMediaType(strings.Split(r.Header.Get("Accept"), ",")[0]); media == "text/csv" {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="preview.csv"`)
		if err := lifecycle.WritePreviewCSV(w, a.service.PreviewAll(r.Context(), tenant, id)); err != nil {
			panic(http.ErrAbortHandler) // a part is sent already: the client must see that the rest is missing
		}
		return
	}
	const count = 500
	page, err := a.service.Preview(r.Context(), tenant, id, q.Get("cursor"), count)
	if errors.Is(err, lifecycle.ErrPreviewCursor) {
		answer(http.StatusBadRequest, failure{Error: "cursor is not one of this preview's"})
		return
	}
	if err != nil {
		answer(describeAdmin(err))
		return
	}
	out := previewPage{People: []personPreview{}, Groups: []groupPreview{}, Next: page.Next}
	for _, row := range page.Rows {
		changes := []changePreview{}
		for _, c := range row.Changes {
			changes = append(changes, changePreview{c.Attribute, document.AppendJSON(nil, c.From), document.AppendJSON(nil, c.To), c.Authority})
		}
		switch row.Type {
		case "User":
			out.People = append(out.People, personPreview{row.ID, row.Name, row.Action, changes, row.Explanation})
		case "Group":
			out.Groups = append(out.Groups, groupPreview{row.ID, row.Name, row.Action, noneNil(row.Added), noneNil(row.Removed),
				row.AddedCount - len(row.Added), row.RemovedCount - len(row.Removed), changes, row.Explanation})
		}
	}
	answer(http.StatusOK, out)
}

// noneNil returns a list that isn't nil, so that JSON shows an empty list as [].
func noneNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// lives are the connections that are going live.
type lives struct {
	mu   sync.Mutex
	jobs map[[2]string]*liveJob // by tenant and connection
	all  sync.WaitGroup
	stop chan struct{} // closed when the server stops
}

// liveJob is a connection that is going live.
type liveJob struct {
	done chan struct{}
	err  error // set before done is closed
	mu   sync.Mutex
	did  lifecycle.LiveProgress
}

func (j *liveJob) progress() lifecycle.LiveProgress {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.did
}

// start makes a connection go live, or returns the job of the call that has begun it.
func (l *lives) start(tenant, id string, do func(ctx context.Context, progress func(lifecycle.LiveProgress)) error) *liveJob {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := [2]string{tenant, id}
	if j := l.jobs[key]; j != nil {
		return j
	}
	if l.jobs == nil {
		l.jobs = map[[2]string]*liveJob{}
	}
	j := &liveJob{done: make(chan struct{})}
	l.jobs[key] = j
	ctx, cancel := context.WithCancel(context.Background())
	l.all.Go(func() {
		defer cancel()
		l.all.Go(func() {
			select {
			case <-l.stop:
				cancel()
			case <-ctx.Done():
			}
		})
		j.err = do(ctx, func(did lifecycle.LiveProgress) {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.did = did
		})
		l.mu.Lock()
		delete(l.jobs, key)
		l.mu.Unlock()
		close(j.done)
	})
	return j
}

// end interrupts all jobs. Each goes on when the request is sent again.
func (l *lives) end() {
	close(l.stop)
	l.all.Wait()
}

// goLive answers POST /app/connections/{id}/live. A job that takes long goes on after the answer. Then the same
// request returns how far it is.
func (a *App) goLive(r *http.Request, in adminInput) (int, any, error) {
	const patience = 10 * time.Second
	id := r.PathValue("id")
	j := a.lives.start(in.Tenant, id, func(ctx context.Context, progress func(lifecycle.LiveProgress)) error {
		did, err := a.Connections.GoLive(ctx, in.click(), id, progress)
		progress(did)
		return err
	})
	answer := func(state string) map[string]any {
		return map[string]any{"connection": id, "state": state, "progress": j.progress()}
	}
	select {
	case <-j.done:
		return http.StatusOK, answer("live"), j.err
	case <-time.After(patience):
	case <-r.Context().Done():
	}
	return http.StatusAccepted, answer("shadow"), nil
}

// notShadow returns the error of a connection that can't go live.
var notShadow = failure{Error: connection.ErrNotShadow.Error() + ": it is live already, or must be set to shadow first"}
