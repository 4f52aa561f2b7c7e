package patch

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rollcall-dev/rollcall/scim/internal/quirk"
)

func is(q ...quirk.Quirk) []quirk.Quirk { return q }

// TestQuirks shows for each tolerated deviation what it becomes, and the error in strict mode.
func TestQuirks(t *testing.T) {
	rows := []row{
		{name: "operation-case", ops: `[{"op":"Replace","path":"displayName","value":"B"}]`, want: with(`"displayName":"B"`),
			quirks: is(quirk.OperationCase), strict: `invalidSyntax Operations[0].op`},
		{name: "string-boolean", ops: `[{"op":"replace","path":"active","value":"False"}]`, want: with(`"active":false`),
			quirks: is(quirk.StringBoolean), strict: `invalidValue Operations[0] active`},
		{name: "dotted-keys", ops: `[{"op":"replace","value":{"displayName":"C","name.givenName":"Cee","name.familyName":"Three","` + enterprise + `:employeeNumber":"303"}}]`,
			want:   with(`"displayName":"C","name":{"familyName":"Three","givenName":"Cee"},"` + enterprise + `":{"employeeNumber":"303","manager":{"value":"m1","$ref":"../Users/m1"}}`),
			quirks: is(quirk.DottedKeys), strict: `invalidPath Operations[0] name.givenName`},
		{name: "dotted-keys with a filter", ops: `[{"op":"add","value":{"emails[type eq \"work\"].value":"w@x"}}]`,
			want:   with(`"emails":[{"value":"w@x","type":"work","primary":true},{"value":"babs@jensen.org","type":"home"}]`),
			quirks: is(quirk.DottedKeys), strict: `invalidPath Operations[0] emails[type eq "work"].value`},
		{name: "dotted-keys in an extension", ops: `[{"op":"replace","value":{"` + enterprise + `":{"manager.value":"m2"}}}]`,
			want:   with(`"` + enterprise + `":{"employeeNumber":"701","manager":{"value":"m2","$ref":"../Users/m1"}}`),
			quirks: is(quirk.DottedKeys), strict: `invalidPath Operations[0] ` + enterprise + `:manager.value`},
		{name: "dotted-keys with a broken filter", ops: `[{"op":"add","value":{"emails[type eq \"work\".value":"w@x"}}]`, err: `invalidPath Operations[0] emails[...`},
		{name: "unqualified-extension", ops: `[{"op":"replace","path":"department","value":"D"}]`,
			want:   with(`"` + enterprise + `":{"employeeNumber":"701","department":"D","manager":{"value":"m1","$ref":"../Users/m1"}}`),
			quirks: is(quirk.UnqualifiedExtension), strict: `invalidPath Operations[0] department`},
		{name: "whole-resource-in-value", ops: `[{"op":"replace","value":{"schemas":["urn:x"],"id":"1","meta":{},"groups":[],"displayName":"B"}}]`,
			want: with(`"displayName":"B"`), quirks: is(quirk.WholeResourceInValue), strict: `mutability Operations[0] schemas`},
		{name: "keys that no schema could have", ops: `[{"op":"replace","value":{"a b.c":1,"x.y":2,"shoe[type eq \"x\"].y":1,"displayName":"B"}}]`,
			want: with(`"displayName":"B"`), quirks: is(quirk.UnknownAttribute), strict: `invalidPath`},
		{name: "unquoted-filter-value", ops: `[{"op":"remove","path":"emails[type eq home]"}]`,
			want: with(`"emails":[{"value":"bjensen@example.com","type":"work","primary":true}]`), quirks: is(quirk.UnquotedFilterValue), strict: `invalidPath`},
		{name: "unknown attributes in a value", ops: `[{"op":"replace","value":{"shoeSize":7,"urn:x:y:User":{"a":1},"displayName":"B","name":{"shoe":1}}}]`,
			want: with(`"displayName":"B"`), quirks: is(quirk.UnknownAttribute), strict: `invalidPath Operations[0] shoeSize`},

		{name: "create-from-filter: add", ops: `[{"op":"add","path":"phoneNumbers[type eq \"Mobile\"].value","value":"1"}]`,
			want: with(`"phoneNumbers":[{"type":"Mobile","value":"1"}]`), quirks: is(quirk.CreateFromFilter), strict: `noTarget Operations[0] phoneNumbers[type eq "Mobile"].value`},
		{name: "create-from-filter: replace", ops: `[{"op":"replace","path":"phoneNumbers[type eq \"work\" and primary eq true].value","value":"1"}]`,
			want: with(`"phoneNumbers":[{"type":"work","primary":true,"value":"1"}]`), quirks: is(quirk.CreateFromFilter), strict: `noTarget`},
		{name: "create-from-filter: whole element", ops: `[{"op":"replace","path":"phoneNumbers[type eq \"work\"]","value":{"value":"1","display":"d"}}]`,
			want: with(`"phoneNumbers":[{"type":"work","value":"1","display":"d"}]`), quirks: is(quirk.CreateFromFilter), strict: `noTarget`},
		{name: "create-from-filter: several operations, one element",
			ops:    `[{"op":"add","path":"addresses[type eq \"other\"].locality","value":"L"},{"op":"add","path":"addresses[type eq \"other\"].region","value":"R"},{"op":"add","path":"addresses[type eq \"other\"].primary","value":true}]`,
			want:   with(`"addresses":[{"type":"work","locality":"Hollywood","country":"US"},{"type":"other","locality":"L","region":"R","primary":true}]`),
			quirks: is(quirk.CreateFromFilter), strict: `noTarget`},
		{name: "create-from-filter: primary as a string",
			ops:    `[{"op":"add","path":"roles[primary eq \"True\"].display","value":"RD"},{"op":"add","path":"roles[primary eq \"True\"].value","value":"RV"},{"op":"add","path":"roles[primary eq \"True\"].type","value":"RT"}]`,
			want:   with(`"roles":[{"value":"RV","display":"RD","type":"RT","primary":true}]`),
			quirks: is(quirk.CreateFromFilter, quirk.StringBoolean), strict: `invalidFilter`},
		{name: "create-from-filter: eq null asks for nothing", ops: `[{"op":"add","path":"phoneNumbers[type eq \"work\" and display eq null].value","value":"1"}]`,
			want: with(`"phoneNumbers":[{"type":"work","value":"1"}]`), quirks: is(quirk.CreateFromFilter), strict: `noTarget`},
		{name: "create-from-filter: from a value", ops: `[{"op":"replace","path":"emails[value eq \"N@x\"]","value":"N@x"}]`,
			want:   with(`"emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@jensen.org","type":"home"},{"value":"N@x"}]`),
			quirks: is(quirk.CreateFromFilter, quirk.ScalarComplex), strict: `invalidValue`},
		{name: "create-from-filter: not from or", ops: `[{"op":"add","path":"phoneNumbers[type eq \"a\" or type eq \"b\"].value","value":"1"}]`, err: `noTarget`},
		{name: "create-from-filter: not from co", ops: `[{"op":"add","path":"phoneNumbers[value co \"1\"].type","value":"a"}]`, err: `noTarget`},
		{name: "create-from-filter: not what the filter wouldn't find", ops: `[{"op":"replace","path":"emails[value eq \"old@x\"].value","value":"new@x"}]`, err: `noTarget`},
		{name: "create-from-filter: not for nothing", ops: `[{"op":"replace","path":"phoneNumbers[type eq \"work\"].value","value":null},{"op":"remove","path":"phoneNumbers[type eq \"fax\"].value"}]`,
			quirks: is(quirk.RemoveNothing), strict: `noTarget`},

		{name: "empty-means-none: a complex attribute", ops: `[{"op":"replace","path":"` + enterprise + `:manager","value":""}]`,
			want: with(`"` + enterprise + `":{"employeeNumber":"701"}`), quirks: is(quirk.EmptyMeansNone), strict: `invalidValue`},
		{name: "empty-means-none: its value", ops: `[{"op":"replace","path":"` + enterprise + `:manager","value":{"value":""}}]`,
			want: with(`"` + enterprise + `":{"employeeNumber":"701"}`), quirks: is(quirk.EmptyMeansNone)},
		{name: "empty-means-none: a chosen element's sub-attribute", ops: `[{"op":"replace","path":"emails[type eq \"work\"].value","value":""}]`,
			want: with(`"emails":[{"type":"work","primary":true},{"value":"babs@jensen.org","type":"home"}]`), quirks: is(quirk.EmptyMeansNone)},
		{name: "null of a chosen element's sub-attribute", ops: `[{"op":"replace","path":"emails[type eq \"work\"].value","value":null}]`,
			want: with(`"emails":[{"type":"work","primary":true},{"value":"babs@jensen.org","type":"home"}]`)},

		{name: "remove-with-value: an array", ops: `[{"op":"remove","path":"emails","value":[{"value":"BJENSEN@example.com"},{"value":"nobody@x"}]}]`,
			want: with(`"emails":[{"value":"babs@jensen.org","type":"home"}]`), quirks: is(quirk.RemoveWithValue), strict: `invalidValue Operations[0] emails: remove takes no value`},
		{name: "remove-with-value: value and type", ops: `[{"op":"remove","path":"emails","value":[{"value":"bjensen@example.com","type":"home"},{"type":"HOME","value":"babs@jensen.org"}]}]`,
			want: with(`"emails":[{"value":"bjensen@example.com","type":"work","primary":true}]`), quirks: is(quirk.RemoveWithValue), strict: `invalidValue`},
		{name: "remove-with-value: by what else there is", ops: `[{"op":"remove","path":"emails","value":[{"type":"home"}]}]`,
			want: with(`"emails":[{"value":"bjensen@example.com","type":"work","primary":true}]`), quirks: is(quirk.RemoveWithValue), strict: `invalidValue`},
		{name: "remove-with-value: what else there is must all be equal", ops: `[{"op":"remove","path":"addresses","value":[{"type":"work","country":"UK"},{}]}]`,
			quirks: is(quirk.RemoveWithValue, quirk.RemoveNothing), strict: `invalidValue`},
		{name: "remove-with-value: an object", ops: `[{"op":"remove","path":"emails","value":{"value":"babs@jensen.org"}}]`,
			want: with(`"emails":[{"value":"bjensen@example.com","type":"work","primary":true}]`), quirks: is(quirk.RemoveWithValue, quirk.ScalarForArray), strict: `invalidValue`},
		{name: "remove-with-value: a scalar", ops: `[{"op":"remove","path":"emails","value":"babs@jensen.org"}]`,
			want: with(`"emails":[{"value":"bjensen@example.com","type":"work","primary":true}]`), quirks: is(quirk.RemoveWithValue, quirk.ScalarForArray, quirk.ScalarComplex), strict: `invalidValue`},
		{name: "remove-with-value: simple values", cur: `{"userName":"u","` + badge + `":{"tags":["a","b","c"]}}`,
			ops: `[{"op":"remove","path":"` + badge + `:tags","value":["b","x"]}]`, want: `{"userName":"u","` + badge + `":{"tags":["a","c"]}}`,
			quirks: is(quirk.RemoveWithValue), strict: `invalidValue`},
		{name: "remove-with-value: none are listed", ops: `[{"op":"remove","path":"emails","value":[]}]`, quirks: is(quirk.RemoveWithValue, quirk.RemoveNothing), strict: `invalidValue`},
		{name: "remove-with-value: one value has no list", ops: `[{"op":"remove","path":"displayName","value":"x"}]`, want: with(`"displayName":null`),
			quirks: is(quirk.RemoveWithValue), strict: `invalidValue`},

		{name: "scalar-complex", ops: `[{"op":"add","path":"` + enterprise + `:manager","value":"m2"}]`,
			want: with(`"` + enterprise + `":{"employeeNumber":"701","manager":{"value":"m2","$ref":"../Users/m1"}}`), quirks: is(quirk.ScalarComplex), strict: `invalidValue`},
		{name: "array-for-scalar, unqualified-extension", ops: `[{"op":"add","path":"manager","value":[{"$ref":"http://x/Users/m2","value":"m2"}]}]`,
			want:   with(`"` + enterprise + `":{"employeeNumber":"701","manager":{"value":"m2","$ref":"http://x/Users/m2"}}`),
			quirks: is(quirk.ArrayForScalar, quirk.UnqualifiedExtension), strict: `invalidPath`},

		{name: "json-in-string: in value", ops: `[{"op":"add","path":"roles","value":[{"value":"{\"id\":\"06b0\",\"value\":\"Admin\",\"displayName\":\"Admin\"}"}]}]`,
			want: with(`"roles":[{"value":"Admin"}]`), quirks: is(quirk.JSONInString, quirk.UnknownAttribute)},
		{name: "json-in-string: the element", ops: `[{"op":"add","path":"roles","value":["{\"value\":\"Admin\",\"primary\":true}"]}]`,
			want: with(`"roles":[{"value":"Admin","primary":true}]`), quirks: is(quirk.JSONInString), strict: `invalidValue`},
		{name: "json-in-string: the array", ops: `[{"op":"add","path":"roles","value":"[{\"value\":\"a\"},{\"value\":\"b\"}]"}]`,
			want: with(`"roles":[{"value":"a"},{"value":"b"}]`), quirks: is(quirk.JSONInString), strict: `invalidValue`},
		{name: "json-in-string: what stands beside it", ops: `[{"op":"replace","path":"roles","value":[{"type":"t","value":"{\"value\":\"a\"}"},{"value":"b"}]}]`,
			want: with(`"roles":[{"value":"a","type":"t"},{"value":"b"}]`), quirks: is(quirk.JSONInString)},
		{name: "json-in-string: not if it describes nothing", ops: `[{"op":"add","path":"roles","value":[{"value":"{\"a\":1}"},{"value":"{"},{"value":"[]"}]}]`,
			want: with(`"roles":[{"value":"{\"a\":1}"},{"value":"{"},{"value":"[]"}]`)},
		{name: "json-in-string: not if it is deep", ops: `[{"op":"add","path":"roles","value":[{"value":"{\"value\":[[[[[[1]]]]]]}"}]}]`,
			want: with(`"roles":[{"value":"{\"value\":[[[[[[1]]]]]]}"}]`)},
	}
	runRows(t, userType(t), rows)

	shown := quirk.Set(0)
	for _, r := range rows {
		for _, q := range r.quirks {
			shown.Add(q)
		}
	}
	for _, q := range []quirk.Quirk{quirk.OperationCase, quirk.DottedKeys, quirk.RemoveWithValue, quirk.CreateFromFilter,
		quirk.EmptyMeansNone, quirk.JSONInString, quirk.WholeResourceInValue} {
		assert.True(t, shown.Has(q), "%s has a row", q)
	}
}
