package scim_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// vault is a product that takes passwords.
type vault struct {
	mu      sync.Mutex
	checked []string // ids
	set     map[string]string
}

func (v *vault) Check(_ context.Context, p scim.Password) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.checked = append(v.checked, p.ID)
	switch p.Text {
	case "short":
		return &lifecycle.Refusal{Reason: lifecycle.Invalid, Attribute: "password", Detail: "want at least 12 characters"}
	case "broken":
		return errors.New("secret text")
	}
	return nil
}

func (v *vault) Set(_ context.Context, p scim.Password) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.set[p.ID] = p.Text
	return nil
}

// TestChangePassword checks that passwords are handed over, and stand nowhere else.
func TestChangePassword(t *testing.T) {
	fake, v := storetest.NewFake(), &vault{set: map[string]string{}}
	var log strings.Builder
	var events []*lifecycle.Event
	s := serveStore(t, fake, func(o *scim.Options) {
		o.Passwords, o.Logger = v, textLogger(&log)
		o.Hooks.Any = func(_ context.Context, e *lifecycle.Event) error { events = append(events, e); return nil }
	})
	assert.Equal(t, true, s.do("GET", "/ServiceProviderConfig", "").is(200).at("changePassword", "supported"))
	assert.Equal(t, false, serve(t).do("GET", "/ServiceProviderConfig", "").is(200).at("changePassword", "supported"))

	ada := s.do("POST", "/Users", userBody("ada", `"password":"Tr0ub4dor-1"`)).is(201)
	assert.Equal(t, map[string]string{ada.id(): "Tr0ub4dor-1"}, v.set)
	path := "/Users/" + ada.id()
	for i, c := range []struct{ method, body string }{
		{"PUT", userBody("ada", `"password":"Tr0ub4dor-2"`)},
		{"PATCH", patchBody(`{"op":"replace","path":"password","value":"Tr0ub4dor-3"}`)},
		{"PATCH", patchBody(`{"op":"Replace","value":{"password":"Tr0ub4dor-4"}}`)},
		{"PATCH", patchBody(`{"op":"add","path":"` + userURN + `:password","value":"Tr0ub4dor-5"}`)},
	} {
		a := s.do(c.method, path, c.body).is(200)
		assert.NotContains(t, a.text, "Tr0ub4dor")
		assert.Equal(t, fmt.Sprintf("Tr0ub4dor-%d", i+2), v.set[ada.id()])
	}
	for _, refused := range []func() answer{
		func() answer { return s.do("POST", "/Users", userBody("eve", `"password":"short"`)) },
		func() answer { return s.do("PUT", path, userBody("ada", `"title":"T","password":"short"`)) },
		func() answer {
			return s.do("PATCH", path, patchBody(`{"op":"add","path":"title","value":"T"}`, `{"op":"add","path":"password","value":"short"}`))
		},
	} {
		refused().fails(400, "invalidValue", "password: want at least 12 characters")
	}
	assert.NotContains(t, s.do("POST", "/Users", userBody("eve", `"password":"broken"`)).fails(500, "", "request id").text, "secret")
	assert.EqualValues(t, 1, s.do("GET", "/Users", "").is(200).at("totalResults"), "nothing was done")
	assert.NotContains(t, s.do("GET", path, "").is(200).body, "title")
	s.do("PUT", "/Users/nobody", userBody("x", `"password":"Tr0ub4dor-6"`)).is(404)
	s.do("PUT", path, userBody("ada", `"password":"Tr0ub4dor-7"`), `If-Match: W/"old"`).is(412)
	assert.Equal(t, "Tr0ub4dor-5", v.set[ada.id()])
	s.do("DELETE", path, "").is(204)

	entries, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 100})
	require.NoError(t, err)
	everything := fmt.Sprintf("%+v %+v %s", entries, events, log.String())
	for _, e := range events {
		everything += fmt.Sprintf("%+v", *e)
	}
	assert.NotContains(t, everything, "Tr0ub4dor")
	assert.NotContains(t, everything, `"short"`)
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "password", scim.Password{Text: "Tr0ub4dor"})
	assert.NotContains(t, logged.String(), "Tr0ub4dor")
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", scim.Password{Text: "Tr0ub4dor"}, scim.Password{Text: "Tr0ub4dor"}, scim.Password{Text: "Tr0ub4dor"}, scim.Password{Text: "Tr0ub4dor"}), "Tr0ub4dor")
}

