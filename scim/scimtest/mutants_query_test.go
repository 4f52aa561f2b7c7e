package scimtest_test

import (
	"regexp"
	"strings"
)

func filterMutants() []mutant {
	list := is("GET").and(collection)
	var ids []string // externalIds that were sent
	pair := regexp.MustCompile(`(\w+)\[type eq ("[^"]*") and value eq ("[^"]*")\]`)
	return []mutant{
		{"7644-3.4.2-list", "a list is an array in an object without schemas", nil, edit(list, set("schemas", nil))},
		{"7644-3.4.2-none", "nothing found is answered with 404", nil, func(q *asked, a *told) {
			if a.body["totalResults"] == 0.0 {
				answer(a, 404)
			}
		}},
		{"7644-3.4.2-total", "totalResults is the size of the page", nil, edit(list, func(body map[string]any) { body["totalResults"] = len(elements(body, "Resources")) })},
		{"7644-3.4.2-unknown-parameter", "unknown parameters are refused", nil, refuse(400, func(q *asked) bool { return q.query.Has("kit") })},
		{"7644-3.4.2.2-eq", "eq is ne", replaced(" eq ", " ne "), nil},
		{"7644-3.4.2.2-ne", "ne is eq", replaced(" ne ", " eq "), nil},
		{"7644-3.4.2.2-co", "co is sw", replaced(" co ", " sw "), nil},
		{"7644-3.4.2.2-sw", "sw is ew", replaced(" sw ", " ew "), nil},
		{"7644-3.4.2.2-ew", "ew is eq", replaced(" ew ", " eq "), nil},
		{"7644-3.4.2.2-pr", "pr finds nobody", blind(" pr"), nil},
		{"7644-3.4.2.2-pr-not", "not is ignored before pr", replaced("not (", "("), nil},
		{"7644-3.4.2.2-gt", "gt is lt", replaced(" gt ", " lt "), nil},
		{"7644-3.4.2.2-ge", "ge is gt", replaced(" ge ", " gt "), nil},
		{"7644-3.4.2.2-lt", "lt is le", replaced(" lt ", " le "), nil},
		{"7644-3.4.2.2-le", "le is lt", replaced(" le ", " lt "), nil},
		{"7644-3.4.2.2-and", "and is or", replaced(" and ", " or "), nil},
		{"7644-3.4.2.2-or", "or is and", replaced(" or ", " and "), nil},
		{"7644-3.4.2.2-not", "not is ignored", replaced("not (", "("), nil},
		{"7644-3.4.2.2-precedence", "operators are taken from the left", filter(func(s string) string {
			left, right, _ := strings.Cut(s, " and ")
			return "(" + left + ") and " + right
		}), nil},
		{"7644-3.4.2.2-grouping", "parentheses are ignored", filter(func(s string) string { return strings.NewReplacer("(", "", ")", "").Replace(s) }), nil},
		{"7644-3.4.2.2-name-case", "the case of names counts", blind("NICKNAME"), nil},
		{"7644-3.4.2.2-operator-case", "the case of operators counts", blind(" EQ "), nil},
		{"7644-3.4.2.2-id", "id can't be filtered", blind("id eq "), nil},
		{"7644-3.4.2.2-id-case", "externalId is compared without its case", func(q *asked) {
			if id, ok := q.body["externalId"].(string); ok {
				ids = append(ids, id)
			}
			filter(func(s string) string {
				for _, id := range ids {
					if strings.EqualFold(s, `externalId eq "`+id+`"`) {
						return `externalId eq "` + id + `"`
					}
				}
				return s
			})(q)
		}, nil},
		{"7644-3.4.2.2-value-case", "values are compared in their case", filter(func(s string) string {
			if _, value, _ := strings.Cut(s, " eq "); value == strings.ToUpper(value) {
				return nobody
			}
			return s
		}), nil},
		{"7644-3.4.2.2-lastModified", "times are compared the wrong way round", replaced(" gt ", " lt "), nil},
		{"7644-3.4.2.2-resourceType", "meta.resourceType can't be filtered", blind("meta.resourceType"), nil},
		{"7644-3.4.2.2-urn", "names with a URN aren't known", blind("core:2.0:User:"), nil},
		{"7644-3.4.2.2-extension", "extensions can't be filtered", blind("enterprise"), nil},
		{"7644-3.4.2.2-sub-attribute", "sub-attributes can't be filtered", blind("name."), nil},
		{"7644-3.4.2.2-any-value", "multi-valued attributes can't be filtered", blind(".value eq"), nil},
		{"7644-3.4.2.2-one-value", "brackets are ignored", filter(func(s string) string {
			return pair.ReplaceAllString(s, "$1.type eq $2 and $1.value eq $3")
		}), nil},
		{"7644-3.4.2.2-boolean", "false is true", replaced(" eq false", " eq true"), nil},
		{"7644-3.4.2.2-boolean-order", "booleans have an order", nil, status(list, 400, 200)},
		{"7644-3.4.2.2-malformed", "what is no filter is ignored", nil, status(list, 400, 200)},
		{"7644-3.4.2.2-operator", "an unknown operator has no scimType", nil, func(q *asked, a *told) { delete(a.body, "scimType") }},
		{"7644-3.4.2.2-escape", "escapes are no escapes", blind(`\`), nil},
		{"7644-3.4.3-search", "there is no .search", nil, status(search, 200, 501)},
		{"7644-3.4.3-count", "a SearchRequest has no pages", request(search, set("count", nil)), nil},
		{"7644-3.4.3-attributes", "a SearchRequest has no attributes", request(search, set("attributes", nil)), nil},
	}
}

func pageMutants() []mutant {
	list := is("GET").and(collection)
	always := func(value string) func(string) string { return func(string) string { return value } }
	given := func(name string) where { return func(q *asked) bool { return q.query.Get(name) != "" } }
	zero := func(from string) func(string) string {
		return func(s string) string {
			if s == from {
				return ""
			}
			return s
		}
	}
	return []mutant{
		{"7644-3.4.2.3-ascending", "all is sorted downwards", parameter(list, "sortOrder", always("descending")), nil},
		{"7644-3.4.2.3-default", "the default is downwards", parameter(list, "sortOrder", always("descending")), nil},
		{"7644-3.4.2.3-descending", "all is sorted upwards", parameter(list, "sortOrder", ignored), nil},
		{"7644-3.4.2.3-sub-attribute", "nothing is sorted", parameter(list, "sortBy", ignored), nil},
		{"7644-3.4.2.3-page", "pages aren't sorted", parameter(list, "sortOrder", always("descending")), nil},
		{"7644-3.4.2.4-count", "count is ignored", parameter(list, "count", ignored), nil},
		{"7644-3.4.2.4-zero", "count 0 is ignored", parameter(list, "count", zero("0")), nil},
		{"7644-3.4.2.4-negative", "a negative count is ignored", parameter(list, "count", zero("-3")), nil},
		{"7644-3.4.2.4-itemsPerPage", "itemsPerPage is always 100", nil, edit(list, set("itemsPerPage", 100))},
		{"7644-3.4.2.4-startIndex", "startIndex is always 1", nil, edit(list, set("startIndex", 1))},
		{"7644-3.4.2.4-less-than-one", "startIndex is counted from 0", parameter(list, "startIndex", func(s string) string {
			if s == "0" {
				return "2"
			}
			return s
		}), nil},
		{"7644-3.4.2.4-beyond", "a page behind the end is answered with 404", nil, func(q *asked, a *told) {
			if list(q) && len(elements(a.body, "Resources")) == 0 {
				answer(a, 404)
			}
		}},
		{"7644-3.4.2.4-walk", "all pages are the first", parameter(list.and(given("startIndex")), "startIndex", ignored), nil},
	}
}

func projectionMutants() []mutant {
	read, list := is("GET").and(item), is("GET").and(collection)
	other := func(part, with string) func(string) string {
		return func(s string) string {
			if strings.Contains(s, part) {
				return with
			}
			return s
		}
	}
	return []mutant{
		{"7644-3.9-attributes", "attributes is ignored", parameter(read, "attributes", ignored), nil},
		{"7644-3.9-excluded", "excludedAttributes is ignored", parameter(read, "excludedAttributes", ignored), nil},
		{"7644-3.9-always", "id can be left out", nil, func(q *asked, a *told) {
			if q.query.Get("excludedAttributes") == "id" {
				delete(a.body, "id")
			}
		}},
		{"7644-3.9-list", "attributes is ignored in lists", parameter(list, "attributes", ignored), nil},
		{"7644-3.9-list-excluded", "excludedAttributes is ignored in lists", parameter(list, "excludedAttributes", ignored), nil},
		{"7644-3.9-post", "attributes is ignored by POST", parameter(is("POST"), "attributes", ignored), nil},
		{"7644-3.9-put", "attributes is ignored by PUT", parameter(is("PUT"), "attributes", ignored), nil},
		{"7644-3.9-patch", "attributes is ignored by PATCH", parameter(is("PATCH"), "attributes", ignored), nil},
		{"7644-3.9-search", "a SearchRequest has no excludedAttributes", request(search, set("excludedAttributes", nil)), nil},
		{"7644-3.9-several", "only the first of attributes counts", parameter(read, "attributes", func(s string) string {
			first, _, _ := strings.Cut(s, ",")
			return first
		}), nil},
		{"7644-3.10-name-case", "the case of names counts in attributes", parameter(read, "attributes", func(s string) string {
			if s != "" && s == strings.ToUpper(s) {
				return "id"
			}
			return s
		}), nil},
		{"7644-3.10-urn", "names with a URN aren't known in attributes", parameter(read, "attributes", other("core:2.0:User:", "id")), nil},
		{"7644-3.10-extension", "extensions aren't known in attributes", parameter(read, "attributes", other("enterprise", "id")), nil},
		{"7644-3.10-sub-attribute", "a sub-attribute in attributes is its parent", parameter(read, "attributes", other("name.", "name")), nil},
	}
}
