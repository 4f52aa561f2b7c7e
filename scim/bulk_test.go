package scim_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

const bulkURN = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

func bulkBody(more string, operations ...string) string {
	return `{"schemas":["` + bulkURN + `"],` + more + `"Operations":[` + strings.Join(operations, ",") + `]}`
}

func bulkUser(bulkID, userName string, more ...string) string {
	return `{"method":"POST","path":"/Users","bulkId":"` + bulkID + `","data":` + userBody(userName, more...) + `}`
}

func bulkGroup(bulkID, displayName string, members ...string) string {
	return `{"method":"POST","path":"/Groups","bulkId":"` + bulkID + `","data":{"schemas":["` + groupURN + `"],"displayName":"` + displayName +
		`","members":` + memberList(members) + `}}`
}

func (s *service) bulk(more string, operations ...string) answer {
	s.t.Helper()
	a := s.do("POST", "/Bulk", bulkBody(more, operations...)).is(200)
	require.Equal(s.t, []any{"urn:ietf:params:scim:api:messages:2.0:BulkResponse"}, a.body["schemas"])
	return a
}

// statuses are those of a bulk answer's operations, in order.
func (a answer) statuses() (list []string) {
	a.t.Helper()
	for _, o := range a.at("Operations").([]any) {
		list = append(list, at(a.t, o, "status").(string))
	}
	return list
}

// made is the id at the end of the location of a bulk answer's i-th operation.
func (a answer) made(i int) string {
	a.t.Helper()
	location := a.at("Operations", i, "location").(string)
	return location[strings.LastIndexByte(location, '/')+1:]
}

func members(t testing.TB, a answer) (ids []string) {
	list, _ := a.body["members"].([]any)
	for _, m := range list {
		ids = append(ids, at(t, m, "value").(string))
	}
	return ids
}

func TestBulkEachMethod(t *testing.T) {
	s := serve(t)
	ada, bob, cleo := s.user("ada"), s.user("bob"), s.user("cleo")
	a := s.bulk("",
		bulkUser("d", "dan"),
		`{"method":"PUT","path":"/Users/`+ada+`","data":`+userBody("ada", `"title":"T"`)+`}`,
		`{"method":"PATCH","path":"/Users/`+bob+`","data":`+patchBody(`{"op":"replace","path":"title","value":"B"}`)+`}`,
		`{"method":"DELETE","path":"/Users/`+cleo+`"}`)
	assert.Equal(t, []string{"201", "200", "200", "204"}, a.statuses())
	assert.Equal(t, "d", a.at("Operations", 0, "bulkId"))
	for i, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		assert.Equal(t, method, a.at("Operations", i, "method"))
		assert.True(t, strings.HasPrefix(a.at("Operations", i, "location").(string), s.url+"/Users/"))
	}
	dan := s.do("GET", "/Users/"+a.made(0), "").is(200)
	assert.Equal(t, "dan", dan.at("userName"))
	for i, id := range []string{a.made(0), ada, bob} {
		got := s.do("GET", "/Users/"+id, "").is(200)
		assert.Equal(t, got.header.Get("ETag"), a.at("Operations", i, "version"), "the version answered is the final one")
	}
	s.do("GET", "/Users/"+cleo, "").is(404)
	assert.NotContains(t, a.at("Operations", 3), "version")
}

func TestBulkErrorsAreEachOperationsOwn(t *testing.T) {
	s := serve(t)
	ada := s.user("ada")
	a := s.bulk("",
		bulkUser("a", "first"),
		bulkUser("b", "ADA"),
		`{"method":"PATCH","path":"/Users/nobody","data":`+patchBody(`{"op":"replace","path":"title","value":"B"}`)+`}`,
		`{"method":"POST","path":"/Users","data":`+userBody("x")+`}`,
		bulkUser("a", "again"),
		`{"method":"GET","path":"/Users/`+ada+`"}`,
		`{"method":"PUT","path":"/Users","data":{}}`,
		`{"method":"POST","path":"/Users/`+ada+`","bulkId":"c","data":{}}`,
		`{"method":"POST","path":"/Robots","bulkId":"e","data":{}}`,
		`{"method":"POST","path":"/Users","bulkId":"f"}`,
		`7`,
		`{"method":"DELETE","path":"/Users/`+ada+`","version":"W/\"old\""}`,
		bulkUser("z", "last"))
	assert.Equal(t, []string{"201", "409", "404", "400", "400", "400", "400", "400", "404", "400", "400", "412", "201"}, a.statuses())
	for i, o := range a.at("Operations").([]any) {
		status := at(t, o, "status").(string)
		if status == "201" {
			assert.NotContains(t, o, "response", i)
			continue
		}
		assert.Equal(t, []any{errorURN}, at(t, o, "response", "schemas"), i)
		assert.Equal(t, status, at(t, o, "response", "status"), i)
		assert.NotEmpty(t, at(t, o, "response", "detail"), i)
		assert.NotContains(t, o, "version", i)
	}
	assert.Equal(t, "uniqueness", a.at("Operations", 1, "response", "scimType"))
	assert.NotContains(t, a.at("Operations", 1), "location", "no location after a POST that failed")
	assert.Equal(t, s.url+"/Users/"+ada, a.at("Operations", 11, "location"))
	assert.EqualValues(t, 3, s.do("GET", "/Users", "").is(200).at("totalResults"))
}

