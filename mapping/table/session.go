package table

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// Session runs statements: on a database, or in a transaction. They are in the database's own words: parameters are $1 in
// PostgreSQL and ?1 in SQLite. [Standard] makes one of what database/sql has; for another driver it is a few lines.
type Session interface {
	Exec(ctx context.Context, query string, args ...any) (rowsAffected int64, err error)
	Query(ctx context.Context, query string, args ...any) (Rows, error)
}

// Rows are what a query found. *sql.Rows and pgx.Rows are nearly it.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close()
}

// Standard makes a Session of a *sql.DB, a *sql.Tx or a *sql.Conn.
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
	rows, err := s.q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return standardRows{rows}, nil
}

// standardRows are sql.Rows whose Close returns nothing: what it would say Err says too.
type standardRows struct{ *sql.Rows }

func (r standardRows) Close() { _ = r.Rows.Close() }

// isUnique says whether a statement was refused because another row has a value already: by the SQLSTATE, which drivers of
// PostgreSQL tell, or by the words of SQLite.
func isUnique(err error) bool { return refusedBy(err, "23505", "UNIQUE constraint failed") }

// isReferred says whether a statement was refused because a row of another table refers to the row, or isn't there to be referred to.
func isReferred(err error) bool { return refusedBy(err, "23503", "FOREIGN KEY constraint failed") }

func refusedBy(err error, state, words string) bool {
	var coded interface{ SQLState() string }
	if errors.As(err, &coded) {
		return coded.SQLState() == state
	}
	return err != nil && strings.Contains(err.Error(), words)
}
