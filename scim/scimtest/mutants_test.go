package scimtest_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
)

// profileOf returns the profile that a clause is in, and the dialect of the connection that the profile is for.
func profileOf(clause string) (string, scim.Dialect) {
	switch {
	case strings.HasPrefix(clause, "gallery-"):
		return "entra-gallery", scim.Tolerant()
	case strings.HasPrefix(clause, "Z"):
		return "interop", scim.Interop()
	case strings.HasPrefix(clause, "AL"):
		return "ipsie-al2", scim.Interop()
	}
	return "rfc", scim.Tolerant()
}

// virtually runs a test in a bubble of testing/synctest, because some clauses wait until a clock that counts seconds has moved.
func virtually(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, test) }
}

// TestMutants shows that each broken handler fails the clause that it is made for, and that each clause has such a handler.
func TestMutants(t *testing.T) {
	caught := map[string]bool{}
	for _, m := range mutants() {
		caught[m.clause] = true
		t.Run(m.clause+"/"+m.name, virtually(func(t *testing.T) {
			profile, dialect := profileOf(m.clause)
			report, err := scimtest.Check(t.Context(), scimtest.Target{Handler: broken(service(t, dialect), m), Token: token, Profile: profile, Only: []string{m.clause}, Wait: 2 * time.Hour})
			require.NoError(t, err)
			require.Len(t, report.Clauses, 1)
			assert.Equal(t, scimtest.Failed, report.Clauses[0].Result, "the kit must find that: %s\n%s", m.name, report.Clauses[0])
			for _, f := range report.Clauses[0].Failures {
				assert.NotContains(t, f.Text, "no answer:", "the mutant must answer")
			}
		}))
	}
	assert.GreaterOrEqual(t, len(caught), 40)
	for _, profile := range []string{"rfc", "entra-gallery", "interop", "ipsie-al2"} {
		report, err := scimtest.Check(t.Context(), scimtest.Target{Handler: service(t, scim.Tolerant()), Token: token, Profile: profile})
		require.NoError(t, err)
		for _, r := range report.Clauses {
			if r.ID != "gallery-token" && r.ID != "gallery-federation" { // TestOAuth shows that these can fail
				assert.True(t, caught[r.ID], "no mutant shows that the clause %s can fail: %s", r.ID, r.Text)
			}
		}
	}
}

// TestStrictCatchesTolerance shows that the clauses of the profile strict fail for a tolerant connection.
func TestStrictCatchesTolerance(t *testing.T) {
	report, err := scimtest.Check(t.Context(), scimtest.Target{Handler: service(t, scim.Tolerant()), Token: token, Profile: "strict"})
	require.NoError(t, err)
	for _, r := range report.Clauses {
		want := scimtest.Passed
		if strings.HasPrefix(r.ID, "strict-") {
			want = scimtest.Failed
		}
		if r.Result != scimtest.NotClaimed {
			assert.Equal(t, want, r.Result, r.ID)
		}
	}
}

// TestNoMutant shows that the middleware of the mutants breaks nothing by itself.
func TestNoMutant(t *testing.T) {
	report, err := scimtest.Check(t.Context(), scimtest.Target{Handler: broken(service(t, scim.Tolerant()), mutant{}), Token: token})
	require.NoError(t, err)
	assert.Empty(t, report.Failed())
}

func mutants() (all []mutant) {
	for _, list := range [][]mutant{schemaMutants(), resourceMutants(), createMutants(), versionMutants(), filterMutants(), pageMutants(), projectionMutants(),
		putMutants(), patchMutants(), removeMutants(), memberMutants(), deleteMutants(), httpMutants(), bulkMutants(), cursorMutants(), galleryMutants(), interopMutants(), ipsieMutants(), valueMutants(), rootMutants(), moreBulkMutants()} {
		all = append(all, list...)
	}
	return all
}

