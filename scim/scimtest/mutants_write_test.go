package scimtest_test

import (
	"slices"
	"strings"
	"time"
)

func putMutants() []mutant {
	put := is("PUT").and(item)
	kept := map[string]any{}
	var created any
	return []mutant{
		{"7644-3.5.1-replaces", "PUT changes nothing", func(q *asked) {
			if put(q) {
				q.method = "GET"
			}
		}, nil},
		{"7644-3.5.1-body", "PUT answers without the resource", nil, edit(put, func(r map[string]any) {
			for name := range r {
				delete(r, name)
			}
		})},
		{"7644-3.5.1-clears", "PUT leaves what is left out", func(q *asked) {
			for _, name := range []string{"nickName", "owner", "externalId"} {
				if v, ok := q.body[name]; ok {
					kept[name] = v
				} else if put(q) && kept[name] != nil {
					q.body[name] = kept[name]
				}
			}
		}, nil},
		{"7644-3.5.1-unknown", "PUT creates", nil, status(put, 404, 200)},
		{"7644-3.5.1-whole", "PUT refuses what was read", nil, refuse(400, func(q *asked) bool { return put(q) && q.body["meta"] != nil })},
		{"7644-3.5.1-read-only", "PUT changes meta.created", func(q *asked) {
			if meta, ok := q.body["meta"].(map[string]any); ok {
				created = meta["created"]
			}
		}, edit(is("GET").and(item), func(r map[string]any) {
			if created != nil {
				set("meta.created", created)(r)
			}
		})},
		{"7644-3.5.1-immutable", "PUT changes what is immutable", nil, status(put, 400, 200)},
		{"7644-3.5.1-required", "PUT takes away what is required", nil, status(put, 400, 200)},
		{"7644-3.5.1-conflict", "PUT takes what is taken", nil, status(put, 409, 200)},
		{"7644-3.5.1-lastModified", "meta.lastModified stays", nil, edit(item, func(r map[string]any) {
			if meta, ok := r["meta"].(map[string]any); ok {
				meta["lastModified"] = meta["created"]
			}
		})},
	}
}

