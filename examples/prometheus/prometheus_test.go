package prometheus_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/prometheus"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// busy returns a service that has done a bit of everything that is counted.
func busy(t *testing.T) (*client.Registry, *lifecycle.Service) {
	t.Helper()
	registry := client.NewRegistry()
	metrics := prometheus.New(registry)
	fake := storetest.NewFake()
	connections, err := connection.New(fake, &connection.Options{Fallback: scim.BearerTokens{"secret": "acme-corporation"}})
	require.NoError(t, err)
	h, err := scim.NewHandler(fake, &scim.Options{
		Auth: connections,
		Hooks: lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error {
			if e.UserName == "bad@example.com" {
				return errors.New("no")
			}
			return nil
		}},
		Lifecycle: lifecycle.Options{Observer: metrics, Delivery: lifecycle.Delivery{Attempts: 1}},
	})
	require.NoError(t, err)
	metrics.Watch(h.Lifecycle())
	metrics.WatchExpiry(connections.NextExpiry)
	by := lifecycle.Request{Tenant: "acme-corporation"}
	okta, err := connections.Create(t.Context(), by, "Okta", connection.Okta)
	require.NoError(t, err)
	for _, days := range []int{40, 11, 7} {
		k, err := connections.Issue(t.Context(), by, okta.ID, connection.Ask{Kind: connection.Bearer, Expires: time.Now().Add(time.Duration(days)*24*time.Hour - time.Hour)})
		require.NoError(t, err)
		if days == 7 {
			require.NoError(t, connections.Revoke(t.Context(), by, k.ID)) // it doesn't count any more
		}
	}
	for _, q := range []struct{ method, path, token, body string }{
		{"POST", "/Users", "secret", `{"userName":"ann@example.com","active":"True"}`},
		{"POST", "/Users", "secret", `{"userName":"ann@example.com"}`},
		{"POST", "/Users", "secret", `{"userName":"bad@example.com"}`},
		{"GET", "/Users", "wrong", ""},
		{"GET", "/Users", "secret", ""},
	} {
		r := httptest.NewRequest(q.method, q.path, strings.NewReader(q.body))
		r.Header.Set("Authorization", "Bearer "+q.token)
		r.Header.Set("Content-Type", "application/scim+json")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	return registry, h.Lifecycle()
}

func TestMetrics(t *testing.T) {
	registry, service := busy(t)
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP rollcall_auth_failures_total Requests without a valid credential, by reason (missing, invalid).
# TYPE rollcall_auth_failures_total counter
rollcall_auth_failures_total{reason="invalid"} 1
rollcall_auth_failures_total{reason="missing"} 0
# HELP rollcall_deliveries_total Attempts to tell a consumer an event, by consumer, kind and outcome (done, retry, park).
# TYPE rollcall_deliveries_total counter
rollcall_deliveries_total{consumer="hooks",kind="provisioned",outcome="done"} 1
rollcall_deliveries_total{consumer="hooks",kind="provisioned",outcome="park"} 1
# HELP rollcall_parked Events that a consumer has given up.
# TYPE rollcall_parked gauge
rollcall_parked{consumer="hooks"} 1
# HELP rollcall_outbox_lag_seconds How old the oldest event is that a consumer has yet to be told; 0 if none waits.
# TYPE rollcall_outbox_lag_seconds gauge
rollcall_outbox_lag_seconds{consumer="hooks"} 0
`), "rollcall_auth_failures_total", "rollcall_deliveries_total", "rollcall_parked", "rollcall_outbox_lag_seconds"))
	families, err := registry.Gather()
	require.NoError(t, err)
	decided := map[string]float64{}
	for _, f := range families {
		switch f.GetName() {
		case "rollcall_credential_expiry_days":
			assert.InDelta(t, 10.9, f.GetMetric()[0].GetGauge().GetValue(), 0.1)
		case "rollcall_decisions_total":
			for _, m := range f.GetMetric() {
				decided[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	held, there := decided["held"]
	assert.True(t, there, "increase() is told of the first change held only if there was a 0 before")
	assert.Zero(t, held)
	assert.Equal(t, 1.0, decided["refused"])
	parked, err := service.Parked(t.Context(), "acme-corporation", 1)
	require.NoError(t, err)
	require.Len(t, parked, 1)
	for _, f := range families {
		assert.True(t, strings.HasPrefix(f.GetName(), "rollcall_"), f.GetName())
		for _, secret := range []string{"acme-corporation", "example.com", parked[0].ID, parked[0].Subject.ID, "secret"} {
			assert.NotContains(t, f.String(), secret)
		}
	}
}

// Every metric that the dashboard and the alerts name is there.
func TestDashboardAndAlerts(t *testing.T) {
	registry, _ := busy(t)
	families, err := registry.Gather()
	require.NoError(t, err)
	there := map[string]bool{}
	labels := map[string]map[string]bool{}
	for _, f := range families {
		there[f.GetName()] = true
		labels[f.GetName()] = map[string]bool{"le": true}
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels[f.GetName()][l.GetName()] = true
		}
	}
	named := map[string]bool{}
	for _, file := range []string{"dashboard.json", "alerts.yaml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(rollcall_[a-z_]+)(?:\{([a-z]+)[=!~])?`).FindAllStringSubmatch(string(text), -1) {
			name := m[1]
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				if base := strings.TrimSuffix(name, suffix); there[base] {
					name = base
				}
			}
			assert.True(t, there[name], "%s names %s, which isn't there", file, m[1])
			assert.True(t, m[2] == "" || labels[name][m[2]], "%s asks for the label %s of %s", file, m[2], name)
			named[name] = true
		}
	}
	type panel struct {
		ID, Title, Type, Description any
		GridPos                      struct{ H, W, X, Y int }
		FieldConfig                  struct{ Defaults struct{ Unit string } }
		Targets                      []struct{ Expr, LegendFormat string }
	}
	var dashboard struct{ Panels []panel }
	text, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &dashboard))
	cells, ids, shown := map[[2]int]any{}, map[any]bool{}, map[string]bool{}
	for _, p := range dashboard.Panels {
		assert.False(t, ids[p.ID], "two panels have the id %v", p.ID)
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				assert.Nil(t, cells[cell], "%v lies over it", p.Title)
				assert.Less(t, cell[0], 24)
				cells[cell] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		assert.NotEmpty(t, p.Description, p.Title)
		assert.NotEmpty(t, p.FieldConfig.Defaults.Unit, p.Title)
		require.NotEmpty(t, p.Targets, p.Title)
		for _, q := range p.Targets {
			assert.NotEmpty(t, q.LegendFormat, p.Title)
			for _, name := range regexp.MustCompile(`rollcall_[a-z_]+`).FindAllString(q.Expr, -1) {
				shown[name] = true
			}
		}
	}
	alerts, err := os.ReadFile("alerts.yaml")
	require.NoError(t, err)
	for _, name := range regexp.MustCompile(`rollcall_[a-z_]+`).FindAllString(string(alerts), -1) {
		assert.True(t, shown[name], "whoever is woken because of %s finds no panel of it", name)
	}
	for name := range there {
		assert.True(t, named[name], "%s is neither on the dashboard nor in an alert", name)
	}
}
