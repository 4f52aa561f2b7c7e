package scim_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	elimity "github.com/elimity-com/scim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A mistake in the options is told when the handler is made, by the name of the option or of the type.
func TestBadOptions(t *testing.T) {
	types := func(change func(users *elimity.ResourceType)) func(*scim.Options) {
		return func(o *scim.Options) {
			users := scim.UserType()
			change(&users)
			o.ResourceTypes = []elimity.ResourceType{users, scim.GroupType()}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*scim.Options)
		words  string
	}{
		{"no endpoint", types(func(u *elimity.ResourceType) { u.Endpoint = "" }), `resource type User: the endpoint ""`},
		{"the endpoint of another", types(func(u *elimity.ResourceType) { u.Endpoint = "/Groups" }), `the endpoint "/Groups"`},
		{"an endpoint of two segments", types(func(u *elimity.ResourceType) { u.Endpoint = "/v2/Users" }), `the endpoint "/v2/Users"`},
		{"no name", types(func(u *elimity.ResourceType) { u.Name = "" }), "needs a name"},
		{"no schema", types(func(u *elimity.ResourceType) { u.Schema.ID = "" }), "User"},
		{"an extension without a schema", types(func(u *elimity.ResourceType) {
			u.SchemaExtensions = append(u.SchemaExtensions, elimity.SchemaExtension{})
		}), "extension"},
		{"an index of nothing", func(o *scim.Options) { o.Index = map[string][]string{"User": {"shoeSize"}} }, `"shoeSize"`},
		{"an index of a complex attribute", func(o *scim.Options) { o.Index = map[string][]string{"User": {"name"}} }, `"name"`},
		{"a link by nothing", func(o *scim.Options) { o.Lifecycle.Link = map[string][]string{"User": {"shoeSize"}} }, `"shoeSize"`},
		{"a unique nothing", func(o *scim.Options) { o.Unique = map[string][]string{"User": {"shoeSize"}} }, "Options.Unique"},
		{"a link by elements of nothing", func(o *scim.Options) { o.Lifecycle.Link = map[string][]string{"User": {`emails[size eq 1].value`}} }, "size"},
		{"a link by no value of elements", func(o *scim.Options) { o.Lifecycle.Link = map[string][]string{"User": {`emails[type eq "work"]`}} }, "name a sub-attribute"},
		{"a unique half path", func(o *scim.Options) { o.Unique = map[string][]string{"User": {`emails[type eq`}} }, `"emails[type eq"`},
		{"the mutability of nothing", func(o *scim.Options) {
			o.Mutability = map[string]map[string]string{"User": {"shoeSize": "readOnly"}}
			o.Lifecycle.Guards = []lifecycle.Guard{nil}
		}, "Options.Mutability"},
		{"a sensitive nothing", func(o *scim.Options) { o.Sensitive = map[string][]string{"User": {"shoeSize"}} }, "Options.Sensitive"},
		{"no such mutability", func(o *scim.Options) {
			o.Mutability = map[string]map[string]string{"User": {"title": "never"}}
			o.Lifecycle.Guards = []lifecycle.Guard{nil}
		}, "want readWrite, readOnly or immutable"},
		{"what guards decide, without guards", func(o *scim.Options) {
			o.Mutability = map[string]map[string]string{"User": {"title": "readOnly"}}
		}, "Lifecycle.Guards"},
		{"a type twice", func(o *scim.Options) {
			again := scim.UserType()
			again.Endpoint = "/People"
			o.ResourceTypes = []elimity.ResourceType{scim.UserType(), again}
		}, "the resource type User is declared twice"},
		{"a type of the library's own", types(func(u *elimity.ResourceType) { u.Name = "rollcall.Settings" }), "must have no dot"},
		// Fault 8: what was misspelt here had no effect.
		{"an index of a misspelt type", func(o *scim.Options) { o.Index = map[string][]string{"user": {"title"}} }, `Options.Index: there is no resource type "user"; want one of [Group User]`},
		{"a unique misspelt type", func(o *scim.Options) { o.Unique = map[string][]string{"Users": {"title"}} }, `Options.Unique: there is no resource type "Users"`},
		{"a sensitive misspelt type", func(o *scim.Options) { o.Sensitive = map[string][]string{"Person": nil} }, `Options.Sensitive: there is no resource type "Person"`},
		{"the mutability of a misspelt type", func(o *scim.Options) {
			o.Mutability = map[string]map[string]string{"Groups": {"displayName": "readOnly"}}
			o.Lifecycle.Guards = []lifecycle.Guard{nil}
		}, `Options.Mutability: there is no resource type "Groups"`},
		{"a link of a misspelt type", func(o *scim.Options) { o.Lifecycle.Link = map[string][]string{"USER": {"externalId"}} }, `Options.Lifecycle.Link: there is no resource type "USER"`},
		{"a link in other case", func(o *scim.Options) { o.Lifecycle.Link = map[string][]string{"User": {"externalid"}} }, `it is called "externalId"`},
		{"a link by a complex attribute", func(o *scim.Options) { o.Lifecycle.Link = map[string][]string{"User": {"emails"}} }, `it is called "emails.value"`},
		{"a link by the schema's URN", func(o *scim.Options) { o.Lifecycle.Link = map[string][]string{"User": {userURN + ":userName"}} }, `it is called "userName"`},
		{"a link by id", func(o *scim.Options) { o.Lifecycle.Link = map[string][]string{"User": {"id"}} }, `"id"`},
		{"a link by a time", func(o *scim.Options) { o.Lifecycle.Link = map[string][]string{"User": {"meta.created"}} }, `"meta.created"`},
		{"no token", func(o *scim.Options) { o.Auth = scim.BearerTokens{} }, "no token"},
		{"an empty token behind a pointer", func(o *scim.Options) { o.Auth = &scim.BearerTokens{"": "acme"} }, `an empty token for the tenant "acme"`},
		{"a nil pointer to tokens", func(o *scim.Options) { o.Auth = (*scim.BearerTokens)(nil) }, "nil *BearerTokens"},
		{"a nil pointer to no authentication", func(o *scim.Options) { o.Auth = (*scim.NoAuth)(nil) }, "nil *NoAuth"},
		{"a guard that is nil", func(o *scim.Options) { o.Lifecycle.Guards = []lifecycle.Guard{nil} }, "Guards[0] is nil"},
		{"an empty token", func(o *scim.Options) { o.Auth = scim.BearerTokens{"": "acme"} }, `an empty token for the tenant "acme"`},
		{"an empty tenant", func(o *scim.Options) { o.Auth = scim.BearerTokens{"s3cr3t": ""} }, "a token without a tenant"},
		{"a token that can't be sent", func(o *scim.Options) { o.Auth = scim.BearerTokens{"s3cr3t token": "acme"} }, `a token for the tenant "acme" that no client can send`},
		{"no tenant for everybody", func(o *scim.Options) { o.Auth = scim.NoAuth{} }, "NoAuth has no tenant"},
		{"no tenant for everybody, by reference", func(o *scim.Options) { o.Auth = &scim.NoAuth{} }, "NoAuth has no tenant"},
		{"a negative limit", func(o *scim.Options) { o.Limits.Resource = -1 }, "Options.Limits.Resource"},
		{"an address without a scheme", func(o *scim.Options) { o.BaseURL = "app.example.com/scim" }, "Options.BaseURL"},
		{"an address of another kind", func(o *scim.Options) { o.BaseURL = "ftp://app.example.com" }, "Options.BaseURL"},
		{"an address with a query", func(o *scim.Options) { o.BaseURL = "https://app.example.com/scim?" }, "Options.BaseURL"},
		{"a misspelt policy", func(o *scim.Options) {
			s := lifecycle.DefaultSettings()
			s.Deprovision = "deactivated"
			o.Lifecycle.Settings = lifecycle.FixedSettings(s)
		}, "deprovision: want one of [suspend deactivate delete]"},
		{"settings that nobody began", func(o *scim.Options) {
			o.Lifecycle.Settings = lifecycle.FixedSettings{Review: true}
		}, "begin with lifecycle.DefaultSettings()"},
		{"stored settings without a store", func(o *scim.Options) { o.Lifecycle.Settings = &lifecycle.StoredSettings{} }, "StoredSettings.Store is not set"},
		// Fault 3: what was set here was overwritten.
		{"hooks in two places", func(o *scim.Options) {
			o.Hooks.Billed = func(context.Context, *lifecycle.Event) error { return nil }
			o.Lifecycle.Hooks.Any = o.Hooks.Billed
		}, "Options.Hooks and Options.Lifecycle.Hooks are both set"},
		{"an index of the product's", func(o *scim.Options) {
			o.Lifecycle.Index = func(string, document.Value) ([]store.IndexKey, string) { return nil, "" }
		}, "Options.Lifecycle.Index is set"},
		{"a check of the product's", func(o *scim.Options) {
			o.Lifecycle.Check = func(_ string, v document.Value) (document.Value, error) { return v, nil }
		}, "Options.Lifecycle.Check is set"},
		{"types of the product's", func(o *scim.Options) { o.Lifecycle.Types = []string{"User"} }, "Options.Lifecycle.Types is set"},
		{"a limit in two places", func(o *scim.Options) { o.Lifecycle.MaxResource = 1 }, "Options.Limits.Resource"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}}
			c.change(o)
			h, err := scim.NewHandler(storetest.NewFake(), o)
			assert.Nil(t, h)
			require.ErrorContains(t, err, c.words)
			assert.NotContains(t, err.Error(), "s3cr3t")
		})
	}
	_, err := scim.NewHandler(storetest.NewFake(), nil)
	assert.ErrorContains(t, err, "Auth")
}

