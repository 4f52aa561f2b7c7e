package scimtest_test

import (
	"net/http"
	"strings"
)

func bulkMutants() []mutant {
	bulk := at("/Bulk")
	results := func(f func(o map[string]any)) func(q *asked, a *told) {
		return edit(bulk, func(body map[string]any) {
			for _, o := range elements(body, "Operations") {
				f(o)
			}
		})
	}
	ops := func(f func(list []any) []any) func(*asked) {
		return request(bulk, func(body map[string]any) {
			if list, ok := body["Operations"].([]any); ok {
				body["Operations"] = f(list)
			}
		})
	}
	return []mutant{
		{"7644-3.7-response", "a bulk's answer has no schemas", nil, edit(bulk, set("schemas", nil))},
		{"7644-3.7.3-created", "the status of an operation is a number", nil, results(func(o map[string]any) { o["status"] = 201 })},
		{"7644-3.7.3-location", "results have no location", nil, results(set("location", nil))},
		{"7644-3.7.3-bulkId", "results have no bulkId", nil, results(set("bulkId", nil))},
		{"7644-3.7.3-method", "results have no method", nil, results(set("method", nil))},
		{"7644-3.7.3-error", "a failed operation says nothing about why", nil, results(set("response", nil))},
		{"7644-3.7-all", "a bulk ends at the first error", request(bulk, set("failOnErrors", 1)), nil},
		{"7644-3.7.3-fail-on-errors", "failOnErrors is ignored", request(bulk, set("failOnErrors", nil)), nil},
		{"7644-3.7-methods", "PUT in a bulk changes nothing", ops(func(list []any) []any {
			for _, o := range list {
				if o := o.(map[string]any); o["method"] == "PUT" {
					o["method"], o["data"] = "PATCH", map[string]any{"schemas": []any{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": []any{}}
				}
			}
			return list
		}), nil},
		{"7644-3.7.2-reference", "references are forgotten", ops(func(list []any) []any {
			for _, o := range list {
				if data, ok := o.(map[string]any)["data"].(map[string]any); ok {
					delete(data, "members")
				}
			}
			return list
		}), nil},
		{"7644-3.7.2-forward", "references to what comes later aren't resolved", nil, func(q *asked, a *told) {
			if list := elements(a.body, "Operations"); bulk(q) && len(list) > 0 {
				list[0]["status"] = "409"
			}
		}},
		{"7644-3.7.1-circular", "circles are refused", nil, func(q *asked, a *told) {
			if list := elements(a.body, "Operations"); bulk(q) && len(list) > 1 {
				list[1]["status"] = "409"
			}
		}},
		{"7644-3.7.4-operations", "maxOperations is not enforced", ops(func(list []any) []any { return list[:min(len(list), 2)] }), nil},
	}
}

func cursorMutants() []mutant {
	list := is("GET").and(collection)
	both := func(q *asked) bool { return list(q) || search(q) }
	config := at("/ServiceProviderConfig")
	return []mutant{
		{"9865-4-index", "pagination.index is missing", nil, edit(config, set("pagination.index", nil))},
		{"9865-4-default", "there is no default way of paging", nil, edit(config, set("pagination.defaultPaginationMethod", nil))},
		{"9865-2-first", "an empty cursor is refused", nil, refuse(400, func(q *asked) bool { return list(q) && q.query.Has("cursor") })},
		{"9865-2-walk", "each cursor leads to the first page", parameter(list, "cursor", ignored), nil},
		{"9865-2-last", "the last page has a cursor", nil, edit(both, set("nextCursor", "more"))},
		{"9865-2-first-previous", "the first page has a cursor back", nil, edit(both, set("previousCursor", "back"))},
		{"9865-2-zero", "count 0 is ignored", parameter(list, "count", func(s string) string { return strings.Trim(s, "0") }), nil},
		{"9865-2-safe", "cursors have characters that are reserved in URLs", nil, edit(both, func(body map[string]any) {
			if c, ok := body["nextCursor"].(string); ok {
				body["nextCursor"] = c + "/+="
			}
		})},
		{"9865-2.1-invalid", "what is no cursor is the first page", parameter(list, "cursor", ignored), nil},
		{"9865-2.1-expired", "a cursor is good for ever", nil, status(list, 400, 200)},
		{"9865-2.1-expired", "an expired cursor is called invalid", nil, func(q *asked, a *told) {
			if both(q) && a.status == http.StatusBadRequest {
				a.body["scimType"] = "invalidCursor"
			}
		}},
		{"9865-2-negative", "a negative count is ignored", parameter(list, "count", func(s string) string { return strings.TrimPrefix(s, "-") }), nil},
		{"9865-2-total", "totalResults is the size of the page", nil, edit(both, set("totalResults", 1))},
		{"9865-2-previous", "the cursor back leads to the same page", nil, edit(both, func(body map[string]any) {
			if body["previousCursor"] != nil {
				body["previousCursor"] = body["nextCursor"]
			}
		})},
		{"9865-2-sorted", "pages by cursor aren't sorted", parameter(list, "sortBy", ignored), nil},
		{"9865-2.1-count", "another count is accepted", nil, status(list, 400, 200)},
		{"9865-2.1-query", "a cursor is good for any query", nil, status(list, 400, 200)},
		{"9865-3-search", "a SearchRequest has no cursor", request(search, set("cursor", "")), nil},
	}
}
