package app_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

type object = map[string]any

// connect makes a connection, and returns its id, and the id and the token of a credential.
func connect(p *try.Product, name, provider string) (id, credential, token string) {
	id = p.Do(201, "POST", "/app/connections?tenant=acme", `{"name":"`+name+`","provider":"`+provider+`"}`)["id"].(string)
	c := p.Do(201, "POST", "/app/connections/"+id+"/credentials?tenant=acme", `{"kind":"bearer"}`)
	return id, c["id"].(string), c["token"].(string)
}

func shown(t *testing.T, p *try.Product, id string) object {
	t.Helper()
	for _, c := range p.Do(200, "GET", "/app/connections?tenant=acme", "")["connections"].([]any) {
		if c := c.(object); c["id"] == id {
			return c
		}
	}
	t.Fatalf("no connection %s", id)
	return nil
}

func entries(p *try.Product, query string) []any {
	return p.Do(200, "GET", "/app/journal?tenant=acme&"+query, "")["entries"].([]any)
}

// A token is shown once, works at once, has scopes, and doesn't work any more as soon as its revocation has returned.
func TestBearerCredentials(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		p.Do(400, "POST", "/app/connections?tenant=acme", `{"name":"x","provider":"nobody"}`)
		p.Do(400, "POST", "/app/connections?tenant=acme", `{"provider":"okta"}`)
		p.Do(400, "POST", "/app/connections", `{"name":"x"}`)
		id, credential, token := connect(p, "Okta of acme", "okta")
		assert.Regexp(t, `^rollcall_scim_[0-9A-Za-z]{49}$`, token)
		p.As(token, 200, "GET", "/Users", "")
		ada := p.As(token, 201, "POST", "/Users", `{"userName":"ada"}`)["id"].(string)

		c := shown(t, p, id)
		assert.Equal(t, []any{"Okta of acme", "okta", "live", "tolerant", "firstPerson"}, []any{c["name"], c["provider"], c["state"], c["dialect"], c["status"].(object)["state"]})
		k := c["credentials"].([]any)[0].(object)
		assert.Equal(t, []any{"bearer", []any{"read", "write"}, nil}, []any{k["kind"], k["scopes"], k["expires"]})
		assert.NotNil(t, k["lastUsed"])
		assert.True(t, strings.HasPrefix(token, k["prefix"].(string)))
		assert.NotContains(t, fmt.Sprint(c), token, "it is shown once")

		for body, want := range map[string]int{
			`{"scopes":["admin"]}`: 400, `{"scopes":"read"}`: 400, `{"expires":"2020-01-01T00:00:00Z"}`: 400, `{"expires":"soon"}`: 400, `{"kind":"magic"}`: 400,
			`{"kind":"bearer","subject":"x"}`: 400, `{"scopes":["read"]}`: 201,
		} {
			p.Do(want, "POST", "/app/connections/"+id+"/credentials?tenant=acme", body)
		}
		for path, body := range map[string]string{
			"PATCH /app/connections/" + id: `{"limits":{"perSecond":"x"}}`, "PUT /app/settings": `{"keepBodiesUntil":"soon"}`, "POST /app/connections": `{"name":"x","colour":"red"}`,
		} {
			method, path, _ := strings.Cut(path, " ")
			said := p.Do(400, method, path+"?tenant=acme", body)["error"]
			for _, inner := range []string{"Go ", "json", "2006"} {
				assert.NotContains(t, said, inner)
			}
		}
		for _, when := range []string{"0001-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "soon", ""} { // none of them means never
			for _, path := range []string{"/app/connections/" + id + "/credentials", "/app/credentials/" + credential + "/rotate"} {
				said := p.Do(400, "POST", path+"?tenant=acme", `{"expires":"`+when+`"}`)["error"]
				assert.NotContains(t, said, "2006", "an administrator doesn't know the layouts of Go")
			}
		}
		p.Do(404, "POST", "/app/connections/nobody/credentials?tenant=acme", `{}`)
		p.Do(404, "POST", "/app/connections/"+id+"/credentials?tenant=umbrella", `{}`)
		p.Do(404, "DELETE", "/app/credentials/"+credential+"?tenant=umbrella", "")

		reader := p.Do(201, "POST", "/app/connections/"+id+"/credentials?tenant=acme", `{"scopes":["read","users"]}`)["token"].(string)
		p.As(reader, 200, "GET", "/Users/"+ada, "")
		p.As(reader, 200, "POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`)
		p.As(reader, 403, "GET", "/Groups", "")
		p.As(reader, 403, "DELETE", "/Users/"+ada, "")
		writer := p.Do(201, "POST", "/app/connections/"+id+"/credentials?tenant=acme", `{"scopes":["groups"]}`)["token"].(string)
		p.As(writer, 201, "POST", "/Groups", `{"displayName":"g"}`)
		p.As(writer, 403, "POST", "/Users", `{"userName":"bob"}`)

		mistyped := map[bool]string{true: "0", false: "1"}[token[len(token)-1] != '0']
		p.As(token[:len(token)-1]+mistyped, 401, "GET", "/Users", "")
		p.Do(204, "DELETE", "/app/credentials/"+credential+"?tenant=acme", "")
		p.As(token, 401, "GET", "/Users", "")
		p.As(reader, 200, "GET", "/Users", "")
		p.Do(204, "DELETE", "/app/credentials/"+credential+"?tenant=acme", "") // it may be repeated
		refused := entries(p, "outcome=refused&max=1")[0].(object)
		assert.Equal(t, []any{credential, 401.0, "the credential is revoked"}, []any{refused["credential"], refused["status"], refused["detail"]})
		assert.Len(t, shown(t, p, id)["credentials"], 3)
		p.Do(200, "GET", "/Users", "") // the flag's token

		at := time.Now().Add(2 * time.Second)
		short := p.Do(201, "POST", "/app/connections/"+id+"/credentials?tenant=acme", `{"expires":"`+at.Format(time.RFC3339Nano)+`"}`)["token"].(string)
		p.As(short, 200, "GET", "/Users", "")
		assert.Equal(t, 0.0, shown(t, p, id)["status"].(object)["expiresInDays"])
		require.Eventually(t, func() bool {
			status, _, err := try.Send(t.Context(), p.Base, short, "GET", "/Users", "")
			return err == nil && status == 401
		}, 10*time.Second, 100*time.Millisecond)
		assert.Contains(t, entries(p, "outcome=refused&max=1")[0].(object)["detail"], "expired")
	})
}

