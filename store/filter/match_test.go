package filter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store/document"
)

const bjensen = `{"userName":"BJensen","externalId":"AbC","active":true,"logins":42,"score":1.50,"hired":"2011-05-13T04:42:34Z",
	"seen":["2020-01-01T00:00:00Z","2021-01-01T01:00:00+01:00"],"photo":"QUJD","profileUrl":"https://example.com/B","tags":["Red","green"],
	"numbers":[1,20],"title":"","name":{"familyName":"Jensen"},"manager":{"value":"M-1"},
	"emails":[{"value":"b@Work.example","type":"work","primary":true},{"value":"babs@home.example","type":"home"},{"value":"x@other.example"}],
	"urn:example:2.0:Badge":{"number":7}}`

func TestMatch(t *testing.T) {
	src := source(t, bjensen)
	for _, tt := range []struct {
		filter string
		want   bool
	}{
		// Strings, folded.
		{`userName eq "bjensen"`, true},
		{`userName eq "BJENSEN"`, true},
		{`userName eq "bjense"`, false},
		{`userName eq "bjensen1"`, false},
		{`userName eq ""`, false},
		{`userName ne "bjensen"`, false},
		{`userName ne "x"`, true},
		{`userName co "JENS"`, true},
		{`userName co "bjensen"`, true},
		{`userName co ""`, true},
		{`userName co "x"`, false},
		{`userName sw "BJ"`, true},
		{`userName sw "jensen"`, false},
		{`userName ew "SEN"`, true},
		{`userName ew "bj"`, false},
		{`userName gt "BA"`, true},
		{`userName gt "bjensen"`, false},
		{`userName ge "bjensen"`, true},
		{`userName lt "C"`, true},
		{`userName lt "a"`, false},
		{`userName le "bjensen"`, true},
		{`userName le "bjense"`, false},
		{`userName pr`, true},

		// Strings, caseExact.
		{`externalId eq "AbC"`, true},
		{`externalId eq "abc"`, false},
		{`externalId ne "abc"`, true},
		{`externalId co "bC"`, true},
		{`externalId co "bc"`, false},
		{`externalId sw "Ab"`, true},
		{`externalId sw "ab"`, false},
		{`externalId ew "C"`, true},
		{`externalId ew "c"`, false},
		{`externalId lt "a"`, true},
		{`externalId gt "a"`, false},
		{`profileUrl sw "https://"`, true},
		{`profileUrl eq "https://example.com/b"`, false},
		{`photo eq "QUJD"`, true},
		{`photo eq "qujd"`, false},
		{`photo ne "x"`, true},

		// The empty string is a value.
		{`title pr`, true},
		{`title eq ""`, true},
		{`title ne ""`, false},
		{`title eq null`, false},
		{`title co ""`, true},
		{`title lt "a"`, true},

		// Booleans.
		{`active eq true`, true},
		{`active eq false`, false},
		{`active ne true`, false},
		{`active ne false`, true},
		{`active gt false`, false},
		{`active le true`, false},
		{`active pr`, true},

		// Numbers.
		{`logins eq 42`, true},
		{`logins eq 42.0`, true},
		{`logins eq 4.2e1`, true},
		{`logins eq 43`, false},
		{`logins ne 42`, false},
		{`logins ne 43`, true},
		{`logins gt 41`, true},
		{`logins gt 42`, false},
		{`logins ge 42`, true},
		{`logins ge 100`, false},
		{`logins lt 100`, true},
		{`logins lt 42`, false},
		{`logins le 42`, true},
		{`logins le 9`, false},
		{`logins co 4`, false},
		{`logins sw 4`, false},
		{`logins ew 2`, false},
		{`score eq 1.5`, true},
		{`score gt 1.49`, true},
		{`score lt 1.5`, false},

		// Instants.
		{`hired eq "2011-05-13T04:42:34Z"`, true},
		{`hired eq "2011-05-13T06:42:34+02:00"`, true},
		{`hired eq "2011-05-13T04:42:34.000Z"`, true},
		{`hired eq "2011-05-13T04:42:34"`, true},
		{`hired ne "2011-05-13T06:42:34+02:00"`, false},
		{`hired ne "2011-05-13T04:42:34.001Z"`, true},
		{`hired gt "2011-05-13T05:42:34+02:00"`, true},
		{`hired gt "2011-05-13T04:42:34Z"`, false},
		{`hired ge "2011-05-13T04:42:34Z"`, true},
		{`hired lt "2011-05-13T04:42:34.5Z"`, true},
		{`hired lt "2011-05-13T04:42:34Z"`, false},
		{`hired le "2011-05-13T04:42:33Z"`, false},
		{`hired pr`, true},

		// A literal of another kind.
		{`userName eq 1`, false},
		{`userName ne 1`, true},
		{`userName co 1`, false},
		{`userName gt 1`, false},
		{`active eq "true"`, false},
		{`active ne "true"`, true},
		{`logins eq "42"`, false},
		{`logins ne "42"`, true},
		{`logins gt "1"`, false},
		{`hired eq 2011`, false},
		{`hired ne true`, true},

		// null.
		{`userName eq null`, false},
		{`userName ne null`, true},
		{`userName co null`, false},
		{`userName gt null`, false},
		{`userName le null`, false},

		// Several values: any will do.
		{`tags eq "red"`, true},
		{`tags eq "GREEN"`, true},
		{`tags eq "blue"`, false},
		{`tags ne "red"`, true}, // there is another tag, green
		{`tags co "ee"`, true},
		{`tags gt "green"`, true},
		{`tags lt "green"`, false},
		{`tags pr`, true},
		{`tags eq null`, false},
		{`tags ne null`, true},
		{`tags eq 1`, false},
		{`numbers gt 10`, true},
		{`numbers gt 20`, false},
		{`numbers eq 1`, true},
		{`seen eq "2021-01-01T00:00:00Z"`, true},
		{`seen gt "2021-01-01T00:00:00Z"`, false},
		{`emails.value eq "b@work.example"`, true},
		{`emails.value eq "BABS@HOME.EXAMPLE"`, true},
		{`emails.value eq "nobody"`, false},
		{`emails.value ne "b@work.example"`, true},
		{`emails.type eq "home"`, true},
		{`emails.type ne "work"`, true},
		{`emails.type eq null`, false},
		{`emails.type pr`, true},
		{`emails.primary eq true`, true},
		{`emails.primary eq false`, false},
		{`emails.primary ne true`, false}, // elements without primary add no value
		{`emails eq "b@work.example"`, true},
		{`emails co "HOME"`, true},
		{`emails eq "work"`, false},
		{`emails pr`, true},
		{`emails eq null`, false},

		// Complex attributes.
		{`name.familyName eq "jensen"`, true},
		{`name pr`, true},
		{`manager eq "m-1"`, true}, // the complex attribute isn't caseExact
		{`manager.value eq "M-1"`, true},
		{`manager.value eq "m-1"`, false},
		{`urn:example:2.0:Badge:number eq 7`, true},
		{`urn:example:2.0:Badge:number gt 7`, false},

		// One and the same element.
		{`emails[type eq "work" and value co "@work"]`, true},
		{`emails[type eq "work" and value co "@home"]`, false},
		{`emails[type eq "work"]`, true},
		{`emails[type eq "other"]`, false},
		{`emails[type eq null]`, true},
		{`emails[type ne "work" and value co "other"]`, true}, // this element has no type, so that ne holds
		{`emails[not (type pr)]`, true},
		{`emails[primary eq true and type eq "home"]`, false},
		{`emails[type eq "home" or type eq "other"]`, true},
		{`emails[type eq "work"].value eq "b@work.example"`, true},
		{`emails[type eq "home"].value eq "b@work.example"`, false},
		{`tags[value eq "red"]`, true},
		{`tags[value eq "blue"]`, false},
		{`name[familyName eq "jensen"]`, true},

		// Logic.
		{`userName eq "bjensen" and active eq true`, true},
		{`userName eq "bjensen" and active eq false`, false},
		{`userName eq "x" or active eq true`, true},
		{`userName eq "x" or active eq false`, false},
		{`not (userName eq "x")`, true},
		{`not (userName pr)`, false},
		{`userName eq "x" and active eq false or logins pr`, true},
		{`userName eq "x" and (active eq false or logins pr)`, false},
	} {
		assert.Equal(t, tt.want, Match(bound(t, tt.filter), src), tt.filter)
	}
}

