package lifecycle

import (
	"context"
	"slices"
)

type notesKey struct{}

// maxNotes is how many notes an entry of the journal has at most.
const maxNotes = 50

// Note writes a line into the journal entry of the change that a guard is asked about: what it amended, and why. ctx is
// the guard's; elsewhere it does nothing. A line must not hold what may not be kept, such as a secret.
func Note(ctx context.Context, line string) {
	notes, ok := ctx.Value(notesKey{}).(*[]string)
	if ok && len(*notes) < maxNotes && !slices.Contains(*notes, line) {
		*notes = append(*notes, line)
	}
}
