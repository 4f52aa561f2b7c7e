package sqlite

import (
	"context"
	"sync"
	"sync/atomic"
)

// A commit writes to the write-ahead log, and a checkpoint copies the log to the file. SQLite makes the checkpoint inside a commit when
// the log has grown, so that all writers wait for the whole copy. Here a connection of its own makes it while others write. The log begins
// anew when it is wholly copied at a moment in which nobody writes. If that moment doesn't come by itself, the writers wait for the last part
// of the copy, which is short.

const (
	// statementsBetween is how many statements are executed between two checkpoints. They add about 10 MB to the log.
	statementsBetween = 4_000
	// longLog is the length, in pages of 4 KiB, from which on writers wait so that the log can begin anew.
	longLog = 16_000
)

// checkpoints are made in the background.
type checkpoints struct {
	between int64        // statementsBetween
	long    int          // longLog
	since   atomic.Int64 // statements that were executed since the last checkpoint began
	isOn    atomic.Bool  // whether a checkpoint is under way
	all     sync.WaitGroup
}

// checkpointAfter begins a checkpoint if enough statements were executed since the last one. The writer calls it after each commit.
func (e *engine) checkpointAfter(statements int64) {
	if e.checkpointer == nil || e.since.Add(statements) < e.between || !e.isOn.CompareAndSwap(false, true) {
		return
	}
	e.all.Go(func() {
		defer e.isOn.Store(false)
		e.since.Store(0)
		if e.checkpoint() < e.long {
			return
		}
		e.writing.Lock()
		defer e.writing.Unlock()
		e.checkpoint()
	})
}

// checkpoint copies as much of the log as it can without waiting for readers, and returns the length of the log in pages. An error here
// loses nothing: the log stays, and the next checkpoint tries again.
func (e *engine) checkpoint() (pages int) {
	var isBusy, copied int
	_ = e.checkpointer.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&isBusy, &pages, &copied)
	return pages
}