func TestBulkFailOnErrors(t *testing.T) {
	for most, want := range map[int][]string{
		0: {"201", "409", "201", "409", "201"},
		1: {"201", "409"},
		2: {"201", "409", "201", "409"},
		3: {"201", "409", "201", "409", "201"},
	} {
		s := serve(t)
		s.user("ada")
		a := s.bulk(fmt.Sprintf(`"failOnErrors":%d,`, most), bulkUser("1", "b1"), bulkUser("2", "ada"), bulkUser("3", "b3"), bulkUser("4", "ada"), bulkUser("5", "b5"))
		assert.Equal(t, want, a.statuses(), "failOnErrors %d", most)
		made := 0
		for _, status := range want {
			if status == "201" {
				made++
			}
		}
		assert.EqualValues(t, 1+made, s.do("GET", "/Users", "").is(200).at("totalResults"), "nothing is done after the last error that is accepted")
	}
}

func TestBulkReferences(t *testing.T) {
	s := serve(t)
	manager := `"` + enterpriseURN + `":{"department":"D","manager":{"value":"bulkId:u2","$ref":"../Users/bulkId:u2"}}`
	a := s.bulk("",
		bulkGroup("g1", "Forward", "bulkId:u1"),
		bulkUser("u1", "ada", manager),
		bulkUser("u2", "bob"),
		`{"method":"PATCH","path":"/Groups/bulkId:g1","data":`+patchBody(`{"op":"add","path":"members","value":[{"$ref":"`+s.url+`/Users/bulkId:u2"}]}`)+`}`,
		bulkUser("u3", "cleo"),
		`{"method":"PATCH","path":"/Groups/bulkId:g1","data":`+patchBody(`{"op":"add","path":"members","value":{"value":"bulkId:u3"}}`, `{"op":"remove","path":"members[value eq \"bulkId:u1\"]"}`)+`}`)
	assert.Equal(t, []string{"201", "201", "201", "200", "201", "200"}, a.statuses())
	g := s.do("GET", "/Groups/"+a.made(0), "").is(200)
	assert.ElementsMatch(t, []string{a.made(2), a.made(4)}, members(t, g))
	assert.Equal(t, g.header.Get("ETag"), a.at("Operations", 5, "version"))
	assert.Equal(t, a.made(0), a.made(3), "the location is the resource's own")
	u := s.do("GET", "/Users/"+a.made(1), "").is(200)
	assert.Equal(t, a.made(2), u.at(enterpriseURN, "manager", "value"))
	assert.Equal(t, "D", u.at(enterpriseURN, "department"))
	assert.NotContains(t, u.text, "bulkId:")
}

