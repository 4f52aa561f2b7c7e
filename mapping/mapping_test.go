package mapping_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

const fullText = `{"userName":"ada@example.com","name":{"givenName":"Ada","familyName":"Lovelace"},` +
	`"phoneNumbers":[{"type":"mobile","value":"+44 20"}],` +
	`"emails":[{"type":"work","primary":true,"value":"a@w.example"},{"type":"home","value":"a@h.example"}],` +
	`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Engines"},"active":true,"locale":"en-GB",` +
	`"urn:example:hr":{"hired":"1833-06-05T10:00:00.5Z","grade":-7,"desks":65535,"rate":0.1,"share":0.25,"badge":"AAE=",` +
	`"raw":{"a":[1,null]},"tags":["x","y"],"level":"senior","secret":"s","team":{"name":"A","size":2}},` +
	`"roles":[{"value":"admin"},{"value":"author"}],` +
	`"addresses":[{"type":"work","streetAddress":"1 St","locality":"London"}],"ims":[{"value":"1","type":"xmpp"}],` +
	`"nickName":"Countess","title":"Dr"}`

func full() person {
	locale, share := "en-GB", float32(0.25)
	return person{
		Email: "ada@example.com", Given: "Ada", Family: "Lovelace", Mobile: "+44 20", Work: "a@w.example", Dept: "Engines",
		Active: true, Locale: &locale, Hired: time.Date(1833, 6, 5, 10, 0, 0, 5e8, time.UTC), Grade: -7, Desks: 65535,
		Rate: 0.1, Share: &share, Badge: []byte{0, 1}, Raw: json.RawMessage(`{"a":[1,null]}`), Tags: []string{"x", "y"},
		Roles: []string{"admin", "author"}, Team: team{"A", 2}, Office: address{"1 St", "London"},
		Phones: []phone{{"1", "xmpp"}}, Level: 2, Nick: "Countess", Contact: &contact{"a@h.example", "Dr"}, Secret: "s",
	}
}

func TestFull(t *testing.T) {
	m := compiled[person](t, nil)
	want := full()
	var got person
	require.NoError(t, m.FromSCIM(parse(t, fullText), &got))
	assert.Equal(t, want, got)
	v := m.ToSCIM(&want)
	assert.True(t, document.Equal(parse(t, fullText), v), "%s", text(v))
	assert.Empty(t, m.Diff(&want, &got))

	var none person
	require.NoError(t, m.FromSCIM(document.Object(), &got))
	assert.Equal(t, person{Contact: &contact{}}, got, "all fields are cleared")
	assert.JSONEq(t, `{"active":false,"urn:example:hr":{"grade":0,"desks":0,"rate":0}}`, text(m.ToSCIM(&none)))
}

// TestShared shows that several fields can hold parts of one attribute or extension.
func TestShared(t *testing.T) {
	type x struct {
		Work  string   `scim:"emails[type eq \"work\"].value"`
		Login string   `scim:"userName"`
		Home  string   `scim:"emails[type eq \"home\"].value"`
		Left  int      `scim:"urn:example:x:desks[side eq \"left\"].number"`
		Given string   `scim:"name.givenName"`
		Right *int     `scim:"urn:example:x:desks[side eq \"right\"].number"`
		Tags  []string `scim:"urn:example:x:tags"`
		Whole team     `scim:"urn:example:x,extension"`
		Name  string   `scim:"name.familyName"`
		Title []string `scim:"roles[type eq \"title\"].value"`
	}
	m := compiled[x](t, nil)
	seven := 7
	p := x{"w", "l", "h", 1, "g", &seven, []string{"t"}, team{"A", 2}, "f", []string{"r"}}
	v := m.ToSCIM(&p)
	assert.JSONEq(t, `{"emails":[{"type":"work","value":"w"},{"type":"home","value":"h"}],"userName":"l","name":{"givenName":"g","familyName":"f"},
		"urn:example:x":{"desks":[{"side":"left","number":1},{"side":"right","number":7}],"tags":["t"],"name":"A","size":2},
		"roles":[{"type":"title","value":"r"}]}`, text(v))
	var back x
	require.NoError(t, m.FromSCIM(v, &back))
	assert.Equal(t, p, back)

	type y struct {
		Left  int    `scim:"urn:example:x:desks[side eq \"left\"].number"`
		Right int    `scim:"urn:example:x:desks[side eq \"right\"].number"`
		Given string `scim:"urn:example:x:name.given"`
	}
	assert.JSONEq(t, `{"urn:example:x":{"desks":[{"side":"left","number":1},{"side":"right","number":2}],"name":{"given":"g"}}}`,
		text(compiled[y](t, nil).ToSCIM(&y{1, 2, "g"})))
}

