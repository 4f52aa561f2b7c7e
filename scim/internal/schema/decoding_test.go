package schema

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// user returns the body of a user with all required attributes.
func user(members string) string {
	return `{"schemas":["` + coreUser + `"],"userName":"ada"` + comma(members) + `}`
}

func dev(members string) string {
	return `{"schemas":["` + coreDevice + `","` + location + `"],"serial":"s1"` + comma(members) + `,"` + location + `":{"room":"r1"}}`
}

func comma(members string) string {
	if members == "" {
		return ""
	}
	return "," + members
}

func TestDecode(t *testing.T) {
	types := map[string]*Type{"user": userType(t), "group": groupType(t), "device": deviceType(t)}
	both := `"schemas":["` + coreUser + `","` + enterprise + `"]`
	for _, c := range []struct {
		name, typ, body string
		want            string // the attributes, without those that user and dev add
		quirks          []string
	}{
		{"least", "user", user(``), ``, nil},
		{"order and spelling", "user", user(`"ACTIVE":true,"Name":{"GIVENNAME":"Ada","familyname":"L"},"externalid":"X"`),
			`"externalId":"X","userName":"ada","name":{"familyName":"L","givenName":"Ada"},"active":true`, nil},
		{"values as they were sent", "user", user(`"phoneNumbers":[{"value":"  +44 (0)20 ","type":"WORK"}],"emails":[{"value":"Ada@X.Example"}]`),
			`"emails":[{"value":"Ada@X.Example"}],"phoneNumbers":[{"value":"  +44 (0)20 ","type":"WORK"}]`, nil},
		{"null, empty", "user", user(`"title":null,"emails":[],"name":{},"roles":[null,{}],"addresses":[{"type":null}],"nickName":""`), `"nickName":""`, nil},
		{"readOnly is ignored", "user", user(`"id":7,"meta":{"version":"x"},"groups":[{"value":"g"}]`), ``, nil},
		{"unknown is ignored", "user", user(`"favouriteColour":"green","emails":[{"value":"a@b","x":1}],"urn:nobody:x":{"a":1}`), `"emails":[{"value":"a@b"}]`, quirks(quirk.UnknownAttribute)},
		{"password is dropped", "user", user(`"password":"s3cret"`), ``, nil},
		{"extension", "user", `{` + both + `,"userName":"ada","` + strings.ToUpper(enterprise) + `":{"Department":"d","manager":{"value":"m","displayName":"no","$REF":"../Users/m"}}}`,
			`"` + enterprise + `":{"department":"d","manager":{"value":"m","$ref":"../Users/m"}}`, nil},
		{"empty extension", "user", user(`"` + enterprise + `":{"department":null}`), ``, nil},
		{"any schemas' case", "user", `{"schemas":["` + strings.ToUpper(coreUser) + `"],"userName":"ada"}`, ``, nil},

		{"no schemas", "user", `{"userName":"ada"}`, ``, quirks(quirk.MissingSchemas)},
		{"schemas without the extension's", "user", user(`"` + enterprise + `":{"department":"d"}`), `"` + enterprise + `":{"department":"d"}`, quirks(quirk.MissingSchemas)},
		{"unknown schema", "user", `{"schemas":["` + coreUser + `","urn:scim:schemas:core:1.0"],"userName":"ada"}`, ``, quirks(quirk.UnknownSchema)},
		{"only an unknown schema", "user", `{"schemas":["urn:scim:schemas:core:1.0"],"userName":"ada"}`, ``, quirks(quirk.UnknownSchema, quirk.MissingSchemas)},
		{"schemas a string", "user", `{"schemas":"` + coreUser + `","userName":"ada"}`, ``, quirks(quirk.ScalarForArray)},
		{"boolean strings", "user", user(`"active":"False","emails":[{"value":"a@b","primary":"TRUE"}]`), `"active":false,"emails":[{"value":"a@b","primary":true}]`, quirks(quirk.StringBoolean)},
		{"object for array", "user", user(`"emails":{"value":"a@b"}`), `"emails":[{"value":"a@b"}]`, quirks(quirk.ScalarForArray)},
		{"string for array", "user", user(`"roles":"admin"`), `"roles":[{"value":"admin"}]`, quirks(quirk.ScalarForArray, quirk.ScalarComplex)},
		{"strings for objects", "user", user(`"roles":["a","b"]`), `"roles":[{"value":"a"},{"value":"b"}]`, quirks(quirk.ScalarComplex)},
		{"array for object", "user", `{` + both + `,"userName":"ada","` + enterprise + `":{"manager":[{"value":"m"}]}}`, `"` + enterprise + `":{"manager":{"value":"m"}}`, quirks(quirk.ArrayForScalar)},
		{"array for string", "user", user(`"title":["t"]`), `"title":"t"`, quirks(quirk.ArrayForScalar)},
		{"string for manager", "user", `{` + both + `,"userName":"ada","` + enterprise + `":{"manager":"m"}}`, `"` + enterprise + `":{"manager":{"value":"m"}}`, quirks(quirk.ScalarComplex)},
		{"no manager", "user", `{` + both + `,"userName":"ada","` + enterprise + `":{"manager":{"value":""}}}`, ``, quirks(quirk.EmptyMeansNone)},
		{"manager an empty string", "user", `{` + both + `,"userName":"ada","` + enterprise + `":{"manager":""}}`, ``, quirks(quirk.ScalarComplex, quirk.EmptyMeansNone)},
		{"blank elements", "user", user(`"phoneNumbers":[{"value":"","type":"work","primary":false},{"value":"","display":"d"},{"value":"1"}]`),
			`"phoneNumbers":[{"value":"","display":"d"},{"value":"1"}]`, quirks(quirk.EmptyMeansNone)},
		{"empty boolean", "user", user(`"active":""`), ``, quirks(quirk.EmptyMeansNone)},
		{"unqualified", "user", user(`"department":"d","manager":"m"`), `"` + enterprise + `":{"department":"d","manager":{"value":"m"}}`,
			quirks(quirk.ScalarComplex, quirk.MissingSchemas, quirk.UnqualifiedExtension)},
		{"unqualified nulls", "user", user(`"department":null,"manager":null`), ``, nil},
		{"dotted keys", "user", user(`"name.givenName":"Ada","` + enterprise + `:department":"d","` + enterprise + `:manager.value":"m","` + coreUser + `:title":"t","name":{"familyName":"L"}`),
			`"name":{"familyName":"L","givenName":"Ada"},"title":"t","` + enterprise + `":{"department":"d","manager":{"value":"m"}}`, quirks(quirk.MissingSchemas, quirk.DottedKeys)},
		{"nested beats dotted", "user", user(`"name.givenName":"B","name":{"givenName":"A"}`), `"name":{"givenName":"A"}`, quirks(quirk.DottedKeys)},

		{"group", "group", `{"schemas":["` + coreGroup + `"],"displayName":"G","members":[{"value":"1","type":"User","$ref":null},{"value":"2"}]}`,
			`"displayName":"G","members":[{"value":"1","type":"User"},{"value":"2"}]`, nil},
		{"members as strings", "group", `{"schemas":["` + coreGroup + `"],"displayName":"G","members":"1"}`, `"displayName":"G","members":[{"value":"1"}]`, quirks(quirk.ScalarForArray, quirk.ScalarComplex)},

		{"own type", "device", dev(`"tags":["a","b"],"ports":4,"weight":1.50,"managed":true,"bought":"2026-01-02T03:04:05.5+01:00","manual":"no uri at all","key":"aGk=","health":"ok","disks":[{"slot":"1","size":3,"labels":["x"]}]`),
			`"tags":["a","b"],"ports":4,"weight":1.50,"managed":true,"bought":"2026-01-02T03:04:05.5+01:00","manual":"no uri at all","key":"aGk=","disks":[{"size":3,"slot":"1","labels":["x"]}]`, nil},
		{"number strings", "device", dev(`"ports":"12","weight":"-1.5e3"`), `"ports":12,"weight":-1.5e3`, quirks(quirk.StringNumber)},
		{"empty numbers", "device", dev(`"ports":"","bought":"","key":""`), `"key":""`, quirks(quirk.EmptyMeansNone)},
		{"no zone", "device", dev(`"bought":"2026-01-02T03:04:05"`), `"bought":"2026-01-02T03:04:05"`, nil},
		{"other base64", "device", dev(`"key":"_-8"`), `"key":"_-8"`, nil},
	} {
		t.Run(c.typ+" "+c.name, func(t *testing.T) {
			m := &Mode{}
			body := parse(t, c.body)
			v, err := types[c.typ].Decode(body, m)
			require.NoError(t, err)
			want := "{" + c.want + "}"
			switch {
			case c.typ == "user" && !strings.Contains(c.want, `"userName"`):
				want = `{"userName":"ada"` + comma(c.want) + "}"
			case c.typ == "device":
				want = `{"serial":"s1"` + comma(c.want) + `,"` + location + `":{"room":"r1"}}`
			}
			assert.Equal(t, want, text(v))
			assert.Equal(t, want, string(v.Document()), "what is stored")
			assert.Equal(t, append([]string{}, c.quirks...), quirksOf(m))
			assert.Equal(t, text(parse(t, c.body)), text(body), "the body must not change")

			again, err := types[c.typ].Finish(v)
			require.NoError(t, err)
			assert.Equal(t, want, text(again), "finishing what is finished")

			_, err = types[c.typ].Decode(body, &Mode{Refused: quirk.All})
			if len(c.quirks) > 0 {
				assert.Error(t, err, "strict")
			} else if !strings.HasPrefix(c.name, "un") {
				assert.NoError(t, err, "strict")
			}
		})
	}
}

