package portal_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/portal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// add creates people by SCIM, and returns their ids.
func (s *site) add(token string, names ...string) (ids []string) {
	s.t.Helper()
	for _, name := range names {
		status, u := s.scim(token, http.MethodPost, "/Users", fmt.Sprintf(`{"userName":"%s@acme.example","displayName":"%s Example","active":true,
			"emails":[{"type":"work","value":"%s@mail.example"}]}`, name, name, name))
		require.Equal(s.t, 201, status)
		ids = append(ids, u["id"].(string))
	}
	return ids
}

func TestPeople(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	_, token := v.connect()
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("user%02d", i))
	}
	ids := s.add(token, names...)
	first := model[portal.PeopleModel](v, "people")
	assert.Len(t, first.People, 50)
	second := model[portal.PeopleModel](v, "people?cursor="+url.QueryEscape(first.Next))
	assert.Len(t, second.People, 10)
	assert.Empty(t, second.Next)
	assert.True(t, v.get("people").has("Next page"))

	for search, want := range map[string]int{"user07@acme.example": 1, "USER07@ACME.example": 1, "user07@mail.example": 1, "user07 example": 1, ids[7]: 1, "user5": 10, "nobody": 0} {
		assert.Len(t, model[portal.PeopleModel](v, "people?q="+url.QueryEscape(search)).People, want, search)
	}
	newest := model[portal.PeopleModel](v, "people?sort=created").People
	assert.Equal(t, ids[59], newest[0].ID)
	assert.Equal(t, "user00@acme.example", model[portal.PeopleModel](v, "people?sort=userName").People[0].UserName)
	assert.Equal(t, "user59@acme.example", model[portal.PeopleModel](v, "people?sort=userNameDown").People[0].UserName)
	assert.Contains(t, v.get("people?sort=userName").body, `aria-sort="ascending"`)

	status, _ := s.scim(token, http.MethodPatch, "/Users/"+ids[3], `{"Operations":[{"op":"replace","path":"active","value":false}]}`)
	require.Equal(t, 200, status)
	suspended := model[portal.PeopleModel](v, "people?state=suspended").People
	require.Len(t, suspended, 1)
	assert.Equal(t, ids[3], suspended[0].ID)
	assert.Equal(t, 400, v.get("people?state=confused").status)
	assert.Equal(t, 400, v.get("people?sort=shoesize").status)
	assert.Equal(t, 400, v.get("people?cursor=nonsense").status)
}

func TestPerson(t *testing.T) {
	s := newSite(t, func(o *portal.Options) {
		settings := lifecycle.DefaultSettings()
		settings.Review = true
		require.NoError(t, o.Settings.Set(t.Context(), "acme", settings))
	})
	v := s.admin("acme")
	_, token := v.connect()
	id := s.add(token, "ada")[0]
	status, _ := s.scim(token, http.MethodPost, "/Groups", `{"displayName":"Team","members":[{"value":"`+id+`"}]}`)
	require.Equal(t, 201, status)
	at := "people/" + id
	p := v.get(at)
	for _, want := range []string{"ada Example", "Waits for an administrator's approval", "ada@mail.example", "your identity provider, when it creates the person", "not used", "Team", "POST /Users", "Approve", "Reject"} {
		assert.True(t, p.has(want), want)
	}
	for _, step := range []struct{ do, notice, state string }{
		{"approve", "Approved", "provisioned"}, {"suspend", "Suspended", "suspended"}, {"reactivate", "has access again", "provisioned"},
	} {
		p := v.post(at+"/"+step.do, nil)
		assert.Equal(t, 200, p.status)
		assert.True(t, p.has(step.notice), step.do)
		assert.EqualValues(t, step.state, model[portal.PersonPageModel](v, at).State)
	}
	p = v.post(at+"/approve", nil)
	assert.Equal(t, 409, p.status)
	assert.True(t, p.has("can't be done to an account in its state"))
	assert.True(t, p.has("ada Example"), "the page of the person says it")

	m := model[portal.PersonPageModel](v, at)
	assert.Equal(t, []string{"suspend", "protect"}, m.Actions)
	assert.Equal(t, "approve", m.Timeline[len(m.Timeline)-2].Operation)
	v.post(at+"/protect", nil)
	assert.True(t, model[portal.PersonPageModel](v, at).Protected)
	status, answer := s.scim(token, http.MethodDelete, "/Users/"+id, "")
	assert.Equal(t, 403, status, answer)
	assert.True(t, v.get("safety").has("ada@acme.example"))
	v.post(at+"/unprotect", form("back", "safety"))
	assert.False(t, v.get("safety").has("ada@acme.example"))
	assert.Equal(t, 404, v.post("people/nobody/suspend", nil).status)
	assert.Equal(t, 409, v.post("people/acquire", form("name", "nobody@outside.example")).status)
}

