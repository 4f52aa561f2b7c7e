package scimtest

import "strings"

// createClauses returns the clauses of RFC 7644 section 3.3.
func createClauses() []clause {
	return []clause{
		{id: "7644-3.3-created", section: "3.3", level: must, text: "A creation is answered with 201.", each: func(c *check, k *kind) {
			c.status(c.post(k, c.minimal(k)), 201)
		}},
		{id: "7644-3.3-body", section: "3.3", level: should, text: "The answer to a creation holds the resource as it is now.", each: func(c *check, k *kind) {
			m := c.create(k, with(externalID, c.unique()))
			c.same(k, m.sent, m.body)
		}},
		{id: "7644-3.3-location", section: "3.3", level: must, text: "The address of what was created is in the header Location.", each: func(c *check, k *kind) {
			a := c.post(k, c.minimal(k))
			if got := a.header.Get("Location"); got == "" || !strings.HasSuffix(got, k.endpoint+"/"+text(at(a.body, "id"))) {
				c.fail("header Location", "want the address of the resource, got %s", show(got))
			}
		}},
		{id: "7644-3.3-location-meta", section: "3.3", level: must, text: "The header Location and meta.location are the same.", each: func(c *check, k *kind) {
			a := c.post(k, c.minimal(k))
			if got, want := a.header.Get("Location"), text(at(a.body, "meta", "location")); got != want || want == "" {
				c.fail("meta.location", "want the header Location, %s, got %s", show(got), show(want))
			}
		}},
		{id: "7644-3.3-location-works", section: "3.3", level: must, text: "The resource can be read at its address.", each: func(c *check, k *kind) {
			a := c.post(k, c.minimal(k))
			location := a.header.Get("Location")
			if location == "" {
				c.fatal("header Location", "want the address of the resource, got nothing")
			}
			path, ok := strings.CutPrefix(location, c.base)
			if !ok && strings.Contains(location, k.endpoint+"/") {
				path = location[strings.Index(location, k.endpoint+"/"):] // behind a proxy, the host and the prefix may be other ones
			}
			if got := c.read(path); got.status != 200 || at(got.body, "id") != at(a.body, "id") {
				c.fail("header Location", "want the resource at %s, got %s", location, got.excerpt())
			}
		}},
		{id: "7644-3.3-id-ignored", section: "3.3", level: must, text: "An id that a client sends with a creation is ignored.", each: func(c *check, k *kind) {
			m := c.create(k, func(r map[string]any) { r["id"] = "kit-" + c.mark })
			if m.id == "kit-"+c.mark {
				c.fail("id", "want one that the service made, got the client's")
			}
		}},
		{id: "7644-3.3-conflict", section: "3.3", level: must, text: "A creation of what is there already is answered with 409.", each: func(c *check, k *kind) {
			c.need(k.uniqueString(), "string with uniqueness: server")
			m := c.create(k)
			c.refused(c.post(k, m.sent), k.uniqueString().path(), 409)
		}},
		{id: "7644-3.3-conflict-type", section: "3.3", level: must, text: "The 409 of a creation has the scimType uniqueness.", each: func(c *check, k *kind) {
			c.need(k.uniqueString(), "string with uniqueness: server")
			m := c.create(k)
			if a := c.post(k, m.sent); text(at(a.body, "scimType")) != "uniqueness" {
				c.fail("scimType", "want uniqueness, got %s", show(at(a.body, "scimType")))
			}
		}},
		{id: "7644-3.3-syntax", section: "3.12", level: must, text: "A body that is no JSON is answered with 400 invalidSyntax.", each: func(c *check, k *kind) {
			c.refused(c.post(k, `{"schemas":[`), "", 400, "invalidSyntax")
		}},
		{id: "7644-3.3-object", section: "3.3", level: must, text: "A body that is no JSON object is refused.", each: func(c *check, k *kind) {
			c.refused(c.post(k, `[1,2]`), "", 400)
		}},
		{id: "7644-3.3-refused-whole", section: "3.3", level: must, text: "What is refused is not there afterwards.", each: func(c *check, k *kind) {
			id := c.unique()
			body := c.minimal(k)
			externalID.set(body, id)
			k.wrong(body)
			c.refused(c.post(k, body), "", 400)
			if list := c.list(k.endpoint, "filter", "externalId eq "+quote(id)); total(list) != 0 {
				c.fail("", "want nothing created by a request that was answered with 400, got %s", show(found(list)))
			}
		}},
	}
}

// wrong puts a value of the wrong type into a resource, which a service must refuse.
func (k *kind) wrong(resource map[string]any) {
	for _, a := range k.attributes {
		if a.kind == "complex" && a.mutability == "readWrite" && a.urn == "" {
			resource[a.name] = 17.5
			return
		}
	}
	a := k.string()
	a.set(resource, map[string]any{"kit": []any{1}})
}