func schemaMutants() []mutant {
	config := at("/ServiceProviderConfig")
	types, schemas := at("/ResourceTypes"), at("/Schemas")
	last := func(f func(m map[string]any)) func(map[string]any) {
		return func(body map[string]any) {
			if list := elements(body, "Resources"); len(list) > 0 {
				f(list[len(list)-1])
			}
		}
	}
	all := []mutant{
		{"7643-5-schemas", "the configuration has no schemas", nil, edit(config, set("schemas", []any{}))},
		{"7643-5-authenticationSchemes", "the configuration doesn't say how to authenticate", nil, edit(config, set("authenticationSchemes", nil))},
		{"7643-5-filter-maxResults", "maxResults is a text", nil, edit(config, set("filter.maxResults", "many"))},
		{"7643-5-bulk-maxOperations", "maxOperations is missing", nil, edit(config, set("bulk.maxOperations", nil))},
		{"7643-5-bulk-maxPayloadSize", "maxPayloadSize is missing", nil, edit(config, set("bulk.maxPayloadSize", nil))},
		{"7643-6-schemaExtensions", "an extension doesn't say whether it is required", nil, edit(types, func(body map[string]any) {
			for _, r := range elements(body, "Resources") {
				for _, e := range elements(r, "schemaExtensions") {
					delete(e, "required")
				}
			}
		})},
		{"7643-6-described", "a schema isn't described", nil, edit(schemas, func(body map[string]any) {
			if list, ok := body["Resources"].([]any); ok {
				body["Resources"] = list[:len(list)-1]
			}
		})},
		{"7643-7-id", "the id of a schema is no URI", nil, edit(schemas, last(set("id", "kit")))},
		{"7644-4-config-one", "the configuration is a list", nil, edit(config, set("Resources", []any{}))},
	}
	for _, feature := range []string{"patch", "bulk", "filter", "changePassword", "sort", "etag"} {
		all = append(all, mutant{"7643-5-" + feature, feature + ".supported is a text", nil, edit(config, set(feature+".supported", "yes"))})
	}
	for _, name := range []string{"name", "endpoint", "schema"} {
		all = append(all, mutant{"7643-6-" + name, "a resource type has no " + name, nil, edit(types, last(set(name, nil)))})
	}
	for clause, edits := range map[string]map[string]any{
		"2.1-attribute-name": {"name": "1x"}, "7-attribute-type": {"type": "text"}, "7-attribute-multiValued": {"multiValued": "no"},
		"7-attribute-mutability": {"mutability": "kit"}, "7-attribute-returned": {"returned": "kit"}, "7-attribute-uniqueness": {"uniqueness": "kit"},
		"7-attribute-subAttributes":  {"type": "complex", "subAttributes": []any{}},
		"2.3.8-attribute-nesting":    {"type": "complex", "subAttributes": []any{map[string]any{"name": "x", "type": "complex"}}},
		"7-attribute-referenceTypes": {"type": "reference", "referenceTypes": []any{}},
		"7-attribute-writeOnly":      {"mutability": "writeOnly", "returned": "default"},
	} {
		all = append(all, mutant{"7643-" + clause, "an attribute is defined wrongly", nil, edit(schemas, last(func(s map[string]any) {
			if list := elements(s, "attributes"); len(list) > 0 {
				for name, v := range edits {
					list[len(list)-1][name] = v
				}
			}
		}))})
	}
	for _, path := range []string{"/ResourceTypes", "/Schemas"} {
		name := path[1:]
		list := func(q *asked) bool { return q.path == path }
		one := at(path + "/")
		all = append(all, []mutant{
			{"7644-4-list-" + name, "totalResults is wrong", nil, edit(list, set("totalResults", 0))},
			{"7644-4-one-" + name, "an entry can't be read by itself", nil, status(one, 200, 404)},
			{"7644-4-filter-" + name, "a filter is ignored", parameter(list, "filter", ignored), nil},
			{"7644-4-ignored-" + name, "discovery is paged", nil, func(q *asked, a *told) {
				if resources, ok := a.body["Resources"].([]any); ok && list(q) && q.query.Has("count") {
					a.body["Resources"] = resources[:1]
				}
			}},
			{"7644-4-unknown-" + name, "an entry that isn't there is answered with 200", nil, status(one, 404, 200)},
			{"7643-3.1-meta-" + name, "entries have no meta", nil, resources(list, set("meta", nil))},
		}...)
	}
	return all
}

