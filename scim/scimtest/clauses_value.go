package scimtest

import (
	"net/http"
	"slices"
	"strings"
)

// valueClauses returns further clauses of RFC 7643 about values.
func valueClauses() []clause {
	return []clause{
		{id: "7643-3-schemas-once", section: "3", level: must, text: "schemas names no schema twice, and none that isn't of the resource type.", each: func(c *check, k *kind) {
			body := c.full(k)
			list := texts(at(c.now(c.createOf(k, body)), "schemas"))
			for i, urn := range list {
				if containsFold(list[:i], urn) {
					c.fail("schemas", "want %s once, got %v", urn, list)
				}
				if !strings.EqualFold(urn, k.urn) && !containsFold(k.extensions, urn) {
					c.fail("schemas", "want only %s and %v, got %s", k.urn, k.extensions, urn)
				}
			}
		}},
		{id: "7643-2.4-twice", section: "2.4", level: should, text: "The same type and value are in a multi-valued attribute once.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			v, _ := c.two(a)
			answered := c.postWith(k, a, []any{v, clone(v)})
			if answered.status == http.StatusCreated && len(objects(a.of(answered.body))) != 1 {
				c.fail(a.path(), "want the value once, got %s", show(a.of(answered.body)))
			}
		}},
		{id: "7643-2.3-binary", section: "2.3.6", level: must, text: "A binary is base64, and nothing else is one.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool {
				return a.urn == "" && a.multi && a.kind == "complex" && a.mutability == "readWrite" && a.find("value") != nil && a.find("value").kind == "binary"
			}), "multi-valued binary")
			m := c.create(k, with(a, []any{map[string]any{"value": "AAECAw=="}}))
			c.want(a, c.now(m), []any{map[string]any{"value": "AAECAw=="}})
			c.refused(c.postWith(k, a, []any{map[string]any{"value": "kit!%"}}), a.path(), 400)
		}},
		{id: "7643-2.3-reference", section: "2.3.7", level: must, text: "A reference keeps its case.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.kind == "reference" && !a.multi && a.free() && a.urn == "" }, "profileUrl"), "reference")
			value := "https://www.example.com/Kit/" + strings.ToUpper(c.unique())
			c.want(a, c.now(c.create(k, with(a, value))), value)
		}},
		{id: "7643-4.2-ref-works", section: "2.3.7", level: must, text: "A GET of a member's $ref is answered with the member.", once: func(c *check) {
			x, _ := c.people()
			m := first(map[string]any{"Resources": at(c.now(c.groupOf(x)), "members")})
			ref := text(at(m, "$ref"))
			i := strings.Index(ref, c.user().endpoint+"/")
			if i < 0 {
				c.skip("members have no $ref")
			}
			if a := c.read(ref[i:]); at(a.body, "id") != x.id {
				c.fail("members.$ref", "want the user %s at %s, got %s", x.id, ref, a.excerpt())
			}
		}},
		{id: "7643-4.1.2-groups-readOnly", section: "4.1.2", level: must, needs: needsPatch, text: "A user's groups are changed by way of the groups only.", once: func(c *check) {
			x, _ := c.people()
			k := c.user()
			if k.attribute("groups") == nil {
				c.skip("users have no groups")
			}
			g := c.groupOf()
			c.refused(c.patch(x.path, op("add", "groups", []any{map[string]any{"value": g.id}})), "groups", 400, "mutability")
			c.members(c.now(g))
		}},
		{id: "7643-4.3-manager-displayName", section: "4.3", level: must, text: "The displayName of a manager is the service's.", once: func(c *check) {
			k := c.user()
			a := c.need(k.attribute("manager"), "manager")
			if s := a.find("displayName"); s == nil || s.mutability != "readOnly" {
				c.skip("manager.displayName isn't readOnly")
			}
			boss := c.create(k)
			m := c.create(k, with(a, map[string]any{"value": boss.id, "displayName": "kit"}))
			if got := at(a.of(c.now(m)), "displayName"); got == "kit" {
				c.fail(managerPath+".displayName", "want it ignored, got what was sent")
			}
		}},
		{id: "7643-5-public", section: "5", level: should, text: "authenticationSchemes can be read without a credential.", once: func(c *check) {
			c.authorized()
			a := c.req(http.MethodGet, "/ServiceProviderConfig", nil, http.Header{"Authorization": nil})
			if _, ok := at(a.body, "authenticationSchemes").([]any); a.status != 200 || !ok {
				c.fail("authenticationSchemes", "want them without a credential, got %s", a.excerpt())
			}
		}},
	}
}

