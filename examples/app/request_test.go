package app_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/try"
)

// A request that is wrong is refused with an error that says what would be right.
func TestBadRequests(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		for _, c := range []struct{ request, body, words string }{
			{"POST /app/login", ``, "JSON"},
			{"POST /app/login", `{`, "JSON"},
			{"POST /app/login", `{"tenant":"acme","userName":"x"} {}`, "JSON"},
			{"POST /app/login", `null`, "an object"},
			{"POST /app/login", `[]`, "an object"},
			{"POST /app/login", `{"tenant":1,"userName":"x"}`, "tenant"},
			{"POST /app/login", `{"tenant":"acme"}`, "userName is missing"},
			{"POST /app/login", `{"userName":"x"}`, "tenant is missing"},
			{"POST /app/login", `{"tenant":"acme","userName":"` + strings.Repeat("x", 2_000) + `"}`, "too long"},
			{"POST /app/accounts", `{}`, "userName is missing"},
			{"POST /app/accounts", `{"userName":"` + strings.Repeat("x", 70_000) + `"}`, "too long"},
			{"POST /app/users", `{"tenant":"acme","userName":"x","attributes":[1]}`, "attributes"},
			{"POST /app/users", `{"tenant":"acme","userName":"x","active":"perhaps"}`, "active"},
			{"POST /app/users", `{"tenant":"acme","userName":"x","emails":[[1]]}`, "emails"},
			{"GET /app/users", ``, "tenant is missing"},
			{"GET /app/users?tenant=acme&cursor=x", ``, "cursor"},
			{"GET /app/events?tenant=acme&after=x", ``, "after"},
			{"GET /app/events?tenant=acme&after=-1", ``, "after"},
			{"PUT /app/settings", `{"review":true}`, "tenant is missing"},
			{"PUT /app/settings?tenant=acme", `[]`, "an object"},
			{"PUT /app/settings?tenant=acme", `{"reviews":true}`, `no setting "reviews"; there are [defaultRole`},
			{"PUT /app/settings?tenant=acme", `{"SCIM":true}`, `no setting "SCIM"`},
			{"PUT /app/settings?tenant=acme", `{"scim":"yes"}`, `scim: want true or false, got "yes"`},
			{"PUT /app/settings?tenant=acme", `{"scim":null}`, `scim: want true or false`},
			{"PUT /app/settings?tenant=acme", `{"plan":1}`, `plan: want a string`},
			{"PUT /app/settings?tenant=acme", `{"seatLimit":"3"}`, `seatLimit: want a whole number, or null for none, got "3"`},
			{"PUT /app/settings?tenant=acme", `{"seatLimit":1.5}`, "seatLimit"},
			{"PUT /app/settings?tenant=acme", `{"seatLimit":-1}`, "seatLimit"},
			{"PUT /app/settings?tenant=acme", `{"deprovision":"explode"}`, "want one of [suspend deactivate delete]"},
			{"PUT /app/settings?tenant=acme", `{"delete":""}`, "want one of [remove keep]"},
			{"PUT /app/settings?tenant=acme", `{"existingAccount":"x"}`, "want one of [refuse acquire link]"},
			{"PUT /app/settings?tenant=acme", `{"seatCounting":"x"}`, "want one of [provisioned billed]"},
			{"PUT /app/settings?tenant=acme", `{"review":true,"scimOff":"x"}`, "want one of [keep suspend]"},
		} {
			method, path, _ := strings.Cut(c.request, " ")
			words := p.Do(400, method, path, c.body)["error"]
			assert.Contains(t, words, c.words, c.request+" "+c.body)
			assert.NotContains(t, words, "Go ", "no internal text")
		}
		settings := p.Do(200, "GET", "/app/settings?tenant=acme", "")
		assert.Equal(t, false, settings["review"], "nothing of what was refused is kept")
		text, err := json.Marshal(settings)
		require.NoError(t, err)
		assert.Equal(t, settings, p.Do(200, "PUT", "/app/settings?tenant=acme", string(text)), "what is read can be written")
		assert.Equal(t, true, p.Do(200, "PUT", "/app/settings", `{"tenant":"acme","review":true}`)["review"])
		assert.Empty(t, p.Do(200, "GET", "/app/users?tenant=acme", "")["users"])
	})
}

