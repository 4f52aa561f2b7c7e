package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	sqlite "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// engine is the engine on SQLite.
type engine struct {
	writer, reader *sql.DB
	isOwn          bool
	sqlstore.Names
	inTx func(context.Context, sqlstore.Tx, *store.Change) error

	writes      sqlstore.Queue[liteWrite]
	writing     sync.Mutex           // the writing goroutine holds it
	written     map[string]*sql.Stmt // the prepared statements of the writer, by their text
	checkpoints checkpoints
	mu          sync.Mutex
	prepares    map[stmtKey]*sql.Stmt // the prepared statements of readers
}

type stmtKey struct {
	db  *sql.DB
	sql string
}

// maxStmts is the most prepared statements.
const maxStmts = 400

// connect opens a file with one connection that writes and several that read. In WAL mode, readers see the last
// commit and never wait. With synchronous=NORMAL, every commit survives the end of the process, and the last ones may be lost if
// the machine fails.
func connect(path string, o *sqlstore.Options) (sqlstore.Engine, error) {
	if path == "" || path == ":memory:" {
		return nil, errors.New("sqlite: want the path of a file")
	}
	open := func(most int, pragmas ...string) (*sql.DB, error) {
		v := url.Values{"_pragma": append(pragmas, "busy_timeout(10000)", "synchronous(NORMAL)", "cache_size(-32000)", "temp_store(MEMORY)")}
		db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+v.Encode())
		if err == nil {
			db.SetMaxOpenConns(most)
			db.SetMaxIdleConns(most)
		}
		return db, err
	}
	writer, err := open(1, "journal_mode(WAL)", "journal_size_limit(67108864)", fmt.Sprintf("wal_autocheckpoint(%d)", longestLog))
	if err != nil {
		return nil, err
	}
	reader, err := open(max(4, runtime.NumCPU()), "query_only(1)")
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	checkpointer, err := open(1)
	if err != nil {
		return nil, errors.Join(err, writer.Close(), reader.Close())
	}
	e := newEngine(writer, reader, o)
	e.isOwn, e.checkpoints.db = true, checkpointer
	return e, nil
}

func newEngine(writer, reader *sql.DB, o *sqlstore.Options) *engine {
	e := &engine{writer: writer, reader: reader, Names: sqlstore.NewNames("", o.Prefix), inTx: o.InTx, prepares: map[stmtKey]*sql.Stmt{}}
	e.checkpoints.between, e.checkpoints.long = statementsBetween, longLog
	e.writes = sqlstore.Queue[liteWrite]{Workers: 1, Most: mostWrites, Write: e.writeTogether}
	return e
}

func (e *engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, s := range e.prepares {
		errs = append(errs, s.Close())
	}
	clear(e.prepares)
	for _, s := range e.written {
		errs = append(errs, s.Close())
	}
	clear(e.written)
	if e.isOwn {
		errs = append(errs, e.checkpoints.close(), e.reader.Close(), e.writer.Close())
	}
	return errors.Join(errs...)
}

// Now returns the time of the process, because the database is in it.
func (e *engine) Now(args *[]any) string {
	*args = append(*args, time.Now().UnixMicro())
	return sqlstore.Place(len(*args))
}

func (e *engine) List(args *[]any, values any) string {
	text, _ := json.Marshal(values) // it can't fail for texts and numbers
	*args = append(*args, string(text))
	return "IN (SELECT value FROM json_each(" + sqlstore.Place(len(*args)) + "))"
}

func (e *engine) Remove(table, key, where string) string {
	return "DELETE FROM ~" + table + " WHERE (" + key + ") IN (SELECT " + key + " FROM ~" + table + " WHERE " + where + ")"
}

func (e *engine) IndexedBy(index string) string {
	if index == "" {
		return ""
	}
	return " INDEXED BY #" + index
}

func (e *engine) Lock() string { return "" } // there is one writer at a time

// Fill also writes parameters as ?1 instead of $1, which SQLite takes for the name of a parameter.
func (e *engine) Fill(text string) string {
	return e.Filled.Get(text, e.replace)
}

func (e *engine) replace(text string) string {
	return strings.ReplaceAll(e.Replacer.Replace(text), "$", "?")
}

// prepared returns a statement that stays prepared, or nil if there are too many of them.
func (e *engine) prepared(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	k := stmtKey{db, text}
	e.mu.Lock()
	s, ok := e.prepares[k]
	full := len(e.prepares) >= maxStmts
	e.mu.Unlock()
	if ok || full {
		return s, nil
	}
	s, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if other, ok := e.prepares[k]; ok {
		return other, s.Close()
	}
	e.prepares[k] = s
	return s, nil
}

func (e *engine) Query(ctx context.Context, text string, args []any, each func(sqlstore.Row) error) error {
	if strings.Contains(text, "UPDATE ") || strings.Contains(text, "DELETE ") { // the statement writes, and has RETURNING
		return e.write(ctx, false, func(ctx context.Context, w *liteTx) error { return w.Query(ctx, text, args, each) })
	}
	text = e.Fill(text)
	s, err := e.prepared(ctx, e.reader, text)
	if err != nil {
		return e.fail(ctx, err)
	}
	var rows *sql.Rows
	if s != nil {
		rows, err = s.QueryContext(ctx, args...)
	} else {
		rows, err = e.reader.QueryContext(ctx, text, args...)
	}
	return e.fail(ctx, readRows(rows, err, each))
}

