package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/scim/scimtest/idp"
)

// All providers are right about all stores, one after the other on the same service. The whole year of 500 people is
// go run ./examples/simulate -idp all -people 500 -store ...
func TestStores(t *testing.T) {
	try.OnStores(t, func(t *testing.T, store string) {
		p := try.Start(t, boot.App{Name: "simulate"}, "-store", store)
		for _, name := range idp.Names() {
			t.Run(name, func(t *testing.T) {
				report, err := idp.Simulate(t.Context(), idp.Options{IdP: name, URL: p.Base, Token: try.Token, Seed: 11, People: 24, Days: 90})
				require.NoError(t, err)
				for _, d := range report.Disagreements {
					t.Error(d)
				}
				assert.Empty(t, report.Failures)
				assert.Equal(t, 3, report.Comparisons)
			})
		}
	})
}

func TestCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	var out, errors bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-idp", "okta", "-people", "20", "-days", "40", "-json", file}, &out, &errors), out.String()+errors.String())
	assert.Contains(t, out.String(), "okta, day 30: ")
	assert.Contains(t, out.String(), " 0 failed, 0 disagreements")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var reports []idp.Report
	require.NoError(t, json.Unmarshal(text, &reports))
	assert.Equal(t, 40, reports[0].Days)

	for _, args := range [][]string{{"-idp", "kit"}, {"-url", "http://127.0.0.1:0"}, {"x"}, {"-kit"}, {"-store", "kit"}} {
		errors.Reset()
		assert.Equal(t, exitError, run(t.Context(), args, &out, &errors), args)
		assert.NotEmpty(t, errors.String())
	}
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &out, &errors))
}