func resourceMutants() []mutant {
	read := is("GET").and(item)
	post := is("POST").and(collection)
	// echoes answers with what was last sent for an attribute, instead of the value that the service has.
	echoes := func(clause, name, attribute string, when where) mutant {
		var last any
		return mutant{clause, name,
			func(q *asked) {
				if v, ok := q.body[attribute]; ok && q.method != "GET" {
					last = v
				}
			},
			resources(when, func(r map[string]any) {
				if last != nil {
					r[attribute] = last
				}
			}),
		}
	}
	bare := func(q *asked) bool { return read(q) && !q.query.Has("attributes") }
	return []mutant{
		{"7643-3.1-id", "each resource has the same id", nil, edit(post, set("id", "same"))},
		{"7643-3.1-id-stable", "the id isn't the one of the creation", nil, edit(read, set("id", "other"))},
		{"7643-3.1-externalId", "externalId is changed to lower case", nil, edit(read, func(r map[string]any) {
			if s, ok := r["externalId"].(string); ok {
				r["externalId"] = strings.ToLower(s)
			}
		})},
		{"7643-3.1-meta-resourceType", "meta.resourceType is wrong", nil, edit(read, set("meta.resourceType", "Thing"))},
		{"7643-3.1-meta-created", "meta.created is no time", nil, edit(read, set("meta.created", "yesterday"))},
		{"7643-3.1-meta-lastModified", "meta.lastModified is of long ago", nil, edit(read, set("meta.lastModified", "2020-01-01T00:00:00Z"))},
		{"7643-3.1-meta-location", "meta.location is relative", nil, edit(read, func(r map[string]any) { set("meta.location", "/Users/"+r["id"].(string))(r) })},
		echoes("7643-3.1-meta-readOnly", "meta is the client's", "meta", read),
		{"7643-3-schemas", "resources have no schemas", nil, edit(read, set("schemas", []any{}))},
		{"7643-3-schemas-extension", "schemas has no extensions", nil, edit(read.and(at("/Users")), set("schemas", []any{"urn:ietf:params:scim:schemas:core:2.0:User"}))},
		{"7643-2.1-case", "names of attributes have to be in their case", request(post, func(r map[string]any) {
			for name := range r {
				if name == strings.ToUpper(name) {
					delete(r, name)
				}
			}
		}), nil},
		{"7643-2.5-null", "null is kept as a text", nil, edit(read, set("nickName", "null"))},
		{"7643-2.5-empty", "an empty list is kept as an empty value", nil, edit(read, set("phoneNumbers", []any{map[string]any{"value": "x"}}))},
		{"7643-2.4-primary", "all values may be primary", request(post, func(r map[string]any) {
			for _, e := range elements(r, "phoneNumbers") {
				delete(e, "primary")
			}
		}), edit(post, func(r map[string]any) {
			for _, e := range elements(r, "phoneNumbers") {
				e["primary"] = true
			}
		})},
		{"7643-2-round-trip", "an attribute isn't kept", nil, edit(read, set("title", nil))},
		{"7643-2.3-string", "texts are made ASCII", nil, edit(read, func(r map[string]any) {
			for _, name := range []string{"nickName", "externalId", "owner"} {
				if s, ok := r[name].(string); ok {
					r[name] = strings.Map(func(c rune) rune {
						if c > 127 {
							return '?'
						}
						return c
					}, s)
				}
			}
		})},
		{"7643-2.3-boolean", "a boolean is a text", nil, edit(read, set("active", "false"))},
		{"7643-2.3-dateTime", "a date is a dateTime", nil, status(post, 400, 201)},
		{"7643-2.3-decimal", "a decimal loses its fraction", nil, edit(read, func(r map[string]any) {
			if w, ok := r["weight"].(float64); ok {
				r["weight"] = math.Trunc(w)
			}
		})},
		{"7643-2.3-decimal", "a text is a decimal", nil, status(post, 400, 201)},
		{"7643-2.3-integer", "an integer may have a fraction", nil, status(post, 400, 201)},
		{"7643-2.2-required", "what is required may be missing", nil, status(post, 400, 201)},
		{"7643-2.2-type", "any data type is taken", nil, status(post, 400, 201)},
		echoes("7643-2.2-readOnly", "what is readOnly can be written", "groups", read),
		echoes("7643-2.2-never", "passwords are shown", "password", bare),
		echoes("7643-2.2-request", "what is for requests alone is always shown", "notes", bare),
		echoes("7643-2.2-immutable", "what is immutable changes", "serialNumber", read),
		{"7643-2.2-unique", "what is unique may be there twice", nil, status(post, 409, 201)},
		{"7643-4.1-userName-case", "userName is unique in its case", nil, status(post, 409, 201)},
		{"7643-4.1-active", "everybody is active", nil, edit(read, set("active", true))},
	}
}

