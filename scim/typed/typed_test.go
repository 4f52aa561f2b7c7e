package typed_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	elimity "github.com/elimity-com/scim"
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

type person struct {
	Login  string `scim:"userName"`
	Name   string `scim:"displayName,create"`
	Title  string `scim:"title,product"`
	Zone   string `scim:"timezone,ifEmpty"`
	Secret string `scim:"nickName,create,sensitive"`
	Team   string `scim:"urn:example:rules:team,create"`
	Score  int    `scim:"urn:example:rules:score,ignore"`
}

// What was not taken is in the journal with the reason, under the request that sent it.
func TestJournal(t *testing.T) {
	m, err := mapping.For[person]()
	require.NoError(t, err)
	s := storetest.NewFake()
	h, err := scim.NewHandler(s, &scim.Options{
		Auth: scim.NoAuth{Tenant: "acme"}, Types: []scim.Type{typed.Users(m)},
	})
	require.NoError(t, err)
	call := func(status int, method, path, body string) string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		require.Equal(t, status, w.Code, w.Body)
		return w.Body.String()
	}
	body := call(201, "POST", "/Users", `{"userName":"ada","displayName":"Ada","nickName":"hush","title":"Dr"}`)
	assert.NotContains(t, body, "Dr")
	_, id, _ := strings.Cut(body, `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	body = call(200, "PUT", "/Users/"+id, `{"userName":"eve","displayName":"Eve","nickName":"hushhush","title":"Prof"}`)
	assert.Contains(t, body, `"userName":"eve"`)
	assert.Contains(t, body, `"displayName":"Ada"`)
	call(200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"displayName","value":"Zoe"}]}`)

	entries, err := s.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 10})
	require.NoError(t, err)
	require.Len(t, entries, 3)
	assert.Equal(t, "unchanged", entries[0].Outcome)
	assert.JSONEq(t, `["displayName \"Zoe\" was ignored: it is taken only at creation; \"Ada\" holds"]`, notes(entries[0]))
	assert.Equal(t, "updated", entries[1].Outcome)
	assert.JSONEq(t, `["displayName \"Eve\" was ignored: it is taken only at creation; \"Ada\" holds", "title \"Prof\" was ignored: the product decides it",
		"nickName was ignored: it is taken only at creation"]`, notes(entries[1]))
	assert.Equal(t, "created", entries[2].Outcome)
	assert.JSONEq(t, `["title \"Dr\" was ignored: the product decides it"]`, notes(entries[2]))

	page, err := s.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User"}, Count: 1})
	require.NoError(t, err)
	assert.Contains(t, page.Resources[0].Index, store.IndexKey{Attribute: "displayName", Value: "ada"}, "the index is that of what holds")
	assert.Equal(t, "Ada", page.Resources[0].Label)
}

