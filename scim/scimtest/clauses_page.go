package scimtest

import (
	"slices"
	"strconv"
	"strings"
)

// pageClauses returns the clauses of RFC 7644 sections 3.4.2.3 and 3.4.2.4.
func pageClauses() []clause {
	return []clause{
		{id: "7644-3.4.2.3-ascending", section: "3.4.2.3", level: must, needs: needsSort, text: "sortOrder ascending sorts upwards.", each: func(c *check, k *kind) {
			t := c.three(k)
			c.sorted(k, t, t.inOrder(), "sortBy", t.path, "sortOrder", "ascending")
		}},
		{id: "7644-3.4.2.3-default", section: "3.4.2.3", level: must, needs: needsSort, text: "Without sortOrder the order is ascending.", each: func(c *check, k *kind) {
			t := c.three(k)
			c.sorted(k, t, t.inOrder(), "sortBy", t.path)
		}},
		{id: "7644-3.4.2.3-descending", section: "3.4.2.3", level: must, needs: needsSort, text: "sortOrder descending sorts downwards.", each: func(c *check, k *kind) {
			t := c.three(k)
			want := t.inOrder()
			slices.Reverse(want)
			c.sorted(k, t, want, "sortBy", t.path, "sortOrder", "descending")
		}},
		{id: "7644-3.4.2.3-sub-attribute", section: "3.4.2.3", level: must, needs: needsSort, text: "sortBy may name a sub-attribute.", each: func(c *check, k *kind) {
			_, s, _ := k.complex()
			c.need(s, "complex attribute with two strings")
			t := three{a: s, stem: c.unique(), path: s.path()}
			for _, word := range []string{"-2", "-3", "-1"} {
				t.all = append(t.all, c.create(k, with(s, t.stem+word)))
			}
			t.mark = s.path() + " sw " + quote(t.stem)
			c.sorted(k, t, []string{t.all[2].id, t.all[0].id, t.all[1].id}, "sortBy", s.path())
		}},
		{id: "7644-3.4.2.3-page", section: "3.4.2.3", level: must, needs: needsSort, text: "The pages of a sorted list are parts of one order.", each: func(c *check, k *kind) {
			t := c.three(k)
			var ids []string
			for i := range 3 {
				ids = append(ids, found(c.list(k.endpoint, "filter", t.mark, "sortBy", t.path, "count", "1", "startIndex", strconv.Itoa(i+1)))...)
			}
			if want := t.inOrder(); !slices.Equal(ids, want) {
				c.fail(t.path, "want %v page by page, got %v", want, ids)
			}
		}},
		{id: "7644-3.4.2.4-count", section: "3.4.2.4", level: must, text: "A page has no more resources than count.", each: func(c *check, k *kind) {
			c.create(k)
			c.create(k)
			if n := len(found(c.list(k.endpoint, "count", "1"))); n != 1 {
				c.fail("count", "want 1 resource, got %d", n)
			}
		}},
		{id: "7644-3.4.2.4-zero", section: "3.4.2.4", level: must, text: "With count 0 there are no resources, but totalResults.", each: func(c *check, k *kind) {
			c.create(k)
			c.totalsOnly(c.list(k.endpoint, "count", "0"))
		}},
		{id: "7644-3.4.2.4-negative", section: "3.4.2.4", level: must, text: "A negative count is as good as 0.", each: func(c *check, k *kind) {
			c.create(k)
			c.totalsOnly(c.list(k.endpoint, "count", "-3"))
		}},
		{id: "7644-3.4.2.4-itemsPerPage", section: "3.4.2.4", level: must, text: "itemsPerPage is the number of resources in the page.", each: func(c *check, k *kind) {
			c.create(k)
			c.create(k)
			list := c.list(k.endpoint, "count", "1")
			if got := at(list, "itemsPerPage"); got != float64(len(found(list))) {
				c.fail("itemsPerPage", "want %d, got %s", len(found(list)), show(got))
			}
		}},
		{id: "7644-3.4.2.4-startIndex", section: "3.4.2.4", level: must, text: "startIndex is where the page begins, from 1, and is in the answer.", each: func(c *check, k *kind) {
			c.create(k)
			c.create(k)
			if got := at(c.list(k.endpoint, "startIndex", "2", "count", "1"), "startIndex"); got != 2.0 {
				c.fail("startIndex", "want 2, got %s", show(got))
			}
		}},
		{id: "7644-3.4.2.4-less-than-one", section: "3.4.2.4", level: must, text: "A startIndex less than 1 is as good as 1.", each: func(c *check, k *kind) {
			c.create(k)
			one := c.list(k.endpoint, "startIndex", "1", "count", "1")
			for _, start := range []string{"0", "-5"} {
				list := c.list(k.endpoint, "startIndex", start, "count", "1")
				if !slices.Equal(found(list), found(one)) || at(list, "startIndex") != 1.0 {
					c.fail("startIndex", "want the first page for %s, got %v from %s", start, found(list), show(at(list, "startIndex")))
				}
			}
		}},
		{id: "7644-3.4.2.4-beyond", section: "3.4.2.4", level: must, text: "A page behind the end is empty, and answered with 200.", each: func(c *check, k *kind) {
			c.create(k)
			list := c.list(k.endpoint, "startIndex", "1000000", "count", "2")
			if len(found(list)) != 0 || total(list) < 1 {
				c.fail("startIndex", "want no resources, and totalResults, got %d of %d", len(found(list)), total(list))
			}
		}},
		{id: "7644-3.4.2.4-walk", section: "3.4.2.4", level: must, needs: needsFilter, text: "Page by page each resource comes once.", each: func(c *check, k *kind) {
			t := c.three(k)
			ids := map[string]int{}
			for i := range 3 {
				for _, id := range found(c.list(k.endpoint, "filter", t.mark, "count", "1", "startIndex", strconv.Itoa(i+1))) {
					ids[id]++
				}
			}
			for _, m := range t.all {
				if ids[m.id] != 1 {
					c.fail("startIndex", "want each of three once, got %v", ids)
					return
				}
			}
		}},
	}
}

