package connection_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A customer's administrator makes a connection and gets a token, which is shown once. When Revoke returns, no process accepts
// it any more.
func ExampleNew() {
	s := storetest.NewFake()
	connections, err := connection.New(s, &connection.Options{Prefix: "acmeco", Hold: 10 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	h, err := scim.NewHandler(s, &scim.Options{Auth: connections})
	if err != nil {
		panic(err)
	}
	ctx, ann := context.Background(), lifecycle.Request{Tenant: "acme", Who: "ann"}
	entra, err := connections.Create(ctx, ann, "Entra ID", connection.Entra)
	if err != nil {
		panic(err)
	}
	token, err := connections.Issue(ctx, ann, entra.ID, connection.Ask{Kind: connection.Bearer})
	if err != nil {
		panic(err)
	}
	call := func() {
		r := httptest.NewRequest("GET", "/Users", nil)
		r.Header.Set("Authorization", "Bearer "+token.Token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	fmt.Println(strings.HasPrefix(token.Token, "acmeco"))
	call()
	if err := connections.Revoke(ctx, ann, token.ID); err != nil {
		panic(err)
	}
	call()
	// Output:
	// true
	// 200
	// 401
}
