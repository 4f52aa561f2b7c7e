package filter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/store/document"
)

// TestFoldLiteral shows that a literal keeps those blanks that can be within a value.
func TestFoldLiteral(t *testing.T) {
	for _, tt := range []struct {
		op         Op
		text, want string
	}{
		{Eq, " A ", "a"}, {Ne, "\u00a0A", "a"}, {Gt, "A ", "a"}, {Le, " A", "a"},
		{Co, " A ", " a "}, {Sw, " A ", "a "}, {Ew, " A ", " a"},
		{Co, "E\u0301 ", "é "}, {Sw, "\u200b\u00a0Ａ\u3000", "a "}, {Ew, "\u00a0A\u200b", " a"},
	} {
		assert.Equal(t, tt.want, Fold(tt.op, tt.text), "%s %q", tt.op, tt.text)
	}
}

func TestMatchBlanks(t *testing.T) {
	src := source(t, `{"userName":"  Anna\u00a0Smith ","title":" "}`)
	for filter, want := range map[string]bool{
		`userName eq "anna smith"`: true, `userName eq " anna smith  "`: true, `userName eq "annasmith"`: false, `userName ne "ANNA SMITH"`: false,
		`userName sw "anna "`: true, `userName sw " anna"`: true, `userName sw "anna  "`: false, `userName ew " smith"`: true, `userName ew "smith "`: true,
		`userName co "a s"`: true, `userName co " smith"`: true, `userName co "smith "`: false, `userName co ""`: true, `userName gt "anna"`: true,
		`title eq ""`: true, `title pr`: true, `title eq null`: false, `title sw " "`: true,
	} {
		assert.Equal(t, want, Match(bound(t, filter), src), filter)
	}
}

// FuzzFoldLiteral shows, for any value and literal, that eq holds if and only if their index keys are equal, and that co, sw and ew hold
// for equal texts.
func FuzzFoldLiteral(f *testing.F) {
	f.Add("Anna ", " ANNA")
	f.Add("e\u0301", "É")
	f.Add("a \u200b", "a")
	f.Fuzz(func(t *testing.T, value, literal string) {
		src := treed{Value: document.Object(document.Field{Name: "userName", Value: document.String(value)})}
		compare := func(op Op, literal string) bool {
			return Match(Compare{Attr: attributes["userName"], Op: op, Value: document.String(Fold(op, literal))}, src)
		}
		equal := document.Fold(value) == document.Fold(literal)
		require.Equal(t, equal, compare(Eq, literal))
		require.Equal(t, !equal, compare(Ne, literal))
		require.Equal(t, equal, compare(Le, literal) && compare(Ge, literal))
		for _, op := range []Op{Co, Sw, Ew} { // these hold only for a value without blanks at its ends
			require.True(t, compare(op, document.Fold(value)), "%s", op)
		}
		key, ok := SortKey(src, attributes["userName"])
		require.True(t, ok)
		require.Equal(t, document.Fold(value), key)
	})
}
