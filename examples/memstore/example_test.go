package memstore_test

import (
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/scim"
)

// A service can be tried out with a store in memory.
func ExampleNew() {
	h, err := scim.NewHandler(memstore.New(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/Users", strings.NewReader(`{"userName":"ada@acme.example"}`)))
	fmt.Println(w.Code)
	// Output:
	// 201
}
