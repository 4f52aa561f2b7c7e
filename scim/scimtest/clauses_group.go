package scimtest

import (
	"slices"
	"strings"
)

// groupOf makes a group with these members.
func (c *check) groupOf(people ...*made) *made {
	return c.create(c.group(), func(r map[string]any) { r["members"] = refs(people...) })
}

func refs(people ...*made) []any {
	list := make([]any, len(people))
	for i, p := range people {
		list[i] = map[string]any{"value": p.id}
	}
	return list
}

// people makes two users. The case is skipped if groups have no members.
func (c *check) people() (x, y *made) {
	if c.group().attribute("members") == nil {
		c.skip("groups have no members")
	}
	u := c.user()
	return c.create(u), c.create(u)
}

// members fails unless a group has exactly these members.
func (c *check) members(group map[string]any, want ...*made) {
	var ids []string
	for _, m := range objects(at(group, "members")) {
		ids = append(ids, text(at(m, "value")))
	}
	slices.Sort(ids)
	wanted := make([]string, len(want))
	for i, m := range want {
		wanted[i] = m.id
	}
	slices.Sort(wanted)
	if !slices.Equal(ids, wanted) {
		c.fail("members", "want %v, got %v", wanted, ids)
	}
}

// groupClauses returns the clauses about members: RFC 7643 section 4.2 and RFC 7644 section 3.5.2.
func groupClauses() []clause {
	const rfc7643 = "RFC 7643"
	list := []clause{
		{id: "7643-4.2-members", document: rfc7643, section: "4.2", text: "A group is created with the members that are sent.", once: func(c *check) {
			x, y := c.people()
			c.members(c.now(c.groupOf(x, y)), x, y)
		}},
		{id: "7643-4.2-ref", document: rfc7643, section: "4.2", level: should, text: "A member has the address of the resource in $ref.", once: func(c *check) {
			x, _ := c.people()
			m := first(map[string]any{"Resources": at(c.now(c.groupOf(x)), "members")})
			if got := text(at(m, "$ref")); !strings.HasSuffix(got, x.path) {
				c.fail("members.$ref", "want the address of %s, got %s", x.path, show(got))
			}
		}},
		{id: "7643-4.2-type", document: rfc7643, section: "4.2", level: should, text: "A member that is a user has the type User.", once: func(c *check) {
			x, _ := c.people()
			m := first(map[string]any{"Resources": at(c.now(c.groupOf(x)), "members")})
			if got := at(m, "type"); got != "User" {
				c.fail("members.type", "want User, got %s", show(got))
			}
		}},
		{id: "7643-4.1.2-groups", document: rfc7643, section: "4.1.2", text: "A user's groups are those that the user is a member of.", once: func(c *check) {
			x, y := c.people()
			if c.user().attribute("groups") == nil {
				c.skip("users have no groups")
			}
			g := c.groupOf(x)
			if !holds([]any{map[string]any{"value": g.id}}, at(c.now(x), "groups")) {
				c.fail("groups", "want %s, got %s", g.id, show(at(c.now(x), "groups")))
			}
			if got := at(c.now(y), "groups"); !none(got) {
				c.fail("groups", "want none for who is no member, got %s", show(got))
			}
		}},
		{id: "7643-4.2-nested", document: rfc7643, section: "4.2", text: "A group may be a member of a group.", once: func(c *check) {
			x, _ := c.people()
			inner := c.groupOf(x)
			outer := c.groupOf(inner)
			m := first(map[string]any{"Resources": at(c.now(outer), "members")})
			if at(m, "value") != inner.id {
				c.fail("members", "want the group %s, got %s", inner.id, show(m))
			}
		}},
		{id: "7644-3.5.1-members", section: "3.5.1", text: "PUT replaces the members of a group.", once: func(c *check) {
			x, y := c.people()
			g := c.groupOf(x)
			body := clone(g.sent)
			body["members"] = refs(y)
			c.status(c.req("PUT", g.path, body, nil), 200)
			c.members(c.now(g), y)
		}},
		{id: "7644-3.9-members", section: "3.9", text: "members can be left out by excludedAttributes.", once: func(c *check) {
			x, _ := c.people()
			g := c.groupOf(x)
			c.members(c.now(g, "excludedAttributes", "members"))
			c.members(c.now(g), x)
		}},
		{id: "7644-3.4.2.2-members", section: "3.4.2.2", needs: needsFilter, text: "Groups are found by a member: members.value eq.", once: func(c *check) {
			x, y := c.people()
			g, h := c.groupOf(x), c.groupOf(y)
			c.finds(c.group(), "members.value", "members.value eq "+quote(x.id), []*made{g, h}, g)
		}},
		{id: "7644-3.5.2.1-members", section: "3.5.2.1", needs: needsPatch, text: "add of members adds them.", once: func(c *check) {
			x, y := c.people()
			c.members(c.change(c.groupOf(x), op("add", "members", refs(y))), x, y)
		}},
		{id: "7644-3.5.2.1-member-twice", section: "3.5.2.1", needs: needsPatch, text: "add of somebody who is a member changes nothing.", once: func(c *check) {
			x, y := c.people()
			c.members(c.change(c.groupOf(x, y), op("add", "members", refs(x))), x, y)
		}},
		{id: "7644-3.5.2.2-member", section: "3.5.2.2", needs: needsPatch, text: "remove with a filter on members.value removes that member, and no other.", once: func(c *check) {
			x, y := c.people()
			c.members(c.change(c.groupOf(x, y), op("remove", "members[value eq "+quote(x.id)+"]", noValue)), y)
		}},
		{id: "7644-3.5.2.2-members", section: "3.5.2.2", needs: needsPatch, text: "remove of members without a filter empties the group.", once: func(c *check) {
			x, y := c.people()
			c.members(c.change(c.groupOf(x, y), op("remove", "members", noValue)))
		}},
		{id: "7644-3.5.2.3-members", section: "3.5.2.3", needs: needsPatch, text: "replace of members leaves only those that it names.", once: func(c *check) {
			x, y := c.people()
			c.members(c.change(c.groupOf(x), op("replace", "members", refs(y))), y)
		}},
		{id: "7644-3.5.2.3-other", section: "3.5.2.3", needs: needsPatch, text: "A change of another attribute leaves the members.", once: func(c *check) {
			x, _ := c.people()
			c.members(c.change(c.groupOf(x), op("replace", "displayName", c.unique())), x)
		}},
		{id: "7644-3.5.2-swap", section: "3.5.2", needs: needsPatch, text: "One PATCH may remove and add members.", once: func(c *check) {
			x, y := c.people()
			c.members(c.change(c.groupOf(x), op("remove", "members[value eq "+quote(x.id)+"]", noValue), op("add", "members", refs(y))), y)
		}},
		{id: "7643-4.2-deleted", document: rfc7643, section: "4.2", level: should, text: "Who is deleted is no member any more.", once: func(c *check) {
			x, y := c.people()
			g := c.groupOf(x, y)
			c.status(c.req("DELETE", x.path, nil, nil), 204)
			c.members(c.now(g), y)
		}},
	}
	for i := range list {
		if list[i].level == "" {
			list[i].level = must
		}
	}
	return list
}