// Fault 3: hooks are called wherever they are set.
func TestHooksInOnePlace(t *testing.T) {
	for name, where := range map[string]func(*scim.Options) *lifecycle.Hooks{
		"Options":           func(o *scim.Options) *lifecycle.Hooks { return &o.Hooks },
		"Options.Lifecycle": func(o *scim.Options) *lifecycle.Hooks { return &o.Lifecycle.Hooks },
	} {
		t.Run(name, func(t *testing.T) {
			told := 0
			s := serve(t, func(o *scim.Options) {
				where(o).Provisioned = func(context.Context, *lifecycle.Event) error { told++; return nil }
			})
			s.user("ada")
			assert.Equal(t, 1, told)
		})
	}
}

func TestUnique(t *testing.T) {
	for _, c := range []struct {
		name   string
		unique map[string][]string
		user   string // of a second user with all the same but the userName
		group  int    // status of a second group of the same name
	}{
		{"by default", nil, "", 409},
		{"nothing more", map[string][]string{}, "", 201},
		{"externalId", map[string][]string{"User": {"externalId"}}, "externalId", 201},
		{"a sub-attribute of an extension", map[string][]string{"User": {enterpriseURN + ":employeeNumber"}}, "employeeNumber", 201},
		{"groups too", map[string][]string{"User": {"nickName"}, "Group": {"displayName"}}, "nickName", 409},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := lifecycle.DefaultSettings()
			settings.SameExternalID = lifecycle.SameExternalIDAllow
			s := serve(t, func(o *scim.Options) {
				o.Unique, o.Lifecycle.Settings = c.unique, lifecycle.FixedSettings(settings)
			})
			more := []string{`"externalId":"e1"`, `"nickName":"A"`, `"` + enterpriseURN + `":{"employeeNumber":"7"}`}
			s.user("ada", more...)
			if a := s.do("POST", "/Users", userBody("eve", more...)); c.user == "" {
				a.is(201)
			} else {
				a.fails(409, "uniqueness", c.user)
				assert.EqualValues(t, 1, s.do("GET", "/Users", "").at("totalResults"))
			}
			s.group("Crew")
			s.do("POST", "/Groups", `{"displayName":"crew"}`).is(c.group)
		})
	}
}