func (c *check) sorted(k *kind, t three, want []string, params ...string) {
	if got := found(c.list(k.endpoint, append(params, "filter", t.mark)...)); !slices.Equal(got, want) {
		c.fail(t.path, "want %v, got %v", want, got)
	}
}

// inOrder returns the ids in the ascending order of the values: alpha, Beta and gamma, or Beta first if the attribute is caseExact.
func (t three) inOrder() []string {
	if t.a.caseExact {
		return []string{t.y.id, t.x.id, t.z.id}
	}
	return []string{t.x.id, t.y.id, t.z.id}
}

func (c *check) totalsOnly(list map[string]any) {
	if len(found(list)) != 0 || total(list) < 1 {
		c.fail("count", "want no resources, but totalResults, got %d of %d", len(found(list)), total(list))
	}
}

// projectClauses returns the clauses of RFC 7644 sections 3.4.2.5, 3.9 and 3.10.
func projectClauses() []clause {
	// shown makes a resource with two attributes that an answer may leave out, and returns these.
	shown := func(c *check, k *kind) (*made, *attribute, *attribute) {
		a, b := k.string(), externalID
		if list := k.simple(); len(list) > 1 {
			b = list[1]
		}
		if a == b {
			b = k.named()
		}
		edits := []func(map[string]any){with(a, c.unique())}
		if b != k.named() {
			edits = append(edits, with(b, c.unique()))
		}
		return c.create(k, edits...), a, b
	}
	return []clause{
		{id: "7644-3.9-attributes", section: "3.9", level: must, text: "With attributes a resource has only those, and what is always returned.", each: func(c *check, k *kind) {
			m, a, _ := shown(c, k)
			now := c.now(m, "attributes", a.path())
			c.want(a, now, a.of(m.sent))
			c.only(a, now)
		}},
		{id: "7644-3.9-excluded", section: "3.9", level: must, text: "With excludedAttributes a resource is without those, and has all others.", each: func(c *check, k *kind) {
			m, a, b := shown(c, k)
			now := c.now(m, "excludedAttributes", a.path())
			c.want(a, now, nil)
			c.want(b, now, b.of(m.sent))
		}},
		{id: "7644-3.9-always", section: "3.9", level: must, text: "id, which is always returned, can't be excluded.", each: func(c *check, k *kind) {
			m, a, _ := shown(c, k)
			if at(c.now(m, "excludedAttributes", "id"), "id") != m.id {
				c.fail("id", "want it in the answer although it is excluded")
			}
			if at(c.now(m, "attributes", a.path()), "id") != m.id {
				c.fail("id", "want it in the answer although only others are asked for")
			}
		}},
		{id: "7644-3.9-list", section: "3.9", level: must, needs: needsFilter, text: "attributes is for lists, too.", each: func(c *check, k *kind) {
			m, a, _ := shown(c, k)
			r := first(c.list(k.endpoint, "filter", "id eq "+quote(m.id), "attributes", a.path()))
			c.want(a, r, a.of(m.sent))
			c.only(a, r)
		}},
		{id: "7644-3.9-list-excluded", section: "3.9", level: must, needs: needsFilter, text: "excludedAttributes is for lists, too.", each: func(c *check, k *kind) {
			m, a, b := shown(c, k)
			r := first(c.list(k.endpoint, "filter", "id eq "+quote(m.id), "excludedAttributes", a.path()))
			c.want(a, r, nil)
			c.want(b, r, b.of(m.sent))
		}},
		{id: "7644-3.9-post", section: "3.9", level: must, text: "attributes is for the answer to a creation, too.", each: func(c *check, k *kind) {
			a := k.string()
			body := c.minimal(k)
			a.set(body, c.unique())
			made := c.post(k, body, "attributes", a.path())
			c.status(made, 201)
			c.only(a, made.body)
		}},
		{id: "7644-3.9-put", section: "3.9", level: must, text: "attributes is for the answer to a PUT, too.", each: func(c *check, k *kind) {
			m, a, _ := shown(c, k)
			put := c.req("PUT", query(m.path, "attributes", a.path()), m.sent, nil)
			c.status(put, 200)
			c.only(a, put.body)
		}},
		{id: "7644-3.9-patch", section: "3.5.2", level: must, needs: needsPatch, text: "A PATCH with attributes is answered with 200 and those.", each: func(c *check, k *kind) {
			m, a, _ := shown(c, k)
			value := c.unique()
			patched := c.patch(query(m.path, "attributes", a.path()), op("replace", a.path(), value))
			c.status(patched, 200)
			c.want(a, patched.body, value)
			c.only(a, patched.body)
		}},
		{id: "7644-3.9-search", section: "3.4.3", level: must, needs: needsFilter, text: "A SearchRequest may say which attributes to leave out.", each: func(c *check, k *kind) {
			m, a, b := shown(c, k)
			r := first(c.search(k, map[string]any{"filter": "id eq " + quote(m.id), "excludedAttributes": []string{a.path()}}))
			c.want(a, r, nil)
			c.want(b, r, b.of(m.sent))
		}},
		{id: "7644-3.9-several", section: "3.9", level: must, text: "attributes is a list, separated by commas.", each: func(c *check, k *kind) {
			m, a, b := shown(c, k)
			now := c.now(m, "attributes", a.path()+","+b.path())
			c.want(a, now, a.of(m.sent))
			c.want(b, now, b.of(m.sent))
		}},
		{id: "7644-3.10-name-case", section: "3.10", level: must, text: "The case of the names in attributes doesn't count.", each: func(c *check, k *kind) {
			m, a, _ := shown(c, k)
			c.want(a, c.now(m, "attributes", strings.ToUpper(a.path())), a.of(m.sent))
		}},
		{id: "7644-3.10-urn", section: "3.10", level: must, text: "attributes may name an attribute with its schema's URN.", each: func(c *check, k *kind) {
			a := k.string()
			if a == externalID {
				c.skip("the schema has no string that may be anything")
			}
			m := c.create(k, with(a, c.unique()))
			now := c.now(m, "attributes", k.urn+":"+a.path())
			c.want(a, now, a.of(m.sent))
			c.only(a, now)
		}},
		{id: "7644-3.10-extension", section: "3.10", level: must, text: "attributes may name an attribute of an extension.", each: func(c *check, k *kind) {
			e := c.need(k.extension(), "extension with a string")
			m := c.create(k, with(e, c.unique()))
			c.want(e, c.now(m, "attributes", e.path()), e.of(m.sent))
			c.want(e, c.now(m, "excludedAttributes", e.path()), nil)
		}},
		{id: "7644-3.10-sub-attribute", section: "3.10", level: must, text: "attributes may name a sub-attribute.", each: func(c *check, k *kind) {
			a, s, other := k.complex()
			c.need(a, "complex attribute with two strings")
			m := c.create(k, with(s, c.unique()), with(other, c.unique()))
			now := c.now(m, "attributes", s.path())
			c.want(s, now, s.of(m.sent))
			c.want(other, now, nil)
		}},
	}
}

// only fails if a resource has more than the attribute and what every answer has.
func (c *check) only(a *attribute, resource map[string]any) {
	top := a
	for top.parent != nil {
		top = top.parent
	}
	for name := range resource {
		if !strings.EqualFold(name, top.name) && !containsFold([]string{"schemas", "id"}, name) && !c.always(name) {
			c.fail(name, "want only %s and what is always returned, got %s", a.path(), show(sortedKeys(resource)))
			return
		}
	}
	if resource == nil {
		c.fail("", "want a resource, got nothing")
	}
}

func (c *check) always(name string) bool {
	a := c.kind.attribute(name)
	return a != nil && a.returned == "always"
}