// TestMatchAbsent shows that for an attribute without a value only eq holds with null, and only ne with everything else.
func TestMatchAbsent(t *testing.T) {
	literals := map[Type]string{String: `"x"`, Boolean: `true`, Integer: `1`, Decimal: `1.5`, DateTime: `"2011-05-13T04:42:34Z"`, Reference: `"x"`, Binary: `"QUJD"`, Complex: `"x"`}
	for _, json := range []string{
		`{}`,
		`{"userName":null,"emails":[],"name":{},"tags":[],"manager":{"value":null}}`,
		`{"name":{"givenName":"x"},"manager":{"displayName":"x"},"emails":[{"display":"x"},{"value":null,"type":[]}],"urn:example:2.0:Badge":{"x":1}}`,
	} {
		src := source(t, json)
		for name, a := range attributes {
			v := src.Attribute(a.Path)
			if a.Sub == "" && !v.IsEmpty() {
				continue // the attribute is there, and only its sub-attributes are absent
			}
			literal := literals[a.Type]
			for op, want := range map[string]bool{
				"eq " + literal: false, "ne " + literal: true, "co " + literal: false, "sw " + literal: false, "ew " + literal: false, "gt " + literal: false,
				"ge " + literal: false, "lt " + literal: false, "le " + literal: false, "eq null": true, "ne null": false, "co null": false, "le null": false, "pr": false,
				`eq ""`: false, `co ""`: false, `ne ""`: true,
			} {
				assert.Equal(t, want, Match(bound(t, name+" "+op), src), "%s %s on %s", name, op, json)
			}
		}
	}
	assert.False(t, Match(bound(t, `emails[type eq null]`), source(t, `{}`)), "without elements none satisfies anything")
	assert.False(t, Match(bound(t, `emails[type ne "x"]`), source(t, `{"emails":[{}]}`)), "an empty element is none")
	assert.False(t, Match(bound(t, `name[familyName ne "x"]`), source(t, `{"name":{}}`)))
}

