// Device serves a resource type and an extension of the product's own, declared with elimity's schema types: every
// employee has a badge, and there are devices beside people and groups.
//
//	go run ./examples/device -token acme=SECRET
package main

import (
	"context"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// The URNs of the product's schemas.
const (
	badgeURN  = "urn:example:params:scim:schemas:extension:badge:1.0:User"
	deviceURN = "urn:example:params:scim:schemas:1.0:Device"
)

func main() { boot.Main(app()) }

func app() boot.App {
	return boot.App{
		Name: "device",
		Configure: func(_ context.Context, _ store.Store, o *scim.Options) error {
			*o = options(*o)
			return nil
		},
	}
}

// options adds the types of the product to what is served.
func options(o scim.Options) scim.Options {
	o.ResourceTypes = []elimity.ResourceType{
		scim.UserType(elimity.SchemaExtension{Schema: badge()}),
		scim.GroupType(),
		{
			ID:          optional.NewString("Device"),
			Name:        "Device",
			Endpoint:    "/Devices",
			Description: optional.NewString("A phone or laptop that belongs to somebody"),
			Schema:      device(),
		},
	}
	o.Index = map[string][]string{"Device": {"owner"}} // devices are found by their owners by an index
	return o
}

// badge extends users.
func badge() elimityschema.Schema {
	return elimityschema.Schema{
		ID:   badgeURN,
		Name: optional.NewString("Badge"),
		Attributes: elimityschema.Attributes{
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
				Name:        "number",
				Description: optional.NewString("What is printed on the badge"),
				CaseExact:   true,
			})),
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleDateTimeParams(elimityschema.DateTimeParams{
				Name: "expires",
			})),
		},
	}
}

// device has an attribute of each kind: unique and immutable, numeric, multi-valued with complex and with simple values, one that is
// returned on request only, and one that is never returned.
func device() elimityschema.Schema {
	return elimityschema.Schema{
		ID:   deviceURN,
		Name: optional.NewString("Device"),
		Attributes: elimityschema.Attributes{
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
				Name:       "serialNumber",
				Required:   true,
				Mutability: elimityschema.AttributeMutabilityImmutable(),
				Uniqueness: elimityschema.AttributeUniquenessServer(),
			})),
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
				Name: "owner",
			})),
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleNumberParams(elimityschema.NumberParams{
				Name: "storage", Type: elimityschema.AttributeTypeInteger(),
			})),
			elimityschema.ComplexCoreAttribute(elimityschema.ComplexParams{
				Name:        "interfaces",
				MultiValued: true,
				SubAttributes: []elimityschema.SimpleParams{
					elimityschema.SimpleStringParams(elimityschema.StringParams{Name: "type", CanonicalValues: []string{"wifi", "lan"}}),
					elimityschema.SimpleStringParams(elimityschema.StringParams{Name: "value"}),
				},
			}),
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
				Name:        "tags",
				MultiValued: true,
			})),
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
				Name:     "notes",
				Returned: elimityschema.AttributeReturnedRequest(),
			})),
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
				Name:       "unlockCode",
				Mutability: elimityschema.AttributeMutabilityWriteOnly(),
				Returned:   elimityschema.AttributeReturnedNever(),
			})),
		},
	}
}