func createMutants() []mutant {
	post := is("POST").and(collection)
	half := false
	return []mutant{
		{"7644-3.3-created", "a creation is answered with 200", nil, status(post, 201, 200)},
		{"7644-3.3-body", "the answer to a creation lacks an attribute", nil, edit(post, set("externalId", nil))},
		{"7644-3.3-location", "there is no Location", nil, dropHeader(post, "Location")},
		{"7644-3.3-location-meta", "Location and meta.location differ", nil, edit(post, func(r map[string]any) { set("meta.location", "http://other.example.com/Users/1")(r) })},
		{"7644-3.3-location-works", "there is nothing at the Location", nil, status(is("GET").and(item), 200, 404)},
		{"7644-3.3-id-ignored", "the client chooses the id", nil, func(q *asked, a *told) {
			if id, ok := q.body["id"]; ok && post(q) {
				a.body["id"] = id
			}
		}},
		{"7644-3.3-conflict", "what is taken is answered with 400", nil, status(post, 409, 400)},
		{"7644-3.3-conflict-type", "a 409 has no scimType", nil, func(q *asked, a *told) { delete(a.body, "scimType") }},
		{"7644-3.3-syntax", "broken JSON has the wrong scimType", nil, func(q *asked, a *told) {
			if a.status == 400 {
				a.body["scimType"] = "invalidValue"
			}
		}},
		{"7644-3.3-object", "an array is taken for a resource", nil, status(post, 400, 201)},
		{"7644-3.3-refused-whole", "what is wrong is left out, and the rest created before the refusal", request(post, func(r map[string]any) {
			half = false
			for name, v := range r {
				if v == 17.5 {
					half = true
					delete(r, name)
				}
			}
		}), func(q *asked, a *told) {
			if post(q) && half {
				answer(a, 400)
			}
		}},
		{"7644-3.4.1-read", "a read shows no externalId", nil, edit(is("GET").and(item), set("externalId", nil))},
		{"7644-3.4.1-unknown", "what isn't there is answered with 200", nil, status(is("GET").and(item), 404, 200)},
	}
}

