package app_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/scim/scimtest/idp"
	"github.com/rollcall-dev/rollcall/store/document"
)

// company returns the people of a simulated provider. To learn them, it lets the provider provision another product.
func company(t *testing.T, provider string, people int) []object {
	t.Helper()
	a := &app.App{}
	p := try.Start(t, a.Boot("app"))
	_, err := idp.Simulate(t.Context(), idp.Options{IdP: provider, URL: p.Base, Token: try.Token, Seed: 7, People: people, Days: 1, Keep: true})
	require.NoError(t, err)
	return everybody(p, "/Users")
}

// everybody returns all resources of a list, read with the product's own credential.
func everybody(p *try.Product, path string) (all []object) {
	for start := 1; ; start += 200 {
		page := p.Do(200, "GET", fmt.Sprintf("%s?count=200&startIndex=%d", path, start), "")
		list, _ := page["Resources"].([]any)
		for _, x := range list {
			all = append(all, x.(object))
		}
		if len(list) < 200 {
			return all
		}
	}
}

// dirty returns a file of the same people, with the faults that it has in a product in which they signed up by themselves.
func dirty(people []object) string {
	r := rand.New(rand.NewPCG(11, 11))
	var b strings.Builder
	b.WriteString("userName,displayName,email,externalId,state,firstLogin,billed,groups\n")
	for i, x := range people {
		name, external, mail := x["userName"].(string), fmt.Sprint(x["externalId"]), ""
		if list, ok := x["emails"].([]any); ok {
			mail = list[0].(object)["value"].(string)
		}
		state, login, billed := "active", "2025-03-01T08:00:00Z", "true"
		switch k := r.IntN(20); k {
		case 0, 1, 2:
			name = strings.ToUpper(name) // case
		case 3, 4:
			external = "" // missing
		case 5:
			name = "x" + name // a typo
			external = ""
		case 6:
			name, external = strings.Replace(name, "a", "\u0430", 1), "" // a look-alike, where there is an a
		case 7:
			external = "re-used-" + external // somebody else had the name
		case 8:
			external, state, login, billed = "", "suspended", "", "false"
		case 9:
			external, state, login, billed = "", "provisioned", "", "false"
		case 10:
			continue // this person has no account yet
		case 11:
			name = "  " + name + " "
		}
		fmt.Fprintf(&b, "%q,%q,%q,%q,%s,%s,%s,%q\n", name, "", mail, external, state, login, billed, fmt.Sprintf("Team %d", i%7))
	}
	for i := range len(people) / 50 { // people whom the provider doesn't know
		fmt.Fprintf(&b, "freelancer%d,,f%d@else.example,,active,2025-03-01T08:00:00Z,true,\n", i, i)
	}
	return b.String()
}

// Thousands of people with typos, other cases, look-alikes, re-used names and missing externalIds are imported. A provider's first sync goes to the
// shadow. Going live does what the preview says. Nobody is there twice, no id changes, and no address changes that the
// preview doesn't show.
func TestForecast(t *testing.T) {
	people := many(1_000, 60)
	for _, provider := range []string{"entra", "okta"} {
		t.Run(provider, func(t *testing.T) {
			file := dirty(company(t, provider, people))
			stores := try.OnStores
			if people >= 1_000 {
				stores = func(t *testing.T, test func(t *testing.T, where string)) { test(t, "memory") }
			}
			stores(t, func(t *testing.T, where string) {
				a := &app.App{}
				p := try.Start(t, a.Boot("app"), "-store", where)
				forecast(t, p, provider, people, file)
			})
		})
	}
}

