package scimtest

import (
	"strings"
)

// patchClauses returns the clauses of RFC 7644 section 3.5.2 except for those of remove.
func patchClauses() []clause {
	list := []clause{
		{id: "7644-3.5.2-status", section: "3.5.2", text: "A PATCH is answered with 200 and the resource, or with 204 and nothing.", each: func(c *check, k *kind) {
			m := c.create(k)
			a := c.patch(m.path, op("replace", k.string().path(), c.unique()))
			c.status(a, 200, 204)
			if a.status == 204 && len(a.text) > 0 || a.status == 200 && at(a.body, "id") != m.id {
				c.fail("", "want the resource with 200, or nothing with 204, got %s", a.excerpt())
			}
		}},
		{id: "7644-3.5.2-unknown", section: "3.5.2", text: "A PATCH of what isn't there is answered with 404.", each: func(c *check, k *kind) {
			c.refused(c.patch(k.endpoint+"/kit-"+c.unique(), op("replace", k.string().path(), "x")), "", 404)
		}},
		{id: "7644-3.5.2-operation", section: "3.5.2", text: "An op that there isn't is refused.", each: func(c *check, k *kind) {
			m := c.create(k)
			c.refused(c.patch(m.path, op("kit", k.string().path(), "x")), "op", 400, "invalidSyntax", "invalidValue")
		}},
		{id: "7644-3.5.2-op-missing", section: "3.5.2", text: "An operation without op is refused.", each: func(c *check, k *kind) {
			m := c.create(k)
			c.refused(c.patch(m.path, map[string]any{"path": k.string().path(), "value": "x"}), "op", 400)
		}},
		{id: "7644-3.5.2-path", section: "3.5.2", text: "A path that can't be read is answered with 400 invalidPath.", each: func(c *check, k *kind) {
			m := c.create(k)
			c.refused(c.patch(m.path, op("replace", k.string().path()+"[", "x")), "path", 400, "invalidPath", "invalidFilter")
		}},
		{id: "7644-3.5.2-atomic", section: "3.5.2", text: "A PATCH is done whole or not at all.", each: func(c *check, k *kind) {
			a := k.string()
			m := c.create(k, with(a, c.unique()))
			answered := c.patch(m.path, op("replace", a.path(), c.unique()), op("remove", "", noValue))
			c.refused(answered, "", 400)
			c.want(a, c.now(m), a.of(m.sent))
		}},
		{id: "7644-3.5.2-sequence", section: "3.5.2", text: "The operations of a PATCH are done one after the other.", each: func(c *check, k *kind) {
			a := k.string()
			m := c.create(k)
			value := c.unique()
			c.want(a, c.change(m, op("add", a.path(), c.unique()), op("replace", a.path(), value)), value)
		}},
		{id: "7644-3.5.2-readOnly", section: "3.5.2", text: "A PATCH of what is readOnly is answered with 400 mutability.", each: func(c *check, k *kind) {
			m := c.create(k)
			c.refused(c.patch(m.path, op("replace", "meta.created", "2001-01-01T00:00:00Z")), "meta.created", 400, "mutability")
			if got := at(c.now(m), "meta", "created"); got == "2001-01-01T00:00:00Z" {
				c.fail("meta.created", "want it unchanged, got %s", show(got))
			}
		}},
		{id: "7644-3.5.2-id", section: "3.5.2", text: "A PATCH can't change the id.", each: func(c *check, k *kind) {
			m := c.create(k)
			c.patch(m.path, op("replace", "id", "kit-"+c.mark))
			if got := at(c.now(m), "id"); got != m.id {
				c.fail("id", "want %s, got %s", m.id, show(got))
			}
		}},
		{id: "7644-3.5.2-immutable", section: "3.5.2", text: "A PATCH of an immutable attribute that has a value is answered with 400 mutability.", each: func(c *check, k *kind) {
			a := c.need(k.immutable(), "attribute that is immutable")
			m := c.create(k, with(a, c.unique()))
			c.refused(c.patch(m.path, op("replace", a.path(), c.unique())), a.path(), 400, "mutability")
		}},
		{id: "7644-3.5.2-type", section: "3.5.2", text: "A value of another data type than the attribute's is answered with 400 invalidValue.", each: func(c *check, k *kind) {
			m := c.create(k)
			c.refused(c.patch(m.path, op("replace", k.string().path(), map[string]any{"kit": []any{1}})), k.string().path(), 400, "invalidValue", "invalidSyntax")
		}},
		{id: "7644-3.5.2-unique", section: "3.5.2", text: "A PATCH to another one's unique value is answered with 409 uniqueness.", each: func(c *check, k *kind) {
			a := c.need(k.uniqueString(), "string with uniqueness: server")
			if a.mutability == "immutable" {
				c.skip("what is unique is immutable")
			}
			m, other := c.create(k), c.create(k)
			c.refused(c.patch(m.path, op("replace", a.path(), a.of(other.sent))), a.path(), 409, "uniqueness")
		}},
		{id: "7644-3.5.2-name-case", section: "3.5.2", text: "The case of an attribute's name in a path doesn't count.", each: func(c *check, k *kind) {
			a, value := k.string(), c.unique()
			c.want(a, c.change(c.create(k), op("replace", strings.ToUpper(a.path()), value)), value)
		}},
		{id: "7644-3.5.2-urn", section: "3.5.2", text: "A path may have the schema's URN before it.", each: func(c *check, k *kind) {
			a, value := k.string(), c.unique()
			if a == externalID {
				c.skip("the schema has no string that may be anything")
			}
			c.want(a, c.change(c.create(k), op("replace", k.urn+":"+a.path(), value)), value)
		}},
		{id: "7644-3.5.2-extension", section: "3.5.2", text: "A value of an extension is set, and schemas names it then.", each: func(c *check, k *kind) {
			e := c.need(k.extension(), "extension with a string")
			value := c.unique()
			now := c.change(c.create(k), op("add", e.path(), value))
			c.want(e, now, value)
			if !containsFold(texts(at(now, "schemas")), e.urn) {
				c.fail("schemas", "want %s, got %s", e.urn, show(at(now, "schemas")))
			}
		}},
		{id: "7644-3.5.2-several", section: "3.5.2", text: "A PATCH may have several operations.", each: func(c *check, k *kind) {
			a, b := k.string(), externalID
			x, y := c.unique(), c.unique()
			now := c.change(c.create(k), op("replace", a.path(), x), op("replace", b.path(), y))
			if a != b {
				c.want(a, now, x)
			}
			c.want(b, now, y)
		}},
		{id: "7644-3.5.2.1-new", section: "3.5.2.1", text: "add gives an attribute that has none a value.", each: func(c *check, k *kind) {
			a, value := k.string(), c.unique()
			c.want(a, c.change(c.create(k), op("add", a.path(), value)), value)
		}},
		{id: "7644-3.5.2.1-replaces", section: "3.5.2.1", text: "add replaces the value of a singular attribute.", each: func(c *check, k *kind) {
			a, value := k.string(), c.unique()
			c.want(a, c.change(c.create(k, with(a, c.unique())), op("add", a.path(), value)), value)
		}},
		{id: "7644-3.5.2.1-no-path", section: "3.5.2.1", text: "add without a path sets the attributes that its value has.", each: func(c *check, k *kind) {
			a, x, y := k.string(), c.unique(), c.unique()
			now := c.change(c.create(k), op("add", "", map[string]any{a.name: x, "externalId": y}))
			if a != externalID {
				c.want(a, now, x)
			}
			if a != externalID {
				c.want(externalID, now, y)
			}
		}},
		{id: "7644-3.5.2.1-appends", section: "3.5.2.1", text: "add to a multi-valued attribute leaves the values that there are.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			v, w := c.two(a)
			c.want(a, c.change(c.create(k, with(a, []any{v})), op("add", a.path(), []any{w})), []any{v, w})
		}},
		{id: "7644-3.5.2.1-same", section: "3.5.2.1", level: should, text: "add of a value that there is changes nothing.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			v, _ := c.two(a)
			now := c.change(c.create(k, with(a, []any{v})), op("add", a.path(), []any{v}))
			if n := len(objects(a.of(now))); n != 1 {
				c.fail(a.path(), "want the value once, got %s", show(a.of(now)))
			}
		}},
		{id: "7644-3.5.2.1-time", section: "3.5.2.1", text: "add of a value that there is leaves meta.lastModified.", each: func(c *check, k *kind) {
			a, value := k.string(), c.unique()
			m := c.create(k, with(a, value))
			before := at(c.now(m), "meta", "lastModified")
			if after := at(c.change(m, op("add", a.path(), value)), "meta", "lastModified"); after != before {
				c.fail("meta.lastModified", "want %s, got %s", show(before), show(after))
			}
		}},
		{id: "7644-3.5.2.1-complex", section: "3.5.2.1", text: "add to a complex attribute leaves the sub-attributes that it doesn't name.", each: func(c *check, k *kind) {
			a, s, other := k.complex()
			c.need(a, "complex attribute with two strings")
			value := c.unique()
			m := c.create(k, with(s, c.unique()), with(other, c.unique()))
			now := c.change(m, op("add", a.path(), map[string]any{s.name: value}))
			c.want(s, now, value)
			c.want(other, now, other.of(m.sent))
		}},
		{id: "7644-3.5.2.1-primary", section: "3.5.2", text: "Another primary value makes the one before no primary any more.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			if a.find("primary") == nil {
				c.skip("no multi-valued attribute has primary")
			}
			v, w := c.two(a)
			v["primary"], w["primary"] = true, true
			now := c.change(c.create(k, with(a, []any{v})), op("add", a.path(), []any{w}))
			c.onePrimary(a, now)
			c.want(a, now, []any{w})
		}},
		{id: "7644-3.5.2.3-singular", section: "3.5.2.3", text: "replace replaces the value of a singular attribute.", each: func(c *check, k *kind) {
			a, value := k.string(), c.unique()
			c.want(a, c.change(c.create(k, with(a, c.unique())), op("replace", a.path(), value)), value)
		}},
		{id: "7644-3.5.2.3-new", section: "3.5.2.3", text: "replace of an attribute that has no value is as good as add.", each: func(c *check, k *kind) {
			a, value := k.string(), c.unique()
			c.want(a, c.change(c.create(k), op("replace", a.path(), value)), value)
		}},
		{id: "7644-3.5.2.3-no-path", section: "3.5.2.3", text: "replace without a path replaces the attributes that its value has, and no others.", each: func(c *check, k *kind) {
			a, value := k.string(), c.unique()
			m := c.create(k, with(a, c.unique()))
			now := c.change(m, op("replace", "", map[string]any{a.name: value}))
			c.want(a, now, value)
			if n := k.named(); n != a {
				c.want(n, now, n.of(m.sent))
			}
		}},
		{id: "7644-3.5.2.3-multi", section: "3.5.2.3", text: "replace of a multi-valued attribute replaces all of its values.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			v, w := c.two(a)
			now := c.change(c.create(k, with(a, []any{v})), op("replace", a.path(), []any{w}))
			c.want(a, now, []any{w})
			if len(objects(a.of(now))) != 1 {
				c.fail(a.path(), "want the new value alone, got %s", show(a.of(now)))
			}
		}},
		{id: "7644-3.5.2.3-complex", section: "3.5.2.3", text: "replace of a complex attribute leaves the sub-attributes that it doesn't name.", each: func(c *check, k *kind) {
			a, s, other := k.complex()
			c.need(a, "complex attribute with two strings")
			value := c.unique()
			m := c.create(k, with(s, c.unique()), with(other, c.unique()))
			now := c.change(m, op("replace", a.path(), map[string]any{s.name: value}))
			c.want(s, now, value)
			c.want(other, now, other.of(m.sent))
		}},
		{id: "7644-3.5.2.3-sub-attribute", section: "3.5.2.3", text: "replace of a sub-attribute leaves the others.", each: func(c *check, k *kind) {
			_, s, other := k.complex()
			c.need(s, "complex attribute with two strings")
			value := c.unique()
			m := c.create(k, with(s, c.unique()), with(other, c.unique()))
			now := c.change(m, op("replace", s.path(), value))
			c.want(s, now, value)
			c.want(other, now, other.of(m.sent))
		}},
		{id: "7644-3.5.2.3-value-filter", section: "3.5.2.3", text: "replace with a filter replaces the values that it matches, and no others.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			v, w := c.two(a)
			value := c.one(a.find("value"), false)
			now := c.change(c.create(k, with(a, []any{v, w})), op("replace", a.path()+"[type eq "+quote(text(v["type"]))+"].value", value))
			c.want(a, now, []any{map[string]any{"type": v["type"], "value": value}, w})
			if len(objects(a.of(now))) != 2 {
				c.fail(a.path(), "want two values, got %s", show(a.of(now)))
			}
		}},
	}
	for i := range list {
		list[i].needs = needsPatch
		if list[i].level == "" {
			list[i].level = must
		}
	}
	return list
}

