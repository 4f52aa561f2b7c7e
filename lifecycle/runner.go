package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Run delivers events to the hooks until ctx ends. Any number may run, in any number of processes; an event is with one of
// them at a time. Events of different subjects are delivered concurrently, those of one subject in order (I10). Run rides
// out a store that is unavailable. It also removes what Delivery.Retention says is old.
//
// When ctx ends, Run hands back what it has not begun, gives hooks that are running the time Delivery.Stop, and returns nil.
// It returns an error only if the store keeps no events. Hooks get a context with the values of ctx.
func (s *Service) Run(ctx context.Context) error {
	if s.source == nil {
		return errors.New("lifecycle: the store keeps no events to deliver")
	}
	s.delivery.running.Add(1)
	defer s.delivery.running.Add(-1)
	pruned := make(chan struct{})
	go func() { defer close(pruned); s.prune(ctx) }()
	hooks, end := context.WithCancelCause(context.WithoutCancel(ctx))
	r := &runner{s: s, d: s.opts.Delivery, owner: newID(), hooks: hooks, freed: make(chan struct{}, 1), running: make(map[*chain]struct{})}
	r.run(ctx)
	r.stop(ctx, func() { end(errors.New("the process stops")) })
	<-pruned
	return nil
}

// runner is one Run. The goroutine of Run leases events and settles them. Workers call the hooks: one begins whenever there is
// more to do than workers, and ends when nothing is left. Run leases again when a worker has nothing to do, so that it never
// hoards what another process could deliver now.
type runner struct {
	s     *Service
	d     Delivery
	owner string
	hooks context.Context // what the hooks' contexts come from
	freed chan struct{}   // says that a worker has ended
	wg    sync.WaitGroup

	mu      sync.Mutex
	queue   []*chain            // what no worker has begun
	running map[*chain]struct{} // what a worker is at
	workers int
	settled []store.Settlement // not yet told to the store
}

// chain is what was leased of one subject, in order. Of one that is running the first event is being told.
type chain struct {
	events []store.Delivery
	leased time.Time
}

// late says that too much of the lease is gone to begin with an event.
func (r *runner) late(c *chain) bool { return time.Since(c.leased) > r.d.Lease/2 }

// run leases, settles and prolongs until ctx ends.
func (r *runner) run(ctx context.Context) {
	poll, renew := time.NewTicker(r.d.Poll), time.NewTicker(r.d.Lease/4)
	defer poll.Stop()
	defer renew.Stop()
	due := true // there may be something to lease
	for ctx.Err() == nil {
		if r.idle() {
			settled, ok := r.flush(ctx)
			due = due || settled // what was settled may have held up others of the same subject
			if due && ok {
				if due = r.lease(ctx); due && r.idle() {
					continue
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-r.freed:
		case <-r.s.delivery.wake:
			due = true
		case <-poll.C:
			due = true
			r.flush(ctx)
		case <-renew.C:
			r.renew(ctx)
		}
	}
}

// idle says that a worker could do something, but there is nothing left to do.
func (r *runner) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue) == 0 && r.workers < r.d.Workers
}

// lease gets events and has workers begin with them. It says whether there may be more.
func (r *runner) lease(ctx context.Context) (more bool) {
	r.boundTails()
	at := time.Now()
	limit, cancel := context.WithTimeout(ctx, r.d.Lease/2) // an answer after that would be late
	defer cancel()
	leased, err := r.s.source.Lease(limit, store.Lease{Owner: r.owner, Consumer: hooksConsumer, For: r.d.Lease, Max: r.d.Batch})
	if err != nil {
		r.complain(ctx, "events wait: the store doesn't hand them out", err)
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	chains := make(map[store.Key]*chain, len(leased))
	for _, l := range leased {
		c := chains[l.Subject]
		if c == nil {
			c = &chain{leased: at}
			chains[l.Subject] = c
			r.queue = append(r.queue, c)
		}
		c.events = append(c.events, l)
	}
	for n := min(len(r.queue), r.d.Workers-r.workers); n > 0; n-- {
		r.workers++
		r.wg.Go(r.work)
	}
	return len(leased) == r.d.Batch
}

// boundTails hands back what waits behind other events of the same subject, if that is more than a batch: a subject with a slow
// hook and many events must neither fill the memory nor keep others waiting.
func (r *runner) boundTails() {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting := 0
	for c := range r.running {
		waiting += max(0, len(c.events)-1)
	}
	if waiting+r.d.Workers <= r.d.Batch {
		return
	}
	for c := range r.running {
		r.handBack(c, 1)
	}
}

// work delivers what is in the queue until nothing is left.
func (r *runner) work() {
	for c := r.take(); c != nil; c = r.take() {
		for l, ok := r.first(c); ok; l, ok = r.first(c) {
			r.settle(c, r.s.attempt(r.hooks, l))
		}
	}
	select {
	case r.freed <- struct{}{}:
	default:
	}
}

// take is the next chain of the queue, or nil if nothing is left; then the worker must end.
func (r *runner) take() *chain {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) > 0 {
		c := r.queue[0]
		r.queue = r.queue[1:]
		if !r.late(c) {
			r.running[c] = struct{}{}
			return c
		}
		r.handBack(c, 0)
	}
	r.workers--
	return nil
}