func readRows(rows *sql.Rows, err error, each func(sqlstore.Row) error) error {
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := each(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// liteTx is a transaction that may write.
type liteTx struct {
	*engine
	tx       *sql.Tx
	stmts    map[string]*sql.Stmt // the statements prepared in this transaction, by their text
	executed int64                // how many statements the transaction has executed
}

// prepareWriter prepares the statements of commits once. Only the goroutine that writes calls it.
func (e *engine) prepareWriter(ctx context.Context) error {
	if e.written != nil {
		return nil
	}
	written := map[string]*sql.Stmt{}
	for _, text := range liteStatements {
		s, err := e.writer.PrepareContext(ctx, e.Fill(text))
		if err != nil {
			return err
		}
		written[text] = s
	}
	e.written = written
	return nil
}

func (t *liteTx) Query(ctx context.Context, text string, args []any, each func(sqlstore.Row) error) error {
	var (
		rows *sql.Rows
		err  error
	)
	if s := t.prepared(ctx, text); s != nil {
		rows, err = s.QueryContext(ctx, args...)
	} else {
		rows, err = t.tx.QueryContext(ctx, t.Fill(text), args...)
	}
	return t.fail(ctx, readRows(rows, err, each))
}

// prepared returns the prepared form of a statement; nil if there is none.
func (t *liteTx) prepared(ctx context.Context, text string) *sql.Stmt {
	s := t.stmts[text]
	if own := t.written[text]; s == nil && own != nil {
		s = t.tx.StmtContext(ctx, own)
		t.stmts[text] = s
	}
	return s
}

func (t *liteTx) exec(ctx context.Context, text string, args ...any) (r sql.Result, err error) {
	t.executed++
	if s := t.prepared(ctx, text); s != nil {
		r, err = s.ExecContext(ctx, args...)
	} else {
		r, err = t.tx.ExecContext(ctx, t.Fill(text), args...)
	}
	return r, t.fail(ctx, err)
}

func (e *engine) Snapshot(ctx context.Context, read func(sqlstore.Session) error) error {
	tx, err := e.reader.BeginTx(ctx, nil)
	if err != nil {
		return e.fail(ctx, err)
	}
	err = read(&liteSnapshot{e, tx, map[string]*sql.Stmt{}})
	if back := tx.Rollback(); !errors.Is(back, sql.ErrTxDone) {
		err = errors.Join(err, back)
	}
	return e.fail(ctx, err)
}

// liteSnapshot is a transaction that reads. It prepares each statement once, because some are run for each resource.
type liteSnapshot struct {
	*engine
	tx    *sql.Tx
	stmts map[string]*sql.Stmt
}

func (t *liteSnapshot) Query(ctx context.Context, text string, args []any, each func(sqlstore.Row) error) (err error) {
	s := t.stmts[text]
	if s == nil {
		if s, err = t.tx.PrepareContext(ctx, t.Fill(text)); err != nil {
			return t.fail(ctx, err)
		}
		t.stmts[text] = s
	}
	rows, err := s.QueryContext(ctx, args...)
	return t.fail(ctx, readRows(rows, err, each))
}

func (e *engine) Transact(ctx context.Context, do func(sqlstore.Tx) error) error {
	return e.write(ctx, true, func(_ context.Context, w *liteTx) error { return do(w.tx) })
}

func (e *engine) Apply(ctx context.Context, statements []sqlstore.Statement) (changed []int64, err error) {
	err = e.write(ctx, false, func(ctx context.Context, w *liteTx) error {
		for _, s := range statements {
			r, err := w.exec(ctx, s.SQL, s.Args...)
			if err != nil {
				return err
			}
			n, _ := r.RowsAffected() // it never fails
			changed = append(changed, n)
		}
		return nil
	})
	return changed, err
}

// fail makes an error of package store from one of the driver. A database that is locked for longer than the time-out, a
// full disk, and a file that can't be written mean that the store is unavailable, and that nothing was done.
func (e *engine) fail(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, store.ErrUnavailable) {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("sqlstore: %w", ctx.Err())
	}
	var failed *sqlite.Error
	if errors.As(err, &failed) {
		switch failed.Code() & 0xff {
		case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_PROTOCOL, lib.SQLITE_FULL, lib.SQLITE_READONLY, lib.SQLITE_IOERR, lib.SQLITE_CANTOPEN, lib.SQLITE_NOMEM:
			return fmt.Errorf("sqlstore: %w: %w", store.ErrUnavailable, err)
		case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
			return fmt.Errorf("sqlstore: %w: %w", store.ErrCorrupt, err)
		}
	}
	return err
}

// Migrate tries again if another process has migrated meanwhile, so that no step runs twice.
func (e *engine) Migrate(ctx context.Context) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	const attempts = 10
	for n := 1; ; n++ {
		err := e.Names.Migrate(ctx, e.writer, goose.DialectSQLite3, "sqlite", e.version)
		if err == nil || n == attempts || ctx.Err() != nil {
			return e.fail(ctx, err)
		}
	}
}

func (e *engine) Check(ctx context.Context) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	steps, err := e.Steps("sqlite")
	if err != nil {
		return err
	}
	found, err := e.version(ctx)
	if err == nil {
		err = e.CheckVersion(found, steps)
	}
	if err != nil {
		return fmt.Errorf("sqlstore: %w", e.fail(ctx, err))
	}
	return nil
}

// version returns the version of the tables; 0 if there are none. The caller must hold e.writing, because on an empty file a reader could keep
// the writer from setting the journal mode.
func (e *engine) version(ctx context.Context) (version int64, err error) {
	const tables = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1"
	if err = e.writer.QueryRowContext(ctx, tables, e.Prefix+"migration").Scan(&version); err != nil || version == 0 {
		return 0, err
	}
	err = e.writer.QueryRowContext(ctx, e.Fill(sqlstore.VersionSQL)).Scan(&version)
	return version, err
}
