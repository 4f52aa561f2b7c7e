package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes random resources and filters. They have few different values, so that filters match and changes conflict often.
type generator struct{ *rand.Rand }

var (
	tenants   = []string{"acme", "Acme", "umbrella"}
	users     = ids(1, 13)
	groups    = ids(20, 25)
	devices   = ids(30, 33)
	typeLists = [][]string{{"User"}, {"User"}, {"Group"}, {"User", "Group"}, {"Device", "Group", "User"}, {"rollcall.test"}, {"Nothing"}}
	names     = []string{"Anna", "anna", "BOB", "bob", "Zoë", "ZOË", "ann", "a_n%a", "", "\u212Aim", "kim", "Émile", "10", "9"}
	codes     = []string{"abc", "ABC", "aBc", "", "%", "b"}
	numbers   = []string{"0", "1", "-1", "30", "30.0", "9007199254740993", "9007199254740992", "2.5", "1e2", "100"}
	instants  = []string{"2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00.000001Z", "2026-03-01T12:00:00.123456Z", "2026-03-02T12:00:00.123456Z"}
	sortable  = []string{"userName", "title", "code", "active", "age", "score", "hired", "name.familyName", "emails.value", "tags", "id", "meta.created",
		"meta.lastModified", badge + ":level", badge + ":number"}
)

func pick[T any](g generator, from []T) T { return from[g.IntN(len(from))] }

// some picks up to three of the strings, each at most once.
func (g generator) some(from []string) (some []string) {
	for _, i := range g.Perm(len(from))[:g.IntN(4)] {
		some = append(some, from[i])
	}
	return some
}

// key picks a type and an id of a resource of it. A record of an internal type may have any id, also that of a user.
func (g generator) key() (typ, id string) {
	switch n := g.IntN(20); {
	case n < 11:
		return "User", pick(g, users)
	case n < 16:
		return "Group", pick(g, groups)
	case n < 19:
		return "Device", pick(g, devices)
	}
	return "rollcall.test", pick(g, [][]string{users, groups}[g.IntN(2)])
}

// attributes makes a resource's JSON.
func (g generator) attributes() string {
	var members []string
	add := func(name, json string) { members = append(members, quote(name)+":"+json) }
	for _, a := range []struct {
		name  string
		value func() string
	}{
		{"userName", func() string { return quote(pick(g, names)) }},
		{"externalId", func() string { return quote(pick(g, codes)) }},
		{"displayName", func() string { return quote(pick(g, names)) }},
		{"title", func() string { return quote(pick(g, names)) }},
		{"code", func() string { return quote(pick(g, codes)) }},
		{"active", func() string { return fmt.Sprint(g.IntN(2) == 0) }},
		{"age", func() string { return pick(g, []string{"0", "1", "-1", "30", "9007199254740993", "100"}) }},
		{"score", func() string { return pick(g, numbers) }},
		{"hired", func() string { return quote(pick(g, instants)) }},
		{"name", func() string { return fmt.Sprintf(`{"familyName":%s}`, quote(pick(g, names))) }},
		{"tags", func() string { return g.array(func() string { return quote(pick(g, codes)) }) }},
		{"emails", func() string {
			primary := g.IntN(3)
			i := -1
			return g.array(func() string {
				if i++; i == primary {
					return fmt.Sprintf(`{"value":%s,"type":"work","primary":true}`, quote(pick(g, names)))
				}
				return fmt.Sprintf(`{"value":%s,"type":%s}`, quote(pick(g, names)), quote(pick(g, []string{"work", "home"})))
			})
		}},
		{badge, func() string { return fmt.Sprintf(`{"number":%s,"level":%d}`, quote(pick(g, codes)), g.IntN(3)) }},
	} {
		if g.IntN(2) == 0 {
			add(a.name, a.value())
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (g generator) array(element func() string) string {
	var elements []string
	for range g.IntN(4) {
		elements = append(elements, element())
	}
	return "[" + strings.Join(elements, ",") + "]"
}

var (
	textOps   = []string{"eq", "eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"}
	numberOps = []string{"eq", "ne", "gt", "ge", "lt", "le"}
	equality  = []string{"eq", "ne"}
)

// filter makes the text of a filter that is nested at most to the depth given.
func (g generator) filter(depth int) string {
	if depth > 0 {
		switch g.IntN(6) {
		case 0:
			return "(" + g.filter(depth-1) + ") and (" + g.filter(depth-1) + ")"
		case 1:
			return "(" + g.filter(depth-1) + ") or (" + g.filter(depth-1) + ")"
		case 2:
			return "not (" + g.filter(depth-1) + ")"
		}
	}
	compare := func(attribute string, ops []string, literal string) string {
		switch g.IntN(12) {
		case 0:
			return attribute + " pr"
		case 1:
			return attribute + " " + pick(g, equality) + " null"
		}
		return attribute + " " + pick(g, ops) + " " + literal
	}
	name, code := quote(pick(g, names)), quote(pick(g, codes))
	switch g.IntN(14) {
	case 0, 1:
		return compare("userName", textOps, name)
	case 2:
		return compare(pick(g, []string{"title", "displayName", "name.familyName", "emails.value"}), textOps, name)
	case 3:
		return compare(pick(g, []string{"code", "externalId", "tags", badge + ":number"}), textOps, code)
	case 4:
		return compare("active", equality, pick(g, []string{"true", "false"}))
	case 5:
		return compare(pick(g, []string{"age", "score", badge + ":level"}), numberOps, pick(g, numbers))
	case 6:
		return compare(pick(g, []string{"hired", "meta.created", "meta.lastModified"}), numberOps, quote(pick(g, instants)))
	case 7:
		return "id " + pick(g, textOps) + " " + quote(pick(g, [][]string{users, groups}[g.IntN(2)]))
	case 8:
		return fmt.Sprintf("emails[%s and %s]", compare("type", equality, `"work"`), compare("value", textOps, name))
	case 9:
		return fmt.Sprintf("emails[%s or not (%s)]", compare("primary", equality, "true"), compare("value", textOps, name))
	case 10:
		return fmt.Sprintf("groups eq %s", quote(pick(g, groups)))
	case 11:
		return fmt.Sprintf("members eq %s", quote(pick(g, users)))
	case 12:
		return fmt.Sprintf("members[type eq %s and display sw %s]", quote(pick(g, []string{"User", "Group"})), quote(pick(g, names)))
	}
	return pick(g, []string{"members pr", "groups pr", fmt.Sprintf("groups.display eq %s", name)})
}
