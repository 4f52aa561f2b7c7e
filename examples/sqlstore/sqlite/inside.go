package sqlite

import (
	"database/sql"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
)

// What follows is for the tests of both engines, which are in another package. A product can't reach it.

// Reader and Writer are the databases that the store uses.
func (e *engine) Reader() *sql.DB { return e.reader }

// Writer is the one that writes.
func (e *engine) Writer() *sql.DB { return e.writer }

// Waiting is how many wait to share a transaction.
func (e *engine) Waiting() int { return e.writes.Length() }

// Prepared are the texts of the statements that stay prepared: those of readers, and those of the writer.
func (e *engine) Prepared() (read, written []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for k := range e.prepares {
		read = append(read, k.sql)
	}
	for text := range e.written {
		written = append(written, e.Fill(text))
	}
	return read, written
}

// Made remembers what was made of statements.
func (e *engine) Made() *sqlstore.Texts { return e.Filled }

// ForgetTexts begins to remember anew.
func (e *engine) ForgetTexts() { e.Filled = &sqlstore.Texts{} }

// Checkpoint sets after how many statements a checkpoint is made, and at how many pages the log is to begin anew.
func (e *engine) Checkpoint(statements int64, pages int) { e.between, e.long = statements, pages }
