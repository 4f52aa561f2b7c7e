package scimtest_test

import (
	"net/http"
	"strings"
)

func valueMutants() []mutant {
	read, post := is("GET").and(item), is("POST").and(collection)
	var name any
	return []mutant{
		{"7643-3-schemas-once", "schemas has a schema of messages", nil, edit(read, func(r map[string]any) {
			r["schemas"] = append(r["schemas"].([]any), "urn:ietf:params:scim:api:messages:2.0:ListResponse")
		})},
		{"7643-2.4-twice", "the same value is there twice", nil, edit(post, func(r map[string]any) {
			if list := elements(r, "phoneNumbers"); len(list) > 0 {
				r["phoneNumbers"] = append([]map[string]any{list[0]}, list...)
			}
		})},
		{"7643-2.3-binary", "any text is base64", nil, status(post, 400, 201)},
		{"7643-2.3-reference", "references are changed to lower case", nil, edit(read, func(r map[string]any) {
			if s, ok := r["profileUrl"].(string); ok {
				r["profileUrl"] = strings.ToLower(s)
			}
		})},
		{"7643-4.2-ref-works", "$ref leads nowhere", nil, edit(read.and(at("/Groups")), func(r map[string]any) {
			for _, m := range elements(r, "members") {
				m["$ref"] = m["$ref"].(string) + "x"
			}
		})},
		{"7643-4.1.2-groups-readOnly", "groups can be changed at the user", nil, status(is("PATCH"), 400, 200)},
		{"7643-4.3-manager-displayName", "a manager's displayName is the client's", request(post, func(r map[string]any) {
			if e, ok := r["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].(map[string]any); ok {
				name = e["manager"].(map[string]any)["displayName"]
			}
		}), edit(read, func(r map[string]any) {
			if e, ok := r["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].(map[string]any); ok && name != nil {
				e["manager"].(map[string]any)["displayName"] = name
			}
		})},
		{"7643-5-public", "the configuration needs a credential", nil, func(q *asked, a *told) {
			if q.header.Get("Authorization") == "" {
				answer(a, 401)
			}
		}},
	}
}

func rootMutants() []mutant {
	root := func(q *asked) bool { return q.path == "/" }
	list := is("GET").and(collection)
	return []mutant{
		{"7644-3.4.2.1-root", "a query at the root is about users", nil, edit(root, func(body map[string]any) {
			if all := elements(body, "Resources"); len(all) > 0 {
				body["Resources"] = all[:1]
			}
		})},
		{"7644-3.4.2.1-type", "meta.resourceType is ignored", replaced(" ne ", " eq "), nil},
		{"7644-3.4.2.1-undefined", "an attribute that not all types have is refused", nil, refuse(400, func(q *asked) bool {
			return root(q) && strings.Contains(q.query.Get("filter"), "userName")
		})},
		{"7644-3.4.3-root", "a SearchRequest at the root finds nothing", nil, edit(func(q *asked) bool { return q.path == "/.search" }, set("Resources", []any{}))},
		{"7644-5-precis", "userName is compared by its bytes", nil, status(is("POST"), 409, 201)},
		{"7644-3.4.2.2-default", "a default isn't found", blind("active"), nil},
		{"7644-3.4.2.2-binary-order", "binaries have an order", nil, status(list, 400, 200)},
		{"7644-3.4.2.2-integer", "numbers are compared as texts", filter(func(s string) string { return strings.ReplaceAll(s, "storage gt 50", "storage lt 50") }), nil},
		{"7644-3.4.2.2-decimal", "decimals are compared as texts", filter(func(s string) string { return strings.ReplaceAll(s, "weight gt 9.75", "weight lt 9.75") }), nil},
		{"7644-3.4.2.2-decimal", "decimals are compared without their fraction", filter(func(s string) string { return strings.ReplaceAll(s, "weight lt 9.75", "weight lt 9") }), nil},
		{"7644-3.4.2.2-decimal", "10.50 isn't 10.5", blind("10.50"), nil},
		{"7644-3.4.2.2-dateTime", "times are compared as texts", blind("+02:00"), nil},
		{"7644-3.4.2.2-schemas", "schemas can't be filtered", blind("schemas eq"), nil},
		{"7644-3.4.2.2-pr-complex", "complex attributes have no presence", blind("name pr"), nil},
		{"7644-3.4.2.3-missing", "who has no value is first", parameter(list, "sortOrder", func(s string) string {
			return map[string]string{"ascending": "descending", "descending": "ascending"}[s]
		}), nil},
		{"7644-3.4.2.3-primary", "the first value is sorted by", request(is("POST").and(collection), func(r map[string]any) {
			for _, e := range elements(r, "phoneNumbers") {
				delete(e, "primary")
			}
		}), nil},
		{"7644-3.5.2.3-all-matching", "replace changes the first match alone", operations(func(o map[string]any) []any {
			if path, ok := o["path"].(string); ok && o["op"] == "replace" {
				left, _, _ := strings.Cut(path, " or ")
				o["path"] = left + "].display"
			}
			return []any{o}
		}), nil},
	}
}

func moreBulkMutants() []mutant {
	bulk := at("/Bulk")
	each := func(f func(o map[string]any)) func(*asked) {
		return request(bulk, func(body map[string]any) {
			for _, o := range elements(body, "Operations") {
				f(o)
			}
		})
	}
	results := func(f func(i int, o map[string]any)) func(q *asked, a *told) {
		return edit(bulk, func(body map[string]any) {
			for i, o := range elements(body, "Operations") {
				f(i, o)
			}
		})
	}
	return []mutant{
		{"7644-3.7-patch", "PATCH in a bulk is refused", nil, results(func(_ int, o map[string]any) { o["status"] = "501" })},
		{"7644-3.7-bulkId-missing", "a missing bulkId is made up", each(func(o map[string]any) { o["bulkId"] = "made-up" }), nil},
		{"7644-3.7-failed-reference", "what refers to a failed operation is done without the reference", each(func(o map[string]any) {
			if data, ok := o["data"].(map[string]any); ok {
				delete(data, "members")
			}
		}), nil},
		{"7644-3.7-order", "results come in another order", nil, edit(bulk, func(body map[string]any) {
			if list := elements(body, "Operations"); len(list) > 1 {
				list[0], list[1] = list[1], list[0]
				body["Operations"] = list
			}
		})},
		{"7644-3.7.4-payload", "maxPayloadSize isn't enforced", func(q *asked) {
			if bulk(q) {
				q.body = map[string]any{"schemas": q.body["schemas"], "Operations": []any{}}
			}
		}, status(bulk, http.StatusBadRequest, 200)},
		{"7644-3.7.4-limit", "a 413 doesn't say which limit it is", nil, func(q *asked, a *told) {
			if a.status == http.StatusRequestEntityTooLarge {
				a.body["detail"] = "too large"
			}
		}},
	}
}
