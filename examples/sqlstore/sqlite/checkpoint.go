package sqlite

import (
	"context"
	"database/sql"
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
	// longestLog is the length from which on SQLite makes the checkpoint inside the commit after all: a few statements may write very much.
	longestLog = 2 * longLog
)

// checkpoints makes checkpoints in the background.
type checkpoints struct {
	db      *sql.DB      // nil for a database that the product opened, which makes its own
	between int64        // statementsBetween
	long    int          // longLog
	since   atomic.Int64 // statements that were executed since the last checkpoint began
	isOn    atomic.Bool  // whether a checkpoint is under way
	running sync.WaitGroup
}

// after begins a checkpoint if enough statements were executed since the last one. The writer calls it after each commit. writing is the
// lock that a writer holds.
func (c *checkpoints) after(statements int64, writing *sync.Mutex) {
	if c.db == nil || c.since.Add(statements) < c.between || !c.isOn.CompareAndSwap(false, true) {
		return
	}
	c.running.Go(func() {
		defer c.isOn.Store(false)
		c.since.Store(0)
		if c.copy() < c.long {
			return
		}
		writing.Lock()
		defer writing.Unlock()
		c.copy()
	})
}

// copy copies as much of the log as it can without waiting for readers, and returns the length of the log in pages. An error here loses
// nothing: the log stays, and the next checkpoint tries again.
func (c *checkpoints) copy() (pages int) {
	var isBusy, copied int
	_ = c.db.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&isBusy, &pages, &copied)
	return pages
}

// close waits for the checkpoint that is under way.
func (c *checkpoints) close() error {
	if c.db == nil {
		return nil
	}
	c.running.Wait()
	return c.db.Close()
}
