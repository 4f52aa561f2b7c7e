package sqlstore_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	elimity "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	elimityschema "github.com/elimity-com/scim/schema"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// TestFilters asks for thousands of generated lists, over HTTP, on each engine and on the Fake, which evaluates a filter on
// each resource. The answers must be the same bytes.
func TestFilters(t *testing.T) {
	const lists, seed = 2000, 17
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		g := filterGenerator{rand.New(rand.NewPCG(seed, seed))}
		want, got := filterHandler(t, storetest.NewFake()), filterHandler(t, open(t, nil))
		for n := range 120 {
			c := &store.Change{Tenant: "acme", Put: []store.Put{{Resource: g.user(want.Lifecycle().Index, n)}}}
			if n%6 == 5 {
				c = g.group(want.Lifecycle().Index, n)
			}
			require.NoError(t, want.store.Commit(t.Context(), c))
			require.NoError(t, got.store.Commit(t.Context(), c))
		}
		found, refused := 0, 0
		for range lists {
			path := g.List()
			expected, answer := want.get(path), got.get(path)
			require.Equal(t, expected.Body.String(), answer.Body.String(), "GET %s", path)
			switch {
			case expected.Code == http.StatusBadRequest:
				refused++
			case !strings.Contains(expected.Body.String(), `"totalResults":0`):
				found++
			}
		}
		t.Logf("of %d lists, %d found something and %d were refused", lists, found, refused)
		require.Greater(t, found, lists/3, "most filters must mean something")
		require.Less(t, refused, lists/4)
	})
}

// extraURN is a schema with one attribute of each type that those of RFC 7643 lack.
const extraURN = "urn:example:params:scim:schemas:extension:extra:1.0:User"

type filterServer struct {
	*scim.Handler
	store store.Store
}

func filterHandler(t *testing.T, s store.Store) filterServer {
	number := func(name string, typ elimityschema.AttributeDataType) elimityschema.CoreAttribute {
		return elimityschema.SimpleCoreAttribute(elimityschema.SimpleNumberParams(elimityschema.NumberParams{Name: name, Type: typ}))
	}
	h, err := scim.NewHandler(s, &scim.Options{
		Auth: scim.BearerTokens{"token": "acme"}, BaseURL: "https://app.example",
		ResourceTypes: []elimity.ResourceType{
			scim.UserType(elimity.SchemaExtension{Schema: elimityschema.Schema{ID: extraURN, Name: optional.NewString("Extra"),
				Attributes: elimityschema.Attributes{
					number("level", elimityschema.AttributeTypeInteger()),
					number("ratio", elimityschema.AttributeTypeDecimal()),
					elimityschema.SimpleCoreAttribute(elimityschema.SimpleDateTimeParams(elimityschema.DateTimeParams{Name: "until"})),
				}}}),
			scim.GroupType(),
		},
		Index: map[string][]string{"User": {"emails.value", "displayName", "title"}, "Group": {"displayName"}},
	})
	require.NoError(t, err)
	return filterServer{h, s}
}

