package scim_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	elimity "github.com/elimity-com/scim"
	elimityfilter "github.com/elimity-com/scim/filter"
	elimityschema "github.com/elimity-com/scim/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/filter"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// The tests of this file prove, row by row, the table in CONTRIBUTING.md of what the pinned elimity-com/scim does and
// why we do it ourselves. Where one fails with a newer version, its row can go or must be corrected.

// simpleHandler is what a product writes for elimity's Server: a slice, and elimity's own filter.
type simpleHandler struct {
	resources  []elimity.Resource
	operations []elimity.PatchOperation
	err        error
}

func (h *simpleHandler) Create(_ *http.Request, a elimity.ResourceAttributes) (elimity.Resource, error) {
	r := elimity.Resource{ID: strconv.Itoa(len(h.resources)), Attributes: a, Meta: elimity.Meta{Version: `W/"1"`}}
	h.resources = append(h.resources, r)
	return r, h.err
}

func (h *simpleHandler) Get(*http.Request, string) (elimity.Resource, error) {
	return h.resources[0], h.err
}

func (h *simpleHandler) GetAll(_ *http.Request, p elimity.ListRequestParams) (elimity.Page, error) {
	var page elimity.Page
	for _, r := range h.resources {
		if p.FilterValidator == nil || p.FilterValidator.PassesFilter(r.Attributes) == nil {
			page.Resources = append(page.Resources, r)
			page.TotalResults++
		}
	}
	return page, h.err
}

func (h *simpleHandler) Replace(_ *http.Request, _ string, a elimity.ResourceAttributes) (elimity.Resource, error) {
	h.resources[0].Attributes = a
	return h.resources[0], h.err
}

func (h *simpleHandler) Delete(*http.Request, string) error { return h.err }

func (h *simpleHandler) Patch(_ *http.Request, _ string, operations []elimity.PatchOperation) (elimity.Resource, error) {
	h.operations = operations
	return h.resources[0], h.err
}

// theirs is an elimity.Server with two users, ada and bob, and a type with a number.
type theirs struct {
	t       *testing.T
	server  elimity.Server
	handler *simpleHandler
	users   elimity.ResourceType
}

func newTheirs(t *testing.T) *theirs {
	h := &simpleHandler{}
	users, counters := scim.UserType(), counterType()
	users.Handler, counters.Handler = h, &simpleHandler{}
	server, err := elimity.NewServer(&elimity.ServerArgs{
		ServiceProviderConfig: &elimity.ServiceProviderConfig{SupportFiltering: true, SupportPatch: true},
		ResourceTypes:         []elimity.ResourceType{users, counters},
	})
	require.NoError(t, err)
	s := &theirs{t, server, h, users}
	for _, name := range []string{"bob", "ada"} {
		require.Equal(t, 201, s.do("POST", "/Users", userBody(name, `"password":"s3cr3t"`, `"externalId":"E1"`, `"displayName":"D","name":{"familyName":"L"}`,
			`"emails":[{"type":"work","value":"`+name+`@example.com"}]`)).Code)
	}
	return s
}

func counterType() elimity.ResourceType {
	return elimity.ResourceType{Name: "Counter", Endpoint: "/Counters", Schema: elimityschema.Schema{
		ID: "urn:example:Counter",
		Attributes: elimityschema.Attributes{elimityschema.SimpleCoreAttribute(elimityschema.SimpleNumberParams(
			elimityschema.NumberParams{Name: "count", Type: elimityschema.AttributeTypeInteger()}))},
	}}
}

func (s *theirs) do(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, strings.NewReplacer(" ", "%20", `"`, "%22").Replace(target), strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	return w
}

// both starts their server and ours with the same two users.
func both(t *testing.T) (*theirs, *service, string) {
	ours := serve(t, func(o *scim.Options) {
		o.ResourceTypes = []elimity.ResourceType{scim.UserType(), scim.GroupType(), counterType()}
	})
	ours.user("bob")
	return newTheirs(t), ours, ours.user("ada", `"password":"s3cr3t"`, `"externalId":"E1"`, `"displayName":"D"`, `"emails":[{"type":"work","value":"ada@example.com"}]`)
}

func query(filter string) string {
	return "/Users?filter=" + strings.NewReplacer(" ", "%20", `"`, "%22").Replace(filter)
}