// The requests of a paused connection are refused, and its people stay. The people of a connection that is switched off go to the next one, with
// their ids.
func TestConnectionStates(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		okta, _, token := connect(p, "Okta", "okta")
		ada := p.As(token, 201, "POST", "/Users", `{"userName":"ada","externalId":"o1"}`)["id"].(string)
		bob := p.As(token, 201, "POST", "/Users", `{"userName":"bob","externalId":"o2"}`)["id"].(string)
		eve := p.As(token, 201, "POST", "/Users", `{"userName":"eve","externalId":"o3"}`)["id"].(string)
		p.Do(200, "PATCH", "/app/connections/"+okta+"?tenant=acme", `{"state":"paused"}`)
		assert.Contains(t, p.As(token, 403, "PATCH", "/Users/"+ada, `{"Operations":[{"op":"replace","path":"title","value":"Dr"}]}`)["detail"], "paused")
		assert.Contains(t, p.As(token, 403, "GET", "/Users", "")["detail"], "paused")
		assert.Equal(t, ada, entries(p, "subject="+ada+"&max=1")[0].(object)["subject"])
		assert.Equal(t, "paused", shown(t, p, okta)["status"].(object)["state"])
		p.Do(200, "PATCH", "/app/connections/"+okta+"?tenant=acme", `{"state":"live"}`)
		p.As(token, 200, "GET", "/Users/"+ada, "")
		p.Do(400, "PATCH", "/app/connections/"+okta+"?tenant=acme", `{"state":"asleep"}`)
		p.Do(400, "PATCH", "/app/connections/"+okta+"?tenant=acme", `{"dialect":"klingon"}`)

		entra, _, other := connect(p, "Entra", "entra")
		assert.Contains(t, p.As(other, 403, "PATCH", "/Users/"+ada, `{"Operations":[{"op":"replace","path":"title","value":"Dr"}]}`)["detail"], `"Okta"`)
		assert.Contains(t, p.As(other, 403, "DELETE", "/Users/"+ada, "")["detail"], `"Okta"`)
		p.As(other, 409, "POST", "/Users", `{"userName":"ada","externalId":"e1"}`)
		assert.Equal(t, "attention", shown(t, p, entra)["status"].(object)["state"])

		assert.NotEmpty(t, p.Do(200, "DELETE", "/app/connections/"+okta+"?tenant=acme", "")["effects"])
		p.As(token, 200, "GET", "/Users/"+ada, "")
		p.Do(204, "DELETE", "/app/connections/"+okta+"?tenant=acme&confirm=true", "")
		p.As(token, 401, "GET", "/Users/"+ada, "")
		assert.Equal(t, "off", shown(t, p, okta)["status"].(object)["state"])
		assert.Equal(t, ada, p.As(other, 201, "POST", "/Users", `{"userName":"ada","externalId":"e1"}`)["id"], "by userName")
		assert.Equal(t, bob, p.As(other, 201, "POST", "/Users", `{"userName":"robert","externalId":"o2"}`)["id"], "by externalId")
		p.As(other, 200, "PATCH", "/Users/"+eve, `{"Operations":[{"op":"replace","path":"title","value":"Dr"}]}`)
		third, _, another := connect(p, "Third", "other")
		for _, id := range []string{ada, bob, eve} {
			assert.Contains(t, p.As(another, 403, "DELETE", "/Users/"+id, "")["detail"], `"Entra"`)
		}
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"handOver":true}`)
		p.As(another, 200, "PATCH", "/Users/"+eve, `{"Operations":[{"op":"replace","path":"title","value":"Prof"}]}`)
		_ = third
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"handOver":false}`)
		p.As(other, 403, "DELETE", "/Users/"+eve, "")

		p.Do(200, "PATCH", "/app/connections/"+entra+"?tenant=acme", `{"dialect":"strict"}`)
		p.As(other, 400, "PATCH", "/Users/"+ada, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`)
		assert.Equal(t, []any{"operation-case"}, p.Do(200, "PATCH", "/app/connections/"+entra+"?tenant=acme", `{"dialect":["operation-case"]}`)["dialect"])
		p.As(other, 200, "PATCH", "/Users/"+ada, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":false}]}`)

		p.Do(200, "PATCH", "/app/connections/"+entra+"?tenant=acme", `{"state":"shadow","dialect":"tolerant"}`)
		p.As(other, 409, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"eve"}`)
		ghost := p.As(other, 201, "POST", "/Users", `{"userName":"ghost"}`)["id"].(string)
		assert.Equal(t, "ghost", p.As(other, 200, "GET", "/Users/"+ghost, "")["userName"], "what it wrote it reads back")
		assert.Empty(t, p.Status("ghost"), "and nobody else sees it")
		assert.Equal(t, true, entries(p, "max=1")[0].(object)["shadow"])
	})
}

// Every write and every refusal has a journal entry, which says what happened and why.
func TestJournalPages(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		id, credential, token := connect(p, "Entra", "entra")
		last := func(query string) object { return entries(p, query+"&max=1")[0].(object) }
		ada := p.As(token, 201, "POST", "/Users", `{"userName":"ada","title":"Dr"}`)["id"].(string)
		e := last("connection=" + id)
		assert.Equal(t, []any{"created", 201.0, ada, "ada", credential, "POST /Users", ""}, []any{e["outcome"], e["status"], e["subject"], e["name"], e["credential"], e["operation"], e["who"]})
		assert.Equal(t, []any{"provisioned"}, e["events"])
		assert.Contains(t, e["changed"], "title")
		patch := `{"Operations":[{"op":"Replace","path":"title","value":"Dr"}]}`
		p.As(token, 200, "PATCH", "/Users/"+ada, patch)
		e = last("connection=" + id)
		assert.Equal(t, []any{"unchanged", []any{}}, []any{e["outcome"], e["changed"]})
		assert.Contains(t, e["quirks"], "operation-case")

		hand := p.Do(200, "POST", "/app/users", `{"tenant":"acme","userName":"hand","who":"zoe@acme.example"}`)["id"].(string)
		assert.Equal(t, "zoe@acme.example", last("subject=" + hand)["who"])
		p.As(token, 409, "POST", "/Users", `{"userName":"hand"}`)
		e = last("outcome=refused")
		assert.Equal(t, 409.0, e["status"])
		assert.Contains(t, e["explanation"], "userName belongs to account "+hand+" created by hand on ")

		r, err := http.NewRequestWithContext(t.Context(), "PATCH", p.Base+"/Users/"+ada, strings.NewReader(`{"Operations":`))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		answer.Body.Close()
		e = last("outcome=refused")
		assert.Equal(t, []any{400.0, ada, answer.Header.Get("X-Request-Id")}, []any{e["status"], e["subject"], e["requestId"]})
		assert.NotEmpty(t, e["requestId"])
		for status, request := range map[int][3]string{
			404: {"DELETE", "/Users/nobody", ""}, 413: {"POST", "/Users", strings.Repeat(" ", 2<<20)}, 400: {"POST", "/Users", `{}`},
		} {
			p.As(token, status, request[0], request[1], request[2])
			assert.EqualValues(t, status, last("outcome=refused")["status"])
		}
		for _, query := range []string{"outcome=denied", "outcome=Refused", "max=0", "before=x", "from=yesterday"} {
			p.Do(400, "GET", "/app/journal?tenant=acme&"+query, "")
		}
		n := len(entries(p, ""))
		p.As(token, 404, "GET", "/Users/nobody", "")
		assert.Len(t, entries(p, ""), n, "reads are counted, not listed")

		g := p.As(token, 201, "POST", "/Groups", `{"displayName":"g"}`)["id"].(string)
		p.As(token, 204, "PATCH", "/Groups/"+g, `{"Operations":[{"op":"add","path":"members","value":[{"value":"`+ada+`"}]}]}`)
		e = last("subject=" + g)
		assert.Equal(t, []any{[]any{object{"id": ada, "name": "ada"}}, []any{}, "g"}, []any{e["added"], e["removed"], e["name"]})
		p.As(token, 204, "PATCH", "/Groups/"+g, `{"Operations":[{"op":"remove","path":"members[value eq \"`+ada+`\"]"}]}`)
		assert.Equal(t, []any{object{"id": ada, "name": "ada"}}, last("subject=" + g)["removed"])

		p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"ada"}`)
		p.Do(200, "POST", "/app/suspend", `{"tenant":"acme","userName":"ada","who":"zoe"}`)
		var timeline []string
		for _, e := range entries(p, "subject="+ada) {
			e := e.(object)
			timeline = append(timeline, fmt.Sprint(e["by"], " ", e["operation"], " ", e["outcome"]))
		}
		assert.Equal(t, []string{"manual suspend updated", "sso login updated", "scim PATCH /Users refused", "scim PATCH /Users unchanged", "scim POST /Users created"}, timeline)
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"review":false,"who":"zoe"}`)
		assert.Equal(t, []any{"zoe", "change settings"}, []any{last("")["who"], last("")["operation"]})

		var walked []string
		for next := ""; ; {
			page := p.Do(200, "GET", "/app/journal?tenant=acme&max=3&before="+next, "")
			for _, e := range page["entries"].([]any) {
				walked = append(walked, e.(object)["id"].(string))
			}
			if next = page["next"].(string); next == "" {
				break
			}
		}
		assert.Len(t, walked, len(entries(p, "max=1000")))
		for _, bad := range []string{"max=0", "max=x", "max=1001", "before=x", "from=x"} {
			p.Do(400, "GET", "/app/journal?tenant=acme&"+bad, "")
		}
		assert.Len(t, entries(p, "operation="+url.QueryEscape("PATCH /Groups")), 2)
		assert.Empty(t, entries(p, "to=2020-01-01T00:00:00Z"))
		assert.Empty(t, entries(p, "from="+url.QueryEscape(time.Now().Add(time.Minute).UTC().Format(time.RFC3339))))
		root := strings.TrimSuffix(p.Base, "/scim/v2")
		lines, err := http.Get(root + "/app/journal/export?tenant=acme")
		require.NoError(t, err)
		defer lines.Body.Close()
		text, err := io.ReadAll(lines.Body)
		require.NoError(t, err)
		assert.Equal(t, len(walked), strings.Count(string(text), "\n"))
	})
}

// A request whose body was kept can be tried again. Nothing is written, and the answer is what the request would get now.
func TestRetry(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		_, _, token := connect(p, "Entra", "entra")
		p.As(token, 400, "POST", "/Users", `{"userName":7}`)
		id := func() string { return entries(p, "outcome=refused&max=1")[0].(object)["id"].(string) }
		retry := func(status int, id string) object {
			return p.Do(status, "POST", "/app/journal/"+id+"/retry?tenant=acme", "")
		}
		assert.Contains(t, retry(409, id())["error"], "keepBodiesUntil")
		retry(404, "01a21949-1ee3-768b-8f86-6a0a60b285ea")
		until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"keepBodiesUntil":"`+until+`","keepValuesUntil":"`+until+`"}`)
		ada := p.Do(200, "POST", "/app/users", `{"tenant":"acme","userName":"ada"}`)["id"].(string)
		p.As(token, 409, "POST", "/Users", `{"userName":"ada","title":"Dr","password":"hunter2hunter2"}`)
		kept := id()
		assert.Equal(t, object{"outcome": "refused", "status": 409.0, "detail": retry(200, kept)["detail"]}, retry(200, kept))
		retry(404, kept[:len(kept)-1])
		assert.NotContains(t, fmt.Sprint(entries(p, "")), "hunter2")
		p.Do(200, "DELETE", "/app/users?tenant=acme&userName=ada", "")
		before := len(entries(p, ""))
		assert.Equal(t, object{"outcome": "created", "status": 201.0, "detail": ""}, retry(200, kept))
		assert.Len(t, entries(p, ""), before, "nothing is written")
		p.As(token, 200, "GET", "/Users?filter=userName+eq+%22ada%22", "")
		assert.Equal(t, 0.0, p.As(token, 200, "GET", "/Users?filter=userName+eq+%22ada%22", "")["totalResults"])
		_ = ada
		eve := p.As(token, 201, "POST", "/Users", `{"userName":"eve","title":"Dr"}`)["id"].(string)
		p.As(token, 200, "PATCH", "/Users/"+eve, `{"Operations":[{"op":"replace","path":"title","value":"Prof"}]}`)
		assert.Equal(t, object{"title": object{"before": "Dr", "after": "Prof"}}, entries(p, "subject="+eve+"&max=1")[0].(object)["values"])
	})
}

