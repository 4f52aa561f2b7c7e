package main

import (
	"bytes"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the tables into docs/elimity.md anew")

// Rollcall's handler answers everything as it was recorded, and the document shows what the program prints.
func TestDocument(t *testing.T) {
	const document, mark = "../../docs/elimity.md", "<!-- go run ./examples/elimity -->\n"
	var out bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), nil, &out, io.Discard), "%s", &out)
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), mark)
	require.True(t, found)
	shown, after, found := strings.Cut(rest, "\n<!-- end -->")
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(before+mark+out.String()+"\n<!-- end -->"+after), 0o644))
		return
	}
	assert.Equal(t, out.String(), shown, "run go test ./examples/elimity -update")
}

// Two services of one kind answer alike, so that every difference is one.
func TestNoDifference(t *testing.T) {
	serve := func(token string) string {
		h, err := handler(token)
		require.NoError(t, err)
		s := httptest.NewServer(http.StripPrefix("/scim", h))
		t.Cleanup(s.Close)
		return s.URL + "/scim"
	}
	var out, wrong bytes.Buffer
	status := run(t.Context(), []string{"-idp", "onelogin", "-each", "-old", serve("one"), "-old-token", "one", "-new", serve("two"), "-new-token", "two"}, &out, &wrong)
	assert.Equal(t, exitOK, status, "%s%s", &out, &wrong)
	assert.Contains(t, out.String(), "| onelogin | 10 | 10 | 10 | 10 | 0 | 0 |")
}

// Where the new service answers wrongly, the status of the program says so, and each step is listed.
func TestWorse(t *testing.T) {
	h, err := adapted("token")
	require.NoError(t, err)
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	var out bytes.Buffer
	assert.Equal(t, exitFailed, run(t.Context(), []string{"-idp", "entra", "-each", "-new", s.URL, "-new-token", "token"}, &out, io.Discard))

	out.Reset()
	require.Equal(t, exitOK, run(t.Context(), []string{"-idp", "entra", "-each"}, &out, io.Discard))
	assert.Contains(t, out.String(), "entra/11-disable-and-restore-string-boolean, step 2: PATCH /Users/ID\n    status 400, 200: ")
}

func TestRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"flag provided but not defined":         {"-nonesuch"},
		"there are no conversations in [paper]": {"-idp", "paper"},
		"nothing answers at http://127.0.0.1:1": {"-old", "http://127.0.0.1:1"},
		"nothing answers at http://127.0.0.1:2": {"-new", "http://127.0.0.1:2"},
	} {
		var wrong bytes.Buffer
		assert.Equal(t, exitError, run(t.Context(), args, io.Discard, &wrong))
		assert.Contains(t, wrong.String(), want)
	}
}
