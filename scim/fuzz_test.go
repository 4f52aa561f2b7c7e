package scim_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// scimTypes are those that an answer to a body may have (RFC 7644 table 9).
var scimTypes = []string{"", "invalidSyntax", "invalidValue", "invalidPath", "noTarget", "mutability", "uniqueness", "invalidFilter"}

// targets are the places that take a body.
var targets = []string{"POST /Users", "PUT /Users/{ada}", "PATCH /Users/{ada}", "POST /Groups", "PUT /Groups/{crew}", "PATCH /Groups/{crew}", "POST /Users/.search"}

// FuzzBody sends any body to any place that takes one. The answer is never the service's fault, always SCIM in JSON, and
// either what was done can be read, or nothing was done.
func FuzzBody(f *testing.F) {
	for i := range targets {
		f.Add(uint8(i), `{}`)
		for _, table := range [][]attack{badBodies, badValues, badPatches} {
			for _, a := range table {
				if len(a.body) < 4<<10 && a.request == targets[i] {
					f.Add(uint8(i), a.body)
				}
			}
		}
	}
	f.Add(uint8(0), userBody("bob", `"active":"True"`, `"name":{"givenName":"B"}`, `"emails":[{"value":"b@x","type":"work","primary":true}]`, `"`+enterpriseURN+`":{"manager":"m"}`))
	f.Add(uint8(2), patchBody(`{"op":"Add","path":"emails[type eq \"work\"].value","value":"a@x"}`, `{"op":"remove","path":"name.givenName"}`))
	f.Add(uint8(2), patchBody(`{"op":"replace","value":{"name.givenName":"A","`+enterpriseURN+`:department":"D","active":"False"}}`))
	f.Add(uint8(5), patchBody(`{"op":"remove","path":"members[value eq \"{ada}\"]"}`, `{"op":"add","path":"members","value":{"value":"{ada}"}}`))
	f.Add(uint8(6), `{"filter":"userName sw \"a\"","sortBy":"meta.created","count":1,"attributes":["name.givenName"]}`)

	p := newProbe(f)
	f.Fuzz(func(t *testing.T, target uint8, body string) { p.send(t, targets[int(target)%len(targets)], body) })
}

// Bodies made of what there is in SCIM, put together at random, get deeper than bytes do.
func TestRandomBodies(t *testing.T) {
	p := newProbe(t)
	statuses := map[int]int{}
	for seed := range uint64(3_000) {
		r := dice{rand.New(rand.NewPCG(seed, 1))}
		target := targets[r.IntN(len(targets))]
		body := r.resource()
		if strings.HasPrefix(target, "PATCH") {
			body = r.patch()
		}
		if !t.Run("", func(t *testing.T) { statuses[p.send(t, target, body)]++ }) {
			t.Fatalf("seed %d: %s %s", seed, target, body)
		}
	}
	for _, status := range []int{200, 201, 204, 400, 409} {
		assert.NotZero(t, statuses[status], "%d: %v", status, statuses)
	}
}

// dice makes up bodies.
type dice struct{ *rand.Rand }

func (r dice) pick(of ...string) string { return of[r.IntN(len(of))] }

func (r dice) name() string {
	return r.pick("userName", "USERNAME", "externalId", "displayName", "active", "title", "name", "name.givenName", "name.formatted", "emails", "emails.value",
		"phoneNumbers", "addresses", "ims", "photos", "entitlements", "roles", "x509Certificates", "password", "groups", "members", "id",
		"schemas", "meta", "meta.created", "profileUrl", "nickName", "givenName", "familyName", "value", "type", "primary", "display", "$ref",
		"manager", "employeeNumber", "department", enterpriseURN, enterpriseURN+":manager", enterpriseURN+":manager.value", enterpriseURN+":department",
		userURN, userURN+":userName", userURN+":name.givenName", "urn:x:y", "", " ", ".", "shoeSize", `emails[type eq \"work\"].value`, `members[value eq \"{ada}\"]`)
}

func (r dice) value(depth int) string {
	n := 15
	if depth == 0 {
		n = 12
	}
	switch k := r.IntN(n); {
	case k < 10:
		return []string{`"x"`, `"work"`, `true`, `"False"`, `null`, `""`, `1e400`, `"ada"`, `{"value":"{ada}"}`, `[{"value":"b@x","type":"work","primary":true}]`}[k]
	case k < 12:
		return r.pick(`[]`, `{}`, `-0`, `[{"value":"{ada}"},{"value":"{ada}"}]`, `[null]`, `"{crew}"`, `{"givenName":"A"}`, `"\u0130\u212a\ud83d\ude00"`, `[{"value":"c"},{"type":"home"}]`)
	case k < 14:
		return r.object(depth - 1)
	}
	return "[" + r.value(depth-1) + "," + r.value(depth-1) + "]"
}

