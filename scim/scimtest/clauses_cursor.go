package scimtest

import (
	"net/http"
	"slices"
	"time"
)

// cursorClauses returns the clauses of RFC 9865.
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
		{id: "9865-2.1-expired", section: "2.1", text: "A cursor that is older than cursorTimeout is answered with 400 expiredCursor.", once: func(c *check) {
			seconds, ok := at(c.config, "pagination", "cursorTimeout").(float64)
			timeout := time.Duration(seconds * float64(time.Second))
			if !ok || timeout > c.target.wait() {
				c.skip("a cursor is good for longer than the kit waits (Target.Wait)")
			}
			k := c.kinds[0]
			t := c.three(k)
			cursor := text(at(c.list(k.endpoint, "filter", t.mark, "count", "1", "cursor", ""), "nextCursor"))
			c.pause(timeout + time.Second)
			c.refused(c.read(query(k.endpoint, "filter", t.mark, "count", "1", "cursor", cursor)), "cursor", 400, "expiredCursor")
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
	list = append(list, []clause{
		{id: "9865-2-negative", section: "2", text: "A negative count is as good as 0 (section 2), or is answered with 400 invalidCount (section 2.1).", each: func(c *check, k *kind) {
			t := c.three(k)
			a := c.read(query(k.endpoint, "filter", t.mark, "count", "-2", "cursor", ""))
			if a.status != http.StatusOK {
				c.refused(a, "count", 400, "invalidCount")
			} else if len(found(a.body)) != 0 {
				c.fail("count", "want no resources, got %d", len(found(a.body)))
			}
		}},
		{id: "9865-2-total", section: "2", level: should, text: "totalResults, where it is answered, is the number of resources of all pages.", each: func(c *check, k *kind) {
			t := c.three(k)
			list := c.list(k.endpoint, "filter", t.mark, "count", "1", "cursor", "")
			if n := total(list); n >= 0 && n != 3 {
				c.fail("totalResults", "want 3, got %d", n)
			}
		}},
		{id: "9865-2-previous", section: "2", text: "previousCursor leads to the page before.", each: func(c *check, k *kind) {
			t := c.three(k)
			one := c.list(k.endpoint, "filter", t.mark, "count", "1", "cursor", "")
			two := c.list(k.endpoint, "filter", t.mark, "count", "1", "cursor", text(at(one, "nextCursor")))
			back := text(at(two, "previousCursor"))
			if back == "" {
				c.skip("the service has no previousCursor")
			}
			if again := c.list(k.endpoint, "filter", t.mark, "count", "1", "cursor", back); !slices.Equal(found(again), found(one)) {
				c.fail("previousCursor", "want the first page, %v, got %v", found(one), found(again))
			}
		}},
		{id: "9865-2-sorted", section: "2", text: "A sorted query goes on in its order from cursor to cursor.", each: func(c *check, k *kind) {
			if !c.claims(needsSort) {
				c.skip("ServiceProviderConfig doesn't claim sort")
			}
			t := c.three(k)
			if ids := c.walk(k, t, "sortBy", t.path); !slices.Equal(ids, t.inOrder()) {
				c.fail("cursor", "want %v, got %v", t.inOrder(), ids)
			}
		}},
		{id: "9865-2.1-count", section: "2.1", level: should, text: "Another count than that of the first page is answered with 400 invalidCount.", each: func(c *check, k *kind) {
			t := c.three(k)
			cursor := text(at(c.list(k.endpoint, "filter", t.mark, "count", "1", "cursor", ""), "nextCursor"))
			c.refused(c.read(query(k.endpoint, "filter", t.mark, "count", "2", "cursor", cursor)), "count", 400, "invalidCount")
		}},
		{id: "9865-2.1-query", section: "2.1", level: should, text: "A cursor of another query is answered with 400 invalidCursor.", each: func(c *check, k *kind) {
			t := c.three(k)
			cursor := text(at(c.list(k.endpoint, "filter", t.mark, "count", "1", "cursor", ""), "nextCursor"))
			c.refused(c.read(query(k.endpoint, "filter", t.mark+" and id pr", "count", "1", "cursor", cursor)), "cursor", 400, "invalidCursor")
		}},
	}...)
	for i := range list {
		list[i].needs = needsCursor
		if list[i].level == "" {
			list[i].level = must
		}
	}
	return list
}

// walk reads all pages by their cursors, and returns the ids on them.
func (c *check) walk(k *kind, t three, params ...string) (ids []string) {
	cursor := ""
	for range 10 {
		list := c.list(k.endpoint, append(params, "filter", t.mark, "count", "1", "cursor", cursor)...)
		ids = append(ids, found(list)...)
		if cursor = text(at(list, "nextCursor")); cursor == "" {
			return ids
		}
	}
	c.fatal("nextCursor", "want an end of three resources, got none after ten pages")
	return nil
}
