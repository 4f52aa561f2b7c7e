package sqlite

import (
	"context"
	"sync"
	"sync/atomic"
)

// What is committed stands in the write-ahead log until a checkpoint copies it to the file. SQLite makes one inside a commit, when
// the log has grown: whoever writes then waits for the whole copy. Here a connection of its own copies while others write. The log
// begins anew when all of it is copied and nobody has added to it meanwhile; if that doesn't come about by itself, they wait for the
// last part of the copy, which is short.

const (
	// statementsBetween is how many statements are written between checkpoints: about 10 MB of the log.
	statementsBetween = 4_000
	// longLog is at how many pages of 4 KiB the log is to begin anew.
	longLog = 16_000
)

// checkpoints are made in the background.
type checkpoints struct {
	since atomic.Int64 // statements that were written since the last one began
	isOn  atomic.Bool  // one is under way
	all   sync.WaitGroup
}

// checkpointAfter is told how many statements were committed. Only who writes calls it.
func (e *engine) checkpointAfter(statements int64) {
	if e.checkpointer == nil || e.since.Add(statements) < statementsBetween || !e.isOn.CompareAndSwap(false, true) {
		return
	}
	e.all.Go(func() {
		defer e.isOn.Store(false)
		e.since.Store(0)
		if e.checkpoint() < longLog {
			return
		}
		e.writing.Lock()
		defer e.writing.Unlock()
		e.checkpoint()
	})
}

// checkpoint copies what it can without waiting for readers, and returns the length of the log in pages. What fails here stays in the
// log, so that nothing is lost, and the next one tries it again.
func (e *engine) checkpoint() (pages int) {
	var isBusy, copied int
	_ = e.checkpointer.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&isBusy, &pages, &copied)
	return pages
}
