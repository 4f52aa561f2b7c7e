package scimtest

import "slices"

// interopClauses returns the clauses of draft-zollner-scim-interop-profile-02 that a client can see kept or broken. A service keeps them
// only for a connection of that dialect.
func interopClauses() []clause {
	return []clause{
		{id: "Z1", section: "Z1", level: must, text: "ServiceProviderConfig has interopProfileConformant: true.", once: func(c *check) {
			if got := at(c.read("/ServiceProviderConfig").body, "interopProfileConformant"); got != true {
				c.fail("interopProfileConformant", "want true, got %s", show(got))
			}
		}},
		{id: "Z3", section: "Z3", level: must, text: "The id of a resource type is its name.", once: func(c *check) {
			for _, t := range objects(at(c.read("/ResourceTypes").body, "Resources")) {
				if at(t, "id") != at(t, "name") {
					c.fail("id", "want %s, got %s", show(at(t, "name")), show(at(t, "id")))
				}
			}
		}},
		{id: "Z4", section: "Z4", level: must, text: "externalId is compared exactly.", each: func(c *check, k *kind) {
			id := c.unique() + "Ab"
			x := c.create(k, with(externalID, id))
			c.finds(k, "externalId", "externalId eq "+quote(id), []*made{x}, x)
			c.finds(k, "externalId", "externalId eq "+quote(id[:len(id)-2]+"aB"), []*made{x})
		}},
		{id: "Z5", section: "Z5", level: must, text: "An attribute that no schema has is answered with 400 invalidSyntax.", each: func(c *check, k *kind) {
			c.refused(c.postWith(k, &attribute{name: "kitUnknown"}, "x"), "kitUnknown", 400, "invalidSyntax")
		}},
		{id: "Z6", section: "Z6", level: must, text: "Each sub-attribute type has canonicalValues.", once: func(c *check) {
			for _, k := range c.kinds {
				for _, a := range k.attributes {
					if t := a.find("type"); t != nil && len(t.canonical) == 0 {
						c.fail(t.path(), "want canonicalValues, got none")
					}
				}
			}
		}},
		{id: "Z7", section: "Z7", level: must, text: "Requests and answers are of the type application/scim+json.", each: func(c *check, k *kind) {
			m := c.create(k)
			c.refused(c.req("PATCH", m.path, patchBody(op("replace", k.string().path(), "x")), headers("Content-Type", "text/plain")), "header Content-Type", 415)
		}},
		{id: "Z8", section: "Z8", level: must, text: "A filter on an attribute that no schema has is answered with 400 invalidFilter.", each: func(c *check, k *kind) {
			c.refused(c.read(query(k.endpoint, "filter", `kitUnknown eq "x"`)), "filter", 400, "invalidFilter")
		}},
		{id: "Z9", section: "Z9", level: must, text: "A count of 100 is accepted.", each: func(c *check, k *kind) {
			c.list(k.endpoint, "count", "100")
		}},
		{id: "Z10", section: "Z10", level: must, text: "An operation without a path is answered with 400 invalidSyntax.", each: func(c *check, k *kind) {
			c.refused(c.patch(c.create(k).path, op("replace", "", map[string]any{k.string().name: "x"})), "path", 400, "invalidSyntax")
		}},
		{id: "Z11-complex", section: "Z11", level: must, text: "replace of a complex attribute replaces it whole.", each: func(c *check, k *kind) {
			a, s, other := k.complex()
			c.need(a, "complex attribute with two strings")
			value := c.unique()
			now := c.change(c.create(k, with(s, c.unique()), with(other, c.unique())), op("replace", a.path(), map[string]any{s.name: value}))
			c.want(s, now, value)
			c.want(other, now, nil)
		}},
		{id: "Z11-target", section: "Z11", level: must, text: "A path with a filter ends in a sub-attribute.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			v, _ := c.two(a)
			m := c.create(k, with(a, []any{v}))
			c.refused(c.patch(m.path, op("replace", a.path()+"[type eq "+quote(text(v["type"]))+"]", v)), a.path(), 400)
		}},
		{id: "Z12", section: "Z12", level: must, text: "What is deleted is gone: 404, in no list, its names free.", each: func(c *check, k *kind) {
			m := c.create(k)
			c.status(c.req("DELETE", m.path, nil, nil), 204)
			c.refused(c.read(m.path), "", 404)
			c.status(c.post(k, m.sent), 201)
		}},
		{id: "Z13", section: "Z13", level: must, text: "What is taken is answered with 409 uniqueness, by POST and PATCH.", each: func(c *check, k *kind) {
			a := c.need(k.uniqueString(), "string with uniqueness: server")
			m, other := c.create(k), c.create(k)
			c.refused(c.postWith(k, a, a.of(m.sent)), a.path(), 409, "uniqueness")
			if a.mutability != "immutable" {
				c.refused(c.patch(m.path, op("replace", a.path(), a.of(other.sent))), a.path(), 409, "uniqueness")
			}
		}},
	}
}

