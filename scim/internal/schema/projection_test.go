package schema

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// render returns a resource's JSON with one row of its relation, if the projection wants that.
func render(t testing.TB, typ *Type, r *store.Resource, row store.Member, attributes, excluded []string) string {
	t.Helper()
	p, err := typ.Projection(attributes, excluded)
	require.NoError(t, err)
	b := p.AppendHead([]byte("before "), r)
	if p.Relation() != 0 {
		b = append(b, `,"`+p.Relation().String()+`":[`...)
		b = append(p.AppendRow(b, row, "https://x.example/v2"), ']')
	}
	b = p.AppendTail(b, r, r.Version, "https://x.example/v2"+typ.Endpoint)
	text, ok := strings.CutPrefix(string(b), "before ")
	require.True(t, ok)
	parse(t, text) // it must be JSON, without a field that is there twice
	return text
}

func TestProjectionOfUser(t *testing.T) {
	u := userType(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 600000000, time.FixedZone("", 3600))
	r := &store.Resource{Key: store.Key{Type: "User", ID: "u1"}, Version: "v1", Created: at, LastModified: at.Add(time.Microsecond),
		Attributes: decode(t, u, user(`"name":{"givenName":"A","familyName":"L"},"emails":[{"value":"a@b","type":"work"},{"type":"home"}],"`+enterprise+`":{"department":"d","manager":{"value":"m","$ref":"r"}}`)).Document()}
	row := store.Member{Group: "g1", ID: "u1", Type: "User", Label: "Admins"}
	const (
		head   = `{"schemas":["` + coreUser + `"],"id":"u1"`
		ext    = `{"schemas":["` + coreUser + `","` + enterprise + `"],"id":"u1"`
		emails = `,"emails":[{"value":"a@b","type":"work"},{"type":"home"}]`
		work   = `,"` + enterprise + `":{"department":"d","manager":{"value":"m","$ref":"r"}}`
		groups = `,"groups":[{"value":"g1","$ref":"https://x.example/v2/Groups/g1","display":"Admins","type":"direct"}]`
		name   = `,"userName":"ada","name":{"familyName":"L","givenName":"A"}`
		loc    = `"location":"https://x.example/v2/Users/u1"`
		meta   = `,"meta":{"resourceType":"User","created":"2026-01-02T02:04:05.6Z","lastModified":"2026-01-02T02:04:05.600001Z",` + loc + `,"version":"W/\"v1\""}`
	)
	for _, c := range []struct {
		name                 string
		attributes, excluded string
		want                 string
	}{
		{"default", "", "", ext + name + emails + work + groups + meta},
		{"one", "USERNAME", "", head + `,"userName":"ada"}`},
		{"unknown only", "nothing,urn:x:y,emails.nothing", "", head + `}`},
		{"always and schemas", "id,schemas", "", head + `}`},
		{"never", "password,userName", "", head + `,"userName":"ada"}`},
		{"sub-attributes", "name.givenName,Emails.Value", "", head + `,"name":{"givenName":"A"},"emails":[{"value":"a@b"}]}`},
		{"sub-attribute and its parent", "emails.value,emails", "", head + emails + `}`},
		{"value filter", `emails[type eq "work"]`, "", head + emails + `}`},
		{"value filter and sub-attribute", `emails[type eq "a.b:c]"].value`, "", head + `,"emails":[{"value":"a@b"}]}`},
		{"with the base URN", coreUser + ":userName", "", head + `,"userName":"ada"}`},
		{"the base URN", coreUser, "", head + name + emails + groups + `}`},
		{"an extension's attribute", strings.ToUpper(enterprise) + ":Department", "", ext + `,"` + enterprise + `":{"department":"d"}}`},
		{"an extension's sub-attribute", enterprise + ":manager.value", "", ext + `,"` + enterprise + `":{"manager":{"value":"m"}}}`},
		{"an extension's absent attribute", enterprise + ":division", "", head + `}`},
		{"an extension", enterprise, "", ext + work + `}`},
		{"unqualified", "manager", "", ext + `,"` + enterprise + `":{"manager":{"value":"m","$ref":"r"}}}`},
		{"groups", "groups", "", head + groups + `}`},
		{"groups' values", "groups.value", "", head + `,"groups":[{"value":"g1"}]}`},
		{"groups' labels", "groups.display,groups.type", "", head + `,"groups":[{"display":"Admins","type":"direct"}]}`},
		{"meta", "meta", "", head + meta + `}`},
		{"meta's location", "meta.location", "", head + `,"meta":{` + loc + `}}`},

		{"without one", "", "emails", ext + name + work + groups + meta},
		{"without groups", "", "groups,urn:nothing", ext + name + emails + work + meta},
		{"without sub-attributes", "", "emails.type,name.familyName", ext + `,"userName":"ada","name":{"givenName":"A"},"emails":[{"value":"a@b"}]` + work + groups + meta},
		{"without an extension", "", enterprise, head + name + emails + groups + meta},
		{"without an extension's attribute", "", enterprise + ":department," + enterprise + ":manager.$ref", ext + name + emails + `,"` + enterprise + `":{"manager":{"value":"m"}}` + groups + meta},
		{"without all of an extension", "", enterprise + ":department," + enterprise + ":manager", head + name + emails + groups + meta},
		{"without what is always there", "", "id,schemas,meta.created,meta.lastModified,meta.resourceType,meta.version", ext + name + emails + work + groups + `,"meta":{` + loc + `}`},
		{"without meta", "", "meta,groups.$ref,groups.type", ext + name + emails + work + `,"groups":[{"value":"g1","display":"Admins"}]`},
		{"without the base", "", coreUser, ext + work + meta},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.want
			if c.excluded != "" || c.attributes == "" {
				want += "}"
			}
			assert.Equal(t, want, render(t, u, r, row, list(c.attributes), list(c.excluded)))
		})
	}
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func TestProjectionOfGroup(t *testing.T) {
	g := groupType(t)
	Link(g, deviceType(t))
	r := &store.Resource{Key: store.Key{Type: "Group", ID: "g/1"}, Version: "v1", Attributes: decode(t, g, `{"displayName":"\"A\""}`).Document()}
	const head = `{"schemas":["` + coreGroup + `"],"id":"g/1","displayName":"\"A\""`
	for _, c := range []struct {
		name       string
		row        store.Member
		attributes []string
		want       string
	}{
		{"user", store.Member{ID: "u1", Type: "User", Label: `"Ada"`}, nil, `{"value":"u1","$ref":"https://x.example/v2/Users/u1","type":"User","display":"\"Ada\""}`},
		{"no label", store.Member{ID: "u1", Type: "Group"}, nil, `{"value":"u1","$ref":"https://x.example/v2/Groups/u1","type":"Group"}`},
		{"own type", store.Member{ID: "d?1", Type: "Device"}, nil, `{"value":"d?1","$ref":"https://x.example/v2/Devices/d%3F1","type":"Device"}`},
		{"unknown type", store.Member{ID: "x", Type: "Robot"}, nil, `{"value":"x","type":"Robot"}`},
		{"no type", store.Member{ID: "x"}, nil, `{"value":"x"}`},
		{"a part", store.Member{ID: "x", Type: "User"}, []string{"displayName", "members.value"}, `{"value":"x"}`},
		{"nothing of it", store.Member{ID: "x", Type: "User"}, []string{"displayName", "members.display"}, `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := render(t, g, r, c.row, c.attributes, nil)
			want := head + `,"members":[` + c.want + `]`
			if c.attributes != nil {
				assert.Equal(t, want+"}", got)
				return
			}
			assert.Equal(t, want+`,"meta":{"resourceType":"Group","created":"0001-01-01T00:00:00Z","lastModified":"0001-01-01T00:00:00Z","location":"https://x.example/v2/Groups/g%2F1","version":"W/\"v1\""}}`, got)
		})
	}
	for _, c := range []struct {
		attributes, excluded []string
		want                 filter.Relation
	}{
		{nil, nil, filter.Members}, {[]string{"members"}, nil, filter.Members}, {[]string{"members.value"}, nil, filter.Members},
		{[]string{"displayName"}, nil, 0}, {nil, []string{"members"}, 0}, {nil, []string{"members.display"}, filter.Members},
	} {
		p, err := g.Projection(c.attributes, c.excluded)
		require.NoError(t, err)
		assert.Equal(t, c.want, p.Relation(), c)
	}
}

// TestProjectionReturned shows what is returned of a type whose attributes have every value of returned (RFC 7643 section 7).
func TestProjectionReturned(t *testing.T) {
	d := deviceType(t)
	r := &store.Resource{Key: store.Key{Type: "Device", ID: "1"},
		Attributes: decode(t, d, dev(`"notes":"n","code":"c","pin":"0000","disks":[{"slot":"1","label":"l"}]`)).Document()}
	const (
		head   = `{"schemas":["` + coreDevice + `"`
		serial = `,"serial":"s1"`
		room   = `,"` + location + `":{"room":"r1"}`
	)
	for _, c := range []struct{ attributes, excluded, want string }{
		{"", "meta", head + `,"` + location + `"],"id":"1"` + serial + `,"code":"c","disks":[{"slot":"1"}]` + room + `}`},
		{"", "meta,code,serial", head + `,"` + location + `"],"id":"1","code":"c","disks":[{"slot":"1"}]` + room + `}`},
		{"serial", "", head + `],"id":"1"` + serial + `,"code":"c"}`},
		{"notes,pin", "", head + `],"id":"1","notes":"n","code":"c"}`},
		{"disks", "", head + `],"id":"1","code":"c","disks":[{"slot":"1"}]}`},
		{"disks.label", "", head + `],"id":"1","code":"c","disks":[{"label":"l"}]}`},
		{"disks.label,disks", "", head + `],"id":"1","code":"c","disks":[{"slot":"1","label":"l"}]}`},
	} {
		assert.Equal(t, c.want, render(t, d, r, store.Member{}, list(c.attributes), list(c.excluded)), c)
	}
}

// TestProjectionNeverShowsSecrets shows that a secret is not answered even if a product's own store has stored one.
func TestProjectionNeverShowsSecrets(t *testing.T) {
	u := userType(t)
	for _, attributes := range []string{
		`{"userName":"a","password":"s3cret"}`,
		`{"password":"s3cret","userName":"a"}`,
		`{"userName":"a \"password\": b","password":{"x":"s3cret"}}`,
	} {
		r := &store.Resource{Key: store.Key{Type: "User", ID: "1"}, Attributes: document.Document(attributes)}
		for _, names := range [][]string{nil, {"password"}, {"userName", "password"}} {
			assert.NotContains(t, render(t, u, r, store.Member{}, names, nil), "s3cret")
		}
	}
	r := &store.Resource{Key: store.Key{Type: "User", ID: "1"}, Attributes: decode(t, u, `{"userName":"x","title":"\"password\": \"`+enterprise+`\":{"}`).Document()}
	got := render(t, u, r, store.Member{}, nil, []string{"meta", "groups"})
	assert.Equal(t, `{"schemas":["`+coreUser+`"],"id":"1","userName":"x","title":"\"password\": \"`+enterprise+`\":{"}`, got,
		"what only looks like a member's name is none")
}

func TestProjectionRefuses(t *testing.T) {
	u := userType(t)
	_, err := u.Projection([]string{"userName"}, []string{"emails"})
	require.EqualError(t, err, "attributes and excludedAttributes exclude each other; send one of them")
	require.Equal(t, "invalidValue", err.(*Error).Type)
	_, err = u.Projection(make([]string, maxElements+1), nil)
	require.Error(t, err)
}

func TestProjectionOfNothing(t *testing.T) {
	got := render(t, userType(t), &store.Resource{Key: store.Key{Type: "User", ID: `"`}}, store.Member{}, []string{"userName"}, nil)
	assert.Equal(t, `{"schemas":["`+coreUser+`"],"id":"\""}`, got)
}
