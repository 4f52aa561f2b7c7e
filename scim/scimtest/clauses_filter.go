package scimtest

import (
	"slices"
	"strings"
	"time"
)

// three are three resources with different values of one attribute. The values begin with the same text, the stem.
type three struct {
	a          *attribute
	stem       string
	x, y, z    *made // with the values stem-alpha, stem-Beta and stem-gamma
	all        []*made
	path, mark string
}

func (c *check) three(k *kind) three {
	list := k.simple()
	a := externalID
	if len(list) > 0 {
		a = list[0]
	}
	t := three{a: a, stem: c.unique(), path: a.path()}
	for _, word := range []string{"-alpha", "-Beta", "-gamma"} {
		t.all = append(t.all, c.create(k, with(a, t.stem+word)))
	}
	t.x, t.y, t.z = t.all[0], t.all[1], t.all[2]
	t.mark = a.path() + " sw " + quote(t.stem)
	return t
}

// filterClauses returns the clauses of RFC 7644 section 3.4.2.2.
func filterClauses() []clause {
	list := []clause{
		{id: "7644-3.4.2-list", section: "3.4.2", level: must, text: "A query is answered with 200 and a ListResponse.", each: func(c *check, k *kind) {
			c.create(k)
			a := c.read(k.endpoint)
			c.status(a, 200)
			c.isList(a.body)
		}},
		{id: "7644-3.4.2-none", section: "3.4.2", level: must, needs: needsFilter, text: "A query that finds nothing is answered with 200 and totalResults 0.", each: func(c *check, k *kind) {
			list := c.list(k.endpoint, "filter", "externalId eq "+quote(c.unique()))
			c.isList(list)
			if total(list) != 0 || len(found(list)) != 0 {
				c.fail("totalResults", "want 0, got %s", show(at(list, "totalResults")))
			}
		}},
		{id: "7644-3.4.2-total", section: "3.4.2", level: must, needs: needsFilter, text: "totalResults is the number of all that the query finds.", each: func(c *check, k *kind) {
			t := c.three(k)
			if list := c.list(k.endpoint, "filter", t.mark, "count", "1"); total(list) != 3 {
				c.fail("totalResults", "want 3, got %s", show(at(list, "totalResults")))
			}
		}},
		{id: "7644-3.4.2-unknown-parameter", section: "3.4.2", level: should, text: "Query parameters that aren't known are ignored.", each: func(c *check, k *kind) {
			c.status(c.read(query(k.endpoint, "kit", "x", "count", "1")), 200)
		}},
	}
	for _, f := range filterRules {
		list = append(list, clause{id: "7644-3.4.2.2-" + f.id, section: "3.4.2.2", level: must, needs: needsFilter, text: f.text, each: func(c *check, k *kind) {
			t := c.three(k)
			filter, want := f.filter(t)
			c.finds(k, t.path, filter, t.all, want...)
		}})
	}
	return append(list, []clause{
		{id: "7644-3.4.2.2-id", section: "3.4.2.2", level: must, needs: needsFilter, text: "A filter may name the common attributes: id.", each: func(c *check, k *kind) {
			x, y := c.create(k), c.create(k)
			c.finds(k, "id", "id eq "+quote(x.id), []*made{x, y}, x)
		}},
		{id: "7644-3.4.2.2-id-case", section: "3.4.2.2", level: must, needs: needsFilter, text: "The case of an attribute with caseExact, such as externalId, counts.", each: func(c *check, k *kind) {
			id := c.unique() + "Ab"
			x := c.create(k, with(externalID, id))
			c.finds(k, "externalId", "externalId eq "+quote(strings.ToLower(id)), []*made{x})
			c.finds(k, "externalId", "externalId eq "+quote(id), []*made{x}, x)
		}},
		{id: "7644-3.4.2.2-value-case", section: "3.4.2.2", level: must, needs: needsFilter, text: "The case of an attribute without caseExact doesn't count.", each: func(c *check, k *kind) {
			a := k.string()
			if a.caseExact {
				c.skip("no string is without caseExact")
			}
			value := c.unique() + "Ab"
			x := c.create(k, with(a, value))
			c.finds(k, a.path(), a.path()+" eq "+quote(strings.ToUpper(value)), []*made{x}, x)
		}},
		{id: "7644-3.4.2.2-lastModified", section: "3.4.2.2", level: must, needs: needsFilter, text: "Times are compared as times: meta.lastModified gt.", each: func(c *check, k *kind) {
			x := c.create(k)
			mark := "id eq " + quote(x.id)
			before, after := time.Now().Add(-24*time.Hour).UTC().Format(time.RFC3339), time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339)
			c.finds(k, "meta.lastModified", both("meta.lastModified gt "+quote(before), mark), []*made{x}, x)
			c.finds(k, "meta.lastModified", both("meta.lastModified gt "+quote(after), mark), []*made{x})
		}},
		{id: "7644-3.4.2.2-resourceType", section: "3.4.2.2", level: must, needs: needsFilter, text: "A filter may name meta.resourceType.", each: func(c *check, k *kind) {
			x := c.create(k)
			c.finds(k, "meta.resourceType", both("meta.resourceType eq "+quote(k.name), "id eq "+quote(x.id)), []*made{x}, x)
		}},
		{id: "7644-3.4.2.2-urn", section: "3.4.2.2", level: must, needs: needsFilter, text: "An attribute may be named with its schema's URN before it.", each: func(c *check, k *kind) {
			a := k.string()
			x := c.create(k, with(a, c.unique()))
			urn := k.urn + ":" + a.path()
			if a == externalID {
				c.skip("the schema has no string that may be anything")
			}
			c.finds(k, urn, urn+" eq "+quote(text(a.of(x.sent))), []*made{x}, x)
		}},
		{id: "7644-3.4.2.2-extension", section: "3.4.2.2", level: must, needs: needsFilter, text: "A filter may name an attribute of an extension.", each: func(c *check, k *kind) {
			e := c.need(k.extension(), "extension with a string")
			x, y := c.create(k, with(e, c.unique())), c.create(k, with(e, c.unique()))
			c.finds(k, e.path(), e.path()+" eq "+quote(text(e.of(x.sent))), []*made{x, y}, x)
		}},
		{id: "7644-3.4.2.2-sub-attribute", section: "3.4.2.2", level: must, needs: needsFilter, text: "A filter may name a sub-attribute.", each: func(c *check, k *kind) {
			_, s, _ := k.complex()
			c.need(s, "complex attribute with two strings")
			x, y := c.create(k, with(s, c.unique())), c.create(k, with(s, c.unique()))
			c.finds(k, s.path(), s.path()+" eq "+quote(text(s.of(x.sent))), []*made{x, y}, x)
		}},
		{id: "7644-3.4.2.2-any-value", section: "3.4.2.2", level: must, needs: needsFilter, text: "A filter on a multi-valued attribute finds what has any such value.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			v, w := c.two(a)
			x := c.create(k, with(a, []any{v, w}))
			y := c.create(k, with(a, []any{v}))
			c.finds(k, a.path(), a.path()+".value eq "+quote(text(w["value"])), []*made{x, y}, x)
		}},
		{id: "7644-3.4.2.2-one-value", section: "3.4.2.2", level: must, needs: needsFilter, text: "A filter in brackets is about one value of a multi-valued attribute.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			v, w := c.two(a)
			x := c.create(k, with(a, []any{v, w}))
			filter := func(t, value any) string {
				return a.path() + "[type eq " + quote(text(t)) + " and value eq " + quote(text(value)) + "]"
			}
			c.finds(k, a.path(), filter(v["type"], v["value"]), []*made{x}, x)
			c.finds(k, a.path(), filter(v["type"], w["value"]), []*made{x})
		}},
		{id: "7644-3.4.2.2-boolean", section: "3.4.2.2", level: must, needs: needsFilter, text: "A boolean is compared with true and false.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.kind == "boolean" && !a.multi && a.free() && a.urn == "" }, "active"), "boolean")
			x, y := c.create(k, with(a, true)), c.create(k, with(a, false))
			mark := "(id eq " + quote(x.id) + " or id eq " + quote(y.id) + ")"
			c.finds(k, a.path(), both(a.path()+" eq true", mark), []*made{x, y}, x)
			c.finds(k, a.path(), both(a.path()+" eq false", mark), []*made{x, y}, y)
		}},
		{id: "7644-3.4.2.2-boolean-order", section: "3.4.2.2", level: must, needs: needsFilter, text: "gt on a boolean is answered with 400 invalidFilter.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.kind == "boolean" && !a.multi && a.free() && a.urn == "" }, "active"), "boolean")
			c.refused(c.read(query(k.endpoint, "filter", a.path()+" gt true")), a.path(), 400, "invalidFilter")
		}},
		{id: "7644-3.4.2.2-malformed", section: "3.4.2.2", level: must, needs: needsFilter, text: "What is no filter is answered with 400 invalidFilter.", each: func(c *check, k *kind) {
			for _, filter := range []string{`externalId eq "x" and`, `(externalId eq "x"`, `externalId`, `externalId eq`, `externalId eq "x`} {
				c.refused(c.read(query(k.endpoint, "filter", filter)), "filter "+filter, 400, "invalidFilter")
			}
		}},
		{id: "7644-3.4.2.2-operator", section: "3.4.2.2", level: must, needs: needsFilter, text: "An operator that there isn't is answered with 400 invalidFilter.", each: func(c *check, k *kind) {
			c.refused(c.read(query(k.endpoint, "filter", `externalId like "x"`)), "filter", 400, "invalidFilter")
		}},
		{id: "7644-3.4.2.2-escape", section: "3.4.2.2", level: must, needs: needsFilter, text: "The value in a filter is a JSON string, with its escapes.", each: func(c *check, k *kind) {
			value := `a\b"c/` + c.unique() + "ß"
			x := c.create(k, with(externalID, value))
			c.finds(k, "externalId", "externalId eq "+quote(value), []*made{x}, x)
		}},
		{id: "7644-3.4.3-search", section: "3.4.3", level: must, needs: needsFilter, text: "POST on /.search of a resource type is a query.", each: func(c *check, k *kind) {
			x := c.create(k)
			list := c.search(k, map[string]any{"filter": "id eq " + quote(x.id)})
			if ids := found(list); !slices.Equal(ids, []string{x.id}) {
				c.fail("filter", "want the one that was asked for, got %v", ids)
			}
			c.isList(list)
		}},
		{id: "7644-3.4.3-count", section: "3.4.3", level: must, needs: needsFilter, text: "A SearchRequest may have startIndex and count.", each: func(c *check, k *kind) {
			t := c.three(k)
			list := c.search(k, map[string]any{"filter": t.mark, "startIndex": 2, "count": 1})
			if len(found(list)) != 1 || at(list, "startIndex") != 2.0 || total(list) != 3 {
				c.fail("count", "want one of three, from the second, got %d of %d from %s", len(found(list)), total(list), show(at(list, "startIndex")))
			}
		}},
		{id: "7644-3.4.3-attributes", section: "3.4.3", level: must, needs: needsFilter, text: "A SearchRequest may say which attributes to return.", each: func(c *check, k *kind) {
			a := k.string()
			x := c.create(k, with(a, c.unique()), func(r map[string]any) { k.named().set(r, k.named().of(r)) })
			list := c.search(k, map[string]any{"filter": "id eq " + quote(x.id), "attributes": []string{a.path()}})
			c.only(a, first(list))
		}},
	}...)
}