func versionMutants() []mutant {
	read := is("GET").and(item)
	tag := func(value string) func(q *asked, a *told) {
		return func(q *asked, a *told) {
			if a.header.Get("ETag") != "" {
				a.header.Set("ETag", value)
			}
		}
	}
	without := func(method, header string) func(*asked) {
		return func(q *asked) {
			if q.method == method {
				q.header.Del(header)
			}
		}
	}
	return []mutant{
		{"7644-3.14-header", "there is no ETag", nil, dropHeader(always, "ETag")},
		{"7644-3.14-meta", "meta has no version", nil, edit(read, set("meta.version", nil))},
		{"7644-3.14-form", "the ETag has no quotes", nil, tag("abc")},
		{"7644-3.14-changes", "all versions are the same", nil, tag(`W/"1"`)},
		{"7644-3.14-not-modified", "If-None-Match is ignored", without("GET", "If-None-Match"), nil},
		{"7644-3.14-modified", "whoever has any version is told that it is the last one", nil, func(q *asked, a *told) {
			if q.header.Get("If-None-Match") != "" {
				a.status, a.body = 304, nil
			}
		}},
		{"7644-3.14-match-put", "If-Match is ignored by PUT", without("PUT", "If-Match"), nil},
		{"7644-3.14-match-patch", "If-Match is ignored by PATCH", without("PATCH", "If-Match"), nil},
		{"7644-3.14-match-delete", "If-Match is ignored by DELETE", without("DELETE", "If-Match"), nil},
		{"7644-3.14-match-same", "no version matches", func(q *asked) {
			if q.header.Get("If-Match") != "" {
				q.header.Set("If-Match", `W/"kit"`)
			}
		}, nil},
	}
}

func httpMutants() []mutant {
	wrong := func(f func(body map[string]any)) func(q *asked, a *told) {
		return func(q *asked, a *told) {
			if a.status >= 400 {
				f(a.body)
			}
		}
	}
	header := func(name, value string) where { return func(q *asked) bool { return q.header.Get(name) == value } }
	allow := func(method string) func(q *asked) {
		return func(q *asked) {
			if q.method == method {
				q.header.Set("Authorization", "Bearer "+token)
			}
		}
	}
	return []mutant{
		{"7644-3.1-media-type", "answers are application/json", nil, func(q *asked, a *told) { a.header.Set("Content-Type", "application/json") }},
		{"7644-3.1-schemas", "lists have no schemas", nil, edit(collection, set("schemas", nil))},
		{"7644-3.8-accept", "only JSON is accepted", nil, refuse(406, header("Accept", "application/scim+json").and(item))},
		{"7644-3.8-accept-json", "JSON isn't accepted", nil, refuse(406, header("Accept", "application/json"))},
		{"7644-3.8-json", "JSON isn't taken", nil, refuse(415, header("Content-Type", "application/json"))},
		{"7644-3.8-charset", "a charset isn't taken", nil, refuse(415, header("Content-Type", "application/scim+json; charset=utf-8"))},
		{"7644-3.8-utf8", "answers are in Latin-1", nil, edit(is("GET").and(item), set("externalId", "\u00dcn\u00efc\u00f6d\u00e9 ?"))},
		{"7644-3.12-schemas", "errors have no schemas", nil, wrong(set("schemas", nil))},
		{"7644-3.12-status", "the status of an error is a number", nil, func(q *asked, a *told) {
			if a.status >= 400 {
				a.body["status"] = a.status
			}
		}},
		{"7644-3.12-detail", "errors have no detail", nil, wrong(set("detail", nil))},
		{"7644-3.12-scimType", "errors have a scimType of their own", nil, wrong(set("scimType", "badThing"))},
		{"7644-3.12-internal", "wrong requests are answered with 500", nil, status(always, 400, 500)},
		{"7644-3.12-endpoint", "any endpoint is answered with 200", nil, status(always, 404, 200)},
		{"7644-2-unauthenticated", "any token is let in", allow("GET"), nil},
		{"7644-2-anonymous", "anybody may write", allow("POST"), nil},
		{"7644-2-challenge", "a 401 doesn't say how to authenticate", nil, dropHeader(always, "WWW-Authenticate")},
		{"7644-3.11-me", "/Me is a failure", nil, func(q *asked, a *told) {
			if q.path == "/Me" {
				a.status = http.StatusInternalServerError
			}
		}},
	}
}
