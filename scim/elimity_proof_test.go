package scim_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	elimity "github.com/elimity-com/scim"
	elimityerrors "github.com/elimity-com/scim/errors"
	elimityfilter "github.com/elimity-com/scim/filter"
	elimityschema "github.com/elimity-com/scim/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store/filter"
)

// Each case holds while the pinned elimity-com/scim has the weakness for which Rollcall does that part itself:
// CONTRIBUTING.md has the table. One that fails after an update says that the reason has gone.
func TestElimity(t *testing.T) {
	employeeNumber := enterpriseURN + ":employeeNumber"
	for _, c := range []struct {
		name  string
		prove func(t *testing.T, e *elimityServer)
	}{
		{"filters on id, externalId and meta are refused", func(t *testing.T, e *elimityServer) {
			e.do("GET", listOf(`userName eq "ada"`), "").is(200)
			for _, f := range []string{`id eq "1"`, `externalId eq "e1"`, `meta.lastModified gt "2020-01-01T00:00:00Z"`, `schemas eq "` + userURN + `"`} {
				assert.Equal(t, "invalidFilter", e.do("GET", listOf(f), "").is(400).at("scimType"), f)
			}
		}},
		{"filters across extensions are refused", func(t *testing.T, e *elimityServer) {
			e.do("GET", listOf(employeeNumber+` eq "1"`), "").is(200)
			e.do("GET", listOf(`userName eq "ada" and `+employeeNumber+` eq "1"`), "").is(400)
		}},
		{"filters on multi-valued attributes find nothing", func(t *testing.T, e *elimityServer) {
			v, err := elimityfilter.NewValidator(`emails.value eq "ada@example.com"`, elimityschema.CoreUserSchema())
			require.NoError(t, err)
			require.NoError(t, v.Validate())
			assert.Error(t, v.PassesFilter(map[string]any{"emails": []any{map[string]any{"value": "ada@example.com"}}}))
		}},
		{"a PATCH is checked, but not applied", func(t *testing.T, e *elimityServer) {
			e.do("PATCH", "/Users/1", patchBody(`{"op":"replace","path":"displayName","value":1}`)).is(400)
			a := e.do("PATCH", "/Users/1", patchBody(`{"op":"replace","path":"displayName","value":"Countess"}`)).is(200)
			assert.Equal(t, "Ada", a.at("displayName"), "applying it would be the work of each product's handler")
			assert.Equal(t, []string{"replace displayName"}, e.shelf.patched)
		}},
		{"readOnly attributes can be patched", func(t *testing.T, e *elimityServer) {
			e.do("PATCH", "/Users/1", patchBody(`{"op":"replace","path":"groups","value":[{"value":"admins"}]}`)).is(200)
			assert.Equal(t, []string{"replace groups"}, e.shelf.patched)
		}},
		{"passwords are echoed", func(t *testing.T, e *elimityServer) {
			a := e.do("POST", "/Users", userBody("bob", `"password":"t1meMa$heen"`)).is(201)
			assert.Equal(t, "t1meMa$heen", a.at("password"), "password is never returned: RFC 7643 section 4.1.1")
			assert.Equal(t, "never", returned(t, "password"), "and its schema says so")
		}},
		{"locations are relative", func(t *testing.T, e *elimityServer) {
			a := e.do("POST", "/Users", userBody("bob")).is(201)
			assert.Equal(t, "Users/1", a.at("meta", "location"), "RFC 7643 section 3.1 wants the URI of the resource")
			assert.Empty(t, a.header.Get("Location"), "RFC 7644 section 3.3 wants the header")
		}},
		{"conditions on versions are ignored", func(t *testing.T, e *elimityServer) {
			etag := e.do("GET", "/Users/1", "").is(200).header.Get("ETag")
			assert.NotEmpty(t, etag)
			e.do("GET", "/Users/1", "", "If-None-Match: "+etag).is(200)
			e.do("PUT", "/Users/1", userBody("ada"), `If-Match: W/"old"`).is(200)
			e.do("DELETE", "/Users/1", "", `If-Match: W/"old"`).is(204)
			assert.Equal(t, false, e.do("GET", "/ServiceProviderConfig", "").is(200).at("etag", "supported"))
		}},
		{"sorting is ignored", func(t *testing.T, e *elimityServer) {
			a := e.do("GET", "/Users?sortBy=userName&sortOrder=descending", "").is(200)
			assert.Equal(t, "ada", a.at("Resources", 0, "userName"))
			assert.Equal(t, "bob", a.at("Resources", 1, "userName"))
			assert.Equal(t, false, e.do("GET", "/ServiceProviderConfig", "").is(200).at("sort", "supported"))
		}},
		{"attributes and excludedAttributes are ignored", func(t *testing.T, e *elimityServer) {
			assert.Equal(t, "Ada", e.do("GET", "/Users/1?attributes=userName", "").is(200).at("displayName"))
			assert.Equal(t, "Ada", e.do("GET", "/Users/1?excludedAttributes=displayName", "").is(200).at("displayName"))
			assert.Equal(t, "Ada", e.do("GET", "/Users?attributes=userName", "").is(200).at("Resources", 0, "displayName"))
		}},
		{"itemsPerPage is the page's size, not its length", func(t *testing.T, e *elimityServer) {
			a := e.do("GET", "/Users?count=50", "").is(200)
			assert.Len(t, a.at("Resources"), 2)
			assert.EqualValues(t, 50, a.at("itemsPerPage"))
		}},
		{"there is no bulk", func(t *testing.T, e *elimityServer) {
			e.do("POST", "/Bulk", `{"Operations":[]}`).is(404)
			assert.Equal(t, false, e.do("GET", "/ServiceProviderConfig", "").is(200).at("bulk", "supported"))
		}},
		{"there is no .search", func(t *testing.T, e *elimityServer) {
			e.do("POST", "/.search", `{}`).is(404)
			e.do("POST", "/Users/.search", `{}`).is(404)
		}},
		{"errors of the database reach the client", func(t *testing.T, e *elimityServer) {
			e.shelf.err = errors.New(`pq: duplicate key value violates "users_email_key" (SQLSTATE 23505)`)
			assert.Contains(t, e.do("GET", "/Users/1", "").is(500).at("detail"), "users_email_key")
		}},
		{"a conflict on GET and a 503 become a 500", func(t *testing.T, e *elimityServer) {
			e.shelf.err = elimityerrors.ScimError{Status: 503, Detail: "try again"}
			assert.Equal(t, "The HTTP status code 503 is not applicable to the GET-operation.", e.do("GET", "/Users/1", "").is(500).at("detail"))
		}},
		{"errors name no attribute", func(t *testing.T, e *elimityServer) {
			a := e.do("POST", "/Users", userBody("bob", `"emails":[{"value":1}]`)).is(400)
			assert.NotContains(t, a.at("detail"), "emails")
		}},
		{"a filter of a list by a complex attribute panics", func(t *testing.T, e *elimityServer) {
			v, err := elimityfilter.NewValidator(`emails eq "ada@example.com"`, elimityschema.CoreUserSchema())
			require.NoError(t, err)
			require.NoError(t, v.Validate(), "it passes the check")
			assert.PanicsWithValue(t, "unknown attribute type: complex", func() {
				_ = v.PassesFilter(map[string]any{"emails": []any{map[string]any{"value": "ada@example.com"}}})
			})
		}},
		{"a filter of schemas by a complex attribute panics", func(t *testing.T, e *elimityServer) {
			assert.PanicsWithValue(t, "unknown attribute type: complex", func() {
				e.do("GET", "/Schemas?filter="+url.QueryEscape(`attributes eq "x"`), "")
			})
		}},
		{"a filter by an integer panics", func(t *testing.T, e *elimityServer) {
			s := elimityschema.Schema{ID: "urn:example:Printer", Attributes: elimityschema.Attributes{elimityschema.SimpleCoreAttribute(
				elimityschema.SimpleNumberParams(elimityschema.NumberParams{Name: "trays", Type: elimityschema.AttributeTypeInteger()}))}}
			v, err := elimityfilter.NewValidator(`trays eq 2`, s)
			require.NoError(t, err)
			require.NoError(t, v.Validate())
			printer, invalid := s.Validate(map[string]any{"trays": json.Number("2")})
			require.Nil(t, invalid)
			assert.PanicsWithValue(t, "given value is not an integer: 2", func() { _ = v.PassesFilter(printer) },
				"what its own validation makes of a number, its filter doesn't take")
		}},
		{"answering races, because it writes into the handler's resource", func(t *testing.T, e *elimityServer) {
			attributes := elimity.ResourceAttributes{"userName": "ada"}
			e.shelf.users = []elimity.Resource{{ID: "1", Attributes: attributes}}
			e.do("GET", "/Users/1", "").is(200)
			for _, name := range []string{"id", "schemas", "meta"} {
				assert.Contains(t, attributes, name, "two GETs of one resource at once write to one map, and the process dies")
			}
		}},
		{"bodies have no limit", func(t *testing.T, e *elimityServer) {
			const size = 8 << 20
			body := io.LimitReader(blanks{}, size)
			e.serve(httptest.NewRequest("POST", "/Users", body)).is(400)
			assert.Zero(t, body.(*io.LimitedReader).N, "all of it was read, into memory")
		}},
		{"what follows the body is ignored", func(t *testing.T, e *elimityServer) {
			e.do("POST", "/Users", userBody("bob")+`{"userName":"eve"}]`).is(201)
		}},
		{"tolerance of strings is a switch of the process", func(t *testing.T, e *elimityServer) {
			s := elimityschema.CoreUserSchema()
			text := map[string]any{"userName": "ada", "active": "true"}
			_, before := s.Validate(text)
			elimityschema.SetAllowStringValues(true) // nowhere but here: no test of this package runs at the same time
			defer elimityschema.SetAllowStringValues(false)
			_, after := s.Validate(text)
			assert.NotNil(t, before)
			assert.Nil(t, after, "the same schema, and another customer's identity provider")
		}},
		{"parsing a filter allocates without measure", func(t *testing.T, e *elimityServer) {
			for _, p := range parsers {
				theirs := testing.AllocsPerRun(5, func() { _ = p.elimity() })
				ours := testing.AllocsPerRun(5, func() { _ = p.rollcall() })
				assert.Greater(t, theirs, 1_000.0, p.text)
				assert.Less(t, ours, 10.0, p.text)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) { c.prove(t, newElimity(t)) })
	}
}

func listOf(filter string) string { return "/Users?filter=" + url.QueryEscape(filter) }

// returned is what elimity's schema says of when a user's attribute is returned.
func returned(t *testing.T, name string) string {
	a, ok := elimityschema.CoreUserSchema().Attributes.ContainsAttribute(name)
	require.True(t, ok)
	return a.Returned()
}

// blanks is an endless body.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// elimityServer is elimity's own Server over a shelf of users.
type elimityServer struct {
	t      *testing.T
	server elimity.Server
	shelf  *shelf
}

func newElimity(t *testing.T) *elimityServer {
	s := &shelf{users: []elimity.Resource{
		{ID: "1", Attributes: elimity.ResourceAttributes{"userName": "ada", "displayName": "Ada"}, Meta: elimity.Meta{Version: `W/"1"`}},
		{ID: "2", Attributes: elimity.ResourceAttributes{"userName": "bob", "displayName": "Bob"}},
	}}
	server, err := elimity.NewServer(&elimity.ServerArgs{
		ServiceProviderConfig: &elimity.ServiceProviderConfig{SupportFiltering: true, SupportPatch: true},
		ResourceTypes: []elimity.ResourceType{{
			Name: "User", Endpoint: "/Users", Schema: elimityschema.CoreUserSchema(), Handler: s,
			SchemaExtensions: []elimity.SchemaExtension{{Schema: elimityschema.ExtensionEnterpriseUser()}},
		}},
	})
	require.NoError(t, err)
	return &elimityServer{t, server, s}
}

func (e *elimityServer) do(method, target, body string, headers ...string) answer {
	e.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return e.serve(r)
}

func (e *elimityServer) serve(r *http.Request) answer {
	e.t.Helper()
	w := httptest.NewRecorder()
	e.server.ServeHTTP(w, r)
	a := answer{t: e.t, status: w.Code, header: w.Header(), text: w.Body.String()}
	if a.text != "" {
		require.NoError(e.t, json.Unmarshal([]byte(a.text), &a.body), a.text)
	}
	return a
}

// shelf is a product's elimity.ResourceHandler at its simplest: it answers with what it has.
type shelf struct {
	users   []elimity.Resource
	patched []string
	err     error
}

func (s *shelf) Create(_ *http.Request, a elimity.ResourceAttributes) (elimity.Resource, error) {
	return elimity.Resource{ID: "1", Attributes: a}, s.err
}

func (s *shelf) Get(*http.Request, string) (elimity.Resource, error) { return s.users[0], s.err }

func (s *shelf) GetAll(*http.Request, elimity.ListRequestParams) (elimity.Page, error) {
	return elimity.Page{TotalResults: len(s.users), Resources: s.users}, s.err
}

func (s *shelf) Replace(_ *http.Request, _ string, a elimity.ResourceAttributes) (elimity.Resource, error) {
	return elimity.Resource{ID: "1", Attributes: a}, s.err
}

func (s *shelf) Delete(*http.Request, string) error { return s.err }

func (s *shelf) Patch(_ *http.Request, _ string, operations []elimity.PatchOperation) (elimity.Resource, error) {
	for _, op := range operations {
		s.patched = append(s.patched, op.Op+" "+op.Path.String())
	}
	return s.users[0], s.err
}

// parsers parse the same text as elimity does for each request, and as Rollcall does.
var parsers = []struct {
	text              string
	elimity, rollcall func() error
}{
	{`userName eq "x"`,
		func() error { _, err := elimityfilter.NewValidator(`userName eq "x"`, userSchema); return err },
		func() error { _, _, err := filter.Parse(`userName eq "x"`, filter.Options{}); return err }},
	{`emails[type eq "work"].value`,
		func() error {
			_, err := elimityfilter.NewPathValidator(`emails[type eq "work"].value`, userSchema)
			return err
		},
		func() error {
			_, _, err := filter.ParsePath(`emails[type eq "work"].value`, filter.Options{})
			return err
		}},
}

var userSchema = elimityschema.CoreUserSchema()

// What one filter and one path cost to parse, side by side.
func BenchmarkElimityFilterParse(b *testing.B) {
	for _, p := range parsers {
		for _, by := range []struct {
			name  string
			parse func() error
		}{{"elimity", p.elimity}, {"rollcall", p.rollcall}} {
			b.Run(strings.ReplaceAll(p.text, " ", "_")+"/"+by.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := by.parse(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