// A refused person is found, explained and repaired.
func TestRefused(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	_, token := v.connect()
	v.post("settings", form("scim", "true", "sso", "true", "manual", "true", "suspendManaged", "true", "scimOff", "keep", "deprovision", "suspend", "delete", "remove", "existingUser", "refuse",
		"existingAccount", "refuse", "inactiveUser", "refuse", "keepBodiesUntil", "true"))
	id := s.add(token, "ada")[0]
	status, _ := s.scim(token, http.MethodPost, "/Users", `{"userName":"ada@acme.example","externalId":"2"}`)
	require.Equal(t, 409, status)
	list := model[portal.ActivityModel](v, "activity?outcome=refused")
	require.Len(t, list.Entries, 1)
	assert.True(t, v.get("activity?outcome=refused").has("userName belongs to account"))
	at := "activity/" + list.Entries[0].ID
	p := v.get(at)
	assert.True(t, p.has("Why, and what would pass"))
	assert.True(t, p.has(`{"userName":"ada@acme.example","externalId":"2"}`), "the request, as it was kept")
	again := model[portal.EntryModel](v, at+"?again=1").Again
	assert.Equal(t, &portal.AgainModel{Outcome: lifecycle.Refused, Status: 409, Detail: again.Detail, Why: again.Why}, again)
	status, _ = s.scim(token, http.MethodDelete, "/Users/"+id, "")
	require.Equal(t, 204, status)
	assert.EqualValues(t, "created", model[portal.EntryModel](v, at+"?again=1").Again.Outcome)
	assert.True(t, v.get(at+"?again=1").has("This was a dry run"))
	people := model[portal.PeopleModel](v, "people?q=ada@acme.example").People
	assert.Empty(t, people, "a dry run writes nothing")
	assert.Equal(t, 404, v.get("activity/00000000-0000-7000-8000-000000000000").status)
	assert.Equal(t, 400, v.get("activity?from=yesterday").status)
	assert.Empty(t, model[portal.ActivityModel](v, "activity?to=2020-01-01").Entries)
	assert.NotEmpty(t, model[portal.ActivityModel](v, "activity?from=2020-01-01").Entries)
}

// A brake holds, is seen, and is released with a reason.
func TestBrake(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	_, token := v.connect()
	var names []string
	for i := range 12 {
		names = append(names, fmt.Sprintf("user%02d", i))
	}
	ids := s.add(token, names...)
	remove := func(id string) int {
		status, _ := s.scim(token, http.MethodDelete, "/Users/"+id, "")
		return status
	}
	for _, id := range ids[:10] {
		require.Equal(t, 204, remove(id))
	}
	require.Equal(t, 429, remove(ids[10]))
	p := v.get("safety")
	assert.True(t, p.has("Held back"))
	assert.Len(t, model[portal.SafetyModel](v, "safety").Held, 1)
	assert.Equal(t, 400, v.post("safety/release", form("for", "once")).status, "without a reason")
	assert.Equal(t, 400, v.post("safety/release", form("for", "count", "number", "-1", "reason", "x")).status)
	assert.Equal(t, 404, v.post("safety/release", form("for", "once", "reason", "x", "connection", "another")).status)
	p = v.post("safety/release", form("for", "count", "number", "2", "reason", "the office closes"))
	assert.True(t, p.has("Released"))
	assert.Equal(t, 204, remove(ids[10]))
	assert.True(t, v.get("activity").has("the office closes"))

	p = v.post("safety/brakes", form("people-on", "1", "people-max", "50", "people-percent", "20", "people-window", "30m", "members-on", "1", "members-percent", "10", "members-window", "24h"))
	assert.True(t, p.has("The brakes are set"), regexp.MustCompile(`role="alert">[^<]*`).FindString(p.body))
	m := model[portal.SafetyModel](v, "safety")
	assert.Equal(t, 50, *m.People.Max)
	assert.InDelta(t, .2, *m.People.Share, 1e-9)
	assert.Nil(t, m.Members.Max)
	for _, bad := range []url.Values{form("people-on", "1", "people-window", "1h"), form("people-on", "1", "people-max", "3", "people-window", "1h"), form("people-on", "1", "people-max", "many", "people-window", "1h"), form("people-on", "1", "people-percent", "101", "people-window", "1h"),
		form("people-on", "1", "people-max", "20", "people-window", "for ever")} {
		assert.Equal(t, 400, v.post("safety/brakes", bad).status, bad)
	}

	assert.True(t, v.post("safety/pause", nil).has("Paused"))
	status, _ := s.scim(token, http.MethodGet, "/Users", "")
	assert.Equal(t, 403, status)
	v.post("safety/resume", nil)
	status, _ = s.scim(token, http.MethodGet, "/Users", "")
	assert.Equal(t, 200, status)
}