// removeClauses returns the clauses of RFC 7644 section 3.5.2.2.
func removeClauses() []clause {
	list := []clause{
		{id: "7644-3.5.2.2-singular", section: "3.5.2.2", text: "remove of a singular attribute leaves it unassigned.", each: func(c *check, k *kind) {
			a := k.string()
			if a == k.named() {
				c.skip("the schema has no attribute that may be left out")
			}
			c.want(a, c.change(c.create(k, with(a, c.unique())), op("remove", a.path(), noValue)), nil)
		}},
		{id: "7644-3.5.2.2-no-path", section: "3.5.2.2", text: "remove without a path is answered with 400 noTarget.", each: func(c *check, k *kind) {
			c.refused(c.patch(c.create(k).path, op("remove", "", noValue)), "path", 400, "noTarget")
		}},
		{id: "7644-3.5.2.2-required", section: "3.5.2.2", text: "remove of what is required is refused, and it stays.", each: func(c *check, k *kind) {
			a := k.pick(func(a *attribute) bool {
				return a.required && a.urn == "" && a.kind == "string" && a.mutability != "readOnly"
			}, "userName", "displayName")
			if a == nil {
				c.skip("no attribute is required")
			}
			m := c.create(k)
			c.refused(c.patch(m.path, op("remove", a.path(), noValue)), a.path(), 400, "mutability", "invalidValue")
			c.want(a, c.now(m), a.of(m.sent))
		}},
		{id: "7644-3.5.2.2-readOnly", section: "3.5.2.2", text: "remove of what is readOnly is answered with 400 mutability.", each: func(c *check, k *kind) {
			c.refused(c.patch(c.create(k).path, op("remove", "meta.created", noValue)), "meta.created", 400, "mutability")
		}},
		{id: "7644-3.5.2.2-multi", section: "3.5.2.2", text: "remove of a multi-valued attribute removes all of its values.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			v, w := c.two(a)
			c.want(a, c.change(c.create(k, with(a, []any{v, w})), op("remove", a.path(), noValue)), nil)
		}},
		{id: "7644-3.5.2.2-value-filter", section: "3.5.2.2", text: "remove with a filter removes the values that it matches, and no others.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			v, w := c.two(a)
			now := c.change(c.create(k, with(a, []any{v, w})), op("remove", a.path()+"[type eq "+quote(text(v["type"]))+"]", noValue))
			c.want(a, now, []any{w})
			if len(objects(a.of(now))) != 1 {
				c.fail(a.path(), "want the other value alone, got %s", show(a.of(now)))
			}
		}},
		{id: "7644-3.5.2.2-last", section: "3.5.2.2", text: "When its last value is removed a multi-valued attribute is unassigned.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			v, _ := c.two(a)
			c.want(a, c.change(c.create(k, with(a, []any{v})), op("remove", a.path()+"[type eq "+quote(text(v["type"]))+"]", noValue)), nil)
		}},
		{id: "7644-3.5.2.2-sub-attribute", section: "3.5.2.2", text: "remove of a sub-attribute leaves the others.", each: func(c *check, k *kind) {
			_, s, other := k.complex()
			c.need(s, "complex attribute with two strings")
			m := c.create(k, with(s, c.unique()), with(other, c.unique()))
			now := c.change(m, op("remove", s.path(), noValue))
			c.want(s, now, nil)
			c.want(other, now, other.of(m.sent))
		}},
		{id: "7644-3.5.2.2-extension", section: "3.5.2.2", text: "remove of a value of an extension removes that.", each: func(c *check, k *kind) {
			e := c.need(k.extension(), "extension with a string")
			c.want(e, c.change(c.create(k, with(e, c.unique())), op("remove", e.path(), noValue)), nil)
		}},
		{id: "7644-3.5.2.2-value", section: "3.5.2.2", text: "remove of one sub-attribute of the values that a filter matches leaves the values.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			s := c.need(a.find("display"), "multi-valued attribute with display")
			v, w := c.two(a)
			v["display"], w["display"] = c.unique(), c.unique()
			now := c.change(c.create(k, with(a, []any{v, w})), op("remove", a.path()+"[type eq "+quote(text(v["type"]))+"]."+s.name, noValue))
			delete(v, "display")
			c.want(a, now, []any{v, w})
			if strings.Count(show2(a.of(now)), "display") != 1 {
				c.fail(s.path(), "want it removed from one value, got %s", show(a.of(now)))
			}
		}},
	}
	for i := range list {
		list[i].needs, list[i].level = needsPatch, must
	}
	return list
}