// Each denied sign-in is answered with a reason and a text.
func TestDenials(t *testing.T) {
	p := try.Start(t, new(app.App).Boot("app"))
	set := func(body string) { t.Helper(); p.Do(200, "PUT", "/app/settings?tenant=acme", body) }
	denied := func(status int, path, userName, reason string) {
		t.Helper()
		answer := p.Do(status, "POST", path, `{"tenant":"acme","userName":"`+userName+`"}`)
		assert.Equal(t, reason, answer["reason"])
		assert.Contains(t, answer["error"], " ", "a sentence")
		assert.Len(t, answer, 2)
	}
	id := p.Do(201, "POST", "/Users", `{"userName":"Ada","active":true}`)["id"].(string)
	p.Do(201, "POST", "/Users", `{"userName":"off","active":false}`)
	denied(403, "/app/login", "OFF", "deactivated")
	denied(404, "/app/login", "nobody", "unknown")
	denied(404, "/app/acquire", "nobody", "unknown")
	denied(409, "/app/approve", "ada", "notPossible")
	denied(409, "/app/reject", "ada", "notPossible")
	denied(409, "/app/users", "ADA", "exists")
	p.Do(200, "POST", "/app/suspend", `{"tenant":"acme","userName":"ADA"}`)
	denied(403, "/app/login", "aDa", "suspended")
	assert.Equal(t, true, p.Do(200, "GET", "/Users/"+id, "")["active"], "as the identity provider sent it")
	for _, active := range []string{"false", "true"} {
		p.Do(200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"active","value":`+active+`}]}`)
		denied(403, "/app/login", "ada", "suspended")
	}
	set(`{"review":true}`)
	p.Do(201, "POST", "/Users", `{"userName":"new"}`)
	denied(403, "/app/login", "new", "pending")
	set(`{"manual":false,"suspendManaged":false}`)
	denied(403, "/app/users", "hand", "manualDisabled")
	denied(403, "/app/reactivate", "ada", "managed")
	set(`{"suspendManaged":true,"review":false,"jit":true,"seatLimit":0}`)
	denied(403, "/app/login", "nobody", "noSeat")
	denied(403, "/app/reactivate", "ada", "noSeat")
	p.Do(200, "POST", "/app/accounts", `{"userName":"out@x.example"}`)
	denied(404, "/app/login", "OUT@x.example", "unknown")
	set(`{"sso":false}`)
	denied(403, "/app/login", "ada", "ssoDisabled")
}

// A person who was added by hand can be removed by hand. For others the settings decide.
func TestByHand(t *testing.T) {
	p := try.Start(t, new(app.App).Boot("app"))
	p.Do(200, "POST", "/app/users", `{"tenant":"acme","userName":"bob","title":"T","attributes":{"displayName":"Bob"}}`)
	found := func(status int, filter string) map[string]any {
		t.Helper()
		list := p.Do(200, "GET", "/Users?filter="+url.QueryEscape(filter), "")["Resources"]
		if status == 404 {
			assert.Empty(t, list)
			return nil
		}
		return list.([]any)[0].(map[string]any)
	}
	assert.Equal(t, "T", found(200, `displayName eq "Bob"`)["title"])
	p.Do(200, "PATCH", "/app/users", `{"tenant":"acme","userName":"bob","title":null,"attributes":{"userName":"robert"}}`)
	bob := found(200, `userName eq "robert"`)
	assert.NotContains(t, bob, "title")
	p.Do(200, "PATCH", "/Users/"+bob["id"].(string), `{"Operations":[{"op":"add","path":"externalId","value":"e1"}]}`)
	assert.Equal(t, "managed", p.Do(403, "PATCH", "/app/users", `{"tenant":"acme","userName":"robert","title":"U"}`)["reason"])
	assert.Equal(t, "managed", p.Do(403, "DELETE", "/app/users?tenant=acme&userName=robert", "")["reason"])
	p.Do(200, "PUT", "/app/settings?tenant=acme", `{"editManaged":true}`)
	p.Do(200, "DELETE", "/app/users?tenant=acme&userName=robert", "")
	found(404, `userName eq "robert"`)
	p.Do(400, "DELETE", "/app/users?tenant=acme", "")
}

// Changed settings apply to the people who are there already.
func TestSettingsApply(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		for _, name := range []string{"ada", "bob"} {
			p.Do(201, "POST", "/Users", `{"userName":"`+name+`"}`)
		}
		login := func(status int, name string) any {
			t.Helper()
			return p.Do(status, "POST", "/app/login", `{"tenant":"acme","userName":"`+name+`"}`)["reason"]
		}
		set := func(body string) { t.Helper(); p.Do(200, "PUT", "/app/settings?tenant=acme", body) }
		seats := func() any { return p.Do(200, "GET", "/app/seats?tenant=acme", "")["used"] }
		set(`{"seatLimit":1,"seatCounting":"billed"}`)
		assert.EqualValues(t, 0, seats())
		login(200, "ada")
		assert.Equal(t, "noSeat", login(403, "bob"))
		set(`{"seatCounting":"provisioned"}`)
		assert.EqualValues(t, 2, seats(), "more than the limit now: who is in stays in")
		login(200, "bob")
		set(`{"scim":false}`)
		login(200, "ada")
		set(`{"scimOff":"suspend"}`)
		assert.Equal(t, "suspended", login(403, "ada"))
		assert.EqualValues(t, 0, seats())
		set(`{"scim":true}`)
		assert.EqualValues(t, 1, seats(), "there is one seat")
		set(`{"seatLimit":null,"scim":true,"scimOff":"keep"}`)
		login(200, "ada")
		login(200, "bob")
	})
}
