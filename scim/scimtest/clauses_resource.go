package scimtest

import (
	"slices"
	"strings"
	"time"
)

// resourceClauses returns the clauses about what every resource has: RFC 7643 sections 2, 3 and 4.
func resourceClauses() []clause {
	return []clause{
		{id: "7643-3.1-id", section: "3.1", level: must, text: "Each resource has an id that the service made.", each: func(c *check, k *kind) {
			m := c.create(k)
			if m.id == "" || m.id == "bulkId" {
				c.fail("id", "want a text that isn't bulkId, got %s", show(m.id))
			}
			if other := c.create(k); other.id == m.id {
				c.fail("id", "want another one for another resource, got %s twice", m.id)
			}
		}},
		{id: "7643-3.1-id-stable", section: "3.1", level: must, text: "The id of a resource stays the same.", each: func(c *check, k *kind) {
			m := c.create(k)
			body := clone(m.sent)
			externalID.set(body, c.unique())
			c.status(c.req("PUT", m.path, body, nil), 200)
			if got := at(c.now(m), "id"); got != m.id {
				c.fail("id", "want %s, got %s", m.id, show(got))
			}
		}},
		{id: "7643-3.1-externalId", section: "3.1", level: must, text: "externalId is kept as the client sent it.", each: func(c *check, k *kind) {
			id := "Kit/" + c.unique() + " ÄÖ"
			m := c.create(k, with(externalID, id))
			c.want(externalID, c.now(m), id)
		}},
		{id: "7643-3.1-meta-resourceType", section: "3.1", level: must, text: "meta.resourceType is the name of the resource type.", each: func(c *check, k *kind) {
			if got := at(c.now(c.create(k)), "meta", "resourceType"); got != k.name {
				c.fail("meta.resourceType", "want %s, got %s", k.name, show(got))
			}
		}},
		{id: "7643-3.1-meta-created", section: "3.1", level: must, text: "meta.created is the time of the creation.", each: func(c *check, k *kind) {
			c.moment("meta.created", at(c.now(c.create(k)), "meta", "created"))
		}},
		{id: "7643-3.1-meta-lastModified", section: "3.1", level: must, text: "meta.lastModified is the time of the last change, at first that of the creation.", each: func(c *check, k *kind) {
			now := c.now(c.create(k))
			c.moment("meta.lastModified", at(now, "meta", "lastModified"))
			if created, modified := text(at(now, "meta", "created")), text(at(now, "meta", "lastModified")); !sameTime(created, modified) {
				c.fail("meta.lastModified", "want that of meta.created for what never changed, %s, got %s", created, modified)
			}
		}},
		{id: "7643-3.1-meta-location", section: "3.1", level: must, text: "meta.location is the address of the resource.", each: func(c *check, k *kind) {
			m := c.create(k)
			location := text(at(c.now(m), "meta", "location"))
			if !strings.HasSuffix(location, m.path) || !strings.Contains(location, "://") {
				c.fail("meta.location", "want an absolute address that ends in %s, got %s", m.path, show(location))
			}
		}},
		{id: "7643-3.1-meta-readOnly", section: "3.1", level: must, text: "meta is the service's: what a client sends in it is ignored.", each: func(c *check, k *kind) {
			m := c.create(k, func(r map[string]any) {
				r["meta"] = map[string]any{"resourceType": "Kit", "created": "2001-01-01T00:00:00Z", "location": "https://kit.example.com/x"}
			})
			meta := at(c.now(m), "meta")
			if at(meta, "resourceType") != k.name || at(meta, "created") == "2001-01-01T00:00:00Z" || at(meta, "location") == "https://kit.example.com/x" {
				c.fail("meta", "want what the service made, got %s", show(meta))
			}
		}},
		{id: "7643-3-schemas", section: "3", level: must, text: "schemas of a resource names the schema of its type.", each: func(c *check, k *kind) {
			if got := at(c.now(c.create(k)), "schemas"); !containsFold(texts(got), k.urn) {
				c.fail("schemas", "want %s, got %s", k.urn, show(got))
			}
		}},
		{id: "7643-3-schemas-extension", section: "3", level: must, text: "schemas of a resource names the extensions that it has values of.", each: func(c *check, k *kind) {
			e := c.need(k.extension(), "extension with a string")
			m := c.create(k, with(e, c.unique()))
			now := c.now(m)
			c.want(e, now, e.of(m.sent))
			if got := at(now, "schemas"); !containsFold(texts(got), e.urn) {
				c.fail("schemas", "want %s, got %s", e.urn, show(got))
			}
		}},
		{id: "7643-2.1-case", section: "2.1", level: must, text: "The case of an attribute's name doesn't count.", each: func(c *check, k *kind) {
			a := k.string()
			value := c.unique()
			m := c.create(k, func(r map[string]any) { r[strings.ToUpper(a.name)] = value })
			c.want(a, c.now(m), value)
		}},
		{id: "7643-2.5-null", section: "2.5", level: must, text: "An attribute that is null is unassigned.", each: func(c *check, k *kind) {
			a := k.string()
			m := c.create(k, with(a, nil))
			c.want(a, c.now(m), nil)
		}},
		{id: "7643-2.5-empty", section: "2.5", level: must, text: "A multi-valued attribute that is [] is unassigned.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			m := c.create(k, with(a, []any{}))
			c.want(a, c.now(m), nil)
		}},
		{id: "7643-2.4-primary", section: "2.4", level: must, text: "At most one value of a multi-valued attribute is primary.", each: func(c *check, k *kind) {
			a := c.need(k.list(), "multi-valued attribute with type and value")
			if a.find("primary") == nil {
				c.skip("no multi-valued attribute has primary")
			}
			one, two := c.two(a)
			one["primary"], two["primary"] = true, true
			body := c.minimal(k)
			a.set(body, []any{one, two})
			if answer := c.post(k, body); answer.status == 201 {
				c.onePrimary(a, answer.body)
			} else {
				c.refused(answer, a.path(), 400)
			}
		}},
		{id: "7643-2-round-trip", section: "2", level: must, text: "All that a client may write is read back as it was sent.", each: func(c *check, k *kind) {
			m := c.createOf(k, c.full(k))
			c.same(k, m.sent, c.now(m))
		}},
		{id: "7643-2.3-string", section: "2.3.1", level: must, text: "A string is a sequence of any Unicode characters.", each: func(c *check, k *kind) {
			a := k.string()
			value := "Zoë O'Brien \"Ω\" \\ 日本 🎈 " + c.unique()
			c.want(a, c.now(c.create(k, with(a, value))), value)
		}},
		{id: "7643-2.3-boolean", section: "2.3.2", level: must, text: "A boolean is a JSON boolean.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.kind == "boolean" && !a.multi && a.free() }, "active"), "boolean")
			m := c.create(k, with(a, false))
			c.want(a, c.now(m), false)
		}},
		{id: "7643-2.3-dateTime", section: "2.3.5", level: must, text: "A dateTime has a date and a time, and nothing else is one.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.kind == "dateTime" && !a.multi && a.free() }), "dateTime")
			m := c.create(k, with(a, "2026-01-02T03:04:05Z"))
			c.want(a, c.now(m), "2026-01-02T03:04:05Z")
			c.refused(c.postWith(k, a, "2026-01-02"), a.path(), 400)
		}},
		{id: "7643-2.3-integer", section: "2.3.4", level: must, text: "An integer is a number without a fraction.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.kind == "integer" && !a.multi && a.free() }), "integer")
			m := c.create(k, with(a, 42.0))
			c.want(a, c.now(m), 42.0)
			c.refused(c.postWith(k, a, 4.2), a.path(), 400)
		}},
		{id: "7643-2.3-decimal", section: "2.3.3", level: must, text: "A decimal is a number with a fraction, and nothing else is one.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.kind == "decimal" && !a.multi && a.free() }), "decimal")
			for _, value := range []float64{-0.25, 1234567.125} {
				c.want(a, c.now(c.create(k, with(a, value))), value)
			}
			c.refused(c.postWith(k, a, "kit"), a.path(), 400)
		}},
		{id: "7643-2.2-required", section: "2.2", level: must, text: "A resource without an attribute that is required is refused.", each: func(c *check, k *kind) {
			a := k.pick(func(a *attribute) bool { return a.required && a.urn == "" && a.mutability != "readOnly" }, "userName", "displayName")
			if a == nil {
				c.skip("no attribute is required")
			}
			body := c.minimal(k)
			externalID.set(body, c.unique())
			delete(body, a.name)
			c.refused(c.post(k, body), a.path(), 400, "invalidValue", "invalidSyntax")
		}},
		{id: "7643-2.2-type", section: "2.2", level: must, text: "A value of another data type than the attribute's is refused.", each: func(c *check, k *kind) {
			c.refused(c.postWith(k, k.string(), map[string]any{"kit": []any{1}}), k.string().path(), 400, "invalidValue", "invalidSyntax")
		}},
		{id: "7643-2.2-readOnly", section: "2.2", level: must, text: "An attribute that is readOnly is the service's: what a client sends is ignored.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool {
				return a.mutability == "readOnly" && a.urn == "" && a.kind == "complex" && a.multi && a.find("value") != nil
			}, "groups"), "attribute that is readOnly")
			m := c.create(k, with(a, []any{map[string]any{"value": "kit-" + c.mark}}))
			if holds([]any{map[string]any{"value": "kit-" + c.mark}}, a.of(c.now(m))) {
				c.fail(a.path(), "want what was sent ignored, got %s", show(a.of(m.body)))
			}
		}},
		{id: "7643-2.2-never", section: "2.2", level: must, text: "An attribute with returned: never isn't in any answer, even if it is asked for.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool { return a.returned == "never" && a.mutability != "readOnly" && !a.multi }, "password"), "attribute with returned: never")
			value := c.value(a, false)
			m := c.create(k, with(a, value))
			for _, body := range []map[string]any{m.body, c.now(m), c.now(m, "attributes", a.path()), c.list(k.endpoint, "filter", "id eq "+quote(m.id), "attributes", a.path())} {
				if strings.Contains(show2(body), text(value)) || a.of(body) != nil {
					c.fail(a.path(), "want it in no answer, got %s", show(a.of(body)))
				}
			}
		}},
		{id: "7643-2.2-request", section: "2.2", level: must, text: "An attribute with returned: request is in an answer only if it is asked for.", each: func(c *check, k *kind) {
			a := c.need(k.pick(func(a *attribute) bool {
				return a.returned == "request" && a.mutability == "readWrite" && a.kind == "string" && !a.multi
			}), "attribute with returned: request")
			m := c.create(k, with(a, c.unique()))
			c.want(a, c.now(m), nil)
			c.want(a, c.now(m, "attributes", a.path()), a.of(m.sent))
		}},
		{id: "7643-2.2-immutable", section: "2.2", level: must, text: "An attribute that is immutable keeps the value that it was created with.", each: func(c *check, k *kind) {
			a := c.need(k.immutable(), "attribute that is immutable")
			m := c.create(k, with(a, c.unique()))
			body := clone(m.sent)
			a.set(body, c.unique())
			c.req("PUT", m.path, body, nil)
			c.want(a, c.now(m), a.of(m.sent))
		}},
		{id: "7643-2.2-unique", section: "2.2", level: must, text: "No two resources share a value of an attribute with uniqueness: server.", each: func(c *check, k *kind) {
			a := c.need(k.uniqueString(), "string with uniqueness: server")
			m := c.create(k)
			c.refused(c.postWith(k, a, a.of(m.sent)), a.path(), 409)
		}},
		{id: "7643-4.1-userName-case", section: "4.1.1", level: must, text: "userName is unique whatever its case.", once: func(c *check) {
			k := c.user()
			a := k.attribute("userName")
			if a == nil || a.caseExact {
				c.skip("userName has caseExact")
			}
			m := c.create(k)
			c.refused(c.postWith(k, a, strings.ToUpper(text(a.of(m.sent)))), "userName", 409)
		}},
		{id: "7643-4.1-active", section: "4.1.1", level: must, text: "active says whether somebody may work: what a client sets is read back.", once: func(c *check) {
			k := c.user()
			a := c.need(k.attribute("active"), "active")
			m := c.create(k, with(a, true))
			c.want(a, c.now(m), true)
			body := clone(m.sent)
			a.set(body, false)
			c.status(c.req("PUT", m.path, body, nil), 200)
			c.want(a, c.now(m), false)
		}},
	}
}

