package scim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	elimity "github.com/elimity-com/scim"
	elimityschema "github.com/elimity-com/scim/schema"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A product mounts the handler under its own router.
func ExampleNewHandler() {
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{
		Auth: scim.BearerTokens{"s3cr3t": "acme"},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/scim/v2/", http.StripPrefix("/scim/v2", h))

	r := httptest.NewRequest("GET", `/scim/v2/Users?filter=userName+eq+"ada"`, nil)
	r.Header.Set("Authorization", "Bearer s3cr3t")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}
}

// A product that runs an elimity.Server already plugs Rollcall's operations into it.
func ExampleHandler_ResourceHandler() {
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
	if err != nil {
		panic(err)
	}
	users := scim.UserType()
	if users.Handler, err = h.ResourceHandler("User"); err != nil {
		panic(err)
	}
	server, err := elimity.NewServer(&elimity.ServerArgs{
		ServiceProviderConfig: &elimity.ServiceProviderConfig{},
		ResourceTypes:         []elimity.ResourceType{users},
	})
	if err != nil {
		panic(err)
	}
	for range 2 {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest("POST", "/Users", strings.NewReader(
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada"}`)))
		fmt.Println(w.Code)
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, httptest.NewRequest("GET", "/Users", nil))
	fmt.Println(strings.Contains(w.Body.String(), `"userName":"ada"`))
	// Output:
	// 201
	// 409
	// true
}

// Resource types and extensions of the product's own are declared with elimity's schema types, and served like users.
func ExampleOptions_resourceTypes() {
	badge := elimityschema.Schema{
		ID: "urn:example:scim:schemas:Badge",
		Attributes: elimityschema.Attributes{
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{Name: "badgeNumber"})),
		},
	}
	device := elimity.ResourceType{
		Name:     "Device",
		Endpoint: "/Devices",
		Schema: elimityschema.Schema{
			ID: "urn:example:scim:schemas:Device",
			Attributes: elimityschema.Attributes{
				elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
					Name: "serialNumber", Required: true, Uniqueness: elimityschema.AttributeUniquenessServer(),
				})),
			},
		},
	}
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{
		Auth: scim.NoAuth{Tenant: "acme"},
		ResourceTypes: []elimity.ResourceType{
			scim.UserType(elimity.SchemaExtension{Schema: badge}), scim.GroupType(), device,
		},
	})
	if err != nil {
		panic(err)
	}
	post := func(path, body string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
		fmt.Println(w.Code)
	}
	post("/Devices", `{"schemas":["urn:example:scim:schemas:Device"],"serialNumber":"A-1"}`)
	post("/Devices", `{"schemas":["urn:example:scim:schemas:Device"],"serialNumber":"a-1"}`)
	post("/Users", `{"userName":"ada","urn:example:scim:schemas:Badge":{"badgeNumber":"7"}}`)

	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", `/Users?attributes=userName&filter=urn:example:scim:schemas:Badge:badgeNumber+eq+"7"`, nil))
	fmt.Println(strings.Contains(w.Body.String(), `"userName":"ada"`))
	// Output:
	// 201
	// 409
	// 201
	// true
}