func TestLimits(t *testing.T) {
	s := serve(t, func(o *scim.Options) {
		o.Limits = scim.Limits{Body: 400, Operations: 2, Members: 1, Filter: 20, PageSize: 5, MaxResults: 2}
	})
	ada, bob := s.user("ada"), s.user("bob")
	s.user("cy")
	a := s.do("GET", "/Users", "").is(200)
	assert.EqualValues(t, 2, a.at("itemsPerPage"), "no page is larger than the largest")
	assert.EqualValues(t, 3, a.at("totalResults"))
	assert.EqualValues(t, 2, s.do("GET", "/Users?count=3", "").is(200).at("itemsPerPage"))
	assert.EqualValues(t, 2, s.do("GET", "/ServiceProviderConfig", "").at("filter", "maxResults"))
	s.do("GET", "/Users?filter=userName+eq+%22123456789%22", "").fails(400, "invalidFilter", "20")
	s.do("POST", "/Users", userBody("x", `"title":"`+strings.Repeat("x", 400)+`"`)).fails(413, "", "400 bytes")
	op := `{"op":"add","path":"title","value":"T"}`
	s.do("PATCH", "/Users/"+ada, patchBody(op, op)).is(200)
	s.do("PATCH", "/Users/"+ada, patchBody(op, op, op)).fails(413, "", "2")
	crew := "/Groups/" + s.group("Crew", ada)
	both := `"displayName":"G","members":` + memberList([]string{ada, bob})
	s.do("POST", "/Groups", `{`+both+`}`).fails(413, "", "members")
	s.do("PUT", crew, `{`+both+`}`).fails(413, "", "members")
	s.do("PATCH", crew, patchBody(`{"op":"add","path":"members","value":`+memberList([]string{ada, bob})+`}`)).fails(413, "", "members")
}