func TestBulkCircles(t *testing.T) {
	s := serve(t)
	boss := func(id string) string {
		return `"` + enterpriseURN + `":{"department":"D","manager":{"value":"bulkId:` + id + `"}}`
	}
	a := s.bulk("",
		bulkGroup("g1", "A", "bulkId:g2", "bulkId:u1"), bulkGroup("g2", "B", "bulkId:g1"), // RFC 7644 section 3.7.1
		bulkUser("u1", "ada", boss("u2")), bulkUser("u2", "bob", boss("u3")), bulkUser("u3", "cleo", boss("u1")),
		bulkUser("me", "self", boss("me")),
		bulkGroup("last", "Outside", "bulkId:g1", "bulkId:u3"))
	require.Equal(t, []string{"201", "201", "201", "201", "201", "201", "201"}, a.statuses(), a.text)
	id := a.made
	groups := func(i int) answer { return s.do("GET", "/Groups/"+id(i), "").is(200) }
	assert.ElementsMatch(t, []string{id(1), id(2)}, members(t, groups(0)))
	assert.ElementsMatch(t, []string{id(0)}, members(t, groups(1)))
	assert.ElementsMatch(t, []string{id(0), id(4)}, members(t, groups(6)))
	for i, of := range map[int]int{2: 3, 3: 4, 4: 2, 5: 5} {
		u := s.do("GET", "/Users/"+id(i), "").is(200)
		assert.Equal(t, id(of), u.at(enterpriseURN, "manager", "value"))
		assert.Equal(t, "D", u.at(enterpriseURN, "department"))
		assert.Equal(t, u.header.Get("ETag"), a.at("Operations", i, "version"), "the version answered is the final one")
	}
	for i := range 2 {
		assert.Equal(t, groups(i).header.Get("ETag"), a.at("Operations", i, "version"))
	}
}

func TestBulkWhatNamesAFailedOperationIsNotMade(t *testing.T) {
	s := serve(t)
	s.user("taken")
	a := s.bulk("",
		bulkUser("u1", "taken"),
		bulkGroup("g1", "Names a failed one", "bulkId:u1"),
		bulkGroup("g2", "Names one that names it", "bulkId:g1"),
		bulkGroup("g3", "Names nobody", "bulkId:nobody"),
		bulkGroup("c1", "Circle", "bulkId:c2"), bulkGroup("c2", "Other half", "bulkId:c1", "bulkId:u1"),
		`{"method":"PATCH","path":"/Groups/bulkId:g1","data":`+patchBody(`{"op":"add","path":"members","value":[]}`)+`}`,
		bulkUser("u2", "fine"))
	assert.Equal(t, []string{"409", "409", "409", "400", "409", "409", "409", "201"}, a.statuses(), a.text)
	assert.Contains(t, a.at("Operations", 1, "response", "detail"), `"u1"`)
	assert.Contains(t, a.at("Operations", 3, "response", "detail"), `"nobody"`)
	assert.NotContains(t, a.at("Operations", 6), "location")
	assert.EqualValues(t, 0, s.do("GET", "/Groups", "").is(200).at("totalResults"))

	// A circle of which one part fails when the other is there already.
	a = s.bulk("", bulkGroup("c1", "Circle", "bulkId:c2"), bulkUser("c2", "taken", `"`+enterpriseURN+`":{"manager":{"value":"bulkId:c1"}}`))
	assert.Equal(t, []string{"409", "409"}, a.statuses(), a.text)
	assert.EqualValues(t, 0, s.do("GET", "/Groups", "").is(200).at("totalResults"), "what was made of the circle is removed")
}

// TestBulkOrder checks what RFC 7644 section 3.7 asks for where operations run together: the result is that of their order.
func TestBulkOrder(t *testing.T) {
	s := serve(t)
	ada, bob := s.user("ada"), s.user("bob")
	patch := func(id, name string) string {
		return `{"method":"PATCH","path":"/Users/` + id + `","data":` + patchBody(`{"op":"replace","path":"userName","value":"`+name+`"}`) + `}`
	}
	a := s.bulk("", // two people change names, and somebody takes one that is freed
		patch(ada, "nobody"), patch(bob, "ada"), patch(ada, "bob"),
		`{"method":"DELETE","path":"/Users/`+ada+`"}`,
		bulkUser("n", "bob"), bulkUser("m", "BOB"))
	assert.Equal(t, []string{"200", "200", "200", "204", "201", "409"}, a.statuses(), a.text)
	assert.Equal(t, "ada", s.do("GET", "/Users/"+bob, "").is(200).at("userName"))

	var operations []string
	for i := range 100 {
		operations = append(operations, `{"method":"PATCH","path":"/Users/`+bob+`","data":`+patchBody(fmt.Sprintf(`{"op":"replace","path":"title","value":"T%d"}`, i))+`}`)
	}
	a = s.bulk("", operations...)
	assert.Equal(t, "T99", s.do("GET", "/Users/"+bob, "").is(200).at("title"), "what is about one resource stays in order")
}

