package employees_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/employees"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// client is an identity provider of the tenant acme.
type client struct {
	*testing.T
	h *scim.Handler
}

func serve(t *testing.T, p *product, hooks lifecycle.Hooks) client {
	t.Helper()
	h, err := scim.NewHandler(p.Store, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}, Types: employees.Types(), Hooks: hooks})
	require.NoError(t, err)
	return client{t, h}
}

func (c client) do(method, path, body string) (int, document.Value) {
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, httptest.NewRequestWithContext(c.Context(), method, path, strings.NewReader(body)))
	v, _ := document.Parse(w.Body.String(), 0)
	return w.Code, v
}

func (c client) must(status int, method, path, body string) document.Value {
	c.Helper()
	got, v := c.do(method, path, body)
	require.Equal(c, status, got, "%s %s: %s", method, path, document.AppendJSON(nil, v))
	return v
}

// People, teams and memberships are rows of the product's tables; what the product does with them is what SCIM shows.
func TestOwnTables(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t *testing.T) *product) {
		p := open(t)
		var told []string
		c := serve(t, p, lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error {
			told = append(told, string(e.Kind))
			return nil
		}})
		old := nth(c.must(200, "GET", `/Users?filter=userName+eq+"OLD@acme.example"`, "").Get("Resources"), 0)
		assert.Equal(t, "1", old.Get("id").Text(), "a row that was there is somebody, under its primary key")
		assert.Equal(t, "2020-02-03T04:05:06Z", old.Get("meta").Get("created").Text())
		c.must(200, "PATCH", "/Users/1", `{"Operations":[{"op":"replace","value":{"displayName":"Oldest","externalId":"x1"}}]}`)
		assert.Equal(t, "Oldest", p.ask(`SELECT name FROM users WHERE id = 1`))
		assert.Equal(t, "1", nth(c.must(200, "GET", `/Users?filter=externalId+eq+"x1"`, "").Get("Resources"), 0).Get("id").Text())

		ada := c.must(201, "POST", "/Users", `{"userName":"Ada@acme.example","displayName":"Ada","active":true,"title":"Dr"}`).Get("id").Text()
		assert.Equal(t, "2", p.ask(`SELECT id FROM users WHERE email = 'Ada@acme.example'`), "the primary key is the database's")
		assert.Equal(t, "userName", attribute(c.must(409, "POST", "/Users", `{"userName":"ADA@acme.example"}`)))
		c.must(400, "POST", "/Users", `{"userName":"no address"}`)
		p.exec(`UPDATE users SET name = 'Countess' WHERE id = 2`)
		shown := c.must(200, "GET", "/Users/"+ada, "")
		assert.Equal(t, []string{"Countess", "Dr"}, []string{shown.Get("displayName").Text(), shown.Get("title").Text()})

		team := c.must(201, "POST", "/Groups", `{"displayName":"Ops","members":[{"value":"1"},{"value":"`+ada+`"}]}`).Get("id").Text()
		assert.Equal(t, "2", p.ask(`SELECT count(*) FROM team_members`))
		assert.Equal(t, "Countess", nth(c.must(200, "GET", "/Groups/"+team, "").Get("members"), 0).Get("display").Text())
		other := c.must(201, "POST", "/Groups", `{"displayName":"Other"}`).Get("id").Text()
		nested := c.must(400, "PATCH", "/Groups/"+team, `{"Operations":[{"op":"add","path":"members","value":[{"value":"`+other+`"}]}]}`)
		assert.Contains(t, nested.Get("detail").Text(), "is a Group, and no group can be a member of another one", "the table of members has users only")
		c.must(400, "PATCH", "/Groups/"+team, `{"Operations":[{"op":"add","path":"members","value":[{"value":"nobody"}]}]}`)

		c.must(204, "DELETE", "/Users/1", "") // there is a bill, which forbids that the row goes
		assert.Equal(t, "1", p.ask(`SELECT count(*) FROM users WHERE id = 1 AND deleted_at IS NOT NULL`))
		assert.Equal(t, "1", p.ask(`SELECT count(*) FROM team_members`), "who is deleted has left the teams")
		c.must(404, "GET", "/Users/1", "")
		again := c.must(201, "POST", "/Users", `{"userName":"old@acme.example"}`).Get("id").Text()
		assert.NotEqual(t, "1", again, "an id is never another person's")
		c.must(204, "DELETE", "/Groups/"+team, "")
		assert.Equal(t, "0", p.ask(`SELECT count(*) FROM team_members`))

		for _, kind := range []string{"provisioned", "updated", "group.created", "members.changed", "deactivated", "deleted", "group.deleted"} {
			assert.Contains(t, told, kind)
		}
		journal, ok := store.As[store.JournalReader](p.Store)
		require.True(t, ok)
		entries, err := journal.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Max: 100})
		require.NoError(t, err)
		assert.Greater(t, len(entries), 8)
	})
}

