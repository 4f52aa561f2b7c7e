package schema

import (
	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"testing"

	elimity "github.com/elimity-com/scim"
	elimityschema "github.com/elimity-com/scim/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store/filter"
)

func TestCompileUser(t *testing.T) {
	u := userType(t)
	for name, want := range map[string]Attribute{
		"id":         {Type: filter.String, CaseExact: true, Unique: true, Required: true, Mutability: ReadOnly, Returned: ReturnedAlways},
		"externalId": {Type: filter.String, CaseExact: true},
		"userName":   {Type: filter.String, Required: true, Unique: true},
		"password":   {Type: filter.String, Mutability: WriteOnly, Returned: ReturnedNever},
		"active":     {Type: filter.Boolean},
		"emails":     {Type: filter.Complex, Multi: true},
		"groups":     {Type: filter.Complex, Multi: true, Mutability: ReadOnly, Relation: filter.Groups},
		"meta":       {Type: filter.Complex, Mutability: ReadOnly},
		"schemas":    {Type: filter.Reference, Multi: true, CaseExact: true, Required: true, Mutability: ReadOnly, Returned: ReturnedAlways},
	} {
		a, x, err := u.Resolve(filter.Path{Name: name}, nil)
		require.NoError(t, err)
		require.Nil(t, x)
		got := Attribute{Type: a.Type, Multi: a.Multi, Required: a.Required, CaseExact: a.CaseExact, Unique: a.Unique,
			Mutability: a.Mutability, Returned: a.Returned, Relation: a.Relation}
		assert.Equal(t, want, got, name)
		assert.Equal(t, filter.Path{Name: name}, a.Path)
	}
	assert.Equal(t, "externalId", u.Attributes[0].Name)
	assert.False(t, u.HasMembers())
	require.Len(t, u.Extensions, 1)
	assert.Equal(t, enterprise, u.Extensions[0].URN)
	manager := u.Extensions[0].Find("MANAGER")
	require.NotNil(t, manager)
	assert.Equal(t, filter.Path{URI: enterprise, Name: "manager", Sub: "value"}, manager.Find("Value").Path)
	assert.True(t, manager.Find("value").CaseExact, "errata 8472")
	assert.Same(t, manager, manager.Find("value").Parent)
	assert.Equal(t, ReadOnly, manager.Find("displayName").Mutability)
}

func TestCompileGroup(t *testing.T) {
	g := groupType(t)
	assert.True(t, g.HasMembers())
	members, _, err := g.Resolve(filter.Path{Name: "Members"}, nil)
	require.NoError(t, err)
	assert.Equal(t, filter.Members, members.Relation)
	assert.True(t, members.Find("value").CaseExact)
	name, _, err := g.Resolve(filter.Path{Name: "displayname"}, nil)
	require.NoError(t, err)
	assert.True(t, name.Required, "errata 5368")
}

func TestCompileOwnType(t *testing.T) {
	d := deviceType(t)
	var types []string
	for _, a := range d.Attributes {
		types = append(types, a.Name+" "+a.Type.String())
	}
	assert.Equal(t, []string{"externalId string", "serial string", "displayName string", "tags string", "ports integer", "weight decimal",
		"managed boolean", "bought dateTime", "manual reference", "key binary", "model string", "health string", "pin string", "notes string",
		"code string", "disks complex", "owner complex"}, types)
	assert.True(t, d.Extensions[0].Required)
}

