package portal

import (
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
)

// LineModel is an entry of the journal as pages show it.
type LineModel struct {
	lifecycle.JournalEntry
	Did string      `json:"did"` // the operation, in the page's language
	Why Explanation `json:"why"` // what the entry explains, likewise
}

// lines are entries of the journal as pages show them.
func (v *visit) lines(entries []lifecycle.JournalEntry) ([]LineModel, error) {
	list := make([]LineModel, len(entries))
	for i, e := range entries {
		why, err := v.why(e.Reasons...)
		if err != nil {
			return nil, err
		}
		list[i] = LineModel{e, v.did(e.Operation), why}
	}
	return list, nil
}

// did is what an operation of the journal is called in the page's language.
func (v *visit) did(operation string) string {
	if text, ok := v.language.texts["operation."+operation]; ok {
		return text
	}
	if what, ok := strings.CutPrefix(operation, releaseFor); ok {
		return v.T("operation."+releaseFor+"%s", what)
	}
	method, path, _ := strings.Cut(operation, " ")
	if _, ok := v.language.texts["operation."+method]; ok {
		return v.T("operation."+method, path)
	}
	return operation
}

// Operations are those to choose from, by their names in the journal.
func (v *visit) Operations() []string {
	var list []string
	for key, text := range v.language.texts {
		if operation, ok := strings.CutPrefix(key, "operation."); ok && !strings.Contains(text, "%") {
			list = append(list, operation)
		}
	}
	slices.Sort(list)
	return list
}

const releaseFor = "release the brake for " // and how many, or how long
