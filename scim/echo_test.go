package scim_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Fault 26: no error says what somebody asked of a password, whichever parameter it is in.
func TestSecretsAreNotEchoed(t *testing.T) {
	c := serve(t)
	for _, text := range []string{`password eq "TELLNOBODY"`, `password[value eq "TELLNOBODY"]`,
		`password eq "TELLNOBODY`, `password eq TELLNOBODY`, `password is "TELLNOBODY"`, userURN + `:password eq "TELLNOBODY"`} {
		for _, name := range []string{"filter", "sortBy", "attributes", "excludedAttributes"} {
			a := c.do("GET", "/Users?"+name+"="+url.QueryEscape(text), "")
			assert.NotContains(t, a.text, "TELLNOBODY", "%s=%s", name, text)
			body, err := json.Marshal(map[string]string{name: text})
			require.NoError(t, err)
			a = c.do("POST", "/Users/.search", string(body))
			assert.NotContains(t, a.text, "TELLNOBODY", "%s", body)
		}
	}
}
