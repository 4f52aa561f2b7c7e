package storetest

import (
	"fmt"
	"strings"

	"github.com/rollcall-dev/rollcall/store"
)

var filterRules = []rule{
	{"Operators", "A filter selects by RFC 7644 section 3.4.2.2: operators and attribute types as in table 3, strings folded unless caseExact, any value of a multi-valued attribute, absent attributes like null.", operators},
	{"Related", "A filter on members or groups selects by the membership rows, with the labels that the other ends have now.", related},
	{"Hostile", "The text in a filter is a value and nothing else.", hostileFilters},
	{"Const", "And, Or and Const without terms hold or don't, for all resources.", consts},
}

// people are the users that the filters are evaluated on, by the letter that stands for each in the table.
var people = map[string]string{
	"a": `{"userName":"Anna","externalId":"Ext-A","displayName":"Anna Ä","title":"Boss","code":"AbC","active":true,"age":30,"score":1.5,
		"hired":"2020-02-29T12:00:00Z","profileUrl":"https://x.org/Anna","key":"QUJD","name":{"familyName":"Stone","givenName":"Anna"},
		"tags":["Red","blue"],"emails":[{"value":"Anna@X.org","type":"work","primary":true},{"value":"a@home.net","type":"home"}],
		"` + badge + `":{"number":"N-1","level":3}}`,
	"b": `{"userName":"bob","displayName":"Bob 100%","title":"","active":false,"age":-5,"score":10,"hired":"2020-02-29T13:00:00+01:00",
		"name":{"familyName":"stone"},"tags":["green"],"emails":[{"value":"bob@x.org","type":"home"},{"value":"b@corp.com","type":"work"}]}`,
	"c": `{"userName":"carol_x","externalId":"ext-a","code":"abc","active":true,"age":100,"score":-0.25,"hired":"2021-01-01T00:00:00.5Z",
		"tags":["RED"],"` + badge + `":{"level":10}}`,
	"d": `{"userName":"Dörte","displayName":"K O'Neill \"q\"","title":"boss\\er","age":9007199254740993,"score":1.50,"hired":"2020-02-29T12:00:00.000001Z","code":"100%_"}`,
	"e": `{"userName":"\u212Aelvin","title":"10","age":9,"tags":["a","b","c"]}`,
	"f": `{"userName":"frank"}`,
}

func commitPeople(k *kit) {
	for letter, json := range people {
		r := resource("User", id(int(letter[0])), json)
		if letter == "b" {
			r.Internal = `{"state":"pending"}`
		}
		r.LastModified = epoch.AddDate(0, 0, int(letter[0]-'a'))
		r.Version = "v-" + letter
		k.commit(creates(r))
	}
}

// letters returns the letters of the users that a filter selects.
func (k *kit) letters(filter string) string {
	k.Helper()
	p := k.list(store.Query{Filter: where(filter), Count: 100})
	if p.Total != len(p.Resources) {
		k.broken("%s: the total is %d, the resources are %d", filter, p.Total, len(p.Resources))
	}
	var b strings.Builder
	for _, r := range p.Resources {
		b.WriteByte(r.ID[len(r.ID)-1] - '1' + 'a') // id('a') ends in 61
	}
	return b.String()
}

