package replay

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct{ want, got, failure string }{
		// plain values
		{`"a"`, `"a"`, ""},
		{`"a"`, `"A"`, `$: want "a", got "A"`},
		{`"1"`, `1`, `$: want "1", got 1`},
		{`1`, `1`, ""},
		{`1`, `1.0`, ""},
		{`1`, `1e0`, ""},
		{`1`, `2`, `$: want 1, got 2`},
		{`1`, `"1"`, `$: want 1, got "1"`},
		{`9007199254740993`, `9007199254740992`, `$: want 9007199254740993, got 9007199254740992`},
		{`true`, `true`, ""},
		{`true`, `false`, `$: want true, got false`},
		{`false`, `"False"`, `$: want false, got "False"`},
		{`null`, `null`, ""},
		{`null`, `0`, `$: want null, got 0`},
		// objects: a subset, at any depth
		{`{}`, `{"a":1}`, ""},
		{`{"a":1}`, `{"a":1,"b":2}`, ""},
		{`{"a":null}`, `{}`, ""},
		{`{"a":1}`, `{"b":1}`, `$.a: want 1, got nothing`},
		{`{"a":1}`, `{"A":1}`, `$.a: want 1, got nothing`},
		{`{"a":{"b":"x"}}`, `{"a":{"b":"x","c":1}}`, ""},
		{`{"a":{"b":"x"}}`, `{"a":{"b":"y"}}`, `$.a.b: want "x", got "y"`},
		{`{"a":1}`, `[1]`, `$: want an object, got [1]`},
		{`{"a":{"b":1}}`, `{}`, `$.a: want an object, got nothing`},
		{`{"$ref":"x"}`, `{"$ref":"x"}`, ""},
		{`{"$ref":"x"}`, `{"$ref":"y"}`, `$.$ref: want "x", got "y"`},
		// arrays: each element somewhere
		{`[]`, `[1]`, ""},
		{`[1,2]`, `[3,2,1]`, ""},
		{`[{"a":1}]`, `[{"a":2},{"a":1,"b":1}]`, ""},
		{`[{"a":1,"b":2}]`, `[{"a":1},{"b":2}]`, `$[0]: want an element like {"a":1,"b":2}, got [{"a":1},{"b":2}]`},
		{`[1,4]`, `[1,2]`, `$[1]: want an element like 4, got [1,2]`},
		{`[1]`, `1`, `$: want an array, got 1`},
		{`{"a":[1]}`, `{}`, `$.a: want an array, got nothing`},
		// $nonempty
		{`{"a":{"$nonempty":true}}`, `{"a":"x"}`, ""},
		{`{"a":{"$nonempty":true}}`, `{"a":false}`, ""},
		{`{"a":{"$nonempty":true}}`, `{"a":0}`, ""},
		{`{"a":{"$nonempty":true}}`, `{}`, `$.a: want something that is not empty, got nothing`},
		{`{"a":{"$nonempty":true}}`, `{"a":""}`, `$.a: want something that is not empty, got ""`},
		{`{"a":{"$nonempty":true}}`, `{"a":null}`, `$.a: want something that is not empty, got null`},
		{`{"a":{"$nonempty":true}}`, `{"a":[]}`, `$.a: want something that is not empty, got []`},
		{`{"a":{"$nonempty":true}}`, `{"a":{}}`, `$.a: want something that is not empty, got {}`},
		// $type
		{`{"$type":"number"}`, `1`, ""},
		{`{"$type":"number"}`, `"1"`, `$: want a value of the type number, got "1"`},
		{`{"$type":"string"}`, `"1"`, ""},
		{`{"$type":"string"}`, `1`, `$: want a value of the type string, got 1`},
		{`{"$type":"boolean"}`, `false`, ""},
		{`{"$type":"boolean"}`, `"false"`, `$: want a value of the type boolean, got "false"`},
		{`{"$type":"array"}`, `[]`, ""},
		{`{"$type":"array"}`, `{}`, `$: want a value of the type array, got {}`},
		{`{"$type":"object"}`, `{}`, ""},
		{`{"$type":"object"}`, `null`, `$: want a value of the type object, got null`},
		{`{"a":{"$type":"array"}}`, `{}`, `$.a: want a value of the type array, got nothing`},
		// $len
		{`{"$len":0}`, `[]`, ""},
		{`{"$len":2}`, `[1,1]`, ""},
		{`{"$len":2}`, `[1]`, `$: want an array of 2, got [1]`},
		{`{"$len":2}`, `[1,2,3]`, `$: want an array of 2, got [1,2,3]`},
		{`{"$len":1}`, `"a"`, `$: want an array of 1, got "a"`},
		{`{"a":{"$len":0}}`, `{}`, `$.a: want an array of 0, got nothing`},
		// $absent
		{`{"a":{"$absent":true}}`, `{}`, ""},
		{`{"a":{"$absent":true}}`, `{"a":null}`, `$.a: want it to be missing, got null`},
		{`{"a":{"$absent":true}}`, `{"a":"x"}`, `$.a: want it to be missing, got "x"`},
		// $absent_or_empty
		{`{"a":{"$absent_or_empty":true}}`, `{}`, ""},
		{`{"a":{"$absent_or_empty":true}}`, `{"a":null}`, ""},
		{`{"a":{"$absent_or_empty":true}}`, `{"a":""}`, ""},
		{`{"a":{"$absent_or_empty":true}}`, `{"a":[]}`, ""},
		{`{"a":{"$absent_or_empty":true}}`, `{"a":{}}`, ""},
		{`{"a":{"$absent_or_empty":true}}`, `{"a":false}`, `$.a: want it to be missing or empty, got false`},
		{`{"a":{"$absent_or_empty":true}}`, `{"a":[1]}`, `$.a: want it to be missing or empty, got [1]`},
		// $absent_or
		{`{"a":{"$absent_or":"x"}}`, `{}`, ""},
		{`{"a":{"$absent_or":"x"}}`, `{"a":"x"}`, ""},
		{`{"a":{"$absent_or":"x"}}`, `{"a":"y"}`, `$.a: want "x", got "y"`},
		{`{"a":{"$absent_or":{"b":{"$absent_or_empty":true}}}}`, `{"a":{"c":1}}`, ""},
		{`{"a":{"$absent_or":{"b":{"$absent_or_empty":true}}}}`, `{"a":{"b":1}}`, `$.a.b: want it to be missing or empty, got 1`},
		// $contains
		{`{"$contains":"scim"}`, `"application/scim+json"`, ""},
		{`{"$contains":"scim"}`, `"application/json"`, `$: want a text with "scim" in it, got "application/json"`},
		{`{"$contains":"1"}`, `1`, `$: want a text with "1" in it, got 1`},
	} {
		t.Run(c.want+" "+c.got, func(t *testing.T) {
			failures := match(value(t, c.want), value(t, c.got), "$")
			if c.failure == "" {
				assert.Empty(t, failures)
			} else {
				assert.Equal(t, []string{c.failure}, failures)
			}
		})
	}
}