func TestCompileRefuses(t *testing.T) {
	simple := func(name string) elimityschema.CoreAttribute {
		return elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{Name: name}))
	}
	typ := func(change func(*elimity.ResourceType)) elimity.ResourceType {
		rt := elimity.ResourceType{Name: "T", Endpoint: "/Ts", Schema: elimityschema.Schema{ID: "urn:t", Attributes: elimityschema.Attributes{simple("a")}}}
		change(&rt)
		return rt
	}
	for name, c := range map[string]struct {
		rt     elimity.ResourceType
		lookup []string
		want   string
	}{
		"no name":   {typ(func(rt *elimity.ResourceType) { rt.Name = "" }), nil, "needs a name"},
		"no schema": {typ(func(rt *elimity.ResourceType) { rt.Schema.ID = "" }), nil, "needs a name, a schema with an id"},
		"endpoint":  {typ(func(rt *elimity.ResourceType) { rt.Endpoint = "Ts" }), nil, "starts with a slash"},
		"same name": {typ(func(rt *elimity.ResourceType) { rt.Schema.Attributes = append(rt.Schema.Attributes, simple("A")) }), nil, "a and A differ only in case"},
		"zero": {typ(func(rt *elimity.ResourceType) {
			rt.Schema.Attributes = append(rt.Schema.Attributes, elimityschema.CoreAttribute{})
		}), nil, "no attribute name"},
		"empty complex": {typ(func(rt *elimity.ResourceType) {
			rt.Schema.Attributes = append(rt.Schema.Attributes, elimityschema.ComplexCoreAttribute(elimityschema.ComplexParams{Name: "c"}))
		}), nil, "complex"},
		"extension": {typ(func(rt *elimity.ResourceType) { rt.SchemaExtensions = []elimity.SchemaExtension{{}} }), nil, "needs a URN"},
		"extension twice": {typ(func(rt *elimity.ResourceType) {
			rt.SchemaExtensions = []elimity.SchemaExtension{EnterpriseUser(), EnterpriseUser()}
		}), nil, "of its own"},
		"lookup unknown": {typ(func(*elimity.ResourceType) {}), []string{"b"}, `no attribute "b"`},
		"lookup boolean": {User(), []string{"active"}, "can't be indexed"},
		"lookup complex": {User(), []string{"name"}, "complex"},
		"lookup secret":  {User(), []string{"password"}, "can't be indexed"},
		"lookup rows":    {Group(), []string{"members.value"}, "can't be indexed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(c.rt, c.lookup...)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestSetUnique(t *testing.T) {
	before := Group()
	rt, err := SetUnique(before, "displayName", true)
	require.NoError(t, err)
	assert.Equal(t, "server", rt.Schema.Attributes[0].Uniqueness())
	assert.Equal(t, "none", before.Schema.Attributes[0].Uniqueness(), "the type that was given must not change")
	assert.Equal(t, before.Schema.Attributes[0].Description(), rt.Schema.Attributes[0].Description())

	rt, err = SetUnique(User(), enterprise+":employeeNumber", true)
	require.NoError(t, err)
	typ, err := Compile(rt)
	require.NoError(t, err)
	assert.True(t, typ.Extensions[0].Find("employeeNumber").Unique)

	for _, path := range []string{"nothing", "name", "emails.nothing", "urn:nobody:number"} {
		_, err = SetUnique(User(), path, true)
		require.Error(t, err, path)
	}
}

// TestAmendKeepsTheRest shows that to amend one characteristic of an attribute changes nothing else of it, although it is built anew.
func TestAmendKeepsTheRest(t *testing.T) {
	for _, rt := range []elimity.ResourceType{User(), Group(), device()} {
		for i, a := range rt.Schema.Attributes {
			path := a.Name()
			if a.HasSubAttributes() {
				path += "." + a.SubAttributes()[0].Name()
			}
			same, err := amend(rt, path, false, func(*characteristics) {})
			require.NoError(t, err, path)
			assert.Equal(t, text(describe(a)), text(describe(same.Schema.Attributes[i])))
		}
	}
}

func TestResolve(t *testing.T) {
	u, d := userType(t), deviceType(t)
	for _, c := range []struct {
		typ       *Type
		path      filter.Path
		want      string // the bound path, or
		extension string
		quirk     string
		fail      string // without Mode.Strict
	}{
		{typ: u, path: filter.Path{Name: "userName"}, want: "userName"},
		{typ: u, path: filter.Path{Name: "USERNAME"}, want: "userName"},
		{typ: u, path: filter.Path{Name: "Emails", Sub: "VALUE"}, want: "emails.value"},
		{typ: u, path: filter.Path{Name: "ID"}, want: "id"},
		{typ: u, path: filter.Path{Name: "Meta", Sub: "LastModified"}, want: "meta.lastModified"},
		{typ: u, path: filter.Path{Name: "schemas"}, want: "schemas"},
		{typ: u, path: filter.Path{URI: coreUser, Name: "username"}, want: "userName"},
		{typ: u, path: filter.Path{URI: "URN:IETF:params:SCIM:schemas:core:2.0:user", Name: "name", Sub: "givenname"}, want: "name.givenName"},
		{typ: u, path: filter.Path{URI: enterprise, Name: "Department"}, want: enterprise + ":department"},
		{typ: u, path: filter.Path{URI: enterprise, Name: "manager", Sub: "Value"}, want: enterprise + ":manager.value"},
		{typ: u, path: filter.Path{URI: enterprise, Name: "manager", Sub: "$REF"}, want: enterprise + ":manager.$ref"},
		{typ: u, path: filter.Path{URI: "urn:ietf:params:scim:schemas:extension:enterprise:2.0", Name: "User"}, extension: enterprise},
		{typ: u, path: filter.Path{URI: "urn:IETF:params:scim:schemas:extension:enterprise:2.0", Name: "user"}, extension: enterprise},
		{typ: d, path: filter.Path{URI: asset}, extension: asset},
		{typ: d, path: filter.Path{URI: asset, Name: "NUMBER"}, want: asset + ":number"},
		{typ: u, path: filter.Path{Name: "manager"}, want: enterprise + ":manager", quirk: "unqualified-extension"},
		{typ: u, path: filter.Path{Name: "Manager", Sub: "value"}, want: enterprise + ":manager.value", quirk: "unqualified-extension"},
		{typ: u, path: filter.Path{URI: "urn:ietf:params:scim:schemas:extension:enterprise:2.0", Name: "User", Sub: "department"}, want: enterprise + ":department", quirk: "dotted-keys"},
		{typ: u, path: filter.Path{URI: "urn:ietf:params:scim:schemas:core:2.0", Name: "User", Sub: "userName"}, want: "userName", quirk: "dotted-keys"},
		{typ: d, path: filter.Path{Name: "room"}, want: location + ":room", quirk: "unqualified-extension"},

		{typ: d, path: filter.Path{Name: "shared"}, fail: "shared: Device has no such attribute"}, // two extensions have this attribute
		{typ: u, path: filter.Path{Name: "nothing"}, fail: "nothing: User has no such attribute"},
		{typ: u, path: filter.Path{}, fail: "User has no such attribute"},
		{typ: u, path: filter.Path{URI: "urn:unknown", Name: "userName"}, fail: "urn:unknown:userName: User has no such attribute"},
		{typ: u, path: filter.Path{URI: enterprise, Name: "userName"}, fail: enterprise + ":userName: User has no such attribute"},
		{typ: u, path: filter.Path{URI: coreUser, Name: "department"}, fail: coreUser + ":department: User has no such attribute"},
		{typ: u, path: filter.Path{Name: "userName", Sub: "x"}, fail: "userName.x: userName is a string and has no sub-attributes"},
		{typ: u, path: filter.Path{Name: "emails", Sub: "x"}, fail: "emails.x: emails has no such sub-attribute; it has value, display, type, primary"},
		{typ: u, path: filter.Path{URI: "urn:ietf:params:scim:schemas:core:2.0", Name: "User"}, fail: coreUser + ": names the whole resource; name an attribute"},
	} {
		t.Run(c.path.String(), func(t *testing.T) {
			m := &Mode{}
			a, x, err := c.typ.Resolve(c.path, m)
			if c.fail != "" {
				require.EqualError(t, err, c.fail)
				require.Equal(t, "invalidPath", err.(*Error).Type)
				return
			}
			require.NoError(t, err)
			if c.extension != "" {
				require.Nil(t, a)
				require.Equal(t, c.extension, x.URN)
				return
			}
			require.Nil(t, x)
			require.Equal(t, c.want, a.Path.String())
			if c.quirk == "" {
				require.Empty(t, quirksOf(m))
				return
			}
			require.Equal(t, []string{c.quirk}, quirksOf(m))
			_, _, err = c.typ.Resolve(c.path, &Mode{Refused: quirk.All})
			require.Error(t, err, "strict")
		})
	}
}