func operators(k *kit) {
	commitPeople(k)
	for _, tt := range []struct{ filter, want string }{
		// Strings that are not caseExact.
		{`userName eq "ANNA"`, "a"}, {`userName eq "ann"`, ""}, {`userName ne "anna"`, "bcdef"}, {`userName co "A"`, "acf"},
		{`userName sw "B"`, "b"}, {`userName sw ""`, "abcdef"}, {`userName ew "X"`, "c"}, {`userName eq "DÖRTE"`, "d"},
		{`userName gt "bob"`, "cdef"}, {`userName ge "bob"`, "bcdef"}, {`userName lt "BOB"`, "a"}, {`userName le "BOB"`, "ab"},
		{`userName eq "kelvin"`, "e"}, {`userName co "_"`, "c"}, {`displayName co "100%"`, "b"}, {`displayName co "%"`, "b"},
		{`displayName eq "k o'neill \"Q\""`, "d"}, {`title ew "\\ER"`, "d"}, {`title gt "2"`, "ad"}, {`name.familyName eq "STONE"`, "ab"},
		{`name.givenName pr`, "a"}, {`displayName co "ä"`, "a"}, {`displayName ew "Ä"`, "a"},
		// Strings that are caseExact, references and binaries.
		{`code eq "abc"`, "c"}, {`code eq "AbC"`, "a"}, {`code sw "A"`, "a"}, {`code ne "abc"`, "abdef"}, {`code gt "Z"`, "c"},
		{`code co "%_"`, "d"}, {`code co "b"`, "ac"}, {`externalId eq "ext-a"`, "c"}, {`externalId eq "EXT-A"`, ""}, {`externalId co "xt-"`, "ac"},
		{`profileUrl eq "https://x.org/Anna"`, "a"}, {`profileUrl eq "https://x.org/anna"`, ""}, {`profileUrl sw "https:"`, "a"},
		{`key eq "QUJD"`, "a"}, {`key eq "qujd"`, ""}, {`key ne "QUJD"`, "bcdef"},
		{`id eq "` + id('c') + `"`, "c"}, {`id ne "` + id('c') + `"`, "abdef"}, {`id sw "0195"`, "abcdef"}, {`id gt "` + id('d') + `"`, "ef"},
		{`id eq "` + id('c') + `" or id eq "` + id('a') + `" or id eq "none"`, "ac"},
		// Absent attributes.
		{`title pr`, "abde"}, {`not (title pr)`, "cf"}, {`title eq null`, "cf"}, {`title ne null`, "abde"}, {`title ne "boss"`, "bcdef"},
		{`not (title eq "boss")`, "bcdef"}, {`title eq ""`, "b"}, {`externalId pr`, "ac"}, {`externalId eq null`, "bdef"},
		{`externalId ne "ext-a"`, "abdef"}, {`emails pr`, "ab"}, {`name pr`, "ab"}, {`tags pr`, "abce"}, {`active pr`, "abc"},
		{`emails.type pr`, "ab"}, {`emails.primary pr`, "a"}, {`title lt "zzz"`, "abde"}, {`code co ""`, "acd"},
		// Booleans and numbers.
		{`active eq true`, "ac"}, {`active eq false`, "b"}, {`active ne true`, "bdef"}, {`active ne false`, "acdef"},
		{`age eq 30`, "a"}, {`age gt 9`, "acd"}, {`age ge 9`, "acde"}, {`age lt 9`, "b"}, {`age le 30`, "abe"}, {`age eq 9007199254740993`, "d"},
		{`age eq 9007199254740992`, ""}, {`age gt 9007199254740992`, "d"}, {`age ne 30`, "bcdef"}, {`age eq 30.0`, "a"}, {`age lt 30.5`, "abe"},
		{`score eq 1.5`, "ad"}, {`score eq 1.50`, "ad"}, {`score eq 10.0`, "b"}, {`score gt 1.5`, "b"}, {`score lt 0`, "c"}, {`score ge -0.25`, "abcd"},
		{`score eq 0.15e1`, "ad"}, {badge + `:level gt 3`, "c"}, {badge + `:level ge 3`, "ac"},
		// Instants.
		{`hired eq "2020-02-29T12:00:00Z"`, "ab"}, {`hired eq "2020-02-29T07:00:00.000-05:00"`, "ab"}, {`hired gt "2020-02-29T12:00:00Z"`, "cd"},
		{`hired ge "2020-02-29T12:00:00Z"`, "abcd"}, {`hired lt "2021-01-01T00:00:00.50Z"`, "abd"}, {`hired le "2021-01-01T00:00:00.5Z"`, "abcd"},
		{`hired ne "2020-02-29T12:00:00Z"`, "cdef"}, {`hired pr`, "abcd"},
		// Times and versions, which a store keeps beside the attributes.
		{`meta.lastModified gt "2026-03-03T12:00:00.123456Z"`, "def"}, {`meta.lastModified eq "2026-03-03T13:00:00.123456+01:00"`, "c"},
		{`meta.lastModified le "2026-03-02T12:00:00.123456Z"`, "ab"}, {`meta.created eq "2026-03-01T12:00:00.123456Z"`, "abcdef"},
		{`meta.created gt "2026-03-01T12:00:00.123456Z"`, ""}, {`meta.created pr`, "abcdef"}, {`meta.resourceType eq "User"`, "abcdef"},
		{`meta.resourceType eq "Group"`, ""}, {`meta.version eq "v-b"`, "b"}, {`id pr`, "abcdef"},
		// Multi-valued attributes: any value may match, and within brackets one element must match everything.
		{`tags eq "RED"`, "ac"}, {`tags co "e"`, "abc"}, {`tags ne "green"`, "acdef"}, {`tags sw "b"`, "ae"}, {`not (tags eq "red")`, "bdef"},
		{`emails.value co "x.ORG"`, "ab"}, {`emails.value eq "anna@x.org"`, "a"}, {`emails.value ew ".net"`, "a"}, {`emails.type eq "work"`, "ab"},
		{`emails.type eq "work" and emails.value co "home"`, "a"}, {`emails[type eq "work" and value co "home"]`, ""},
		{`emails[type eq "WORK" and value co "x.org"]`, "a"}, {`emails[type eq "work"]`, "ab"}, {`emails[primary eq true]`, "a"},
		{`emails[not (type eq "work")]`, "ab"}, {`not (emails[type eq "work"])`, "cdef"}, {`emails[value eq "b@corp.com" or value eq "a@home.net"]`, "ab"},
		{`emails[value eq "bob@x.org" and type eq "work"]`, ""}, {`emails[value eq "bob@x.org" and type eq "home"]`, "b"}, {`emails[primary pr]`, "a"},
		{`emails.primary eq true`, "a"}, {`emails.value eq null`, "cdef"},
		// Extensions and the library's own state.
		{badge + `:number eq "n-1"`, "a"}, {badge + `:number pr`, "a"}, {badge + `:level pr`, "ac"}, {badge + `:number ne "n-1"`, "bcdef"},
		// Logic.
		{`userName eq "anna" or userName eq "bob"`, "ab"}, {`userName eq "anna" and active eq false`, ""},
		{`userName eq "anna" or userName eq "bob" and active eq true`, "a"}, {`(userName eq "anna" or userName eq "bob") and active eq false`, "b"},
		{`not (userName eq "anna" or active eq false) and title pr`, "de"}, {`not (not (active eq true))`, "ac"},
		{`userName eq "anna" or age gt 50`, "acd"}, {`userName eq "anna" and emails.value eq "a@home.net"`, "a"},
		{`userName eq "anna" and not (emails.value eq "a@home.net")`, ""}, {`externalId eq "ext-a" or emails[type eq "home" and value sw "bob"]`, "bc"},
	} {
		if got := k.letters(tt.filter); got != tt.want {
			k.broken("%s: selected %q instead of %q", tt.filter, got, tt.want)
		}
	}
	state := attribute("rollcall:internal:state")
	x := rebind(where(`code eq "pending"`), state)
	k.want("a filter on the library's own state", idsOf(k.list(store.Query{Filter: x, Count: 10})), []string{id('b')})
}

