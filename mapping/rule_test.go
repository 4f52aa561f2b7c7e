package mapping_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store/document"
)

func TestLoadRules(t *testing.T) {
	rules, err := mapping.LoadRules(strings.NewReader(`[
		{"path": "displayName", "field": "Name", "authority": "create", "apply": ["trim"], "validate": "max=5"},
		{"path": "roles[primary eq true].value", "field": "Role", "apply": ["map"], "map": {"IdP-Admin": "admin", "IdP-User": "user"}},
		{"path": "title", "field": "Login", "required": true, "sensitive": true}]`))
	require.NoError(t, err)
	type x struct {
		Login string `scim:"userName"`
		Name  string
		Role  string
	}
	m := compiled[x](t, &mapping.Options{Rules: rules})
	assert.Equal(t, []mapping.Change{{Field: "Login", Path: "title"}, {Field: "Name", Path: "displayName"}, {Field: "Role", Path: "roles[primary eq true].value"}},
		m.Fields(), "a rule takes the place of a tag")
	var got x
	sent := parse(t, `{"title":"ada","displayName":" Ada ","roles":[{"value":"IDP-ADMIN","primary":true}]}`)
	_, err = m.Create(sent, &got)
	require.NoError(t, err)
	assert.Equal(t, x{"ada", "Ada", "admin"}, got)
	assert.Equal(t, `{"title":"ada","displayName":"Ada","roles":[{"primary":true,"value":"IdP-Admin"}]}`, text(m.ToSCIM(&got)))
	merged, changed := m.Merge(sent, &got)
	assert.False(t, changed, text(merged))

	for _, tt := range []struct{ sent, want string }{
		{`{"displayName":"x"}`, "title: want a value; it is required"},
		{`{"title":"x","displayName":"abcdef"}`, `displayName: want at most 5 characters, got "abcdef"`},
		{`{"title":"x","roles":[{"value":"boss","primary":true}]}`, `want one of IdP-Admin, IdP-User, got "boss"`},
	} {
		_, err := m.Create(parse(t, tt.sent), &x{})
		require.ErrorContains(t, err, tt.want)
	}
}

var badRules = []struct{ name, text, want string }{
	{"no JSON", `[`, "want"},
	{"no array", `{"path":"userName","field":"Login"}`, "cannot unmarshal object"},
	{"unknown member", `[{"path":"userName","field":"Login","aply":[]}]`, `unknown field "aply"`},
	{"a member twice", `[{"path":"userName","path":"x","field":"Login"}]`, "path"},
	{"authority", `[{"path":"userName","field":"Login","authority":"sometimes"}]`, "want always, create, ifEmpty, product or ignore"},
	{"no field", `[{"path":"userName"}]`, "rule 0 (userName): field: want the name of a field"},
	{"path", `[{"path":"user name","field":"Login"}]`, "rule 0 (user name)"},
	{"no URN", `[{"path":"A:A","field":"Login"}]`, "rule 0 (A:A): A is no URN"},
	{"reserved", `[{"path":"meta.version","field":"Login"}]`, "meta can't be mapped"},
	{"password", `[{"path":"password","field":"Login"}]`, "password can't be mapped"},
	{"too many", "[" + strings.Repeat(`{"path":"userName","field":"Login"},`, 256) + `{"path":"userName","field":"Login"}]`, "the limit is 256"},
	{"too long", `["` + strings.Repeat("x", 300<<10) + `"]`, "more than"},
	{"something behind", `[] []`, "want the end"},
}

