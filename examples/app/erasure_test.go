package app_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/try"
)

// rows returns all rows of all tables of a database, as text.
func rows(t *testing.T, where string) (list []string) {
	t.Helper()
	driver, tables := "pgx", "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
	if file, ok := strings.CutPrefix(where, "sqlite:"); ok {
		driver, where, tables = "sqlite", file, "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	db, err := sql.Open(driver, where)
	require.NoError(t, err)
	defer db.Close()
	for _, table := range rowsOf(t, db, tables) {
		for _, row := range rowsOf(t, db, `SELECT * FROM "`+table+`"`) {
			list = append(list, table+": "+row)
		}
	}
	return list
}

// rowsOf returns the rows of a query, as text.
func rowsOf(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	found, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer found.Close()
	columns, err := found.Columns()
	require.NoError(t, err)
	for found.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, found.Scan(into...))
		texts := make([]string, len(values))
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			texts[i] = fmt.Sprint(v)
		}
		list = append(list, strings.Join(texts, " "))
	}
	require.NoError(t, found.Err())
	return list
}

func having(list []string, word string) (found []string) {
	for _, row := range list {
		if strings.Contains(strings.ToLower(row), strings.ToLower(word)) {
			found = append(found, row)
		}
	}
	return found
}

// marked returns a user with a marker in every attribute.
func marked(m string, more string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"userName":"%[1]s@x.example","externalId":"ext-%[1]s","displayName":"D %[1]s","nickName":"N %[1]s","title":"T %[1]s","userType":"U %[1]s",
		"profileUrl":"https://x.example/%[1]s","preferredLanguage":"en-%[1]s","locale":"en","timezone":"Europe/%[1]s",
		"name":{"formatted":"F %[1]s","familyName":"Fa %[1]s","givenName":"Gi %[1]s","middleName":"Mi %[1]s","honorificPrefix":"Hp %[1]s","honorificSuffix":"Hs %[1]s"},
		"emails":[{"value":"%[1]s@x.example","type":"work","primary":true},{"value":"home.%[1]s@y.example","type":"home"}],
		"phoneNumbers":[{"value":"+1-555-%[1]s","type":"work"}],"ims":[{"value":"im-%[1]s"}],"photos":[{"value":"https://x.example/p/%[1]s.png"}],
		"addresses":[{"formatted":"A %[1]s","streetAddress":"S %[1]s","locality":"L %[1]s","region":"R %[1]s","postalCode":"P %[1]s","country":"DE"}],
		"entitlements":[{"value":"e-%[1]s"}],"roles":[{"value":"r-%[1]s"}],"x509Certificates":[{"value":"%[2]s"}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"en-%[1]s","costCenter":"cc-%[1]s","organization":"o-%[1]s","division":"d-%[1]s","department":"dep-%[1]s"}%[3]s}`, m, "bWFya2Vy", more)
}

// A person has a marker in every attribute. After the person is erased, no row of any table has the marker, whatever was done before.
func TestErase(t *testing.T) {
	const marker = "zq7marker"
	onStores := func(test func(t *testing.T, where string)) {
		try.OnStores(t, test)
	}
	onStores(func(t *testing.T, where string) {
		p := try.Start(t, new(app.App).Boot("app"), "-store", where)
		until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"keepBodiesUntil":"`+until+`","keepValuesUntil":"`+until+`"}`)
		created := p.Do(201, "POST", "/Users", marked(marker, ""))
		id := created["id"].(string)
		other := p.Do(201, "POST", "/Users", `{"userName":"other@x.example"}`)["id"].(string)
		p.Do(409, "POST", "/Users", marked(marker, "")) // a refusal that names nobody by an id
		p.Do(409, "POST", "/Users", `{"userName":"`+marker+`@X.example"}`)
		p.Do(409, "PUT", "/Users/"+other, `{"userName":"`+marker+`@x.example"}`) // an entry of somebody else
		p.Do(400, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"active","value":"`+marker+`"}]}`)
		group := p.Do(201, "POST", "/Groups", `{"displayName":"Crew","members":[{"value":"`+id+`"},{"value":"`+other+`"}]}`)["id"].(string)
		p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"`+marker+`@x.example"}`)
		p.Do(200, "PUT", "/Users/"+id, marked(marker, `,"active":true`))
		p.Do(200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"userName","value":"new.`+marker+`@x.example"}]}`)
		p.Do(200, "POST", "/app/suspend", `{"tenant":"acme","userName":"new.`+marker+`@x.example"}`)
		p.Do(200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"userName","value":"third.`+marker+`@x.example"}]}`) // which leaves a tombstone of the held name
		p.Do(200, "POST", "/app/accounts", `{"userName":"out.`+marker+`@x.example"}`)
		p.Do(200, "PUT", "/app/settings?tenant=acme", `{"existingAccount":"link","delete":"keep"}`)
		linked := p.Do(201, "POST", "/Users", `{"userName":"out.`+marker+`@x.example"}`)["id"].(string)
		kept := p.Do(201, "POST", "/Users", `{"userName":"kept.`+marker+`@x.example","externalId":"k-`+marker+`"}`)["id"].(string)
		p.Do(204, "DELETE", "/Users/"+kept, "")
		connection := p.Do(201, "POST", "/app/connections?tenant=acme", `{"name":"Entra","provider":"entra"}`)["id"].(string)
		token := p.Do(201, "POST", "/app/connections/"+connection+"/credentials?tenant=acme", `{"kind":"bearer"}`)["token"].(string)
		p.As(token, 400, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"active","value":"`+marker+`"}]}`)
		p.Do(200, "GET", "/app/connections?tenant=acme", "") // which writes the status down
		p.As(token, 400, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"active","value":"`+marker+`"}]}`)
		_, dark := shadowed(p) // a connection in the state shadow knows the person, too
		p.As(dark, 200, "GET", "/Users?filter=userName%20eq%20%22third."+marker+"@x.example%22", "")
		p.As(dark, 409, "POST", "/Users", `{"userName":"Third.`+marker+`@x.example"}`)
		p.As(dark, 200, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"userName","value":"shade.`+marker+`@x.example"}]}`)
		p.As(dark, 204, "PATCH", "/Groups/"+group, patched("remove", `members[value eq \"`+id+`\"]`, "null"))
		p.As(dark, 409, "POST", "/Users", `{"userName":"shade.`+marker+`@x.example"}`)
		p.Heard(9)

		x := p.Do(200, "GET", "/app/people/"+id+"/export?tenant=acme", "")
		for _, part := range []string{"resource", "account", "groups", "events", "journal", "shadows"} {
			text, err := json.Marshal(x[part])
			require.NoError(t, err)
			if part != "groups" && part != "account" {
				assert.Contains(t, string(text), marker, part)
			}
		}
		assert.Equal(t, []any{map[string]any{"id": group, "name": "Crew"}}, x["groups"])
		p.Do(404, "GET", "/app/people/"+id+"/export?tenant=umbrella", "")
		p.Do(404, "GET", "/app/people/nobody/export?tenant=acme", "")
		p.Do(404, "DELETE", "/app/people/"+id+"/data?tenant=umbrella", "")
		p.Do(404, "DELETE", "/app/people/nobody/data?tenant=acme", "")
		p.Do(200, "GET", "/Users/"+id, "")

		sql := where != "memory"
		if sql {
			require.NotEmpty(t, having(rows(t, where), marker), "the test would find nothing")
		}
		for _, who := range []string{id, linked, kept} {
			p.Do(204, "DELETE", "/app/people/"+who+"/data?tenant=acme", "")
			p.Do(404, "GET", "/Users/"+who, "")
			p.Do(404, "GET", "/app/people/"+who+"/export?tenant=acme", "")
		}
		p.Do(204, "DELETE", "/app/people/"+id+"/data?tenant=acme", "") // it may be repeated
		if sql {
			assert.Empty(t, having(rows(t, where), marker))
			assert.NotEmpty(t, having(rows(t, where), id), "that somebody was here remains")
		}
		for _, path := range []string{"/app/connections?tenant=acme", "/app/events?tenant=acme", "/app/journal?tenant=acme", "/app/users?tenant=acme", "/Users", "/Groups"} {
			text, err := json.Marshal(p.Do(200, "GET", path, ""))
			require.NoError(t, err)
			assert.NotContains(t, string(text), marker, path)
		}
		assert.Len(t, p.Do(200, "GET", "/Groups/"+group, "")["members"], 1)
		p.Do(200, "GET", "/Users/"+other, "")
		again := p.Do(201, "POST", "/Users", `{"userName":"third.`+marker+`@x.example","externalId":"ext-`+marker+`"}`)
		assert.NotEqual(t, id, again["id"], "nobody remembers who that was")
		assert.NotEqual(t, false, again["active"])
	})
}

