package scimtest

import (
	"strings"
)

const (
	bulkURN         = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkResponseURN = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

// bulk sends operations and returns those of the answer. The case ends unless the answer is 200.
func (c *check) bulk(extra map[string]any, ops ...map[string]any) []map[string]any {
	body := map[string]any{"schemas": []string{bulkURN}, "Operations": ops}
	for name, v := range extra {
		body[name] = v
	}
	a := c.req("POST", "/Bulk", body, nil)
	answered := objects(at(a.body, "Operations"))
	for _, o := range answered {
		if location := text(at(o, "location")); text(at(o, "method")) == "POST" && location != "" {
			for _, k := range c.kinds {
				if _, id, ok := strings.Cut(location, k.endpoint+"/"); ok {
					c.made = append(c.made, k.endpoint+"/"+id)
				}
			}
		}
	}
	c.status(a, 200)
	return answered
}

func bulkPost(k *kind, bulkID string, data map[string]any) map[string]any {
	return map[string]any{"method": "POST", "path": k.endpoint, "bulkId": bulkID, "data": data}
}

// result returns an operation of the answer by its index. The case ends if there are fewer.
func (c *check) result(answered []map[string]any, i int) map[string]any {
	if i >= len(answered) {
		c.fatal("Operations", "want %d results or more, got %d", i+1, len(answered))
	}
	return answered[i]
}

func (c *check) bulkStatus(o map[string]any, want string) {
	if got := at(o, "status"); got != want {
		c.fail("Operations.status", "want %q, got %s", want, show(o))
	}
}

// bulkClauses returns the clauses of RFC 7644 section 3.7.
func bulkClauses() []clause {
	list := []clause{
		{id: "7644-3.7-response", section: "3.7", text: "A bulk is answered with 200 and a BulkResponse.", each: func(c *check, k *kind) {
			c.bulk(nil, bulkPost(k, "a", c.minimal(k)))
			if !containsFold(texts(at(c.last.body, "schemas")), bulkResponseURN) {
				c.fail("schemas", "want %s, got %s", bulkResponseURN, show(at(c.last.body, "schemas")))
			}
		}},
		{id: "7644-3.7.3-created", section: "3.7.3", text: "A creation in a bulk has the status 201, as a text.", each: func(c *check, k *kind) {
			c.bulkStatus(c.result(c.bulk(nil, bulkPost(k, "a", c.minimal(k))), 0), "201")
		}},
		{id: "7644-3.7.3-location", section: "3.7.3", text: "The result of an operation has the location of its resource.", each: func(c *check, k *kind) {
			o := c.result(c.bulk(nil, bulkPost(k, "a", c.minimal(k))), 0)
			location := text(at(o, "location"))
			if i := strings.Index(location, k.endpoint+"/"); i < 0 || c.read(location[i:]).status != 200 {
				c.fail("Operations.location", "want the address of the resource, got %s", show(location))
			}
		}},
		{id: "7644-3.7.3-bulkId", section: "3.7.3", text: "The result of a creation has its bulkId.", each: func(c *check, k *kind) {
			if got := at(c.result(c.bulk(nil, bulkPost(k, "kit-a", c.minimal(k))), 0), "bulkId"); got != "kit-a" {
				c.fail("Operations.bulkId", "want kit-a, got %s", show(got))
			}
		}},
		{id: "7644-3.7.3-method", section: "3.7.3", text: "The result of an operation has its method.", each: func(c *check, k *kind) {
			if got := at(c.result(c.bulk(nil, bulkPost(k, "a", c.minimal(k))), 0), "method"); got != "POST" {
				c.fail("Operations.method", "want POST, got %s", show(got))
			}
		}},
		{id: "7644-3.7.3-error", section: "3.7.3", text: "An operation that failed has its status and an error as its response.", each: func(c *check, k *kind) {
			o := c.result(c.bulk(nil, map[string]any{"method": "DELETE", "path": k.endpoint + "/kit-nowhere"}), 0)
			c.bulkStatus(o, "404")
			if !containsFold(texts(at(o, "response", "schemas")), errorURN) {
				c.fail("Operations.response", "want an error, got %s", show(at(o, "response")))
			}
		}},
		{id: "7644-3.7-all", section: "3.7", text: "Without failOnErrors what follows a failed operation is done.", each: func(c *check, k *kind) {
			answered := c.bulk(nil, map[string]any{"method": "DELETE", "path": k.endpoint + "/kit-nowhere"}, bulkPost(k, "b", c.minimal(k)))
			c.bulkStatus(c.result(answered, 1), "201")
		}},
		{id: "7644-3.7.3-fail-on-errors", section: "3.7.3", text: "After failOnErrors errors no operation is done.", each: func(c *check, k *kind) {
			id := c.unique()
			body := c.minimal(k)
			externalID.set(body, id)
			c.bulk(map[string]any{"failOnErrors": 1}, map[string]any{"method": "DELETE", "path": k.endpoint + "/kit-nowhere"}, bulkPost(k, "b", body))
			if list := c.list(k.endpoint, "filter", "externalId eq "+quote(id)); total(list) != 0 {
				for _, id := range found(list) {
					c.made = append(c.made, k.endpoint+"/"+id)
				}
				c.fail("failOnErrors", "want nothing done after the first error, got %v", found(list))
			}
		}},
		{id: "7644-3.7-methods", section: "3.7", text: "A bulk may have PUT, PATCH and DELETE.", each: func(c *check, k *kind) {
			m, n := c.create(k), c.create(k)
			body := clone(m.sent)
			value := c.unique()
			k.string().set(body, value)
			answered := c.bulk(nil, map[string]any{"method": "PUT", "path": m.path, "data": body}, map[string]any{"method": "DELETE", "path": n.path})
			c.bulkStatus(c.result(answered, 0), "200")
			c.bulkStatus(c.result(answered, 1), "204")
			c.want(k.string(), c.now(m), value)
			c.refused(c.read(n.path), "", 404)
		}},
		{id: "7644-3.7.2-reference", section: "3.7.2", text: "bulkId: in a value is replaced by the id of what was created.", once: func(c *check) {
			g, u := c.group(), c.user()
			c.kind = g
			group := c.minimal(g)
			group["members"] = []any{map[string]any{"value": "bulkId:u"}}
			answered := c.bulk(nil, bulkPost(u, "u", c.minimal(u)), bulkPost(g, "g", group))
			c.referred(u, g, answered, 0, 1)
		}},
		{id: "7644-3.7.2-forward", section: "3.7.2", text: "bulkId: may refer to what is created later in the bulk.", once: func(c *check) {
			g, u := c.group(), c.user()
			c.kind = g
			group := c.minimal(g)
			group["members"] = []any{map[string]any{"value": "bulkId:u"}}
			answered := c.bulk(nil, bulkPost(g, "g", group), bulkPost(u, "u", c.minimal(u)))
			c.referred(u, g, answered, 1, 0)
		}},
		{id: "7644-3.7.1-circular", section: "3.7.1", text: "Resources of a bulk may refer to each other.", once: func(c *check) {
			g := c.group()
			one, two := c.minimal(g), c.minimal(g)
			one["members"] = []any{map[string]any{"type": "Group", "value": "bulkId:two"}}
			two["members"] = []any{map[string]any{"type": "Group", "value": "bulkId:one"}}
			answered := c.bulk(nil, bulkPost(g, "one", one), bulkPost(g, "two", two))
			c.bulkStatus(c.result(answered, 0), "201")
			c.bulkStatus(c.result(answered, 1), "201")
		}},
		{id: "7644-3.7.4-operations", section: "3.7.4", text: "More than bulk.maxOperations are answered with 413.", each: func(c *check, k *kind) {
			most, ok := at(c.config, "bulk", "maxOperations").(float64)
			if !ok || most < 1 || most > 10_000 {
				c.skip("bulk.maxOperations isn't between 1 and 10,000")
			}
			ops := make([]map[string]any, int(most)+1)
			for i := range ops {
				ops[i] = map[string]any{"method": "DELETE", "path": k.endpoint + "/kit-nowhere"}
			}
			c.refused(c.req("POST", "/Bulk", map[string]any{"schemas": []string{bulkURN}, "Operations": ops}, nil), "Operations", 413)
		}},
	}
	list = append(list, []clause{
		{id: "7644-3.7-patch", section: "3.7", text: "A bulk may have PATCH.", each: func(c *check, k *kind) {
			m, value := c.create(k), c.unique()
			o := c.result(c.bulk(nil, map[string]any{"method": "PATCH", "path": m.path, "data": patchBody(op("replace", k.string().path(), value))}), 0)
			if got := text(at(o, "status")); got != "200" && got != "204" {
				c.fail("Operations.status", "want 200 or 204, got %s", show(o))
			}
			c.want(k.string(), c.now(m), value)
		}},
		{id: "7644-3.7-bulkId-missing", section: "3.7", text: "A creation in a bulk without bulkId is refused.", each: func(c *check, k *kind) {
			body := c.minimal(k)
			externalID.set(body, c.unique())
			a := c.req("POST", "/Bulk", map[string]any{"schemas": []string{bulkURN}, "Operations": []any{map[string]any{"method": "POST", "path": k.endpoint, "data": body}}}, nil)
			list := c.list(k.endpoint, "filter", "externalId eq "+quote(text(at(body, "externalId"))))
			c.last = a
			if total(list) != 0 {
				for _, id := range found(list) {
					c.made = append(c.made, k.endpoint+"/"+id)
				}
				c.fail("Operations.bulkId", "want nothing created without it, got %v", found(list))
			}
		}},
		{id: "7644-3.7-failed-reference", section: "3.7", text: "What refers to an operation that failed isn't done.", once: func(c *check) {
			g, u := c.group(), c.user()
			c.kind = g
			there := c.create(u)
			group := c.minimal(g)
			group["members"] = []any{map[string]any{"value": "bulkId:u"}}
			answered := c.bulk(nil, bulkPost(u, "u", there.sent), bulkPost(g, "g", group))
			c.bulkStatus(c.result(answered, 0), "409")
			if got := text(at(c.result(answered, 1), "status")); !strings.HasPrefix(got, "4") {
				c.fail("Operations.status", "want an error for what refers to a failed operation, got %s", show(answered[1]))
			}
		}},
		{id: "7644-3.7-order", section: "3.7", text: "The results are in the order of the operations.", each: func(c *check, k *kind) {
			answered := c.bulk(nil, bulkPost(k, "a", c.minimal(k)), bulkPost(k, "b", c.minimal(k)), bulkPost(k, "c", c.minimal(k)))
			for i, want := range []string{"a", "b", "c"} {
				if got := at(c.result(answered, i), "bulkId"); got != want {
					c.fail("Operations.bulkId", "want %s in the place %d, got %s", want, i+1, show(got))
				}
			}
		}},
		{id: "7644-3.7.4-payload", section: "3.7.4", text: "More than bulk.maxPayloadSize bytes are answered with 413.", once: func(c *check) {
			most, ok := at(c.config, "bulk", "maxPayloadSize").(float64)
			if !ok || most < 1 || most > 16<<20 {
				c.skip("bulk.maxPayloadSize isn't between 1 byte and 16 MiB")
			}
			k := c.kinds[0]
			body := patchBody()
			body["schemas"], body["Operations"] = []string{bulkURN}, []any{bulkPost(k, "a", map[string]any{"schemas": []string{k.urn}, k.string().name: strings.Repeat("x", int(most)+1)})}
			c.refused(c.req("POST", "/Bulk", body, nil), "Operations", 413)
		}},
		{id: "7644-3.7.4-limit", section: "3.7.4", text: "The 413 of a bulk says which limit it is.", each: func(c *check, k *kind) {
			most, ok := at(c.config, "bulk", "maxOperations").(float64)
			if !ok || most < 1 || most > 10_000 {
				c.skip("bulk.maxOperations isn't between 1 and 10,000")
			}
			ops := make([]map[string]any, int(most)+1)
			for i := range ops {
				ops[i] = map[string]any{"method": "DELETE", "path": k.endpoint + "/kit-nowhere"}
			}
			a := c.req("POST", "/Bulk", map[string]any{"schemas": []string{bulkURN}, "Operations": ops}, nil)
			detail := strings.NewReplacer(",", "", ".", "", " ", "").Replace(text(at(a.body, "detail")))
			if !strings.Contains(detail, show(most)) {
				c.fail("detail", "want the limit, %v, in it, got %s", most, show(at(a.body, "detail")))
			}
		}},
	}...)
	for i := range list {
		list[i].needs, list[i].level = needsBulk, must
	}
	return list
}

// referred fails unless a user and a group were both created, and the user is a member of the group.
func (c *check) referred(u, g *kind, answered []map[string]any, user, group int) {
	x, y := c.result(answered, user), c.result(answered, group)
	c.bulkStatus(x, "201")
	c.bulkStatus(y, "201")
	_, userID, _ := strings.Cut(text(at(x, "location")), u.endpoint+"/")
	_, groupID, ok := strings.Cut(text(at(y, "location")), g.endpoint+"/")
	if !ok {
		c.fatal("Operations.location", "want the address of the group, got %s", show(y))
	}
	c.members(c.now(&made{path: g.endpoint + "/" + groupID}), &made{id: userID})
}
