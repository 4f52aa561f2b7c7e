package quirk

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of deviations into docs/protocol.md")

// TestDocument shows that docs/protocol.md has the table.
func TestDocument(t *testing.T) {
	const file, begin, end = "../../../docs/protocol.md", "<!-- quirks:begin -->\n", "<!-- quirks:end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	shown, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the table", file)
	}
	var b strings.Builder
	b.WriteString("| deviation | who sends it | what is made of it |\n|---|---|---|\n")
	for _, row := range Table {
		cell := strings.NewReplacer("|", `\|`)
		b.WriteString("| `" + row.Name + "` | " + cell.Replace(row.From) + " | " + cell.Replace(row.Becomes) + " |\n")
	}
	switch {
	case *update:
		if err := os.WriteFile(file, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case shown != b.String():
		t.Errorf("%s shows another table: run go test ./scim/internal/quirk -update", file)
	}
}