func TestBadRules(t *testing.T) {
	for _, tt := range badRules {
		t.Run(tt.name, func(t *testing.T) {
			_, err := mapping.LoadRules(strings.NewReader(tt.text))
			require.ErrorContains(t, err, tt.want)
		})
	}
	for _, tt := range []struct {
		name string
		rule mapping.Rule
		want string
	}{
		{"field", mapping.Rule{Path: "title", Field: "Nme"}, "no exported field Nme"},
		{"field of no struct", mapping.Rule{Path: "title", Field: "Login.X"}, "string is no struct"},
		{"transformation", mapping.Rule{Path: "title", Field: "Login", Apply: []string{"rot13"}}, `no option or transformation "rot13"`},
		{"map", mapping.Rule{Path: "title", Field: "Login", Apply: []string{"map"}}, "want a map"},
		{"validation", mapping.Rule{Path: "title", Field: "Login", Validate: "emial"}, `field Login`},
		{"type", mapping.Rule{Path: "title", Field: "Fn"}, "can't hold an attribute"},
		{"twice", mapping.Rule{Path: "userName", Field: "Other"}, "both hold userName"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			type x struct {
				Login string `scim:"userName"`
				Other string
				Fn    func()
			}
			_, err := mapping.Compile[x](&mapping.Options{Rules: []mapping.Rule{tt.rule}})
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// FuzzRules shows that loading, compiling and using any rules never panics, and that the values of the fields come back.
func FuzzRules(f *testing.F) {
	for _, tt := range badRules {
		if len(tt.text) < 1000 {
			f.Add(tt.text, all)
		}
	}
	f.Add(`[{"path":"emails[type eq \"work\"].value","field":"Always","apply":["trim","fold","default=x"]},
		{"path":"roles","field":"List"},{"path":"urn:a:b:c.d","field":"Create","apply":["map=a:b|c:d"]},
		{"path":"tags","field":"IfEmpty","apply":["join=;"]},{"path":"roles.display","field":"N","apply":["role=a:1|*:2"]},{"path":"title","field":"List","apply":["split=,"]}]`,
		`{"emails":[{"type":"work","value":" A "}],"roles":["a",{"value":"b"}],"urn:a:b":{"c":{"d":"a"}},"tags":["a","b"],"title":"a, b"}`)
	f.Fuzz(func(t *testing.T, rules, sent string) {
		loaded, err := mapping.LoadRules(strings.NewReader(rules))
		if err != nil {
			return
		}
		text, err := json.Marshal(loaded)
		require.NoError(t, err)
		again, err := mapping.LoadRules(strings.NewReader(string(text)))
		require.NoError(t, err, "what was loaded loads again: %s", text)
		require.Equal(t, len(loaded), len(again))

		type x struct {
			governed
			List []string
			N    int
		}
		m, err := mapping.Compile[x](&mapping.Options{Rules: loaded})
		v, bad := document.Parse(sent, 0)
		if err != nil || bad != nil || v.Kind() != document.KindObject {
			return
		}
		before := string(document.AppendJSON(nil, v))
		var got x
		if m.FromSCIM(v, &got) != nil {
			return
		}
		merged, changed := m.Merge(v, &got)
		require.False(t, changed, "%s is what it was: %s, %+v", before, string(document.AppendJSON(nil, merged)), got)
		_, _ = m.Create(v, &got)
		_, _ = m.Update(document.Object(), v, &got)
		require.Equal(t, before, string(document.AppendJSON(nil, v)), "the argument stays as it is")
	})
}

func TestTransforms(t *testing.T) {
	type one struct{ X string }
	type many struct{ X []string }
	for _, tt := range []struct {
		apply, sent, want string
		list              []string
		back              string
	}{
		{apply: "trim", sent: `" a "`, want: "a", back: `"a"`},
		{apply: "fold", sent: `"ÄB"`, want: "äb", back: `"äb"`},
		{apply: "upper", sent: `"de"`, want: "DE", back: `"DE"`},
		{apply: "default=en", sent: `null`, want: "en", back: `"en"`},
		{apply: "default=en", sent: `""`, want: "en", back: `"en"`},
		{apply: "default=en", sent: `"de"`, want: "de", back: `"de"`},
		{apply: "map=a:1|b:2|c:1", sent: `"C"`, want: "1", back: `"a"`},
		{apply: "map=a:1", sent: `null`, want: "", back: `null`},
		{apply: "join=;", sent: `["a","b"]`, want: "a;b", back: `["a","b"]`},
		{apply: "join=;", sent: `[{"value":"a"}]`, want: "a", back: `["a"]`},
		{apply: "split=;", sent: `"a; b;;"`, list: []string{"a", "b"}, back: `"a;b"`},
		{apply: "split=;", sent: `""`, back: `null`},
		{apply: "trim", sent: `[" a","b "]`, list: []string{"a", "b"}, back: `["a","b"]`},
		{apply: "shout", sent: `"a"`, want: "a!", back: `"a"`},
	} {
		t.Run(tt.apply+" "+tt.sent, func(t *testing.T) {
			o := &mapping.Options{Rules: []mapping.Rule{{Path: "x", Field: "X", Apply: []string{tt.apply}}}, Transforms: map[string]mapping.Transform{
				"shout": {
					In: func(v document.Value) (document.Value, error) { return document.String(v.Text() + "!"), nil },
					Out: func(v document.Value) document.Value {
						return document.String(strings.TrimSuffix(v.Text(), "!"))
					},
				},
			}}
			v := parse(t, `{"x":`+tt.sent+`}`)
			var back document.Value
			if tt.list != nil || strings.HasPrefix(tt.apply, "split") {
				m := compiled[many](t, o)
				var x many
				require.NoError(t, m.FromSCIM(v, &x))
				assert.Equal(t, tt.list, x.X)
				back = m.ToSCIM(&x)
			} else {
				m := compiled[one](t, o)
				var x one
				require.NoError(t, m.FromSCIM(v, &x))
				assert.Equal(t, tt.want, x.X)
				back = m.ToSCIM(&x)
			}
			assert.Equal(t, tt.back, text(back.Get("x")))
		})
	}
}

// TestTypedTransforms shows that the words that a transformation makes are converted to the type of the field.
func TestTypedTransforms(t *testing.T) {
	type x struct {
		Part   int     `scim:"userType,map=full:100|half:50"`
		Rate   float64 `scim:"urn:example:x:rate,default=0.5"`
		Mailed bool    `scim:"urn:example:x:mailed,map=y:true|n:false,default=true"`
		Floors []int8  `scim:"urn:example:x:floors,split=;"`
		Level  level   `scim:"urn:example:x:level,default=senior"`
		Limit  *uint   `scim:"urn:example:x:limit,default=7"`
	}
	m := compiled[x](t, nil)
	var got x
	require.NoError(t, m.FromSCIM(parse(t, `{"userType":"Half","urn:example:x":{"mailed":"n","floors":"1; -2"}}`), &got))
	limit := uint(7)
	assert.Equal(t, x{Part: 50, Rate: 0.5, Floors: []int8{1, -2}, Level: 2, Limit: &limit}, got)
	assert.JSONEq(t, `{"userType":"half","urn:example:x":{"rate":0.5,"mailed":"n","floors":"1;-2","level":"senior","limit":7}}`, text(m.ToSCIM(&got)))
	require.ErrorContains(t, m.FromSCIM(parse(t, `{"urn:example:x":{"floors":"1;x"}}`), &got), "urn:example:x:floors: want an array, each element of which is an integer")
}

// TestRoleTransform shows that the first pair of a role transformation counts whose role or group the identity provider has sent.
func TestRoleTransform(t *testing.T) {
	type x struct {
		Role string `scim:"roles,role=Chief:admin|Boss:admin|Staff:editor|*:guest"`
		Rank int    `scim:"urn:example:x:groups,role=Gold:1|Silver:2"`
	}
	m := compiled[x](t, nil)
	for _, tt := range []struct {
		sent, back string
		want       x
	}{
		{`{"roles":[{"value":"staff"},{"value":"BOSS","primary":true}],"urn:example:x":{"groups":["Silver","Gold"]}}`, `{"roles":[{"value":"Chief"}],"urn:example:x":{"groups":["Gold"]}}`, x{"admin", 1}},
		{`{"roles":[{"value":"Others"}]}`, `{}`, x{"guest", 0}},
		{`{}`, `{}`, x{"guest", 0}},
		{`{"roles":["Staff"]}`, `{"roles":[{"value":"Staff"}]}`, x{"editor", 0}},
	} {
		var got, again x
		sent := parse(t, tt.sent)
		require.NoError(t, m.FromSCIM(sent, &got))
		assert.Equal(t, tt.want, got, tt.sent)
		back := m.ToSCIM(&got)
		assert.JSONEq(t, tt.back, text(back), tt.sent)
		require.NoError(t, m.FromSCIM(back, &again))
		assert.Equal(t, got, again)
		_, changed := m.Merge(sent, &got)
		assert.False(t, changed, "the words of the identity provider stay: %s", tt.sent)
	}
}

// TestPromoted shows that a rule for a promoted field replaces the tag of that field.
func TestPromoted(t *testing.T) {
	type Contact struct {
		Phone string `scim:"nickName" validate:"omitempty,e164"`
	}
	type x struct {
		Contact
		Login string `scim:"userName"`
	}
	m := compiled[x](t, &mapping.Options{Rules: []mapping.Rule{{Path: "title", Field: "Phone"}}})
	assert.Equal(t, []mapping.Change{{Field: "Contact.Phone", Path: "title"}, {Field: "Login", Path: "userName"}}, m.Fields())
	var got x
	_, err := m.Create(parse(t, `{"title":"12"}`), &got)
	require.ErrorContains(t, err, `title: want a telephone number such as +49301234567, got "12"`)
}

func TestRoles(t *testing.T) {
	r := mapping.Roles{Rules: []mapping.RoleRule{{"Admins", "admin"}, {"Staff", "editor"}}, Default: "guest"}
	require.NoError(t, r.Check("admin", "editor", "guest"))
	require.ErrorContains(t, r.Check("admin", "guest"), `rules: want a group and a role of the product's, got "Staff: editor"`)
	require.Error(t, r.Check("admin", "editor"))
	require.NoError(t, r.Check())
	assert.Equal(t, "guest", r.Of())
	assert.Equal(t, "guest", r.Of("Others"))
	assert.Equal(t, "editor", r.Of("Others", "STAFF"))
	assert.Equal(t, "admin", r.Of("staff", "admins"))
}