// Erasing a tenant leaves nothing of it, and all of the others.
func TestForgetTenant(t *testing.T) {
	try.OnStores(t, func(t *testing.T, where string) {
		p := try.Start(t, new(app.App).Boot("app"), "-store", where)
		p.Do(201, "POST", "/Users", `{"userName":"ada","externalId":"e1"}`)
		p.Do(200, "POST", "/app/login", `{"tenant":"acme","userName":"ada"}`)
		p.Do(200, "PUT", "/app/safety?tenant=acme", `{"protected":["x"]}`)
		p.As(try.Other, 201, "POST", "/Users", `{"userName":"ada"}`)
		connection := p.Do(201, "POST", "/app/connections?tenant=acme", `{"name":"Entra","provider":"entra"}`)["id"].(string)
		token := p.Do(201, "POST", "/app/connections/"+connection+"/credentials?tenant=acme", `{"kind":"bearer"}`)["token"].(string)
		p.As(token, 200, "GET", "/Users", "") // whose status has yet to be written
		p.Heard(3)
		for _, wrong := range []string{"", "?tenant=acme", "?tenant=acme&confirm=umbrella", "?confirm=acme", "?tenant=acme&confirm=ACME"} {
			p.Do(400, "DELETE", "/app/tenant"+wrong, "")
		}
		assert.EqualValues(t, 1, p.Do(200, "GET", "/Users", "")["totalResults"])
		p.Do(204, "DELETE", "/app/tenant?tenant=acme&confirm=acme", "")
		if where != "memory" {
			assert.Empty(t, having(rows(t, where), "acme"))
			assert.NotEmpty(t, having(rows(t, where), "umbrella"))
		}
		p.Do(204, "DELETE", "/app/tenant?tenant=acme&confirm=acme", "")
		p.As(token, 401, "GET", "/Users", "")
		assert.EqualValues(t, 0, p.Do(200, "GET", "/Users", "")["totalResults"])
		assert.Empty(t, p.Do(200, "GET", "/app/events?tenant=acme", "")["events"])
		assert.EqualValues(t, 1, p.As(try.Other, 200, "GET", "/Users", "")["totalResults"])
		assert.Equal(t, map[string]any{"limit": nil, "used": 0.0}, p.Do(200, "GET", "/app/seats?tenant=acme", ""))
	})
}
