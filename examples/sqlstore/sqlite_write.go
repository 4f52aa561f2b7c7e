package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
)

// SQLite has one writer at a time, and each of its transactions costs more than what is mostly in it. So whoever gets to write
// does so for all who wait: one transaction with a savepoint for each, so that what is refused takes nobody else with it.

// mostWrites bounds how many share a transaction.
const mostWrites = 128

// write is something to be written.
type write struct {
	ctx     context.Context
	do      func(ctx context.Context, w *liteTx) error
	isAlone bool
	done    chan error // gets what became of it
}

// writeQueue are those that wait, in their order.
type writeQueue struct {
	mu      sync.Mutex
	waiting []*write
}

func (q *writeQueue) add(w *write) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
}

// take returns those at the front that may share a transaction.
func (q *writeQueue) take() []*write {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), mostWrites)
	for i, w := range q.waiting[:n] {
		if w.isAlone {
			n = max(i, 1)
			break
		}
	}
	front := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return front
}

// withdraw says whether it still waited, and waits no more.
func (q *writeQueue) withdraw(w *write) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	return i >= 0
}

// write runs do in a transaction. Once begun it is not interrupted, for the sake of those it shares the transaction with.
// What runs code of the product's must be alone.
func (e *liteEngine) write(ctx context.Context, isAlone bool, do func(ctx context.Context, w *liteTx) error) error {
	w := &write{ctx, do, isAlone, make(chan error, 1)}
	e.queue.add(w)
	for {
		select {
		case err := <-w.done:
			return e.ended(ctx, err)
		case <-ctx.Done():
			if e.queue.withdraw(w) {
				return e.fail(ctx, ctx.Err())
			}
			return e.ended(ctx, <-w.done)
		case e.writing <- struct{}{}:
			e.writeFront(e.queue.take())
			<-e.writing
		}
	}
}

// panicked is the panic of a write, for the one who asked for it.
type panicked struct{ value any }

func (panicked) Error() string { return "panic" }

func (e *liteEngine) ended(ctx context.Context, err error) error {
	var p panicked
	if errors.As(err, &p) {
		panic(p.value)
	}
	return e.fail(ctx, err)
}

// writeFront writes for all of these, and tells each of them.
func (e *liteEngine) writeFront(all []*write) {
	if len(all) == 0 {
		return
	}
	ctx := context.WithoutCancel(all[0].ctx)
	errs, err := e.writeTogether(ctx, all)
	for i, w := range all {
		if err != nil {
			errs[i] = err
		}
		w.done <- errs[i]
	}
}

// writeTogether returns what became of each, or that nothing was written at all.
func (e *liteEngine) writeTogether(ctx context.Context, all []*write) (errs []error, err error) {
	errs = make([]error, len(all))
	if err := e.prepareWriter(ctx); err != nil {
		return errs, err
	}
	tx, err := e.writer.BeginTx(ctx, nil)
	if err != nil {
		return errs, err
	}
	w := &liteTx{e, tx, map[string]*sql.Stmt{}}
	// The first statement takes the lock that excludes other processes, so that it waits before anything is read.
	_, err = w.exec(ctx, liteLock)
	for i, x := range all {
		if err != nil {
			break
		}
		if errs[i] = x.ctx.Err(); errs[i] != nil {
			continue
		}
		if len(all) == 1 {
			err = w.run(x)
			break
		}
		errs[i], err = w.runInSavepoint(ctx, x)
	}
	if err == nil {
		return errs, tx.Commit()
	}
	if back := tx.Rollback(); !errors.Is(back, sql.ErrTxDone) {
		err = errors.Join(err, back)
	}
	return errs, err
}

func (t *liteTx) run(x *write) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked{v}
		}
	}()
	return x.do(context.WithoutCancel(x.ctx), t)
}

const (
	liteSavepoint = "SAVEPOINT own"
	liteBack      = "ROLLBACK TO own"
	liteRelease   = "RELEASE own"
)

// runInSavepoint returns why it was refused, or why the transaction is no more: some errors end it whole.
func (t *liteTx) runInSavepoint(ctx context.Context, x *write) (refused, failed error) {
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