func TestBulkSeatsAreTakenInOrder(t *testing.T) {
	limit := 3
	s := serve(t, func(o *scim.Options) {
		settings := lifecycle.DefaultSettings()
		settings.SeatLimit = &limit
		o.Lifecycle.Settings = lifecycle.FixedSettings(settings)
	})
	var operations []string
	for i := range 12 {
		operations = append(operations, bulkUser(itoa(i), fmt.Sprintf("user%d", i)))
	}
	a := s.bulk("", operations...)
	assert.Equal(t, []string{"201", "201", "201"}, a.statuses()[:3])
	for _, status := range a.statuses()[3:] {
		assert.Equal(t, "403", status)
	}
}

func TestBulkLimits(t *testing.T) {
	s := serve(t, func(o *scim.Options) { o.Limits.BulkOperations, o.Limits.BulkPayload = 3, 2_000 })
	config := s.do("GET", "/ServiceProviderConfig", "").is(200)
	assert.Equal(t, map[string]any{"supported": true, "maxOperations": 3.0, "maxPayloadSize": 2000.0}, config.at("bulk"))
	four := bulkBody("", bulkUser("1", "a"), bulkUser("2", "b"), bulkUser("3", "c"), bulkUser("4", "d"))
	s.do("POST", "/Bulk", four).fails(413, "", "maxOperations (3)")
	s.do("POST", "/Bulk", bulkBody("", bulkUser("1", strings.Repeat("x", 2000)))).fails(413, "", "maxPayloadSize is 2000 bytes")
	assert.EqualValues(t, 0, s.do("GET", "/Users", "").is(200).at("totalResults"), "nothing of it was done")
	three := s.bulk("", bulkUser("1", "a"), bulkUser("2", "b"), bulkUser("3", "c"))
	assert.Equal(t, []string{"201", "201", "201"}, three.statuses())
}

func TestBulkMessages(t *testing.T) {
	s := serve(t)
	for _, c := range []struct {
		name, body, scimType, words string
	}{
		{"no operations", `{"schemas":["` + bulkURN + `"]}`, "invalidSyntax", "Operations"},
		{"operations an object", `{"schemas":["` + bulkURN + `"],"Operations":{}}`, "invalidSyntax", "Operations"},
		{"failOnErrors a text", bulkBody(`"failOnErrors":"1",`), "invalidValue", "failOnErrors"},
		{"failOnErrors negative", bulkBody(`"failOnErrors":-1,`), "invalidValue", "failOnErrors"},
		{"failOnErrors a fraction", bulkBody(`"failOnErrors":1.5,`), "invalidValue", "failOnErrors"},
	} {
		s.do("POST", "/Bulk", c.body).fails(400, c.scimType, c.words)
	}
	assert.Empty(t, s.bulk("").at("Operations"), "no operations are none to do")
	s.do("GET", "/Bulk", "").fails(405, "", "POST")

	strict := serve(t, func(o *scim.Options) { o.Auth = dialect{scim.Strict()} })
	strict.do("POST", "/Bulk", bulkBody("")).fails(400, "invalidSyntax", "Operations")
	strict.do("POST", "/Bulk", `{"Operations":[]}`).fails(400, "invalidSyntax", "schemas")
	spelling := `{"method":"post","path":"Users","bulkId":"1","data":` + userBody("a") + `}`
	assert.Equal(t, []string{"400"}, strict.bulk("", spelling).statuses())
	assert.Equal(t, []string{"201"}, s.bulk("", spelling).statuses())

	reader := serve(t, func(o *scim.Options) { o.Auth = scoped{scim.ScopeRead} })
	reader.do("POST", "/Bulk", bulkBody("")).fails(403, "", "write")
}

// dialect lets everybody in as a client of the tenant acme that has the dialect.
type dialect struct{ scim.Dialect }

func (d dialect) Authenticate(*http.Request) (scim.Principal, error) {
	return scim.Principal{Tenant: "acme", Dialect: d.Dialect}, nil
}

// scoped lets everybody in as a client of the tenant acme that may do one thing.
type scoped struct{ scope string }

func (s scoped) Authenticate(*http.Request) (scim.Principal, error) {
	return scim.Principal{Tenant: "acme", Scopes: []string{s.scope}}, nil
}

