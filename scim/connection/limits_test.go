package connection_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// A connection has limits of its own, which hold in every process when the change returns, and are nobody else's.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := storetest.NewFake()
		p, other := newProcess(t, fake, nil), newProcess(t, fake, nil)
		k, free := p.token(connection.Ask{}), p.token(connection.Ask{})
		require.Equal(t, 200, other.do("GET", "/Users", k.Token, "").Code)
		limit := func(l connection.Limits) {
			t.Helper()
			c, err := p.c.Change(t.Context(), by, k.Connection, connection.Update{Limits: &l})
			require.NoError(t, err)
			assert.Equal(t, l, c.Limits)
		}
		burst := func(token string) (passed int) {
			for range 30 {
				w := other.do("GET", "/Users", token, "")
				if w.Code == 200 {
					passed++
					continue
				}
				assert.Equal(t, 429, w.Code)
				seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
				assert.NoError(t, err)
				assert.Positive(t, seconds)
				assert.Contains(t, w.Body.String(), "this connection")
			}
			return passed
		}
		limit(connection.Limits{PerSecond: 2, Burst: 5, Body: 2048})
		assert.Equal(t, 5, burst(k.Token))
		assert.Equal(t, 30, burst(free.Token), "another connection has no limit")
		time.Sleep(time.Second)
		assert.Equal(t, 2, burst(k.Token), "two a second")
		limit(connection.Limits{PerSecond: 10, Body: 2048})
		time.Sleep(time.Minute)
		assert.Equal(t, 20, burst(k.Token), "what was changed holds, and twice the rate at once")
		time.Sleep(time.Minute)

		long := `{"userName":"ada"` + strings.Repeat(" ", 2048) + `}`
		w := p.do("POST", "/Users", k.Token, long)
		assert.Equal(t, 413, w.Code)
		assert.Contains(t, w.Body.String(), "the limit of this connection is 2048 bytes")
		w = p.do("POST", "/Users", free.Token, long)
		assert.Equal(t, 201, w.Code, w.Body.String())
		assert.Equal(t, 201, p.do("POST", "/Users", k.Token, `{"userName":"bob"}`).Code)
		limit(connection.Limits{})
		assert.Equal(t, 30, burst(k.Token), "none again")

		list, err := p.c.List(t.Context(), "acme")
		require.NoError(t, err)
		assert.Zero(t, list[0].Limits)
		entries, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Connection: k.Connection, Outcome: "refused", Max: 1_000})
		require.NoError(t, err)
		assert.Contains(t, string(entries[0].Data), "the limit of this connection")

		var wrong *connection.InvalidError
		for _, l := range []connection.Limits{{PerSecond: -1}, {Burst: 3}, {PerSecond: 1, Burst: -1}, {Body: 3}, {Body: -1}} {
			_, err := p.c.Change(t.Context(), by, k.Connection, connection.Update{Limits: &l})
			assert.ErrorAs(t, err, &wrong, "%+v", l)
		}
	})
}

// Which provider it is, is recognised from what it calls itself and from what only it does; the first that tells it counts.
func TestRecognised(t *testing.T) {
	for name, c := range map[string]struct {
		agent, method, body string
		want                connection.Provider
	}{
		"Okta":             {"Okta SCIM Client 1.0.0", "GET", "", connection.Okta},
		"OneLogin":         {"OneLogin", "GET", "", connection.OneLogin},
		"Google":           {"Google-Auto-Provisioning", "GET", "", connection.Google},
		"JumpCloud":        {"JumpCloud_SCIM/1", "GET", "", connection.JumpCloud},
		"Ping":             {"PingOne", "GET", "", connection.Ping},
		"Entra":            {"AzureAD-Provisioning", "GET", "", connection.Entra},
		"Entra's booleans": {"", "PATCH", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`, connection.Entra},
		"nobody":           {"curl/8", "GET", "", ""},
		"nothing special":  {"", "PATCH", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProcess(t, storetest.NewFake(), nil)
				k := p.token(connection.Ask{})
				recognised := func() connection.Provider {
					list, err := p.c.List(t.Context(), "acme")
					require.NoError(t, err)
					return list[0].Recognised
				}
				assert.Empty(t, recognised())
				path := "/Users"
				if c.method == "PATCH" {
					w := p.do("POST", "/Users", k.Token, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada"}`)
					require.Equal(t, 201, w.Code)
					path = strings.TrimPrefix(w.Header().Get("Location"), "http://example.com")
				}
				send := func(agent string) {
					r := httptest.NewRequestWithContext(t.Context(), c.method, path, strings.NewReader(c.body))
					r.Header.Set("Authorization", "Bearer "+k.Token)
					r.Header.Set("User-Agent", agent)
					w := httptest.NewRecorder()
					p.h.ServeHTTP(w, r)
					require.Equal(t, 200, w.Code, w.Body.String())
				}
				send(c.agent)
				assert.Equal(t, c.want, recognised())
				if c.want != "" {
					send("something else of Okta")
					assert.Equal(t, c.want, recognised(), "it stays")
				}
			})
		})
	}
}

// What is issued shows its secrets to no log, however it is printed.
func TestIssuedIsHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, storetest.NewFake(), nil)
		for _, kind := range []connection.Kind{connection.Bearer, connection.Client} {
			k := p.token(connection.Ask{Kind: kind})
			var log strings.Builder
			for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
				slog.New(h).Info("issued", "one", k, "two", *k)
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
				fmt.Fprintf(&log, verb+verb, k, *k)
			}
			for _, secret := range []string{k.Token, k.Secret} {
				if secret != "" {
					assert.NotContains(t, log.String(), secret)
				}
			}
			assert.Contains(t, log.String(), k.Prefix)
		}
	})
}