func TestSettings(t *testing.T) {
	s := newSite(t, func(o *portal.Options) { o.Choices = []string{"review", "deprovision", "scim", "scimOff"} })
	v := s.admin("acme")
	_, token := v.connect()
	s.add(token, "ada", "bob")
	now := model[portal.SettingsModel](v, "settings")
	assert.Len(t, now.Choices, 4)
	wanted := "scimOff=suspend&deprovision=suspend"
	change := model[portal.SettingsModel](v, "settings?change=1&"+wanted)
	require.Len(t, change.Changes, 2)
	assert.Equal(t, portal.Span{Least: 2, Most: 2}, change.Changes[0].People)
	p := v.get("settings?change=1&" + wanted)
	assert.True(t, p.has("2 people have no access while provisioning is off."))
	assert.Equal(t, &portal.AtOnceModel{LoseAccess: 2}, change.AtOnce)
	assert.True(t, p.has("At once 2 people lose access"))
	assert.True(t, model[portal.SettingsModel](v, "settings").Choices[0].On(), "nothing is saved yet")
	assert.True(t, v.post("settings", form("scim", "false", "scimOff", "suspend", "deprovision", "suspend")).has("The settings are saved"))
	assert.Len(t, model[portal.PeopleModel](v, "people?state=suspended").People, 2, "the people follow")
	v.post("settings", form("scim", "true", "scimOff", "suspend", "deprovision", "deactivate", "review", "true", "sso", "false", "seatLimit", "1"))
	kept, err := s.settings.Settings(t.Context(), "acme")
	require.NoError(t, err)
	assert.True(t, kept.Review && kept.SCIM && kept.SSO, "only the choices are changed")
	assert.Nil(t, kept.SeatLimit)
	assert.EqualValues(t, "deactivate", kept.Deprovision)
	assert.Equal(t, 400, v.post("settings", form("scim", "true", "scimOff", "explode", "deprovision", "suspend")).status)
	assert.Len(t, model[portal.PeopleModel](v, "people?state=suspended").People, 0, "and come back")
	assert.True(t, v.get("activity").has("Change settings"))
	assert.Contains(t, v.get("activity", "Accept-Language", "de").body, `<option value="change settings">Einstellungen ändern</option>`, "it can be chosen")
	assert.Len(t, model[portal.ActivityModel](v, "activity?operation=change+settings").Entries, 2)
	assert.Equal(t, 404, newSite(t, func(o *portal.Options) { o.Choices = nil }).admin("acme").get("settings").status)
}

