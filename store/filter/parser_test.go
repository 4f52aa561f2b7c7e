package filter

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store/document"
)

// at makes an unbound attribute of its name, its name and sub-attribute, or its URN, name and sub-attribute.
func at(path ...string) Attr {
	switch len(path) {
	case 1:
		return Attr{Path: Path{Name: path[0]}}
	case 2:
		return Attr{Path: Path{Name: path[0], Sub: path[1]}}
	}
	return Attr{Path: Path{URI: path[0], Name: path[1], Sub: path[2]}}
}

func pr(name string) Expr { return Present{at(name)} }

func is(a Attr, op Op, v document.Value) Expr { return Compare{Attr: a, Op: op, Value: v} }

func eq(name, text string) Expr { return is(at(name), Eq, document.String(text)) }

const (
	coreUser   = "urn:ietf:params:scim:schemas:core:2.0:User"
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

func TestParse(t *testing.T) {
	a, b, c, d := pr("a"), pr("b"), pr("c"), pr("d")
	for _, tt := range []struct {
		in   string
		want Expr
	}{
		// Operators, in any case.
		{`userName eq "bjensen"`, eq("userName", "bjensen")},
		{`userName EQ "bjensen"`, eq("userName", "bjensen")},
		{`userName Eq "bjensen"`, eq("userName", "bjensen")},
		{`a ne "x"`, is(at("a"), Ne, document.String("x"))},
		{`a co "x"`, is(at("a"), Co, document.String("x"))},
		{`a sw "x"`, is(at("a"), Sw, document.String("x"))},
		{`a ew "x"`, is(at("a"), Ew, document.String("x"))},
		{`a gt "x"`, is(at("a"), Gt, document.String("x"))},
		{`a ge "x"`, is(at("a"), Ge, document.String("x"))},
		{`a lt "x"`, is(at("a"), Lt, document.String("x"))},
		{`a LE "x"`, is(at("a"), Le, document.String("x"))},
		{`a pr`, a},
		{`a PR`, a},

		// Values.
		{`a eq true`, is(at("a"), Eq, document.Bool(true))},
		{`a eq false`, is(at("a"), Eq, document.Bool(false))},
		{`a eq null`, is(at("a"), Eq, document.Value{})},
		{`a eq 1`, is(at("a"), Eq, document.Number("1"))},
		{`a ge -1.50e+3`, is(at("a"), Ge, document.Number("-1.50e+3"))},
		{`a eq ""`, eq("a", "")},
		{`a eq "a \"b\" \\ \/ \u00e9 \ud83d\ude00 \n"`, eq("a", "a \"b\" \\ / é 😀 \n")},
		{`a eq "é (not) [x] and or"`, eq("a", "é (not) [x] and or")},

		// Attributes.
		{`name.familyName co "O'Malley"`, is(at("name", "familyName"), Co, document.String("O'Malley"))},
		{`meta.lastModified gt "2011-05-13T04:42:34Z"`, is(at("meta", "lastModified"), Gt, document.String("2011-05-13T04:42:34Z"))},
		{`$ref eq "x"`, eq("$ref", "x")},
		{`members.$ref eq "x"`, is(at("members", "$ref"), Eq, document.String("x"))},
		{`a-b_c9 pr`, pr("a-b_c9")},
		{coreUser + `:userName sw "J"`, is(at(coreUser, "userName", ""), Sw, document.String("J"))},
		{coreUser + `:name.familyName sw "J"`, is(at(coreUser, "name", "familyName"), Sw, document.String("J"))},
		{enterprise + `:manager.value eq "1"`, is(at(enterprise, "manager", "value"), Eq, document.String("1"))},
		{`urn:example:2.0 pr`, nil},
		{`http://schemas.example.com/2.0/Group:kind pr`, Present{at("http://schemas.example.com/2.0/Group", "kind", "")}},
		{enterprise + ` pr`, Present{at("urn:ietf:params:scim:schemas:extension:enterprise:2.0", "User", "")}},

		// Words that are names where no operator can be.
		{`not pr`, pr("not")},
		{`not.a pr`, Present{at("not", "a")}},
		{`notes pr`, pr("notes")},
		{`and pr and or pr`, And{pr("and"), pr("or")}},
		{`pr pr`, pr("pr")},
		{`eq eq "eq"`, eq("eq", "eq")},
		{`andy pr`, pr("andy")},
		{`true eq true`, is(at("true"), Eq, document.Bool(true))},

		// Order of operations: brackets, not, and, or.
		{`a pr and b pr`, And{a, b}},
		{`a pr or b pr`, Or{a, b}},
		{`a pr and b pr and c pr`, And{a, b, c}},
		{`a pr or b pr and c pr`, Or{a, And{b, c}}},
		{`a pr and b pr or c pr`, Or{And{a, b}, c}},
		{`a pr or b pr and c pr or d pr`, Or{a, And{b, c}, d}},
		{`a pr and b pr or c pr and d pr`, Or{And{a, b}, And{c, d}}},
		{`(a pr or b pr) and c pr`, And{Or{a, b}, c}},
		{`a pr and (b pr or c pr)`, And{a, Or{b, c}}},
		{`not (a pr) and b pr`, And{Not{a}, b}},
		{`not (a pr and b pr)`, Not{And{a, b}}},
		{`a pr or not (b pr) and c pr`, Or{a, And{Not{b}, c}}},
		{`not (not (a pr))`, Not{Not{a}}},
		{`NOT(a pr) AND b pr OR c pr`, Or{And{Not{a}, b}, c}},
		{`(a pr)`, a},
		{`(((a pr)))`, a},
		{`(a pr and b pr) and (c pr and d pr)`, And{a, b, c, d}},
		{`(a pr or b pr) or c pr`, Or{a, b, c}},

		// Value paths.
		{`emails[type eq "work"]`, Has{at("emails"), eq("type", "work")}},
		{`emails[type eq "work" and value co "@x"]`, Has{at("emails"), And{eq("type", "work"), is(at("value"), Co, document.String("@x"))}}},
		{`emails[not (a pr or b pr) and c pr]`, Has{at("emails"), And{Not{Or{a, b}}, c}}},
		{`emails[(a pr)] and not (ims[b pr])`, And{Has{at("emails"), a}, Not{Has{at("ims"), b}}}},
		{enterprise + `:roles[a pr]`, Has{at(enterprise, "roles", ""), a}},
		{`emails[emails.type pr]`, Has{at("emails"), Present{at("emails", "type")}}},
		{`emails [a pr]`, nil},

		// Spaces.
		{`  a   pr  `, a},
		{"a pr\n\tand\r\n b pr", And{a, b}},
		{`( a pr and ( b pr ) )`, And{a, b}},
		{`not   ( a pr )`, Not{a}},
		{`not(a pr)`, Not{a}},
		{`emails[ a pr ]`, Has{at("emails"), a}},
		{`emails[a pr]and b pr`, And{Has{at("emails"), a}, b}},
		{`(a pr)and(b pr)or(c pr)`, Or{And{a, b}, c}},
		{`a eq"x"or b pr`, Or{eq("a", "x"), b}},
		{`a eq1`, nil},
		{`a prand b pr`, nil},
	} {
		for _, strict := range []bool{false, true} {
			x, dialect, err := Parse(tt.in, Options{Strict: strict})
			if tt.want == nil {
				assert.Error(t, err, tt.in)
				continue
			}
			if assert.NoError(t, err, tt.in) {
				assert.Equal(t, tt.want, x, tt.in)
				assert.Zero(t, dialect, tt.in)
				roundTrip(t, x)
			}
		}
	}
}

// figure2 has the valid filters of RFC 7644 section 3.4.2.2, each with its form with the fewest brackets, if that differs.
var figure2 = []struct{ in, want string }{
	{`userName eq "bjensen"`, ``},
	{`name.familyName co "O'Malley"`, ``},
	{`userName sw "J"`, ``},
	{`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"`, ``},
	{`title pr`, ``},
	{`meta.lastModified gt "2011-05-13T04:42:34Z"`, ``},
	{`meta.lastModified ge "2011-05-13T04:42:34Z"`, ``},
	{`meta.lastModified lt "2011-05-13T04:42:34Z"`, ``},
	{`meta.lastModified le "2011-05-13T04:42:34Z"`, ``},
	{`title pr and userType eq "Employee"`, ``},
	{`title pr or userType eq "Intern"`, ``},
	{"\n schemas eq \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"", `schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`},
	{"userType eq \"Employee\" and (emails co \"example.com\" or\n  emails.value co \"example.org\")", `userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")`},
	{"userType ne \"Employee\" and not (emails co \"example.com\" or\n  emails.value co \"example.org\")", `userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")`},
	{`userType eq "Employee" and (emails.type eq "work")`, `userType eq "Employee" and emails.type eq "work"`},
	{"userType eq \"Employee\" and emails[type eq \"work\" and\n  value co \"@example.com\"]", `userType eq "Employee" and emails[type eq "work" and value co "@example.com"]`},
	{"emails[type eq \"work\" and value co \"@example.com\"] or\n  ims[type eq \"xmpp\" and value co \"@foo.com\"]", `emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`},
}

func TestParseFigure2(t *testing.T) {
	for _, tt := range figure2 {
		x, dialect, err := Parse(tt.in, Options{Strict: true})
		if assert.NoError(t, err, tt.in) {
			want := tt.want
			if want == "" {
				want = tt.in
			}
			assert.Equal(t, want, x.String())
			assert.Zero(t, dialect)
			roundTrip(t, x)
		}
	}
}

const (
	wantOperator = "an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr)"
	wantValue    = "a value: a string in double quotes, a number, true, false or null"
	otherText    = "other text"
)

func TestParseErrors(t *testing.T) {
	deep := strings.Repeat("(", 33) + "a pr" + strings.Repeat(")", 33)
	for _, tt := range []struct {
		in   string
		pos  int
		want string
		got  string
	}{
		{``, 1, anAttribute, `the end`},
		{`   `, 4, anAttribute, `the end`},
		{`"a" eq "b"`, 1, anAttribute, `"\""`},
		{`1a pr`, 1, anAttribute, `"1a"`},
		{`-a pr`, 1, anAttribute, `"-a"`},
		{`é pr`, 1, anAttribute, `"é"`},
		{`.a pr`, 1, anAttribute, `".a"`},
		{`()`, 2, anAttribute, `")"`},
		{`a`, 2, "a space and an operator", `the end`},
		{`a `, 3, wantOperator, `the end`},
		{`a= "b"`, 2, "a space and an operator", `"="`},
		{`a = "b"`, 3, wantOperator, `"="`},
		{`a == "b"`, 3, wantOperator, `"=="`},
		{`a like "b"`, 3, wantOperator, `"like"`},
		{`a eqx "b"`, 3, wantOperator, `"eqx"`},
		{`a eq1 "b"`, 3, wantOperator, `"eq1"`},
		{`a pr1`, 3, wantOperator, `"pr1"`},
		{`ab cd`, 4, wantOperator, `"cd"`},
		{`userName regex "x"`, 10, wantOperator, `"regex"`},
		{`a "b"`, 3, wantOperator, `"\""`},
		{`a eq`, 5, "a space and a value", `the end`},
		{`a eq `, 6, wantValue, `the end`},
		{`a eq and b pr`, 6, wantValue, otherText},
		{`a eq OR b pr`, 6, wantValue, otherText},
		{`(a eq )`, 7, wantValue, `")"`},
		{`a eq 'b'`, 6, wantValue, otherText},
		{`a eq “b”`, 6, wantValue, otherText},
		{`a eq {"b":1}`, 6, wantValue, otherText},
		{`a eq ["b"]`, 6, wantValue, `"["`},
		{`a co b`, 6, wantValue, otherText},
		{`a ne b`, 6, wantValue, otherText},
		{`a gt 01`, 6, wantValue, otherText},
		{`a ge True`, 6, wantValue, otherText},
		{`a eq "b`, 8, "a closing quote", `the end`},
		{`a eq "`, 7, "a closing quote", `the end`},
		{`a eq "\q"`, 8, "a JSON escape", otherText},
		{`a eq "é\q"`, 9, "a JSON escape", otherText},
		{`a eq "\u12"`, 8, `four hexadecimal digits behind \u`, otherText},
		{"a eq \"b\nc\"", 8, "the control character escaped", otherText},
		{`a eq "b"c`, 9, "and, or, or the end", otherText},
		{`a eq "b""c"`, 9, "and, or, or the end", `"\""`},
		{`a pr b pr`, 6, "and, or, or the end", `"b"`},
		{`a pr xor b pr`, 6, "and, or, or the end", `"xor"`},
		{`a pr andb pr`, 6, "and, or, or the end", `"andb"`},
		{`a pr "b"`, 6, "and, or, or the end", `"\""`},
		{`a pr)`, 5, "and, or, or the end", `")"`},
		{`a pr]`, 5, "and, or, or the end", `"]"`},
		{`(a pr)b pr`, 7, "and, or, or the end", `"b"`},
		{`(a pr`, 6, "and, or, or ')'", `the end`},
		{`(a pr]`, 6, "and, or, or ')'", `"]"`},
		{`((a pr) and b pr`, 17, "and, or, or ')'", `the end`},
		{`not (a pr`, 10, "and, or, or ')'", `the end`},
		{`not a pr`, 5, wantOperator, `"a"`},
		{`not`, 4, "a space and an operator", `the end`},
		{`not ()`, 6, anAttribute, `")"`},
		{`a pr and`, 9, anAttribute, `the end`},
		{`a pr and `, 10, anAttribute, `the end`},
		{`a pr and and`, 13, "a space and an operator", `the end`},
		{`and`, 4, "a space and an operator", `the end`},
		{`a.b.c pr`, 4, "a space and an operator", `".c"`},
		{`a prand b pr`, 3, wantOperator, `"prand"`},
		{`a gt 1and b pr`, 6, wantValue, otherText},
		{`a. pr`, 3, aSubAttribute, `" "`},
		{`a.1 pr`, 3, aSubAttribute, `"1"`},
		{`urn:a: pr`, 7, anAttribute, `" "`},
		{`urn:example:2.0 pr`, 13, anAttribute, `"2.0"`},
		{`:a pr`, 1, "the URN of a schema", `":a"`},
		{`1:a pr`, 1, "the URN of a schema", `"1:a"`},
		{`ur^n:a pr`, 3, "the URN of a schema", `"^n:a"`},
		{`urné:a pr`, 4, "the URN of a schema", `"é:a"`},
		{`emails[]`, 8, aSubAttribute, `"]"`},
		{`emails[type]`, 12, "a space and an operator", `"]"`},
		{`emails[type eq "work"`, 22, "and, or, or ']'", `the end`},
		{`emails[type eq "work")`, 22, "and, or, or ']'", `")"`},
		{`emails[a[b pr]]`, 9, "an operator, as square brackets don't nest", `"["`},
		{`emails[(a pr]`, 13, "and, or, or ')'", `"]"`},
		{`a.b[c pr]`, 4, "no square brackets behind a sub-attribute", `"["`},
		{`emails [a pr]`, 8, wantOperator, `"["`},
		{`emails[a pr]x`, 13, "and, or, or the end", `"x"`},
		{`emails[a pr].`, 14, aSubAttribute, `the end`},
		{`emails[a pr].b`, 15, "a space and an operator", `the end`},
		{`emails[a pr].b.c pr`, 15, "a space and an operator", `".c"`},
		{"a eq \"\xff\"", 7, "UTF-8", "a byte that is none"},
		{"\xffa pr", 1, "UTF-8", "a byte that is none"},
		{"a\x00 pr", 2, "a space and an operator", `"\x00"`},
		{deep, 33, "at most 32 brackets in each other", "one more"},
		{strings.Repeat("x", 60), 61, "a space and an operator", `the end`},
		{`a ` + strings.Repeat("x", 60), 3, wantOperator, `"` + strings.Repeat("x", 40) + `"`},
		{`a ` + strings.Repeat("é", 60), 3, wantOperator, `"` + strings.Repeat("é", 20) + `"`},
	} {
		_, _, err := Parse(tt.in, Options{})
		var e *Error
		if assert.ErrorAs(t, err, &e, tt.in) {
			assert.Equal(t, Error{tt.pos, tt.want, tt.got}, *e, tt.in)
		}
	}
	assert.EqualError(t, &Error{3, "an operator", `"like"`}, `at character 3: want an operator, got "like"`)
}

func TestDialect(t *testing.T) {
	work := eq("type", "work")
	for _, tt := range []struct {
		in      string
		want    Expr
		dialect Dialect
	}{
		{`userName eq jo@x.example`, eq("userName", "jo@x.example"), UnquotedValue},
		{`id eq 2819c223-7f76-453a-919d-413861904646`, eq("id", "2819c223-7f76-453a-919d-413861904646"), UnquotedValue},
		{`active eq True`, eq("active", "True"), UnquotedValue},
		{`a eq 007`, eq("a", "007"), UnquotedValue},
		{`a eq +4915112345`, eq("a", "+4915112345"), UnquotedValue},
		{`a eq truely`, eq("a", "truely"), UnquotedValue},
		{`a eq Jürgen and b pr`, And{eq("a", "Jürgen"), pr("b")}, UnquotedValue},
		{`(a eq x)`, eq("a", "x"), UnquotedValue},
		{`members[value eq x-1]`, Has{at("members"), eq("value", "x-1")}, UnquotedValue},
		{`emails[type eq "work"].value eq "x"`, Has{at("emails"), And{work, eq("value", "x")}}, ValuePathOperator},
		{`emails[type eq "work"].value PR`, Has{at("emails"), And{work, pr("value")}}, ValuePathOperator},
		{`emails[type eq "work" and primary eq true].value ne "x"`,
			Has{at("emails"), And{work, is(at("primary"), Eq, document.Bool(true)), is(at("value"), Ne, document.String("x"))}}, ValuePathOperator},
		{`emails[a pr or b pr].value eq "x" or c pr`, Or{Has{at("emails"), And{Or{pr("a"), pr("b")}, eq("value", "x")}}, pr("c")}, ValuePathOperator},
		{`emails[type eq work].value eq x`, Has{at("emails"), And{work, eq("value", "x")}}, UnquotedValue | ValuePathOperator},
	} {
		x, dialect, err := Parse(tt.in, Options{})
		if assert.NoError(t, err, tt.in) {
			assert.Equal(t, tt.want, x, tt.in)
			assert.Equal(t, tt.dialect, dialect, tt.in)
			assert.Equal(t, tt.dialect.Has(UnquotedValue), dialect.Has(UnquotedValue), tt.in)
			roundTrip(t, x)
		}
		_, _, err = Parse(tt.in, Options{Strict: true})
		var e *Error
		assert.ErrorAs(t, err, &e, tt.in)
	}
	_, _, err := Parse(`emails[type eq "work"].value eq "x"`, Options{Strict: true})
	assert.EqualError(t, err, `at character 23: want and, or, or the end, got other text`)
	_, _, err = Parse("a eq jo\x00hn", Options{})
	assert.ErrorContains(t, err, "at character 6: want a value", "a control character is in no word")
	_, _, err = Parse(`userName eq jo@x.example`, Options{Strict: true})
	assert.EqualError(t, err, `at character 13: want a value: a string in double quotes, a number, true, false or null, got other text`)
}

func TestBounds(t *testing.T) {
	terms := func(n int) string { return strings.TrimSuffix(strings.Repeat("a pr or ", n), " or ") }
	brackets := func(n int) string { return strings.Repeat("(", n) + "a pr" + strings.Repeat(")", n) }
	nots := func(n int) string { return strings.Repeat("not(", n) + "a pr" + strings.Repeat(")", n) }
	for _, tt := range []struct {
		in   string
		o    Options
		want string // a part of the error; if empty, there must be none
	}{
		{strings.Repeat(" ", 8188) + "a pr", Options{}, ""},
		{strings.Repeat(" ", 8189) + "a pr", Options{}, "at character 8193: want at most 8192 bytes, got 8193"},
		{"a pr", Options{MaxLength: 4}, ""},
		{"a pr ", Options{MaxLength: 4}, "at character 5: want at most 4 bytes, got 5"},
		{terms(256), Options{}, ""},
		{terms(257), Options{}, "want at most 256 comparisons, got one more"},
		{terms(3), Options{MaxTerms: 3}, ""},
		{`a pr and b[c pr and d eq 1]`, Options{MaxTerms: 2}, "at character 23: want at most 2 comparisons, got one more"},
		{brackets(32), Options{}, ""},
		{brackets(33), Options{}, "at character 33: want at most 32 brackets in each other, got one more"},
		{nots(33), Options{}, "want at most 32 brackets"},
		{brackets(2), Options{MaxDepth: 2}, ""},
		{brackets(3), Options{MaxDepth: 2}, "want at most 2 brackets"},
		{`a[(b pr)]`, Options{MaxDepth: 1}, "want at most 1 brackets"},
		{`(a pr) and (b pr)`, Options{MaxDepth: 1}, ""},
		{strings.Repeat("(", 1<<20), Options{MaxLength: 1 << 21, MaxDepth: 1 << 10}, "want at most 1024 brackets"},
		{`a eq "` + strings.Repeat("\\u0041", 1<<17) + `"`, Options{MaxLength: 1 << 21}, ""},
		{strings.Repeat("a", 1<<20) + " pr", Options{MaxLength: 1 << 21}, ""},
		{strings.Repeat("a:", 1<<19) + "b pr", Options{MaxLength: 1 << 21}, ""},
	} {
		_, _, err := Parse(tt.in, tt.o)
		if tt.want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, tt.want)
		}
	}
	_, _, err := ParsePath(`emails[a pr]`, Options{MaxLength: 5})
	assert.EqualError(t, err, "at character 6: want at most 5 bytes, got 12")
}