func patchMutants() []mutant {
	patch := is("PATCH")
	read := is("GET").and(item)
	done := status(patch, 400, 204)
	var id any
	reads := 0
	path := func(part string) func(op, path string) bool {
		return func(_, path string) bool { return strings.Contains(path, part) }
	}
	only := func(name string) func(op, path string) bool {
		return func(op, _ string) bool { return op == name }
	}
	pathless := func(name string) func(op, path string) bool {
		return func(op, path string) bool { return op == name && path == "" }
	}
	// instead replaces an operation on a path by others.
	instead := func(op, path string, f func(o map[string]any) []any) func(*asked) {
		return operations(func(o map[string]any) []any {
			if o["op"] == op && o["path"] == path {
				return f(o)
			}
			return []any{o}
		})
	}
	first := func(path string) func(o map[string]any) []any {
		return func(o map[string]any) []any { return []any{map[string]any{"op": "remove", "path": path}, o} }
	}
	return []mutant{
		{"7644-3.5.2-status", "a PATCH is answered with 202", nil, func(q *asked, a *told) {
			if patch(q) && a.status < 300 {
				a.status = 202
			}
		}},
		{"7644-3.5.2-unknown", "a PATCH of nothing succeeds", nil, status(patch, 404, 204)},
		{"7644-3.5.2-operation", "an unknown op is ignored", nil, done},
		{"7644-3.5.2-op-missing", "an operation without op is ignored", nil, done},
		{"7644-3.5.2-path", "a path that can't be read is ignored", nil, done},
		{"7644-3.5.2-atomic", "what comes before a wrong operation is done", forgets(func(op, path string) bool { return op == "remove" && path == "" }), func(q *asked, a *told) {
			if patch(q) {
				answer(a, 400)
			}
		}},
		{"7644-3.5.2-sequence", "operations are done in the wrong order", func(q *asked) {
			if list, ok := q.body["Operations"].([]any); ok {
				slices.Reverse(list)
			}
		}, nil},
		{"7644-3.5.2-readOnly", "a PATCH of what is readOnly is ignored", nil, done},
		{"7644-3.5.2-id", "a PATCH changes the id", operations(func(o map[string]any) []any {
			if o["path"] == "id" {
				id = o["value"]
			}
			return []any{o}
		}), edit(read, func(r map[string]any) {
			if id != nil {
				r["id"] = id
			}
		})},
		{"7644-3.5.2-immutable", "a PATCH changes what is immutable", nil, done},
		{"7644-3.5.2-type", "a PATCH takes any data type", nil, done},
		{"7644-3.5.2-unique", "a PATCH takes what is taken", nil, status(patch, 409, 200)},
		{"7644-3.5.2-name-case", "the case of names counts in paths", forgets(func(_, path string) bool { return path != "" && path == strings.ToUpper(path) }), nil},
		{"7644-3.5.2-urn", "paths with a URN are ignored", forgets(path("core:2.0:User")), nil},
		{"7644-3.5.2-extension", "extensions can't be patched", forgets(path("enterprise")), nil},
		{"7644-3.5.2-several", "only the first operation is done", func(q *asked) {
			if list, ok := q.body["Operations"].([]any); ok {
				q.body["Operations"] = list[:1]
			}
		}, nil},
		{"7644-3.5.2.1-new", "add is ignored", forgets(only("add")), nil},
		{"7644-3.5.2.1-replaces", "add leaves the value that there is", forgets(only("add")), nil},
		{"7644-3.5.2.1-no-path", "add without a path is ignored", forgets(pathless("add")), nil},
		{"7644-3.5.2.1-appends", "add replaces all values", instead("add", "phoneNumbers", first("phoneNumbers")), nil},
		{"7644-3.5.2.1-same", "add makes the value a second time", nil, edit(read, func(r map[string]any) {
			if list := elements(r, "phoneNumbers"); len(list) > 0 {
				r["phoneNumbers"] = append([]map[string]any{list[0]}, list...)
			}
		})},
		{"7644-3.5.2.1-time", "add of what is there changes lastModified", nil, edit(read, func(r map[string]any) {
			reads++
			set("meta.lastModified", time.Now().Add(time.Duration(reads)*time.Second).UTC().Format(time.RFC3339))(r)
		})},
		{"7644-3.5.2.1-complex", "add to a complex attribute replaces it", instead("add", "name", first("name")), nil},
		{"7644-3.5.2.1-primary", "all values may be primary", nil, edit(read, func(r map[string]any) {
			for _, e := range elements(r, "phoneNumbers") {
				e["primary"] = true
			}
		})},
		{"7644-3.5.2.3-singular", "replace is ignored", forgets(only("replace")), nil},
		{"7644-3.5.2.3-new", "replace of nothing is ignored", forgets(only("replace")), nil},
		{"7644-3.5.2.3-no-path", "replace without a path is ignored", forgets(pathless("replace")), nil},
		{"7644-3.5.2.3-multi", "replace of a list adds to it", instead("replace", "phoneNumbers", func(o map[string]any) []any {
			o["op"] = "add"
			return []any{o}
		}), nil},
		{"7644-3.5.2.3-complex", "replace of a complex attribute replaces it whole", instead("replace", "name", first("name")), nil},
		{"7644-3.5.2.3-sub-attribute", "replace of a sub-attribute removes the others", instead("replace", "name.familyName", first("name")), nil},
		{"7644-3.5.2.3-value-filter", "replace with a filter is ignored", forgets(path("[")), nil},
	}
}

func removeMutants() []mutant {
	done := status(is("PATCH"), 400, 204)
	only := func(part string) func(op, path string) bool {
		return func(op, path string) bool { return op == "remove" && strings.Contains(path, part) }
	}
	wider := func(end string) func(*asked) {
		return operations(func(o map[string]any) []any {
			if path, ok := o["path"].(string); ok && o["op"] == "remove" {
				o["path"], _, _ = strings.Cut(path, end)
			}
			return []any{o}
		})
	}
	return []mutant{
		{"7644-3.5.2.2-singular", "remove is ignored", forgets(only("")), nil},
		{"7644-3.5.2.2-no-path", "remove without a path is ignored", nil, done},
		{"7644-3.5.2.2-required", "remove of what is required succeeds", nil, done},
		{"7644-3.5.2.2-readOnly", "remove of what is readOnly succeeds", nil, done},
		{"7644-3.5.2.2-multi", "remove leaves lists", forgets(only("")), nil},
		{"7644-3.5.2.2-value-filter", "remove with a filter removes all", wider("["), nil},
		{"7644-3.5.2.2-last", "the last value stays", forgets(only("[")), nil},
		{"7644-3.5.2.2-sub-attribute", "remove of a sub-attribute removes all", wider("."), nil},
		{"7644-3.5.2.2-extension", "remove of an extension's value is ignored", forgets(only("enterprise")), nil},
		{"7644-3.5.2.2-value", "remove of one sub-attribute removes the value", wider("].display"), nil},
	}
}