func (c *check) search(k *kind, body map[string]any) map[string]any {
	body["schemas"] = []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}
	return c.listed(c.req("POST", k.endpoint+"/.search", body, nil))
}

func first(list map[string]any) map[string]any {
	if all := objects(at(list, "Resources")); len(all) > 0 {
		return all[0]
	}
	return nil
}

// filterRules are filters on the resources of three, and which of these each must find.
var filterRules = []struct {
	id, text string
	filter   func(t three) (string, []*made)
}{
	{"eq", "eq finds what is equal.", func(t three) (string, []*made) { return t.path + " eq " + quote(t.stem+"-alpha"), []*made{t.x} }},
	{"ne", "ne finds what isn't equal.", func(t three) (string, []*made) {
		return both(t.path+" ne "+quote(t.stem+"-alpha"), t.mark), []*made{t.y, t.z}
	}},
	{"co", "co finds what has it in it.", func(t three) (string, []*made) { return t.path + " co " + quote(t.stem[3:]+"-g"), []*made{t.z} }},
	{"sw", "sw finds what begins with it.", func(t three) (string, []*made) { return t.path + " sw " + quote(t.stem+"-B"), []*made{t.y} }},
	{"ew", "ew finds what ends with it.", func(t three) (string, []*made) { return t.path + " ew " + quote(t.stem[5:]+"-alpha"), []*made{t.x} }},
	{"pr", "pr finds what has a value.", func(t three) (string, []*made) { return both(t.path+" pr", t.mark), t.all }},
	{"pr-not", "What has a value isn't found by not pr.", func(t three) (string, []*made) { return both("not ("+t.path+" pr)", t.idMark()), nil }},
	{"gt", "gt finds what is greater.", func(t three) (string, []*made) {
		return both(t.path+" gt "+quote(t.stem+"-f"), t.mark), []*made{t.z}
	}},
	{"ge", "ge finds what is greater or equal.", func(t three) (string, []*made) {
		return both(t.path+" ge "+quote(t.stem+"-gamma"), t.mark), []*made{t.z}
	}},
	{"lt", "lt finds what is less.", func(t three) (string, []*made) {
		return both(t.path+" lt "+quote(t.stem+"-gamma"), t.mark), []*made{t.x, t.y}
	}},
	{"le", "le finds what is less or equal.", func(t three) (string, []*made) {
		return both(t.path+" le "+quote(t.stem+"-gamma"), t.mark), t.all
	}},
	{"and", "and finds what both find.", func(t three) (string, []*made) {
		return t.mark + " and " + t.path + " eq " + quote(t.stem+"-gamma"), []*made{t.z}
	}},
	{"or", "or finds what either finds.", func(t three) (string, []*made) {
		return t.path + " eq " + quote(t.stem+"-alpha") + " or " + t.path + " eq " + quote(t.stem+"-gamma"), []*made{t.x, t.z}
	}},
	{"not", "not finds what its filter doesn't.", func(t three) (string, []*made) {
		return t.mark + " and not (" + t.path + " eq " + quote(t.stem+"-gamma") + ")", []*made{t.x, t.y}
	}},
	{"precedence", "and binds closer than or.", func(t three) (string, []*made) {
		return t.path + " eq " + quote(t.stem+"-alpha") + " or " + t.path + " eq " + quote(t.stem+"-gamma") + " and " + t.path + " eq " + quote(t.stem), []*made{t.x}
	}},
	{"grouping", "What is in parentheses is evaluated first.", func(t three) (string, []*made) {
		return "(" + t.path + " eq " + quote(t.stem+"-alpha") + " or " + t.path + " eq " + quote(t.stem+"-gamma") + ") and " + t.path + " eq " + quote(t.stem+"-gamma"), []*made{t.z}
	}},
	{"name-case", "The case of an attribute's name in a filter doesn't count.", func(t three) (string, []*made) {
		return strings.ToUpper(t.path) + " eq " + quote(t.stem+"-alpha"), []*made{t.x}
	}},
	{"operator-case", "The case of an operator doesn't count.", func(t three) (string, []*made) {
		return t.path + " EQ " + quote(t.stem+"-alpha") + " OR " + t.path + " Eq " + quote(t.stem+"-gamma"), []*made{t.x, t.z}
	}},
}

// idMark returns a filter that finds the three resources by their ids.
func (t three) idMark() string {
	return "id eq " + quote(t.x.id) + " or id eq " + quote(t.y.id) + " or id eq " + quote(t.z.id)
}