func TestGroupPatchBody(t *testing.T) {
	s := serve(t, func(o *scim.Options) { o.GroupPatchBody = true })
	var ids []string
	for i := range 101 {
		ids = append(ids, s.user(fmt.Sprintf("user%d", i)))
	}
	crew := s.group("Crew", ids[:99]...)
	add := func(id string) answer {
		return s.do("PATCH", "/Groups/"+crew, patchBody(`{"op":"add","path":"members","value":[{"value":"`+id+`"}]}`))
	}
	a := add(ids[99]).is(200)
	assert.Len(t, a.at("members"), 100)
	assert.Equal(t, a.header.Get("ETag"), s.do("GET", "/Groups/"+crew, "").header.Get("ETag"))
	add(ids[100]).is(204)
	s.do("PATCH", "/Groups/"+crew, patchBody(`{"op":"replace","path":"displayName","value":"C"}`)).is(204)
	s.do("PATCH", "/Groups/"+s.group("Few"), patchBody(`{"op":"replace","path":"displayName","value":"F"}`)).is(200)
}

func TestUnknownManager(t *testing.T) {
	boss := func(id string) string { return `"` + enterpriseURN + `":{"manager":{"value":"` + id + `"}}` }
	serve(t).user("ada", boss("nobody"))
	fake := storetest.NewFake()
	s := serveStore(t, fake, func(o *scim.Options) { o.UnknownManager = scim.RecordUnknownManager })
	s.user("ada", boss("nobody"))
	entries, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 1})
	require.NoError(t, err)
	assert.Contains(t, string(entries[0].Data), "manager.value")

	s = serve(t, func(o *scim.Options) { o.UnknownManager = scim.RefuseUnknownManager })
	s.do("POST", "/Users", userBody("ada", boss("nobody"))).fails(400, "invalidValue", "manager.value: there is no user with this id")
	ada := s.user("ada")
	bob := s.user("bob", boss(ada))
	s.do("PATCH", "/Users/"+bob, patchBody(`{"op":"replace","path":"`+enterpriseURN+`:manager","value":"nobody"}`)).fails(400, "invalidValue", "manager.value")
	s.do("DELETE", "/Users/"+ada, "").is(204)
	s.do("PATCH", "/Users/"+bob, patchBody(`{"op":"add","path":"title","value":"T"}`)).is(200) // what was there stays
	_, err = scim.NewHandler(fake, &scim.Options{Auth: scim.NoAuth{Tenant: "a"}, UnknownManager: "refused"})
	assert.ErrorContains(t, err, "UnknownManager")
}

func TestIndirectGroups(t *testing.T) {
	s := serve(t, func(o *scim.Options) { o.IndirectGroups = func(tenant string) bool { return tenant == "acme" } })
	ada, bob := s.user("ada"), s.user("bob")
	inner := s.group("Inner", ada)
	middle := s.group("Middle", inner, bob)
	outer := s.group("Outer", middle)
	s.do("PATCH", "/Groups/"+inner, patchBody(`{"op":"add","path":"members","value":[{"value":"`+outer+`"}]}`)).is(204) // a circle
	groups := func(u any) map[string]string {
		out := map[string]string{}
		list, _ := u.(map[string]any)["groups"].([]any)
		for _, g := range list {
			out[at(t, g, "display").(string)] = at(t, g, "type").(string)
		}
		return out
	}
	want := map[string]map[string]string{
		ada: {"Inner": "direct", "Middle": "indirect", "Outer": "indirect"},
		bob: {"Middle": "direct", "Outer": "indirect", "Inner": "indirect"},
	}
	for id, want := range want {
		a := s.do("GET", "/Users/"+id, "").is(200)
		assert.Equal(t, want, groups(a.body))
		for _, list := range []string{"/Users?filter=", "/?filter="} {
			l := s.do("GET", list+url.QueryEscape(`id eq "`+id+`"`), "").is(200)
			assert.Equal(t, any(a.body), l.at("Resources", 0), list)
		}
		assert.Equal(t, want, groups(s.do("PATCH", "/Users/"+id, patchBody(`{"op":"add","path":"title","value":"T"}`)).is(200).body))
	}
	tag := s.do("GET", "/Users/"+ada, "").header.Get("ETag")
	s.do("GET", "/Users/"+ada, "", "If-None-Match: "+tag).is(304)
	s.do("PATCH", "/Groups/"+outer, patchBody(`{"op":"replace","path":"displayName","value":"Outermost"}`)).is(204)
	s.do("GET", "/Users/"+ada, "", "If-None-Match: "+tag).is(200)
	assert.Equal(t, map[string]string{"Inner": "direct"}, groups(serveStore(t, s.store).do("GET", "/Users/"+ada, "").is(200).body), "not where nobody wants them")
}