func memberMutants() []mutant {
	read := is("GET").and(item)
	groups := read.and(at("/Groups"))
	members := func(f func(m map[string]any)) func(q *asked, a *told) {
		return edit(groups, func(r map[string]any) {
			for _, m := range elements(r, "members") {
				f(m)
			}
		})
	}
	var first any
	ops := func(op, path string, f func(o map[string]any) []any) func(*asked) {
		return operations(func(o map[string]any) []any {
			if p, _ := o["path"].(string); o["op"] == op && strings.HasPrefix(p, path) {
				return f(o)
			}
			return []any{o}
		})
	}
	nothing := func(map[string]any) []any { return nil }
	return []mutant{
		{"7643-4.2-members", "members of a new group are ignored", request(is("POST").and(at("/Groups")), set("members", nil)), nil},
		{"7643-4.2-ref", "members have no $ref", nil, members(set("$ref", nil))},
		{"7643-4.2-type", "members have no type", nil, members(set("type", nil))},
		{"7643-4.1.2-groups", "users don't show their groups", nil, edit(read.and(at("/Users")), set("groups", nil))},
		{"7643-4.2-nested", "groups can't be members", nil, edit(groups, set("members", nil))},
		{"7644-3.5.1-members", "PUT leaves the members", request(is("PUT").and(at("/Groups")), set("members", nil)), nil},
		{"7644-3.9-members", "members can't be left out", parameter(read, "excludedAttributes", ignored), nil},
		{"7644-3.4.2.2-members", "groups aren't found by members", blind("members"), nil},
		{"7644-3.5.2.1-members", "add of members is ignored", ops("add", "members", nothing), nil},
		{"7644-3.5.2.1-member-twice", "somebody can be a member twice", nil, edit(groups, func(r map[string]any) {
			if list := elements(r, "members"); len(list) > 0 {
				r["members"] = append([]map[string]any{list[0]}, list...)
			}
		})},
		{"7644-3.5.2.2-member", "remove of one member empties the group", ops("remove", "members", func(o map[string]any) []any {
			o["path"] = "members"
			return []any{o}
		}), nil},
		{"7644-3.5.2.2-members", "remove of all members is ignored", ops("remove", "members", nothing), nil},
		{"7644-3.5.2.3-members", "replace of members adds them", ops("replace", "members", func(o map[string]any) []any {
			o["op"] = "add"
			return []any{o}
		}), nil},
		{"7644-3.5.2.3-other", "a rename empties the group", ops("replace", "displayName", func(o map[string]any) []any {
			return []any{o, map[string]any{"op": "remove", "path": "members"}}
		}), nil},
		{"7644-3.5.2-swap", "members that are added are forgotten if some are removed", ops("add", "members", nothing), nil},
		{"7643-4.2-deleted", "who is deleted stays a member", request(is("POST").and(at("/Groups")), func(r map[string]any) {
			first = r["members"]
		}), edit(groups, func(r map[string]any) { r["members"] = first })},
	}
}

func deleteMutants() []mutant {
	deleted := false
	note := func(q *asked) { deleted = deleted || q.method == "DELETE" }
	after := func(on where) where { return func(q *asked) bool { return deleted && on(q) } }
	reset := func(m mutant) mutant { // a mutant begins with nothing deleted
		before := m.before
		started := false
		m.before = func(q *asked) {
			if !started {
				deleted, started = false, true
			}
			before(q)
		}
		return m
	}
	return []mutant{
		{"7644-3.6-status", "DELETE is answered with 200", nil, status(is("DELETE"), 204, 200)},
		{"7644-3.6-read", "what is deleted can be read", nil, status(is("GET").and(item), 404, 200)},
		{"7644-3.6-put", "what is deleted can be replaced", nil, status(is("PUT"), 404, 200)},
		{"7644-3.6-patch", "what is deleted can be patched", nil, status(is("PATCH"), 404, 204)},
		{"7644-3.6-twice", "what is deleted can be deleted", nil, status(is("DELETE"), 404, 204)},
		{"7644-3.6-list", "what is deleted is found", nil, edit(is("GET").and(collection), set("totalResults", 1))},
		reset(mutant{"7644-3.6-again", "what is deleted keeps its names", note, refuse(409, after(is("POST").and(collection)))}),
		reset(mutant{"7644-3.6-other", "DELETE deletes all", note, status(after(is("GET").and(item)), 200, 404)}),
	}
}
