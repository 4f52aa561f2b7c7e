package scimtest

import "slices"

// cursorClauses are RFC 9865.
func cursorClauses() []clause {
	list := []clause{
		{id: "9865-4-index", section: "4", text: "pagination.index is a boolean.", once: func(c *check) {
			if _, ok := at(c.read("/ServiceProviderConfig").body, "pagination", "index").(bool); !ok {
				c.fail("pagination.index", "want a boolean, got %s", show(at(c.last.body, "pagination", "index")))
			}
		}},
		{id: "9865-4-default", section: "4", text: "A service with both ways of paging says which is the default.", once: func(c *check) {
			p := at(c.read("/ServiceProviderConfig").body, "pagination")
			if got := text(at(p, "defaultPaginationMethod")); at(p, "index") == true && got != "cursor" && got != "index" {
				c.fail("pagination.defaultPaginationMethod", "want cursor or index, got %s", show(got))
			}
		}},
		{id: "9865-2-first", section: "2", text: "An empty cursor asks for the first page, whose answer has nextCursor if there is more.", each: func(c *check, k *kind) {
			t := c.three(k)
			list := c.list(k.endpoint, "filter", t.mark, "count", "2", "cursor", "")
			if text(at(list, "nextCursor")) == "" || len(found(list)) == 0 || len(found(list)) > 2 {
				c.fail("nextCursor", "want at most two of three, and a cursor, got %d and %s", len(found(list)), show(at(list, "nextCursor")))
			}
		}},
		{id: "9865-2-walk", section: "2", text: "From cursor to cursor each resource comes once.", each: func(c *check, k *kind) {
			t := c.three(k)
			ids := c.walk(k, t)
			slices.Sort(ids)
			want := t.inOrder()
			slices.Sort(want)
			if !slices.Equal(ids, want) {
				c.fail("cursor", "want each of %v once, got %v", want, ids)
			}
		}},
		{id: "9865-2-last", section: "2", text: "The last page has no nextCursor.", each: func(c *check, k *kind) {
			t := c.three(k)
			if list := c.list(k.endpoint, "filter", t.mark, "count", "5", "cursor", ""); at(list, "nextCursor") != nil {
				c.fail("nextCursor", "want none on a page with all three, got %s", show(at(list, "nextCursor")))
			}
		}},
		{id: "9865-2-first-previous", section: "2", text: "The first page has no previousCursor.", each: func(c *check, k *kind) {
			t := c.three(k)
			if list := c.list(k.endpoint, "filter", t.mark, "count", "1", "cursor", ""); at(list, "previousCursor") != nil {
				c.fail("previousCursor", "want none on the first page, got %s", show(at(list, "previousCursor")))
			}
		}},
		{id: "9865-2-zero", section: "2", text: "With count 0 there are no resources.", each: func(c *check, k *kind) {
			t := c.three(k)
			if list := c.list(k.endpoint, "filter", t.mark, "count", "0", "cursor", ""); len(found(list)) != 0 {
				c.fail("count", "want no resources, got %d", len(found(list)))
			}
		}},
		{id: "9865-2-safe", section: "2", text: "A cursor has only the unreserved characters of URLs.", each: func(c *check, k *kind) {
			t := c.three(k)
			cursor := text(at(c.list(k.endpoint, "filter", t.mark, "count", "1", "cursor", ""), "nextCursor"))
			for _, r := range cursor {
				if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' || r == '~') {
					c.fail("nextCursor", "want unreserved characters alone, got %s", show(cursor))
					return
				}
			}
		}},
		{id: "9865-2.1-invalid", section: "2.1", text: "What is no cursor is answered with 400 invalidCursor.", each: func(c *check, k *kind) {
			c.refused(c.read(query(k.endpoint, "cursor", "kit-"+c.unique())), "cursor", 400, "invalidCursor")
		}},
		{id: "9865-3-search", section: "3", text: "A SearchRequest may have a cursor.", each: func(c *check, k *kind) {
			t := c.three(k)
			one := c.search(k, map[string]any{"filter": t.mark, "count": 2, "cursor": ""})
			two := c.search(k, map[string]any{"filter": t.mark, "count": 2, "cursor": text(at(one, "nextCursor"))})
			if len(found(one)) != 2 || len(found(two)) != 1 || slices.Contains(found(one), append(found(two), "")[0]) {
				c.fail("cursor", "want two, and then the third, got %v and %v", found(one), found(two))
			}
		}},
	}
	for i := range list {
		list[i].needs, list[i].level = needsCursor, must
	}
	return list
}

// walk are the ids of all pages, from cursor to cursor.
func (c *check) walk(k *kind, t three) (ids []string) {
	cursor := ""
	for range 10 {
		list := c.list(k.endpoint, "filter", t.mark, "count", "1", "cursor", cursor)
		ids = append(ids, found(list)...)
		if cursor = text(at(list, "nextCursor")); cursor == "" {
			return ids
		}
	}
	c.fatal("nextCursor", "want an end of three resources, got none after ten pages")
	return nil
}
