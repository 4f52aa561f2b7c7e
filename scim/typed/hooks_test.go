package typed_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/typed"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

type employee struct {
	Email  string `scim:"userName" validate:"email"`
	Name   string `scim:"displayName"`
	Active bool   `scim:"active"`
}

type team struct {
	Name string `scim:"displayName,required" validate:"max=10"`
}

type printer struct {
	Name string `scim:"name,required"`
	Room string `scim:"room"`
}

func printerType() elimity.ResourceType {
	return elimity.ResourceType{ID: optional.NewString("Printer"), Name: "Printer", Endpoint: "/Printers", Schema: elimityschema.Schema{
		ID: "urn:example:Printer", Attributes: elimityschema.Attributes{
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{Name: "name", Required: true})),
			elimityschema.SimpleCoreAttribute(elimityschema.SimpleStringParams(elimityschema.StringParams{Name: "room"})),
		}}}
}

// server is a handler on a Fake, as a client sees it.
func server(t *testing.T, o *scim.Options) func(status int, method, path, body string) document.Value {
	t.Helper()
	o.Auth = scim.NoAuth{Tenant: "acme"}
	h, err := scim.NewHandler(storetest.NewFake(), o)
	require.NoError(t, err)
	return func(status int, method, path, body string) document.Value {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		require.Equal(t, status, w.Code, w.Body)
		v, _ := document.Parse(w.Body.String(), 0)
		return v
	}
}

// recorder writes down what its hooks are told.
type recorder struct{ lines []string }

func hook[T any](r *recorder, name string) typed.Hook[T] {
	return func(_ context.Context, e *lifecycle.Event, before, after *T) error {
		show := func(v *T) string {
			if v == nil {
				return "nil"
			}
			return fmt.Sprintf("%v", *v)
		}
		r.lines = append(r.lines, fmt.Sprintf("%s %s %s -> %s", name, e.Kind, show(before), show(after)))
		return nil
	}
}

// Each type's hooks get the product's own type, and hear of no other type.
func TestHooks(t *testing.T) {
	r := &recorder{}
	users := typed.Users(mapping.Must(mapping.For[employee]())).Hooks(typed.Hooks[employee]{
		Created: hook[employee](r, "user"), Updated: hook[employee](r, "user"), Deactivated: hook[employee](r, "user"), Deleted: hook[employee](r, "user")})
	teams := typed.Groups(mapping.Must(mapping.For[team]())).Hooks(typed.Hooks[team]{
		Created: hook[team](r, "team"), Updated: hook[team](r, "team"), Deleted: hook[team](r, "team"), MembersChanged: hook[team](r, "team")})
	printers := typed.Resources(printerType(), mapping.Must(mapping.For[printer]())).Hooks(typed.Hooks[printer]{
		Created: hook[printer](r, "printer"), Any: hook[printer](r, "any")})
	call := server(t, &scim.Options{Types: []scim.Type{users, teams, printers}, Hooks: lifecycle.Hooks{
		Any: func(_ context.Context, e *lifecycle.Event) error {
			r.lines = append(r.lines, "all "+string(e.Kind))
			return nil
		}}})
	told := func(want ...string) {
		t.Helper()
		assert.Equal(t, want, r.lines)
		r.lines = nil
	}
	ada := call(201, "POST", "/Users", `{"userName":"ada@a.example","displayName":"Ada","active":true}`).Get("id").Text()
	told("user provisioned nil -> {ada@a.example Ada true}", "all provisioned")
	call(200, "PATCH", "/Users/"+ada, `{"Operations":[{"op":"replace","path":"displayName","value":"Eve"}]}`)
	told("user updated {ada@a.example Ada true} -> {ada@a.example Eve true}", "all updated")
	group := call(201, "POST", "/Groups", `{"displayName":"Ops","members":[{"value":"`+ada+`"}]}`).Get("id").Text()
	told("team group.created nil -> {Ops}", "all group.created", "team members.changed nil -> nil", "all members.changed")
	call(200, "PATCH", "/Users/"+ada, `{"Operations":[{"op":"replace","path":"active","value":false}]}`)
	assert.Contains(t, r.lines, "user deactivated {ada@a.example Eve true} -> {ada@a.example Eve false}")
	r.lines = nil
	call(204, "DELETE", "/Users/"+ada, "")
	assert.Contains(t, r.lines, "user deleted {ada@a.example Eve false} -> nil")
	r.lines = nil
	call(204, "DELETE", "/Groups/"+group, "")
	told("team group.deleted {Ops} -> nil", "all group.deleted")
	call(201, "POST", "/Printers", `{"name":"P1","room":"7"}`)
	told("printer resource.created nil -> {P1 7}", "any resource.created nil -> {P1 7}", "all resource.created")
}

