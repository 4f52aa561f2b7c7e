package rules_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	elimity "github.com/elimity-com/scim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/examples/products/rules"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

type person struct {
	Login  string `scim:"userName"`
	Name   string `scim:"displayName,create"`
	Title  string `scim:"title,product"`
	Secret string `scim:"nickName,create,sensitive"`
}

// What was not taken is in the journal with the reason, under the request that sent it; what is readOnly isn't even
// looked at.
func TestJournal(t *testing.T) {
	m, err := mapping.For[person]()
	require.NoError(t, err)
	users, err := rules.Type(scim.UserType(), m)
	require.NoError(t, err)
	s := memstore.New()
	h, err := scim.NewHandler(s, &scim.Options{
		Auth: scim.NoAuth{Tenant: "acme"}, ResourceTypes: []elimity.ResourceType{users, scim.GroupType()},
		Lifecycle: lifecycle.Options{Guards: []lifecycle.Guard{rules.Guard("User", m)}},
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
	assert.Equal(t, "ignored", entries[0].Outcome)
	assert.JSONEq(t, `["displayName \"Zoe\" was ignored: it is taken only at creation; \"Ada\" holds"]`, notes(entries[0]))
	assert.Equal(t, "updated", entries[1].Outcome)
	assert.JSONEq(t, `["displayName \"Eve\" was ignored: it is taken only at creation; \"Ada\" holds",
		"nickName was ignored: it is taken only at creation"]`, notes(entries[1]))
	assert.Equal(t, "created", entries[2].Outcome)
	assert.Equal(t, "null", notes(entries[2]))

	page, err := s.List(t.Context(), store.Query{Tenant: "acme", Types: []string{"User"}, Count: 1})
	require.NoError(t, err)
	assert.Contains(t, page.Resources[0].Index, store.IndexKey{Attribute: "displayName", Value: "ada"}, "the index is that of what holds")
	assert.Equal(t, "Ada", page.Resources[0].Label)
}

func notes(e store.Entry) string { return string(document.AppendJSON(nil, e.Data.Get("notes"))) }
