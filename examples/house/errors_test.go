package house_test

import (
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
)

var update = flag.Bool("update", false, "write the catalogue of errors into docs/errors.md")

const errorsPage = "../../docs/errors.md"

// The catalogue in docs/errors.md has every error that the code can answer, and each explanation in the journal. It is made from the code. After
// a change of an error, `go test ./examples/house -run TestErrors -update` writes it.
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

// catalogue compares the text between two marks of the page with the text that should be there, or writes it.
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
	var parsed []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, "../../"+folder+"/"+e.Name(), nil, 0)
		require.NoError(t, err)
		parsed = append(parsed, f)
	}
	r := newReader(folder, parsed)
	for _, f := range parsed {
		for _, d := range f.Decls {
			r.enter(d)
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "invalid" && folder == "scim/connection" {
						explained = append(explained, r.lines(n.Args[0])...)
					} else {
						rows = append(rows, r.called(n)...)
					}
				case *ast.CompositeLit:
					rows, explained = append(rows, r.made(n)...), append(explained, r.explanation(n)...)
				case *ast.FuncDecl:
					if explains[n.Name.Name] {
						explained = append(explained, r.returned(n)...)
					}
				case *ast.ValueSpec:
					if folder == "mapping" && n.Names[0].Name == "forms" {
						rows = append(rows, r.wanted(n)...)
					}
				case *ast.AssignStmt:
					if at, is := n.Lhs[0].(*ast.SelectorExpr); is && n.Tok == token.ASSIGN && at.Sel.Name == "Detail" && literal(n.Rhs[0]) != "" && literal(n.Rhs[0]) != "…" {
						t.Errorf("%s: write the detail in the literal of the error, where this catalogue finds it", files.Position(n.Pos()))
					}
				}
				return true
			})
		}
	}
	return rows, explained
}

// explains are the functions that return an explanation.
var explains = map[string]bool{"whoseName": true, "explainAction": true, "explainStay": true}

// returned are the texts that a function returns.
func (r *reader) returned(f *ast.FuncDecl) (lines []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		if x, ok := n.(*ast.ReturnStmt); ok {
			lines = append(lines, r.lines(x.Results[0])...)
		}
		return true
	})
	return lines
}

// explanation is what the journal says beside an error, or in a note.
func (r *reader) explanation(lit *ast.CompositeLit) []string {
	kind, fields := fieldsOf(lit)
	switch {
	case kind == "InvalidError" && strings.HasPrefix(r.folder, "scim/connection"):
		return r.lines(fields["Detail"])
	case kind == "Refusal" && fields["Explanation"] != nil:
		return r.lines(fields["Explanation"])
	case kind == "Refusal" && fields["Reason"] == nil && fields["Detail"] != nil: // an entry that nobody is answered
		return r.lines(fields["Detail"])
	case kind == "Note" && fields["Text"] != nil:
		return r.lines(fields["Text"])
	}
	return nil
}

// lines are entries of the list for what an expression may be.
func (r *reader) lines(e ast.Expr) (lines []string) {
	for _, text := range r.texts(e) {
		lines = append(lines, line(text)...)
	}
	return lines
}

// line is an entry of the list; a text of which nothing is known before has none.
func line(text string) []string {
	if text = escaped(text); strings.Trim(text, "…: ") == "" {
		return nil
	}
	return []string{"- " + text}
}

// wanted are the rows of the forms that mapping checks values against.
func (r *reader) wanted(spec *ast.ValueSpec) (rows []string) {
	for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
		rows = append(rows, row("400", "invalidValue", "…: want "+literal(e.(*ast.KeyValueExpr).Value))...)
	}
	return rows
}

// called are the rows of a call that makes an error: its arguments are the type and the text.
func (r *reader) called(call *ast.CallExpr) (rows []string) {
	name, args := nameOf(call), call.Args
	each := func(text ast.Expr, row func(text string) []string) []string {
		for _, text := range r.texts(text) {
			rows = append(rows, row(text)...)
		}
		return rows
	}
	switch {
	case name == "badRequest" && len(args) >= 2, name == "fail" && len(args) == 2:
		return each(args[1], func(text string) []string { return row("400", literal(args[0]), text) })
	case name == "invalid" && r.folder == "mapping":
		return each(args[1], func(text string) []string { return row("400", "invalidValue", "…: "+text) })
	case name == "invalid" && len(args) >= 3:
		return each(args[2], func(text string) []string { return row("400", literal(args[0]), literal(args[1])+": "+text) })
	case name == "fail" && len(args) == 1:
		return each(args[0], r.failed)
	}
	if m, ok := r.makers[name]; ok && m.argument < len(args) {
		return each(args[m.argument], m.row)
	}
	return nil
}

// failed is the row of a parser's error.
func (r *reader) failed(text string) []string {
	switch r.folder {
	case "store/filter":
		return row("400", "invalidFilter, invalidPath", "… want "+text)
	case "store/document":
		return row("400", "invalidSyntax", "the body is not usable JSON: "+text)
	}
	return nil
}

// statuses are those of lifecycle's reasons.
var statuses = map[string][2]string{"Forbidden": {"403", ""}, "Invalid": {"400", "invalidValue"}, "Taken": {"409", "uniqueness"},
	"NoSeat": {"403", ""}, "TooLarge": {"413", ""}, "NotFound": {"404", ""}, "HeldBack": {"429", ""}}

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

// made are the rows of a literal of an error's type.
func (r *reader) made(lit *ast.CompositeLit) (rows []string) {
	kind, fields := fieldsOf(lit)
	if fields["Detail"] == nil {
		return nil
	}
	for _, text := range r.texts(fields["Detail"]) {
		if path := fields["Attribute"]; path != nil {
			text = literal(path) + ": " + text
		}
		switch kind {
		case "InvalidError": // of a mapping; what has the path of no attribute is about the product's own declaration
			if path := fields["Path"]; path != nil && literal(path) == "…" {
				rows = append(rows, row("400", "invalidValue", "…: "+text)...)
			}
		case "Refusal":
			if reason, ok := fields["Reason"].(*ast.Ident); ok {
				s := statuses[reason.Name]
				rows = append(rows, row(s[0], s[1], text)...)
			}
		case "Error":
			status := "400"
			if s, ok := fields["Status"].(*ast.SelectorExpr); ok {
				status = statusOf(s.Sel.Name)
			}
			rows = append(rows, row(status, literal(fields["Type"]), text)...)
		}
	}
	return rows
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
