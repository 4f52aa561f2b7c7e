package scim_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	elimity "github.com/elimity-com/scim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// plugged is an elimity.Server with Rollcall's operations.
type plugged struct {
	t      *testing.T
	fake   *storetest.Fake
	server elimity.Server
}

// headerAuth believes what a request says of itself.
type headerAuth struct{}

func (headerAuth) Authenticate(r *http.Request) (scim.Principal, error) {
	if r.Header.Get("Fault") != "" {
		return scim.Principal{}, errors.New("the token server is away, s3cr3t")
	}
	who := scim.Principal{Tenant: r.Header.Get("Tenant"), Connection: "okta"}
	if scope := r.Header.Get("Scope"); scope != "" {
		who.Scopes = []string{scope}
	}
	return who, nil
}

func plug(t *testing.T) *plugged {
	fake := storetest.NewFake()
	h, err := scim.NewHandler(fake, &scim.Options{Auth: headerAuth{}})
	require.NoError(t, err)
	types := []elimity.ResourceType{scim.UserType(), scim.GroupType()}
	for i := range types {
		types[i].Handler, err = h.ResourceHandler(types[i].Name)
		require.NoError(t, err)
	}
	_, err = h.ResourceHandler("Printer")
	require.ErrorContains(t, err, `"Printer"`)
	server, err := elimity.NewServer(&elimity.ServerArgs{ServiceProviderConfig: &elimity.ServiceProviderConfig{SupportFiltering: true, SupportPatch: true}, ResourceTypes: types})
	require.NoError(t, err)
	return &plugged{t, fake, server}
}

func (p *plugged) do(method, target, body string, headers ...string) answer {
	p.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Tenant", "acme")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	p.server.ServeHTTP(w, r)
	a := answer{t: p.t, status: w.Code, header: w.Header(), text: w.Body.String()}
	if a.text != "" {
		require.NoError(p.t, json.Unmarshal([]byte(a.text), &a.body), a.text)
	}
	return a
}

func TestResourceHandler(t *testing.T) {
	p := plug(t)
	a := p.do("POST", "/Users", userBody("ada", `"externalId":"e1"`, `"password":"s3cr3t"`, `"emails":[{"value":"a@x","type":"work"}]`)).is(201)
	path := "/Users/" + a.id()
	assert.NotContains(t, a.text, "s3cr3t")
	assert.Equal(t, "e1", a.at("externalId"))
	assert.Equal(t, true, a.at("active"))
	assert.Equal(t, a.header.Get("ETag"), a.at("meta", "version"))
	assert.Equal(t, a.text, p.do("GET", path, "").is(200).text)
	assert.EqualValues(t, 1, p.do("GET", `/Users?filter=emails.value+eq+%22A@X%22`, "").is(200).at("totalResults"), "Rollcall evaluates the filter")

	patched := p.do("PATCH", path, patchBody(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"b@x"}`, `{"op":"add","value":{"title":"T"}}`)).is(200)
	assert.Equal(t, "b@x", patched.at("emails", 0, "value"))
	assert.Equal(t, "T", patched.at("title"))
	replaced := p.do("PUT", path, userBody("ada2")).is(200)
	assert.Equal(t, "ada2", replaced.at("userName"))
	assert.NotContains(t, replaced.body, "emails")

	group := p.do("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"Crew","members":`+memberList([]string{a.id()})+`}`).is(201)
	assert.Len(t, group.at("members"), 1)
	assert.Equal(t, "Crew", p.do("GET", path, "").at("groups", 0, "display"))
	emptied := p.do("PATCH", "/Groups/"+group.id(), patchBody(`{"op":"remove","path":"members[value eq \"`+a.id()+`\"]"}`)).is(200)
	assert.NotContains(t, emptied.body, "members")

	for _, c := range []struct {
		name, method, path, body, header string
		status                           int
		words                            string
	}{
		{"taken", "POST", "/Users", userBody("ADA2"), "", 409, "userName"},
		{"not there", "GET", "/Users/nobody", "", "", 404, "nobody"},
		{"deleting what isn't there", "DELETE", "/Users/nobody", "", "", 404, "nobody"},
		{"an old version", "PUT", path, userBody("x"), `If-Match: W/"old"`, 412, "If-Match"},
		{"another tenant's", "GET", path, "", "Tenant: umbrella", 404, "there is no User"},
		{"no tenant", "GET", path, "", "Tenant: ", 500, ""},
		{"a principal that may only read", "DELETE", path, "", "Scope: read", 403, "permission"},
		{"a principal that may only write", "GET", "/Users", "", "Scope: write", 403, "permission"},
		{"a failing authenticator", "GET", path, "", "Fault: 1", 500, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &plugged{t, p.fake, p.server}
			if c.header == "" {
				c.header = "Accept: */*"
			}
			a := p.do(c.method, c.path, c.body, c.header).is(c.status)
			detail, _ := a.body["detail"].(string)
			assert.Contains(t, detail, c.words)
			assert.NotContains(t, a.text, "s3cr3t")
		})
	}
	p.do("GET", path, "", "Scope: read").is(200)

	var seen scim.Principal
	p.fake.Before(func(ctx context.Context, _ string) error {
		seen, _ = scim.PrincipalFrom(ctx)
		return nil
	})
	p.do("DELETE", path, "").is(204)
	assert.Equal(t, scim.Principal{Tenant: "acme", Connection: "okta"}, seen, "a store knows for whom it works")
	p.fake.Before(func(context.Context, string) error { return errDatabase })
	assert.NotContains(t, p.do("GET", "/Users", "").is(500).text, "pq:")
}