// TestMatchOrder tries every operator on every type with values that are less than, equal to and greater than the literal.
func TestMatchOrder(t *testing.T) {
	for _, tt := range []struct{ attr, less, literal, greater string }{
		{"userName", `"A"`, `"b"`, `"C"`},
		{"externalId", `"Z"`, `"a"`, `"b"`},
		{"profileUrl", `"Z"`, `"a"`, `"b"`},
		{"logins", `-3`, `2`, `10`},
		{"score", `0.09`, `0.1`, `1e1`},
		{"hired", `"2011-05-13T04:42:34+02:00"`, `"2011-05-13T04:42:34Z"`, `"2011-05-13T03:42:34-05:00"`},
		{"tags", `["A"]`, `"b"`, `["C"]`},
		{"emails.value", `[{"value":"A"}]`, `"b"`, `[{"value":"C"}]`},
	} {
		equal := tt.literal
		switch tt.attr {
		case "tags":
			equal = "[" + tt.literal + "]"
		case "emails.value":
			equal = `[{"value":` + tt.literal + `}]`
		}
		for op, want := range map[Op][3]bool{
			Eq: {false, true, false}, Ne: {true, false, true}, Gt: {false, false, true}, Ge: {false, true, true}, Lt: {true, false, false}, Le: {true, true, false},
		} {
			x := bound(t, tt.attr+" "+op.String()+" "+tt.literal)
			for i, v := range []string{tt.less, equal, tt.greater} {
				src := source(t, `{"`+attributes[tt.attr].Name+`":`+v+`}`)
				assert.Equal(t, want[i], Match(x, src), "%s on %s", x, v)
			}
		}
	}
}

func TestMatchFolded(t *testing.T) {
	for _, tt := range []struct {
		value, literal string
		want           bool
	}{
		{"Jürgen", "JÜRGEN", true},
		{"JÜRGEN", "jürgen", true},
		{"\u212aELVIN", "kelvin", true},
		{"kelvin", "\u212aelvin", true},
		{"straße", "STRASSE", false},
		{"ΣΟΦΟΣ", "σοφος", true},
		{"a\u0130", "ai", false},
		{"ab\u212a", "ab", false},
		{"ab", "ab\u212a", false},
		{"é", "", false},
		{"", "é", false},
		{"rene\u0301", "RENÉ", true},
		{"ＲＥＮé", "rene\u0301", true},
		{" ren\u200bé\u00a0", "rené", true},
		{"rené", " RENÉ ", true},
		{"ı", "i", false},
	} {
		src := source(t, `{"userName":"`+tt.value+`"}`)
		assert.Equal(t, tt.want, Match(bound(t, `userName eq "`+tt.literal+`"`), src), "%s and %s", tt.value, tt.literal)
		assert.Equal(t, !tt.want, Match(bound(t, `userName ne "`+tt.literal+`"`), src), "%s and %s", tt.value, tt.literal)
	}
}