func TestPlaces(t *testing.T) {
	type one struct {
		X string `scim:"emails.value"`
	}
	type work struct {
		X string `scim:"emails[type eq \"work\"].value"`
	}
	type all struct {
		X []string `scim:"emails.value"`
	}
	type works struct {
		X []string `scim:"emails[type eq \"work\"].value"`
	}
	type place struct {
		X address `scim:"addresses[type eq \"work\"]"`
	}
	check := func(name, sent, holds, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			var got string
			v := parse(t, sent)
			switch name[:1] {
			case "1":
				got = merge(t, v, &one{holds})
			case "w":
				got = merge(t, v, &work{holds})
			case "a":
				got = merge(t, v, &all{words(holds)})
			case "W":
				got = merge(t, v, &works{words(holds)})
			case "p":
				got = merge(t, v, &place{address{City: holds}})
			}
			assert.JSONEq(t, want, got)
			assert.Equal(t, sent, text(v), "the value that is merged into stays as it is")
		})
	}
	check("1 the primary counts", `{"emails":[{"value":"a"},{"value":"b","primary":true}]}`, "c", `{"emails":[{"value":"a"},{"value":"c","primary":true}]}`)
	check("1 else the first", `{"emails":[{"value":"a","type":"x"},{"value":"b"}]}`, "c", `{"emails":[{"value":"c","type":"x"},{"value":"b"}]}`)
	check("1 made", `{}`, "c", `{"emails":[{"value":"c"}]}`)
	check("1 taken away", `{"emails":[{"value":"a"},{"value":"b"}]}`, "", `{}`)
	check("1 the same", `{"emails":[{"display":"A","value":"a"}]}`, "a", `{"emails":[{"display":"A","value":"a"}]}`)
	check("w in any case", `{"emails":[{"value":"a","type":"home"},{"value":"b","type":"WORK"}]}`, "c", `{"emails":[{"value":"a","type":"home"},{"value":"c","type":"WORK"}]}`)
	check("w made", `{"emails":[{"value":"a","type":"home"}]}`, "c", `{"emails":[{"value":"a","type":"home"},{"type":"work","value":"c"}]}`)
	check("w taken away with what selects it", `{"emails":[{"value":"a","type":"work","primary":true}]}`, "", `{}`)
	check("w taken away but for the rest", `{"emails":[{"value":"a","type":"work","display":"A"}]}`, "", `{"emails":[{"type":"work","display":"A"}]}`)
	check("a in order", `{"emails":[{"value":"a","type":"x"},{"value":"b","type":"y"}]}`, "b c", `{"emails":[{"value":"b","type":"y"},{"value":"c"}]}`)
	check("a none", `{"emails":[{"value":"a"}]}`, "", `{}`)
	check("Works", `{"emails":[{"value":"a","type":"x"},{"value":"b","type":"work"}]}`, "c", `{"emails":[{"value":"c","type":"work"},{"value":"a","type":"x"}]}`)
	check("p others stay", `{"addresses":[{"type":"work","locality":"Rome","country":"IT"}]}`, "Pisa", `{"addresses":[{"type":"work","locality":"Pisa","country":"IT"}]}`)
	check("p none", `{"addresses":[{"type":"work","locality":"Rome"}]}`, "", `{}`)
}

func merge[T any](t *testing.T, v document.Value, x *T) string {
	m := compiled[T](t, nil)
	merged, _ := m.Merge(v, x)
	var back T
	require.NoError(t, m.FromSCIM(merged, &back))
	require.Empty(t, m.Diff(x, &back), "what was merged comes back")
	return text(merged)
}

func words(s string) (list []string) {
	for _, c := range s {
		if c != ' ' {
			list = append(list, string(c))
		}
	}
	return list
}

func TestMergeKeepsWords(t *testing.T) {
	type x struct {
		Email string    `scim:"userName,trim,fold"`
		Hired time.Time `scim:"urn:example:hr:hired"`
	}
	m := compiled[x](t, nil)
	sent := parse(t, `{"userName":" Ada@Example.com ","other":{"kept":1},"urn:example:hr":{"hired":"2026-01-01T12:00:00+02:00"}}`)
	var p x
	require.NoError(t, m.FromSCIM(sent, &p))
	assert.Equal(t, "ada@example.com", p.Email)
	merged, changed := m.Merge(sent, &p)
	assert.False(t, changed)
	assert.Equal(t, text(sent), text(merged), "what means the same stays as it was written")
	p.Email = "eve@example.com"
	merged, changed = m.Merge(sent, &p)
	assert.True(t, changed)
	assert.JSONEq(t, `{"userName":"eve@example.com","other":{"kept":1},"urn:example:hr":{"hired":"2026-01-01T12:00:00+02:00"}}`, text(merged))
}

