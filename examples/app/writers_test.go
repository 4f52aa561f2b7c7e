package app_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

// Parallel writers on two processes with one store write the same people and the same group. Each userName is taken once, no update is lost, and
// everybody who was added is a member.
func TestTwoProcessesWrite(t *testing.T) {
	const writers, each = 8, 12
	try.OnEngines(t, func(t *testing.T, name string) {
		servers := []string{spawn(t, name).base, spawn(t, name).base}
		create := func(path, body string) string {
			status, made, err := send(servers[0], http.MethodPost, path, body)
			require.NoError(t, err)
			require.Equal(t, http.StatusCreated, status, made)
			return made["id"].(string)
		}
		ada, crew := create("/Users", `{"userName":"ada"}`), create("/Groups", `{"displayName":"crew"}`)

		var (
			all sync.WaitGroup
			mu  sync.Mutex
			ids = map[string]string{} // the ids of the users whose creation was acknowledged, by userName
		)
		for w := range writers {
			all.Go(func() {
				base := servers[w%2]
				patch := func(path, operation string) {
					status, answer, err := send(base, http.MethodPatch, path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+operation+`]}`)
					if assert.NoError(t, err) {
						assert.Less(t, status, 300, "PATCH %s: %v", path, answer)
					}
				}
				for n := range each {
					userName := fmt.Sprintf("user-%d-%d", w/2, n) // which a writer on the other process wants too
					status, made, err := send(base, http.MethodPost, "/Users", `{"userName":"`+userName+`"}`)
					if !assert.NoError(t, err) {
						return
					}
					if status == http.StatusCreated {
						id := made["id"].(string)
						mu.Lock()
						assert.NotContains(t, ids, userName, "a userName is one person's")
						ids[userName] = id
						mu.Unlock()
						patch("/Groups/"+crew, `{"op":"add","path":"members","value":[{"value":"`+id+`"}]}`)
					} else if assert.Equal(t, http.StatusConflict, status, made) {
						assert.Equal(t, "uniqueness", made["scimType"], made)
					}
					patch("/Users/"+ada, fmt.Sprintf(`{"op":"add","path":"emails","value":[{"value":"%d-%d@corp.example"}]}`, w, n))
				}
			})
		}
		all.Wait()
		require.Len(t, ids, writers/2*each)

		for _, base := range servers {
			_, user, err := send(base, http.MethodGet, "/Users/"+ada, "")
			require.NoError(t, err)
			assert.Len(t, user["emails"], writers*each, "no update is lost")
			_, group, err := send(base, http.MethodGet, "/Groups/"+crew, "")
			require.NoError(t, err)
			var members, want []string
			for _, m := range group["members"].([]any) {
				members = append(members, m.(map[string]any)["value"].(string))
			}
			for _, id := range ids {
				want = append(want, id)
			}
			assert.ElementsMatch(t, want, members)
			_, list, err := send(base, http.MethodGet, "/Users?count=1", "")
			require.NoError(t, err)
			assert.EqualValues(t, len(ids)+1, list["totalResults"])
		}
	})
}
