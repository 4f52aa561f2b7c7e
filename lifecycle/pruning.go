package lifecycle

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// pruneEvery is about how often a process removes what is old. It does so more often if something is to be removed sooner than
// that.
const pruneEvery = time.Hour

func (r Retention) every() time.Duration {
	every := pruneEvery
	for _, age := range [...]time.Duration{r.Delivered, r.Parked, r.Journal, r.Tombstones} {
		if age > 0 {
			every = min(every, max(age, time.Second))
		}
	}
	return every
}

// turns says when it is time to prune. All Run of a process share it, so that only one of them prunes; and the times are
// random, so that not all processes do so at once.
type turns struct {
	mu   sync.Mutex
	next time.Time
}

// wait is how long it is until the next turn; 0 means that the caller has it.
func (t *turns) wait(now time.Time, every time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next.IsZero() { // soon, or a process that never lives for an hour would never prune
		t.next = now.Add(time.Second + rand.N(every/6))
	}
	if now.Before(t.next) {
		return t.next.Sub(now)
	}
	t.next = now.Add(every*5/6 + rand.N(every/3))
	return 0
}

// prune removes what Delivery.Retention says is old, about once an hour until ctx ends.
func (s *Service) prune(ctx context.Context) {
	forgetter, ok := store.As[store.Forgetter](s.store)
	keep := s.opts.Delivery.Retention
	if !ok || keep.Delivered < 0 && keep.Parked < 0 && keep.Journal < 0 && keep.JournalCount < 0 && keep.Tombstones < 0 {
		return
	}
	for ctx.Err() == nil {
		if wait := s.delivery.pruning.wait(time.Now(), keep.every()); wait > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
			continue
		}
		n, err := forgetter.Prune(ctx, keep.at(time.Now()))
		switch {
		case err == nil:
			s.opts.Logger.DebugContext(ctx, "old events and journal entries were removed", slog.Int("rows", n))
		case ctx.Err() == nil:
			s.opts.Logger.WarnContext(ctx, "old events and journal entries could not be removed; they are tried again later", slog.String("error", err.Error()))
		}
	}
}

// at is the retention at a time.
func (r Retention) at(now time.Time) store.Retention {
	before := func(age time.Duration) time.Time {
		if age < 0 {
			return time.Time{}
		}
		return now.UTC().Add(-age)
	}
	return store.Retention{Done: before(r.Delivered), Parked: before(r.Parked), Journal: before(r.Journal), JournalCount: max(r.JournalCount, 0),
		Records: map[string]time.Time{tombstoneType: before(r.Tombstones)}}
}
