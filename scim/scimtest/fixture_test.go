package scimtest_test

import (
	"net/http"
	"testing"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

const token = "a-token-of-acme"

// pinned authenticates requests, and gives their connection a dialect.
type pinned struct {
	scim.BearerTokens
	dialect scim.Dialect
}

func (p pinned) Authenticate(r *http.Request) (scim.Principal, error) {
	who, err := p.BearerTokens.Authenticate(r)
	who.Dialect = p.dialect
	return who, err
}

// service makes a handler whose users have an extension, and that has groups and a resource type of a product's own, which has kinds of
// attributes that the core schemas lack.
func service(t testing.TB, dialect scim.Dialect) http.Handler {
	t.Helper()
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{
		Auth: pinned{scim.BearerTokens{token: "acme"}, dialect},
		ResourceTypes: []elimity.ResourceType{scim.UserType(), scim.GroupType(), {
			ID: optional.NewString("Device"), Name: "Device", Endpoint: "/Devices", Schema: device(),
		}},
	})
	require.NoError(t, err)
	return h
}

func device() elimityschema.Schema {
	text := func(p elimityschema.StringParams) elimityschema.CoreAttribute {
		return elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(p))
	}
	return elimityschema.Schema{
		ID:   "urn:example:params:scim:schemas:1.0:Device",
		Name: optional.NewString("Device"),
		Attributes: elimityschema.Attributes{
			text(elimityschema.StringParams{Name: "serialNumber", Required: true, Mutability: elimityschema.AttributeMutabilityImmutable(), Uniqueness: elimityschema.AttributeUniquenessServer()}),
			text(elimityschema.StringParams{Name: "owner"}),
			text(elimityschema.StringParams{Name: "place"}),
			text(elimityschema.StringParams{Name: "notes", Returned: elimityschema.AttributeReturnedRequest()}),
			text(elimityschema.StringParams{Name: "unlockCode", Mutability: elimityschema.AttributeMutabilityWriteOnly(), Returned: elimityschema.AttributeReturnedNever()}),
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleNumberParams(elimityschema.NumberParams{Name: "storage", Type: elimityschema.AttributeTypeInteger()})),
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleNumberParams(elimityschema.NumberParams{Name: "weight", Type: elimityschema.AttributeTypeDecimal()})),
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleDateTimeParams(elimityschema.DateTimeParams{Name: "bought"})),
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleBooleanParams(elimityschema.BooleanParams{Name: "encrypted"})),
			elimityschema.ComplexCoreAttribute(elimityschema.ComplexParams{
				Name: "interfaces", MultiValued: true,
				SubAttributes: []elimityschema.SimpleParams{
					elimityschema.SimpleStringParams(elimityschema.StringParams{Name: "type", CanonicalValues: []string{"wifi", "lan"}}),
					elimityschema.SimpleStringParams(elimityschema.StringParams{Name: "value"}),
				},
			}),
		},
	}
}
