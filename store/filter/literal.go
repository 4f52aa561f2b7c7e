package filter

import (
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Fold returns the form of a text that is compared by op with values of an attribute that is not caseExact. Whoever binds a
// comparison must use it, because a folded value has no blanks at its ends: a text to be found inside of it (co) keeps its
// blanks, one at its beginning (sw) those behind, one at its end (ew) those before, and any other has none.
func Fold(op Op, text string) string {
	switch op {
	case Co:
		return document.FoldPart(text)
	case Sw:
		return strings.TrimLeft(document.FoldPart(text), " ")
	case Ew:
		return strings.TrimRight(document.FoldPart(text), " ")
	}
	return document.Fold(text)
}
