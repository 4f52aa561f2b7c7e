package sqlstore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// queue has what waits share a transaction, since that costs more than what is mostly in it: whatever comes while all workers
// are busy is written by the next one that isn't. Nothing waits while there's a worker for it.
type queue[T any] struct {
	workers  int                            // at most, but for those who have lost patience
	most     int                            // that share a transaction
	write    func(all []*queued[T]) []error // what became of each
	patience time.Duration                  // after so long another worker takes the place of one whose transaction waits; 0: never

	mu      sync.Mutex
	waiting []*queued[T]
	working int
}

// queued is something to be written.
type queued[T any] struct {
	ctx     context.Context
	what    T
	isAlone bool          // shares a transaction with nobody
	read    chan struct{} // closed if what is looked at no more, though it isn't done
	done    chan error
}

// do has it written. Whoever's context ends waits for no transaction of others that is under way.
func (q *queue[T]) do(ctx context.Context, what T, isAlone bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &queued[T]{ctx, what, isAlone, make(chan struct{}), make(chan error, 1)}
	q.add(w)
	select {
	case err := <-w.done:
		return rethrow(err)
	case <-ctx.Done():
	}
	if q.withdraw(w) {
		return ctx.Err()
	}
	select {
	case err := <-w.done:
		return rethrow(err)
	case <-w.read:
		return ctx.Err()
	}
}

func (q *queue[T]) add(w *queued[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
	if q.working < q.workers {
		q.working++
		go q.work()
	}
}

// withdraw says whether it still waited, and waits no more.
func (q *queue[T]) withdraw(w *queued[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	return i >= 0
}

func (q *queue[T]) work() {
	for all := q.take(); len(all) > 0; all = q.take() {
		var slow *time.Timer
		if q.patience > 0 {
			slow = time.AfterFunc(q.patience, q.work)
		}
		for i, err := range q.writeAll(all) {
			all[i].done <- err
		}
		if slow != nil && !slow.Stop() {
			return // another one has the place
		}
	}
}

// take returns those at the front that may share a transaction. If there are none, who asks works no more.
func (q *queue[T]) take() []*queued[T] {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), q.most)
	for i, w := range q.waiting[:n] {
		if w.isAlone {
			n = max(i, 1)
			break
		}
	}
	if n == 0 {
		q.working--
	}
	front := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return front
}

// writeAll has a panic, be it of a product's code, happen where somebody expects it: with those who asked.
func (q *queue[T]) writeAll(all []*queued[T]) (errs []error) {
	defer func() {
		if v := recover(); v != nil {
			errs = sameForAll(all, panicked{v})
		}
	}()
	return q.write(all)
}

// sameForAll is one result for all.
func sameForAll[T any](all []*queued[T], err error) []error {
	return slices.Repeat([]error{err}, len(all))
}

// panicked is the panic of a write, for who asked for it.
type panicked struct{ value any }

func (panicked) Error() string { return "panic" }

func rethrow(err error) error {
	if p := (panicked{}); errors.As(err, &p) {
		panic(p.value)
	}
	return err
}
