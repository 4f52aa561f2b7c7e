package scim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	patchURN      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	errorURN      = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// service is a handler on a listener of its own, mounted under a prefix, and a client of it.
type service struct {
	t     testing.TB
	url   string // with the prefix
	store store.Store
	h     *scim.Handler
}

// serve starts a service over a Fake for two tenants, acme and umbrella, whose tokens are their names.
func serve(t testing.TB, change ...func(*scim.Options)) *service {
	return serveStore(t, storetest.NewFake(), change...)
}

func serveStore(t testing.TB, s store.Store, change ...func(*scim.Options)) *service {
	o := &scim.Options{Auth: scim.BearerTokens{"acme": "acme", "umbrella": "umbrella"}}
	for _, c := range change {
		c(o)
	}
	h, err := scim.NewHandler(s, o)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/scim/v2/", http.StripPrefix("/scim/v2", h))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &service{t: t, url: server.URL + "/scim/v2", store: s, h: h}
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	text   string
	body   map[string]any
}

// do sends a request as tenant acme; headers are "Name: value".
func (s *service) do(method, path, body string, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer acme")
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	a := answer{t: s.t, status: res.StatusCode, header: res.Header, text: string(text)}
	if len(text) > 0 {
		require.NoError(s.t, json.Unmarshal(text, &a.body), "every body is JSON: %s", text)
		require.Equal(s.t, "application/scim+json", res.Header.Get("Content-Type"))
	}
	return a
}

// is requires a status.
func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.text)
	return a
}

// fails requires an error answer, complete and with the words in its detail.
func (a answer) fails(status int, scimType, words string) answer {
	a.t.Helper()
	a.is(status)
	require.Equal(a.t, []any{errorURN}, a.body["schemas"])
	require.Equal(a.t, json.Number(itoa(status)).String(), a.body["status"], "status is a string")
	if scimType == "" {
		require.NotContains(a.t, a.body, "scimType")
	} else {
		require.Equal(a.t, scimType, a.body["scimType"], a.text)
	}
	require.Contains(a.t, a.body["detail"], words)
	return a
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// at walks down the body: member names and array indexes.
func (a answer) at(path ...any) any {
	a.t.Helper()
	return at(a.t, a.body, path...)
}

func at(t testing.TB, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(map[string]any)
			require.True(t, ok, "%v: not an object: %v", path, v)
			v = m[p]
		case int:
			l, ok := v.([]any)
			require.True(t, ok && p < len(l), "%v: no such element: %v", path, v)
			v = l[p]
		}
	}
	return v
}

func (a answer) id() string { return a.at("id").(string) }

// user creates a user and returns its id.
func (s *service) user(userName string, more ...string) string {
	s.t.Helper()
	return s.do("POST", "/Users", userBody(userName, more...)).is(201).id()
}

func userBody(userName string, more ...string) string {
	return `{"schemas":["` + userURN + `"],"userName":"` + userName + `"` + strings.Join(append([]string{""}, more...), ",") + `}`
}

// group creates a group and returns its id.
func (s *service) group(displayName string, members ...string) string {
	s.t.Helper()
	return s.do("POST", "/Groups", `{"schemas":["`+groupURN+`"],"displayName":"`+displayName+`","members":`+memberList(members)+`}`).is(201).id()
}

func memberList(ids []string) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = `{"value":"` + id + `"}`
	}
	return "[" + strings.Join(list, ",") + "]"
}

func patchBody(operations ...string) string {
	return `{"schemas":["` + patchURN + `"],"Operations":[` + strings.Join(operations, ",") + `]}`
}