func TestRoundTrips(t *testing.T) {
	m := compiled[person](t, nil)
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a, b := random(r), random(r)
		var got person
		v := parse(t, string(m.ToSCIM(&a).Document()))
		require.NoError(t, m.FromSCIM(v, &got))
		require.Empty(t, m.Diff(&a, &got))
		if a.Contact == nil || *a.Contact == (contact{}) {
			got.Contact = a.Contact // a pointer to a struct without values becomes nil
		}
		require.Equal(t, a, got, "%s", text(v))

		merged, changed := m.Merge(v, &b)
		require.Equal(t, len(m.Diff(&a, &b)) > 0, changed)
		var back person
		require.NoError(t, m.FromSCIM(merged, &back))
		require.Empty(t, m.Diff(&b, &back), "%s of %s", text(merged), text(v))

		out, err := m.Update(v, merged, &a)
		require.NoError(t, err)
		require.Empty(t, m.Diff(&a, &b))
		require.Equal(t, text(merged), text(out.Attributes))
	}
}

func random(r *rand.Rand) person {
	some := func() string {
		return []string{"", "", "a", "B b", "ü❤", "\"\\\n", "x@y.example"}[r.IntN(7)]
	}
	p := person{
		Email: []string{"", "a", "b c"}[r.IntN(3)], Given: some(), Family: some(), Mobile: some(), Work: some(), Dept: some(),
		Active: r.IntN(2) == 0, Grade: int8(r.Int()), Desks: uint16(r.Int()), Rate: r.NormFloat64(), Office: address{some(), some()},
		Team: team{some(), r.IntN(3)}, Level: level(r.IntN(3)), Nick: nick(some()), Secret: some(),
	}
	if r.IntN(2) == 0 {
		s := some()
		p.Locale = &s
		x := r.Float32()
		p.Share = &x
		p.Hired = time.Unix(r.Int64N(4e9), r.Int64N(1e9)).UTC()
		p.Badge = []byte{byte(r.Int())}
		p.Raw = json.RawMessage(fmt.Sprintf(`[%d]`, r.IntN(9)))
		p.Contact = &contact{some(), some()}
	}
	for range r.IntN(3) {
		p.Tags = append(p.Tags, "t"+some())
		p.Roles = append(p.Roles, fmt.Sprintf("r%d%s", len(p.Roles), some()))
		p.Phones = append(p.Phones, phone{"n" + some(), some()})
	}
	return p
}

