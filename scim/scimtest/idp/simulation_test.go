package idp_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest/idp"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

const token = "a-token-of-acme"

func service(t *testing.T) http.Handler {
	t.Helper()
	h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.BearerTokens{token: "acme"}})
	require.NoError(t, err)
	return h
}

// simulate simulates four months of a small company within a bubble of testing/synctest.
func simulate(t *testing.T, h http.Handler, name string, seed uint64) (report *idp.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var err error
		report, err = idp.Simulate(t.Context(), idp.Options{IdP: name, Handler: h, Token: token, Seed: seed, People: 60, Days: 120, Day: 24 * time.Hour})
		require.NoError(t, err)
		assert.GreaterOrEqual(t, time.Since(began), 120*24*time.Hour)
	})
	return report
}

// TestProviders shows that there are no disagreements with any provider, and that a simulation deletes what it has made.
func TestProviders(t *testing.T) {
	for _, name := range idp.Names() {
		t.Run(name, func(t *testing.T) {
			h := service(t)
			report := simulate(t, h, name, 7)
			for _, d := range report.Disagreements {
				t.Error(d)
			}
			assert.Empty(t, report.Failures)
			assert.True(t, report.OK())
			assert.Equal(t, 4, report.Comparisons)
			assert.Greater(t, report.Users, 35)
			for _, event := range []string{"hire", "leave", "rename", "move"} {
				assert.Positive(t, report.Events[event], event)
			}
			for _, path := range []string{"/Users", "/Groups"} {
				assert.Equal(t, 0.0, get(t, h, path)["totalResults"], "what the simulation has made is deleted")
			}
		})
	}
}

// TestDeterministic shows that the same seed gives the same events and the same requests.
func TestDeterministic(t *testing.T) {
	one, two, other := simulate(t, service(t), "entra", 3), simulate(t, service(t), "entra", 3), simulate(t, service(t), "entra", 4)
	assert.Equal(t, one, two)
	assert.NotEqual(t, one.Events, other.Events)
}

// TestLeavesOthersAlone shows that resources that were there before are neither compared nor deleted.
func TestLeavesOthersAlone(t *testing.T) {
	h := service(t)
	send(t, h, "POST", "/Users", `{"userName":"other@example.com"}`)
	before := get(t, h, "/Users")
	report := simulate(t, h, "okta", 5)
	assert.True(t, report.OK())
	assert.Equal(t, before, get(t, h, "/Users"))
}

// TestFindsDisagreement shows that a service that is broken in one way makes a disagreement.
func TestFindsDisagreement(t *testing.T) {
	for name, broken := range map[string]struct {
		idp    string
		breaks func(method, path string, body []byte) []byte
		found  string
	}{
		"a removed member empties the group": {"entra", func(method, path string, body []byte) []byte {
			if strings.HasPrefix(path, "/Groups/") && bytes.Contains(body, []byte(`"Remove"`)) {
				return []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members"}]}`)
			}
			return body
		}, "members"},
		"nobody is deactivated": {"okta-oin", func(method, path string, body []byte) []byte {
			return bytes.ReplaceAll(body, []byte(`"active":false`), []byte(`"active":true`))
		}, "active"},
		"titles are kept as they were": {"sailpoint", func(method, path string, body []byte) []byte {
			if method == "PATCH" {
				return bytes.ReplaceAll(body, []byte(`"path":"title"`), []byte(`"path":"nickName"`))
			}
			return body
		}, "title"},
		"deletions are forgotten": {"google", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := service(t)
			report := simulate(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if broken.breaks == nil && r.Method == http.MethodDelete {
					w.WriteHeader(http.StatusNoContent)
					return
				}
				if broken.breaks != nil {
					body = broken.breaks(r.Method, r.URL.Path, body)
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				r.ContentLength = int64(len(body))
				h.ServeHTTP(w, r)
			}), broken.idp, 7)
			require.NotEmpty(t, report.Disagreements)
			assert.False(t, report.OK())
			assert.Equal(t, broken.found, report.Disagreements[0].Attribute)
		})
	}
}

// TestRetries shows that requests are repeated while a service is unavailable, and that nothing is missing at the end.
func TestRetries(t *testing.T) {
	h := service(t)
	var n atomic.Int64
	report := simulate(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch i := n.Add(1); {
		case i%50 == 0:
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		case i%77 == 0 && r.Method != http.MethodGet && r.Method != http.MethodDelete:
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		h.ServeHTTP(w, r)
	}), "entra", 9)
	assert.Empty(t, report.Disagreements)
	assert.Positive(t, report.Failed, "a 502 isn't tried again at once")
	assert.Positive(t, report.Statuses[http.StatusTooManyRequests])
	for _, f := range report.Failures {
		assert.Contains(t, f, "502")
	}
}

// TestQuarantine shows that Entra ID stops for hours when its credential is refused, and later goes on where it was.
func TestQuarantine(t *testing.T) {
	h := service(t)
	var bad atomic.Bool
	report := &idp.Report{}
	synctest.Test(t, func(t *testing.T) {
		var err error
		report, err = idp.Simulate(t.Context(), idp.Options{IdP: "entra", Token: token, Seed: 1, People: 60, Days: 20, Day: 24 * time.Hour,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if bad.Load() {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				h.ServeHTTP(w, r)
			}),
			Each: func(day int, r *idp.Report) { bad.Store(day >= 3 && day < 7) },
		})
		require.NoError(t, err)
	})
	assert.Positive(t, report.Quarantines)
	assert.Less(t, report.Statuses[http.StatusUnauthorized], 40)
	assert.Empty(t, report.Disagreements)
}

func TestSimulateRefuses(t *testing.T) {
	for want, o := range map[string]idp.Options{
		`there is no simulator of "kit"; want one of [entra`: {IdP: "kit"},
		"want URL or Handler":                                {IdP: "okta"},
		"refused: GET /Users?star":                           {IdP: "okta", Handler: http.NotFoundHandler()},
	} {
		_, err := idp.Simulate(t.Context(), o)
		assert.ErrorContains(t, err, want)
	}
}

func get(t *testing.T, h http.Handler, path string) map[string]any {
	return send(t, h, "GET", path, "")
}

func send(t *testing.T, h http.Handler, method, path, body string) map[string]any {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var answer map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	return answer
}