// Each authority is seen in /Schemas, in every answer and in the journal, whichever way a value is sent; nothing that an
// identity provider sends for an attribute is refused because the product has the say over it.
func TestAuthority(t *testing.T) {
	m, err := mapping.For[person]()
	require.NoError(t, err)
	s := storetest.NewFake()
	h, err := scim.NewHandler(s, &scim.Options{
		Auth: scim.NoAuth{Tenant: "acme"}, Types: []scim.Type{typed.Users(m)},
	})
	require.NoError(t, err)
	call := func(status int, method, path, body string) document.Value {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		require.Equal(t, status, w.Code, w.Body)
		v, err := document.Parse(w.Body.String(), 0)
		require.NoError(t, err)
		return v
	}
	mutability := map[string]string{}
	for _, urn := range []string{"urn:ietf:params:scim:schemas:core:2.0:User", "urn:example:rules"} {
		attributes := call(200, "GET", "/Schemas/"+urn, "").Get("attributes")
		for i := range attributes.Items() {
			mutability[attributes.At(i).Get("name").Text()] = attributes.At(i).Get("mutability").Text()
		}
	}
	for name, want := range map[string]string{"userName": "readWrite", "displayName": "immutable", "title": "readOnly", "timezone": "immutable",
		"nickName": "immutable", "team": "immutable", "score": "readOnly", "locale": "readWrite"} {
		assert.Equal(t, want, mutability[name], name)
	}

	at := "/Users/" + call(201, "POST", "/Users", `{"userName":"ada","displayName":"Ada","title":"Dr","urn:example:rules":{"team":"A","score":1}}`).Get("id").Text()
	const held = `{"displayName":"Ada","team":"A","zone":"Europe/Berlin"}`
	holds := func(v document.Value) {
		t.Helper()
		x := v.Get("urn:example:rules")
		assert.Empty(t, v.Get("title").Text())
		assert.True(t, x.Get("score").IsNull())
		assert.JSONEq(t, held, `{"displayName":"`+v.Get("displayName").Text()+`","team":"`+x.Get("team").Text()+`","zone":"`+v.Get("timezone").Text()+`"}`)
	}
	holds(call(200, "PATCH", at, `{"Operations":[{"op":"add","path":"timezone","value":"Europe/Berlin"}]}`))
	for _, change := range []struct{ method, body, note string }{
		{"PATCH", `{"Operations":[{"op":"replace","path":"displayName","value":"Eve"}]}`, `displayName "Eve" was ignored: it is taken only at creation; "Ada" holds`},
		{"PATCH", `{"Operations":[{"op":"replace","path":"title","value":"Prof"}]}`, `title "Prof" was ignored: the product decides it`},
		{"PATCH", `{"Operations":[{"op":"replace","value":{"timezone":"Asia/Tokyo"}}]}`, `timezone "Asia/Tokyo" was ignored: the product has a value already; "Europe/Berlin" holds`},
		{"PATCH", `{"Operations":[{"op":"replace","path":"urn:example:rules:team","value":"B"}]}`, `urn:example:rules:team "B" was ignored: it is taken only at creation; "A" holds`},
		{"PATCH", `{"Operations":[{"op":"add","path":"urn:example:rules:score","value":2}]}`, `urn:example:rules:score 2 was ignored: the product doesn't take it; 0 holds`},
		{"PATCH", `{"Operations":[{"op":"remove","path":"displayName"}]}`, `displayName was ignored: it is taken only at creation; "Ada" holds`},
		{"PATCH", `{"Operations":[{"op":"remove","path":"urn:example:rules"}]}`, `urn:example:rules:team was ignored: it is taken only at creation; "A" holds`},
		{"PUT", `{"userName":"ada","displayName":"Eve","timezone":"Europe/Berlin","urn:example:rules":{"team":"A"}}`, `displayName "Eve" was ignored: it is taken only at creation; "Ada" holds`},
	} {
		holds(call(200, change.method, at, change.body))
		holds(call(200, "GET", at, ""))
		entries, err := s.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 1})
		require.NoError(t, err)
		assert.Equal(t, "unchanged", entries[0].Outcome, change.body)
		assert.JSONEq(t, `[`+string(document.AppendJSON(nil, document.String(change.note)))+`]`, notes(entries[0]), change.body)
	}
}

