package sqlite

import (
	"context"
	"database/sql"
	"errors"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
)

// SQLite has one writer at a time, which writes for all that wait: in one transaction with a savepoint for each write, so that a
// refused write doesn't affect the others.

// mostWrites is the most writes that share a transaction.
const mostWrites = 128

// liteWrite is a write: it runs statements in the transaction w.
type liteWrite func(ctx context.Context, w *liteTx) error

// write runs do in a transaction. A write that has begun is not interrupted if its context ends, because other writes share the transaction.
// isAlone must be set if do runs code of the product.
func (e *engine) write(ctx context.Context, isAlone bool, do liteWrite) error {
	return e.fail(ctx, e.writes.Do(ctx, do, isAlone))
}

// writeTogether runs writes in one transaction, and returns the error of each.
func (e *engine) writeTogether(all []*sqlstore.Queued[liteWrite]) []error {
	errs, err := e.writeInTx(context.WithoutCancel(all[0].Ctx), all)
	if err != nil {
		return sqlstore.SameForAll(all, err)
	}
	return errs
}

// writeInTx runs writes in one transaction, and returns the error of each, or why nothing was written at all.
func (e *engine) writeInTx(ctx context.Context, all []*sqlstore.Queued[liteWrite]) (errs []error, err error) {
	e.writing.Lock()
	defer e.writing.Unlock()
	if err := e.prepareWriter(ctx); err != nil {
		return nil, err
	}
	tx, err := e.writer.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	errs = make([]error, len(all))
	w := &liteTx{engine: e, tx: tx, stmts: map[string]*sql.Stmt{}}
	// The first statement takes the lock that excludes other processes. If another process has it, the transaction waits here, and so
	// reads nothing that the other process goes on to change.
	_, err = w.exec(ctx, liteLock)
	for i, x := range all {
		if err != nil {
			break
		}
		if errs[i] = x.Ctx.Err(); errs[i] != nil {
			continue
		}
		if len(all) == 1 {
			err = w.run(x)
			break
		}
		errs[i], err = w.runInSavepoint(ctx, x)
	}
	if err == nil {
		err = tx.Commit()
		e.checkpoints.after(w.executed, &e.writing)
		return errs, err
	}
	if back := tx.Rollback(); !errors.Is(back, sql.ErrTxDone) {
		err = errors.Join(err, back)
	}
	return nil, err
}

func (t *liteTx) run(x *sqlstore.Queued[liteWrite]) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = sqlstore.Panicked{Value: v}
		}
	}()
	return x.What(context.WithoutCancel(x.Ctx), t)
}

const (
	liteSavepoint = "SAVEPOINT own"
	liteBack      = "ROLLBACK TO own"
	liteRelease   = "RELEASE own"
)

// runInSavepoint runs a write in a savepoint. refused is why the write was refused, and failed is why the whole transaction has ended, as
// it does after some errors.
func (t *liteTx) runInSavepoint(ctx context.Context, x *sqlstore.Queued[liteWrite]) (refused, failed error) {
	if _, err := t.exec(ctx, liteSavepoint); err != nil {
		return nil, err
	}
	if refused = t.run(x); refused != nil {
		if _, err := t.exec(ctx, liteBack); err != nil {
			return nil, errors.Join(refused, err)
		}
	}
	_, err := t.exec(ctx, liteRelease)
	return refused, err
}