func related(k *kit) {
	c := creates(user(1), user(2), user(3), group(10), group(11), group(12))
	c.Members = []store.MemberDelta{delta(10, "v1", []int{1, 2}, nil), delta(11, "v1", []int{2}, nil)}
	nested := delta(12, "v1", nil, nil)
	nested.Add = []store.MemberRef{{Type: "Group", ID: id(10)}}
	c.Members = append(c.Members, nested)
	k.commit(c)
	check := func(typ, filter string, want ...int) {
		k.Helper()
		var wantIDs []string
		for _, n := range want {
			wantIDs = append(wantIDs, id(n))
		}
		p := k.list(store.Query{Types: []string{typ}, Filter: where(filter), Count: 10})
		k.want(typ+" with "+filter, idsOf(p), wantIDs)
	}
	check("Group", fmt.Sprintf(`members eq %q`, id(2)), 10, 11)
	check("Group", fmt.Sprintf(`members.value eq %q`, id(1)), 10)
	check("Group", fmt.Sprintf(`members[value eq %q]`, id(1)), 10)
	check("Group", fmt.Sprintf(`members eq %q`, id(3)))
	check("Group", fmt.Sprintf(`members eq %q`, strings.ToUpper(id(1))))
	check("Group", fmt.Sprintf(`not (members eq %q)`, id(1)), 11, 12)
	check("Group", fmt.Sprintf(`members eq %q and displayName eq "group 11"`, id(2)), 11)
	check("Group", fmt.Sprintf(`members[value eq %q and type eq "Group"]`, id(10)), 12)
	check("Group", fmt.Sprintf(`members[value eq %q and type eq "User"]`, id(10)))
	check("Group", `members.type eq "User"`, 10, 11)
	check("Group", `members.display co "NUMBER 1"`, 10)
	check("Group", `members pr`, 10, 11, 12)
	check("Group", fmt.Sprintf(`members eq %q and members eq %q`, id(1), id(2)), 10)
	check("Group", fmt.Sprintf(`members[value eq %q and value eq %q]`, id(1), id(2)))
	check("User", fmt.Sprintf(`groups eq %q`, id(10)), 1, 2)
	check("User", fmt.Sprintf(`groups.value eq %q`, id(11)), 2)
	check("User", fmt.Sprintf(`groups eq %q`, id(12)))
	check("Group", fmt.Sprintf(`groups eq %q`, id(12)), 10)
	check("User", `groups.display eq "group 11"`, 2)
	check("User", `not (groups pr)`, 3)
	check("User", fmt.Sprintf(`title co "nobody" or groups.value eq %q and groups.display co "11"`, id(10)), 2)
	check("User", `title co "nobody" or groups pr and groups.display co "11"`, 2)
	check("User", fmt.Sprintf(`groups eq %q or userName eq "user-3"`, id(11)), 2, 3)
	check("User", fmt.Sprintf(`members eq %q`, id(1)))

	k.commit(update(next(group(11), "v2", `{"displayName":"renamed"}`), "v1"))
	check("User", `groups.display eq "group 11"`)
	check("User", `groups.display eq "RENAMED"`, 2)
	k.commit(deletes("Group", id(11)))
	check("User", `groups.display eq "RENAMED"`)
	c = deletes("User", id(1))
	c.Members = []store.MemberDelta{delta(10, "v2", nil, []int{1})}
	k.commit(c)
	check("Group", fmt.Sprintf(`members eq %q`, id(1)))
	check("Group", `members.display co "NUMBER 1"`)
}

