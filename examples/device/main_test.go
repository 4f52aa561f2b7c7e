package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
	"github.com/rollcall-dev/rollcall/scim/scimtest/replay"
)

func TestDevice(t *testing.T) {
	try.OnStores(t, func(t *testing.T, store string) {
		product := try.Start(t, app(), "-store", store)
		conversation, err := replay.Load(os.DirFS("."), "device.json")
		require.NoError(t, err)
		runner := replay.Runner{BaseURL: product.Base, Token: try.Token, Conventions: true}
		for _, result := range runner.Run(t.Context(), conversation) {
			if !result.OK() {
				t.Errorf("%s\n    sent: %s\n    got: %s", result, result.Sent, result.Body)
			}
		}
	})
}

// The kit tests the product's own type and extension, too.
func TestConformance(t *testing.T) {
	product := try.Start(t, app())
	report := scimtest.Run(t, scimtest.Target{URL: product.Base, Token: try.Token})
	for _, r := range report.Clauses {
		if r.ID == "7643-2.2-immutable" || r.ID == "7643-2.2-request" {
			require.Equal(t, "Device", r.Case)
		}
	}
}
