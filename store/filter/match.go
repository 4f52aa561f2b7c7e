package filter

import "github.com/rollcall-dev/rollcall/store/document"

// Source is what a filter is evaluated on. store.Resource knows its attributes; a store adds its membership rows.
type Source interface {
	// Attribute returns a top-level attribute's value, with Path.Sub disregarded; the zero Value if there is none.
	Attribute(p Path) document.Value
	// Related says whether some row of the relation satisfies the predicate. The row is an object with the members
	// value, type and display.
	Related(r Relation, where func(row document.Value) bool) bool
}
