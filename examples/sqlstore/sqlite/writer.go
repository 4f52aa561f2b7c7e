package sqlite

import (
	"context"
	"database/sql"
	"errors"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
)

// SQLite has one writer at a time, who writes for all who wait: one transaction with a savepoint for each, so that what is
// refused takes nobody else with it.

// mostWrites bounds how many share a transaction.
const mostWrites = 128

// liteWrite is something to be written.
type liteWrite func(ctx context.Context, w *liteTx) error

// write runs do in a transaction. Once begun it is not interrupted, for the sake of those it shares the transaction with.
// What runs code of the product's must be alone.
func (e *engine) write(ctx context.Context, isAlone bool, do liteWrite) error {
	return e.fail(ctx, e.writes.Do(ctx, do, isAlone))
}

// writeTogether returns what became of each.
func (e *engine) writeTogether(all []*sqlstore.Queued[liteWrite]) []error {
	errs, err := e.writeInTx(context.WithoutCancel(all[0].Ctx), all)
	if err != nil {
		return sqlstore.SameForAll(all, err)
	}
	return errs
}

// writeInTx returns what became of each, or that nothing was written at all.
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
	// The first statement takes the lock that excludes other processes, so that it waits before anything is read.
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
		e.checkpointAfter(w.executed)
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

// runInSavepoint returns why it was refused, or why the transaction is no more: some errors end it whole.
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
