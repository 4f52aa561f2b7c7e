package document_test

import (
	"fmt"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Two keys that differ only in case are one attribute in SCIM, so a body that has both is refused.
func ExampleParse() {
	v, err := document.Parse(`{"userName": "ada", "emails": [{"value": "ada@acme.example"}], "title": null}`, 0)
	fmt.Println(v.Document(), err)

	_, err = document.Parse(`{"userName":"ada","username":"eve"}`, 0)
	fmt.Println(err)
	// Output:
	// {"userName":"ada","emails":[{"value":"ada@acme.example"}]} <nil>
	// at byte 18: the field "username" is there twice (names ignore case)
}

// Names are compared by what people see: width, case and marks count for nothing, other letters do.
func ExampleFold() {
	fmt.Println(document.Fold("Ａda@acme.example") == document.Fold("ada@ACME.example"))
	fmt.Println(document.Fold("straße") == document.Fold("strasse"))
	// Output:
	// true
	// false
}
