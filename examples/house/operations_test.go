package house_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// Each operation in the journal has a name in the portal's languages.
func TestOperations(t *testing.T) {
	var operations []string
	take := func(e ast.Expr) {
		if text := literal(e); strings.Trim(text, "… ") != "" { // other operations are a method and an endpoint
			operations = append(operations, strings.ReplaceAll(verb.ReplaceAllString(text, "%s"), "…", "%s"))
		}
	}
	for _, folder := range []string{"lifecycle", "lifecycle/webhook", "scim", "scim/connection", "scim/portal"} {
		entries, err := os.ReadDir("../../" + folder)
		require.NoError(t, err)
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), "../../"+folder+"/"+e.Name(), nil, 0)
			require.NoError(t, err)
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr: // click and commit have it as an argument
					if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "click" && len(n.Args) == 2 {
						take(n.Args[1])
					} else if ok && f.Sel.Name == "commit" && folder == "scim/connection" && len(n.Args) > 3 {
						take(n.Args[3])
					}
				case *ast.CompositeLit:
					if kind, fields := fieldsOf(n); kind == "Request" || kind == "Entry" {
						take(fields["Action"])
					}
				case *ast.AssignStmt:
					switch at := n.Lhs[0].(type) {
					case *ast.SelectorExpr:
						if at.Sel.Name == "Action" {
							take(n.Rhs[0])
						}
					case *ast.Ident:
						if at.Name == "action" {
							take(n.Rhs[0])
						}
					}
				}
				return true
			})
		}
	}
	for _, c := range []lifecycle.Cause{lifecycle.Approve, lifecycle.Reject, lifecycle.Suspend, lifecycle.Reactivate} {
		operations = append(operations, c.String())
	}
	slices.Sort(operations)
	operations = slices.Compact(operations)
	require.Greater(t, len(operations), 20)
	for _, language := range []string{"en", "de"} {
		text, err := os.ReadFile("../../scim/portal/text/" + language + ".json")
		require.NoError(t, err)
		var texts map[string]string
		require.NoError(t, json.Unmarshal(text, &texts))
		for _, operation := range operations {
			if operation != "what if" && operation != "preview" { // these write no entry
				assert.NotEmpty(t, texts["operation."+operation], "scim/portal/text/%s.json has no operation.%s", language, operation)
			}
		}
	}
}