// rootClauses returns the clauses of RFC 7644 sections 3.4.2.1 and 5, and further ones of 3.4.2.2 and 3.4.2.3.
func rootClauses() []clause {
	// root sends a query about all resource types. The case is skipped if the service doesn't offer that.
	root := func(c *check, filter string) []string {
		a := c.read(query("/", "filter", filter, "count", "100"))
		if slices.Contains([]int{http.StatusNotImplemented, http.StatusNotFound, http.StatusForbidden}, a.status) {
			c.skip("the service doesn't offer queries at its root")
		}
		return found(c.listed(a))
	}
	return []clause{
		{id: "7644-3.4.2.1-root", section: "3.4.2.1", level: must, needs: needsFilter, text: "A query at the root is about all resource types.", once: func(c *check) {
			var want []string
			var parts []string
			for _, k := range c.kinds {
				m := c.create(k)
				want = append(want, m.id)
				parts = append(parts, "id eq "+quote(m.id))
			}
			ids := root(c, strings.Join(parts, " or "))
			slices.Sort(ids)
			slices.Sort(want)
			if !slices.Equal(ids, want) {
				c.fail("id", "want one of each type, %v, got %v", want, ids)
			}
		}},
		{id: "7644-3.4.2.1-type", section: "3.4.2.1", level: must, needs: needsFilter, text: "meta.resourceType restricts a query at the root to a type.", each: func(c *check, k *kind) {
			m := c.create(k)
			if ids := root(c, "meta.resourceType eq "+quote(k.name)+" and id eq "+quote(m.id)); !slices.Equal(ids, []string{m.id}) {
				c.fail("meta.resourceType", "want the one that was made, got %v", ids)
			}
			if ids := root(c, "meta.resourceType ne "+quote(k.name)+" and id eq "+quote(m.id)); len(ids) > 0 {
				c.fail("meta.resourceType", "want nothing of another type, got %v", ids)
			}
		}},
		{id: "7644-3.4.2.1-undefined", section: "3.4.2.1", level: must, needs: needsFilter, text: "At the root an attribute that a type doesn't have has no value there.", once: func(c *check) {
			k := c.user()
			m := c.create(k)
			if ids := root(c, "userName eq "+quote(text(at(m.sent, "userName")))); !slices.Equal(ids, []string{m.id}) {
				c.fail("userName", "want the user alone, got %v", ids)
			}
		}},
		{id: "7644-3.4.3-root", section: "3.4.3", level: must, needs: needsFilter, text: "POST on /.search is a query about all resource types.", each: func(c *check, k *kind) {
			m := c.create(k)
			a := c.req(http.MethodPost, "/.search", map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}, "filter": "id eq " + quote(m.id)}, nil)
			if a.status == http.StatusNotImplemented || a.status == http.StatusNotFound {
				c.skip("the service doesn't offer queries at its root")
			}
			if ids := found(c.listed(a)); !slices.Equal(ids, []string{m.id}) {
				c.fail("filter", "want the one that was made, got %v", ids)
			}
		}},
		{id: "7644-5-precis", section: "5", level: must, text: "userName is compared by RFC 7613: marks that are composed or not are the same, and so are widths.", once: func(c *check) {
			k := c.user()
			a := k.attribute("userName")
			if a == nil || a.caseExact || c.target.Sample != nil {
				c.skip("the kit can't choose the userName")
			}
			name := c.unique()
			c.create(k, with(a, name+"\u00e9@kit.example.com"))
			c.refused(c.postWith(k, a, name+"e\u0301@kit.example.com"), "userName", 409)
			c.refused(c.postWith(k, a, "\uff4b"+name[1:]+"\u00e9@kit.example.com"), "userName", 409)
		}},
		{id: "7644-3.4.2.2-default", section: "3.4.2.2", level: must, needs: needsFilter, text: "A filter sees the value of an attribute that the service has set by default.", once: func(c *check) {
			k := c.user()
			a := c.need(k.attribute("active"), "active")
			m := c.create(k, func(r map[string]any) { delete(r, "active") })
			value, ok := a.of(m.body).(bool)
			if !ok {
				c.skip("active has no default")
			}
			c.finds(k, "active", both("active eq "+map[bool]string{true: "true", false: "false"}[value], "id eq "+quote(m.id)), []*made{m}, m)
		}},
		{id: "7644-3.4.2.2-binary-order", section: "3.4.2.2", level: must, needs: needsFilter, text: "gt on a binary is answered with 400 invalidFilter.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool {
				return a.urn == "" && a.kind == "complex" && a.find("value") != nil && a.find("value").kind == "binary"
			}), "binary")
			c.refused(c.read(query(k.endpoint, "filter", a.path()+`.value gt "AAEC"`)), a.path(), 400, "invalidFilter")
		}},
		{id: "7644-3.4.2.2-integer", section: "3.4.2.2", level: must, needs: needsFilter, text: "Integers are compared as numbers.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.kind == "integer" && !a.multi && a.free() && a.urn == "" }), "integer")
			x, y := c.create(k, with(a, 9.0)), c.create(k, with(a, 100.0))
			c.finds(k, a.path(), both(a.path()+" gt 50", "id eq "+quote(x.id)+" or id eq "+quote(y.id)), []*made{x, y}, y)
		}},
		{id: "7644-3.4.2.2-decimal", section: "3.4.2.2", level: must, needs: needsFilter, text: "Decimals are compared as numbers, with their fraction.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.kind == "decimal" && !a.multi && a.free() && a.urn == "" }), "decimal")
			x, y := c.create(k, with(a, 9.25)), c.create(k, with(a, 10.5))
			these := "id eq " + quote(x.id) + " or id eq " + quote(y.id)
			c.finds(k, a.path(), both(a.path()+" gt 9.75", these), []*made{x, y}, y)
			c.finds(k, a.path(), both(a.path()+" lt 9.75", these), []*made{x, y}, x)
			c.finds(k, a.path(), both(a.path()+" eq 10.50", these), []*made{x, y}, y)
		}},
		{id: "7644-3.4.2.2-dateTime", section: "3.4.2.2", level: must, needs: needsFilter, text: "A dateTime is compared as a moment, whatever its time zone.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.kind == "dateTime" && !a.multi && a.free() && a.urn == "" }), "dateTime")
			m := c.create(k, with(a, "2026-01-02T12:00:00Z"))
			c.finds(k, a.path(), both(a.path()+` eq "2026-01-02T14:00:00+02:00"`, "id eq "+quote(m.id)), []*made{m}, m)
		}},
		{id: "7644-3.4.2.2-schemas", section: "3.4.2.2", level: should, needs: needsFilter, text: "A filter may name schemas.", each: func(c *check, k *kind) {
			m := c.create(k)
			c.finds(k, "schemas", both("schemas eq "+quote(k.urn), "id eq "+quote(m.id)), []*made{m}, m)
		}},
		{id: "7644-3.4.2.2-pr-complex", section: "3.4.2.2", level: must, needs: needsFilter, text: "pr finds who has a value in a complex attribute.", each: func(c *check, k *kind) {
			a, s, _ := k.complex()
			c.need(a, "complex attribute with two strings")
			x, y := c.create(k, with(s, c.unique())), c.create(k)
			if none(a.of(y.body)) {
				c.finds(k, a.path(), both(a.path()+" pr", "id eq "+quote(x.id)+" or id eq "+quote(y.id)), []*made{x, y}, x)
			}
		}},
		{id: "7644-3.4.2.3-missing", section: "3.4.2.3", level: must, needs: needsSort, text: "Who has no value is last in ascending order, and first in descending.", each: func(c *check, k *kind) {
			a := k.string()
			if a == k.named() {
				c.skip("the schema has no attribute that may be left out")
			}
			x, y := c.create(k), c.create(k, with(a, c.unique()))
			mark := "id eq " + quote(x.id) + " or id eq " + quote(y.id)
			for order, want := range map[string][]string{"ascending": {y.id, x.id}, "descending": {x.id, y.id}} {
				if got := found(c.list(k.endpoint, "filter", mark, "sortBy", a.path(), "sortOrder", order)); !slices.Equal(got, want) {
					c.fail(a.path(), "want %v in %s order, got %v", want, order, got)
				}
			}
		}},
		{id: "7644-3.4.2.3-primary", section: "3.4.2.3", level: must, needs: needsSort, text: "A multi-valued attribute is sorted by its primary value.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			if a.find("primary") == nil {
				c.skip("no multi-valued attribute has primary")
			}
			low, high := c.two(a)
			middle := clone(low)
			values := []string{text(low["value"]), text(high["value"]), text(c.one(a.find("value"), false))}
			slices.Sort(values)
			low["value"], middle["value"], high["value"] = values[0], values[1], values[2]
			high["primary"] = true
			x, y := c.create(k, with(a, []any{low, high})), c.create(k, with(a, []any{middle}))
			mark := "id eq " + quote(x.id) + " or id eq " + quote(y.id)
			if got := found(c.list(k.endpoint, "filter", mark, "sortBy", a.path()+".value")); !slices.Equal(got, []string{y.id, x.id}) {
				c.fail(a.path(), "want %v, by the primary value, got %v", []string{y.id, x.id}, got)
			}
		}},
		{id: "7644-3.5.2.3-all-matching", section: "3.5.2.3", level: must, needs: needsPatch, text: "replace with a filter replaces all values that it matches.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			s := c.need(a.find("display"), "multi-valued attribute with display")
			v, w := c.two(a)
			value := c.unique()
			now := c.change(c.create(k, with(a, []any{v, w})), op("replace", a.path()+"[type eq "+quote(text(v["type"]))+" or type eq "+quote(text(w["type"]))+"]."+s.name, value))
			v["display"], w["display"] = value, value
			c.want(a, now, []any{v, w})
		}},
	}
}
