package mapping_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping"
)

func TestAttributes(t *testing.T) {
	type phone struct {
		Number string `scim:"value" validate:"phone_cc"`
		Kind   string `scim:"type"`
	}
	type address struct {
		City string `scim:"addresses[type eq \"work\"].locality" validate:"max=40"`
	}
	type person struct {
		Email   string  `scim:"userName,required" validate:"required,email"`
		Name    string  `scim:"displayName,create" validate:"omitempty,min=2,max=30"`
		Phones  []phone `scim:"phoneNumbers" validate:"dive"`
		Hours   float64 `scim:"urn:example:x:hours,ifEmpty" validate:"min=0,max=80"`
		Secret  string  `scim:"nickName,sensitive,product"`
		Address address
	}
	m, err := mapping.Compile[person](&mapping.Options{Rules: []mapping.Rule{{Path: "title", Field: "Secret", Authority: mapping.Ignore, Validate: "oneof=a b"}}})
	require.NoError(t, err)
	assert.Equal(t, []mapping.Attribute{
		{Path: "userName", Field: "Email", Required: true, Want: "an e-mail address such as ada@example.com"},
		{Path: "displayName", Field: "Name", Authority: mapping.OnCreate, Want: "at least 2 characters, at most 30 characters"},
		{Path: "phoneNumbers", Field: "Phones", Want: "<country_prefix> <telephone_number>, such as +49 301234567"},
		{Path: "urn:example:x:hours", Field: "Hours", Authority: mapping.IfEmpty, Want: "at least 0, at most 80"},
		{Path: "title", Field: "Secret", Authority: mapping.Ignore, Want: "one of a, b"},
		{Path: `addresses[type eq "work"].locality`, Field: "Address.City", Want: "at most 40 characters"},
	}, m.Attributes())
}