// In a large organization what follows from people's states is exact, and what no index counts has bounds that are true.
func TestEffectsOfMany(t *testing.T) {
	s := newSite(t, func(o *portal.Options) { o.Choices = []string{"sso", "review", "scim", "manual"} })
	v := s.admin("acme")
	id, _ := v.connect()
	add := func(n int, account string) {
		c := &store.Change{Tenant: "acme"}
		for range n {
			c.Put = append(c.Put, store.Put{Resource: &store.Resource{Key: store.Key{Tenant: "acme", Type: "User", ID: uuid.Must(uuid.NewV7()).String()}, Version: "1",
				Created: time.Now().UTC().Truncate(time.Microsecond), LastModified: time.Now().UTC().Truncate(time.Microsecond), Internal: document.Document(account)}})
		}
		require.NoError(t, s.store.Commit(t.Context(), c))
	}
	const more = 300
	add(portal.MostCounted-100, `{"state":"active","source":"scim","manager":"`+id+`"}`)
	add(100, `{"state":"pending","source":"manual"}`)
	is := func() map[string]portal.Span {
		spans := map[string]portal.Span{}
		for _, c := range model[portal.SettingsModel](v, "settings?change=1").Changes {
			spans[c.Name] = c.People
		}
		return spans
	}
	all := portal.Span{Least: portal.MostCounted - 100, Most: portal.MostCounted - 100}
	assert.Equal(t, map[string]portal.Span{"sso": all, "scim": all, "manual": {Least: 100, Most: 100}}, is())
	assert.Equal(t, all, model[portal.OffModel](v, "off").People)
	assert.False(t, v.get("off").has("at least and at most"))

	add(more, `{"state":"provisioned","source":"scim","manager":"another"}`)
	exactly := portal.Span{Least: all.Least + more, Most: all.Most + more}
	assert.Equal(t, map[string]portal.Span{"sso": exactly, "scim": {Least: all.Least, Most: exactly.Most}, "manual": {Least: 100, Most: 100 + more}}, is())
	assert.Equal(t, portal.Span{Least: all.Least, Most: exactly.Most}, model[portal.OffModel](v, "off").People)
	p := v.get("off")
	assert.True(t, p.has("1,900–2,200 people stay as they are"))
	assert.True(t, p.has("more than 2,000 people not everybody is looked at"))
	assert.True(t, v.get("settings?change=1").has("2,200 people can't sign in any more."))
	assert.True(t, v.get("settings?change=1", "Accept-Language", "de").has("1.900–2.200"))
}

func TestSwitchOff(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	id, token := v.connect()
	s.add(token, "ada", "bob")
	m := model[portal.OffModel](v, "off")
	assert.Equal(t, portal.Span{Least: 2, Most: 2}, m.People)
	assert.Equal(t, 1, m.Credentials)
	p := v.post("off", form("connection", id, "confirm", "okta"))
	assert.Equal(t, 400, p.status)
	assert.True(t, p.has("type the name of the connection: Okta"))
	status, _ := s.scim(token, http.MethodGet, "/Users", "")
	assert.Equal(t, 200, status)
	p = v.post("off", form("connection", id, "confirm", "Okta"))
	assert.True(t, p.has("switched off everywhere"))
	status, _ = s.scim(token, http.MethodGet, "/Users", "")
	assert.Equal(t, 401, status)
	assert.True(t, v.get("off").has("Switch on again"))
	p = v.post("on", form("connection", id))
	assert.True(t, p.has("The connection is on again"))
	next := tokenForm.FindString(v.post("credentials/issue", form("connection", id, "kind", "bearer")).body)
	status, _ = s.scim(next, http.MethodGet, "/Users", "")
	assert.Equal(t, 200, status)
}

func TestCheck(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	id, _ := v.connect()
	assert.Equal(t, 400, v.post("check", form("connection", id)).status, "without being sure")
	assert.Nil(t, model[portal.CheckModel](v, "check").Time)
	for range 2 {
		p := v.post("check", form("connection", id, "sure", "1"))
		assert.True(t, p.has("1 passed, 1 failed"))
		assert.True(t, p.has("GET is answered for okta"))
	}
	m := model[portal.CheckModel](v, "check")
	assert.Equal(t, portal.CheckLine{Name: "reads", Rule: "GET is answered for okta", Result: "fail", Detail: "200"}, m.Lines[0], "what failed comes first")
	assert.Len(t, model[portal.CredentialsModel](v, "credentials").Credentials, 1, "its credential is revoked")
	assert.Equal(t, 404, newSite(t, func(o *portal.Options) { o.Check = nil }).admin("acme").get("check").status)
}

