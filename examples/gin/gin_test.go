package gin_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	mount "github.com/rollcall-dev/rollcall/examples/gin"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// Every kind of request gets through the router, with its method, path and query, and so does what SCIM says of an address that isn't there.
func TestMount(t *testing.T) {
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.BearerTokens{"secret": "acme"}})
	if err != nil {
		t.Fatal(err)
	}
	r := gin.New()
	mount.Mount(r, "/scim/v2", h)
	call := func(status int, method, path, body, want string) string {
		t.Helper()
		q := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		q.Header.Set("Authorization", "Bearer secret")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, q)
		if w.Code != status || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s %s: got %d %s, want %d with %s", method, path, w.Code, w.Body, status, want)
		}
		return w.Body.String()
	}
	created := call(201, "POST", "/scim/v2/Users", `{"userName":"ada"}`, `"location":"http://example.com/scim/v2/Users/`)
	_, id, _ := strings.Cut(created, `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	call(200, "GET", `/scim/v2/Users?filter=userName+eq+"ADA"`, "", `"totalResults":1`)
	call(200, "PATCH", "/scim/v2/Users/"+id, `{"Operations":[{"op":"replace","path":"active","value":false}]}`, `"active":false`)
	call(200, "PUT", "/scim/v2/Users/"+id, `{"userName":"eve"}`, `"userName":"eve"`)
	call(200, "HEAD", "/scim/v2/Users/"+id, "", "")
	call(204, "DELETE", "/scim/v2/Users/"+id, "", "")
	call(404, "GET", "/scim/v2/Users/"+id, "", "urn:ietf:params:scim:api:messages:2.0:Error")
	call(404, "GET", "/scim/v2/Nowhere/at/all", "", "urn:ietf:params:scim:api:messages:2.0:Error")
	call(200, "GET", "/scim/v2/ServiceProviderConfig", "", "patch")
}
