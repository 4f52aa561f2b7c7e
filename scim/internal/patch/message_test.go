package patch

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
	"github.com/rollcall-dev/rollcall/scim/internal/schema"
)

func TestMessage(t *testing.T) {
	const schemas = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]`
	const op = `{"op":"add","path":"title","value":"x"}`
	st := userType(t)
	for _, r := range []struct {
		name, body, err, strict string
		quirks                  []quirk.Quirk
		n                       int // the number of operations
	}{
		{name: "whole", body: `{` + schemas + `,"Operations":[` + op + `]}`, n: 1},
		{name: "names in any case", body: `{"SCHEMAS":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"operations":[{"OP":"add","Path":"title","VALUE":"x"}]}`, n: 1},
		{name: "more members", body: `{` + schemas + `,"id":"1","Operations":[{"name":"addTitle","op":"add","path":"title","value":"x"}]}`, n: 1},
		{name: "null path is none", body: `{` + schemas + `,"Operations":[{"op":"add","path":null,"value":{"title":"x"}}]}`, n: 1},
		{name: "no object", body: `[]`, err: `invalidSyntax : want an object with schemas and Operations, got an array`},
		{name: "no schemas", body: `{"Operations":[` + op + `]}`, strict: `invalidSyntax schemas: want urn:`, n: 1, quirks: []quirk.Quirk{quirk.MissingSchemas}},
		{name: "other schemas", body: `{"schemas":["urn:x"],"Operations":[` + op + `]}`, strict: `invalidSyntax schemas`, n: 1, quirks: []quirk.Quirk{quirk.MissingSchemas}},
		{name: "no Operations", body: `{` + schemas + `}`, err: `invalidSyntax Operations: want an array of operations, got nothing`},
		{name: "Operations no array", body: `{` + schemas + `,"Operations":{}}`, err: `invalidSyntax Operations: want an array of operations, got an object`},
		{name: "empty Operations", body: `{` + schemas + `,"Operations":[]}`, strict: `invalidSyntax Operations`, quirks: []quirk.Quirk{quirk.NoOperations}},
		{name: "an operation is no object", body: `{` + schemas + `,"Operations":[1]}`, err: `invalidSyntax Operations[0]: want an object with op, path and value, got a number`},
		{name: "no op", body: `{` + schemas + `,"Operations":[{"path":"title"}]}`, err: `invalidSyntax Operations[0].op: want add, remove or replace, got nothing`},
		{name: "op no string", body: `{` + schemas + `,"Operations":[{"op":1}]}`, err: `invalidSyntax Operations[0].op: want add, remove or replace, got a number`},
		{name: "unknown op", body: `{` + schemas + `,"Operations":[` + op + `,` + op + `,{"op":"move","path":"title"}]}`, err: `invalidSyntax Operations[2].op: want add, remove or replace, got "move"`},
		{name: "op in other case", body: `{` + schemas + `,"Operations":[{"op":"Add","path":"title","value":"x"}]}`, strict: `invalidSyntax Operations[0].op`, n: 1, quirks: []quirk.Quirk{quirk.OperationCase}},
		{name: "path no string", body: `{` + schemas + `,"Operations":[{"op":"add","path":1,"value":1}]}`, err: `invalidPath Operations[0].path: want a string, got a number`},
		{name: "path blank", body: `{` + schemas + `,"Operations":[{"op":"add","path":" ","value":1}]}`, err: `invalidPath Operations[0] ...`},
	} {
		t.Run(r.name, func(t *testing.T) {
			for _, strict := range []bool{false, true} {
				m := &schema.Mode{Refused: refused(strict)}
				ops, err := Parse(st, parse(t, r.body), m, Limits{})
				want := r.err
				if strict && r.strict != "" {
					want = r.strict
				}
				if want != "" {
					requireError(t, want, err)
					continue
				}
				require.NoError(t, err)
				assert.Len(t, ops, r.n)
				assert.Equal(t, len(r.quirks) > 0 && !strict, m.Quirks != 0)
				for _, q := range r.quirks {
					assert.True(t, m.Quirks.Has(q), q)
				}
			}
		})
	}
}

func TestPathErrors(t *testing.T) {
	runRows(t, userType(t), []row{
		{name: "unknown attribute", ops: `[{"op":"add","path":"title","value":"x"},{"op":"replace","path":"shoeSize","value":"x"}]`, err: `invalidPath Operations[1] shoeSize`},
		{name: "unknown sub-attribute", ops: `[{"op":"add","path":"name.shoe","value":"x"}]`, err: `invalidPath Operations[0] name.shoe`},
		{name: "unknown sub-attribute of an element", ops: `[{"op":"add","path":"emails[type eq \"work\"].shoe","value":"x"}]`, err: `invalidPath Operations[0] emails[type eq "work"].shoe`},
		{name: "unknown in the filter", ops: `[{"op":"add","path":"emails[shoe eq \"work\"].value","value":"x"}]`, err: `invalidFilter Operations[0] emails[...: in the brackets: emails has no sub-attribute "shoe"`},
		{name: "a literal of the wrong type", ops: `[{"op":"remove","path":"emails[primary eq 7]"}]`, err: `invalidFilter Operations[0] emails[primary eq 7]: want true or false`},
		{name: "nested brackets", ops: `[{"op":"remove","path":"emails[type[value eq 1]]"}]`, err: `invalidPath`},
		{name: "unknown URN", ops: `[{"op":"add","path":"urn:x:y:User:shoe","value":"x"}]`, err: `invalidPath Operations[0] urn:x:y:User:shoe`},
		{name: "unclosed", ops: `[{"op":"add","path":"emails[type eq \"work\"","value":"x"}]`, err: `invalidPath Operations[0] emails[...: at character 22`},
		{name: "index", ops: `[{"op":"add","path":"emails[0].value","value":"x"}]`, err: `invalidPath`},
		{name: "JSON pointer", ops: `[{"op":"add","path":"/emails/0","value":"x"}]`, err: `invalidPath`},
		{name: "filter on one value", ops: `[{"op":"add","path":"name[givenName eq \"x\"].familyName","value":"x"}]`, err: `invalidPath Operations[0] name[givenName eq "x"].familyName: name has one value only`},
		{name: "filter on the extension", ops: `[{"op":"remove","path":"` + enterprise + `[x eq 1]"}]`, err: `invalidPath`},
		{name: "wrong type", ops: `[{"op":"add","path":"emails[type eq \"work\"].value","value":{"a":1}}]`, err: `invalidValue`},
		{name: "wrong type below", ops: `[{"op":"replace","path":"name","value":{"givenName":["a","b"]}}]`, err: `invalidValue Operations[0] name.givenName`},
		{name: "wrong type in an array", ops: `[{"op":"replace","path":"emails","value":[{"value":"a"},{"value":{}},{"value":[1,2]}]}]`, err: `invalidValue Operations[0] emails[1].value`},
		{name: "several for an element", ops: `[{"op":"replace","path":"emails[type eq \"work\"]","value":[{"value":"a"},{"value":"b"}]}]`, err: `invalidValue Operations[0] emails[type eq "work"]`},
	})
}

func TestLimits(t *testing.T) {
	st := userType(t)
	body := func(n int) string {
		return message(`[` + strings.TrimSuffix(strings.Repeat(`{"op":"add","path":"title","value":"x"},`, n), ",") + `]`)
	}
	_, err := Parse(st, parse(t, body(DefaultOperations)), &schema.Mode{}, Limits{})
	require.NoError(t, err)
	_, err = Parse(st, parse(t, body(DefaultOperations+1)), &schema.Mode{}, Limits{})
	requireError(t, `tooMany Operations: want at most 1000 operations in a request, got 1001`, err)
	_, err = Parse(st, parse(t, body(3)), &schema.Mode{}, Limits{Operations: 2})
	requireError(t, `tooMany Operations: want at most 2 operations in a request, got 3`, err)

	long := strings.Repeat("x", 100000)
	_, err = Parse(st, parse(t, message(`[{"op":"`+long+`"}]`)), &schema.Mode{}, Limits{})
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 1000)
	_, err = Parse(st, parse(t, message(`[{"op":"add","path":"`+long+`","value":1}]`)), &schema.Mode{}, Limits{})
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 1000)
}

// TestSequence shows that an operation sees what those before it did, and that an error undoes them all.
func TestSequence(t *testing.T) {
	runRows(t, userType(t), []row{
		{name: "the last word counts", ops: `[{"op":"replace","path":"title","value":"a"},{"op":"replace","path":"title","value":"b"}]`, want: with(`"title":"b"`)},
		{name: "removed and added", ops: `[{"op":"remove","path":"emails"},{"op":"add","path":"emails","value":[{"value":"n@x"}]}]`, want: with(`"emails":[{"value":"n@x"}]`)},
		{name: "a filter sees what was written", ops: `[{"op":"add","path":"photos","value":[{"value":"https://x.org","type":"photo"}]},{"op":"replace","path":"photos[type eq \"photo\"].display","value":"me"}]`,
			want: with(`"photos":[{"value":"https://x.org","display":"me","type":"photo"}]`)},
		{name: "there and back is no change", ops: `[{"op":"replace","path":"displayName","value":"x"},{"op":"replace","path":"displayName","value":"Babs"}]`},
		{name: "an error at the end", ops: `[{"op":"replace","path":"displayName","value":"x"},{"op":"remove","path":"emails"},{"op":"remove","path":"userName"}]`,
			err: `mutability Operations[2] userName`},
	})
}
