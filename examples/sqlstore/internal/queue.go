package sqlstore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Queue has what waits share a transaction, since that costs more than what is mostly in it: whatever comes while all workers
// are busy is written by the next one that isn't. Nothing waits while there's a worker for it.
type Queue[T any] struct {
	Workers  int                            // at most, but for those who have lost patience
	Most     int                            // that share a transaction
	Write    func(all []*Queued[T]) []error // what became of each
	Patience time.Duration                  // after so long another worker takes the place of one whose transaction waits; 0: never

	mu      sync.Mutex
	waiting []*Queued[T]
	working int
}

// Queued is something to be written.
type Queued[T any] struct {
	Ctx     context.Context
	What    T
	isAlone bool          // shares a transaction with nobody
	Read    chan struct{} // closed if what is looked at no more, though it isn't done
	done    chan error
}

// Do has it written. Whoever's context ends waits for no transaction of others that is under way.
func (q *Queue[T]) Do(ctx context.Context, what T, isAlone bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &Queued[T]{ctx, what, isAlone, make(chan struct{}), make(chan error, 1)}
	q.add(w)
	select {
	case err := <-w.done:
		return Rethrow(err)
	case <-ctx.Done():
	}
	if q.withdraw(w) {
		return ctx.Err()
	}
	select {
	case err := <-w.done:
		return Rethrow(err)
	case <-w.Read:
		return ctx.Err()
	}
}

func (q *Queue[T]) add(w *Queued[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
	if q.working < q.Workers {
		q.working++
		go q.work()
	}
}

// withdraw says whether it still waited, and waits no more.
func (q *Queue[T]) withdraw(w *Queued[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	return i >= 0
}

func (q *Queue[T]) work() {
	for all := q.take(); len(all) > 0; all = q.take() {
		var slow *time.Timer
		if q.Patience > 0 {
			slow = time.AfterFunc(q.Patience, q.work)
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
func (q *Queue[T]) take() []*Queued[T] {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), q.Most)
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
func (q *Queue[T]) writeAll(all []*Queued[T]) (errs []error) {
	defer func() {
		if v := recover(); v != nil {
			errs = SameForAll(all, Panicked{v})
		}
	}()
	return q.Write(all)
}

// SameForAll is one result for all.
func SameForAll[T any](all []*Queued[T], err error) []error {
	return slices.Repeat([]error{err}, len(all))
}

// Panicked is the panic of a write, for who asked for it.
type Panicked struct{ Value any }

func (Panicked) Error() string { return "panic" }

func Rethrow(err error) error {
	if p := (Panicked{}); errors.As(err, &p) {
		panic(p.Value)
	}
	return err
}