// TestBulkFaultsStayWithTheirOperation checks that a panic of the product and a failing store end one operation.
func TestBulkFaultsStayWithTheirOperation(t *testing.T) {
	var log strings.Builder
	s := serve(t, func(o *scim.Options) {
		o.Logger = textLogger(&log)
		o.Lifecycle.Guards = []lifecycle.Guard{func(_ context.Context, _ *lifecycle.Request, p *lifecycle.Proposal) error {
			if p.After.Get("userName").Text() == "panics" {
				panic("secret text")
			}
			return nil
		}}
	})
	a := s.bulk("", bulkUser("1", "fine"), bulkUser("2", "panics"), bulkUser("3", "alsofine"))
	assert.Equal(t, []string{"201", "500", "201"}, a.statuses())
	assert.NotContains(t, a.text, "secret")
	assert.Contains(t, log.String(), "secret text")
}

// TestBulkJournal checks that each operation has an entry of its own, and all of one request the same request id.
func TestBulkJournal(t *testing.T) {
	fake := storetest.NewFake()
	s := serveStore(t, fake)
	a := s.do("POST", "/Bulk", bulkBody("", bulkUser("1", "ada"), bulkUser("2", "ADA"), bulkUser("3", "bob")), "X-Request-Id: of-the-client.1").is(200)
	assert.Equal(t, "of-the-client.1", a.header.Get("X-Request-Id"))
	entries, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Request: "of-the-client.1", Max: 10})
	require.NoError(t, err)
	var outcomes []string
	for _, e := range entries {
		outcomes = append(outcomes, e.Outcome)
		assert.Equal(t, "POST /Users", e.Action)
	}
	assert.ElementsMatch(t, []string{"created", "created", "refused"}, outcomes)
}

// Where a tenant keeps bodies, each operation's is in its own entry, as a request that can be tried again by itself.
func TestBulkKeepsBodies(t *testing.T) {
	fake := storetest.NewFake()
	keep := time.Now().Add(time.Hour)
	s := serveStore(t, fake, func(o *scim.Options) {
		o.Lifecycle.Bodies = lifecycle.RandomKeyRing()
		settings := lifecycle.DefaultSettings()
		settings.KeepBodiesUntil = &keep
		o.Lifecycle.Settings = lifecycle.FixedSettings(settings)
	})
	ada := s.user("ada")
	a := s.bulk("", bulkUser("1", "bob"), bulkUser("2", "ADA"), bulkGroup("g", "Crew", "bulkId:1"),
		`{"method":"PUT","path":"/Users/`+ada+`","version":"W/\"old\"","data":`+userBody("ada", `"title":"T"`)+`}`,
		`{"method":"PATCH","path":"/Groups/bulkId:g","data":`+patchBody(`{"op":"add","path":"members","value":[{"value":"`+ada+`"}]}`)+`}`,
		`{"method":"DELETE","path":"/Users/nobody"}`)
	require.Equal(t, []string{"201", "409", "201", "412", "200", "404"}, a.statuses())
	bob, crew := a.made(0), a.made(2)
	entries, err := fake.Journal(t.Context(), store.JournalQuery{Tenant: "acme", Request: a.header.Get("X-Request-Id"), Max: 10})
	require.NoError(t, err)
	seen := map[string]string{}
	again := func(id string) string {
		r, err := s.h.Retry(t.Context(), "acme", id)
		require.NoError(t, err)
		return fmt.Sprint(r.Status, " ", r.Outcome)
	}
	for _, e := range entries {
		_, body, err := s.h.Lifecycle().KeptBody(t.Context(), "acme", e.ID)
		require.NoError(t, err, e.Action)
		seen[body.Method+" "+body.Path+" "+e.Outcome] = body.Text
		switch body.Method + " " + e.Outcome {
		case "POST refused":
			assert.Equal(t, "409 refused", again(e.ID))
			s.do("DELETE", "/Users/"+ada, "").is(204)
			assert.Equal(t, "201 created", again(e.ID), "by today's state")
		case "PUT refused":
			assert.Equal(t, `W/"old"`, body.Match)
		}
	}
	require.Len(t, seen, 6)
	assert.Contains(t, seen["POST /Users created"], `"userName":"bob"`)
	assert.Contains(t, seen["POST /Groups created"], bob, "references are replaced")
	assert.Contains(t, seen["PATCH /Groups/"+crew+" updated"], ada)
	assert.Empty(t, seen["DELETE /Users/nobody refused"])
}
