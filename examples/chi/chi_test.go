package chi_test

import (
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	mount "github.com/rollcall-dev/rollcall/examples/chi"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// Every kind of request gets through the router, with its method, path and query: the service is as good behind it as without it.
func TestMount(t *testing.T) {
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.BearerTokens{"secret": "acme"}})
	if err != nil {
		t.Fatal(err)
	}
	r := chi.NewRouter()
	mount.Mount(r, "/scim/v2", h)
	server := httptest.NewServer(r)
	defer server.Close()
	report := scimtest.Run(t, scimtest.Target{URL: server.URL + "/scim/v2", Token: "secret"})
	const most = 20 // of the clauses are about what users and groups don't have
	if report.Totals.NotClaimed > most {
		t.Errorf("%d clauses were not tested", report.Totals.NotClaimed)
	}
}