func TestDecodeSecrets(t *testing.T) {
	v, err := userType(t).Decode(parse(t, user(`"Password":"pa55","name.givenName":"a"`)), &Mode{})
	require.NoError(t, err)
	assert.NotContains(t, text(v), "pa55")

	v, err = deviceType(t).Decode(parse(t, dev(`"pin":"0000","owner":{"token":"t0ken","value":"o"},"`+asset+`":{"secret":"s"}`)), &Mode{})
	require.NoError(t, err)
	assert.NotContains(t, text(v), "0000")
	assert.NotContains(t, text(v), "secret")
	assert.NotContains(t, text(v), "t0ken")
}

// TestDecodeRefuses shows that an error names the path, and says what would be right.
func TestDecodeRefuses(t *testing.T) {
	types := map[string]*Type{"user": userType(t), "group": groupType(t), "device": deviceType(t)}
	long := strings.Repeat("x", maxText+1)
	for _, c := range []struct {
		typ, body string
		strict    bool
		want      string
	}{
		{"user", `[]`, false, "want a JSON object as the body, got array"},
		{"user", `null`, false, "want a JSON object as the body, got null"},
		{"user", `{}`, false, "userName: required: want a string"},
		{"user", `{"userName":null}`, false, "userName: required: want a string"},
		{"user", `{"userName":"  "}`, false, "userName: required: want a string that is not empty"},
		{"user", `{"userName":""}`, false, "userName: required: want a string that is not empty"},
		{"user", user(`"displayName":true`), false, "displayName: want a string, got boolean"},
		{"user", user(`"active":"maybe"`), false, `active: want true or false, got "maybe"`},
		{"user", user(`"active":1`), false, "active: want true or false, got number"},
		{"user", user(`"emails":[{"value":"a@b"},{"value":true}]`), false, "emails[1].value: want a string, got boolean"},
		{"user", user(`"emails":[{"value":"a@b","primary":"yes"}]`), false, `emails[0].primary: want true or false, got "yes"`},
		{"user", user(`"emails":[["a@b"]]`), false, "emails[0]: want an object with value, display, type, primary, got array of 1"},
		{"user", user(`"emails":[7]`), false, "emails[0].value: want a string, got number"},
		{"user", user(`"emails":[{"value":{"a":1}}]`), false, "emails[0].value: want a string, got object"},
		{"user", user(`"name":"Ada"`), false, "name: want an object with formatted, familyName, givenName, middleName, honorificPrefix, honorificSuffix, got string"},
		{"user", user(`"name":[{"givenName":"a"},{"givenName":"b"}]`), false, "name: want an object with formatted, familyName, givenName, middleName, honorificPrefix, honorificSuffix, got array of 2"},
		{"user", user(`"title":["a","b"]`), false, "title: want a string, got array of 2"},
		{"user", user(`"` + enterprise + `":"x"`), false, enterprise + ": want an object with employeeNumber, costCenter, organization, division, department, manager, got string"},
		{"user", user(`"` + enterprise + `":{"department":true}`), false, enterprise + ":department: want a string, got boolean"},
		{"user", user(`"` + enterprise + `":{"manager":{"$ref":1,"value":{}}}`), false, enterprise + ":manager.$ref: want a string, got number"},
		{"user", user(`"department":true`), false, enterprise + ":department: want a string, got boolean"},
		{"user", user(`"emails":[{"value":"a","primary":true},{"value":"b","primary":"True"}]`), false, "emails: want at most one primary value, got [0] and [1]"},
		{"user", user(`"title":"` + long + `"`), false, "title: want at most 65536 bytes, got 65537"},
		{"user", `{"userName":"` + long + `"}`, false, "userName: want at most 1024 bytes, got 65537"},
		{"user", user(`"externalId":"` + long + `"`), false, "externalId: want at most 1024 bytes, got 65537"},
		{"user", user(`"roles":[` + strings.Repeat(`"r",`, maxElements) + `"r"]`), false, "roles: want at most 1000 values, got 1001"},
		{"user", user(`"password":true`), false, "password: want a string, got boolean"},
		{"user", `{"schemas":{},"userName":"a"}`, false, "schemas: want an array of schema URNs, got object"},
		{"user", `{"schemas":[1],"userName":"a"}`, false, "schemas[0]: want a schema URN, got number"},
		{"user", user(`"x509Certificates":[{"value":"not base64!"}]`), false, `x509Certificates[0].value: want base64 text (RFC 4648), got "not base64!"`},
		{"group", `{"members":[]}`, false, "displayName: required: want a string"},
		{"group", `{"displayName":"g","members":[{"value":7}]}`, false, "members[0].value: want a string, got number"},
		{"device", dev(`"ports":1.5`), false, `ports: want an integer of 64 bits, got "1.5"`},
		{"device", dev(`"ports":99999999999999999999`), false, `ports: want an integer of 64 bits, got "99999999999999999999"`},
		{"device", dev(`"ports":"many"`), false, `ports: want an integer, got "many"`},
		{"device", dev(`"weight":1e999`), false, `weight: want a number of usual size, got "1e999"`},
		{"device", dev(`"bought":"2026-01-02"`), false, `bought: want a date and time such as 2008-01-23T04:56:22Z, got "2026-01-02"`},
		{"device", dev(`"bought":"2026-13-02T00:00:00Z"`), false, `bought: want a date and time such as 2008-01-23T04:56:22Z, got "2026-13-02T00:00:00Z"`},
		{"device", dev(`"bought":7`), false, "bought: want a date and time such as 2008-01-23T04:56:22Z, got number"},
		{"device", dev(`"pin":{"a":"s3cret"}`), false, "pin: want a string, got object"},
		{"device", dev(`"disks":[{"slot":"1"},{"size":1}]`), false, "disks[1].slot: required: want a string"},
		{"device", dev(`"disks":[{"slot":"1","labels":["a",true]}]`), false, "disks[0].labels[1]: want a string, got boolean"},
		{"device", `{"serial":"1"}`, false, location + ": required: want the extension's attributes"},
		{"device", `{"serial":"1","` + location + `":{"building":"b"}}`, false, location + ":room: required: want a string"},

		{"user", `{"userName":"a"}`, true, "schemas: want " + coreUser + " in the list"},
		{"user", `{"schemas":["` + coreUser + `","urn:x"],"userName":"a"}`, true, `schemas[1]: User has no schema "urn:x"`},
		{"user", user(`"` + enterprise + `":{"department":"d"}`), true, "schemas: want " + enterprise + " in the list, as the resource has attributes of it"},
		{"user", user(`"colour":1`), true, `"colour" is no attribute of User`},
		{"user", user(`"department":"d"`), true, "department belongs into the object " + enterprise},
		{"user", user(`"name.givenName":"d"`), true, `"name.givenName" is a path, not a name; nest the value instead`},
		{"user", user(`"emails":[{"valu":"a"}]`), true, `emails[0]: "valu" is no sub-attribute of emails; it has value, display, type, primary`},
		{"user", user(`"` + enterprise + `":{"colour":"d"}`), true, enterprise + `: "colour" is no attribute of the extension; it has employeeNumber, costCenter, organization, division, department, manager`},
		{"user", user(`"active":"True"`), true, `active: want true or false, got "True"`},
		{"user", user(`"emails":{"value":"a"}`), true, "emails: want an array, got object"},
		{"user", user(`"title":["a"]`), true, "title: want a string, got array of 1"},
		{"user", user(`"emails":[{"value":""}]`), true, "emails[0].value: want a value that is not empty; leave the attribute out for none"},
		{"device", dev(`"ports":"4"`), true, `ports: want an integer, got "4"`},
	} {
		name := c.want
		if len(name) > 60 {
			name = name[:60]
		}
		t.Run(name, func(t *testing.T) {
			_, err := types[c.typ].Decode(parse(t, c.body), &Mode{Refused: refused(c.strict)})
			require.EqualError(t, err, c.want)
			want := "invalidValue"
			if strings.Contains(c.want, "as the body") {
				want = "invalidSyntax"
			}
			require.Equal(t, want, err.(*Error).Type)
		})
	}
}

