package schema

import (
	"encoding/json"
	"testing"

	elimityschema "github.com/elimity-com/scim/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store/document"
)

func TestDescribe(t *testing.T) {
	s := Definition{ID: "urn:x", Attributes: elimityschema.Attributes{
		elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
			Name: "a", CanonicalValues: []string{"x", "y"}, CaseExact: true, Required: true, Uniqueness: elimityschema.AttributeUniquenessGlobal()})),
		elimityschema.SimpleCoreAttribute(elimityschema.SimpleBooleanParams(elimityschema.BooleanParams{Name: "b", Mutability: elimityschema.AttributeMutabilityWriteOnly()})),
		elimityschema.SimpleCoreAttribute(elimityschema.SimpleDateTimeParams(elimityschema.DateTimeParams{Name: "c", Mutability: elimityschema.AttributeMutabilityReadOnly()})),
		elimityschema.ComplexCoreAttribute(elimityschema.ComplexParams{Name: "d", MultiValued: true, SubAttributes: []elimityschema.SimpleParams{
			elimityschema.SimpleReferenceParams(elimityschema.ReferenceParams{Name: "$ref", ReferenceTypes: []elimityschema.AttributeReferenceType{"User", "uri"}, Returned: elimityschema.AttributeReturnedRequest()}),
		}}),
	}}
	assert.JSONEq(t, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Schema"],"id":"urn:x","attributes":[
		{"name":"a","type":"string","multiValued":false,"required":true,"canonicalValues":["x","y"],"caseExact":true,"mutability":"readWrite","returned":"default","uniqueness":"global"},
		{"name":"b","type":"boolean","multiValued":false,"required":false,"mutability":"writeOnly","returned":"default"},
		{"name":"c","type":"dateTime","multiValued":false,"required":false,"mutability":"readOnly","returned":"default","uniqueness":"none"},
		{"name":"d","type":"complex","multiValued":true,"required":false,"mutability":"readWrite","returned":"default","subAttributes":[
			{"name":"$ref","type":"reference","multiValued":false,"required":false,"caseExact":true,"mutability":"readWrite","returned":"request","uniqueness":"none","referenceTypes":["User","uri"]}]}]}`,
		text(Describe(s)))
}

// TestDescribeWhatElimityGetsWrong shows what is wrong with elimity's form of a schema. If a newer version fails this test, Describe
// may not be needed any more.
func TestDescribeWhatElimityGetsWrong(t *testing.T) {
	s := Definition{ID: "urn:x", Attributes: elimityschema.Attributes{
		elimityschema.SimpleCoreAttribute(elimityschema.SimpleDateTimeParams(elimityschema.DateTimeParams{Name: "c"})),
	}}
	theirs, err := json.Marshal(s)
	require.NoError(t, err)
	v := parse(t, string(theirs))
	for _, member := range []string{"name", "description"} {
		assert.Equal(t, `""`, text(v.Get(member)), "elimity shows an absent %s as an empty string", member)
		assert.Nil(t, ref(Describe(s), member))
	}
	attribute := v.Get("attributes").Items()[0].Value
	assert.Equal(t, `""`, text(attribute.Get("description")))
	assert.Equal(t, "false", text(attribute.Get("caseExact")), "elimity gives a dateTime a case")
	ours := Describe(s).Get("attributes").Items()[0].Value
	assert.Nil(t, ref(ours, "description"))
	assert.Nil(t, ref(ours, "caseExact"))
}

func ref(v document.Value, name string) *document.Value { return v.Ref(name) }

// TestDescribeIsComplete shows that no characteristic of RFC 7643 section 7 is missing, and that none is null or empty.
func TestDescribeIsComplete(t *testing.T) {
	var walk func(v document.Value)
	walk = func(v document.Value) {
		for _, e := range v.Items() {
			a := e.Value
			for _, name := range []string{"name", "type", "multiValued", "required", "mutability", "returned"} {
				require.NotNil(t, a.Ref(name), "%s of %s", name, text(a))
			}
			if kind := a.Get("type").Text(); kind == "string" || kind == "reference" {
				require.NotNil(t, a.Ref("caseExact"), text(a))
				require.NotNil(t, a.Ref("uniqueness"), text(a))
			}
			for _, m := range a.Items() {
				require.False(t, m.Value.IsEmpty(), "%s of %s", m.Name, text(a))
			}
			walk(a.Get("subAttributes"))
		}
	}
	for _, s := range []Definition{User().Schema, EnterpriseUser().Schema, Group().Schema, device().Schema} {
		walk(Describe(s).Get("attributes"))
	}
}
