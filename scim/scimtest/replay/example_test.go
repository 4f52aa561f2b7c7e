package replay_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A product sends to its own mount what Entra ID and Okta were seen to send.
func ExampleRunner() {
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.BearerTokens{"s3cr3t": "acme"}})
	if err != nil {
		panic(err)
	}
	conversations, err := replay.Conversations("entra", "okta")
	if err != nil {
		panic(err)
	}
	runner := &replay.Runner{
		BaseURL: "http://scim.example.com", Token: "s3cr3t", Conventions: true,
		Client: &http.Client{Transport: replay.InProcess(h)},
	}
	for _, c := range conversations {
		if results := runner.Run(context.Background(), c); !replay.OK(results) {
			fmt.Println(c.Title(), results)
		}
	}
	fmt.Println(len(conversations) > 30)
	// Output:
	// true
}