// roundTrip checks that the text of an expression can be parsed strictly, and means the same.
func roundTrip(t testing.TB, x Expr) {
	t.Helper()
	again, dialect, err := Parse(x.String(), Options{Strict: true, MaxLength: 1 << 20, MaxDepth: 1 << 10, MaxTerms: 1 << 16})
	require.NoError(t, err, x.String())
	require.Equal(t, x, again)
	require.Zero(t, dialect)
}

func FuzzParse(f *testing.F) {
	for _, tt := range figure2 {
		f.Add(tt.in)
	}
	for _, s := range []string{`emails[type eq "work"].value eq "x"`, `a eq b`, `not(not (a pr))and b pr`, `a eq "\ud83d\ude00\n"`, `((a pr or b pr) and (c pr)) or not (d lt -1.5e3)`,
		`urn:a:b:2.0:c.d ge null`, `http://x/y:z pr`, `a eq 'b'`, `$ref[a pr`, `a.b.c`, "a eq \"\xff\"", "a eq 0\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x, dialect, err := Parse(s, Options{})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Pos < 1 || e.Pos > len(s)+1 || e.Want == "" || e.Got == "" {
				t.Fatalf("%q: %#v", s, err)
			}
			return
		}
		roundTrip(t, x)
		_, strictly, err := Parse(s, Options{Strict: true})
		if (err == nil) != (dialect == 0) || strictly != 0 {
			t.Fatalf("%q: dialect %v, but strict gives %v", s, dialect, err)
		}
	})
}
