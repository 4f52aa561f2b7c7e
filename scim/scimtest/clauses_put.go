package scimtest

import "time"

// putClauses returns the clauses of RFC 7644 section 3.5.1.
func putClauses() []clause {
	put := func(c *check, m *made, edits ...func(map[string]any)) *answer {
		body := clone(m.sent)
		for _, edit := range edits {
			edit(body)
		}
		return c.req("PUT", m.path, body, nil)
	}
	return []clause{
		{id: "7644-3.5.1-replaces", section: "3.5.1", level: must, text: "PUT replaces the values of a resource, and is answered with 200.", each: func(c *check, k *kind) {
			a := k.string()
			m := c.create(k, with(a, c.unique()))
			value := c.unique()
			c.status(put(c, m, with(a, value)), 200)
			c.want(a, c.now(m), value)
		}},
		{id: "7644-3.5.1-body", section: "3.5.1", level: must, text: "The 200 of a PUT holds the resource as it is now.", each: func(c *check, k *kind) {
			a := k.string()
			m := c.create(k)
			value := c.unique()
			answered := put(c, m, with(a, value))
			c.want(a, answered.body, value)
			if at(answered.body, "id") != m.id {
				c.fail("id", "want %s, got %s", m.id, show(at(answered.body, "id")))
			}
		}},
		{id: "7644-3.5.1-clears", section: "3.5.1", level: should, text: "What a PUT leaves out is removed.", each: func(c *check, k *kind) {
			a := k.string()
			if a == k.named() {
				c.skip("the schema has no attribute that may be left out")
			}
			m := c.create(k, with(a, c.unique()))
			c.status(put(c, m, func(r map[string]any) { delete(r, a.name) }), 200)
			c.want(a, c.now(m), nil)
		}},
		{id: "7644-3.5.1-unknown", section: "3.5.1", level: must, text: "PUT never creates a resource.", each: func(c *check, k *kind) {
			body := c.minimal(k)
			externalID.set(body, c.unique())
			c.refused(c.req("PUT", k.endpoint+"/kit-"+c.unique(), body, nil), "", 404)
			if list := c.list(k.endpoint, "filter", "externalId eq "+quote(text(externalID.of(body)))); total(list) != 0 {
				for _, id := range found(list) {
					c.made = append(c.made, k.endpoint+"/"+id)
				}
				c.fail("", "want nothing created, got %v", found(list))
			}
		}},
		{id: "7644-3.5.1-whole", section: "3.5.1", level: must, text: "What was read can be sent back with PUT: what is readOnly in it is ignored.", each: func(c *check, k *kind) {
			m := c.create(k)
			body := c.now(m)
			a := k.string()
			value := c.unique()
			a.set(body, value)
			for _, x := range k.attributes { // a client can't know a value that is never returned, so it has to send one again if it is required
				if x.required && x.of(body) == nil && x.of(m.sent) != nil {
					x.set(body, x.of(m.sent))
				}
			}
			c.status(c.req("PUT", m.path, body, nil), 200)
			c.want(a, c.now(m), value)
		}},
		{id: "7644-3.5.1-read-only", section: "3.5.1", level: must, text: "PUT changes nothing that is readOnly: id and meta.created.", each: func(c *check, k *kind) {
			m := c.create(k)
			created := at(m.body, "meta", "created")
			c.status(put(c, m, with(k.string(), c.unique()), func(r map[string]any) {
				r["meta"] = map[string]any{"created": "2001-01-01T00:00:00Z"}
			}), 200)
			if got := at(c.now(m), "meta", "created"); got != created {
				c.fail("meta.created", "want %s, got %s", show(created), show(got))
			}
		}},
		{id: "7644-3.5.1-immutable", section: "3.5.1", level: should, text: "A PUT with another value of an immutable attribute is answered with 400 mutability.", each: func(c *check, k *kind) {
			a := c.need(k.immutable(), "attribute that is immutable")
			m := c.create(k, with(a, c.unique()))
			c.refused(put(c, m, with(a, c.unique())), a.path(), 400, "mutability")
		}},
		{id: "7644-3.5.1-required", section: "3.5.1", level: must, text: "A PUT without an attribute that is required is refused.", each: func(c *check, k *kind) {
			a := k.pick(func(a *attribute) bool { return a.required && a.urn == "" && a.mutability != "readOnly" }, "userName", "displayName")
			if a == nil {
				c.skip("no attribute is required")
			}
			m := c.create(k)
			c.refused(put(c, m, func(r map[string]any) { delete(r, a.name) }), a.path(), 400)
		}},
		{id: "7644-3.5.1-conflict", section: "3.5.1", level: must, text: "A PUT of another one's unique value is answered with 409 uniqueness.", each: func(c *check, k *kind) {
			a := c.need(k.uniqueString(), "string with uniqueness: server")
			if a.mutability == "immutable" {
				c.skip("what is unique is immutable")
			}
			m, other := c.create(k), c.create(k)
			c.refused(put(c, m, with(a, a.of(other.sent))), a.path(), 409, "uniqueness")
		}},
		{id: "7644-3.5.1-lastModified", section: "3.5.1", level: must, text: "A change moves meta.lastModified, and not meta.created.", each: func(c *check, k *kind) {
			m := c.create(k)
			before := c.now(m)
			for _, wait := range []time.Duration{0, 5 * time.Millisecond, 1100 * time.Millisecond} { // a service may count in milliseconds or seconds
				time.Sleep(wait)
				c.status(put(c, m, with(k.string(), c.unique())), 200)
				after := c.now(m)
				if at(after, "meta", "created") != at(before, "meta", "created") {
					c.fatal("meta.created", "want %s, got %s", show(at(before, "meta", "created")), show(at(after, "meta", "created")))
				}
				if at(after, "meta", "lastModified") != at(before, "meta", "lastModified") {
					return
				}
			}
			c.fail("meta.lastModified", "want another time than %s after a change", show(at(before, "meta", "lastModified")))
		}},
	}
}