// A connection begins as a preview, which says what going live would do, and then does it.
func TestPreview(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	id, token := v.connect()
	assert.True(t, v.get("preview").has("Begin as a preview"))
	assert.Equal(t, 400, v.get("preview.csv").status, "there is none yet")
	assert.Equal(t, 400, v.post("preview/live", form("connection", id)).status)
	assert.True(t, v.post("preview/begin", form("connection", id)).has("nothing is changed here until you go live"))
	s.add(token, "ada", "bob")
	assert.Empty(t, model[portal.PeopleModel](v, "people").People)
	m := model[portal.PreviewModel](v, "preview")
	require.Len(t, m.Rows, 2)
	assert.Equal(t, map[string]int{"create": 2}, m.Counts)
	assert.True(t, v.get("preview").has("ada@acme.example"))
	assert.True(t, strings.HasPrefix(v.get("preview.csv").body, "type,id,name,action"))
	p := v.get("preview?did=1&of=2")
	assert.False(t, p.has("data-go"), "no address makes the page go on by itself")
	assert.Equal(t, 400, v.get("preview?cursor=nonsense").status)
	p = v.post("preview/live", form("connection", id))
	assert.True(t, p.has("The connection is live"), p.at)
	assert.Len(t, model[portal.PeopleModel](v, "people").People, 2)
	status, _ := s.scim(token, http.MethodGet, "/Users/"+m.Rows[0].ID, "")
	assert.Equal(t, 200, status, "the id is the one that the identity provider knows")
	assert.Equal(t, 400, v.post("preview/begin", form("connection", id)).status, "people have come by it")
}

