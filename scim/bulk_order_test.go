package scim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The same operations in any order, with references forward, backward and in circles, make the same (RFC 7644 section 3.7.1).
func TestBulkOrderMakesNoDifference(t *testing.T) {
	const orders = 60
	manager := func(of string) string { return `"` + enterpriseURN + `":{"manager":{"value":"bulkId:` + of + `"}}` }
	add := func(group, member string) string {
		return `{"method":"PATCH","path":"/Groups/bulkId:` + group + `","data":` + patchBody(`{"op":"add","path":"members","value":[{"value":"bulkId:`+member+`"}]}`) + `}`
	}
	operations := func(old string) []string {
		return []string{
			bulkUser("ada", "ada", manager("bob")), bulkUser("bob", "bob", manager("cleo")), bulkUser("cleo", "cleo", manager("ada")), // a circle of three
			bulkUser("dan", "dan", manager("ada")), bulkUser("eve", "eve", manager("eve")), // one who is in no circle, and a circle of one
			bulkGroup("all", "All", "bulkId:crew", "bulkId:dan"), bulkGroup("crew", "Crew", "bulkId:all", "bulkId:ada", "bulkId:eve"), // a circle of groups
			bulkGroup("lone", "Lone"),
			bulkGroup("broken", "Broken", "bulkId:twice"), // never made, as what it names is refused
			`{"method":"POST","path":"/Users","bulkId":"twice","data":{"schemas":["` + userURN + `"]}}`,
			add("crew", "bob"), add("crew", "cleo"), // in which order makes no difference
			`{"method":"PATCH","path":"/Users/` + old + `","data":` + patchBody(`{"op":"replace","path":"title","value":"T"}`) + `}`,
		}
	}
	state := func(seed uint64) string {
		s := serve(t)
		old := s.user("old")
		all := operations(old)
		r := rand.New(rand.NewPCG(17, seed))
		if seed > 0 {
			r.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		}
		a := s.bulk("", all...)
		var lines []string
		for i, o := range a.at("Operations").([]any) {
			what := all[i]
			if id, ok := o.(map[string]any)["bulkId"].(string); ok {
				what = id
			}
			lines = append(lines, fmt.Sprintf("%.60s is %s", strings.ReplaceAll(what, old, "OLD"), at(t, o, "status")))
			if o.(map[string]any)["version"] != nil && what != "crew" && !strings.Contains(what, "PATCH") { // crew is changed twice
				location := at(t, o, "location").(string)
				assert.Equal(t, s.do("GET", strings.TrimPrefix(location, s.url), "").is(200).header.Get("ETag"), o.(map[string]any)["version"], "%d: %.60s", seed, what)
			}
		}
		names := map[string]string{}
		users, groups := s.do("GET", "/Users", "").is(200), s.do("GET", "/Groups", "").is(200)
		for _, list := range []answer{users, groups} {
			for _, x := range list.at("Resources").([]any) {
				name, ok := x.(map[string]any)["userName"].(string)
				if !ok {
					name = at(t, x, "displayName").(string)
				}
				names[at(t, x, "id").(string)] = name
			}
		}
		for _, list := range []answer{users, groups} {
			for _, x := range list.at("Resources").([]any) {
				v := x.(map[string]any)
				line := names[v["id"].(string)] + fmt.Sprint(" ", v["title"])
				if e, ok := v[enterpriseURN].(map[string]any); ok {
					line += " under " + names[at(t, e, "manager", "value").(string)]
				}
				for _, relation := range []string{"members", "groups"} {
					var related []string
					rows, _ := v[relation].([]any)
					for _, m := range rows {
						related = append(related, names[at(t, m, "value").(string)])
					}
					slices.Sort(related)
					line += fmt.Sprint(" ", relation, related)
				}
				lines = append(lines, line)
			}
		}
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	want := state(0)
	require.Contains(t, want, "ada <nil> under bob members[] groups[Crew]")
	require.Contains(t, want, "Crew <nil> members[All ada bob cleo eve]")
	require.Contains(t, want, "broken is 409")
	require.NotContains(t, want, "Broken")
	for seed := range uint64(orders) {
		require.Equal(t, want, state(seed+1), "the order of seed %d", seed+1)
	}
}