// first is the event of a running chain that is next.
func (r *runner) first(c *chain) (l store.Delivery, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(c.events) == 0 {
		delete(r.running, c)
		return l, false
	}
	return c.events[0], true
}

// settle writes down what became of the first event of a chain. If that is to be tried again, the others must wait for it.
func (r *runner) settle(c *chain, s store.Settlement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settled = append(r.settled, s)
	c.events[0] = store.Delivery{} // its data is needed no more
	c.events = c.events[1:]
	if s.Outcome == store.Retry || r.late(c) {
		r.handBack(c, 0)
	}
}

// handBack gives up the events of a chain from a position on. The caller has the lock.
func (r *runner) handBack(c *chain, from int) {
	from = min(from, len(c.events)) // a running chain has none for a moment, when its last event is settled
	for _, l := range c.events[from:] {
		r.settled = append(r.settled, settlement(l, store.HandBack))
	}
	clear(c.events[from:])
	c.events = c.events[:from]
}

// handBackWaiting gives up what nobody has begun, or only those events of it that are late. The caller has the lock.
func (r *runner) handBackWaiting(all bool) {
	queue := r.queue
	r.queue = nil
	for _, c := range queue {
		if all || r.late(c) {
			r.handBack(c, 0)
		} else {
			r.queue = append(r.queue, c)
		}
	}
	for c := range r.running {
		if all || r.late(c) {
			r.handBack(c, 1)
		}
	}
}

// renew prolongs the leases of what is being told, and hands back what has waited for too long.
func (r *runner) renew(ctx context.Context) {
	r.mu.Lock()
	r.handBackWaiting(false)
	var renewals []store.Settlement
	for c := range r.running {
		if len(c.events) > 0 {
			s := settlement(c.events[0], store.Renew)
			s.After = r.d.Lease
			renewals = append(renewals, s)
		}
	}
	r.mu.Unlock()
	r.flush(ctx)
	if len(renewals) == 0 {
		return
	}
	// One that has ended meanwhile may be settled already. Then there is no lease to renew, and it is left alone.
	limit, cancel := context.WithTimeout(ctx, r.d.Lease/4)
	defer cancel()
	if err := r.s.source.Settle(limit, renewals); err != nil {
		r.complain(ctx, "leases of events could not be prolonged: another process may deliver the same events now", err)
	}
}

// flush tells the store what became of events. It says whether that was any, and whether the store has understood. What it has
// not is told again the next time: what was settled already is left alone then.
func (r *runner) flush(ctx context.Context) (settled, ok bool) {
	r.mu.Lock()
	list := r.settled
	r.settled = nil
	r.mu.Unlock()
	if len(list) == 0 {
		return false, true
	}
	limit, cancel := context.WithTimeout(ctx, r.d.Lease/2)
	defer cancel()
	if err := r.s.source.Settle(limit, list); err != nil {
		r.complain(ctx, "what became of events could not be written down yet", err)
		r.mu.Lock()
		r.settled = append(list, r.settled...)
		r.mu.Unlock()
		return true, false
	}
	return true, true
}

// complain logs an error of the store, unless Run is about to end.
func (r *runner) complain(ctx context.Context, message string, err error) {
	if ctx.Err() == nil {
		r.s.opts.Logger.ErrorContext(ctx, message, slog.String("consumer", hooksConsumer), slog.String("error", err.Error()))
	}
}

// stop ends what run has begun. It takes the time Delivery.Stop at most, and then the time of grace.
func (r *runner) stop(ctx context.Context, end func()) {
	ctx = context.WithoutCancel(ctx)
	r.mu.Lock()
	r.handBackWaiting(true)
	r.mu.Unlock()
	r.flush(ctx)
	ended := make(chan struct{})
	go func() { r.wg.Wait(); close(ended) }()
	patience, renew := time.NewTimer(r.d.Stop), time.NewTicker(r.d.Lease/4)
	defer patience.Stop()
	defer renew.Stop()
wait:
	for {
		select {
		case <-ended:
			break wait
		case <-patience.C:
			end()
			<-ended // an attempt ends soon after its context
			break wait
		case <-renew.C:
			r.renew(ctx)
		}
	}
	end()
	r.flush(ctx)
}
