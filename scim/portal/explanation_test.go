package portal_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/scim/portal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// catalogue are all texts of docs/errors.md, which is made from the code: … stands for a value.
func catalogue(t *testing.T) (texts []string) {
	page, err := os.ReadFile("../../docs/errors.md")
	require.NoError(t, err)
	plain := strings.NewReplacer(`\|`, "|", "&lt;", "<")
	for _, line := range regexp.MustCompile(`(?m)^\| (\d*) \| ([^|]*) \| (.*) \|$`).FindAllStringSubmatch(string(page), -1) {
		text := strings.TrimPrefix(plain.Replace(line[3]), ": ")
		if line[2] == "invalidFilter, invalidPath" { // the parser says where, and what is there
			text = strings.Replace(text, "… want", "at character …: want", 1) + ", got the end"
		}
		texts = append(texts, text)
	}
	_, list, found := strings.Cut(string(page), "<!-- explanations:begin -->")
	require.True(t, found)
	for _, line := range regexp.MustCompile(`(?m)^- (.*)$`).FindAllStringSubmatch(list, -1) {
		texts = append(texts, plain.Replace(line[1]))
	}
	require.Greater(t, len(texts), 200)
	return texts
}

// english are words that no German text has.
var english = regexp.MustCompile(`(?i)\b(the|want|is|of|must|got|has|can't|be|this|its|send|needs|for|to|it|are|which|only|string|number|nested|too|quotes|every|twice|or|not)\b`)

// german asserts that a text of the library is German on a German page, with its values.
func german(t *testing.T, p *portal.Portal, text string) {
	t.Helper()
	n := 0
	sample := regexp.MustCompile("…").ReplaceAllStringFunc(text, func(string) string {
		n++
		return fmt.Sprintf("WERT%d", n)
	})
	says := p.Explain("de", sample)
	assert.NotEqual(t, sample, says, "text/rules.de.json has no German text of this rule")
	for i := range n {
		assert.Contains(t, says, fmt.Sprintf("WERT%d", i+1), "%s: a value is missing in %q", sample, says)
	}
	assert.Empty(t, english.FindString(regexp.MustCompile(`WERT\d|and, or`).ReplaceAllString(says, "")), "%s: %q isn't all German", sample, says)
	assert.Equal(t, sample, p.Explain("en", sample), "English stays as it is")
}

// Whatever the library answers or explains has a German text.
func TestEveryRuleIsGerman(t *testing.T) {
	p := newSite(t).portal
	for _, text := range catalogue(t) {
		if !regexp.MustCompile(`^\S+: …$`).MatchString(text) { // nothing of it is known before
			german(t, p, text)
		}
	}
	for a := mapping.OnCreate; a <= mapping.Ignore; a++ { // what a mapping notes
		for _, sent := range []string{"", `"…"`} {
			for _, holds := range []string{"", `"…"`} {
				german(t, p, mapping.Ignored{Change: mapping.Change{Path: "…"}, Authority: a, Sent: sent, Holds: holds}.String())
			}
		}
	}
	assert.Equal(t, "Alle Plätze des Tarifs sind belegt. Geben Sie einen frei, oder buchen Sie weitere.", p.Explain("de", "lifecycle: denied: noSeat"))
	assert.Equal(t, "This account is suspended.", p.Explain("en", (&lifecycle.Denied{Reason: lifecycle.DeniedSuspended}).Error()))
}

// Each text of a rule has the values of the rule, and no other.
func TestRulesKeepValues(t *testing.T) {
	text, err := os.ReadFile("text/rules.de.json")
	require.NoError(t, err)
	var rules map[string]string
	require.NoError(t, json.Unmarshal(text, &rules))
	value := regexp.MustCompile(`\{[a-z0-9]+\}`)
	for english, german := range rules {
		assert.ElementsMatch(t, value.FindAllString(english, -1), value.FindAllString(german, -1), english)
	}
}

// What is no rule's, such as the text of a product's own guard, is shown as it is; values that look like rules or placeholders too.
func TestWhatNoRuleHasMade(t *testing.T) {
	p := newSite(t).portal
	for _, text := range []string{"", "x", "managers only: ask {person} or %s", "want", ": ", strings.Repeat("a: ", 1000), "the user is protected"} {
		assert.Equal(t, text, p.Explain("de", text))
	}
	assert.Equal(t, `userName: diesen Wert hat schon jemand anderes: {person}, angelegt durch {2} am %!s(x); es darf ihn nur einmal geben`,
		p.Explain("de", `userName: another user has this value already: {person}, created by {2} on %!s(x); it must be unique`))
	nested := strings.Repeat("in the brackets: ", 1000)
	assert.Less(t, len(p.Explain("de", nested)), 2*len(nested))
}

