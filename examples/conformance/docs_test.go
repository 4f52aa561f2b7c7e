package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim/scimtest"
)

var update = flag.Bool("update", false, "write the tables into README.md and docs/conformance.md anew")

// The tables in the documents are what the command prints.
func TestDocuments(t *testing.T) {
	ours, theirs := scimtest.Target{}, scimtest.Target{}
	require.NoError(t, own(&ours, false))
	require.NoError(t, own(&theirs, true))
	table := func(target scimtest.Target, write func(*scimtest.Report, *strings.Builder) error) string {
		report, err := scimtest.Check(t.Context(), target)
		require.NoError(t, err)
		var b strings.Builder
		require.NoError(t, write(report, &b))
		return b.String()
	}
	whole := func(r *scimtest.Report, b *strings.Builder) error { return r.Table(b) }
	for _, d := range []struct{ file, mark, table string }{
		{"../../docs/conformance.md", "<!-- go run ./examples/conformance -quiet -->\n", table(ours, whole)},
		{"../../docs/conformance.md", "<!-- go run ./examples/conformance -elimity -quiet -->\n", table(theirs, whole)},
		{"../../README.md", "<!-- go run ./examples/conformance -quiet -->\n", table(ours, func(r *scimtest.Report, b *strings.Builder) error { return r.Summary(b) })},
	} {
		text, err := os.ReadFile(d.file)
		require.NoError(t, err)
		before, after, found := strings.Cut(string(text), d.mark)
		require.True(t, found, "%s: %s", d.file, d.mark)
		shown, rest, _ := strings.Cut(after, "\n\n")
		if *update {
			require.NoError(t, os.WriteFile(d.file, []byte(before+d.mark+strings.TrimRight(d.table, "\n")+"\n\n"+rest), 0o644))
			continue
		}
		assert.Equal(t, strings.TrimRight(d.table, "\n"), shown, "%s shows another table: run go test ./examples/conformance -run TestDocuments -update", d.file)
	}
}
