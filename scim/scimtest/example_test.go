package scimtest_test

import (
	"context"
	"fmt"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A product proves its own mount by the clauses of the RFCs. In a test it calls Run, which fails for each clause that is broken.
func ExampleCheck() {
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.BearerTokens{"s3cr3t": "acme"}})
	if err != nil {
		panic(err)
	}
	report, err := scimtest.Check(context.Background(), scimtest.Target{Handler: h, Token: "s3cr3t"})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.OK(), report.Totals.Failed, report.Totals.Passed > 250)
	// Output:
	// true 0 true
}
