package table

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// Session runs SQL statements on a database or in a transaction. Parameters are written $1 for PostgreSQL and ?1 for SQLite. [Standard]
// makes a Session of what database/sql has. For another driver, such as pgx, it takes a few lines.
type Session interface {
	Exec(ctx context.Context, query string, args ...any) (rowsAffected int64, err error)
	Query(ctx context.Context, query string, args ...any) (Rows, error)
}

// Rows are the rows that a query found. pgx.Rows has these methods, and *sql.Rows has them except for the result of Close.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close()
}

// Standard makes a Session of a *sql.DB, *sql.Tx or *sql.Conn.
func Standard(q interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}) Session {
	return standard{q}
}

type standard struct {
	q interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
}

func (s standard) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := s.q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (s standard) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	rows, err := s.q.QueryContext(ctx, query, args...) //nolint:rowserrcheck // whoever reads the rows asks them
	if err != nil {
		return nil, err
	}
	return standardRows{rows}, nil
}

// standardRows are sql.Rows whose Close returns nothing, because Err returns the same error.
type standardRows struct{ *sql.Rows }

func (r standardRows) Close() { _ = r.Rows.Close() }

// isUnique says whether a statement was refused because another row has the same value in a unique column. It finds out by the SQLSTATE
// that drivers of PostgreSQL return, or by the message of SQLite.
func isUnique(err error) bool { return refusedBy(err, "23505", "UNIQUE constraint failed") }

// isReferred says whether a statement was refused because of a foreign key: a row of another table refers to the row, or the row that it
// refers to doesn't exist.
func isReferred(err error) bool { return refusedBy(err, "23503", "FOREIGN KEY constraint failed") }

func refusedBy(err error, state, words string) bool {
	var coded interface{ SQLState() string }
	if errors.As(err, &coded) {
		return coded.SQLState() == state
	}
	return err != nil && strings.Contains(err.Error(), words)
}
