package filter

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/store/document"
)

func TestString(t *testing.T) {
	a, b, c := pr("a"), pr("b"), pr("c")
	for _, tt := range []struct {
		x    Expr
		want string
	}{
		{a, `a pr`},
		{eq("userName", `O"M\`), `userName eq "O\"M\\"`},
		{is(at("a"), Le, document.Number("1.50")), `a le 1.50`},
		{is(at("a"), Ne, document.Value{}), `a ne null`},
		{And{a, b}, `a pr and b pr`},
		{Or{a, And{b, c}}, `a pr or b pr and c pr`},
		{And{a, Or{b, c}}, `a pr and (b pr or c pr)`},
		{And{And{a, b}, c}, `(a pr and b pr) and c pr`},
		{Or{Or{a, b}, c}, `(a pr or b pr) or c pr`},
		{Not{Or{a, b}}, `not (a pr or b pr)`},
		{Not{Not{a}}, `not (not (a pr))`},
		{Has{at("emails"), Or{a, b}}, `emails[a pr or b pr]`},
		{Related{Members, eq("value", "1")}, `members[value eq "1"]`},
		{Related{Groups, And{}}, `groups[true]`},
		{Const(true), `true`},
		{Const(false), `false`},
		{Or{Const(false), a}, `false or a pr`},
		{And{}, `true`},
		{Or{}, `false`},
		{And{a}, `a pr`},
		{Present{at("urn:x:2.0:User", "manager", "value")}, `urn:x:2.0:User:manager.value pr`},
	} {
		assert.Equal(t, tt.want, tt.x.String())
	}
}

func TestNames(t *testing.T) {
	for typ, want := range map[Type]string{Unbound: "unbound", String: "string", Boolean: "boolean", Integer: "integer", Decimal: "decimal", DateTime: "dateTime",
		Reference: "reference", Binary: "binary", Complex: "complex"} {
		assert.Equal(t, want, typ.String())
	}
	for op, want := range map[Op]string{Eq: "eq", Ne: "ne", Co: "co", Sw: "sw", Ew: "ew", Gt: "gt", Ge: "ge", Lt: "lt", Le: "le"} {
		assert.Equal(t, want, op.String())
	}
	assert.Equal(t, "urn:x:2.0:User", Path{URI: "urn:x:2.0:User"}.String())
	assert.Equal(t, "urn:x:2.0:User:name.givenName", Path{"urn:x:2.0:User", "name", "givenName"}.String())
	assert.Equal(t, `emails[a pr].value`, PatchPath{Path: Path{Name: "emails"}, Where: pr("a"), Sub: "value"}.String())
}
