package schema_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

func declared(t *testing.T, text string) (*schema.Type, error) {
	t.Helper()
	v, err := document.Parse(text, 0)
	require.NoError(t, err)
	x, err := schema.Declare(v)
	if err != nil {
		return nil, err
	}
	rt := schema.User()
	rt.SchemaExtensions = append(rt.SchemaExtensions, x)
	return schema.Compile(rt)
}

func TestDeclare(t *testing.T) {
	typ, err := declared(t, `{"id":"urn:example:hr","name":"HR","attributes":[
		{"name":"badge","type":"string","required":true,"caseExact":true,"uniqueness":"server"},
		{"name":"grade","type":"integer","mutability":"readOnly"},{"name":"rate","type":"decimal"},
		{"name":"hired","type":"dateTime","mutability":"immutable"},{"name":"keys","type":"binary","multiValued":true},
		{"name":"remote","type":"boolean"},
		{"name":"desk","type":"complex","multiValued":true,"subAttributes":[{"name":"room","type":"string"}]}]}`)
	require.NoError(t, err)
	x := typ.Extensions[1]
	assert.Equal(t, "urn:example:hr", x.URN)
	type row struct {
		name            string
		typ             filter.Type
		multi, required bool
		mutability      schema.Mutability
	}
	var got []row
	for _, a := range x.Attributes {
		got = append(got, row{a.Name, a.Type, a.Multi, a.Required, a.Mutability})
	}
	assert.Equal(t, []row{
		{"badge", filter.String, false, true, schema.ReadWrite},
		{"grade", filter.Integer, false, false, schema.ReadOnly},
		{"rate", filter.Decimal, false, false, schema.ReadWrite},
		{"hired", filter.DateTime, false, false, schema.Immutable},
		{"keys", filter.Binary, true, false, schema.ReadWrite},
		{"remote", filter.Boolean, false, false, schema.ReadWrite},
		{"desk", filter.Complex, true, false, schema.ReadWrite},
	}, got)
	assert.True(t, x.Attributes[0].Unique)
	assert.True(t, x.Attributes[0].CaseExact)
	assert.Equal(t, "room", x.Attributes[6].Sub[0].Name)
}

func TestBadDeclarations(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                     "want a schema with an id",
		`{"id":"urn:example:x"}`: "urn:example:x has no attributes",
		`{"id":"urn:example:x","attributes":[{"name":"a b","type":"string"}]}`:                                                `"a b" is no attribute's name`,
		`{"id":"urn:example:x","attributes":[{"type":"string"}]}`:                                                             `"" is no attribute's name`,
		`{"id":"urn:example:x","attributes":[{"name":"id","type":"string"}]}`:                                                 `"id" is no attribute's name`,
		`{"id":"urn:example:x","attributes":[{"name":"a","type":"text"}]}`:                                                    `a: there is no type "text" for it`,
		`{"id":"urn:example:x","attributes":[{"name":"a","type":"complex"}]}`:                                                 `a: a complex attribute needs sub-attributes`,
		`{"id":"urn:example:x","attributes":[{"name":"a","type":"complex","subAttributes":[{"name":"b","type":"complex"}]}]}`: `a: b: there is no type "complex" for it`,
	} {
		_, err := declared(t, text)
		assert.ErrorContains(t, err, want, text)
	}
}

func TestSetMutability(t *testing.T) {
	rt := schema.User()
	for _, set := range [][2]string{{"title", "readOnly"}, {"name", "immutable"}, {"emails.type", "readOnly"}, {"title", "readWrite"}, {"nickName", "readOnly"}} {
		var err error
		rt, err = schema.SetMutability(rt, set[0], set[1])
		require.NoError(t, err)
	}
	typ, err := schema.Compile(rt)
	require.NoError(t, err)
	for path, want := range map[string]schema.Mutability{
		"title": schema.ReadWrite, "displayName": schema.ReadWrite, "nickName": schema.ReadOnly, "emails": schema.ReadWrite,
		"emails.value": schema.ReadWrite, "emails.type": schema.ReadOnly, "name": schema.Immutable, "name.givenName": schema.Immutable,
	} {
		name, sub, _ := strings.Cut(path, ".")
		a, _, err := typ.Resolve(filter.Path{Name: name, Sub: sub}, nil)
		require.NoError(t, err)
		assert.Equal(t, want, a.Mutability, path)
	}
	_, err = schema.SetMutability(schema.User(), "nothing", "readOnly")
	assert.Error(t, err)
	_, err = schema.SetMutability(schema.User(), "title", "never")
	assert.ErrorContains(t, err, "want readWrite, readOnly or immutable")
	_, err = schema.SetUnique(schema.User(), "name", true)
	assert.Error(t, err, "a complex attribute has no value of its own")
}
