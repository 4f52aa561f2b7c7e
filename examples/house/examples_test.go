package house_test

import (
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The documentation of each package that a product needs first has an example with its output, and that of the packages that it uses most has
// several.
func TestExamples(t *testing.T) {
	least := map[string]int{
		"scim": 3, "scim/typed": 3, "scim/connection": 1, "scim/scimtest": 1, "scim/scimtest/replay": 1,
		"lifecycle": 9, "lifecycle/feed": 1, "lifecycle/webhook": 1,
		"mapping": 3, "mapping/table": 2,
		"store": 2, "store/filter": 2, "store/document": 1, "store/storetest": 1,
		"examples/memstore": 1, "examples/sqlstore/sqlite": 1,
	}
	all := 0
	for dir, want := range least {
		found := examples(t, "../../"+dir)
		assert.GreaterOrEqual(t, found, want, "%s has too few examples with an output", dir)
		all += found
	}
	assert.GreaterOrEqual(t, all, 25)
}

// examples counts the examples of a folder that have an output, and so are run by go test.
func examples(t *testing.T, dir string) (n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if !strings.Contains(string(text), "\nfunc Example") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		require.NoError(t, err)
		for _, e := range doc.Examples(file) {
			if e.Output != "" {
				n++
			}
		}
	}
	return n
}
