package scimtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// entraMapped are the attributes that Entra ID maps by default, as paths in its spelling.
var entraMapped = []string{
	"userName", "active", "displayName", "title", "emails.value", "preferredLanguage", "name.givenName", "name.familyName", "name.formatted",
	"addresses.formatted", "addresses.streetAddress", "addresses.locality", "addresses.region", "addresses.postalCode", "addresses.country",
	"phoneNumbers.value", "externalId", enterpriseURN + ":employeeNumber", enterpriseURN + ":department", enterpriseURN + ":manager",
}

// galleryClauses returns 25 clauses like the checks that Microsoft makes before it lists an application in the gallery of Entra ID: 11
// about the protocol, 7 about users and 7 about groups. Where Microsoft lets its provisioning engine send the requests, the kit sends them
// in the same form.
func galleryClauses() []clause {
	list := []clause{
		// The protocol, tested directly.
		{id: "gallery-schemas", section: "protocol 1", text: "Each attribute that is mapped is in /Schemas, in any case.", once: (*check).galleryMapped},
		{id: "gallery-empty", section: "protocol 2", text: `A PATCH to "" and then to null leaves an attribute empty.`, once: func(c *check) {
			k := c.user()
			a := k.string()
			m := c.create(k, with(a, c.unique()))
			c.empty(a, c.change(m, op("Replace", a.path(), "")))
			c.empty(a, c.change(m, op("Replace", a.path(), nil)))
		}},
		{id: "gallery-user-create", section: "protocol 3", text: "A user is read as it was created.", once: func(c *check) {
			k := c.user()
			m := c.createOf(k, c.full(k))
			c.same(k, m.sent, c.now(m))
		}},
		{id: "gallery-user-update", section: "protocol 4", text: "A user is read as it was updated.", once: func(c *check) {
			k := c.user()
			m := c.create(k)
			a, value, mail := k.string(), c.unique(), c.unique()+"@kit.example.com"
			now := c.change(m, op("Replace", a.path(), value), op("Add", `emails[type eq "work"].value`, mail))
			c.want(a, now, value)
			if !holds([]any{map[string]any{"type": "work", "value": mail}}, at(now, "emails")) {
				c.fail("emails", "want %s for work, got %s", mail, show(at(now, "emails")))
			}
		}},
		{id: "gallery-group-create", section: "protocol 5", text: "A group is read as it was created.", once: func(c *check) {
			m := c.create(c.group(), with(externalID, c.unique()))
			c.same(c.group(), m.sent, c.now(m))
		}},
		{id: "gallery-group-update", section: "protocol 6", text: "A group is read as it was updated.", once: func(c *check) {
			m, name := c.create(c.group()), c.unique()
			now := c.change(m, op("Replace", "displayName", name))
			c.want(c.group().attribute("displayName"), now, name)
		}},
		{id: "gallery-user-pages", section: "protocol 7", text: "11 users come in pages of 5, each with the startIndex that was asked for.", once: func(c *check) { c.pagesOfFive(c.user()) }},
		{id: "gallery-group-pages", section: "protocol 8", level: should, text: "11 groups come in pages of 5, each with the startIndex that was asked for.", once: func(c *check) { c.pagesOfFive(c.group()) }},
		{id: "gallery-manager-empty", section: "protocol 9", text: "A manager is set, changed, and removed by an empty value.", once: func(c *check) {
			c.managed(func(m *made) map[string]any { return c.change(m, op("Replace", managerPath, "")) })
		}},
		{id: "gallery-token", section: "protocol 10", text: "An access token lives for 60 to 360 minutes, and lets its client in.", once: (*check).tokenLifetime},
		{id: "gallery-federation", section: "protocol 11", text: "A client proves itself by an assertion of Entra ID, without a secret.", once: (*check).federated},

		// Users, as Entra's engine sends them.
		{id: "gallery-engine-user-create", section: "user 1", text: "Who isn't found is created, and found then.", once: func(c *check) {
			k := c.user()
			body := c.minimal(k)
			filter := "userName eq " + quote(text(at(body, "userName")))
			if list := c.list(k.endpoint, "filter", filter); total(list) != 0 {
				c.fatal("userName", "want nobody found, got %v", found(list))
			}
			m := c.createOf(k, body)
			if list := c.list(k.endpoint, "filter", filter); !slices.Equal(found(list), []string{m.id}) {
				c.fail("userName", "want the one who was created, got %v", found(list))
			}
		}},
		{id: "gallery-engine-user-update", section: "user 2", text: "Several attributes are updated by one PATCH.", once: func(c *check) {
			k := c.user()
			_, family, _ := k.complex()
			c.need(family, "complex attribute with two strings")
			x, y := c.unique(), c.unique()
			now := c.change(c.create(k), op("Add", family.path(), x), op("Add", k.string().path(), y))
			c.want(family, now, x)
			c.want(k.string(), now, y)
		}},
		{id: "gallery-engine-disable", section: "user 3", text: `A user is disabled by active "False", and can be read.`, once: func(c *check) {
			k := c.user()
			a := c.need(k.attribute("active"), "active")
			c.want(a, c.change(c.create(k, with(a, true)), op("Replace", "active", "False")), false)
		}},
		{id: "gallery-engine-delete", section: "user 4", level: should, text: "A user is deleted.", once: func(c *check) {
			m := c.create(c.user())
			c.status(c.req(http.MethodDelete, m.path, nil, nil), 204)
			c.refused(c.read(m.path), "", 404)
		}},
		{id: "gallery-engine-manager", section: "user 5", text: "A manager is set, changed and removed.", once: func(c *check) {
			c.managed(func(m *made) map[string]any { return c.change(m, op("Remove", managerPath, noValue)) })
		}},
		{id: "gallery-engine-reassign", section: "user 6", text: "Who is unassigned and assigned again is the same person.", once: func(c *check) {
			k := c.user()
			a := c.need(k.attribute("active"), "active")
			m := c.create(k, with(a, true))
			c.change(m, op("Replace", "active", "False"))
			list := c.list(k.endpoint, "filter", "userName eq "+quote(text(at(m.sent, "userName"))))
			if !slices.Equal(found(list), []string{m.id}) {
				c.fatal("userName", "want who is disabled to be found, with the id %s, got %v", m.id, found(list))
			}
			c.want(a, c.change(m, op("Replace", "active", "True")), true)
		}},
		{id: "gallery-engine-on-demand", section: "user 7", text: "Who is there already is matched and updated, as on demand.", once: func(c *check) {
			k := c.user()
			m := c.create(k)
			list := c.list(k.endpoint, "filter", "userName eq "+quote(strings.ToUpper(text(at(m.sent, "userName")))))
			if !slices.Equal(found(list), []string{m.id}) {
				c.fatal("userName", "want the one who is there, got %v", found(list))
			}
			value := c.unique()
			c.want(k.string(), c.change(m, op("Add", k.string().path(), value)), value)
		}},

		// Groups, as Entra's engine sends them.
		{id: "gallery-engine-group-schema", section: "group 1", text: "The schema of groups is there.", once: func(c *check) {
			if a := c.read("/Schemas/" + groupURN); a.status != 200 {
				c.fail("", "want the schema %s, got %s", groupURN, a.excerpt())
			}
		}},
		{id: "gallery-engine-group-create", section: "group 2", text: "A group that isn't found is created, and found then.", once: func(c *check) {
			k := c.group()
			body := c.minimal(k)
			params := []string{"excludedAttributes", "members", "filter", "displayName eq " + quote(text(at(body, "displayName")))}
			if list := c.list(k.endpoint, params...); total(list) != 0 {
				c.fatal("displayName", "want no group found, got %v", found(list))
			}
			m := c.createOf(k, body)
			if list := c.list(k.endpoint, params...); !slices.Equal(found(list), []string{m.id}) {
				c.fail("displayName", "want the group that was created, got %v", found(list))
			}
		}},
		{id: "gallery-engine-group-update", section: "group 3", text: "A group is renamed, and keeps its members.", once: func(c *check) {
			x, _ := c.people()
			name := c.unique()
			now := c.change(c.groupOf(x), op("Replace", "displayName", name))
			c.want(c.group().attribute("displayName"), now, name)
			c.members(now, x)
		}},
		{id: "gallery-engine-member-add", section: "group 4", text: "Members are added by Add.", once: func(c *check) {
			x, y := c.people()
			c.members(c.change(c.groupOf(x), op("Add", "members", refs(y))), x, y)
		}},
		{id: "gallery-engine-member-remove", section: "group 5", text: "Remove with a list of members removes those, and no others.", once: func(c *check) {
			x, y := c.people()
			c.members(c.change(c.groupOf(x, y), op("Remove", "members", refs(x))), y)
		}},
		{id: "gallery-engine-group-delete", section: "group 6", text: "A group is deleted, and its members stay.", once: func(c *check) {
			x, _ := c.people()
			g := c.groupOf(x)
			c.status(c.req(http.MethodDelete, g.path, nil, nil), 204)
			c.refused(c.read(g.path), "", 404)
			c.status(c.read(x.path), 200)
		}},
		{id: "gallery-engine-group-read", section: "group 7", text: "A group is read without its members.", once: func(c *check) {
			x, _ := c.people()
			g := c.groupOf(x)
			now := c.now(g, "excludedAttributes", "members")
			c.members(now)
			c.want(c.group().attribute("displayName"), now, at(g.sent, "displayName"))
		}},
	}
	for i := range list {
		if list[i].level == "" {
			list[i].level = must
		}
	}
	return list
}

