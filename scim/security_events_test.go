package scim_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// Security events are advertised as RFC 9967 section 4 has it, and only if there are any.
func TestSecurityEvents(t *testing.T) {
	for _, uris := range [][]string{nil, {"urn:ietf:params:scim:event:prov:delete", "urn:ietf:params:scim:event:prov:activate"}} {
		h, err := scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.BearerTokens{"x": "acme"}, SecurityEvents: uris})
		require.NoError(t, err)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/ServiceProviderConfig", nil))
		var config struct {
			SecurityEvents *struct {
				AsyncRequest string
				EventUris    []string
			}
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &config), w.Body.String())
		if uris == nil {
			assert.Nil(t, config.SecurityEvents)
			continue
		}
		require.NotNil(t, config.SecurityEvents)
		assert.Equal(t, "none", config.SecurityEvents.AsyncRequest)
		assert.Equal(t, uris, config.SecurityEvents.EventUris)
	}
}
