package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
)

// importReport is what POST /app/import answers.
type importReport struct {
	Imported, Linked, Conflict, Invalid, Unchanged int
	Rows                                           []struct {
		Line                          int
		UserName, Outcome, ID, Reason string
	}
}

func (r importReport) counts() [5]int {
	return [5]int{r.Imported, r.Linked, r.Conflict, r.Invalid, r.Unchanged}
}

func importPeople(t *testing.T, p *try.Product, status int, media, body string) (out importReport) {
	t.Helper()
	base := p.Base[:strings.Index(p.Base[len("http://"):], "/")+len("http://")]
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/app/import?tenant=acme", strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", media)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, status, res.StatusCode, "%s", text)
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}

func TestImport(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		known := p.Do(201, "POST", "/Users", `{"userName":"known","externalId":"e-known","emails":[{"value":"known@x.example"}]}`)["id"].(string)
		other := p.Do(201, "POST", "/Users", `{"userName":"other","externalId":"e-other"}`)["id"].(string)
		const file = "userName,email,displayName,givenName,familyName,externalId,id,state,firstLogin,billed,role,groups\n" +
			"ada,ada@x.example,Ada L.,Ada,Lovelace,e-ada,u-1,active,2024-05-01T09:00:00Z,true,admin,Crew; Board\n" + // 2
			"bob,,,,,,,,,,,Crew\n" + // 3
			"zoe,,,,,,,suspended,,,,\n" + // 4
			"KNOWN,,,,,e-else,,,,,,\n" + // 5: a known userName with another externalId
			"known,,Known,,,,,,,,,Crew\n" + // 6: gets what is missing
			"other,,,,,e-known,,,,,,\n" + // 7: two people
			"takes,known@x.example,,,,,,,,,,\n" + // 8: an address proves nothing
			"\u0430da,,,,,e-look,,,,,,\n" + // 9: a Cyrillic a is another letter
			"ADA,,,,,,,,,,,\n" + // 10: is line 2
			",,,,,e,,,,,,\n" + // 11
			"eve,,,,,,,asleep,,,,\n" + // 12
			"eve,no address,,,,,,,,,,\n" + // 13
			"eve,,,,,,,,yesterday,,,\n" + // 14
			"eve,,,,,,../etc,,,,,\n" + // 15
			"eve\n" // 16
		first := importPeople(t, p, 200, "text/csv", file)
		assert.Equal(t, [5]int{4, 1, 3, 6, 1}, first.counts(), "%+v", first.Rows)
		require.Len(t, first.Rows, 15)
		words := map[int]string{}
		for _, row := range first.Rows {
			words[row.Line] = row.Outcome + " " + row.Reason
		}
		for line, want := range map[int]string{2: "imported", 4: "imported", 5: "conflict", 6: "linked", 7: known, 8: known, 9: "imported", 10: "unchanged", 11: "userName", 12: "state", 13: "email", 14: "firstLogin", 15: "id", 16: "columns"} {
			assert.Contains(t, words[line], want, "line %d", line)
		}
		assert.Contains(t, words[7], other, "both candidates are named")
		assert.Equal(t, "u-1", first.Rows[0].ID, "the product's own id")

		again := importPeople(t, p, 200, "text/csv", file)
		assert.Equal(t, [5]int{0, 0, 3, 6, 6}, again.counts())

		ada := p.Do(200, "GET", "/Users/u-1", "")
		assert.Equal(t, "Lovelace", ada["name"].(map[string]any)["familyName"])
		assert.Len(t, ada["groups"], 2)
		login := p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"ada"}`)
		assert.Equal(t, []any{false, false}, []any{login["firstLogin"], login["billed"]}, "billed already")
		assert.Equal(t, true, p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"bob"}`)["billed"])
		p.Do(403, "POST", "/app/login", `{"tenant":"acme","userName":"zoe"}`)
		assert.Equal(t, map[string]any{"limit": nil, "used": 5.0}, p.Do(200, "GET", "/app/seats?tenant=acme", ""))
		p.Do(200, "PATCH", "/Users/u-1", off)
		assert.ElementsMatch(t, []string{"provisioned", "provisioned", "activated", "billed", "deactivated", "unbilled"}, p.Heard(6), "no events but of what happened afterwards")
		kept := p.Do(200, "GET", "/Users/"+known, "")
		assert.Equal(t, []any{"known", "e-known", "Known"}, []any{kept["userName"], kept["externalId"], kept["displayName"]})

		// The identity provider takes over people who were imported, but not a name that somebody else has by now.
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"existingUser":"link"}`)
		bob := p.Do(201, "POST", "/Users", `{"userName":"bob","externalId":"e-bob","active":true}`)
		assert.Equal(t, first.Rows[1].ID, bob["id"])
		p.Do(409, "POST", "/Users", `{"userName":"ada","externalId":"e-stranger","active":true}`)
		assert.Equal(t, first.Rows[2].ID, p.Do(201, "POST", "/Users", `{"userName":"Zoe","externalId":"e-zoe","active":false}`)["id"])
		looks := p.Do(201, "POST", "/Users", `{"userName":"b\u043eb","externalId":"e-bob2","active":true}`)["id"]
		assert.NotEqual(t, first.Rows[1].ID, looks, "a look-alike is somebody else")

		lines := `{"userName":"mia","groups":["Crew"],"billed":true,"email":"mia@x.example"}` + "\n\n" + `{"userName":"bob","givenName":"Bob"}` + "\nnonsense\n"
		assert.Equal(t, [5]int{1, 1, 0, 1, 0}, importPeople(t, p, 200, "application/x-ndjson", lines).counts())
		assert.Equal(t, [5]int{0, 0, 0, 1, 2}, importPeople(t, p, 200, "application/x-ndjson", lines).counts())

		for media, bodies := range map[string][]string{
			"text/csv":             {"userName,shoe\nx,42\n", "", "email\nx@y.example\n", "userName,userName\na,b\n"},
			"application/x-ndjson": {`{"userName":"new"}` + "\n" + `{"shoe":42}`},
		} {
			for _, body := range bodies {
				importPeople(t, p, 400, media, body)
			}
		}
		importPeople(t, p, 415, "text/plain", file)
		p.Do(404, "POST", "/app/login", `{"tenant":"acme","userName":"new"}`)
		p.As(try.Other, 404, "GET", "/Users/u-1", "")
	})
}

// Many rows are written in batches. People of one batch can be members of the same new group.
func TestImportMany(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		var b strings.Builder
		b.WriteString("userName,email,externalId,billed,groups\n")
		for i := range 1_700 {
			fmt.Fprintf(&b, "user%d,user%d@x.example,e%d,true,All;Team %d\n", i, i, i, i%7)
		}
		assert.Equal(t, [5]int{1_700}, importPeople(t, p, 200, "text/csv", b.String()).counts())
		assert.Equal(t, [5]int{4: 1_700}, importPeople(t, p, 200, "text/csv", b.String()).counts())
		assert.EqualValues(t, 1_700, p.Do(200, "GET", "/Users?count=0", "")["totalResults"])
		groups := p.Do(200, "GET", "/Groups?count=20", "")["Resources"].([]any)
		assert.Len(t, groups, 8)
		assert.Equal(t, map[string]any{"limit": nil, "used": 1_700.0}, p.Do(200, "GET", "/app/seats?tenant=acme", ""))
	})
}

// A POST for an inactive person is refused with an error that says how to restore them, or restores them with the same id.
func TestReturning(t *testing.T) {
	onStores(t, func(t *testing.T, p *try.Product) {
		id := p.Do(201, "POST", "/Users", `{"userName":"ada","externalId":"e1"}`)["id"].(string)
		p.Do(200, "PATCH", "/Users/"+id, off)
		assert.Contains(t, p.Do(409, "POST", "/Users", `{"userName":"ada","externalId":"e1"}`)["detail"], "inactive: "+id)
		assert.NotContains(t, p.Do(409, "POST", "/Users", `{"userName":"ada","externalId":"e2"}`)["detail"], "inactive", "another person")
		p.Do(400, "PUT", "/app/settings?tenant=acme", `{"inactiveUser":"revive"}`)
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"inactiveUser":"restore"}`)
		p.Do(409, "POST", "/Users", `{"userName":"ada","externalId":"e2"}`)
		back := p.Do(201, "POST", "/Users", `{"userName":"ada","externalId":"e1","active":true}`)
		assert.Equal(t, []any{id, true}, []any{back["id"], back["active"]})
		assert.Equal(t, "provisioned", p.Status("ada"))
		p.Do(409, "POST", "/Users", `{"userName":"ada","externalId":"e1"}`) // an active person is a conflict
		p.Do(200, "PATCH", "/Users/"+id, off)
		assert.Equal(t, id, p.Do(201, "POST", "/Users", `{"userName":"ada.l","externalId":"e1","active":true}`)["id"], "under another name")
		p.Do(200, "PATCH", "/Users/"+id, off)
		assert.Equal(t, id, p.Do(201, "POST", "/Users", `{"userName":"ADA.L","active":true}`)["id"], "by the name alone")
		p.Do(200, "POST", "/app/suspend", `{"tenant":"acme","userName":"ada.l"}`)
		p.Do(409, "POST", "/Users", `{"userName":"ada.l","externalId":"e1","active":true}`) // only an administrator restores a person whom an administrator has suspended
		p.Do(403, "POST", "/app/login", `{"tenant":"acme","userName":"ada.l"}`)
	})
}
