package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/feed"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// Another system of the product pulls the events, and goes on with the cursor of each answer.
func ExampleNew() {
	service, err := lifecycle.New(storetest.NewFake(), &lifecycle.Options{Feed: true})
	if err != nil {
		panic(err)
	}
	h, err := feed.New(service, &feed.Options{Authorize: feed.BearerToken("s3cr3t", "")}) // all tenants
	if err != nil {
		panic(err)
	}
	cursor := ""
	for _, name := range []string{"ada@acme.example", "eve@acme.example"} {
		if _, err := service.Add(context.Background(), lifecycle.Request{Tenant: "acme", Who: "ann"}, lifecycle.Identity{UserName: name}); err != nil {
			panic(err)
		}
		r := httptest.NewRequest("GET", "/feed?cursor="+cursor, nil)
		r.Header.Set("Authorization", "Bearer s3cr3t")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var answer struct {
			Events []struct{ Kind, UserName string }
			Cursor string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			panic(err)
		}
		fmt.Println(answer.Events)
		cursor = answer.Cursor
	}
	// Output:
	// [{provisioned ada@acme.example}]
	// [{provisioned eve@acme.example}]
}
