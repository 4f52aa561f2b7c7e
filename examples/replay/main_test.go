package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/memstore"
	"github.com/rollcall-dev/rollcall/scim"
)

func TestCommand(t *testing.T) {
	h, err := scim.NewHandler(memstore.New(), &scim.Options{Auth: scim.BearerTokens{"secret": "acme"}})
	require.NoError(t, err)
	deaf := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if deaf && r.Method == http.MethodPatch {
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		h.ServeHTTP(w, r)
	}))
	defer server.Close()
	var out, errors bytes.Buffer
	do := func(args ...string) int {
		out.Reset()
		errors.Reset()
		return run(t.Context(), append([]string{"-url", server.URL, "-token", "secret"}, args...), &out, &errors)
	}
	assert.Equal(t, exitOK, do("-idp", "entra,okta"), out.String()+errors.String())
	assert.Contains(t, out.String(), "entra/03-match-then-create-user: ")
	assert.NotContains(t, out.String(), "FAIL")
	assert.Contains(t, out.String(), "32 conversations, ")

	assert.Equal(t, exitOK, do("-file", "../device/device.json", "-h"))
	deaf = true
	assert.Equal(t, exitFailed, do("-idp", "jumpcloud,onelogin", "-quiet"))
	assert.Contains(t, out.String(), "FAIL idp/onelogin/")

	assert.Equal(t, exitError, do("-idp", "kit"))
	assert.Contains(t, errors.String(), "there are no conversations in [kit]")
	assert.Equal(t, exitError, do("-url", "http://127.0.0.1:0", "-idp", "google-workspace"))
	assert.Contains(t, errors.String(), "nothing answers")
	assert.Equal(t, exitError, do("-file", "nowhere.json"))
	assert.Equal(t, exitError, run(t.Context(), nil, &out, &errors))
	assert.Equal(t, exitError, do("x"))
}
