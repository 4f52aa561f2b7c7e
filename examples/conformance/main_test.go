package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/boot"
	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/scim/scimtest"
)

// Our server keeps every clause on each store.
func TestStores(t *testing.T) {
	try.OnStores(t, func(t *testing.T, name string) {
		p := try.Start(t, boot.App{Name: "conformance"}, "-store", name)
		report, err := scimtest.Check(t.Context(), scimtest.Target{URL: p.Base, Token: try.Token})
		require.NoError(t, err)
		for _, r := range report.Clauses {
			if r.Result == scimtest.Failed {
				t.Error(r)
			}
		}
		assert.Greater(t, report.Totals.Passed, 230)
		assert.Empty(t, report.Left)
	})
}

// A type and an extension of a product's own are tested as they are described.
func TestCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "claim.json")
	var out, errors bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-json", file}, &out, &errors), errors.String())
	assert.NotContains(t, "\n"+out.String(), "\nFAIL ")
	assert.Contains(t, out.String(), "ok   7644-3.3-created (RFC 7644 section 3.3, MUST) User, Group\n")
	assert.Contains(t, out.String(), "| RFC 7644 | 3.3 | ")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var report scimtest.Report
	require.NoError(t, json.Unmarshal(text, &report))
	assert.Equal(t, report.Totals.Clauses, len(report.Clauses))
	assert.NotEmpty(t, report.Date)
}

func TestCommandFails(t *testing.T) {
	h, err := scim.NewHandler(memstore.New(), &scim.Options{Auth: scim.BearerTokens{"secret": "acme"}})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("If-Match")
		h.ServeHTTP(w, r)
	}))
	defer server.Close()
	var out, errors bytes.Buffer
	args := []string{"-url", server.URL, "-token", "secret", "-quiet", "-only", "7644-3.14-match-put,7644-3.14-header"}
	assert.Equal(t, exitFailed, run(t.Context(), args, &out, &errors), errors.String())
	assert.True(t, strings.HasPrefix(out.String(), "FAIL 7644-3.14-match-put (RFC 7644 section 3.14, MUST) User: header If-Match: want the status 412"), out.String())

	out.Reset()
	assert.Equal(t, exitFailed, run(t.Context(), append(args, "-json", "-"), &out, &errors))
	assert.True(t, json.Valid(out.Bytes()), "with -json - there is only JSON on stdout")

	for _, args := range [][]string{{"-url", "http://127.0.0.1:0"}, {"-profile", "kit"}, {"x"}, {"-only", "kit"}, {"-kit"}} {
		errors.Reset()
		assert.Equal(t, exitError, run(t.Context(), args, &out, &errors))
		assert.NotEmpty(t, errors.String())
	}
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &out, &errors))
}

// elimity's own Server can be tested, too, and the table in docs/conformance.md is what comes of it.
func TestElimity(t *testing.T) {
	server, err := elimityServer()
	require.NoError(t, err)
	report, err := scimtest.Check(t.Context(), scimtest.Target{Handler: server})
	require.NoError(t, err)
	failed := report.Failed()
	for _, id := range []string{"7644-3.3-location", "7644-3.4.3-search", "7644-3.9-attributes"} {
		assert.Contains(t, failed, id)
	}
	assert.Greater(t, report.Totals.Passed, 50)
}