// TestDecodeDuplicates decodes a body that the parser would not have made, because it has one field twice.
func TestDecodeDuplicates(t *testing.T) {
	s := document.String("x")
	for _, body := range []document.Value{
		document.Object(document.Field{Name: "userName", Value: s}, document.Field{Name: "USERNAME", Value: s}),
		document.Object(document.Field{Name: "name", Value: document.Object(document.Field{Name: "givenName", Value: s}, document.Field{Name: "givenname", Value: s})}),
		document.Object(document.Field{Name: enterprise, Value: document.Object(document.Field{Name: "department", Value: s}, document.Field{Name: "Department", Value: s})}),
	} {
		_, err := userType(t).Decode(body, nil)
		require.ErrorContains(t, err, "given twice")
		require.Equal(t, "invalidSyntax", err.(*Error).Type)
	}
}

func TestErrorsKeepSecrets(t *testing.T) {
	rt := device()
	typ, err := Compile(rt)
	require.NoError(t, err)
	pin := typ.Attributes[12]
	require.Equal(t, "pin", pin.Name)
	numeric := *pin
	numeric.Type = filter.Integer
	_, failed := coerceNumber(&numeric, document.String("hunter2"), nil)
	require.NotNil(t, failed)
	require.NotContains(t, failed.Error(), "hunter2")
}