// Tenants have rules of their own, kept as JSON and loaded while the service runs.
func TestTenantRules(t *testing.T) {
	type worker struct {
		Login string `scim:"userName"`
		Role  string
	}
	kept := map[string]string{
		"acme":     `[{"path":"roles","field":"Role","apply":["role=Bosses:admin|*:user"]},{"path":"title","field":"Login","validate":"max=3"}]`,
		"umbrella": `[{"path":"userType","field":"Role","apply":["map"],"map":{"Chief":"admin","Staff":"user"}}]`,
		"broken":   `[{"path":"userType","field":"Rolle"}]`,
	}
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{
		Auth: scim.BearerTokens{"a": "acme", "u": "umbrella", "b": "broken"},
		Types: []scim.Type{typed.Users(mapping.Must(mapping.For[worker]())).PerTenant(func(_ context.Context, tenant string) (*mapping.Mapping[worker], error) {
			own, err := mapping.LoadRules(strings.NewReader(kept[tenant]))
			if err != nil {
				return nil, err
			}
			return mapping.Compile[worker](&mapping.Options{Rules: own})
		})},
	})
	require.NoError(t, err)
	for _, c := range []struct {
		token, body string
		status      int
		detail      string
	}{
		{"a", `{"userName":"ada","userType":"Clown","title":"Dr"}`, 201, ""},
		{"a", `{"userName":"eve","title":"Prof"}`, 400, `title: want at most 3 characters, got \"Prof\"`},
		{"u", `{"userName":"ada","title":"Professor","userType":"chief"}`, 201, ""},
		{"u", `{"userName":"eve","userType":"Clown"}`, 400, `userType: want one of Chief, Staff, got \"Clown\"`},
		{"b", `{"userName":"eve"}`, 500, "request id"},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/Users", strings.NewReader(c.body))
		r.Header.Set("Authorization", "Bearer "+c.token)
		h.ServeHTTP(w, r)
		assert.Equal(t, c.status, w.Code, c.body)
		assert.Contains(t, w.Body.String(), c.detail)
	}
}

// What is sensitive is in no error, whether the value or its type is wrong.
func TestSensitive(t *testing.T) {
	type worker struct {
		Login string  `scim:"userName"`
		Pay   float64 `scim:"urn:example:rules:pay,sensitive" validate:"max=100"`
		Own   struct {
			Since time.Time `scim:"since"`
		} `scim:"urn:example:rules:own,sensitive"`
		Phone string `scim:"phoneNumbers[type eq \"mobile\"].value,sensitive" validate:"omitempty,e164"`
	}
	m, err := mapping.For[worker]()
	require.NoError(t, err)
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{
		Auth: scim.NoAuth{Tenant: "acme"}, Types: []scim.Type{typed.Users(m)}, ResourceTypes: []elimity.ResourceType{},
	})
	require.NoError(t, err)
	for _, c := range []struct{ sent, want string }{
		{`"urn:example:rules":{"pay":31337}`, "urn:example:rules:pay: want at most 100"},
		{`"urn:example:rules":{"pay":"31337 a month"}`, "urn:example:rules:pay: want a number"},
		{`"urn:example:rules":{"own":{"since":"31337"}}`, "urn:example:rules:own.since: want a date and time"},
		{`"phoneNumbers":[{"type":"mobile","value":"31337x"}]`, "want a telephone number such as +49301234567"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/Users", strings.NewReader(`{"userName":"ada",`+c.sent+`}`)))
		assert.Equal(t, 400, w.Code)
		assert.Contains(t, w.Body.String(), c.want)
		assert.NotContains(t, w.Body.String(), "31337")
	}
}

// A field at an attribute that nobody will ever send is a mistake that a program doesn't start with.
func TestUnknownAttribute(t *testing.T) {
	of := func(err error) string {
		require.Error(t, err)
		return err.Error()
	}
	assert.Contains(t, of(typeOf[struct {
		Login string `scim:"usrName"`
	}]()), `field Login of struct { Login string "scim:\"usrName\"" } is at "usrName": `)
	assert.Contains(t, of(typeOf[struct {
		Given string `scim:"name.givename"`
	}]()), `name has no such sub-attribute; it has formatted, familyName, givenName`)
	assert.Contains(t, of(typeOf[struct {
		Dept string `scim:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:departmnet"`
	}]()), `field Dept`)
	assert.Contains(t, of(typeOf[struct {
		Mail string `scim:"emails[type eq \"work\"].adress"`
	}]()), `field Mail`)
	require.NoError(t, typeOf[struct {
		Mail string `scim:"emails[type eq \"work\"].value"`
		Own  struct {
			A string `scim:"a"`
		} `scim:"urn:example:2.0:own,extension"`
	}]())
}

func typeOf[T any]() error {
	m, err := mapping.For[T]()
	if err == nil {
		_, err = scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, Types: []scim.Type{typed.Users(m)}})
	}
	return err
}

