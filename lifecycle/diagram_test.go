package lifecycle

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the diagram of the state table into docs/lifecycle.md")

// TestDiagram keeps the diagram of docs/lifecycle.md the table's. go generate writes it anew.
func TestDiagram(t *testing.T) {
	const file, begin, end = "../docs/lifecycle.md", "<!-- states:begin -->\n", "<!-- states:end -->"
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok, "docs/lifecycle.md has no place for the diagram")
	drawn, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(before+begin+diagram()+end+after), 0o644))
		return
	}
	require.Equal(t, diagram(), drawn, "the diagram is not the table's: run go generate ./lifecycle")
}

// diagram draws the table for Mermaid.
func diagram() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	name := func(s State) string {
		if s == None {
			return "[*]"
		}
		return string(s)
	}
	for _, from := range States {
		for c := range causes {
			m, ok := Table[from][c]
			if !ok || m.To == from && m.Events == nil {
				continue
			}
			_, events, err := Account{State: from, Billed: from == Active}.move(c)
			if err != nil {
				continue
			}
			fmt.Fprintf(&b, "    %s --> %s: %s", name(from), name(m.To), c)
			for i, k := range events {
				b.WriteString(map[bool]string{true: " / ", false: ", "}[i == 0] + string(k))
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("```\n")
	return b.String()
}
