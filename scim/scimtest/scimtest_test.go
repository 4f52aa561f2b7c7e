package scimtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
)

// TestOwnHandler shows that the handler of this repository keeps every clause, each profile by the dialect that it is for.
func TestOwnHandler(t *testing.T) {
	for profile, dialect := range map[string]scim.Dialect{"rfc": scim.Tolerant(), "strict": scim.Strict(), "conversations": scim.Tolerant(), "entra-gallery": scim.Tolerant(),
		"interop": scim.Interop(), "ipsie-al1": scim.Interop(), "ipsie-al2": scim.Interop()} {
		t.Run(profile, func(t *testing.T) {
			scimtest.Run(t, scimtest.Target{Handler: service(t, dialect), Token: token, Profile: profile, Optional: true})
		})
	}
}

// TestURL shows that a target behind a URL is tested like a handler in this process.
func TestURL(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/scim/v2/", http.StripPrefix("/scim/v2", service(t, scim.Tolerant())))
	server := httptest.NewServer(mux)
	defer server.Close()
	report, err := scimtest.Check(t.Context(), scimtest.Target{URL: server.URL + "/scim/v2/", Token: token, Client: server.Client()})
	require.NoError(t, err)
	assert.Empty(t, report.Failed())
	assert.Greater(t, report.Totals.Passed, 200)
}

// TestCleansUp shows that the kit deletes what it has made, and nothing else.
func TestCleansUp(t *testing.T) {
	h := service(t, scim.Tolerant())
	send := func(method, path, body string) map[string]any {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var answer map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
		return answer
	}
	var before []map[string]any
	for i := range 3 {
		u := send("POST", "/Users", fmt.Sprintf(`{"userName":"other%d@example.com","displayName":"Other %d"}`, i, i))
		send("POST", "/Groups", fmt.Sprintf(`{"displayName":"Other %d","members":[{"value":%q}]}`, i, u["id"]))
	}
	paths := []string{"/Users", "/Groups", "/Devices"}
	for _, path := range paths {
		before = append(before, send("GET", path, ""))
	}
	report, err := scimtest.Check(t.Context(), scimtest.Target{Handler: h, Token: token})
	require.NoError(t, err)
	assert.Empty(t, report.Left)
	for i, path := range paths {
		assert.Equal(t, before[i], send("GET", path, ""))
	}
}

func TestReport(t *testing.T) {
	var seen []string
	report, err := scimtest.Check(t.Context(), scimtest.Target{
		Handler: broken(service(t, scim.Tolerant()), mutant{after: func(q *asked, a *told) {
			a.header.Del("Location")
			edit(at("/ServiceProviderConfig"), set("bulk.supported", false))(q, a)
		}}), Token: token,
		Only:   []string{"7644-3.3-location", "7644-3.3-created", "7643-2.2-immutable", "7644-3.3-location-works", "7644-3.7-response"},
		Accept: map[string]string{"7644-3.3-location-works": "a proxy takes the header away"},
		Each:   func(r scimtest.Result) { seen = append(seen, r.ID) },
	})
	require.NoError(t, err)
	assert.False(t, report.OK())
	assert.Equal(t, []string{"7644-3.3-location"}, report.Failed())
	assert.Len(t, seen, 5)
	assert.Equal(t, scimtest.Totals{Clauses: 5, Passed: 2, Failed: 1, NotClaimed: 1, Accepted: 1}, report.Totals)
	for _, r := range report.Clauses {
		switch r.ID {
		case "7644-3.3-location":
			line, _, _ := strings.Cut(r.String(), "\n")
			assert.Contains(t, line, "FAIL 7644-3.3-location (RFC 7644 section 3.3, MUST) User: header Location: want ")
			assert.Contains(t, line, "POST /Users -> 201")
			assert.Contains(t, line, r.Text)
		case "7644-3.3-location-works":
			assert.Equal(t, "a proxy takes the header away", r.Reason)
		case "7643-2.2-immutable":
			assert.Equal(t, "Device", r.Case, "the case runs where there is such an attribute")
		}
	}
	text, err := json.Marshal(report)
	require.NoError(t, err)
	var claim struct {
		Date    string
		Clauses []struct{ ID, Case, Result string }
	}
	require.NoError(t, json.Unmarshal(text, &claim))
	assert.Equal(t, report.Date, claim.Date)
	assert.Equal(t, "User, Group, Device", claim.Clauses[1].Case)
	var table strings.Builder
	require.NoError(t, report.Table(&table))
	assert.Contains(t, table.String(), "| RFC 7644 | 3.3 | 1 | 1 | 1 |")
}

// TestConversationsCatch shows that the conversations find a service that removes all members where Entra ID removes one.
func TestConversationsCatch(t *testing.T) {
	h := broken(service(t, scim.Tolerant()), mutant{before: operations(func(o map[string]any) []any {
		if o["op"] == "Remove" && o["path"] == "members" {
			delete(o, "value")
		}
		return []any{o}
	})})
	report, err := scimtest.Check(t.Context(), scimtest.Target{Handler: h, Token: token, Profile: "entra"})
	require.NoError(t, err)
	assert.Contains(t, report.Failed(), "entra/28-group-add-remove-member-legacy")
	for _, r := range report.Clauses {
		if r.Result == scimtest.Failed {
			assert.True(t, strings.HasPrefix(r.String(), "FAIL "+r.ID+" (conversation of entra) step "), r.String())
		}
	}
	assert.Empty(t, report.Left)
	_, err = scimtest.Check(t.Context(), scimtest.Target{Handler: h, Token: token, Profile: "entra", Only: []string{"kit"}})
	assert.ErrorContains(t, err, `there is no conversation "kit" in the profile entra`)
}

func TestCheckRefuses(t *testing.T) {
	h := service(t, scim.Tolerant())
	for want, target := range map[string]scimtest.Target{
		"neither URL nor Handler is set":              {},
		"both URL and Handler are set":                {URL: "http://127.0.0.1", Handler: h},
		`there is no profile "kit"; want one of`:      {Handler: h, Profile: "kit"},
		`there is no clause "kit" in the profile`:     {Handler: h, Only: []string{"kit"}},
		"GET /ServiceProviderConfig is answered with": {Handler: http.NotFoundHandler()},
		"GET /ServiceProviderConfig: ":                {URL: "http://127.0.0.1:0"},
	} {
		_, err := scimtest.Check(t.Context(), target)
		assert.ErrorContains(t, err, want)
	}
}