func TestBadTypes(t *testing.T) {
	type s = string
	for _, tt := range []struct {
		name string
		err  error
		want []string
	}{
		{"no struct", errOf[int](), []string{"want a struct, got int"}},
		{"no tags", errOf[struct{ A s }](), []string{"has a scim tag"}},
		{"path", errOf[struct {
			A s `scim:"name..x"`
		}](), []string{"field A", `"name..x"`, "want the name of a sub-attribute"}},
		{"empty path", errOf[struct {
			A s `scim:",trim"`
		}](), []string{"field A", "want the path"}},
		{"case", errOf[struct {
			A s `scim:"username"`
		}](), []string{"field A", "username is spelled userName"}},
		{"id", errOf[struct {
			A s `scim:"id"`
		}](), []string{"field A", "id can't be mapped"}},
		{"password", errOf[struct {
			A s `scim:"password"`
		}](), []string{"password can't be mapped"}},
		{"option", errOf[struct {
			A s `scim:"userName,trimm"`
		}](), []string{"field A", `"userName,trimm"`, `no option or transformation "trimm"`, "split, trim"}},
		{"two authorities", errOf[struct {
			A s `scim:"userName,create,always"`
		}](), []string{"two authorities"}},
		{"twice", errOf[struct {
			A s `scim:"userName"`
			B s `scim:"userName"`
		}](), []string{"fields A and B", "both hold userName"}},
		{"unexported", errOf[struct {
			a s `scim:"userName"`
		}](), []string{"field a", "not exported"}},
		{"type", errOf[struct {
			A chan int `scim:"userName"`
		}](), []string{"field A", "a chan int can't hold an attribute"}},
		{"map", errOf[struct {
			A map[s]s `scim:"name"`
		}](), []string{"can't hold"}},
		{"element", errOf[struct {
			A s `scim:"emails[type ne \"work\"].value"`
		}](), []string{"want comparisons with eq"}},
		{"nested", errOf[struct{ In struct{ A contact } }](), nil},
		{"nested, bad", errOf[struct {
			In struct {
				A s `scim:"a b"`
			}
		}](), []string{"field In.A"}},
		{"twice in other words", errOf[struct {
			A s `scim:"userName"`
			B s `scim:"urn:ietf:params:scim:schemas:core:2.0:User:userName"`
		}](), []string{"fields A and B", "both hold"}},
		{"twice, a value", errOf[struct {
			A s `scim:"emails"`
			B s `scim:"emails.value"`
		}](), []string{"fields A and B", "both hold"}},
		{"twice but for the case", errOf[struct {
			A s `scim:"urn:example:x:a"`
			B s `scim:"urn:EXAMPLE:x:A"`
		}](), []string{"fields A and B", "both hold"}},
		{"a default that is no number", errOf[struct {
			A int `scim:"x,default=ten"`
		}](), []string{"field A", `"x,default=ten"`, `"ten": want an integer`}},
		{"a default that the map doesn't know", errOf[struct {
			A s `scim:"x,default=c,map=a:b"`
		}](), []string{"field A", `"c": want one of a`}},
		{"a map into what the field can't hold", errOf[struct {
			A level `scim:"x,map=a:boss"`
		}](), []string{"field A", `"boss": want junior or senior`}},
		{"a role without a word", errOf[struct {
			A s `scim:"roles,role=a"`
		}](), []string{"field A", `"a": want theirs:ours`}},
		{"complex in complex", errOf[struct {
			A struct {
				B team `scim:"b"`
			} `scim:"name"`
		}](), []string{"field A", "name.b: a complex attribute can't be in another one"}},
		{"sub-attributes", errOf[struct {
			A struct{ B s } `scim:"name"`
		}](), []string{"field A", "has a scim tag"}},
		{"sub-attribute's path", errOf[struct {
			A struct {
				B s `scim:"x.y"`
			} `scim:"name"`
		}](), []string{"field A", "B", "want the name of a sub-attribute"}},
		{"validation", errOf[struct {
			A s `scim:"userName" validate:"emial"`
		}](), []string{"validation of", "emial"}},
		{"default", errOf[struct {
			A s `scim:"userName,default"`
		}](), []string{"default: want default=value"}},
		{"map without one", errOf[struct {
			A s `scim:"userName,map"`
		}](), []string{"map: want a map"}},
		{"extension", errOf[struct {
			A s `scim:"urn:example:hr,extension"`
		}](), []string{"an extension goes into a struct"}},
		{"no extension", errOf[struct {
			A team `scim:"name,extension"`
		}](), []string{"want the URN of an extension"}},
		{"trim=", errOf[struct {
			A s `scim:"userName,trim=x"`
		}](), []string{"trim: it takes no argument"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == nil {
				require.NoError(t, tt.err)
			}
			for _, want := range tt.want {
				require.ErrorContains(t, tt.err, want)
			}
		})
	}
}

func errOf[T any]() error {
	_, err := mapping.For[T]()
	return err
}

func TestBadValues(t *testing.T) {
	m := compiled[person](t, nil)
	for _, tt := range []struct{ sent, path, want string }{
		{`{"userName":1}`, "userName", "userName: want a string, got 1"},
		{`{"active":"yes"}`, "active", `active: want true or false, got "yes"`},
		{`{"urn:example:hr":{"grade":128}}`, "urn:example:hr:grade", "want an integer between -128 and 127, got 128"},
		{`{"urn:example:hr":{"grade":1.5}}`, "urn:example:hr:grade", "between -128 and 127, got 1.5"},
		{`{"urn:example:hr":{"desks":-1}}`, "urn:example:hr:desks", "between 0 and 65535, got -1"},
		{`{"urn:example:hr":{"desks":65536}}`, "urn:example:hr:desks", "between 0 and 65535"},
		{`{"urn:example:hr":{"rate":"1"}}`, "urn:example:hr:rate", "want a number"},
		{`{"urn:example:hr":{"hired":"yesterday"}}`, "urn:example:hr:hired", "want a time such as"},
		{`{"urn:example:hr":{"badge":"%"}}`, "urn:example:hr:badge", "want base64"},
		{`{"urn:example:hr":{"tags":["a",1]}}`, "urn:example:hr:tags", "each element of which is a string"},
		{`{"urn:example:hr":{"tags":"a"}}`, "urn:example:hr:tags", "want an array"},
		{`{"urn:example:hr":{"team":{"size":"big"}}}`, "urn:example:hr:team", "want in size an integer"},
		{`{"urn:example:hr":{"level":"boss"}}`, "urn:example:hr:level", `want junior or senior, got "boss"`},
		{`{"phoneNumbers":[{"type":"mobile","value":[1]}]}`, `phoneNumbers[type eq "mobile"].value`, "want a string"},
		{`{"urn:example:hr":{"secret":7}}`, "urn:example:hr:secret", "urn:example:hr:secret: want a string"},
	} {
		t.Run(tt.sent, func(t *testing.T) {
			p := full()
			_, err := m.Update(m.ToSCIM(&p), parse(t, tt.sent), &p)
			var invalid *mapping.InvalidError
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, tt.path, invalid.Path)
			assert.ErrorContains(t, err, tt.want)
			assert.Equal(t, full(), p, "what is refused leaves no trace")
		})
	}
	assert.NotContains(t, m.FromSCIM(parse(t, `{"urn:example:hr":{"secret":7}}`), &person{}).Error(), "7")
}