// TestGrants checks roles and entitlements as resources, as Okta finds them.
func TestGrants(t *testing.T) {
	s := serve(t, func(o *scim.Options) {
		o.Roles = []scim.Grant{{Value: "viewer"}, {Value: "admin", DisplayName: "Administrator", Type: "template", Description: "May do all"}}
		o.Entitlements = []scim.Grant{{Value: "export", DisplayName: "Export"}}
	})
	types := s.do("GET", "/ResourceTypes", "").is(200)
	assert.EqualValues(t, 4, types.at("totalResults"))
	assert.Equal(t, scim.RoleSchema, types.at("Resources", 2, "schema"))
	assert.Equal(t, "/Entitlements", types.at("Resources", 3, "endpoint"))
	s.do("GET", "/Schemas/"+scim.RoleSchema, "").is(200)
	var canonical []any
	for _, a := range s.do("GET", "/Schemas/"+userURN, "").is(200).at("attributes").([]any) {
		if at(t, a, "name") == "roles" {
			for _, sub := range at(t, a, "subAttributes").([]any) {
				if at(t, sub, "name") == "value" {
					canonical = at(t, sub, "canonicalValues").([]any)
				}
			}
		}
	}
	assert.Equal(t, []any{"viewer", "admin"}, canonical)

	list := s.do("GET", "/Roles", "").is(200)
	assert.EqualValues(t, 2, list.at("totalResults"))
	admin := s.do("GET", "/Roles/admin", "").is(200)
	assert.Equal(t, any(admin.body), list.at("Resources", 0))
	assert.Equal(t, "Administrator", admin.at("displayName"))
	assert.Equal(t, "viewer", list.at("Resources", 1, "displayName"))
	assert.Equal(t, []any{scim.RoleSchema}, admin.at("schemas"))
	s.do("GET", "/Roles/admin", "", "If-None-Match: "+admin.header.Get("ETag")).is(304)
	s.do("GET", "/Roles/nobody", "").fails(404, "", "Role")
	assert.EqualValues(t, 1, s.do("GET", "/Roles?filter="+url.QueryEscape(`displayName eq "administrator"`), "").is(200).at("totalResults"))
	assert.Equal(t, "viewer", s.do("GET", "/Roles?sortBy=displayName&sortOrder=descending&count=1", "").is(200).at("Resources", 0, "id"))
	first := s.do("GET", "/Roles?count=1&cursor", "").is(200)
	assert.Equal(t, "viewer", s.do("GET", "/Roles?count=1&cursor="+first.at("nextCursor").(string), "").is(200).at("Resources", 0, "id"))
	for _, write := range [][3]string{{"POST", "/Roles", `{"value":"x"}`}, {"PUT", "/Roles/admin", `{"value":"x"}`}, {"DELETE", "/Roles/admin", ""},
		{"PATCH", "/Roles/admin", patchBody(`{"op":"add","path":"type","value":"x"}`)}} {
		s.do(write[0], write[1], write[2]).fails(405, "", "product")
	}
	assert.Equal(t, []string{"405"}, s.bulk("", `{"method":"DELETE","path":"/Roles/admin"}`).statuses())
	s.do("GET", "/?filter=id+pr", "").is(200)
	s.user("ada", `"roles":[{"value":"admin"}]`)
	serve(t).do("GET", "/Roles", "").is(404)
	for _, wrong := range [][]scim.Grant{{{}}, {{Value: "a"}, {Value: "a"}}, {{Value: "a/b"}}} {
		_, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "a"}, Roles: wrong})
		assert.ErrorContains(t, err, "Options.Roles")
	}
}