// readClauses returns the clauses of RFC 7644 sections 3.4.1 and 3.14.
func readClauses() []clause {
	other := func(c *check, k *kind, m *made) {
		body := clone(m.sent)
		k.string().set(body, c.unique())
		c.status(c.req("PUT", m.path, body, nil), 200)
	}
	return []clause{
		{id: "7644-3.4.1-read", section: "3.4.1", level: must, text: "A resource can be read under its id, and is answered with 200.", each: func(c *check, k *kind) {
			m := c.create(k, with(externalID, c.unique()))
			a := c.read(m.path)
			c.status(a, 200)
			if at(a.body, "id") != m.id {
				c.fail("id", "want %s, got %s", m.id, show(at(a.body, "id")))
			}
			c.same(k, m.sent, a.body)
		}},
		{id: "7644-3.4.1-unknown", section: "3.12", level: must, text: "A resource that isn't there is answered with 404.", each: func(c *check, k *kind) {
			c.refused(c.read(k.endpoint+"/kit-"+c.unique()), "", 404)
		}},
		{id: "7644-3.14-header", section: "3.14", level: must, needs: needsETag, text: "The version of a resource is in the header ETag.", each: func(c *check, k *kind) {
			m := c.create(k)
			if c.read(m.path).header.Get("ETag") == "" {
				c.fail("header ETag", "want the version of the resource, got nothing")
			}
		}},
		{id: "7644-3.14-meta", section: "3.14", level: should, needs: needsETag, text: "meta.version is the ETag.", each: func(c *check, k *kind) {
			a := c.read(c.create(k).path)
			if got, want := text(at(a.body, "meta", "version")), a.header.Get("ETag"); got != want || want == "" {
				c.fail("meta.version", "want the header ETag, %s, got %s", show(want), show(got))
			}
		}},
		{id: "7644-3.14-form", section: "3.14", level: must, needs: needsETag, text: "An entity tag is a quoted text, with W/ before it if it is weak.", each: func(c *check, k *kind) {
			tag := strings.TrimPrefix(c.read(c.create(k).path).header.Get("ETag"), "W/")
			if len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
				c.fail("header ETag", `want "..." or W/"...", got %s`, show(tag))
			}
		}},
		{id: "7644-3.14-changes", section: "3.14", level: must, needs: needsETag, text: "A change gives a resource another version.", each: func(c *check, k *kind) {
			m := c.create(k)
			before := c.read(m.path).header.Get("ETag")
			other(c, k, m)
			if after := c.read(m.path).header.Get("ETag"); after == before {
				c.fail("header ETag", "want another one than %s after a change, got the same", show(before))
			}
		}},
		{id: "7644-3.14-not-modified", section: "3.14", level: must, needs: needsETag, text: "If-None-Match with the version that there is is answered with 304.", each: func(c *check, k *kind) {
			m := c.create(k)
			tag := c.read(m.path).header.Get("ETag")
			if a := c.req("GET", m.path, nil, headers("If-None-Match", tag)); a.status != 304 {
				c.fail("header If-None-Match", "want 304 for %s, got %s", tag, a.excerpt())
			}
		}},
		{id: "7644-3.14-modified", section: "3.14", level: must, needs: needsETag, text: "If-None-Match with an old version is answered with the resource.", each: func(c *check, k *kind) {
			m := c.create(k)
			tag := c.read(m.path).header.Get("ETag")
			other(c, k, m)
			c.status(c.req("GET", m.path, nil, headers("If-None-Match", tag)), 200)
		}},
		{id: "7644-3.14-match-put", section: "3.14", level: must, needs: needsETag, text: "A PUT with If-Match of an old version is answered with 412, and changes nothing.", each: func(c *check, k *kind) {
			m := c.create(k)
			tag := c.read(m.path).header.Get("ETag")
			other(c, k, m)
			before := c.now(m)
			c.refused(c.req("PUT", m.path, m.sent, headers("If-Match", tag)), "header If-Match", 412)
			if after := c.now(m); at(after, "meta", "version") != at(before, "meta", "version") {
				c.fail("meta.version", "want nothing changed by a request that was answered with 412")
			}
		}},
		{id: "7644-3.14-match-patch", section: "3.14", level: must, needs: needsETag, text: "A PATCH with If-Match of an old version is answered with 412.", each: func(c *check, k *kind) {
			if !c.claims(needsPatch) {
				c.skip("ServiceProviderConfig doesn't claim patch")
			}
			m := c.create(k)
			tag := c.read(m.path).header.Get("ETag")
			other(c, k, m)
			c.refused(c.req("PATCH", m.path, patchBody(op("replace", k.string().path(), c.unique())), headers("If-Match", tag)), "header If-Match", 412)
		}},
		{id: "7644-3.14-match-delete", section: "3.14", level: must, needs: needsETag, text: "A DELETE with If-Match of an old version is answered with 412.", each: func(c *check, k *kind) {
			m := c.create(k)
			tag := c.read(m.path).header.Get("ETag")
			other(c, k, m)
			c.refused(c.req("DELETE", m.path, nil, headers("If-Match", tag)), "header If-Match", 412)
		}},
		{id: "7644-3.14-match-same", section: "3.14", level: must, needs: needsETag, text: "A change with If-Match of the version that there is is made.", each: func(c *check, k *kind) {
			m := c.create(k)
			tag := c.read(m.path).header.Get("ETag")
			body := clone(m.sent)
			k.string().set(body, c.unique())
			c.status(c.req("PUT", m.path, body, headers("If-Match", tag)), 200)
		}},
	}
}

func headers(pairs ...string) map[string][]string {
	h := map[string][]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h[pairs[i]] = []string{pairs[i+1]}
	}
	return h
}