// Whatever an identity provider can write is text, on every page and in every export.
func TestInjection(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	_, token := v.connect()
	v.post("settings", form("scim", "true", "sso", "true", "manual", "true", "suspendManaged", "true", "scimOff", "keep", "deprovision", "suspend", "delete", "remove", "existingUser", "refuse",
		"existingAccount", "refuse", "inactiveUser", "refuse", "keepBodiesUntil", "true", "keepValuesUntil", "true"))
	evils := []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `{{.Admin.Tenant}}{{template "layout" .}}`, `</title></style></textarea><svg onload=alert(1)>`,
		`javascript:alert(1)`, `=HYPERLINK("http://evil.example","x")`, "+1+cmd|' /C calc'!A0", `-2+3`, `@SUM(1)`, "\t=1+1", "%s%d%!v", `\u003cscript\u003e`, "a\u202eb\u2028c", `]]>--><!--`}
	var ids []string
	for i, evil := range evils {
		text, err := json.Marshal(evil)
		require.NoError(t, err)
		status, u := s.scim(token, http.MethodPost, "/Users", fmt.Sprintf(`{"userName":%[1]s,"displayName":%[1]s,"externalId":%[1]s,"title":%[1]s,"name":{"givenName":%[1]s},
			"emails":[{"type":%[1]s,"value":%[1]s}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":%[1]s}}`, text))
		require.Equal(t, 201, status, u)
		ids = append(ids, u["id"].(string))
		status, g := s.scim(token, http.MethodPost, "/Groups", fmt.Sprintf(`{"displayName":%s,"members":[{"value":%q}]}`, text, u["id"]))
		require.Equal(t, 201, status, g)
		status, _ = s.scim(token, http.MethodPost, "/Users", fmt.Sprintf(`{"userName":%s,"externalId":"%d"}`, text, i))
		require.Equal(t, 409, status)
		status, _ = s.scim(token, http.MethodPatch, "/Users/"+u["id"].(string), fmt.Sprintf(`{"Operations":[{"op":"replace","path":"nickName","value":%s}]}`, text))
		require.Equal(t, 200, status)
		v.post("people/"+u["id"].(string)+"/protect", nil)
		v.get("people?q=" + url.QueryEscape(evil))
	}
	paths := []string{"", "people", "groups", "activity", "activity?outcome=refused", "safety", "connect", "credentials", "off", "settings"}
	for i, id := range ids {
		paths = append(paths, "people/"+id, "people?q="+url.QueryEscape(evils[i]), "activity?operation="+url.QueryEscape(evils[i]), "activity?requestId="+url.QueryEscape(evils[i]), "people?sort="+url.QueryEscape(evils[i]),
			"?done="+url.QueryEscape(evils[i]), "connect?guide="+url.QueryEscape(evils[i]), "people/"+url.PathEscape(evils[i]))
	}
	for _, g := range model[portal.GroupsModel](v, "groups").Groups {
		paths = append(paths, "groups/"+g.ID)
	}
	for _, e := range model[portal.ActivityModel](v, "activity?outcome=refused").Entries {
		paths = append(paths, "activity/"+e.ID, "activity/"+e.ID+"?again=1")
	}
	tags := regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)
	bad := regexp.MustCompile(`(?i)^<(script|img|svg|iframe|object|style)|\son[a-z]+\s*=|(href|action|src)="\s*javascript:|^<!--`)
	own := regexp.MustCompile(`^<script type="module" src="/setup/assets/portal.js">$|^<svg class="chart"`)
	for _, path := range paths {
		p := v.get(path)
		for _, tag := range tags.FindAllString(p.body, -1) {
			unquoted := regexp.MustCompile(`"[^"]*"`).ReplaceAllStringFunc(tag, func(q string) string {
				if strings.HasPrefix(q, `"javascript`) {
					return q
				}
				return `""`
			})
			assert.False(t, bad.MatchString(unquoted) && !own.MatchString(tag), "%s: %s", path, tag)
		}
		assert.False(t, strings.Contains(p.body, "alert(1)</script>"), path)
	}
	for _, twin := range []string{"people", "groups", "activity"} {
		p := v.get(twin, "Accept", "application/json")
		assert.Equal(t, "application/json", p.header.Get("Content-Type"))
		assert.NotContains(t, p.body, "<")
	}

	p := v.get("activity.csv")
	assert.Contains(t, p.header.Get("Content-Disposition"), "attachment")
	rows, err := csv.NewReader(strings.NewReader(p.body)).ReadAll()
	require.NoError(t, err)
	assert.Greater(t, len(rows), 50)
	for _, row := range rows {
		for _, cell := range row {
			assert.NotRegexp(t, `^[\s]*[=+\-@|%]`, cell)
		}
	}
	lines := strings.Split(strings.TrimSpace(v.get("activity.jsonl?outcome=refused").body), "\n")
	assert.Len(t, lines, len(evils))
	for _, line := range lines {
		assert.True(t, json.Valid([]byte(line)))
	}
}

func TestLanguage(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	assert.True(t, v.get("", "Accept-Language", "fr, de-AT;q=0.8, en;q=0.5").has("Übersicht"))
	assert.True(t, v.get("", "Accept-Language", "fr").has("Overview"))
	p := v.post("language", form("language", "de", "back", "/setup/people"))
	assert.Equal(t, "/setup/people", p.at)
	assert.True(t, p.has("Personen"))
	for _, back := range []string{"https://evil.example/", "//evil.example/", "/setup//evil.example", "/setup/\\evil.example", "/elsewhere", "/setupevil"} {
		assert.Equal(t, "/setup/", v.post("language", form("language", "en", "back", back)).at, back)
	}
	assert.Equal(t, 400, v.post("language", form("language", "xx")).status)

	own := newSite(t, func(o *portal.Options) {
		o.Text = map[string]map[string]string{"en": {"overview.title": "Your people"}}
	})
	assert.True(t, own.admin("acme").get("").has("Your people"))

	// A product may say a rule in its own words, and a language of its own says what it has no text for in English.
	text, err := os.ReadFile("text/en.json")
	require.NoError(t, err)
	french := map[string]string{}
	require.NoError(t, json.Unmarshal(text, &french))
	french["there is no {1} with the id {2}"] = "il n'y a pas de {1} {2}"
	own = newSite(t, func(o *portal.Options) {
		o.Text = map[string]map[string]string{"fr": french, "de": {"there is no such resource": "das gibt es nicht"}}
	})
	assert.Equal(t, "das gibt es nicht", own.portal.Explain("de", "there is no such resource"))
	assert.Equal(t, `il n'y a pas de User "7"`, own.portal.Explain("fr", `there is no User with the id "7"`))
	assert.Equal(t, "there is no such resource", own.portal.Explain("fr", "there is no such resource"))
}

