package scim_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
)

func TestDialectText(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "tolerant",
		"tolerant":                               "tolerant",
		"strict":                                 "strict",
		"interop":                                "interop",
		"strict +string-boolean +dotted-keys":    "strict +string-boolean +dotted-keys",
		"tolerant  -unknown-attribute":           "tolerant -unknown-attribute",
		"interop +string-boolean":                "interop +string-boolean",
		"strict +string-boolean -string-boolean": "strict",
	} {
		d, err := scim.ParseDialect(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, d.String())
		again, err := scim.ParseDialect(d.String())
		require.NoError(t, err)
		assert.Equal(t, d, again, "a dialect is read as it is written")
		asJSON, err := json.Marshal(map[string]scim.Dialect{"dialect": d})
		require.NoError(t, err)
		var back map[string]scim.Dialect
		require.NoError(t, json.Unmarshal(asJSON, &back))
		assert.Equal(t, d, back["dialect"])
	}
	assert.Equal(t, scim.Tolerant(), scim.Dialect{}, "who says nothing is tolerant")
	for _, wrong := range []string{"strikt", "strict string-boolean", "strict +no-such-thing", "tolerant +", "+string-boolean"} {
		_, err := scim.ParseDialect(wrong)
		assert.Error(t, err, wrong)
	}
}

func TestDialectTolerates(t *testing.T) {
	d, err := scim.Strict().With("string-boolean")
	require.NoError(t, err)
	assert.True(t, d.Tolerates("string-boolean"))
	assert.False(t, d.Tolerates("dotted-keys"))
	assert.False(t, scim.Tolerant().Tolerates("no-such-thing"))
	d, err = scim.Tolerant().Without("string-boolean")
	require.NoError(t, err)
	assert.False(t, d.Tolerates("string-boolean"))
	assert.True(t, d.Tolerates("dotted-keys"))
	_, err = d.With("string-bolean")
	assert.ErrorContains(t, err, `"string-bolean"`)
}
