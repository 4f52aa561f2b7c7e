package scimtest_test

import "strings"

func galleryMutants() []mutant {
	read := is("GET").and(item)
	users, groups := read.and(at("/Users")), read.and(at("/Groups"))
	ops := func(op, path string, f func(o map[string]any) []any) func(*asked) {
		return operations(func(o map[string]any) []any {
			if p, _ := o["path"].(string); o["op"] == op && strings.HasPrefix(p, path) {
				return f(o)
			}
			return []any{o}
		})
	}
	nothing := func(map[string]any) []any { return nil }
	manager := "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
	deleted := false
	return []mutant{
		{"gallery-schemas", "an attribute that Entra ID maps isn't described", nil, edit(at("/Schemas"), func(body map[string]any) {
			for _, s := range elements(body, "Resources") {
				for _, a := range elements(s, "attributes") {
					if a["name"] == "preferredLanguage" {
						a["name"] = "language"
					}
				}
			}
		})},
		{"gallery-empty", "an empty text changes nothing", ops("Replace", "nickName", nothing), nil},
		{"gallery-user-create", "a new user's title is forgotten", request(is("POST"), set("title", nil)), nil},
		{"gallery-user-update", "a value with a filter isn't made", ops("Add", "emails[", nothing), nil},
		{"gallery-group-create", "a new group's externalId is forgotten", request(is("POST").and(at("/Groups")), set("externalId", nil)), nil},
		{"gallery-group-update", "groups can't be renamed", ops("Replace", "displayName", nothing), nil},
		{"gallery-user-pages", "startIndex isn't answered", nil, edit(is("GET").and(collection), set("startIndex", 1))},
		{"gallery-group-pages", "all pages are the first", parameter(is("GET").and(collection), "startIndex", ignored), nil},
		{"gallery-manager-empty", "a manager can't be removed by an empty value", operations(func(o map[string]any) []any {
			if o["path"] == manager && o["value"] == "" {
				return nil
			}
			return []any{o}
		}), nil},
		{"gallery-engine-user-create", "nobody is found by userName", blind("userName"), nil},
		{"gallery-engine-user-update", "only the first operation is done", func(q *asked) {
			if list, ok := q.body["Operations"].([]any); ok {
				q.body["Operations"] = list[:1]
			}
		}, nil},
		{"gallery-engine-disable", `"False" is no false`, ops("Replace", "active", nothing), nil},
		{"gallery-engine-delete", "users can't be deleted", nil, status(is("DELETE"), 204, 405)},
		{"gallery-engine-manager", "managers can't be removed", ops("Remove", manager, nothing), nil},
		{"gallery-engine-reassign", "who is disabled isn't found", func(q *asked) {
			if q.method == "PATCH" {
				deleted = true
			}
			if deleted {
				blind("userName")(q)
			}
		}, nil},
		{"gallery-engine-on-demand", "userName is found in its case alone", filter(func(s string) string {
			if _, value, _ := strings.Cut(s, " eq "); value == strings.ToUpper(value) {
				return nobody
			}
			return s
		}), nil},
		{"gallery-engine-group-schema", "groups have no schema by itself", nil, status(at("/Schemas/"), 200, 404)},
		{"gallery-engine-group-create", "groups aren't found by displayName", blind("displayName"), nil},
		{"gallery-engine-group-update", "a rename empties the group", ops("Replace", "displayName", func(o map[string]any) []any {
			return []any{o, map[string]any{"op": "remove", "path": "members"}}
		}), nil},
		{"gallery-engine-member-add", "Add of members replaces them", ops("Add", "members", func(o map[string]any) []any {
			o["op"] = "replace"
			return []any{o}
		}), nil},
		{"gallery-engine-member-remove", "Remove of a member empties the group", ops("Remove", "members", func(o map[string]any) []any {
			delete(o, "value")
			return []any{o}
		}), nil},
		{"gallery-engine-group-delete", "a deleted group can be read", nil, status(groups, 404, 200)},
		{"gallery-engine-group-read", "a group comes with its members always", parameter(groups, "excludedAttributes", ignored), nil},
		{"gallery-user-create", "users have another title", nil, edit(users, set("title", "other"))},
	}
}

