package app_test

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
)

// product is a running server and a client of it.
type product struct {
	t    *testing.T
	base string // of the SCIM service
}

func start(t *testing.T, storeName string) *product {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- boot.Run(ctx, new(app.App).Boot("app"), []string{"-addr", "127.0.0.1:0", "-store", storeName, "-token", "acme=tok"}, in, io.Discard)
		in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
	return &product{t, strings.TrimSpace(strings.TrimPrefix(line, "ready "))}
}

// do sends a request; path is under /app or under the SCIM service.
func (p *product) do(status int, method, path, body string) map[string]any {
	p.t.Helper()
	got, v, err := send(p.base, method, path, body)
	require.NoError(p.t, err)
	require.Equal(p.t, status, got, "%s %s: %v", method, path, v)
	return v
}

// kinds waits for so many deliveries and returns their kinds.
func (p *product) kinds(n int) (kinds []string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		kinds = nil
		for _, e := range p.do(200, "GET", "/app/events?tenant=acme", "")["events"].([]any) {
			kinds = append(kinds, e.(map[string]any)["kind"].(string))
		}
		return len(kinds) >= n
	}, 10*time.Second, 20*time.Millisecond)
	return kinds
}

func TestProduct(t *testing.T) {
	onStores(t, func(t *testing.T, p *product) {
		ada := `{"tenant":"acme","userName":"ada"}`
		assert.Equal(t, "unknown", p.do(404, "POST", "/app/login", ada)["reason"])
		id := p.do(201, "POST", "/Users", `{"userName":"ada","active":true}`)["id"].(string)
		login := p.do(200, "POST", "/app/login", ada)
		assert.Equal(t, map[string]any{"status": "active", "firstLogin": true, "billed": true, "id": id}, login)
		assert.Equal(t, false, p.do(200, "POST", "/app/login", ada)["billed"])
		p.do(200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`)
		assert.Equal(t, "suspended", p.do(403, "POST", "/app/login", ada)["reason"])
		assert.Equal(t, []string{"provisioned", "activated", "billed", "deactivated", "unbilled"}, p.kinds(5))

		events := p.do(200, "GET", "/app/events?tenant=acme", "")
		again := p.do(200, "GET", "/app/events?tenant=acme&after="+events["next"].(string), "")
		assert.Empty(t, again["events"])
		assert.Equal(t, events["next"], again["next"], "a place to go on from")

		users := p.do(200, "GET", "/app/users?tenant=acme", "")["users"].([]any)
		require.Len(t, users, 1)
		u := users[0].(map[string]any)
		assert.NotNil(t, u["firstLogin"])
		delete(u, "firstLogin")
		assert.Equal(t, map[string]any{"id": id, "userName": "ada", "status": "suspended", "billed": false, "active": false, "managedBy": "scim"}, u)

		p.do(200, "PUT", "/app/settings?tenant=acme", `{"review":true,"seatLimit":1}`)
		assert.Equal(t, true, p.do(200, "GET", "/app/settings?tenant=acme", "")["review"])
		p.do(400, "PUT", "/app/settings?tenant=acme", `{"deprovision":"explode"}`)
		p.do(201, "POST", "/Users", `{"userName":"bob"}`)
		assert.Contains(t, p.do(403, "POST", "/Users", `{"userName":"eve"}`)["detail"], "1 seats")
		assert.Equal(t, map[string]any{"limit": 1.0, "used": 1.0}, p.do(200, "GET", "/app/seats?tenant=acme", ""))
		assert.Equal(t, "pending", p.do(403, "POST", "/app/login", `{"tenant":"acme","userName":"bob"}`)["reason"])
		p.do(200, "POST", "/app/approve", `{"tenant":"acme","userName":"bob"}`)
		p.do(409, "POST", "/app/approve", `{"tenant":"acme","userName":"bob"}`)
		p.do(200, "POST", "/app/login", `{"tenant":"acme","userName":"bob"}`)
		assert.Equal(t, "suspended", p.do(200, "POST", "/app/suspend", `{"tenant":"acme","userName":"bob"}`)["status"])
		p.do(200, "POST", "/app/reactivate", `{"tenant":"acme","userName":"bob"}`)
		assert.Equal(t, "noSeat", p.do(403, "POST", "/app/users", `{"tenant":"acme","userName":"zoe"}`)["reason"])

		p.do(200, "PUT", "/app/settings?tenant=acme", `{"review":false,"seatLimit":null}`)
		p.do(200, "POST", "/app/accounts", `{"userName":"mila@x.example"}`)
		assert.Contains(t, p.do(409, "POST", "/Users", `{"userName":"Mila@x.example"}`)["detail"], "acquire")
		p.do(200, "POST", "/app/acquire", `{"tenant":"acme","userName":"mila@x.example"}`)
		p.do(201, "POST", "/Users", `{"userName":"Mila@x.example"}`)
		assert.Equal(t, "manual", p.do(200, "POST", "/app/users", `{"tenant":"acme","userName":"zoe","attributes":{"title":"T"}}`)["managedBy"])
		p.do(200, "PUT", "/app/settings?tenant=acme", `{"scim":false}`)
		for _, request := range [][2]string{{"GET", "/Users"}, {"POST", "/Users"}, {"GET", "/Users/" + id}, {"DELETE", "/Users/" + id}} {
			assert.Contains(t, p.do(403, request[0], request[1], `{"userName":"q"}`)["detail"], "switched off")
		}
		p.do(200, "PUT", "/app/settings?tenant=acme", `{"scim":true,"plan":"Basic","planAllows":false}`)
		assert.Contains(t, p.do(403, "GET", "/Users", "")["detail"], "the plan Basic")
		p.do(400, "POST", "/app/login", `{"tenant":"acme"}`)
		p.do(400, "POST", "/app/login", `{`)
	})
}

// onStores runs a test on a server with each store.
func onStores(t *testing.T, test func(t *testing.T, p *product)) {
	t.Run("memory", func(t *testing.T) { test(t, start(t, "memory")) })
	onEngines(t, func(t *testing.T, d database) { test(t, start(t, string(d))) })
}

// TestWaysIn comes by sign-in, by hand and by SCIM, and comes back.
func TestWaysIn(t *testing.T) {
	onStores(t, func(t *testing.T, p *product) {
		login := func(name string) map[string]any {
			return p.do(200, "POST", "/app/login", `{"tenant":"acme","userName":"`+name+`"}`)
		}
		assert.Equal(t, true, p.do(200, "PUT", "/app/settings?tenant=acme", `{"jit":true,"existingUser":"link"}`)["jit"])
		jit := login("Jo@x.example")
		assert.Equal(t, []any{true, true}, []any{jit["firstLogin"], jit["billed"]})
		linked := p.do(201, "POST", "/Users", `{"userName":"jo@x.example","externalId":"e-jo","active":true}`)
		assert.Equal(t, jit["id"], linked["id"], "SCIM takes over who signed in before")
		p.do(409, "POST", "/Users", `{"userName":"jo@x.example","externalId":"e-jo"}`)
		by := p.do(200, "POST", "/app/users", `{"tenant":"acme","userName":"hand"}`)
		assert.Equal(t, by["id"], p.do(201, "POST", "/Users", `{"userName":"hand","externalId":"e-hand"}`)["id"])

		p.do(204, "DELETE", "/Users/"+linked["id"].(string), "")
		p.do(404, "GET", "/Users/"+linked["id"].(string), "")
		back := p.do(201, "POST", "/Users", `{"userName":"jo.new@x.example","externalId":"e-jo"}`)
		assert.NotEqual(t, linked["id"], back["id"])
		again := login("jo.new@x.example")
		assert.Equal(t, []any{false, true, back["id"]}, []any{again["firstLogin"], again["billed"], again["id"]}, "the same person, in a new period of access")
		assert.Equal(t, map[string]any{"limit": nil, "used": 2.0}, p.do(200, "GET", "/app/seats?tenant=acme", ""))

		p.do(200, "PUT", "/app/settings?tenant=acme", `{"sso":false}`)
		assert.Equal(t, "ssoDisabled", p.do(403, "POST", "/app/login", `{"tenant":"acme","userName":"hand"}`)["reason"])
		p.do(400, "GET", "/app/events?tenant=acme&after=x", "")
	})
}
