package schema

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store/document"
)

const (
	coreUser   = "urn:ietf:params:scim:schemas:core:2.0:User"
	coreGroup  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
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
