package house_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

var update = flag.Bool("update", false, "write the catalogue of errors into docs/errors.md")

const errorsPage = "../../docs/errors.md"

// The catalogue in docs/errors.md has every error that the code can answer, and what the journal explains beside: it is made from the
// code. After a change of one run `go test ./examples/house -run TestErrors -update`.
func TestErrors(t *testing.T) {
	var rows, explanations []string
	packages := []string{"scim", "scim/patch", "scim/schema", "scim/internal/patch", "scim/internal/schema", "scim/connection", "scim/connection/federation", "lifecycle", "mapping", "store/filter", "store/document"}
	for _, p := range packages {
		answered, explained := errorsOf(t, p)
		rows, explanations = append(rows, answered...), append(explanations, explained...)
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	require.Greater(t, len(rows), 100)
	catalogue(t, "errors", "| status | scimType | detail |\n|---|---|---|\n"+strings.Join(rows, "\n")+"\n")
	slices.Sort(explanations)
	explanations = slices.Compact(explanations)
	require.Greater(t, len(explanations), 10)
	catalogue(t, "explanations", strings.Join(explanations, "\n")+"\n")
}

// catalogue compares what stands between two marks of the page with what should, or writes it.
func catalogue(t *testing.T, mark, want string) {
	begin, end := "<!-- "+mark+":begin -->\n", "<!-- "+mark+":end -->"
	page, err := os.ReadFile(errorsPage)
	require.NoError(t, err)
	head, rest, found := strings.Cut(string(page), begin)
	require.True(t, found)
	got, tail, found := strings.Cut(rest, end)
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(errorsPage, []byte(head+begin+want+end+tail), 0o600))
		return
	}
	assert.Equal(t, want, got, "run: go test ./examples/house -run TestErrors -update")
}

// errorsOf are the rows of a package's errors, and what it explains beside them. A package that isn't there has none.
func errorsOf(t *testing.T, folder string) (rows, explained []string) {
	files := token.NewFileSet()
	entries, err := os.ReadDir("../../" + folder)
	if err != nil {
		return nil, nil
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, "../../"+folder+"/"+e.Name(), nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "invalid" && folder == "scim/connection" {
					explained = append(explained, line(literal(n.Args[0]))...)
				} else {
					rows = append(rows, called(folder, n)...)
				}
			case *ast.CompositeLit:
				rows, explained = append(rows, made(n)...), append(explained, explanation(folder, n)...)
			case *ast.FuncDecl:
				if explains[n.Name.Name] {
					explained = append(explained, returned(n)...)
				}
			case *ast.ValueSpec:
				if folder == "mapping" && n.Names[0].Name == "forms" {
					rows = append(rows, wanted(n)...)
				}
			case *ast.AssignStmt:
				if at, is := n.Lhs[0].(*ast.SelectorExpr); is && n.Tok == token.ASSIGN && at.Sel.Name == "Detail" && literal(n.Rhs[0]) != "" && literal(n.Rhs[0]) != "…" {
					t.Errorf("%s: write the detail in the literal of the error, where this catalogue finds it", files.Position(n.Pos()))
				}
			}
			return true
		})
	}
	return rows, explained
}

// explains are the functions that return an explanation.
var explains = map[string]bool{"whoseName": true, "explainAction": true, "explainStay": true}

// returned are the texts that a function returns.
func returned(f *ast.FuncDecl) (lines []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok {
			lines = append(lines, line(literal(r.Results[0]))...)
		}
		return true
	})
	return lines
}

// explanation is what the journal says beside an error, or in a note.
func explanation(folder string, lit *ast.CompositeLit) []string {
	kind, fields := fieldsOf(lit)
	if kind == "InvalidError" && strings.HasPrefix(folder, "scim/connection") {
		return line(literal(fields["Detail"]))
	}
	if kind == "Refusal" && fields["Explanation"] != nil {
		return line(literal(fields["Explanation"]))
	}
	if kind == "Refusal" && fields["Reason"] == nil && fields["Detail"] != nil { // an entry that nobody is answered
		return line(literal(fields["Detail"]))
	}
	if kind == "Note" && fields["Text"] != nil {
		return line(literal(fields["Text"]))
	}
	return nil
}

// line is an entry of the list; a text of which nothing is known before has none.
func line(text string) []string {
	if text = escaped(text); strings.Trim(text, "…: ") == "" {
		return nil
	}
	return []string{"- " + text}
}

// wanted are the rows of the forms that mapping checks values against.
func wanted(spec *ast.ValueSpec) (rows []string) {
	for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
		rows = append(rows, row("400", "invalidValue", "…: want "+literal(e.(*ast.KeyValueExpr).Value))...)
	}
	return rows
}

