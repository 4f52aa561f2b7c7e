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

// An identity provider that begins to provision creates people by the thousand, and changes them all when an attribute is mapped
// anew, many at the same time. Those that come while others are being written share the next transaction: each table gets their
// rows by one statement, and the disk is waited for once.

// sharers is how many shared transactions there are at the same time, and mostShared how many changes share one.
const sharers, mostShared = 2, 8

// patience is how long others wait behind one of them that waits for somebody else, such as for whether a value gets free.
const patience = 100 * time.Millisecond

// errAlone says that nothing of a shared transaction was done, for a reason that some of those in it needn't have.
var errAlone = errors.New("to be committed alone")

// Shares says whether a change may share a transaction: it creates resources, or rewrites some whose unique keys stay, so that it
// holds nothing that others wait for but its own resources.
func (p *engine) Shares(c *store.Change) bool {
	waits := func(x store.Claim) bool { return !sqlstore.IsFree(x) && !sqlstore.ChangesNothing(x) }
	return p.inTx == nil && len(c.Put) > 0 && len(c.Delete) == 0 && len(c.Members) == 0 &&
		!slices.ContainsFunc(c.Put, changesUnique) && !slices.ContainsFunc(c.Claims, waits)
}

// changesUnique says whether a resource that is there gets or loses a unique key, or may.
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

// commitShared commits a change together with those that come at the same time.
func (p *engine) commitShared(ctx context.Context, c *store.Change) error {
	err := p.shared.Do(ctx, c, false)
	if errors.Is(err, errAlone) {
		return p.commitAlone(ctx, c, nil)
	}
	return p.fail(ctx, err)
}

// commitTogether returns what became of each.
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
		err = errAlone // the server rolled it back, or never saw it
	}
	for i := range errs {
		errs[i] = cmp.Or(errs[i], err)
	}
	return errs
}

// rewriteOnce keeps those apart that rewrite the same resource: whichever comes second would end the transaction of all.
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

// untilAllLeave is a context that ends when all of theirs have.
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