func interopMutants() []mutant {
	config, types := at("/ServiceProviderConfig"), at("/ResourceTypes")
	patched := func(from, to int) func(q *asked, a *told) { return status(is("PATCH"), from, to) }
	return []mutant{
		{"Z1", "the configuration doesn't claim the profile", nil, edit(config, set("interopProfileConformant", nil))},
		{"Z3", "resource types have ids of their own", nil, resources(types, set("id", "kit"))},
		{"Z4", "externalId finds nobody", blind("externalId"), nil},
		{"Z5", "unknown attributes are ignored", request(is("POST"), set("kitUnknown", nil)), nil},
		{"Z6", "type has no canonicalValues", nil, edit(at("/Schemas"), func(body map[string]any) {
			for _, s := range elements(body, "Resources") {
				for _, a := range elements(s, "attributes") {
					for _, sub := range elements(a, "subAttributes") {
						delete(sub, "canonicalValues")
					}
				}
			}
		})},
		{"Z7", "any media type is taken", func(q *asked) { q.header.Set("Content-Type", "application/scim+json") }, nil},
		{"Z8", "unknown attributes in filters find nobody", blind("kitUnknown"), nil},
		{"Z9", "a count of 100 is too much", nil, refuse(400, func(q *asked) bool { return q.query.Get("count") == "100" })},
		{"Z10", "operations without a path are done", nil, patched(400, 200)},
		{"Z11-complex", "complex attributes are merged", operations(func(o map[string]any) []any {
			if o["path"] == "name" {
				o["path"], o["value"] = "name.familyName", o["value"].(map[string]any)["familyName"]
			}
			return []any{o}
		}), nil},
		{"Z11-target", "a path may end in a filter", nil, patched(400, 200)},
		{"Z12", "what is deleted can be read", nil, status(is("GET").and(item), 404, 200)},
		{"Z13", "a conflict is answered with 400", nil, status(always, 409, 400)},
	}
}

func ipsieMutants() []mutant {
	config := at("/ServiceProviderConfig")
	users := is("GET").and(item).and(at("/Users"))
	return []mutant{
		{"AL1-oauth", "only Basic is offered", nil, edit(config, set("authenticationSchemes", []any{map[string]any{"type": "httpbasic"}}))},
		{"AL1-bulk", "bulk isn't offered", nil, edit(config, set("bulk.supported", false))},
		{"AL1-several", "only the first operation is done", func(q *asked) {
			if list, ok := q.body["Operations"].([]any); ok {
				q.body["Operations"] = list[:1]
			}
		}, nil},
		{"AL1-deactivate", "nobody can be deactivated", nil, edit(users, set("active", true))},
		{"AL1-reactivate", "nobody can be reactivated", nil, edit(users, set("active", false))},
		{"AL1-read", "who is deactivated can't be read", nil, func(q *asked, a *told) {
			if users(q) && a.body["active"] == false {
				answer(a, 404)
			}
		}},
		{"AL1-delete", "users can't be deleted", nil, status(is("DELETE"), 204, 405)},
		{"AL1-filter-userName", "nobody is found by userName", blind("userName"), nil},
		{"AL1-filter-externalId", "nobody is found by externalId", blind("externalId"), nil},
		{"AL1-filter-emails", "nobody is found by a filter in brackets", blind("emails["), nil},
		{"AL2-attributes", "displayName isn't kept", nil, edit(users, set("displayName", nil))},
		{"AL2-password", "there is a password", nil, edit(at("/Schemas"), func(body map[string]any) {
			for _, s := range elements(body, "Resources") {
				if list, ok := s["attributes"].([]any); ok {
					s["attributes"] = append(list, map[string]any{"name": "password", "type": "string", "multiValued": false})
				}
			}
		})},
		{"AL2-page", "pages have any size", nil, edit(config, set("filter.maxResults", 100_000))},
		{"AL2-empty-group", "an empty group can't be made", nil, refuse(400, is("POST").and(at("/Groups")))},
		{"AL2-fifty", "more than ten operations are refused", nil, func(q *asked, a *told) {
			if list, _ := q.body["Operations"].([]any); len(list) > 10 {
				answer(a, 413)
			}
		}},
		{"AL2-filter-groups", "groups aren't found by members", blind("members["), nil},
	}
}