// A guard gets the values, may amend what shall be, veto it, and veto that somebody goes.
func TestGuard(t *testing.T) {
	var seen []string
	users := typed.Users(mapping.Must(mapping.For[employee]())).Guard(func(_ context.Context, r *lifecycle.Request, before, after *employee) error {
		seen = append(seen, fmt.Sprintf("%s %t %t", r.Action, before != nil, after != nil))
		switch {
		case after == nil && before.Name == "Root":
			return &lifecycle.Refusal{Reason: lifecycle.Forbidden, Detail: "Root stays"}
		case after == nil:
			return nil
		case after.Name == "Nobody":
			return &mapping.InvalidError{Path: "displayName", Detail: "want somebody"}
		case after.Name == "broken":
			after.Email = "none"
		case after.Name == "dies":
			return errors.New("a secret of the database")
		}
		after.Name = strings.TrimSpace(after.Name)
		return nil
	})
	teams := typed.Groups(mapping.Must(mapping.For[team]())).Guard(func(_ context.Context, _ *lifecycle.Request, before, _ *team) error {
		seen = append(seen, fmt.Sprint("team ", before != nil))
		return nil
	})
	call := server(t, &scim.Options{Types: []scim.Type{users, teams}})
	ada := call(201, "POST", "/Users", `{"userName":"ada@a.example","displayName":" Root ","title":"Dr"}`)
	assert.Equal(t, "Root", ada.Get("displayName").Text())
	assert.Equal(t, "Dr", ada.Get("title").Text())
	at := "/Users/" + ada.Get("id").Text()
	assert.Contains(t, call(400, "PATCH", at, `{"Operations":[{"op":"replace","path":"displayName","value":"Nobody"}]}`).Get("detail").Text(), "displayName: want somebody")
	assert.Contains(t, call(400, "PATCH", at, `{"Operations":[{"op":"replace","path":"displayName","value":"broken"}]}`).Get("detail").Text(), "userName: want an e-mail address")
	assert.NotContains(t, call(500, "PATCH", at, `{"Operations":[{"op":"replace","path":"displayName","value":"dies"}]}`).Get("detail").Text(), "secret")
	assert.Equal(t, "Root stays", call(403, "DELETE", at, "").Get("detail").Text())
	seen = nil
	group := call(201, "POST", "/Groups", `{"displayName":"Ops"}`).Get("id").Text()
	call(200, "PUT", "/Groups/"+group, `{"displayName":"Ops","members":[{"value":"`+ada.Get("id").Text()+`"}]}`)
	call(204, "PATCH", "/Groups/"+group, `{"Operations":[{"op":"replace","path":"members","value":[]}]}`)
	assert.NotContains(t, seen, "team nil", "members alone are no removal")
	n := len(seen)
	call(204, "DELETE", "/Groups/"+group, "")
	assert.Equal(t, []string{"team true"}, seen[n:])
	call(400, "POST", "/Groups", `{"displayName":"a name that is too long"}`)
}

