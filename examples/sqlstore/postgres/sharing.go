package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// An identity provider that begins to provision creates people by the thousand, and it changes all of them when an attribute is mapped
// in another way. Many of these requests come at the same time. While one transaction is under way, the changes that come wait for it, and
// then share the next one. It writes the rows of a table with one statement, and waits for the disk once.

const (
	// sharers is how many shared transactions are under way at the same time.
	sharers = 1
	// mostShared is how many changes share one at most.
	mostShared = 16
	// patience is how long a shared transaction waits for a lock, and how long a change waits for a shared transaction. After that, a
	// change is committed by itself, so that none waits for long because of what another one waits for.
	patience = 100 * time.Millisecond
)

// errAlone says that a shared transaction was rolled back, or that a change was left out of it. The change may succeed by itself.
var errAlone = errors.New("to be committed alone")

// Shares says whether a change may share a transaction. It may if it only creates a few resources, or rewrites resources without changing
// their unique keys. Such a change locks nothing that others wait for but its own resources.
func (p *engine) Shares(c *store.Change) bool {
	waits := func(x store.Claim) bool { return !sqlstore.IsFree(x) && !sqlstore.ChangesNothing(x) }
	return p.inTx == nil && len(c.Put) > 0 && len(c.Put) <= mostShared && len(c.Delete) == 0 && len(c.Members) == 0 &&
		!slices.ContainsFunc(c.Put, changesUnique) && !slices.ContainsFunc(c.Claims, waits)
}

// changesUnique says whether a put may give a resource that is there another unique key.
func changesUnique(p store.Put) bool {
	return p.IfVersion != "" && (p.Was == nil || !slices.Equal(uniqueKeys(p.Was), uniqueKeys(p.Resource)))
}

func uniqueKeys(r *store.Resource) (keys []store.IndexKey) {
	for _, k := range r.Index {
		if k.Unique {
			keys = append(keys, k)
		}
	}
	return keys
}

// commitTogether commits changes in one transaction, and returns for each what became of it.
func (p *engine) commitTogether(all []*sqlstore.Queued[*store.Change]) []error {
	if len(all) == 1 {
		return []error{p.commitAlone(all[0].Ctx, all[0].What, nil)}
	}
	errs := make([]error, len(all))
	var together []*sqlstore.Queued[*store.Change]
	rewritten := map[store.Key]bool{}
	for i, w := range all {
		if errs[i] = rewriteOnce(rewritten, w.What); errs[i] == nil {
			together = append(together, w)
		}
	}
	ctx, done := untilAllLeave(together)
	defer done()
	changes := make([]*store.Change, len(together))
	for i, w := range together {
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
	for i := range errs {
		errs[i] = cmp.Or(errs[i], err)
	}
	return errs
}

// rewriteOnce returns errAlone for a change of a resource that another change of the transaction rewrites. The second of them expects a
// version that is gone by then, and would end the transaction for all.
func rewriteOnce(rewritten map[store.Key]bool, c *store.Change) error {
	for _, p := range c.Put {
		if rewritten[p.Resource.Key] {
			return errAlone
		}
	}
	for _, p := range c.Put {
		if p.IfVersion != "" {
			rewritten[p.Resource.Key] = true
		}
	}
	return nil
}

// untilAllLeave returns a context that ends when the contexts of all changes have ended.
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
