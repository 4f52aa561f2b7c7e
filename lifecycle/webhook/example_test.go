package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/webhook"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A tenant has events pushed to an address of its own, signed with a secret that is shown once.
func ExampleNew() {
	pushed := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		pushed <- fmt.Sprint(r.Method, " signed: ", r.Header.Get("webhook-signature") != "")
	}))
	defer receiver.Close()

	s := storetest.NewFake()
	hooks, err := webhook.New(webhook.Options{Store: s, MaxAge: 1, HTTP: true, Allow: []string{"127.0.0.1"}}) // a product leaves out HTTP and Allow
	if err != nil {
		panic(err)
	}
	service, err := lifecycle.New(s, &lifecycle.Options{Consumers: []lifecycle.Consumer{hooks.Consumer()}})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- service.Run(ctx) }()

	_, secret, err := hooks.Add(ctx, "acme", receiver.URL, []lifecycle.Kind{lifecycle.KindProvisioned}, webhook.HMAC)
	if err != nil {
		panic(err)
	}
	if _, err := service.Add(ctx, lifecycle.Request{Tenant: "acme", Who: "ann"}, lifecycle.Identity{UserName: "ada@acme.example"}); err != nil {
		panic(err)
	}
	fmt.Println(secret[:6], <-pushed)
	stop()
	fmt.Println(<-ended)
	// Output:
	// whsec_ POST signed: true
	// <nil>
}
