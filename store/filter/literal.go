package filter

import (
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
)

// Fold returns the form of a literal that op compares with values of an attribute that is not caseExact. Binding must use it instead of
// [document.Fold], which removes the blanks at both ends, as it does of values. A literal that may be found within a value (co) keeps its
// blanks, one at the beginning of a value (sw) keeps those at its end, and one at the end of a value (ew) keeps those at its beginning.
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