// nth returns an element of an array.
func nth(v document.Value, n int) document.Value { return *v.At(n) }

func attribute(v document.Value) string {
	if strings.Contains(v.Get("detail").Text(), "userName") {
		return "userName"
	}
	return v.Get("detail").Text()
}

// A rolled back transaction leaves nothing, neither in the product's tables nor in the library's.
func TestWholeOrNot(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t *testing.T) *product) {
		p := open(t)
		user := &store.Resource{Key: store.Key{Tenant: "acme", Type: "User", ID: "7"}, Version: "1", Attributes: `{"userName":"eve@acme.example"}`,
			Index: []store.IndexKey{{Attribute: "userName", Value: "eve@acme.example", Unique: true}}}
		c := &store.Change{Tenant: "acme", Put: []store.Put{{Resource: user}}, Claims: []store.Claim{{Counter: "seats", Take: 1, Limit: 5}},
			Delete: []store.Delete{{Type: "Group", ID: "none"}}}
		require.ErrorIs(t, p.Commit(t.Context(), c), store.ErrNotFound)
		assert.Equal(t, "1", p.ask(`SELECT count(*) FROM users`))
		counters, _ := store.As[store.CounterReader](p.Store)
		seats, err := counters.Counters(t.Context(), "acme", "seats")
		require.NoError(t, err)
		assert.Zero(t, seats[0].Count)
		c.Delete, c.Claims = nil, []store.Claim{{Counter: "seats", Take: 9, Limit: 5}}
		var claim *store.ClaimError
		require.ErrorAs(t, p.Commit(t.Context(), c), &claim)
		assert.Equal(t, "1", p.ask(`SELECT count(*) FROM users`))
	})
}

// Races that are lost, to other requests or to the product itself, are tried again: nothing is lost, and nobody is there twice.
func TestRaces(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t *testing.T) *product) {
		p := open(t)
		c := serve(t, p, lifecycle.Hooks{})
		team := c.must(201, "POST", "/Groups", `{"displayName":"Ops"}`).Get("id").Text()
		const people = 12
		var all sync.WaitGroup
		statuses := make([]int, people)
		for i := range people {
			all.Go(func() {
				_, v := c.do("POST", "/Users", fmt.Sprintf(`{"userName":"p%d@acme.example"}`, i))
				_, _ = c.do("PATCH", "/Groups/"+team, `{"Operations":[{"op":"add","path":"members","value":[{"value":"`+v.Get("id").Text()+`"}]}]}`)
				statuses[i], _ = c.do("POST", "/Users", `{"userName":"same@acme.example"}`)
			})
		}
		for i := range people {
			all.Go(func() { p.exec(fmt.Sprintf(`INSERT INTO users (org, email) VALUES ('acme', 'own%d@acme.example')`, i)) })
		}
		all.Wait()
		assert.Equal(t, fmt.Sprint(people), p.ask(`SELECT count(*) FROM team_members`))
		created := 0
		for _, status := range statuses {
			if status == 201 {
				created++
			} else {
				assert.Equal(t, 409, status)
			}
		}
		assert.Equal(t, 1, created)
		assert.Equal(t, "1", p.ask(`SELECT count(*) FROM users WHERE email = 'same@acme.example'`))
		assert.Equal(t, fmt.Sprint(2*people+2), c.must(200, "GET", "/Users?count=0", "").Get("totalResults").Text())
	})
}
