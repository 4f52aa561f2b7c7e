package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/scim/scimtest/idp"
)

type object = map[string]any

// The commands of docs/adopting.md, as they stand there, lead from fifty people who have signed up by themselves to people whom Okta manages.
func TestAdopting(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds commands")
	}
	page, err := os.ReadFile("../../docs/adopting.md")
	require.NoError(t, err)
	text, _, found := strings.Cut(string(page), "## Importing people")
	require.True(t, found)
	var script strings.Builder
	script.WriteString("set -eu\n")
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1)
	require.Len(t, blocks, 5)
	dir := t.TempDir()
	db := "sqlite:" + filepath.Join(dir, "rollcall.db")
	p := try.Start(t, new(app.App).Boot("app"), "-store", db)
	for _, b := range blocks {
		script.WriteString(b[1])
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	commands := strings.NewReplacer("http://127.0.0.1:8080", strings.TrimSuffix(p.Base, "/scim/v2"), "sqlite:rollcall.db", db, "@people.csv", "@"+filepath.Join(dir, "people.csv"),
		"-o preview.csv", "-o "+filepath.Join(dir, "preview.csv")).Replace(script.String())

	// Who signed up is who is in Okta by now, but for one; and one of them is a freelancer.
	company := try.Start(t, new(app.App).Boot("app"))
	_, err = idp.Simulate(t.Context(), idp.Options{IdP: "okta", URL: company.Base, Token: try.Token, Seed: 7, People: 50, Days: 1, Keep: true})
	require.NoError(t, err)
	file := "userName,email,state,firstLogin,billed\n"
	ids := map[string]bool{}
	for i, x := range company.Do(200, "GET", "/Users?count=100", "")["Resources"].([]any) {
		if name := x.(object)["userName"].(string); i > 0 {
			file += strings.ToUpper(name) + "," + name + ",active,2025-03-01T08:00:00Z,true\n"
		}
	}
	file += "freelancer,f@else.example,active,2025-03-01T08:00:00Z,true\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "people.csv"), []byte(file), 0o600))

	cmd := exec.Command("sh", "-c", commands)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), `"state":"live"`)
	assert.Regexp(t, `\ncreate [1-9], (link|change) \d+.*, unknown 1\n`, string(out), "the table")
	csv, err := os.ReadFile(filepath.Join(dir, "preview.csv"))
	require.NoError(t, err)
	assert.Contains(t, string(csv), "freelancer,unknown")

	managed := 0
	for _, x := range p.Do(200, "GET", "/app/users?tenant=acme", "")["users"].([]any) {
		u := x.(object)
		require.False(t, ids[u["userName"].(string)])
		ids[u["userName"].(string)] = true
		if u["managedBy"] == "scim" {
			managed++
		}
	}
	assert.GreaterOrEqual(t, managed, 49)
	assert.Equal(t, managed+1, len(ids))
	p.Do(200, "GET", "/app/seats?tenant=acme", "")
}