// immutable returns a string attribute that can be set only once; nil if there is none.
func (k *kind) immutable() *attribute {
	return k.pick(func(a *attribute) bool {
		return a.mutability == "immutable" && a.urn == "" && a.kind == "string" && !a.multi && a.returned != "never"
	})
}

func (k *kind) uniqueString() *attribute {
	return k.pick(func(a *attribute) bool {
		return a.uniqueness != "none" && a.urn == "" && a.kind == "string" && !a.multi && a.mutability != "readOnly" && a.name != "id"
	}, "userName")
}

// postWith posts a new resource with a value of an attribute.
func (c *check) postWith(k *kind, a *attribute, value any) *answer {
	body := c.minimal(k)
	a.set(body, value)
	return c.post(k, body)
}

// moment fails unless a value is a dateTime that is close to the present time.
func (c *check) moment(attribute string, v any) {
	t, err := time.Parse(time.RFC3339Nano, text(v))
	if err != nil || time.Since(t).Abs() > 15*time.Minute {
		c.fail(attribute, "want a dateTime of now, got %s", show(v))
	}
}

// two returns two elements of different types for a multi-valued attribute whose elements have type and value.
func (c *check) two(a *attribute) (one, two map[string]any) {
	types := []string{"work", "home"}
	if t := a.find("type"); len(t.canonical) >= 2 {
		types = t.canonical
	}
	value := func(i int) map[string]any {
		return map[string]any{"type": types[i], "value": c.one(a.find("value"), false)}
	}
	return value(0), value(1)
}

func (c *check) onePrimary(a *attribute, resource map[string]any) {
	n := 0
	for _, e := range objects(a.of(resource)) {
		if at(e, "primary") == true {
			n++
		}
	}
	if n > 1 {
		c.fail(a.path()+".primary", "want at most one, got %s", show(a.of(resource)))
	}
}

// same fails for each attribute whose value in got isn't the one that was sent.
func (c *check) same(k *kind, sent, got map[string]any) {
	for _, a := range append(slices.Clone(k.attributes), externalID) {
		if want := a.of(sent); want != nil && a.returned != "never" && a.returned != "request" && a.mutability != "writeOnly" && !(a == externalID && k.attribute("externalId") != nil) {
			c.want(a, got, visible(a, want))
		}
	}
}

// visible returns a value without the sub-attributes that are never returned.
func visible(a *attribute, v any) any {
	v = clone(v)
	hide := func(o map[string]any) {
		for _, s := range a.sub {
			if s.returned == "never" || s.returned == "request" || s.mutability == "readOnly" {
				delete(o, s.name)
			}
		}
	}
	if o, ok := v.(map[string]any); ok {
		hide(o)
	}
	for _, o := range objects(v) {
		hide(o)
	}
	return v
}
