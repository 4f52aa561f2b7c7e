package sqlite

import (
	"database/sql"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
)

// This file is for the tests of both engines, which are in another package. A product can't reach these methods.

// Reader returns the database that the store reads from.
func (e *engine) Reader() *sql.DB { return e.reader }

// Writer returns the database that the store writes to.
func (e *engine) Writer() *sql.DB { return e.writer }

// Waiting returns how many writes wait to share a transaction.
func (e *engine) Waiting() int { return e.writes.Length() }

// Prepared returns the texts of the statements that stay prepared: those of readers, and those of the writer.
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

// Made returns the remembered texts of statements.
func (e *engine) Made() *sqlstore.Texts { return e.Filled }

// ForgetTexts forgets the remembered texts of statements.
func (e *engine) ForgetTexts() { e.Filled = &sqlstore.Texts{} }

// Checkpoint sets after how many statements a checkpoint is made, and at how many pages the log is to begin anew.
func (e *engine) Checkpoint(statements int64, pages int) {
	e.checkpoints.between, e.checkpoints.long = statements, pages
}