// TestMatchValuesOfTheWrongKind shows that values that no schema allows compare like those of another kind, and never cause a panic.
func TestMatchValuesOfTheWrongKind(t *testing.T) {
	for _, json := range []string{
		`{"userName":1,"active":"True","logins":"42","hired":"yesterday","name":"x","emails":"x","tags":{"x":1}}`,
		`{"userName":["x"],"active":["true"],"logins":{},"hired":1,"name":["x"],"emails":{"type":"home"},"tags":[["x"],{"y":1}]}`,
		`{"userName":{"a":1},"emails":["a",1,null,[{"type":{"x":1}}]],"name":[[[]]]}`,
	} {
		src := source(t, json)
		for _, s := range []string{`userName eq "1"`, `active eq true`, `logins eq 41`, `hired eq "2011-05-13T04:42:34Z"`, `hired lt "2011-05-13T04:42:34Z"`,
			`name.familyName eq "y"`, `emails.type eq "work"`, `emails[type eq "work"]`, `tags eq "y"`} {
			assert.False(t, Match(bound(t, s), src), "%s on %s", s, json)
		}
		for name := range attributes {
			SortKey(src, attributes[name])
		}
	}
	assert.True(t, Match(bound(t, `hired ne "2011-05-13T04:42:34Z"`), source(t, `{"hired":"yesterday"}`)))
}

func TestMatchElement(t *testing.T) {
	for _, tt := range []struct {
		where, elem string
		want        bool
	}{
		{`emails[value eq "x"]`, `{"value":"X"}`, true},
		{`emails[value eq "x" and type eq "work"]`, `{"value":"X","type":"work"}`, true},
		{`emails[value eq "x" and type eq "work"]`, `{"value":"X","type":"home"}`, false},
		{`emails[primary eq true]`, `{"primary":true}`, true},
		{`emails[value pr]`, `{"type":"work"}`, false},
		{`tags[value eq "x"]`, `"X"`, true},
		{`tags[value ne "x"]`, `"X"`, false},
		{`tags[value co "Y"]`, `"xyz"`, true},
		{`tags[value pr]`, `"x"`, true},
		{`numbers[value gt 3]`, `4`, true},
		{`emails[type pr]`, `"x"`, false},
		{`emails[type eq null]`, `"x"`, true},
	} {
		v, err := document.Parse(tt.elem, 0)
		require.NoError(t, err)
		x := bound(t, tt.where).(Has)
		assert.Equal(t, tt.want, MatchElement(x.Where, v), "%s on %s", tt.where, tt.elem)
	}
	assert.False(t, MatchElement(Related{Members, Const(true)}, document.String("x")), "an element has no relations")
}

func TestMatchRelated(t *testing.T) {
	row := func(id, typ, display string) document.Value {
		return document.Object(document.Field{Name: "value", Value: document.String(id)}, document.Field{Name: "type", Value: document.String(typ)},
			document.Field{Name: "display", Value: document.String(display)})
	}
	src := treed{relation: Members, rows: []document.Value{row("1", "User", "Babs"), row("2", "Group", "Team")}}
	value := func(id string) Expr {
		return Compare{Attr: Attr{Path: Path{Name: "value"}, Type: String, CaseExact: true}, Op: Eq, Value: document.String(id)}
	}
	typ := func(name string) Expr {
		return Compare{Attr: Attr{Path: Path{Name: "type"}, Type: String, CaseExact: true}, Op: Eq, Value: document.String(name)}
	}
	for _, tt := range []struct {
		x    Expr
		want bool
	}{
		{Related{Members, value("1")}, true},
		{Related{Members, value("3")}, false},
		{Related{Groups, value("1")}, false},
		{Related{Members, And{value("1"), typ("User")}}, true},
		{Related{Members, And{value("1"), typ("Group")}}, false},
		{Related{Members, And{}}, true},
		{Not{Related{Members, value("1")}}, false},
		{Const(true), true},
		{Const(false), false},
		{And{}, true},
		{Or{}, false},
		{And{Const(true), Const(false)}, false},
		{nil, false},
	} {
		assert.Equal(t, tt.want, Match(tt.x, src), "%v", tt.x)
	}
}

// TestMatchAllocations shows that a filter on userName allocates almost nothing, because a store may have to evaluate it on every user.
func TestMatchAllocations(t *testing.T) {
	v, err := document.Parse(bjensen, 0)
	require.NoError(t, err)
	var src Source = documented{v.Document()}
	for _, s := range []string{`userName eq "bjensen"`, `externalId sw "A"`, `active eq true`, `logins ge 42`, `hired lt "2020-01-01T00:00:00Z"`} {
		x := bound(t, s)
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			if !Match(x, src) {
				t.Fail()
			}
		}), s)
	}
}
