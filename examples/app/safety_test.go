package app_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

const off = `{"Operations":[{"op":"replace","path":"active","value":false}]}`

// A brake lets changes through up to its limit, refuses further ones with an error that says so, sends one event, and lets changes through again
// when an administrator releases it.
func TestBrake(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		const safety = "/app/safety?tenant=acme"
		is := p.Do(200, "GET", safety, "")
		assert.Equal(t, map[string]any{"max": 500.0, "share": nil, "window": "1h"}, is["people"])
		assert.Equal(t, []any{}, is["protected"])
		for _, wrong := range []string{`{"peoples":null}`, `{"people":{"most":3}}`, `{"people":{"max":9}}`, `{"people":{"window":"soon"}}`,
			`{"people":{"share":1.5}}`, `{"people":{"max":null,"share":null}}`, `{"protected":"ada"}`, `{"members":{"max":-1}}`, `{"people":{"window":3600}}`} {
			p.Do(400, "PUT", safety, wrong)
		}
		assert.Equal(t, is, p.Do(200, "GET", safety, ""), "what is wrong changes nothing")

		ids := make([]string, 31)
		for i := range ids {
			ids[i] = p.Do(201, "POST", "/Users", fmt.Sprintf(`{"userName":"u%d","active":true}`, i))["id"].(string)
		}
		p.Do(200, "PUT", safety, `{"people":{"max":null,"share":0.35}}`) // of 31: rounded up, 11
		for _, id := range ids[:5] {
			p.Do(200, "PATCH", "/Users/"+id, off)
		}
		for _, id := range ids[5:10] {
			p.Do(204, "DELETE", "/Users/"+id, "")
		}
		p.Do(200, "PUT", "/Users/"+ids[0], `{"userName":"u0","active":true}`) // which gives nothing back
		p.Do(200, "PATCH", "/Users/"+ids[10], off)
		for _, id := range ids[11:14] {
			assert.Contains(t, p.Do(429, "PATCH", "/Users/"+id, off)["detail"], "release")
			p.Do(429, "DELETE", "/Users/"+id, "")
		}
		p.Do(204, "DELETE", "/Users/"+ids[1], "") // who has no access loses none
		p.Do(200, "PUT", "/Users/"+ids[12], `{"userName":"u12","active":true,"title":"T"}`)
		held := 0
		for _, kind := range p.Heard(51) {
			if kind == "brake.held" {
				held++
			}
		}
		assert.Equal(t, 1, held)

		p.Do(400, "POST", "/app/release?tenant=acme", `{"who":"ann","count":0}`)
		p.Do(400, "POST", "/app/release?tenant=acme", `{"count":2}`)
		p.Do(400, "POST", "/app/release?tenant=acme", `{"who":"ann","counts":2}`)
		p.Do(200, "POST", "/app/release?tenant=acme", `{"who":"ann","count":2}`)
		p.Do(204, "DELETE", "/Users/"+ids[11], "")
		p.Do(200, "PATCH", "/Users/"+ids[12], off)
		p.Do(429, "PATCH", "/Users/"+ids[13], off)
		p.Do(200, "POST", "/app/release?tenant=acme", `{"who":"ann"}`)
		p.Do(200, "PATCH", "/Users/"+ids[13], off)
		p.Do(429, "PATCH", "/Users/"+ids[14], off)
		p.Do(200, "POST", "/app/release?tenant=acme", `{"who":"ann","minutes":1}`)
		for _, id := range ids[14:20] {
			p.Do(200, "PATCH", "/Users/"+id, off)
		}
		p.Do(200, "PUT", safety, `{"people":null}`)
		assert.Nil(t, p.Do(200, "GET", safety, "")["people"])
	})
}

