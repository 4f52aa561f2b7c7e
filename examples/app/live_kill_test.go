package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

// A server on which a connection goes live is killed again and again, and the request is sent again. In the end everybody is there exactly once,
// with the id that the identity provider got, and there was one event about each.
func TestKillGoingLive(t *testing.T) {
	if testing.Short() {
		t.Skip("it kills processes for a while")
	}
	kills := 3
	if n, err := strconv.Atoi(os.Getenv(killsVariable)); err == nil {
		kills = n
	}
	people := max(300, 100*kills)
	try.OnEngines(t, func(t *testing.T, where string) {
		p := spawn(t, where)
		ask := func(token string, want int, method, path, body string) object {
			t.Helper()
			status, answer, err := try.Send(t.Context(), p.base, token, method, path, body)
			require.NoError(t, err)
			require.Equal(t, want, status, answer)
			return answer
		}
		id := ask(try.Token, 201, "POST", "/app/connections?tenant=acme", `{"name":"Entra","provider":"entra"}`)["id"].(string)
		token := ask(try.Token, 201, "POST", "/app/connections/"+id+"/credentials?tenant=acme", `{"kind":"bearer"}`)["token"].(string)
		ask(try.Token, 200, "PATCH", "/app/connections/"+id+"?tenant=acme", `{"state":"shadow"}`)
		ids := map[string]string{}
		const together = 100
		for from := 0; from < people; from += together {
			body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`
			for i := from; i < from+together; i++ {
				body += fmt.Sprintf(`%s{"method":"POST","path":"/Users","bulkId":"u%d","data":{"userName":"u%d"}}`, map[bool]string{true: "", false: ","}[i == from], i, i)
			}
			members := ""
			for i := from; i < from+together; i++ {
				members += fmt.Sprintf(`%s{"value":"bulkId:u%d"}`, map[bool]string{true: "", false: ","}[i == from], i)
			}
			body += fmt.Sprintf(`,{"method":"POST","path":"/Groups","bulkId":"g","data":{"displayName":"G%d","members":[%s]}}]}`, from, members)
			for _, x := range ask(token, 200, "POST", "/Bulk", body)["Operations"].([]any) {
				x := x.(object)
				require.Equal(t, "201", x["status"], x)
				at, err := url.Parse(x["location"].(string))
				require.NoError(t, err)
				ids[x["bulkId"].(string)+fmt.Sprint(from)] = at.Path[len("/scim/v2"):]
			}
		}
		killed := 0
		for range kills {
			done := make(chan int, 1)
			go func(base string) {
				status, _, _ := try.Send(t.Context(), base, try.Token, "POST", "/app/connections/"+id+"/live?tenant=acme", "")
				done <- status
			}(p.base)
			select {
			case <-done: // going live ended before the kill
			case <-time.After(time.Duration(20+rand.IntN(200)) * time.Millisecond):
				killed++
			}
			p.kill()
			p = spawn(t, where)
		}
		t.Logf("%d times in the middle", killed)
		require.Eventually(t, func() bool {
			status, answer, err := send(p.base, http.MethodPost, "/app/connections/"+id+"/live?tenant=acme", "")
			require.NoError(t, err)
			require.Contains(t, []int{200, 202, 409}, status, answer)
			return status != 202
		}, 3*time.Minute, 10*time.Millisecond)

		for _, path := range ids {
			ask(token, 200, "GET", path, "")
			ask(try.Token, 200, "GET", path, "")
		}
		assert.EqualValues(t, people, ask(try.Token, 200, "GET", "/Users?count=0", "")["totalResults"])
		assert.EqualValues(t, people, ask(try.Token, 200, "GET", "/app/seats?tenant=acme", "")["used"])
		assert.Len(t, ask(try.Token, 200, "GET", ids["g0"], "")["members"], together)
		told := map[string]map[string]bool{} // the ids of the events by kind and subject
		require.Eventually(t, func() bool {
			provisioned := 0
			for _, e := range pages(t, p.base, "/app/events", "events", "after") {
				key := e["kind"].(string) + " " + e["subject"].(string)
				if told[key] == nil {
					told[key] = map[string]bool{}
				}
				told[key][e["id"].(string)] = true
			}
			for key := range told {
				if key[:len("provisioned")] == "provisioned" {
					provisioned++
				}
			}
			return provisioned == people
		}, time.Minute, 100*time.Millisecond)
		for key, events := range told {
			if key[:len("provisioned")] == "provisioned" {
				assert.Len(t, events, 1, key)
			}
		}
	})
}

// Everybody moves from one connection to another. The first sync of the new connection goes to its shadow, then it goes live, and the old one is
// switched off. Nobody loses access meanwhile.
func TestMoveConnection(t *testing.T) {
	people := many(1_000, 80)
	stores := onStores
	if people >= 1_000 {
		stores = func(t *testing.T, test func(t *testing.T, p *try.Product)) { test(t, onMemory(t)) }
	}
	stores(t, func(t *testing.T, p *try.Product) {
		old, _, oldToken := connect(p, "Okta", "okta")
		ids := make([]string, people)
		for i := range people {
			ids[i] = p.As(oldToken, 201, "POST", "/Users", fmt.Sprintf(`{"userName":"u%d","externalId":"okta-%d"}`, i, i))["id"].(string)
		}
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"handOver":true}`)
		id, token := shadowed(p)
		for i := range people {
			found := p.As(token, 200, "GET", "/Users?filter="+url.QueryEscape(fmt.Sprintf(`userName eq "U%d"`, i)), "")["Resources"].([]any)
			require.Len(t, found, 1)
			require.Equal(t, ids[i], found[0].(object)["id"])
			p.As(token, 200, "PATCH", "/Users/"+ids[i], patched("replace", "externalId", fmt.Sprintf(`"entra-%d"`, i)))
		}
		linked := 0
		for cursor := ""; ; {
			page := p.Do(200, "GET", "/app/preview?tenant=acme&connection="+id+"&cursor="+cursor, "")
			for _, x := range page["people"].([]any) {
				require.Equal(t, "link", x.(object)["action"], x)
				linked++
			}
			if cursor = page["next"].(string); cursor == "" {
				break
			}
		}
		require.Equal(t, people, linked)
		require.Eventually(t, func() bool {
			status, _, err := try.Send(t.Context(), p.Base, try.Token, "POST", "/app/connections/"+id+"/live?tenant=acme", "")
			require.NoError(t, err)
			return status == 200 || status == 409
		}, 5*time.Minute, 10*time.Millisecond)
		p.Do(204, "DELETE", "/app/connections/"+old+"?tenant=acme&confirm=true", "")
		for _, u := range accountsOf(t, p) {
			require.Equal(t, []any{"provisioned", "scim"}, []any{u["status"], u["managedBy"]}, u)
		}
		assert.EqualValues(t, people, p.Do(200, "GET", "/app/seats?tenant=acme", "")["used"])
		deactivated := 0
		for after := ""; ; {
			page := p.Do(200, "GET", "/app/events?tenant=acme&after="+after, "")
			list := page["events"].([]any)
			for _, e := range list {
				if e.(object)["kind"] == "deactivated" {
					deactivated++
				}
			}
			if after = page["next"].(string); len(list) == 0 {
				break
			}
		}
		assert.Zero(t, deactivated, "nobody was deactivated")
		p.As(oldToken, 401, "GET", "/Users", "")
	})
}

func onMemory(t *testing.T) *try.Product { return try.Start(t, newApp().Boot("app")) }
