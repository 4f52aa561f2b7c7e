package benchmarks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/sqlstore/postgres"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/connection"
	"github.com/rollcall-dev/rollcall/scim/portal"
	"github.com/rollcall-dev/rollcall/store"
)

// BenchmarkPortal opens each page of the portal, of a tenant with as many people as the variable says.
func BenchmarkPortal(b *testing.B) {
	users := 2_000
	if text := os.Getenv(usersVariable); text != "" && !testing.Short() {
		var err error
		users, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	s, err := postgres.OnPool(b.Context(), newPool(b), nil)
	require.NoError(b, err)
	fillTenant(b, s, users)
	links, err := connection.New(s, nil)
	require.NoError(b, err)
	h, err := scim.NewHandler(s, &scim.Options{Auth: links, Lifecycle: lifecycle.Options{Safety: func() lifecycle.Safety { return lifecycle.Safety{} }}})
	require.NoError(b, err)
	by := lifecycle.Request{Tenant: bareTenant}
	c, err := links.Create(b.Context(), by, "Okta", connection.Okta)
	require.NoError(b, err)
	k, err := links.Issue(b.Context(), by, c.ID, connection.Ask{Kind: connection.Bearer})
	require.NoError(b, err)
	for i := range 500 { // so that there is a journal, with refusals
		r := httptest.NewRequest(http.MethodPost, "/Users", strings.NewReader(fmt.Sprintf(`{"userName":"portal%d@corp.example"}`, i/2)))
		r.Header.Set("Authorization", "Bearer "+k.Token)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	settings := &lifecycle.StoredSettings{Store: s}
	p, err := portal.New(portal.Options{Store: s, Handler: h, Connections: links, URL: "https://app.example/setup", SCIM: "https://app.example/scim/v2",
		Settings: settings, Choices: portal.ChoiceNames(), Session: func(*http.Request) (portal.Admin, error) {
			return portal.Admin{Tenant: bareTenant, Who: "ann", Abilities: portal.Abilities()}, nil
		}})
	require.NoError(b, err)
	id := func(typ string) string {
		page, err := s.List(b.Context(), store.Query{Tenant: bareTenant, Types: []string{typ}, Count: 1, NoTotal: true})
		require.NoError(b, err)
		return page.Resources[0].ID
	}
	entries, _, err := h.Lifecycle().Journal(b.Context(), lifecycle.JournalQuery{Tenant: bareTenant, Outcome: lifecycle.Refused, Max: 1})
	require.NoError(b, err)
	for _, x := range []struct{ name, path string }{
		{"overview", "/"}, {"set up", "/connect"}, {"credentials", "/credentials"}, {"people", "/people"}, {"people named", "/people?q=portal7@corp.example"},
		{"people who are not there", "/people?q=nobody-has-this"}, {"people pending", "/people?state=pending"}, {"people newest", "/people?sort=created"},
		{"people by user name", "/people?sort=userName"}, {"people backwards", "/people?sort=userNameDown"}, {"person", "/people/" + id("User")}, {"groups", "/groups"}, {"group of a tenth", "/groups/" + id("Group")},
		{"activity", "/activity"}, {"refusals", "/activity?outcome=refused"}, {"entry", "/activity/" + entries[0].ID}, {"safety", "/safety"},
		{"settings", "/settings"}, {"effects", "/settings?change=1&scimOff=suspend&deprovision=delete&delete=keep&existingUser=link&existingAccount=link&inactiveUser=restore"}, {"switch off", "/off"},
	} {
		b.Run(strings.ReplaceAll(x.name, " ", "_"), func(b *testing.B) {
			size := 0
			for b.Loop() {
				w := httptest.NewRecorder()
				p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://app.example/setup"+x.path, nil))
				if size = w.Body.Len(); w.Code != http.StatusOK {
					b.Fatalf("%s: %d %.200s", x.path, w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(size), "page-bytes")
		})
	}
}
