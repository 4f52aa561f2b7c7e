package scimtest_test

import (
	"context"
	"fmt"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A product checks its own mount by the clauses of the RFCs. A test calls Run, which fails for each clause that is broken; Check is for a
// program.
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