// What is wrong with the options is said when the portal is made.
func TestOptions(t *testing.T) {
	s := newSite(t)
	good := portal.Options{Store: s.store, Handler: s.handler, Connections: s.links, URL: "https://app.example/setup", SCIM: "https://app.example/scim"}
	for want, change := range map[string]func(*portal.Options){
		"Store, Handler":      func(o *portal.Options) { o.Handler = nil },
		"Options.URL":         func(o *portal.Options) { o.URL = "/setup" },
		"Options.SCIM":        func(o *portal.Options) { o.SCIM = "" },
		"no choice":           func(o *portal.Options) { o.Choices, o.Settings = []string{"seatLimit"}, s.settings },
		"needs Options.Sett":  func(o *portal.Options) { o.Choices = []string{"review"} },
		"an origin such as":   func(o *portal.Options) { o.Frames = []string{"https://app.example/"} },
		"there is no key":     func(o *portal.Options) { o.Text = map[string]map[string]string{"en": {"nonsense": "x"}} },
		"the language fr has": func(o *portal.Options) { o.Text = map[string]map[string]string{"fr": {"menu": "Pages"}} },
		"Logo":                func(o *portal.Options) { o.Theme.Logo = make([]byte, 1<<20) },
		"Support":             func(o *portal.Options) { o.Theme.Support = "javascript:alert(1)" },
		"must not be neg":     func(o *portal.Options) { o.LinkLifetime = -1 },
	} {
		o := good
		change(&o)
		_, err := portal.New(o)
		assert.ErrorContains(t, err, want)
	}
	_, err := portal.New(good)
	assert.NoError(t, err)
}

func TestAssets(t *testing.T) {
	s := newSite(t, func(o *portal.Options) {
		o.Theme = portal.Theme{Product: "Acme", CSS: ":root{--accent:#a00}", Logo: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)}
	})
	v := s.stranger()
	js := v.get("assets/portal.js")
	assert.Equal(t, 200, js.status)
	assert.Less(t, len(js.body), 5<<10)
	assert.True(t, strings.HasSuffix(v.get("assets/portal.css").body, ":root{--accent:#a00}"))
	assert.Equal(t, "image/svg+xml", v.get("assets/logo").header.Get("Content-Type"))
	assert.Equal(t, 404, v.get("assets/").status)
	assert.Equal(t, 404, v.get("assets/../portal.go").status)
	assert.True(t, s.admin("acme").get("").has(`src="/setup/assets/logo"`))
}

// Pages stay small, however long names are: each page that is got is under 50 kB.
func TestLongNames(t *testing.T) {
	s := newSite(t)
	v := s.admin("acme")
	_, token := v.connect()
	long := strings.Repeat("Ä", 450) // displayName has up to 1 KiB
	var members []string
	id := ""
	for i := range 100 {
		status, u := s.scim(token, http.MethodPost, "/Users", fmt.Sprintf(`{"userName":"%d%s","displayName":"%s"}`, i, strings.Repeat("x", 240), long))
		require.Equal(t, 201, status, u)
		id = u["id"].(string)
		members = append(members, `{"value":"`+id+`"}`)
		status, _ = s.scim(token, http.MethodPost, "/Users", fmt.Sprintf(`{"userName":"%d%s"}`, i, strings.Repeat("x", 240)))
		require.Equal(t, 409, status)
	}
	var group string
	for i := range 60 {
		status, g := s.scim(token, http.MethodPost, "/Groups", `{"displayName":"`+long+strconv.Itoa(i)+`","members":[`+strings.Join(members, ",")+`]}`)
		require.Equal(t, 201, status, g)
		group = g["id"].(string)
	}
	for _, path := range []string{"", "people", "people/" + id, "groups", "groups/" + group, "activity", "activity?outcome=refused", "safety", "connect"} {
		for _, language := range []string{"en", "de"} {
			assert.Equal(t, 200, v.get(path, "Accept-Language", language).status)
		}
	}
}
