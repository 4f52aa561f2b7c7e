package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
)

func TestDevice(t *testing.T) {
	o := options(scim.Options{Auth: scim.BearerTokens{"secret": "acme"}})
	h, err := scim.NewHandler(memstore.New(), &o)
	require.NoError(t, err)
	server := httptest.NewServer(http.StripPrefix("/scim", h))
	defer server.Close()

	conversation, err := replay.Load(os.DirFS("."), "device.json")
	require.NoError(t, err)
	runner := replay.Runner{BaseURL: server.URL + "/scim", Token: "secret", Conventions: true}
	for _, result := range runner.Run(t.Context(), conversation) {
		if !result.OK() {
			t.Errorf("%s\n    sent: %s\n    got: %s", result, result.Sent, result.Body)
		}
	}
}