// An entry is explained in the page's language, and names people by their names, with a link to their page.
func TestExplanationsNamePeople(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	_, token := v.connect()
	id := s.add(token, "ada")[0]
	status, _ := s.scim(token, http.MethodPost, "/Users", `{"userName":"ada@acme.example","externalId":"2"}`)
	require.Equal(t, 409, status)
	link := `<a href="/setup/people/` + id + `"><bdi>ada Example</bdi></a>`
	refused := model[portal.ActivityModel](v, "activity?outcome=refused").Entries[0]
	for _, path := range []string{"", "activity", "activity/" + refused.ID, "connect"} {
		p := v.get(path, "Accept-Language", "de")
		assert.Contains(t, p.body, link, path)
		assert.NotContains(t, p.body, "belongs to account", path)
	}
	p := v.get("activity/"+refused.ID, "Accept-Language", "de")
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(p.body, "")
	for _, want := range []string{"userName gehört zum Konto ada Example, angelegt durch SCIM am ", "Person anlegen (POST /Users)", "abgelehnt"} {
		assert.Contains(t, text, want)
	}
	assert.Contains(t, v.get("activity", "Accept-Language", "en").body, "userName belongs to account "+link)
	assert.Equal(t, "Create a person (POST /Users)", refused.Did)
	assert.Contains(t, refused.Why, portal.Part{Text: "ada Example", Type: "User", ID: id})

	csv := v.get("activity.csv?outcome=refused", "Accept-Language", "de").body
	assert.Contains(t, csv, "userName gehört zum Konto "+id, "ids stay in an export")
}

// Groups and connections are named as well.
func TestExplanationsNameGroupsAndConnections(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	connection, token := v.connect()
	status, team := s.scim(token, http.MethodPost, "/Groups", `{"displayName":"The <Team>"}`)
	require.Equal(t, 201, status)
	group := team["id"].(string)
	p := v.get("activity/" + s.entry("acme", "by its externalId this is the resource "+group+", by its displayName it is "+group+"; correct one of them"))
	assert.Equal(t, 2, strings.Count(p.body, `<a href="/setup/groups/`+group+`"><bdi>The &lt;Team&gt;</bdi></a>`))
	p = v.get("activity/"+s.entry("acme", "was added by manual on 2026-11-27, and stays as it is; the connection "+connection+" manages this person"), "Accept-Language", "de")
	assert.True(t, p.has("hinzugefügt durch Eingabe von Hand am 2026-11-27, und bleibt so; die Verbindung Okta verwaltet diese Person"))
	p = v.get("activity/" + s.entry("acme", `the user "`+strings.Repeat("ä", 40)+`" is protected, so that no identity provider takes its access; an administrator of the product must end the protection first`))
	assert.True(t, p.has("the user \""+strings.Repeat("ä", 40)+"\" is protected"), "an id of nobody stays")
}

// entry writes an entry whose text is somebody else's choice.
func (s *site) entry(tenant, detail string) (id string) {
	s.t.Helper()
	data := document.Object(document.Field{Name: "by", Value: document.String("scim")}, document.Field{Name: "detail", Value: document.String(detail)})
	e := store.Entry{ID: uuid.Must(uuid.NewV7()).String(), Time: time.Now(), Subject: store.Key{Tenant: tenant, Type: "User"}, Action: "POST /Users",
		Outcome: string(lifecycle.Refused), Data: data.Document()}
	require.NoError(s.t, s.store.Commit(s.t.Context(), &store.Change{Tenant: tenant, Journal: []store.Entry{e}}))
	return e.ID
}

// An explanation names nobody of another tenant, whatever ids it has.
func TestExplanationsNameNobodyElse(t *testing.T) {
	s := newSite(t)
	_, token := s.admin("umbrella").connect()
	stranger := s.add(token, "albert")[0]
	status, team := s.scim(token, http.MethodPost, "/Groups", `{"displayName":"Umbrella Team"}`)
	require.Equal(t, 201, status)
	v := s.admin("acme")
	for _, id := range []string{stranger, team["id"].(string), "nobody", "../" + stranger, strings.Repeat("x", 5000)} {
		for _, text := range []string{"the user %s has this externalId already; each person needs one of their own", "by its userName this is the resource %[1]s, by its externalId it is %[1]s; correct one of them"} {
			p := v.get("activity/" + s.entry("acme", fmt.Sprintf(text, id)))
			assert.Equal(t, 200, p.status)
			assert.False(t, p.has("albert") || p.has("Umbrella Team"), id)
			assert.NotContains(t, p.body, "/people/"+stranger)
			assert.NotContains(t, p.body, "/groups/"+team["id"].(string))
		}
	}
}

// Who may not see people learns which rule refused something, and nothing that could name somebody.
func TestExplanationsHideValues(t *testing.T) {
	s := newSite(t)
	_, token := s.admin("acme").connect()
	id := s.add(token, "zoe")[0]
	v := s.admin("acme", portal.Connect)
	for _, body := range []string{`{"userName":"zoe@acme.example","externalId":"2"}`, `{"userName":"bob","active":"perhaps zoe"}`, `{"displayName":"guard"}`, "?filter=zoe+eq+1", `{"userName":"bob","zoe":1,"zoe":2}`, `{"userName":"bob","active":"x","zoe@acme.example":{"a":1,"a":2}}`} {
		method, path := http.MethodPost, "/Users"
		if strings.HasPrefix(body, "?") {
			method, path, body = http.MethodGet, path+body, ""
		}
		status, _ := s.scim(token, method, path, body)
		require.GreaterOrEqual(t, status, 400)
		for _, path := range []string{"", "connect", "credentials", "off"} {
			for _, accept := range []string{"text/html", "application/json"} {
				p := v.get(path, "Accept", accept)
				for _, leak := range []string{id, "zoe", "perhaps", "guard"} {
					assert.False(t, p.has(leak), "%s: %s", path, leak)
				}
			}
		}
	}
	status, _ := s.scim(token, http.MethodPost, "/Users", `{"userName":"zoe@acme.example","externalId":"2"}`)
	require.Equal(t, 409, status)
	assert.True(t, v.get("connect").has("userName belongs to account … created by SCIM on …"))
}
