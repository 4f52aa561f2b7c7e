package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Queue lets writes that wait share a transaction, because a transaction mostly costs more than the writes in it. Writes that come while all
// workers are busy are written together by the next one that is free. Nothing waits while a worker is free.
type Queue[T any] struct {
	Workers  int                            // the most transactions at the same time
	Most     int                            // the most writes that share a transaction
	Write    func(all []*Queued[T]) []error // writes all, and returns the error of each
	Patience time.Duration                  // after so long, Do returns ErrWaited for a write that still waits; 0 means never

	mu      sync.Mutex
	waiting []*Queued[T]
	working int
}

// ErrWaited says that a write has waited for as long as Patience says. It was not written.
var ErrWaited = errors.New("sqlstore: the queue doesn't move")

// Queued is a write.
type Queued[T any] struct {
	Ctx     context.Context
	What    T
	isAlone bool          // whether it must not share a transaction
	Read    chan struct{} // closed when What isn't read any more, although the write isn't done
	done    chan error
}

// Do adds a write, and waits until it is done. If the context ends, it doesn't wait for a transaction of others that is under way.
func (q *Queue[T]) Do(ctx context.Context, what T, isAlone bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &Queued[T]{ctx, what, isAlone, make(chan struct{}), make(chan error, 1)}
	q.add(w)
	inQueue := ctx
	if q.Patience > 0 {
		var stop func()
		inQueue, stop = context.WithTimeout(ctx, q.Patience)
		defer stop()
	}
	select {
	case err := <-w.done:
		return Rethrow(err)
	case <-inQueue.Done():
	}
	if q.withdraw(w) {
		return cmp.Or(ctx.Err(), ErrWaited)
	}
	select { // a worker has taken the write, and reports its end unless ctx ends before
	case err := <-w.done:
		return Rethrow(err)
	case <-ctx.Done():
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

// withdraw removes a write from those that wait. It returns false if a worker has taken it already.
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
		for i, err := range q.writeAll(all) {
			all[i].done <- err
		}
	}
}

// take returns the first writes that wait and may share a transaction. If there are none, the worker that asks must end.
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

// writeAll writes all. A panic, for example in a product's code, becomes an error of each write, so that Do panics in the goroutines that
// asked for them.
func (q *Queue[T]) writeAll(all []*Queued[T]) (errs []error) {
	defer func() {
		if v := recover(); v != nil {
			errs = SameForAll(all, Panicked{v})
		}
	}()
	return q.Write(all)
}

// SameForAll returns the same error for each write.
func SameForAll[T any](all []*Queued[T], err error) []error {
	return slices.Repeat([]error{err}, len(all))
}

// Panicked is the error of a write that panicked.
type Panicked struct{ Value any }

func (Panicked) Error() string { return "panic" }

func Rethrow(err error) error {
	if p := (Panicked{}); errors.As(err, &p) {
		panic(p.Value)
	}
	return err
}