// An OAuth client gets access tokens for its secret. They stop working when the client is revoked.
func TestOAuthClient(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		id := p.Do(201, "POST", "/app/connections?tenant=acme", `{"name":"Entra","provider":"entra"}`)["id"].(string)
		client := p.Do(201, "POST", "/app/connections/"+id+"/credentials?tenant=acme", `{"kind":"client"}`)
		clientID, secret := client["clientId"].(string), client["clientSecret"].(string)
		good := url.Values{"grant_type": {"client_credentials"}, "client_id": {clientID}, "client_secret": {secret}}
		status, answer := tokenRequest(t, p, good, "")
		require.Equal(t, 200, status, answer)
		token := answer["access_token"].(string)
		assert.Equal(t, []any{"Bearer", 3600.0, "read write"}, []any{answer["token_type"], answer["expires_in"], answer["scope"]})
		p.As(token, 201, "POST", "/Users", `{"userName":"ada"}`)
		basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(clientID)+":"+url.QueryEscape(secret)))
		status, answer = tokenRequest(t, p, url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}, basic)
		require.Equal(t, 200, status, answer)
		reader := answer["access_token"].(string)
		p.As(reader, 200, "GET", "/Users", "")
		p.As(reader, 403, "POST", "/Users", `{"userName":"bob"}`)

		with := func(name, value string) url.Values {
			v := url.Values{}
			for n, x := range good {
				v[n] = x
			}
			v.Set(name, value)
			return v
		}
		for code, x := range map[string]struct {
			status int
			form   url.Values
		}{
			"unsupported_grant_type": {400, with("grant_type", "password")},
			"invalid_client":         {401, with("client_secret", secret+"x")},
			"invalid_scope":          {400, with("scope", "groups")},
			"invalid_request":        {400, url.Values{"grant_type": {"client_credentials", "x"}, "client_id": {clientID}, "client_secret": {secret}}},
		} {
			status, answer := tokenRequest(t, p, x.form, "")
			assert.Equal(t, []any{x.status, code}, []any{status, answer["error"]})
		}
		assert.Equal(t, []any{"POST /oauth/token", client["id"]}, []any{entries(p, "outcome=refused&max=1")[0].(object)["operation"], entries(p, "outcome=refused&max=1")[0].(object)["credential"]})
		for range 60 {
			status, _ = tokenRequest(t, p, with("client_secret", "wrong"), "")
		}
		assert.Equal(t, 429, status, "too many failures")
		status, _ = tokenRequest(t, p, good, "")
		assert.Equal(t, 200, status, "a right secret is never held back")

		root := strings.TrimSuffix(p.Base, "/scim/v2")
		meta := p.Do(200, "GET", "/app/../.well-known/oauth-authorization-server", "")
		assert.Equal(t, []any{root, root + "/oauth/token"}, []any{meta["issuer"], meta["token_endpoint"]})

		p.Do(204, "DELETE", "/app/credentials/"+client["id"].(string)+"?tenant=acme", "")
		p.As(token, 401, "GET", "/Users", "")
		p.As(reader, 401, "GET", "/Users", "")
		status, _ = tokenRequest(t, p, good, "")
		assert.NotEqual(t, 200, status)
	})
}

func tokenRequest(t *testing.T, p *try.Product, form url.Values, authorization string) (int, object) {
	t.Helper()
	return tokenAt(t, p.Base, form, authorization)
}

func tokenAt(t *testing.T, base string, form url.Values, authorization string) (int, object) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", strings.TrimSuffix(base, "/scim/v2")+"/oauth/token", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (int, object) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	var out object
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&out))
	return answer.StatusCode, out
}