// deleteClauses returns the clauses of RFC 7644 section 3.6.
func deleteClauses() []clause {
	gone := func(c *check, k *kind) *made {
		m := c.create(k, with(externalID, c.unique()))
		c.status(c.req("DELETE", m.path, nil, nil), 204)
		return m
	}
	return []clause{
		{id: "7644-3.6-status", section: "3.6", level: must, text: "DELETE is answered with 204 and no body.", each: func(c *check, k *kind) {
			a := c.req("DELETE", c.create(k).path, nil, nil)
			c.status(a, 204)
			if len(a.text) > 0 {
				c.fail("", "want no body, got %s", a.excerpt())
			}
		}},
		{id: "7644-3.6-read", section: "3.6", level: must, text: "What is deleted is answered with 404.", each: func(c *check, k *kind) {
			c.refused(c.read(gone(c, k).path), "", 404)
		}},
		{id: "7644-3.6-put", section: "3.6", level: must, text: "A PUT of what is deleted is answered with 404.", each: func(c *check, k *kind) {
			m := gone(c, k)
			c.refused(c.req("PUT", m.path, m.sent, nil), "", 404)
		}},
		{id: "7644-3.6-patch", section: "3.6", level: must, needs: needsPatch, text: "A PATCH of what is deleted is answered with 404.", each: func(c *check, k *kind) {
			c.refused(c.patch(gone(c, k).path, op("replace", k.string().path(), "x")), "", 404)
		}},
		{id: "7644-3.6-twice", section: "3.6", level: must, text: "A DELETE of what is deleted is answered with 404.", each: func(c *check, k *kind) {
			c.refused(c.req("DELETE", gone(c, k).path, nil, nil), "", 404)
		}},
		{id: "7644-3.6-list", section: "3.6", level: must, needs: needsFilter, text: "What is deleted is found by no query.", each: func(c *check, k *kind) {
			m := gone(c, k)
			if list := c.list(k.endpoint, "filter", "externalId eq "+quote(text(externalID.of(m.sent)))); total(list) != 0 {
				c.fail("", "want it found by no query, got %v", found(list))
			}
		}},
		{id: "7644-3.6-again", section: "3.6", level: should, text: "What is deleted is in no conflict with what is created.", each: func(c *check, k *kind) {
			m := gone(c, k)
			c.status(c.post(k, m.sent), 201)
		}},
		{id: "7644-3.6-other", section: "3.6", level: must, text: "DELETE deletes nothing else.", each: func(c *check, k *kind) {
			m := c.create(k)
			gone(c, k)
			c.status(c.read(m.path), 200)
		}},
	}
}