// ipsieClauses returns the clauses of OpenID IPSIE AL SCIM 1.0 that a client can see kept or broken.
func ipsieClauses() []clause {
	const al1, al2 = "ipsie-al1", "ipsie-al2"
	active := func(c *check) (*kind, *attribute) {
		k := c.user()
		return k, c.need(k.attribute("active"), "active")
	}
	return []clause{
		{id: "AL1-oauth", profile: al1, section: "All", level: must, text: "OAuth is offered.", once: func(c *check) {
			for _, s := range objects(at(c.read("/ServiceProviderConfig").body, "authenticationSchemes")) {
				if t := text(at(s, "type")); t == "oauth2" || t == "oauthbearertoken" {
					return
				}
			}
			c.fail("authenticationSchemes", "want oauth2 or oauthbearertoken, got %s", show(at(c.last.body, "authenticationSchemes")))
		}},
		{id: "AL1-bulk", profile: al1, section: "All", level: must, text: "Bulk is offered.", once: func(c *check) {
			if at(c.read("/ServiceProviderConfig").body, "bulk", "supported") != true {
				c.fail("bulk.supported", "want true, got %s", show(at(c.last.body, "bulk", "supported")))
			}
		}},
		{id: "AL1-several", profile: al1, section: "All", level: must, text: "One PATCH may change several attributes.", once: func(c *check) {
			k := c.user()
			x, y := c.unique(), c.unique()
			now := c.change(c.create(k), op("replace", k.string().path(), x), op("replace", "externalId", y))
			c.want(k.string(), now, x)
			c.want(externalID, now, y)
		}},
		{id: "AL1-deactivate", profile: al1, section: "AL1", level: must, text: "A PATCH deactivates a user.", once: func(c *check) {
			k, a := active(c)
			c.want(a, c.change(c.create(k, with(a, true)), op("replace", "active", false)), false)
		}},
		{id: "AL1-reactivate", profile: al1, section: "AL1", level: must, text: "A PATCH reactivates a user, with the same id.", once: func(c *check) {
			k, a := active(c)
			m := c.create(k, with(a, true))
			c.change(m, op("replace", "active", false))
			now := c.change(m, op("replace", "active", true))
			c.want(a, now, true)
			if at(now, "id") != m.id {
				c.fail("id", "want %s, got %s", m.id, show(at(now, "id")))
			}
		}},
		{id: "AL1-read", profile: al1, section: "AL1", level: must, text: "A user is read by id, deactivated or not.", once: func(c *check) {
			k, a := active(c)
			m := c.create(k, with(a, false))
			c.want(a, c.now(m), false)
		}},
		{id: "AL1-delete", profile: al1, section: "AL1", level: must, text: "A user can be deleted, and the userName used again.", once: func(c *check) {
			k := c.user()
			m := c.create(k)
			c.status(c.req("DELETE", m.path, nil, nil), 204)
			c.status(c.post(k, m.sent), 201)
		}},
		{id: "AL1-filter-userName", profile: al1, section: "AL1", level: must, text: "Users are found by userName.", once: func(c *check) { c.findsUser("userName") }},
		{id: "AL1-filter-externalId", profile: al1, section: "AL1", level: must, text: "Users are found by externalId.", once: func(c *check) { c.findsUser("externalId") }},
		{id: "AL1-filter-emails", profile: al1, section: "AL1", level: must, text: "Users are found by emails[value] and by emails[type and value].", once: func(c *check) {
			k := c.user()
			mail := c.unique() + "@kit.example.com"
			m := c.create(k, func(r map[string]any) { r["emails"] = []any{map[string]any{"type": "work", "value": mail}} })
			c.finds(k, "emails", "emails[value eq "+quote(mail)+"]", []*made{m}, m)
			c.finds(k, "emails", `emails[type eq "work" and value eq `+quote(mail)+"]", []*made{m}, m)
		}},
		{id: "AL2-attributes", profile: al2, section: "AL2", level: must, text: "Users have userName, displayName, active and externalId.", once: func(c *check) {
			k := c.user()
			a := c.need(k.attribute("displayName"), "displayName")
			m := c.create(k, with(a, c.unique()), with(externalID, c.unique()))
			c.same(k, m.sent, c.now(m))
			if k.attribute("active") == nil {
				c.fail("active", "want it in the schema")
			}
		}},
		{id: "AL2-password", profile: al2, section: "AL2", level: must, text: "The schema has no password or credential.", once: func(c *check) {
			k := c.user()
			for _, a := range k.attributes {
				if slices.Contains([]string{"password", "credential", "credentials"}, a.name) {
					c.fail(a.path(), "want no such attribute in the schema")
				}
			}
		}},
		{id: "AL2-page", profile: al2, section: "AL2", level: must, text: "A page has at most 1,000 resources.", once: func(c *check) {
			if most, ok := at(c.read("/ServiceProviderConfig").body, "filter", "maxResults").(float64); !ok || most > 1000 {
				c.fail("filter.maxResults", "want at most 1000, got %s", show(at(c.last.body, "filter", "maxResults")))
			}
		}},
		{id: "AL2-empty-group", profile: al2, section: "AL2", level: must, text: "A group may be empty.", once: func(c *check) {
			c.members(c.now(c.groupOf()))
		}},
		{id: "AL2-fifty", profile: al2, section: "AL2", level: must, text: "One PATCH may have 50 operations on members.", once: func(c *check) {
			g, u := c.group(), c.user()
			c.kind = g
			var people []*made
			var ops []map[string]any
			for range 25 {
				m := c.create(u)
				people = append(people, m)
				ops = append(ops, op("add", "members", refs(m)))
			}
			for _, m := range people {
				ops = append(ops, op("remove", "members[value eq "+quote(m.id)+"]", noValue))
			}
			c.members(c.change(c.groupOf(), ops...))
		}},
		{id: "AL2-filter-groups", profile: al2, section: "AL2", level: must, text: "Groups are found by displayName, externalId and members[value].", once: func(c *check) {
			x, _ := c.people()
			id := c.unique()
			g := c.create(c.group(), with(externalID, id), func(r map[string]any) { r["members"] = refs(x) })
			k := c.group()
			c.finds(k, "displayName", "displayName eq "+quote(text(at(g.body, "displayName"))), []*made{g}, g)
			c.finds(k, "externalId", "externalId eq "+quote(id), []*made{g}, g)
			c.finds(k, "members", "members[value eq "+quote(x.id)+"]", []*made{g}, g)
		}},
	}
}

func (c *check) findsUser(name string) {
	k := c.user()
	m, n := c.create(k, with(externalID, c.unique())), c.create(k, with(externalID, c.unique()))
	c.finds(k, name, name+" eq "+quote(text(at(m.sent, name))), []*made{m, n}, m)
}