func hostileFilters(k *kit) {
	for i, s := range texts {
		v := fmt.Sprintf(`{"userName":%s,"title":%s,"code":%s,"tags":["x",%[1]s],"emails":[{"value":%[1]s}]}`, quote(s), quote(s), quote(s))
		k.commit(creates(resource("User", id(i), v)))
	}
	k.commit(creates(resource("User", id(1000), `{"userName":"zzz-nobody","title":"zzz-nothing","code":"zzz-nothing"}`)))
	for i, s := range texts {
		for _, filter := range []string{`userName eq %s`, `title eq %s`, `code eq %s`, `emails.value eq %s`, `emails[value eq %s]`, `tags eq %s`,
			`userName eq %s or title eq "x"`, `title co %s and code sw %s`, `not (code ne %s)`} {
			filter = strings.ReplaceAll(filter, "%s", quote(s))
			p := k.list(store.Query{Filter: where(filter), Count: 100})
			found := false
			for _, r := range p.Resources {
				found = found || r.ID == id(i)
			}
			if !found || len(p.Resources) != 1 && strings.Contains(filter, "code") {
				k.broken("%s: selected %v, want %s", filter, idsOf(p), id(i))
			}
		}
	}
}

func consts(k *kit) {
	k.commit(creates(user(1), user(2)))
	for _, tt := range constants {
		k.want(tt.name, k.list(store.Query{Filter: tt.x, Count: 10}).Total, tt.want)
	}
}
