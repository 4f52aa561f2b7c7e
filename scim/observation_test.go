package scim_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// watch writes down what it observes, with what each operation is in.
type watch struct {
	mu   sync.Mutex
	seen []string
	last map[lifecycle.Stage]lifecycle.Result
}

type inside struct{}

func (w *watch) Begin(ctx context.Context, op lifecycle.Op) (context.Context, func(lifecycle.Result)) {
	in, _ := ctx.Value(inside{}).(string)
	w.mu.Lock()
	w.seen = append(w.seen, in+"/"+op.Name)
	w.mu.Unlock()
	return context.WithValue(ctx, inside{}, in+"/"+op.Name), func(r lifecycle.Result) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.last[op.Stage] = r
	}
}

func TestObserver(t *testing.T) {
	w := &watch{last: map[lifecycle.Stage]lifecycle.Result{}}
	var log strings.Builder
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{
		Auth: scim.BearerTokens{"secret": "acme"}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Hooks:     lifecycle.Hooks{Provisioned: func(context.Context, *lifecycle.Event) error { return nil }},
		Lifecycle: lifecycle.Options{Observer: w},
	})
	require.NoError(t, err)
	ask := func(method, path, token, agent, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/scim+json")
		r.Header.Set("User-Agent", agent)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		return answer
	}
	answer := ask("POST", "/Users", "secret", "okta scim client", `{"userName":"ann"}`)
	assert.Equal(t, http.StatusCreated, answer.Code)
	assert.Equal(t, "Users.create", answer.Header().Get(scim.OperationHeader))
	for _, want := range []string{"/Users.create", "/Users.create/decide", "/Users.create/store.commit", "/deliver.provisioned", "/deliver.provisioned/hook.provisioned"} {
		assert.Contains(t, w.seen, want)
	}
	request := w.last[lifecycle.StageRequest]
	assert.Equal(t, lifecycle.Result{Tenant: "acme", Request: request.Request, Status: 201, Provider: "okta", Quirks: []string{"missing-schemas"}}, request)
	assert.Equal(t, "created", w.last[lifecycle.StageDecision].Outcome)
	assert.Equal(t, "done", w.last[lifecycle.StageDelivery].Outcome)
	assert.NotContains(t, log.String(), "refused")

	// A dry run is seen, and counts as nothing.
	d, err := h.Lifecycle().Do(t.Context(), &lifecycle.Request{Tenant: "acme", By: lifecycle.SourceManual, DryRun: true}, func(context.Context) (lifecycle.Draft, error) {
		return lifecycle.Draft{Key: store.Key{Tenant: "acme", Type: "User"}, After: document.Document(`{"userName":"bob"}`).Value()}, nil
	})
	require.NoError(t, err)
	assert.Equal(t, lifecycle.Created, d.Outcome)
	assert.Equal(t, lifecycle.Result{}, w.last[lifecycle.StageDecision])

	ask("POST", "/Users", "secret", "", `{"userName":"ann","password":"hunter2hunter2"}`)
	assert.Equal(t, "uniqueness", w.last[lifecycle.StageRequest].SCIMType)
	assert.Error(t, w.last[lifecycle.StageRequest].Err)
	ask("GET", "/Users/1", "", "", "")
	assert.Equal(t, "missing", w.last[lifecycle.StageRequest].Outcome)
	ask("GET", "/Users/1", "wrong", "", "")
	assert.Equal(t, "invalid", w.last[lifecycle.StageRequest].Outcome)
	for _, line := range []string{"operation=Users.create status=409 rule=uniqueness", "tenant=acme", "operation=Users.get status=401 rule=Unauthorized"} {
		assert.Contains(t, log.String(), line)
	}
	for _, secret := range []string{"hunter2", "ann", "wrong", "secret"} {
		assert.NotContains(t, log.String(), secret)
	}
	for path, want := range map[string]string{"/nothing/here": "other", "/Groups/.search": "Groups.search", "/Bulk": "Bulk.run", "/Me": "Me.other", "/Users/1": "Users.other"} {
		assert.Equal(t, want, ask("POST", path, "secret", "", "{}").Header().Get(scim.OperationHeader), path)
	}
	assert.Equal(t, "other", ask("BREW", "/Users", "secret", "", "").Header().Get(scim.OperationHeader))
}