// TestMatchTellsAll shows that all differences are returned, not only the first.
func TestMatchTellsAll(t *testing.T) {
	failures := match(value(t, `{"a":1,"b":[1,{"$type":"string"}],"c":{"$absent":true}}`), value(t, `{"a":2,"b":[3],"c":4}`), "$")
	assert.Equal(t, []string{
		`$.a: want 1, got 2`,
		`$.b[0]: want an element like 1, got [3]`,
		`$.b[1]: want an element like {"$type":"string"}, got [3]`,
		`$.c: want it to be missing, got 4`,
	}, failures)
}

func TestCheckMatchers(t *testing.T) {
	for _, c := range []struct{ expectation, err string }{
		{`{"a":{"$nonempty":true},"b":[{"$ref":"x","value":1}]}`, ""},
		{`{"a":{"$nonempt":true}}`, `unknown matcher {"$nonempt":true}`},
		{`{"a":[{"$len":1,"b":2}]}`, `unknown matcher {"$len":1,"b":2}`},
		{`{"$absent_or":{"b":{"$oops":true}}}`, `unknown matcher {"$oops":true}`},
		{`{"$absent":false}`, `$absent can't have the argument false`},
		{`{"$len":"1"}`, `$len can't have the argument "1"`},
		{`{"$type":"integer"}`, `$type can't have the argument "integer"`},
		{`{"$contains":1}`, `$contains can't have the argument 1`},
		{`{"a":1}{}`, `something follows the JSON value`},
	} {
		err := checkMatchers([]byte(c.expectation))
		if c.err == "" {
			assert.NoError(t, err, c.expectation)
		} else {
			assert.EqualError(t, err, c.err, c.expectation)
		}
	}
}

func TestCapture(t *testing.T) {
	body := value(t, `{"id":"a","n":12345678901234567890,"Resources":[{"id":"b","emails":[{"value":"c"}]}],"o":{}}`)
	for _, c := range []struct{ path, want, err string }{
		{"$.id", "a", ""},
		{"$.n", "12345678901234567890", ""},
		{"$.Resources[0].id", "b", ""},
		{"$.Resources[0].emails[0].value", "c", ""},
		{"$.ID", "", "the answer has no text at $.ID: null"},
		{"$.Resources[1].id", "", "the answer has nothing at $.Resources[1].id"},
		{"$.id[0]", "", "the answer has nothing at $.id[0]"},
		{"$.o", "", "the answer has no text at $.o: {}"},
		{"id", "", `path "id": want it to begin with $`},
		{"$.", "", `path "$.": want a name after the dot`},
		{"$[x]", "", `path "$[x]": want an index in brackets`},
		{"$[0", "", `path "$[0": want an index in brackets`},
		{"$[-1]", "", `path "$[-1]": want an index in brackets`},
		{"$id", "", `path "$id": want . or [ before "id"`},
	} {
		got, err := capture(body, c.path)
		if c.err != "" {
			assert.EqualError(t, err, c.err, c.path)
			continue
		}
		assert.NoError(t, err, c.path)
		assert.Equal(t, c.want, got, c.path)
	}
}

func value(t *testing.T, text string) any {
	t.Helper()
	v, err := decode([]byte(text))
	require.NoError(t, err, text)
	return v
}