// notes are the texts of an entry's notes, as JSON.
func notes(e store.Entry) string {
	texts := document.Array()
	for _, n := range e.Data.Get("notes").Items() {
		texts.Append(n.Value.Get("text"))
	}
	return string(document.AppendJSON(nil, texts))
}

// Who is added by hand has what the administrator says, also where the identity provider has no say; it must be valid.
func TestByHand(t *testing.T) {
	type colleague struct {
		Login string `scim:"userName" validate:"email"`
		Title string `scim:"title,product" validate:"max=5"`
	}
	m, err := mapping.For[colleague]()
	require.NoError(t, err)
	s := storetest.NewFake()
	h, err := scim.NewHandler(s, &scim.Options{
		Auth: scim.NoAuth{Tenant: "acme"}, Types: []scim.Type{typed.Users(m)},
	})
	require.NoError(t, err)
	add := func(userName, title string) (*store.Resource, error) {
		titled := document.Object(document.Field{Name: "title", Value: document.String(title)})
		return h.Lifecycle().Add(t.Context(), lifecycle.Request{Tenant: "acme"}, lifecycle.Identity{UserName: userName, Attributes: titled.Document()})
	}
	ada, err := add("ada@corp.example", "Dr")
	require.NoError(t, err)
	assert.Equal(t, "Dr", ada.Attributes.Get("title").Text())
	for _, x := range [][2]string{{"bob", "Dr"}, {"bob@corp.example", "Doctor"}} {
		var refused *lifecycle.Refusal
		_, err := add(x[0], x[1])
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, lifecycle.Invalid, refused.Reason)
	}
	login, err := h.Lifecycle().Login(t.Context(), "acme", lifecycle.Identity{UserName: "ada@corp.example"})
	require.NoError(t, err)
	assert.True(t, login.FirstLogin)
}

type sparse struct {
	Login  string `scim:"userName"`
	First  string `scim:"name.givenName"`
	Mobile string `scim:"phoneNumbers[type eq \"mobile\"].value"`
	Boss   string `scim:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"`
	Badge  string `scim:"urn:example:rules:badge"`
	Shoe   string `scim:"urn:example:rules:shoe,ignore"`
}

// /Schemas shows what is kept, and no more: name has one sub-attribute, and of an element everything is shown.
func TestSchemasShowWhatIsKept(t *testing.T) {
	for _, unknown := range []mapping.Unknown{mapping.Drop, mapping.Refuse, mapping.Keep} {
		m, err := mapping.Compile[sparse](&mapping.Options{Unknown: unknown})
		require.NoError(t, err)
		h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, Types: []scim.Type{typed.Users(m)}})
		require.NoError(t, err)
		shown := map[string]bool{}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/Schemas", nil))
		list, err := document.Parse(w.Body.String(), 0)
		require.NoError(t, err)
		for _, s := range list.Get("Resources").Items() {
			short := map[string]string{"urn:ietf:params:scim:schemas:core:2.0:User": "", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": "enterprise:",
				"urn:example:rules": "rules:"}
			prefix, ok := short[s.Value.Get("id").Text()]
			if !ok {
				continue // groups
			}
			for _, a := range s.Value.Get("attributes").Items() {
				name := prefix + a.Value.Get("name").Text()
				shown[name] = true
				for _, sub := range a.Value.Get("subAttributes").Items() {
					shown[name+"."+sub.Value.Get("name").Text()] = true
				}
			}
		}
		if unknown == mapping.Keep {
			assert.Greater(t, len(shown), 60)
			continue
		}
		want := map[string]bool{"userName": true, "active": true, "name": true, "name.givenName": true, "enterprise:manager": true, "enterprise:manager.value": true, "rules:badge": true}
		for name := range shown {
			if !strings.HasPrefix(name, "groups") && !strings.HasPrefix(name, "phoneNumbers") {
				assert.True(t, want[name], name)
				delete(want, name)
			}
		}
		assert.Empty(t, want)
		for _, name := range []string{"groups.value", "phoneNumbers.value", "phoneNumbers.type"} {
			assert.True(t, shown[name], name)
		}
	}
}