func TestExtension(t *testing.T) {
	type x struct {
		Name string          `scim:"userName"`
		HR   team            `scim:"urn:example:2.0:HR,extension"`
		Tags []string        `scim:"urn:example:more:tags,product"`
		Desk address         `scim:"urn:example:more:desk,required,create"`
		Size int             `scim:"urn:example:more:shoe.size"`
		Any  json.RawMessage `scim:"urn:example:more:any"`
		Dept string          `scim:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"`
	}
	m := compiled[x](t, nil)
	p := x{Name: "ada", HR: team{"A", 1}, Tags: []string{"t"}, Desk: address{City: "Rome"}, Size: 43}
	v := m.ToSCIM(&p)
	assert.JSONEq(t, `{"userName":"ada","urn:example:2.0:HR":{"name":"A","size":1},
		"urn:example:more":{"tags":["t"],"desk":{"locality":"Rome"},"shoe":{"size":43}}}`, text(v))
	var back x
	require.NoError(t, m.FromSCIM(v, &back))
	assert.Equal(t, p, back)

	b, err := json.Marshal(m.Extensions())
	require.NoError(t, err)
	var got []mapping.Extension
	require.NoError(t, json.Unmarshal(b, &got))
	require.Len(t, got, 2)
	assert.Equal(t, "urn:example:2.0:HR", got[0].URN)
	const rw = "readWrite"
	assert.Equal(t, []mapping.AttributeSpec{{Name: "name", Type: filter.String, Mutability: rw}, {Name: "size", Type: filter.Integer, Mutability: rw}}, got[0].Attributes)
	assert.Equal(t, []mapping.AttributeSpec{
		{Name: "tags", Type: filter.String, Multi: true, Mutability: "readOnly"},
		{Name: "desk", Type: filter.Complex, Required: true, Mutability: "immutable", Sub: []mapping.AttributeSpec{
			{Name: "streetAddress", Type: filter.String, Mutability: "immutable"}, {Name: "locality", Type: filter.String, Mutability: "immutable"}}},
		{Name: "shoe", Type: filter.Complex, Sub: []mapping.AttributeSpec{{Name: "size", Type: filter.Integer, Mutability: rw}}},
		{Name: "any", Type: filter.Complex, Mutability: rw},
	}, got[1].Attributes)
	attributes := got[1].Schema().Get("attributes")
	assert.Equal(t, "string", attributes.At(3).Get("type").Text(), "there's no type of any JSON")
}

// TestMutability shows that the mutability of an attribute in the schema follows from the authority over it.
func TestMutability(t *testing.T) {
	type x struct {
		Name    string   `scim:"userName"`
		Display string   `scim:"displayName,create"`
		Title   string   `scim:"title,ifEmpty"`
		Tags    []string `scim:"urn:example:more:tags,product"`
		Mail    string   `scim:"emails.value,create"`
		Mobile  string   `scim:"phoneNumbers[type eq \"mobile\"].value,create"`
		Roles   []string `scim:"roles,ignore"`
		Given   string   `scim:"urn:ietf:params:scim:schemas:core:2.0:User:name.givenName,product"`
		HR      team     `scim:"urn:example:2.0:HR,extension,product"`
	}
	assert.Equal(t, map[string]string{
		"displayName": "immutable", "title": "immutable", "urn:example:more:tags": "readOnly", "emails.value": "immutable", "roles": "readOnly",
		"name.givenName": "readOnly", "urn:example:2.0:HR:name": "readOnly", "urn:example:2.0:HR:size": "readOnly",
	}, compiled[x](t, nil).Mutability())
}