func forecast(t *testing.T, p *try.Product, provider string, people int, file string) {
	report := importPeople(t, p, 200, "text/csv", file)
	t.Logf("imported, linked, conflict, invalid, unchanged: %v", report.counts())
	before := byID(everybody(p, "/Users"))
	accounts := accountsOf(t, p)

	id, _, token := connect(p, provider, strings.Split(provider, "-")[0])
	p.Do(200, "PATCH", "/app/connections/"+id+"?tenant=acme", `{"state":"shadow"}`)
	began := time.Now()
	result, err := idp.Simulate(t.Context(), idp.Options{IdP: provider, URL: p.Base, Token: token, Seed: 7, People: people, Days: 1, Keep: true})
	require.NoError(t, err)
	t.Logf("first sync: %d requests in %s, %d failed: %v", result.Requests, time.Since(began).Round(time.Second), result.Failed, first(result.Failures, 3))
	assert.Empty(t, first(result.Disagreements, 3), "what it wrote it reads back")
	assert.Equal(t, before, byID(everybody(p, "/Users")), "nothing of the product has changed")

	began = time.Now()
	rows := map[string]object{}
	counts := map[string]int{}
	groups := 0
	for cursor := ""; ; {
		page := p.Do(200, "GET", "/app/preview?tenant=acme&connection="+id+"&cursor="+cursor, "")
		for _, x := range page["people"].([]any) {
			row := x.(object)
			counts[row["action"].(string)]++
			if row["id"] != "" {
				rows[row["id"].(string)] = row
			}
			if row["action"] == "refuse" {
				assert.NotEmpty(t, row["explanation"], "every miss is explained")
			}
		}
		groups += len(page["groups"].([]any))
		if cursor = page["next"].(string); cursor == "" {
			break
		}
	}
	t.Logf("preview in %s: %v, %d groups", time.Since(began).Round(time.Second), counts, groups)

	began = time.Now()
	require.Eventually(t, func() bool {
		status, _, err := try.Send(t.Context(), p.Base, try.Token, "POST", "/app/connections/"+id+"/live?tenant=acme", "")
		require.NoError(t, err)
		return status == 200 || status == 409
	}, 5*time.Minute, 10*time.Millisecond)
	t.Logf("went live in %s", time.Since(began).Round(time.Second))

	after := byID(everybody(p, "/Users"))
	states := accountsOf(t, p)
	right, wrong := 0, []string(nil)
	for uid, row := range rows {
		was, is := before[uid], after[uid]
		ok := false
		switch row["action"] {
		case "create":
			ok = was == nil && is != nil
		case "link":
			ok = was != nil && is != nil && states[uid]["managedBy"] == "scim" && changesHold(row, is)
		case "change":
			ok = was != nil && is != nil && changesHold(row, is)
		case "deactivate":
			ok = is == nil || states[uid]["status"] == "suspended" || states[uid]["status"] == "deactivated"
		case "refuse", "unknown":
			ok = assert.ObjectsAreEqual(was, is) && assert.ObjectsAreEqual(accounts[uid], states[uid])
		}
		if right++; !ok {
			right--
			wrong = append(wrong, fmt.Sprint(row, " was ", was, " is ", is))
		}
	}
	assert.GreaterOrEqual(t, float64(right), 0.999*float64(len(rows)), first(wrong, 3))
	names, externals, rewritten := map[string]int{}, map[string]int{}, 0
	for uid, x := range after {
		names[document.Fold(x["userName"].(string))]++
		if e, ok := x["externalId"].(string); ok {
			externals[e]++
		}
		if was := before[uid]; was != nil && fmt.Sprint(was["emails"]) != fmt.Sprint(x["emails"]) && !tells(rows[uid], "emails") {
			rewritten++
		}
	}
	for uid := range before {
		assert.Contains(t, after, uid, "no id is gone")
	}
	assert.Len(t, names, len(after), "nobody is there twice by userName")
	twice := 0
	for _, n := range externals {
		twice += n - 1
	}
	assert.Zero(t, twice, "nobody is there twice by externalId")
	assert.Zero(t, rewritten)
	t.Logf("%d of %d forecasts are what happened, %d people", right, len(rows), len(after))
}

// changesHold checks that somebody's attributes have the values that the preview has shown.
func changesHold(row, is object) bool {
	for _, c := range row["changes"].([]any) {
		c := c.(object)
		name := c["attribute"].(string)
		if name == "active" || name == "password" {
			continue
		}
		if !assert.ObjectsAreEqual(c["to"], is[name]) {
			return false
		}
	}
	return true
}

func tells(row object, attribute string) bool {
	if row == nil {
		return false
	}
	for _, c := range row["changes"].([]any) {
		if c.(object)["attribute"] == attribute {
			return true
		}
	}
	return false
}

// byID returns resources by their id, without meta and groups.
func byID(list []object) map[string]object {
	all := make(map[string]object, len(list))
	for _, x := range list {
		delete(x, "meta")
		delete(x, "groups")
		all[x["id"].(string)] = x
	}
	return all
}

// accountsOf returns the lines of GET /app/users, by id.
func accountsOf(t *testing.T, p *try.Product) map[string]object {
	t.Helper()
	all := map[string]object{}
	for cursor := ""; ; {
		page := p.Do(200, "GET", "/app/users?tenant=acme&cursor="+cursor, "")
		for _, x := range page["users"].([]any) {
			all[x.(object)["id"].(string)] = x.(object)
		}
		if cursor = page["next"].(string); cursor == "" {
			return all
		}
	}
}

func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }

func newApp() *app.App { return new(app.App) }

// manyVariable says how many people the tests with many people have.
const manyVariable = "ROLLCALL_TEST_PEOPLE"

// many returns the number of people: the value of the variable, or a default, which is small if the test is slow.
func many(usual, few int) int {
	if n, err := strconv.Atoi(os.Getenv(manyVariable)); err == nil {
		return n
	}
	if testing.Short() || underRace {
		return few
	}
	return usual
}
