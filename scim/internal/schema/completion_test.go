package schema

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFinish(t *testing.T) {
	u, d := userType(t), deviceType(t)
	for _, c := range []struct {
		name     string
		typ      *Type
		in, want string
		fail     string
	}{
		{"order", u, `{"active":true,"` + enterprise + `":{"manager":{"$ref":"r","value":"m"},"division":"d"},"emails":[{"type":"work","value":"v"}],"userName":"a","externalId":"e"}`,
			`{"externalId":"e","userName":"a","active":true,"emails":[{"value":"v","type":"work"}],"` + enterprise + `":{"division":"d","manager":{"value":"m","$ref":"r"}}}`, ""},
		{"unassigned", u, `{"userName":"a","title":null,"name":{"givenName":null},"emails":[{},null,{"value":"v"}],"roles":[],"` + enterprise + `":{}}`,
			`{"userName":"a","emails":[{"value":"v"}]}`, ""},
		{"never stored", u, `{"userName":"a","id":"i","meta":{"version":"v"},"schemas":["s"],"password":"p","groups":[{"value":"g"}]}`, `{"userName":"a"}`, ""},
		{"no longer in the schema", u, `{"old":{"x":1},"userName":"a","emails":[{"oldest":2,"value":"v"}]}`, `{"userName":"a","emails":[{"value":"v","oldest":2}],"old":{"x":1}}`, ""},
		{"required", u, `{"title":"t"}`, "", "userName: required: want a string"},
		{"blank", u, `{"userName":"\t"}`, "", "userName: required: want a string that is not empty"},
		{"two primaries", u, `{"userName":"a","emails":[{"value":"v","primary":true},{"value":"w"},{"value":"x","primary":true}]}`, "", "emails: want at most one primary value, got [0] and [2]"},
		{"too many", u, `{"userName":"a","roles":[` + strings.Repeat(`{"value":"r"},`, maxElements) + `{"value":"r"}]}`, "", "roles: want at most 1000 values, got 1001"},
		{"required extension", d, `{"serial":"s"}`, "", location + ": required: want the extension's attributes"},
		{"required sub-attribute", d, `{"serial":"s","disks":[{"size":1}],"` + location + `":{"room":"r"}}`, "", "disks[0].slot: required: want a string"},
		{"secret of an attribute", d, `{"serial":"s","owner":{"value":"o","token":"t"},"` + location + `":{"room":"r"}}`, `{"serial":"s","owner":{"value":"o"},"` + location + `":{"room":"r"}}`, ""},
		{"secret of an extension", d, `{"serial":"s","` + location + `":{"room":"r"},"` + asset + `":{"secret":"x"}}`, `{"serial":"s","` + location + `":{"room":"r"}}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := c.typ.Finish(parse(t, c.in))
			if c.fail != "" {
				require.EqualError(t, err, c.fail)
				require.Equal(t, "invalidValue", err.(*Error).Type)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, text(v))
			assert.False(t, c.typ.isArranged(parse(t, c.in)), "every row needs it")
			if c.name != "no longer in the schema" {
				assert.True(t, c.typ.isArranged(v), "once is enough")
			}
		})
	}
}

func TestReplaces(t *testing.T) {
	d := deviceType(t)
	const end = `,"` + location + `":{"room":"r"}}`
	for _, c := range []struct {
		name, old, new, want, fail string
	}{
		{"omitted is removed", `{"serial":"s","tags":["a"]` + end, `{"serial":"s"` + end, `{"serial":"s"` + end, ""},
		{"readOnly is kept", `{"serial":"s","health":"ok"` + end, `{"serial":"s"` + end, `{"serial":"s","health":"ok"` + end, ""},
		{"immutable is kept", `{"serial":"s","model":"m"` + end, `{"serial":"s"` + end, `{"serial":"s","model":"m"` + end, ""},
		{"immutable is the same", `{"serial":"s","model":"m"` + end, `{"serial":"s","model":"m"` + end, `{"serial":"s","model":"m"` + end, ""},
		{"immutable is new", `{"serial":"s"` + end, `{"serial":"s","model":"m"` + end, `{"serial":"s","model":"m"` + end, ""},
		{"immutable changes", `{"serial":"s","model":"m"` + end, `{"serial":"s","model":"n"` + end, "", "model: immutable: it has a value already, which can't change"},
		{"immutable sub-attribute changes", `{"serial":"s","owner":{"value":"o","since":"1"}` + end, `{"serial":"s","owner":{"value":"o","since":"2"}` + end, "",
			"owner.since: immutable: it has a value already, which can't change"},
		{"readOnly sub-attribute is kept", `{"serial":"s","owner":{"value":"o","display":"O"}` + end, `{"serial":"s","owner":{"value":"o"}` + end,
			`{"serial":"s","owner":{"value":"o","display":"O"}` + end, ""},
		{"readOnly sub-attribute of another value", `{"serial":"s","owner":{"value":"o","display":"O"}` + end, `{"serial":"s","owner":{"value":"p"}` + end,
			`{"serial":"s","owner":{"value":"p"}` + end, ""},
		{"complex is removed", `{"serial":"s","owner":{"value":"o","display":"O"}` + end, `{"serial":"s"` + end, `{"serial":"s"` + end, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			old, new := parse(t, c.old), parse(t, c.new)
			v, err := d.Replaces(old, new)
			if c.fail != "" {
				require.EqualError(t, err, c.fail)
				require.Equal(t, "mutability", err.(*Error).Type)
			} else {
				require.NoError(t, err)
				assert.Equal(t, c.want, text(v))
			}
			assert.Equal(t, c.old, text(old))
			assert.Equal(t, c.new, text(new))
		})
	}
}