// Memberships have a limit for each connection, and a share of each group. A change of members is made as a whole or not at all.
func TestBrakeOnMembers(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		const safety = "/app/safety?tenant=acme"
		ids := make([]string, 20)
		for i := range ids {
			ids[i] = p.Do(201, "POST", "/Users", fmt.Sprintf(`{"userName":"u%d"}`, i))["id"].(string)
		}
		group := func(name string) string {
			id := p.Do(201, "POST", "/Groups", `{"displayName":"`+name+`"}`)["id"].(string)
			p.Do(204, "PATCH", "/Groups/"+id, operation("add", ids))
			return id
		}
		size := func(id string) int {
			members, _ := p.Do(200, "GET", "/Groups/"+id, "")["members"].([]any)
			return len(members)
		}
		crew, other := group("crew"), group("other")
		p.Do(200, "PUT", safety, `{"people":null,"members":{"max":null,"share":0.5}}`)
		p.Do(429, "DELETE", "/Groups/"+crew, "")
		p.Do(204, "PATCH", "/Groups/"+crew, operation("remove", ids[:7]))
		p.Do(429, "PATCH", "/Groups/"+crew, operation("remove", ids[7:11]))
		p.Do(429, "PUT", "/Groups/"+crew, `{"displayName":"crew"}`)
		assert.Equal(t, 13, size(crew))
		p.Do(204, "PATCH", "/Groups/"+crew, operation("add", ids[:7])) // which gives nothing back
		p.Do(204, "PATCH", "/Groups/"+crew, operation("remove", ids[7:10]))
		p.Do(429, "PATCH", "/Groups/"+crew, operation("remove", ids[10:11]))
		p.Do(204, "PATCH", "/Groups/"+other, operation("remove", ids[:10])) // another group has a share of its own
		p.Do(204, "DELETE", "/Users/"+ids[19], "")                          // one person, no memberships
		assert.Equal(t, 16, size(crew))

		p.Do(200, "PUT", safety, `{"members":{"max":12,"share":null}}`)
		p.Do(429, "DELETE", "/Groups/"+crew, "")
		p.Do(204, "PATCH", "/Groups/"+crew, operation("remove", ids[10:14]))
		p.Do(429, "PATCH", "/Groups/"+other, operation("remove", ids[10:19]))
		p.Do(204, "PATCH", "/Groups/"+other, operation("remove", ids[10:18]))
		p.Do(200, "POST", "/app/release?tenant=acme", `{"who":"ann"}`)
		p.Do(204, "DELETE", "/Groups/"+crew, "") // once, however many
		p.Do(429, "DELETE", "/Groups/"+other, "")
	})
}

func operation(op string, ids []string) string {
	value := ""
	for i, id := range ids {
		if i > 0 {
			value += ","
		}
		value += `{"value":"` + id + `"}`
	}
	return `{"Operations":[{"op":"` + op + `","path":"members","value":[` + value + `]}]}`
}

// A protected person loses access only by an administrator, and by no request of an identity provider.
func TestProtected(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		id := p.Do(201, "POST", "/Users", `{"userName":"owner"}`)["id"].(string)
		p.Do(200, "PUT", "/app/safety?tenant=acme", `{"protected":["`+id+`"]}`)
		assert.Contains(t, p.Do(403, "PATCH", "/Users/"+id, off)["detail"], "protected")
		p.Do(403, "DELETE", "/Users/"+id, "")
		p.Do(403, "PUT", "/Users/"+id, `{"userName":"owner","active":false}`)
		p.Do(200, "PUT", "/Users/"+id, `{"userName":"owner","title":"T"}`)
		p.Do(200, "POST", "/app/suspend", `{"tenant":"acme","userName":"owner"}`)
		p.Do(204, "DELETE", "/Users/"+id, "") // who has no access loses none
	})
}

// 8 writers on two processes take access from 500 of 600 people. The brake lets exactly its limit through.
func TestTwoProcessesBrake(t *testing.T) {
	people, writers := 600, 8
	if testing.Short() {
		people = 60
	}
	try.OnEngines(t, func(t *testing.T, name string) {
		servers := []string{spawn(t, name).base, spawn(t, name).base}
		ids := make([]string, people)
		for i := range ids {
			status, made, err := send(servers[i%2], http.MethodPost, "/Users", fmt.Sprintf(`{"userName":"u%d"}`, i))
			require.NoError(t, err)
			require.Equal(t, 201, status, made)
			ids[i] = made["id"].(string)
		}
		_, _, err := send(servers[0], http.MethodPut, "/app/safety?tenant=acme", `{"people":{"max":null,"share":0.2}}`)
		require.NoError(t, err)
		ids = ids[:people*5/6]
		limit := people / 5
		run := func() (done, held int) {
			var all sync.WaitGroup
			var ok, refused atomic.Int64
			for w := range writers {
				all.Go(func() {
					for i := w; i < len(ids); i += writers {
						status, answer, err := send(servers[w%2], http.MethodPatch, "/Users/"+ids[i], off)
						if assert.NoError(t, err) && status == 429 {
							refused.Add(1)
						} else if assert.Equal(t, 200, status, answer) {
							ok.Add(1)
						}
					}
				})
			}
			all.Wait()
			return int(ok.Load()), int(refused.Load())
		}
		done, held := run()
		assert.Equal(t, []int{limit, len(ids) - limit}, []int{done, held})
		_, users, err := send(servers[1], http.MethodGet, "/Users?count=0&filter=active%20eq%20false", "")
		require.NoError(t, err)
		assert.EqualValues(t, limit, users["totalResults"])

		status, answer, err := send(servers[1], http.MethodPost, "/app/release?tenant=acme", fmt.Sprintf(`{"who":"ann","count":%d}`, held))
		require.NoError(t, err)
		require.Equal(t, 200, status, answer)
		done, held = run()
		assert.Equal(t, []int{len(ids), 0}, []int{done, held})
	})
}
