package schema

import (
	"testing"

	elimity "github.com/elimity-com/scim"
	elimityschema "github.com/elimity-com/scim/schema"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store/document"
)

const (
	coreUser   = "urn:ietf:params:scim:schemas:core:2.0:User"
	coreGroup  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	coreDevice = "urn:example:schemas:2.0:Device"
	location   = "urn:example:schemas:extension:2.0:Location"
	asset      = "urn:example:asset:1.0"
)

func userType(t testing.TB) *Type {
	t.Helper()
	compiled, err := Compile(User(), "emails.value", "displayName")
	require.NoError(t, err)
	return compiled
}

func groupType(t testing.TB) *Type {
	t.Helper()
	compiled, err := Compile(Group(), "displayName")
	require.NoError(t, err)
	return compiled
}

// device returns a product's own resource type with an attribute of every type and characteristic.
func device() elimity.ResourceType {
	str := func(name string, more func(*elimityschema.StringParams)) elimityschema.SimpleParams {
		p := elimityschema.StringParams{Name: name}
		if more != nil {
			more(&p)
		}
		return elimityschema.SimpleStringParams(p)
	}
	number := func(name string, typ elimityschema.AttributeDataType) elimityschema.SimpleParams {
		return elimityschema.SimpleNumberParams(elimityschema.NumberParams{Name: name, Type: typ})
	}
	core := elimityschema.SimpleCoreAttribute
	return elimity.ResourceType{
		Name: "Device", Endpoint: "/Devices",
		Schema: elimityschema.Schema{ID: coreDevice, Attributes: elimityschema.Attributes{
			core(str("serial", func(p *elimityschema.StringParams) {
				p.Required, p.CaseExact, p.Uniqueness = true, true, elimityschema.AttributeUniquenessServer()
			})),
			core(str("displayName", nil)),
			core(str("tags", func(p *elimityschema.StringParams) { p.MultiValued = true })),
			core(number("ports", elimityschema.AttributeTypeInteger())),
			core(number("weight", elimityschema.AttributeTypeDecimal())),
			core(elimityschema.SimpleBooleanParams(elimityschema.BooleanParams{Name: "managed"})),
			core(elimityschema.SimpleDateTimeParams(elimityschema.DateTimeParams{Name: "bought"})),
			core(elimityschema.SimpleReferenceParams(elimityschema.ReferenceParams{Name: "manual"})),
			core(elimityschema.SimpleBinaryParams(elimityschema.BinaryParams{Name: "key"})),
			core(str("model", func(p *elimityschema.StringParams) { p.Mutability = elimityschema.AttributeMutabilityImmutable() })),
			core(str("health", func(p *elimityschema.StringParams) { p.Mutability = elimityschema.AttributeMutabilityReadOnly() })),
			core(str("pin", func(p *elimityschema.StringParams) {
				p.Mutability, p.Returned = elimityschema.AttributeMutabilityWriteOnly(), elimityschema.AttributeReturnedNever()
			})),
			core(str("notes", func(p *elimityschema.StringParams) { p.Returned = elimityschema.AttributeReturnedRequest() })),
			core(str("code", func(p *elimityschema.StringParams) { p.Returned = elimityschema.AttributeReturnedAlways() })),
			elimityschema.ComplexCoreAttribute(elimityschema.ComplexParams{Name: "disks", MultiValued: true, SubAttributes: []elimityschema.SimpleParams{
				str("value", nil),
				number("size", elimityschema.AttributeTypeInteger()),
				str("slot", func(p *elimityschema.StringParams) { p.Required = true }),
				str("label", func(p *elimityschema.StringParams) { p.Returned = elimityschema.AttributeReturnedRequest() }),
				str("labels", func(p *elimityschema.StringParams) { p.MultiValued = true }),
			}}),
			elimityschema.ComplexCoreAttribute(elimityschema.ComplexParams{Name: "owner", SubAttributes: []elimityschema.SimpleParams{
				str("value", nil),
				str("since", func(p *elimityschema.StringParams) { p.Mutability = elimityschema.AttributeMutabilityImmutable() }),
				str("display", func(p *elimityschema.StringParams) { p.Mutability = elimityschema.AttributeMutabilityReadOnly() }),
				str("token", func(p *elimityschema.StringParams) { p.Mutability = elimityschema.AttributeMutabilityWriteOnly() }),
			}}),
		}},
		SchemaExtensions: []elimity.SchemaExtension{
			{Required: true, Schema: elimityschema.Schema{ID: location, Attributes: elimityschema.Attributes{
				core(str("room", func(p *elimityschema.StringParams) { p.Required = true })),
				core(str("building", nil)),
				core(str("shared", nil)),
			}}},
			{Schema: elimityschema.Schema{ID: asset, Attributes: elimityschema.Attributes{
				core(str("number", func(p *elimityschema.StringParams) { p.Uniqueness = elimityschema.AttributeUniquenessGlobal() })),
				core(str("shared", nil)),
				core(str("secret", func(p *elimityschema.StringParams) { p.Mutability = elimityschema.AttributeMutabilityWriteOnly() })),
			}}},
		},
	}
}

func deviceType(t testing.TB) *Type {
	t.Helper()
	compiled, err := Compile(device(), "owner", location+":room")
	require.NoError(t, err)
	return compiled
}

func parse(t testing.TB, text string) document.Value {
	t.Helper()
	v, err := document.Parse(text, 0)
	require.NoError(t, err)
	return v
}

func decode(t testing.TB, typ *Type, text string) document.Value {
	t.Helper()
	v, err := typ.Decode(parse(t, text), nil)
	require.NoError(t, err)
	return v
}

func text(v document.Value) string { return string(document.AppendJSON(nil, v)) }

func quirksOf(m *Mode) []string {
	names := []string{}
	for q := range m.Quirks.All() {
		names = append(names, q.String())
	}
	return names
}

func quirks(list ...quirk.Quirk) []string {
	names := []string{}
	for _, q := range list {
		names = append(names, q.String())
	}
	return names
}

// refused returns the quirks that a Mode refuses: all if it is strict, else none.
func refused(strict bool) quirk.Set {
	if strict {
		return quirk.All
	}
	return 0
}