func TestPrincipalFrom(t *testing.T) {
	fake := storetest.NewFake()
	want := scim.Principal{Tenant: "acme", Connection: "okta", Scopes: []string{scim.ScopeWrite, scim.ScopeRead}, Dialect: scim.Strict()}
	s := serveStore(t, fake, func(o *scim.Options) { o.Auth = principal(want) })
	var got []scim.Principal
	fake.Before(func(ctx context.Context, _ string) error {
		p, ok := scim.PrincipalFrom(ctx)
		require.True(t, ok)
		got = append(got, p)
		return nil
	})
	s.user("ada")
	s.do("GET", "/Users", "").is(200)
	require.NotEmpty(t, got)
	for _, p := range got {
		assert.Equal(t, want, p)
	}
	_, ok := scim.PrincipalFrom(t.Context())
	assert.False(t, ok)
}

// What an Authenticator says is what is answered, if it is meant for the client.
func TestAuthenticatorErrors(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		words  string
	}{
		{scim.ErrUnauthorized, 401, "Authorization"},
		{&scim.Error{Status: 403, Detail: "this connection is paused"}, 403, "this connection is paused"},
		{&scim.Error{Status: 429, Detail: "slowly", RetryAfter: 30}, 429, "slowly"},
		{store.ErrUnavailable, 503, "try again"},
		{errDatabase, 500, "request id"},
	} {
		a := serve(t, func(o *scim.Options) { o.Auth = failing{c.err} }).do("GET", "/Users", "").fails(c.status, "", c.words)
		assert.Equal(t, c.status == 401, a.header.Get("WWW-Authenticate") != "")
		assert.Equal(t, map[int]string{429: "30", 503: "5"}[c.status], a.header.Get("Retry-After"))
	}
	assert.EqualError(t, &scim.Error{Status: 403, Type: "x", Detail: "why"}, "403 x: why")

	s := serve(t, func(o *scim.Options) { o.Auth = principal{} })
	s.do("GET", "/Users", "").fails(500, "", "request id")

	r := httptest.NewRequest("GET", "/", nil)
	tokens := scim.BearerTokens{"t1": "acme"}
	_, err := tokens.Authenticate(r)
	assert.ErrorIs(t, err, scim.ErrUnauthorized)
	r.Header.Set("Authorization", "Bearer t1")
	who, err := tokens.Authenticate(r)
	assert.NoError(t, err)
	assert.Equal(t, scim.Principal{Tenant: "acme"}, who)
}

// Tokens that are changed after the handler was made let nobody in or out.
func TestTokensAreCopied(t *testing.T) {
	tokens := scim.BearerTokens{"acme": "acme"}
	s := serve(t, func(o *scim.Options) { o.Auth = tokens })
	tokens["eve"] = "acme"
	delete(tokens, "acme")
	s.do("GET", "/Users", "").is(200)
	s.do("GET", "/Users", "", "Authorization: Bearer eve").is(401)
}

// Bodies that don't come to their end.
func TestBrokenBodies(t *testing.T) {
	s := serve(t)
	for _, c := range []struct {
		name   string
		body   io.Reader
		status int
		words  string
	}{
		{"broken off", io.MultiReader(strings.NewReader(`{"userName":`), iotest.ErrReader(io.ErrUnexpectedEOF)), 400, "broke off"},
		{"failing", iotest.ErrReader(errors.New("tcp: s3cr3t")), 400, "broke off"},
		{"bounded by the product's own middleware", http.MaxBytesReader(nil, io.NopCloser(strings.NewReader(userBody("ada"))), 10), 413, "too large"},
		{"byte by byte", iotest.OneByteReader(strings.NewReader(userBody("ada"))), 201, ""},
		{"with its end in the last read", iotest.DataErrReader(strings.NewReader(userBody("bob"))), 201, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/Users", c.body)
			r.ContentLength = -1
			r.Header.Set("Authorization", "Bearer acme")
			w := httptest.NewRecorder()
			s.h.ServeHTTP(w, r)
			assert.Equal(t, c.status, w.Code, w.Body.String())
			assert.Contains(t, w.Body.String(), c.words)
			assert.NotContains(t, w.Body.String(), "s3cr3t")
		})
	}
}

// A resource doesn't grow beyond its limit, neither at once nor by and by.
func TestResourceLimit(t *testing.T) {
	s := serve(t, func(o *scim.Options) { o.Limits.Resource = 300 })
	long := strings.Repeat("x", 200)
	s.do("POST", "/Users", userBody("ada", `"title":"`+long+long+`"`)).fails(413, "", "the limit is 300")
	ada := "/Users/" + s.user("ada", `"title":"`+long+`"`)
	s.do("PATCH", ada, patchBody(`{"op":"add","path":"nickName","value":"`+long+`"}`)).fails(413, "", "the limit is 300")
	s.do("PATCH", ada, patchBody(`{"op":"add","path":"nickName","value":"A"}`)).is(200)
}