// What is said of a type in its value must not be said by hand too, and what could never work is refused at the start.
func TestRefusedAtStart(t *testing.T) {
	users := func() *typed.Type[employee] { return typed.Users(mapping.Must(mapping.For[employee]())) }
	of := []scim.Type{users()}
	var none *typed.Type[employee]
	for want, o := range map[string]scim.Options{
		"Options.ResourceTypes says something of it too":                      {Types: of, ResourceTypes: []elimity.ResourceType{scim.UserType()}},
		"Options.Index says something of it too":                              {Types: of, Index: map[string][]string{"User": {"title"}}},
		"Options.Unique says something of it too":                             {Types: of, Unique: map[string][]string{"User": {"title"}}},
		"Options.Mutability says something of it too":                         {Types: of, Mutability: map[string]map[string]string{"User": {"title": "readOnly"}}},
		"Options.Sensitive says something of it too":                          {Types: of, Sensitive: map[string][]string{"User": {"title"}}},
		"Options.Lifecycle.Link says something of it too":                     {Types: of, Lifecycle: lifecycle.Options{Link: map[string][]string{"User": {"externalId"}}}},
		"is twice in Options.Types":                                           {Types: []scim.Type{users(), users()}},
		"the value at 0 is nil":                                               {Types: []scim.Type{none}},
		"has no mapping":                                                      {Types: []scim.Type{typed.Users[employee](nil)}},
		"the hook MembersChanged is never told of":                            {Types: []scim.Type{users().Hooks(typed.Hooks[employee]{MembersChanged: hook[employee](&recorder{}, "")})}},
		`it is called "emails.value"`:                                         {Types: []scim.Type{typed.Users(mapping.Must(mapping.For[employee]()), typed.LinkBy("emails"))}},
		`User has no attribute "titel" to index; it is called title`:          {Types: []scim.Type{typed.Users(mapping.Must(mapping.For[employee]()), typed.Index("titel"))}},
		`User has no attribute "externaId" to index; it is called externalId`: {Types: []scim.Type{typed.Users(mapping.Must(mapping.For[employee]()), typed.LinkBy("externaId"))}},
		"such as urn:example:acme:favouriteColour": {Types: []scim.Type{typed.Users(mapping.Must(mapping.For[struct {
			Email  string `scim:"userName"`
			Colour string `scim:"favouriteColour"`
		}]()))}},
	} {
		o.Auth = scim.NoAuth{Tenant: "acme"}
		_, err := scim.NewHandler(storetest.NewFake(), &o)
		assert.ErrorContains(t, err, want)
	}
}

// What options say of a type holds; what they say of other types by hand holds as well.
func TestOptions(t *testing.T) {
	users := typed.Users(mapping.Must(mapping.For[employee]()), typed.Unique("title"), typed.LinkBy("externalId"), typed.Index("nickName"))
	call := server(t, &scim.Options{Types: []scim.Type{users}, Sensitive: map[string][]string{"Group": {"displayName"}}})
	ada := call(201, "POST", "/Users", `{"userName":"ada@a.example","title":"Dr","externalId":"1"}`).Get("id").Text()
	call(409, "POST", "/Users", `{"userName":"eve@a.example","title":"dr"}`)
	assert.Equal(t, ada, call(201, "POST", "/Users", `{"userName":"ada2@a.example","externalId":"1"}`).Get("id").Text(), "linked")
	call(201, "POST", "/Groups", `{"displayName":"Ops"}`)
	call(409, "POST", "/Groups", `{"displayName":"ops"}`) // the default, which a value for users leaves alone
	call = server(t, &scim.Options{Types: []scim.Type{typed.Groups(mapping.Must(mapping.For[team]()), typed.Unique())}})
	call(201, "POST", "/Groups", `{"displayName":"Ops"}`)
	call(201, "POST", "/Groups", `{"displayName":"ops"}`)
}

// A product reads a resource of the store as its own type.
func TestValue(t *testing.T) {
	users := typed.Users(mapping.Must(mapping.For[employee]()))
	v, err := users.Value(t.Context(), &store.Resource{Attributes: `{"userName":"ada","active":true}`})
	require.NoError(t, err)
	assert.Equal(t, employee{"ada", "", true}, *v)
	_, err = users.Value(t.Context(), &store.Resource{Attributes: `{"userName":`})
	assert.ErrorIs(t, err, store.ErrCorrupt)
}
