package schema

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store"
)

func TestIndex(t *testing.T) {
	group, err := SetUnique(Group(), "displayName", true)
	require.NoError(t, err)
	unique, err := Compile(group, "displayName")
	require.NoError(t, err)
	for _, c := range []struct {
		name  string
		typ   *Type
		v     string
		want  []store.IndexKey
		label string
	}{
		{"user", userType(t), `{"externalId":"Ext","userName":"Ada@X","displayName":"Ada L","emails":[{"value":"A@x"},{"type":"work"},{"value":"a@X"},{"value":"b@x"},{"value":""}]}`,
			[]store.IndexKey{{Attribute: "userName", Value: "ada@x", Unique: true}, {Attribute: "externalId", Value: "Ext"},
				{Attribute: "emails.value", Value: "a@x"}, {Attribute: "emails.value", Value: "b@x"}, {Attribute: "displayName", Value: "ada l"}}, "Ada L"},
		{"least", userType(t), `{"userName":"KELVIN \u212A"}`, []store.IndexKey{{Attribute: "userName", Value: "kelvin k", Unique: true}}, "KELVIN \u212A"},
		{"group", groupType(t), `{"displayName":"G"}`, []store.IndexKey{{Attribute: "displayName", Value: "g"}}, "G"},
		{"unique group", unique, `{"displayName":"G"}`, []store.IndexKey{{Attribute: "displayName", Value: "g", Unique: true}}, "G"},
		{"device", deviceType(t), `{"serial":"S1","owner":{"value":"O"},"` + location + `":{"room":"R"},"` + asset + `":{"number":"N"}}`,
			[]store.IndexKey{{Attribute: "serial", Value: "S1", Unique: true}, {Attribute: asset + ":number", Value: "n", Unique: true},
				{Attribute: "owner.value", Value: "o"}, {Attribute: location + ":room", Value: "r"}}, ""},
		{"nothing", userType(t), `{}`, []store.IndexKey{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, label := c.typ.Index(parse(t, c.v))
			assert.Equal(t, c.want, keys)
			assert.Equal(t, c.label, label)
		})
	}
}
