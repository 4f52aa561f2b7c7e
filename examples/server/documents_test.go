package main

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shell matches a block of commands in a document.
var shell = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// follow does what the commands of a document say, literally but for the address of the server, which runs on another port. It
// returns what they printed, by the headings that they stand under.
func follow(t *testing.T, document, only, address string) map[string]string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err == nil {
		_, err = exec.LookPath("curl")
	}
	if err != nil {
		t.Skip("the commands of the documents need bash and curl")
	}
	text, err := os.ReadFile(filepath.Join("..", "..", document))
	require.NoError(t, err)
	const mark = "\x01"
	var script strings.Builder
	for i, part := range strings.Split("\n"+string(text), "\n## ") {
		heading, body, _ := strings.Cut(part, "\n")
		if i == 0 {
			heading, body = "", part
		}
		if only != "" && heading != only {
			continue
		}
		script.WriteString("\nprintf '\\001%s\\001' '" + strings.ReplaceAll(heading, "'", "") + "'\n")
		for _, block := range shell.FindAllStringSubmatch(body, -1) {
			for line := range strings.Lines(block[1]) {
				if !strings.HasPrefix(line, "go run ") { // the server, which runs already
					script.WriteString(line)
				}
			}
		}
	}
	commands := strings.ReplaceAll(script.String(), "127.0.0.1:8080", address)
	require.Contains(t, commands, address, "the document talks to the server")
	run := exec.CommandContext(t.Context(), bash, "-u")
	run.Stdin = strings.NewReader(commands)
	out, err := run.CombinedOutput()
	require.NoError(t, err, "%s", out)
	printed := map[string]string{}
	parts := strings.Split(string(out), mark)
	for i := 1; i+1 < len(parts); i += 2 {
		printed[parts[i]] = parts[i+1]
	}
	return printed
}

// The walks through the documents print what the documents say.
func TestDocumentsAreFollowed(t *testing.T) {
	for _, c := range []struct {
		document, only string
		flags          []string
		prints         map[string][]string // by heading: what is printed, in this order
	}{
		{"docs/connections.md", "", []string{"-token", "acme=FIXED-TOKEN-OF-ACME"}, map[string][]string{
			"Issue a token":            {`"totalResults":0`, `"userName":"ada@acme.example"`, `"name":"Okta of acme"`, `"counts"`},
			"Rotate it":                {"200\n200\n204\n401\n"},
			"Pause, and switch off":    {`"state":"paused"`, `"status":"403"`, `"state":"live"`, `"effects":["`},
			"OAuth client credentials": {`"totalResults":1`, `"token_endpoint"`},
			"Federate with Entra ID":   {`"clientId"`},
			"Read the journal": {`"status":"409"`, `"outcome":"refused"`, `"explanation"`, `"entries":[`, `"operation":"POST /Users"`, `"keepBodiesUntil"`, `"status":"409"`,
				`"outcome":"refused"`},
		}},
		{"docs/operating.md", "", []string{"-token", "acme=SECRET", "-metrics", "-feed-token", "FEED"}, map[string][]string{
			"Seeing it": {`"userName":"ada@acme.example"`, `"status":"409"`, `rollcall_decisions_total{`, `rollcall_request_duration_seconds_bucket{`,
				"Rollcall-Operation: Users.list"},
			"Events are behind":                {`"consumers":`},
			"Events are parked":                {`"parked":[]`, "{"},
			"A consumer must stop for a while": {`"bob@acme.example"`, `"paused":true`},
			"A webhook fails":                  {`"secret":"whsec_`, `"state":"ok"`},
			"Credentials are refused":          {`"status":"401"`, `rollcall_auth_failures_total{`},
		}},
		{"README.md", "What your product is told", []string{"-token", "acme=SECRET", "-feed-token", "FEED", "-metrics"}, map[string][]string{
			"What your product is told": {`"userName":"eve@acme.example"`, `"kind":"provisioned"`, `"events":[`, `"secret":"whsec_`, `"consumers":`, "rollcall_outbox_lag_seconds"},
		}},
	} {
		t.Run(c.document, func(t *testing.T) {
			p := start(t, append([]string{"-addr", "127.0.0.1:0", "-store", "sqlite:" + filepath.Join(t.TempDir(), "walk.db")}, c.flags...)...)
			base, err := url.Parse(p.ready(t))
			require.NoError(t, err)
			printed := follow(t, c.document, c.only, base.Host)
			for heading, wants := range c.prints {
				rest := printed[heading]
				for _, want := range wants {
					before, after, found := strings.Cut(rest, want)
					if !assert.True(t, found, "%s: want %s in %s", heading, want, rest) {
						break
					}
					_, rest = before, after
				}
			}
		})
	}
}