const managerPath = enterpriseURN + ":manager"

func (c *check) galleryMapped() {
	k := c.user()
	for _, path := range entraMapped {
		name, urn := path, ""
		if rest, ok := strings.CutPrefix(path, enterpriseURN+":"); ok {
			name, urn = rest, enterpriseURN
		}
		first, rest, nested := strings.Cut(name, ".")
		a := k.attribute(first)
		if a != nil && nested {
			a = a.find(rest)
		}
		if name == "externalId" {
			continue // an attribute that all resources have is in no schema (RFC 7643 section 3.1)
		}
		if a == nil || urn != "" && !strings.EqualFold(a.urn, urn) {
			c.fail(path, "want it in /Schemas")
		}
	}
}

// empty fails unless an attribute has no value, or an empty one.
func (c *check) empty(a *attribute, resource map[string]any) {
	if got := a.of(resource); !none(got) && got != "" {
		c.fail(a.path(), "want it empty, got %s", show(got))
	}
}

// pagesOfFive makes eleven resources, and reads them in pages of five.
func (c *check) pagesOfFive(k *kind) {
	want := map[string]bool{}
	for range 11 {
		want[c.create(k).id] = true
	}
	for start := 1; ; start += 5 {
		list := c.list(k.endpoint, "startIndex", strconv.Itoa(start), "count", "5")
		if at(list, "startIndex") != float64(start) {
			c.fail("startIndex", "want %d, got %s", start, show(at(list, "startIndex")))
		}
		const most = 2_000
		if total(list) > most {
			c.skip("there are more than 2,000 resources, too many to walk over by five")
		}
		ids := found(list)
		if len(ids) > 5 {
			c.fail("count", "want at most 5, got %d", len(ids))
		}
		for _, id := range ids {
			delete(want, id)
		}
		if len(ids) == 0 || start+5 > total(list) {
			break
		}
	}
	if len(want) > 0 {
		c.fail("startIndex", "want all of eleven in the pages, and %d are missing", len(want))
	}
}

// managed sets a user's manager, changes it, and removes it by the operation that remove returns.
func (c *check) managed(remove func(m *made) map[string]any) {
	k := c.user()
	a := c.need(k.attribute("manager"), "manager")
	m, x, y := c.create(k), c.create(k), c.create(k)
	for _, boss := range []*made{x, y} {
		now := c.change(m, op("Replace", managerPath, boss.id))
		if got := at(a.of(now), "value"); got != boss.id {
			c.fail(managerPath, "want %s, got %s", boss.id, show(got))
		}
	}
	if got := at(a.of(remove(m)), "value"); got != nil && got != "" {
		c.fail(managerPath, "want none, got %s", show(got))
	}
}
