package typed_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/typed"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// post sends a user to a handler and shows the answer.
func post(h *scim.Handler, body string) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/Users", strings.NewReader(body))
	h.ServeHTTP(w, r)
	_, detail, _ := strings.Cut(w.Body.String(), `"detail":"`)
	detail, _, _ = strings.Cut(detail, `","status"`)
	fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", detail)))
}

// One value says all of a type: the mapping validates, and the hook gets the product's own type.
func ExampleUsers() {
	type Employee struct {
		Email  string `scim:"userName" validate:"email"`
		Name   string `scim:"displayName"`
		Active bool   `scim:"active"`
	}
	employees := typed.Users(mapping.Must(mapping.For[Employee]()), typed.LinkBy("externalId", "emails.value")).
		Hooks(typed.Hooks[Employee]{
			Created: func(_ context.Context, e *lifecycle.Event, _, after *Employee) error {
				fmt.Println("welcome", after.Name)
				return nil
			},
		})
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, Types: []scim.Type{employees}})
	if err != nil {
		panic(err)
	}
	post(h, `{"userName":"ada@acme.example","displayName":"Ada","active":true}`)
	post(h, `{"userName":"ada","active":true}`)
	// Output:
	// welcome Ada
	// 201
	// 400 userName: want an e-mail address such as ada@example.com, got \"ada\"
}

// A guard of the product sees its own type, and may veto or amend what shall be.
func ExampleType_Guard() {
	type Employee struct {
		Email string `scim:"userName"`
		Name  string `scim:"displayName"`
	}
	employees := typed.Users(mapping.Must(mapping.For[Employee]())).
		Guard(func(_ context.Context, _ *lifecycle.Request, before, after *Employee) error {
			if after != nil && !strings.HasSuffix(after.Email, "@acme.example") {
				return &lifecycle.Refusal{Reason: lifecycle.Forbidden, Detail: "only people of acme.example"}
			}
			return nil
		})
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, Types: []scim.Type{employees}})
	if err != nil {
		panic(err)
	}
	post(h, `{"userName":"eve@elsewhere.example"}`)
	// Output: 403 only people of acme.example
}

// A field at an attribute that doesn't exist is refused at the start.
func ExampleType_Check() {
	type Employee struct {
		Email string `scim:"userNam"`
	}
	_, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"},
		Types: []scim.Type{typed.Users(mapping.Must(mapping.For[Employee]()))}})
	fmt.Println(err)
	// Output: scim: Options.Types: typed: field Email of typed_test.Employee is at "userNam": userNam: User has no such attribute; it is called userName
}