func (s filterServer) get(path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer token")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// filterGenerator makes resources, and filters that have a chance to find them.
type filterGenerator struct{ *rand.Rand }

func oneOf[T any](g filterGenerator, of ...T) T { return of[g.IntN(len(of))] }

// There are few values, so that filters match often. Among them are those that could break a statement, a key or folding.
var (
	filterTexts = []string{"ada", "ADA", "Ada Lovelace", "adam", "straße", "STRASSE", "ẞ", "İ", "ı", "%", "a%a", "a_a", `\`, `a"b`, "'; --",
		"😀", "\u202eabc", "\x01\x10", "\x7f", "é", "e\u0301", " ", " ada", "1", "true", "null", "$1", "~key#"}
	filterTimes = []string{"2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z", "2026-03-01T13:00:00+01:00", "2026-03-01T12:00:00.0000005Z", "1969-12-31T23:59:59.5Z"}
)

func (g filterGenerator) text() string { return oneOf(g, filterTexts...) }

func (g filterGenerator) number() string {
	return oneOf(g, "0", "-0", "1", "1.0", "1e0", "1.5", "-3", "9007199254740993", "9007199254740992", "1e3")
}

// object adds some of the attributes in perhaps to those in always.
func (g filterGenerator) object(always map[string]any, perhaps map[string]any) map[string]any {
	for _, name := range slices.Sorted(maps.Keys(perhaps)) {
		if g.IntN(3) > 0 {
			always[name] = perhaps[name]
		}
	}
	return always
}

func (g filterGenerator) user(index func(string, document.Value) ([]store.IndexKey, string), n int) *store.Resource {
	var emails []any
	for i := range g.IntN(4) {
		emails = append(emails, g.object(map[string]any{"value": g.text()},
			map[string]any{"type": oneOf(g, "work", "Work", "home"), "primary": i == 0, "display": g.text()}))
	}
	perhaps := map[string]any{
		"externalId": g.text(), "displayName": g.text(), "title": g.text(), "nickName": g.text(), "active": g.IntN(2) == 0,
		"name":             g.object(map[string]any{"familyName": g.text()}, map[string]any{"givenName": g.text()}),
		"profileUrl":       "https://example.com/" + oneOf(g, "a", "A", "b"),
		"x509Certificates": []any{map[string]any{"value": oneOf(g, "QUJD", "QUJE", "qujd")}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": g.object(map[string]any{"department": g.text()},
			map[string]any{"manager": map[string]any{"value": g.id()}}),
		extraURN: g.object(map[string]any{"level": g.IntN(3)}, map[string]any{
			"ratio": json.RawMessage(oneOf(g, "1", "1.0", "1.5", "-3", "1e3")), "until": oneOf(g, filterTimes...)}),
	}
	if emails != nil {
		perhaps["emails"] = emails
	}
	return g.resource(index, "User", filterID(n), g.object(map[string]any{"userName": fmt.Sprint(g.text(), n%40, oneOf(g, "", "x", "X"), n)}, perhaps))
}

func filterID(n int) string { return fmt.Sprintf("%03d-a", n) }

func (g filterGenerator) id() string { return filterID(g.IntN(120)) }

func (g filterGenerator) resource(index func(string, document.Value) ([]store.IndexKey, string), typ, id string, attributes map[string]any) *store.Resource {
	text, err := json.Marshal(attributes)
	if err != nil {
		panic(err) // it can't fail for such maps
	}
	v, err := document.Parse(string(text), 0)
	if err != nil {
		panic(err)
	}
	at := func() time.Time {
		t, _ := time.Parse(time.RFC3339Nano, oneOf(g, filterTimes...))
		return t.UTC().Truncate(time.Microsecond)
	}
	r := &store.Resource{Key: store.Key{Type: typ, ID: id}, Version: oneOf(g, "1", "2"), Created: at(), LastModified: at(), Attributes: v.Document()}
	r.Index, r.Label = index(typ, v)
	return r
}

// group makes a group with some of the people who are there already.
func (g filterGenerator) group(index func(string, document.Value) ([]store.IndexKey, string), n int) *store.Change {
	r := g.resource(index, "Group", filterID(n), map[string]any{"displayName": fmt.Sprint(g.text(), " ", n), "externalId": g.text()})
	d := store.MemberDelta{Group: r.ID, Version: r.Version, LastModified: r.LastModified}
	for i := range n {
		if g.IntN(8) == 0 {
			d.Add = append(d.Add, store.MemberRef{ID: filterID(i)})
		}
	}
	return &store.Change{Tenant: "acme", Put: []store.Put{{Resource: r}}, Members: []store.MemberDelta{d}}
}

func (g filterGenerator) List() string {
	endpoint := oneOf(g, "/Users", "/Users", "/Users", "/Groups", "/")
	q := url.Values{"filter": {g.filter(endpoint, 3)}, "attributes": {"userName"}}
	if g.IntN(3) == 0 {
		q.Set("sortBy", oneOf(g, "id", "externalId", "displayName", "meta.created", "meta.lastModified", "userName", "emails.value"))
		q.Set("sortOrder", oneOf(g, "ascending", "descending"))
	}
	if g.IntN(3) == 0 {
		q.Set("startIndex", oneOf(g, "1", "2", "5"))
		q.Set("count", oneOf(g, "0", "1", "3", "7"))
	}
	return endpoint + "?" + q.Encode()
}

// filter makes an expression that is nested at most to the depth given.
func (g filterGenerator) filter(endpoint string, depth int) string {
	if depth > 0 {
		switch g.IntN(6) {
		case 0, 1:
			return "(" + g.filter(endpoint, depth-1) + ") and (" + g.filter(endpoint, depth-1) + ")"
		case 2:
			return g.filter(endpoint, depth-1) + " or " + g.filter(endpoint, depth-1)
		case 3:
			return "not (" + g.filter(endpoint, depth-1) + ")"
		}
	}
	if endpoint == "/Users" {
		switch g.IntN(8) {
		case 0:
			return "emails[" + g.compare(oneOf(g, "value", "type", "primary", "display")) + oneOf(g, "", " and "+g.compare(oneOf(g, "type", "value")), " or primary eq true") + "]"
		case 1:
			return "groups" + oneOf(g, "["+g.compare("display")+"]", ".display "+oneOf(g, "eq", "sw", "co")+" "+g.quoted(), ` eq "`+g.id()+`"`, ".value ne \""+g.id()+`"`, " pr")
		}
		return g.compare(oneOf(g, "userName", "userName", "id", "externalId", "displayName", "title", "nickName", "active", "name.familyName", "name", "emails", "emails.value",
			"emails.primary", "profileUrl", "x509Certificates.value", "meta.created", "meta.lastModified", "meta.resourceType", "schemas",
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
			extraURN+":level", extraURN+":ratio", extraURN+":until"))
	}
	if endpoint == "/Groups" && g.IntN(3) == 0 {
		return "members" + oneOf(g, ".value", "") + " " + oneOf(g, "eq", "eq", "ne") + ` "` + g.id() + `"`
	}
	if endpoint == "/Groups" && g.IntN(4) == 0 {
		return "members[" + g.compare(oneOf(g, "display", "value", "type")) + " and " + g.compare("type") + "]"
	}
	return g.compare(oneOf(g, "id", "externalId", "displayName", "meta.created", "meta.resourceType"))
}

func (g filterGenerator) quoted() string {
	text := g.text()
	if runes := []rune(text); len(runes) > 1 && g.IntN(4) == 0 {
		text = string(runes[:1+g.IntN(len(runes)-1)]) // a beginning, which sw and co find
	}
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// compare makes a comparison, mostly one that is valid for the attribute.
func (g filterGenerator) compare(attribute string) string {
	if g.IntN(10) == 0 {
		return attribute + " pr"
	}
	op, value := oneOf(g, "eq", "eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"), g.quoted()
	equality := oneOf(g, "eq", "ne")
	switch name := attribute[strings.LastIndexAny(attribute, ":.")+1:]; {
	case g.IntN(25) == 0:
		value = oneOf(g, "true", "null", "5", `"2026-03-01T12:00:00Z"`, `""`)
	case name == "id" || strings.HasSuffix(attribute, "manager.value"):
		value = `"` + g.id() + `"`
	case name == "active" || name == "primary":
		op, value = equality, oneOf(g, "true", "false", `"True"`)
	case name == "level" || name == "ratio":
		op, value = oneOf(g, equality, "gt", "ge", "lt", "le"), g.number()
	case name == "created" || name == "lastModified" || name == "until":
		op, value = oneOf(g, equality, "gt", "ge", "lt", "le"), `"`+oneOf(g, filterTimes...)+`"`
	case name == "type":
		op, value = equality, oneOf(g, `"work"`, `"home"`, `"User"`, `"Group"`)
	case name == "resourceType":
		op, value = equality, oneOf(g, `"User"`, `"Group"`)
	case name == "schemas":
		op, value = equality, `"`+oneOf(g, extraURN, "urn:ietf:params:scim:schemas:core:2.0:User")+`"`
	case strings.HasPrefix(attribute, "x509"):
		op, value = equality, oneOf(g, `"QUJD"`, `"qujd"`)
	}
	return attribute + " " + op + " " + value
}

// TestIndexedLater indexes an attribute of existing people: when they have got the keys, filters find them again.
func TestIndexedLater(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		serve := func(index ...string) filterServer {
			h, err := scim.NewHandler(s, &scim.Options{Auth: scim.BearerTokens{"token": "acme"}, Index: map[string][]string{"User": index}})
			require.NoError(t, err)
			return filterServer{h, s}
		}
		post := func(h filterServer, userName string) {
			r := httptest.NewRequest(http.MethodPost, "/Users", strings.NewReader(`{"userName":"`+userName+`","title":"Dr"}`))
			r.Header.Set("Authorization", "Bearer token")
			r.Header.Set("Content-Type", "application/scim+json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, http.StatusCreated, w.Code, w.Body)
		}
		const count = 450 // more than a page
		for n := range count {
			post(serve(), fmt.Sprint("old", n))
		}
		later := serve("title")
		post(later, "new")
		before := later.get("/Users/?filter=userName+eq+%22old7%22").Body.String()
		require.NoError(t, later.Lifecycle().Reindex(t.Context(), "acme", "User"))
		require.Contains(t, later.get("/Users?count=0&filter=title+eq+%22DR%22").Body.String(), fmt.Sprintf(`"totalResults":%d`, count+1))
		require.Equal(t, before, later.get("/Users/?filter=userName+eq+%22old7%22").Body.String(), "nothing else has changed")
	})
}
