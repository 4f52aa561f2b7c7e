package main

import (
	"net/http"

	elimity "github.com/elimity-com/scim"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/scim"
)

// elimityServer makes elimity-com/scim's own Server with our operations on a store in memory, so that only what the two
// servers do with requests and answers is compared.
func elimityServer() (http.Handler, error) {
	h, err := scim.NewHandler(memstore.New(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
	if err != nil {
		return nil, err
	}
	types := []elimity.ResourceType{scim.UserType(), scim.GroupType()}
	for i := range types {
		if types[i].Handler, err = h.ResourceHandler(types[i].Name); err != nil {
			return nil, err
		}
	}
	return elimity.NewServer(&elimity.ServerArgs{
		ServiceProviderConfig: &elimity.ServiceProviderConfig{MaxResults: 200, SupportFiltering: true, SupportPatch: true},
		ResourceTypes:         types,
	})
}