// parsings are what each request does with a filter or a path, there and here.
func parsings() []parsing {
	const text, path = `userName eq "x"`, `emails[type eq "work"].value`
	schema := elimityschema.CoreUserSchema()
	return []parsing{
		{"filter",
			func() error { _, err := elimityfilter.NewValidator(text, schema); return err },
			func() error { _, _, err := filter.Parse(text, filter.Options{}); return err }},
		{"path",
			func() error { _, err := elimityfilter.NewPathValidator(path, schema); return err },
			func() error { _, _, err := filter.ParsePath(path, filter.Options{}); return err }},
	}
}

type parsing struct {
	name         string
	theirs, ours func() error
}

// Parsing costs thousands of allocations. BenchmarkElimityFilterParse has the times.
func TestElimityParsing(t *testing.T) {
	for _, p := range parsings() {
		require.NoError(t, p.theirs())
		require.NoError(t, p.ours())
		assert.Greater(t, testing.AllocsPerRun(10, func() { _ = p.theirs() }), 1_000.0, p.name)
		assert.Less(t, testing.AllocsPerRun(10, func() { _ = p.ours() }), 20.0, p.name)
	}
}

// BenchmarkElimityFilterParse parses a filter and a path with elimity's parser and with ours.
func BenchmarkElimityFilterParse(b *testing.B) {
	for _, p := range parsings() {
		for _, by := range []struct {
			name  string
			parse func() error
		}{{"elimity", p.theirs}, {"rollcall", p.ours}} {
			b.Run(p.name+"/"+by.name, func(b *testing.B) {
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

// Filters on what is not among the attributes of the product, on sub-attributes of lists, and on core and extension together.
func TestElimityFilters(t *testing.T) {
	theirs, ours, id := both(t)
	for their, our := range map[string]string{
		`id eq "1"`:                             `id eq "` + id + `"`,
		`meta.resourceType eq "User"`:           `meta.resourceType eq "User" and userName eq "ada"`,
		`schemas eq "` + userURN + `"`:          `schemas eq "` + userURN + `" and userName eq "ada"`,
		`emails.value eq "ada@example.com"`:     `emails.value eq "ada@example.com"`,
		`meta.created pr and userName eq "ada"`: `meta.created pr and userName eq "ada"`,
	} {
		w := theirs.do("GET", query(their), "")
		assert.Equal(t, 200, w.Code, their)
		assert.Contains(t, w.Body.String(), `"totalResults":0`, "%s is answered, and wrongly", their)
		assert.EqualValues(t, 1, ours.do("GET", query(our), "").is(200).at("totalResults"), our)
	}
	both := `userName eq "ada" and not (` + enterpriseURN + `:department pr)`
	assert.Equal(t, 400, theirs.do("GET", query(both), "").Code)
	assert.EqualValues(t, 1, ours.do("GET", query(both), "").is(200).at("totalResults"))
	// what doesn't exist is silently nobody
	assert.Equal(t, 200, theirs.do("GET", query(`emails[nonsense eq "x"]`), "").Code)
	ours.do("GET", query(`emails[nonsense eq "x"]`), "").fails(400, "invalidFilter", "nonsense")
	// null instead of a list
	assert.Contains(t, theirs.do("GET", query(`userName eq "nobody"`), "").Body.String(), `"Resources":null`)
	assert.Empty(t, ours.do("GET", query(`userName eq "nobody"`), "").is(200).at("Resources").([]any))
}

// Three filters of any client end the request in a panic.
func TestElimityPanics(t *testing.T) {
	theirs, ours, _ := both(t)
	const counter = `{"schemas":["urn:example:Counter"],"count":1}`
	require.Equal(t, 201, theirs.do("POST", "/Counters", counter).Code)
	ours.do("POST", "/Counters", counter).is(201)
	for f, status := range map[string]int{`/Users?filter=name eq "x"`: 400, `/Users?filter=emails eq "x"`: 200, `/Counters?filter=count eq 1`: 200} {
		assert.Panics(t, func() { theirs.do("GET", f, "") }, f)
		ours.do("GET", strings.NewReplacer(" ", "%20", `"`, "%22").Replace(f), "").is(status)
	}
}

// PATCH is checked and handed on; applying it is the product's. What Entra ID sends to disable somebody is refused.
func TestElimityPatch(t *testing.T) {
	theirs, ours, id := both(t)
	body := patchBody(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"new@example.com"}`)
	assert.Contains(t, theirs.do("PATCH", "/Users/0", body).Body.String(), "bob@example.com")
	assert.Len(t, theirs.handler.operations, 1)
	assert.Equal(t, "new@example.com", ours.do("PATCH", "/Users/"+id, body).is(200).at("emails", 0, "value"))
	for _, disable := range []string{patchBody(`{"op":"Replace","path":"active","value":"False"}`), patchBody(`{"op":"replace","value":{"active":"False"}}`)} {
		assert.Equal(t, 400, theirs.do("PATCH", "/Users/0", disable).Code)
		assert.Equal(t, false, ours.do("PATCH", "/Users/"+id, disable).is(200).at("active"))
	}
}

// returned: never is answered all the same.
func TestElimityPassword(t *testing.T) {
	theirs, ours, id := both(t)
	for _, w := range []*httptest.ResponseRecorder{theirs.do("GET", "/Users/0", ""), theirs.do("GET", "/Users", ""), theirs.do("POST", "/Users", userBody("eve", `"password":"s3cr3t"`))} {
		assert.Contains(t, w.Body.String(), "s3cr3t")
	}
	for _, a := range []answer{ours.do("GET", "/Users/"+id, ""), ours.do("GET", "/Users", ""), ours.do("POST", "/Users", userBody("eve", `"password":"s3cr3t"`))} {
		assert.NotContains(t, a.text, "s3cr3t")
	}
}

// Locations are relative, or begin with one constant, whatever host and prefix a request came by.
func TestElimityLocation(t *testing.T) {
	theirs, ours, _ := both(t)
	w := theirs.do("POST", "/Users", userBody("eve"))
	assert.Contains(t, w.Body.String(), `"location":"Users/2"`)
	assert.Equal(t, "Users/2", w.Header().Get("Location"))
	absolute, err := elimity.NewServer(&elimity.ServerArgs{
		ServiceProviderConfig: &elimity.ServiceProviderConfig{}, ResourceTypes: []elimity.ResourceType{theirs.users},
	}, elimity.WithBaseURL("https://one.example/v2"))
	require.NoError(t, err)
	for _, host := range []string{"one.example", "two.example"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "http://"+host+"/v2/Users/0", nil)
		absolute.ServeHTTP(w, r)
		assert.Contains(t, w.Body.String(), `"location":"https://one.example/v2/Users/0"`, host)
	}
	a := ours.do("POST", "/Users", userBody("eve"))
	assert.Equal(t, ours.url+"/Users/"+a.id(), a.at("meta", "location"))
	assert.Equal(t, a.at("meta", "location"), a.header.Get("Location"))
}

// Conditions are not looked at. An ETag is answered if the product makes one.
func TestElimityConditions(t *testing.T) {
	theirs, ours, id := both(t)
	assert.Equal(t, 200, theirs.do("GET", "/Users/0", "", `If-None-Match: W/"1"`).Code)
	assert.Equal(t, 200, theirs.do("PUT", "/Users/0", userBody("ada"), `If-Match: W/"0"`).Code)
	ours.do("GET", "/Users/"+id, "", "If-None-Match: "+ours.do("GET", "/Users/"+id, "").header.Get("ETag")).is(304)
	ours.do("PUT", "/Users/"+id, userBody("ada"), `If-Match: W/"0"`).is(412)
}

// sortBy and attributes do nothing, and schemas lists extensions that aren't there.
func TestElimitySortingAndProjection(t *testing.T) {
	theirs, ours, _ := both(t)
	body := theirs.do("GET", "/Users?sortBy=userName&attributes=userName", "").Body.String()
	assert.Less(t, strings.Index(body, `"userName":"bob"`), strings.Index(body, `"userName":"ada"`))
	assert.Contains(t, body, "displayName")
	assert.Contains(t, body, enterpriseURN)
	a := ours.do("GET", "/Users?sortBy=userName&attributes=userName", "")
	assert.Equal(t, "ada", a.at("Resources", 0, "userName"))
	assert.NotContains(t, a.text, "displayName")
	assert.NotContains(t, ours.do("GET", "/Users", "").text, enterpriseURN)
}

// .search is the product's to write, HEAD and bulk are not there, and a wrong method is a 404 without Allow.
func TestElimityEndpoints(t *testing.T) {
	theirs, ours, _ := both(t)
	assert.Equal(t, 501, theirs.do("POST", "/Users/.search", `{}`).Code)
	for _, request := range [][2]string{{"HEAD", "/Users"}, {"DELETE", "/Users"}, {"POST", "/Bulk"}} {
		w := theirs.do(request[0], request[1], `{}`)
		assert.Equal(t, 404, w.Code, request)
		assert.Empty(t, w.Header().Get("Allow"), request)
	}
	ours.do("POST", "/Users/.search", `{}`).is(200)
	ours.do("HEAD", "/Users", "").is(200)
	assert.NotEmpty(t, ours.do("DELETE", "/Users", "").is(405).header.Get("Allow"))
}

// The text of any error of the product is answered.
func TestElimityErrors(t *testing.T) {
	const secret = `pq: password authentication failed for user "prod" at 10.0.0.7`
	theirs := newTheirs(t)
	theirs.handler.err = errors.New(secret)
	assert.Contains(t, theirs.do("GET", "/Users/0", "").Body.String(), "10.0.0.7")
	fake := storetest.NewFake()
	fake.Before(func(context.Context, string) error { return errors.New(secret) })
	assert.NotContains(t, serveStore(t, fake).do("GET", "/Users/0", "").is(500).text, "10.0.0.7")
}

// What is wrong is taken, or is said to be wrong without a name. What lacks only schemas is refused.
func TestElimityValidation(t *testing.T) {
	theirs, ours, id := both(t)
	trailing := userBody("eve") + `{"userName":"mallory"}]`
	assert.Equal(t, 201, theirs.do("POST", "/Users", trailing, "").Code)
	ours.do("POST", "/Users", trailing).fails(400, "invalidSyntax", "more text")

	readOnly := patchBody(`{"op":"replace","path":"groups","value":[{"value":"admins"}]}`)
	assert.Equal(t, 200, theirs.do("PATCH", "/Users/0", readOnly).Code)
	ours.do("PATCH", "/Users/"+id, readOnly).fails(400, "mutability", "groups")

	assert.Equal(t, 400, theirs.do("POST", "/Users", `{"userName":"without"}`).Code)
	ours.do("POST", "/Users", `{"userName":"without"}`).is(201)

	wrong := userBody("eve", `"emails":[{"value":true}]`)
	assert.NotContains(t, theirs.do("POST", "/Users", wrong).Body.String(), "emails")
	ours.do("POST", "/Users", wrong).fails(400, "invalidValue", "emails[0].value: want a string, got boolean")
}

// itemsPerPage is what was asked for, not what there is.
func TestElimityItemsPerPage(t *testing.T) {
	theirs, ours, _ := both(t)
	assert.Contains(t, theirs.do("GET", "/Users?count=50", "").Body.String(), `"itemsPerPage":50`)
	assert.EqualValues(t, 2, ours.do("GET", "/Users?count=50", "").is(200).at("itemsPerPage"))
}

// A body is read to its end, however long it is.
func TestElimityUnlimitedBody(t *testing.T) {
	theirs, ours, _ := both(t)
	long := userBody("eve", `"displayName":"`+strings.Repeat("x", 2<<20)+`"`)
	body := &counting{r: strings.NewReader(long)}
	w := httptest.NewRecorder()
	theirs.server.ServeHTTP(w, httptest.NewRequest("POST", "/Users", body))
	assert.Equal(t, 201, w.Code)
	assert.Equal(t, len(long), body.n)

	body = &counting{r: io.LimitReader(endless{}, 1<<30)}
	r := httptest.NewRequest("POST", "/Users", body)
	r.Header.Set("Authorization", "Bearer acme")
	w = httptest.NewRecorder()
	ours.h.ServeHTTP(w, r)
	assert.Equal(t, 413, w.Code)
	assert.Less(t, body.n, 18<<20, "it stops soon after the limit of 1 MiB, and 16 MiB that it throws away")
}

// endless is a text without end.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte("x"), len(b))), nil }

// counting counts what was read.
type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
