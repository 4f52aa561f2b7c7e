package patch

import (
	"errors"
	"strings"
	"testing"

	elimity "github.com/elimity-com/scim"
	elimityschema "github.com/elimity-com/scim/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
	"github.com/rollcall-dev/rollcall/store/document"
)

const (
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	badge      = "urn:example:params:scim:schemas:extension:badge:1.0:User"
)

// userType returns the User of RFC 7643 with the enterprise extension, and an extension with attributes that these lack: immutable,
// required, read-only and simple multi-valued ones.
func userType(t testing.TB) *schema.Type {
	return compile(t, elimity.ResourceType{Name: "User", Endpoint: "/Users", Schema: elimityschema.CoreUserSchema(),
		SchemaExtensions: []elimity.SchemaExtension{
			{Schema: elimityschema.ExtensionEnterpriseUser()},
			{Schema: badgeSchema()},
		}})
}

func groupType(t testing.TB) *schema.Type {
	return compile(t, elimity.ResourceType{Name: "Group", Endpoint: "/Groups", Schema: elimityschema.CoreGroupSchema()})
}

func compile(t testing.TB, rt elimity.ResourceType) *schema.Type {
	t.Helper()
	compiled, err := schema.Compile(rt)
	require.NoError(t, err)
	return compiled
}

func badgeSchema() elimityschema.Schema {
	text := func(name string, m elimityschema.AttributeMutability) elimityschema.SimpleParams {
		return elimityschema.SimpleStringParams(elimityschema.StringParams{Name: name, Mutability: m})
	}
	free := elimityschema.AttributeMutabilityReadWrite()
	once := elimityschema.AttributeMutabilityImmutable()
	ours := elimityschema.AttributeMutabilityReadOnly()
	return elimityschema.Schema{ID: badge, Attributes: []elimityschema.CoreAttribute{
		elimityschema.SimpleCoreAttribute(text("number", once)),
		elimityschema.SimpleCoreAttribute(text("printedBy", ours)),
		elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
			Name: "tags", MultiValued: true})),
		elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{
			Name: "sites", MultiValued: true, Mutability: once})),
		elimityschema.SimpleCoreAttribute(elimityschema.SimpleNumberParams(elimityschema.NumberParams{
			Name: "level", Type: elimityschema.AttributeTypeInteger()})),
		elimityschema.ComplexCoreAttribute(elimityschema.ComplexParams{Name: "contract",
			SubAttributes: []elimityschema.SimpleParams{
				elimityschema.SimpleStringParams(elimityschema.StringParams{Name: "code", Required: true}),
				text("signed", once), text("auditor", ours), text("note", free),
			}}),
		elimityschema.ComplexCoreAttribute(elimityschema.ComplexParams{Name: "keys", MultiValued: true,
			SubAttributes: []elimityschema.SimpleParams{text("value", once), text("type", free), text("door", free),
				elimityschema.SimpleStringParams(elimityschema.StringParams{Name: "zones", MultiValued: true})}}),
	}}
}

// babs is the user that most rows begin with.
const babs = `{
	"externalId": "e1", "userName": "bjensen", "name": {"familyName": "Jensen", "givenName": "Barbara"},
	"displayName": "Babs", "active": true,
	"emails": [
		{"value": "bjensen@example.com", "type": "work", "primary": true},
		{"value": "babs@jensen.org", "type": "home"}
	],
	"addresses": [{"type": "work", "locality": "Hollywood", "country": "US"}],
	"` + enterprise + `": {"employeeNumber": "701", "manager": {"value": "m1", "$ref": "../Users/m1"}}
}`

// row is one PATCH: the resource before it, its operations, and the resource after it or the error.
type row struct {
	name   string
	cur    string // the resource before; if empty, babs
	ops    string // the message's Operations
	want   string // the resource after; if it and err are empty, cur must be the same text
	err    string // the wanted error, as "scimType path: part of the detail"
	strict string // the wanted error in strict mode; if empty, strict mode must give the same result
	quirks []quirk.Quirk
}

// with returns babs with some top-level attributes replaced, or removed if they are null here.
func with(members string) string {
	v, err := document.Parse(babs, 0)
	if err != nil {
		panic(err)
	}
	change, err := document.Parse("{"+members+"}", 0)
	if err != nil {
		panic(err)
	}
	for _, m := range change.Items() {
		v.Set(m.Name, m.Value)
	}
	return string(v.Document())
}

func parse(t testing.TB, text string) document.Value {
	t.Helper()
	v, err := document.Parse(text, 0)
	require.NoError(t, err, text)
	return v
}

func message(ops string) string {
	return `{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": ` + ops + `}`
}

func run(t testing.TB, st *schema.Type, cur, body document.Value, m *schema.Mode) (document.Value, *lifecycle.Members, error) {
	t.Helper()
	ops, err := Parse(st, body, m, Limits{})
	if err != nil {
		return document.Value{}, nil, err
	}
	return Apply(st, cur, ops, m)
}

func runRows(t *testing.T, st *schema.Type, rows []row) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			r.check(t, st, &schema.Mode{}, r.err)
			if r.strict != "" {
				r.check(t, st, &schema.Mode{Refused: quirk.All}, r.strict)
			} else if len(r.quirks) == 0 {
				r.check(t, st, &schema.Mode{Refused: quirk.All}, r.err)
			}
		})
	}
}

func (r *row) check(t *testing.T, st *schema.Type, m *schema.Mode, wantErr string) {
	t.Helper()
	if r.cur == "" {
		r.cur = babs
	}
	if r.want == "" {
		r.want = r.cur
	}
	cur, err := st.Finish(parse(t, r.cur))
	require.NoError(t, err)
	before := cur.Document()
	got, members, err := run(t, st, cur, parse(t, message(r.ops)), m)
	assert.Equal(t, before, cur.Document(), "what was there is as it was")
	if wantErr != "" {
		requireError(t, wantErr, err)
		return
	}
	require.NoError(t, err)
	assert.Nil(t, members)
	want, err := st.Finish(parse(t, r.want))
	require.NoError(t, err)
	assert.Equal(t, string(want.Document()), string(got.Document()))
	if m.Refused == quirk.All {
		assert.Zero(t, m.Quirks)
		return
	}
	var used quirk.Set
	for _, q := range r.quirks {
		used.Add(q)
	}
	assert.Equal(t, names(used), names(m.Quirks))
}

func names(s quirk.Set) (n []string) {
	for q := range s.All() {
		n = append(n, q.String())
	}
	return n
}

// requireError checks that an error is as in row.err.
func requireError(t testing.TB, want string, err error) {
	t.Helper()
	require.Error(t, err)
	var e *schema.Error
	require.True(t, errors.As(err, &e), "%T %v", err, err)
	scimType, rest, _ := strings.Cut(want, " ")
	assert.Equal(t, scimType, e.Type, "%v", err)
	if rest == "" {
		return
	}
	path, detail, ok := strings.Cut(rest, ": ")
	assert.Equal(t, path, e.Path, "%v", err)
	if ok {
		assert.Contains(t, e.Detail, detail)
	}
}

// refused returns the quirks that a Mode refuses: all if it is strict, else none.
func refused(strict bool) quirk.Set {
	if strict {
		return quirk.All
	}
	return 0
}
