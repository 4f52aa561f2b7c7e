package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/try"
)

// TestProtocolOnStores checks on each store what package scim asks of them for Bulk, cursors, queries across types and versions.
func TestProtocolOnStores(t *testing.T) {
	try.OnStores(t, func(t *testing.T, store string) {
		p := try.Start(t, boot.App{Name: "server"}, "-store", store)
		var operations []string
		for i := range 50 {
			operations = append(operations, fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"u%d","data":{"userName":"user%02d","displayName":"User %d",
				"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"bulkId:u%d"}}}}`, i, i, i, (i+1)%50))
		}
		operations = append(operations,
			`{"method":"POST","path":"/Groups","bulkId":"g1","data":{"displayName":"One","members":[{"value":"bulkId:g2"},{"value":"bulkId:u0"}]}}`,
			`{"method":"POST","path":"/Groups","bulkId":"g2","data":{"displayName":"Two","members":[{"value":"bulkId:g1"}]}}`,
			`{"method":"PATCH","path":"/Groups/bulkId:g2","data":{"Operations":[{"op":"add","path":"members","value":[{"value":"bulkId:u1"}]}]}}`,
			`{"method":"POST","path":"/Users","bulkId":"again","data":{"userName":"USER00"}}`,
			`{"method":"POST","path":"/Groups","bulkId":"not","data":{"displayName":"Not made","members":[{"value":"bulkId:again"}]}}`)
		answer := p.Do(200, http.MethodPost, "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`+strings.Join(operations, ",")+`]}`)
		results := answer["Operations"].([]any)
		require.Len(t, results, len(operations))
		ids := map[string]string{}
		for i, r := range results {
			r := r.(map[string]any)
			want := "201"
			switch i {
			case 52:
				want = "200"
			case 53, 54:
				want = "409"
			}
			require.Equal(t, want, r["status"], "%v", r)
			if name, ok := r["bulkId"].(string); ok && want == "201" {
				location := r["location"].(string)
				ids[name] = location[strings.LastIndexByte(location, '/')+1:]
			}
		}
		get := func(path string) map[string]any { return p.Do(200, http.MethodGet, path, "") }
		for i := range 50 {
			u := get("/Users/" + ids[fmt.Sprintf("u%d", i)])
			manager := u["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].(map[string]any)["manager"].(map[string]any)["value"]
			assert.Equal(t, ids[fmt.Sprintf("u%d", (i+1)%50)], manager)
			assert.Equal(t, u["meta"].(map[string]any)["version"], results[i].(map[string]any)["version"])
		}
		assert.Len(t, get("/Groups/" + ids["g1"])["members"], 2)
		assert.Len(t, get("/Groups/" + ids["g2"])["members"], 2)

		seen, pages := map[string]bool{}, 0
		for cursor, more := "", true; more; pages++ {
			page := get("/Users?count=20&sortBy=displayName&cursor=" + cursor)
			for _, r := range page["Resources"].([]any) {
				seen[r.(map[string]any)["id"].(string)] = true
			}
			cursor, more = page["nextCursor"].(string)
		}
		assert.Len(t, seen, 50)
		assert.Equal(t, 3, pages)

		for filter, want := range map[string]float64{
			`meta.resourceType eq "Group"`: 2, `displayName eq "one" or userName eq "user07"`: 2, `id pr`: 52, `userName sw "user0"`: 10, `not (userName pr)`: 2,
			`displayName sw "User 1" and meta.resourceType eq "User"`: 11, `members[value eq "` + ids["u1"] + `"]`: 1,
		} {
			assert.Equal(t, want, get("/?filter=" + url.QueryEscape(filter))["totalResults"], filter)
		}

		version := func(path string) any { return get(path)["meta"].(map[string]any)["version"] }
		user, group := "/Users/"+ids["u1"], "/Groups/"+ids["g2"]
		u, g := version(user), version(group)
		p.Patch(200, user, "replace", "displayName", `"Renamed"`)
		assert.NotEqual(t, g, version(group), "the group shows another display")
		p.Patch(204, group, "replace", "displayName", `"Renamed"`)
		assert.NotEqual(t, u, version(user), "the user shows another display")
	})
}