// called is the row of a call that makes an error: its arguments are the type and the text.
func called(folder string, call *ast.CallExpr) []string {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	switch {
	case name == "badRequest" && len(call.Args) >= 2:
		return row("400", literal(call.Args[0]), literal(call.Args[1]))
	case name == "invalid" && folder == "mapping":
		return row("400", "invalidValue", "…: "+literal(call.Args[1]))
	case name == "invalid" && len(call.Args) >= 3:
		return row("400", literal(call.Args[0]), literal(call.Args[1])+": "+literal(call.Args[2]))
	case name == "fail" && len(call.Args) == 2:
		return row("400", literal(call.Args[0]), literal(call.Args[1]))
	case name == "fail" && len(call.Args) == 1 && folder == "store/filter":
		return row("400", "invalidFilter, invalidPath", "… want "+literal(call.Args[0]))
	case name == "fail" && len(call.Args) == 1 && folder == "store/document":
		return row("400", "invalidSyntax", "the body is not usable JSON: "+literal(call.Args[0]))
	}
	return nil
}

// statuses are those of lifecycle's reasons.
var statuses = map[string][2]string{"Forbidden": {"403", ""}, "Invalid": {"400", "invalidValue"}, "Taken": {"409", "uniqueness"},
	"NoSeat": {"403", ""}, "TooLarge": {"413", ""}, "NotFound": {"404", ""}, "Braked": {"429", ""}, "Held": {"429", ""}}

// fieldsOf are the name of a literal's type and the literal's fields.
func fieldsOf(lit *ast.CompositeLit) (kind string, fields map[string]ast.Expr) {
	switch x := lit.Type.(type) {
	case *ast.Ident:
		kind = x.Name
	case *ast.SelectorExpr:
		kind = x.Sel.Name
	}
	fields = map[string]ast.Expr{}
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if name, ok := kv.Key.(*ast.Ident); ok {
				fields[name.Name] = kv.Value
			}
		}
	}
	return kind, fields
}

// made is the row of a literal of an error's type.
func made(lit *ast.CompositeLit) []string {
	kind, fields := fieldsOf(lit)
	detail := fields["Detail"]
	if detail == nil || kind != "Error" && kind != "Refusal" && kind != "InvalidError" {
		return nil
	}
	text := literal(detail)
	if path := fields["Attribute"]; path != nil {
		text = literal(path) + ": " + text
	}
	if kind == "InvalidError" { // of a mapping; what has the path of no attribute is about the product's own declaration
		if path := fields["Path"]; path == nil || literal(path) != "…" {
			return nil
		}
		return row("400", "invalidValue", "…: "+literal(detail))
	}
	if kind == "Refusal" {
		reason, ok := fields["Reason"].(*ast.Ident)
		if !ok {
			return nil
		}
		s := statuses[reason.Name]
		return row(s[0], s[1], text)
	}
	status := "400"
	if s, ok := fields["Status"].(*ast.SelectorExpr); ok {
		status = statusOf(s.Sel.Name)
	}
	return row(status, literal(fields["Type"]), text)
}

// statusOf is the number of one of net/http's constants.
func statusOf(name string) string {
	for status := 400; status < 600; status++ {
		if "Status"+strings.NewReplacer(" ", "", "-", "", "'", "").Replace(http.StatusText(status)) == name {
			return strconv.Itoa(status)
		}
	}
	return map[string]string{"StatusRequestEntityTooLarge": "413", "StatusInternalServerError": "500"}[name]
}

var verb = regexp.MustCompile(`%[-+#]*[0-9.]*[a-zA-Z]`)

// literal is the text of an expression, with … for what is known at run time only.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case nil:
		return ""
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err != nil {
			return "…"
		}
		return s
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return verb.ReplaceAllString(literal(e.Args[0]), "…")
		}
	}
	return "…"
}

// row is a line of the table; a text of which nothing is known before has none.
func row(status, scimType, detail string) []string {
	if detail = escaped(detail); strings.Trim(detail, "…: ") == "" {
		return nil
	}
	return []string{fmt.Sprintf("| %s | %s | %s |", status, scimType, detail)}
}

// escaped is a text as the page has it.
func escaped(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(verb.ReplaceAllString(text, "…"))
}

// Whatever the journal calls an operation has a name in the portal's languages.
func TestOperations(t *testing.T) {
	var operations []string
	take := func(e ast.Expr) {
		if text := literal(e); strings.Trim(text, "… ") != "" { // the others are a method and an endpoint
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

// Every status that an error has is explained on the page.
func TestStatusesAreExplained(t *testing.T) {
	page, err := os.ReadFile(errorsPage)
	require.NoError(t, err)
	head, table, _ := strings.Cut(string(page), "<!-- errors:begin -->")
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d{3}) \|`).FindAllStringSubmatch(table, -1) {
		seen[m[1]] = true
	}
	for _, status := range slices.Sorted(maps.Keys(seen)) {
		assert.Contains(t, head, "**"+status+"**", "docs/errors.md says what to do about it")
	}
}
