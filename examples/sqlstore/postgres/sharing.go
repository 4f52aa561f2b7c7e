package postgres

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// An identity provider that begins to provision creates thousands of people, some of them at the same time. Creations that come
// while others are being written share the next transaction, in which one statement writes the rows of a table.

// sharers is how many transactions of additions run at the same time, and mostShared how many additions share one.
const sharers, mostShared = 2, 8

// patience is how long additions wait while a shared transaction waits for another one, for example to know whether a unique key is free.
const patience = 100 * time.Millisecond

// errAlone says that nothing of a shared transaction was committed, for a reason that may concern only some of its additions.
var errAlone = errors.New("to be committed alone")

// isAddition says whether a change only adds rows, so that it needs no row that another transaction may have locked.
func isAddition(c *store.Change) bool {
	isChange := func(p store.Put) bool { return p.IfVersion != "" }
	waits := func(x store.Claim) bool { return !sqlstore.IsFree(x) && !sqlstore.ChangesNothing(x) }
	return len(c.Put) > 0 && !slices.ContainsFunc(c.Put, isChange) && len(c.Delete) == 0 && len(c.Members) == 0 && !slices.ContainsFunc(c.Claims, waits)
}

// commitShared commits an addition together with those that come at the same time.
func (p *engine) commitShared(ctx context.Context, c *store.Change) error {
	err := p.additions.Do(ctx, c, false)
	if errors.Is(err, errAlone) {
		return p.commitAlone(ctx, c, nil)
	}
	return p.fail(ctx, err)
}

// addTogether commits several additions in one transaction, and returns the error of each.
func (p *engine) addTogether(all []*sqlstore.Queued[*store.Change]) []error {
	if len(all) == 1 {
		return []error{p.commitAlone(all[0].Ctx, all[0].What, nil)}
	}
	ctx, done := untilAllLeave(all)
	defer done()
	changes := make([]*store.Change, len(all))
	for i, w := range all {
		changes[i] = w.What
	}
	b := p.batch(changes...)
	for _, w := range all {
		close(w.Read)
	}
	err := p.pool.SendBatch(ctx, &b.Batch).Close()
	if pg := new(pgconn.PgError); errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR" || pgconn.SafeToRetry(err) {
		err = errAlone // the server has rolled the transaction back, or never got it
	}
	return sqlstore.SameForAll(all, err)
}

// untilAllLeave returns a context that ends when the contexts of all writes have ended.
func untilAllLeave[T any](all []*sqlstore.Queued[T]) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(all[0].Ctx))
	var left atomic.Int64
	left.Store(int64(len(all)))
	stops := make([]func() bool, len(all))
	for i, w := range all {
		stops[i] = context.AfterFunc(w.Ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}