func (r dice) object(depth int) string {
	members := make([]string, r.IntN(4))
	for i := range members {
		members[i] = `"` + r.name() + `":` + r.value(depth)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (r dice) resource() string {
	must := r.pick(`"userName":"bob"`, `"userName":"ada"`, `"userName":"bob","displayName":"Bob"`, `"displayName":"Crew 2"`)
	if more := r.object(2); more != "{}" {
		return "{" + must + "," + more[1:]
	}
	return "{" + must + "}"
}

func (r dice) patch() string {
	operations := make([]string, 1+r.IntN(3))
	for i := range operations {
		o := `{"op":"` + r.pick("add", "Replace", "remove", "add", "replace", "move") + `"`
		if r.IntN(4) > 0 {
			o += `,"path":"` + r.path() + `"`
		}
		if r.IntN(8) > 0 {
			o += `,"value":` + r.value(2)
		}
		operations[i] = o + "}"
	}
	return patchBody(operations...)
}

func (r dice) path() string {
	if r.IntN(3) > 0 {
		return r.name()
	}
	path := r.name() + "[" + r.name() + " " + r.pick("eq", "ne", "co", "sw", "gt", "pr", "xx") + " " + r.pick(`\"work\"`, `true`, `null`, `1`, `\"{ada}\"`) + "]"
	return path + r.pick("", ".value", ".display", ".type", ".")
}

// probe sends a body to a service of its own each time, and checks what holds of every answer.
type probe struct {
	*storetest.Fake
	h *scim.Handler
}

func newProbe(t testing.TB) *probe {
	p := &probe{Fake: storetest.NewFake()}
	var err error
	p.h, err = scim.NewHandler(p, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
	require.NoError(t, err)
	return p
}

func (p *probe) send(t *testing.T, target, body string) (status int) {
	p.Fake = storetest.NewFake()
	send := func(method, path, body string) answer {
		w := httptest.NewRecorder()
		p.h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return answer{t: t, status: w.Code, header: w.Header(), text: w.Body.String()}.parsed()
	}
	ada := send("POST", "/Users", userBody("ada", `"password":"p4ss-of-ada"`, `"emails":[{"value":"a@x","type":"work"}]`)).is(201).id()
	crew := send("POST", "/Groups", `{"displayName":"Crew","members":`+memberList([]string{ada})+`}`).is(201).id()
	fill := strings.NewReplacer("{ada}", ada, "{crew}", crew).Replace
	everything := func() string { return send("GET", "/Users", "").is(200).text + send("GET", "/Groups", "").is(200).text }
	before := everything()

	method, path, _ := strings.Cut(fill(target), " ")
	a := send(method, path, fill(body))
	switch a.status {
	case http.StatusOK, http.StatusCreated:
		require.NotContains(t, a.text, "p4ss-of-ada")
		if strings.HasSuffix(path, ".search") {
			require.LessOrEqual(t, a.at("itemsPerPage"), a.at("totalResults"))
			break
		}
		typ := strings.Split(path, "/")[1]
		got := send("GET", "/"+typ+"/"+a.id(), "").is(200)
		require.Equal(t, got.text, a.text, "what is answered is what there is")
		require.Equal(t, a.header.Get("ETag"), a.at("meta", "version"))
	case http.StatusNoContent:
		require.Equal(t, "PATCH", method)
		send("GET", path, "").is(200)
	case 400, 403, 404, 409, 413:
		require.Equal(t, []any{errorURN}, a.at("schemas"))
		require.Equal(t, strconv.Itoa(a.status), a.at("status"))
		require.NotEmpty(t, a.at("detail"))
		require.Less(t, len(a.text), 4<<10, "an error doesn't send back what came in")
		scimType, _ := a.body["scimType"].(string)
		require.True(t, slices.Contains(scimTypes, scimType), a.text)
		require.Equal(t, before, everything(), "what is refused is not done in part")
	default:
		t.Fatalf("%d %s", a.status, a.text)
	}
	everything() // what is stored can be listed
	return a.status
}

// parsed requires that a body is JSON in UTF-8 and of SCIM's type.
func (a answer) parsed() answer {
	a.t.Helper()
	if a.text != "" {
		require.True(a.t, utf8.ValidString(a.text))
		require.NoError(a.t, json.Unmarshal([]byte(a.text), &a.body), "every body is JSON: %s", a.text)
		require.Equal(a.t, "application/scim+json", a.header.Get("Content-Type"))
	}
	return a
}
