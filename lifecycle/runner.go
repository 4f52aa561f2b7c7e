package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Run delivers events to the hooks and to the other consumers until ctx ends. Any number may run, in any number of processes; an
// event is with one of them at a time. Events of different subjects are delivered concurrently, those of one subject in order
// (I10), and each consumer by itself. Run rides out a store that is unavailable. It also removes what Delivery.Retention says is
// old.
//
// When ctx ends, Run hands back what it has not begun, gives hooks that are running the time Delivery.Stop, and returns nil.
// It returns an error only if the store keeps no events. Hooks get a context with the values of ctx.
func (s *Service) Run(ctx context.Context) error {
	if s.source == nil {
		return errors.New("lifecycle: the store keeps no events to deliver")
	}
	s.delivery.running.Add(1)
	defer s.delivery.running.Add(-1)
	var all sync.WaitGroup
	all.Go(func() { s.prune(ctx) })
	all.Go(func() { s.summaries(ctx) })
	all.Go(func() { s.hear(ctx) })
	all.Go(func() { s.background(ctx) })
	for _, c := range s.consumers {
		if c.Subscribers == nil && !c.InTx {
			all.Go(func() { s.runConsumer(ctx, c, c.Name, 0) })
		}
	}
	if len(s.families) > 0 {
		all.Go(func() { s.runFamilies(ctx) })
	}
	all.Wait()
	return nil
}

// runConsumer delivers to one consumer until ctx ends, or until it has had nothing to do for a while that isn't 0.
func (s *Service) runConsumer(ctx context.Context, c *consumer, name string, patience time.Duration) {
	hooks, end := context.WithCancelCause(context.WithoutCancel(ctx))
	r := &runner{s: s, c: c, d: c.delivery, name: name, owner: newID(), hooks: hooks, patience: patience, worked: time.Now(),
		wake: s.delivery.waker(), freed: make(chan struct{}, 1), running: make(map[*job]struct{})}
	defer s.delivery.dismiss(r.wake)
	r.run(ctx)
	r.stop(ctx, func() { end(errors.New("the process stops")) })
}

// memberPatience is how long a process goes on with one of a family that has nothing to be told.
const memberPatience = 30 * time.Second

// runFamilies runs those of the families that have something to be told. It asks for them all at once, as there may be many.
func (s *Service) runFamilies(ctx context.Context) {
	var (
		all     sync.WaitGroup
		mu      sync.Mutex
		running = map[string]bool{}
	)
	defer all.Wait()
	wake := s.delivery.waker()
	defer s.delivery.dismiss(wake)
	poll := time.NewTicker(s.opts.Delivery.Poll)
	defer poll.Stop()
	for ctx.Err() == nil {
		names, err := s.admin.Due(ctx)
		if err != nil {
			s.complain(ctx, "events wait: the store doesn't say whose are due", "", err)
		}
		for _, name := range names {
			c := s.consumerOf(name)
			mu.Lock()
			begins := c != nil && c.Subscribers != nil && !running[name]
			running[name] = running[name] || begins
			mu.Unlock()
			if begins {
				all.Go(func() {
					s.runConsumer(ctx, c, name, memberPatience)
					mu.Lock()
					defer mu.Unlock()
					delete(running, name)
				})
			}
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-poll.C:
		}
	}
}

// hear wakes everybody when other processes have committed events, if the store tells.
func (s *Service) hear(ctx context.Context) {
	notifier, ok := store.As[store.EventNotifier](s.store)
	if !ok {
		return
	}
	for ctx.Err() == nil {
		if err := notifier.Notify(ctx, s.delivery.wake); err != nil {
			s.complain(ctx, "the store doesn't tell of the events of other processes: they are looked for now and then", "", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.opts.Delivery.Poll):
		}
	}
}

// complainEvery is how often the log has a line of deliveries that a store fails.
const complainEvery = 10 * time.Second

// complain logs an error of the store, and not if it is only that Run ends. A store that is away fails every part of every
// delivery, each second, and the requests have a line of it each second already. So all deliveries share one line.
func (s *Service) complain(ctx context.Context, message, consumer string, err error) {
	if ctx.Err() != nil {
		return
	}
	s.delivery.mu.Lock()
	tell := s.delivery.complained.IsZero() || time.Since(s.delivery.complained) >= complainEvery
	if tell {
		s.delivery.complained = time.Now()
	}
	s.delivery.mu.Unlock()
	if tell {
		s.opts.Logger.ErrorContext(ctx, message, slog.String("consumer", consumer), slog.String("error", err.Error()))
	}
}

// runner is what one Run does for one consumer. Its goroutine leases events and settles them. Workers call the hooks: one begins whenever there is
// more to do than workers, and ends when nothing is left. The runner leases again when a worker has nothing to do, so that it never
// hoards what another process could deliver now.
//
// A store hands out one event of a subject at a time, which keeps them in order.
type runner struct {
	s     *Service
	c     *consumer
	d     Delivery
	name  string // of the consumer; of the one of a family
	owner string
	hooks context.Context // what the hooks' contexts come from
	wake  chan struct{}   // says that there may be something to lease
	freed chan struct{}   // says that a worker has ended
	wg    sync.WaitGroup

	patience time.Duration // with nothing to do for so long it ends; 0: never
	worked   time.Time     // when something was leased last

	mu      sync.Mutex
	queue   []*job            // what no worker has begun
	running map[*job]struct{} // what a worker is at
	workers int
	took    time.Duration      // how long attempts take, on average
	settled []store.Settlement // not yet told to the store
}

// job is an event to deliver.
type job struct {
	store.Delivery
	leased time.Time
}

// late says that too much of the lease is gone to begin with the event.
func (r *runner) late(j *job) bool { return time.Since(j.leased) > r.d.Lease/2 }

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
		case <-r.wake:
			due = true
		case <-poll.C:
			if r.patience > 0 && time.Since(r.worked) > r.patience && r.rests() {
				return
			}
			due = true
			if !r.idle() {
				r.flush(ctx)
			}
		case <-renew.C:
			r.renew(ctx)
		}
	}
}

// idle says that a worker could do something, but there is nothing left to do; or that there will soon be nothing left, because
// hooks are quick: then the store can be asked meanwhile.
func (r *runner) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue) == 0 && r.workers < r.d.Workers || r.ebbs()
}

// quick is how long hooks take at most, on average, for events to be leased before the queue is empty.
const quick = 100 * time.Millisecond

// ebbs says that the queue will be empty soon. The caller has the lock.
func (r *runner) ebbs() bool {
	return r.workers == r.d.Workers && r.took > 0 && r.took < quick && len(r.queue) <= r.d.Workers/2
}

// rests says whether no worker does anything.
func (r *runner) rests() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.workers == 0 && len(r.settled) == 0
}

// lease gets events and has workers begin with them. It says whether there may be more.
func (r *runner) lease(ctx context.Context) (more bool) {
	at := time.Now()
	limit, cancel := context.WithTimeout(ctx, r.d.Lease/2) // an answer after that would be late
	defer cancel()
	leased, err := r.s.source.Lease(limit, store.Lease{Owner: r.owner, Consumer: r.name, For: r.d.Lease, Max: r.d.Batch})
	if err != nil {
		r.complain(ctx, "events wait: the store doesn't hand them out", err)
		return false
	}
	if len(leased) > 0 {
		r.worked = at
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range leased {
		r.queue = append(r.queue, &job{l, at})
	}
	for n := min(len(r.queue), r.d.Workers-r.workers); n > 0; n-- {
		r.workers++
		r.wg.Go(r.work)
	}
	return len(leased) == r.d.Batch
}

// work delivers what is in the queue until nothing is left.
func (r *runner) work() {
	for j := r.take(); j != nil; j = r.take() {
		began := time.Now()
		settled := r.s.observedAttempt(r.hooks, r.c, j.Delivery)
		r.mu.Lock()
		const share = 8 // of the last one in the average
		r.took += (time.Since(began) - r.took) / share
		delete(r.running, j)
		r.settled = append(r.settled, settled)
		r.mu.Unlock()
	}
	r.signal()
}

// signal has the runner look whether to lease.
func (r *runner) signal() {
	select {
	case r.freed <- struct{}{}:
	default:
	}
}

// take is the next event of the queue, or nil if nothing is left; then the worker must end.
func (r *runner) take() *job {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) > 0 {
		j := r.queue[0]
		r.queue = r.queue[1:]
		if !r.late(j) {
			r.running[j] = struct{}{}
			if r.ebbs() && len(r.queue) == r.d.Workers/2 {
				r.signal()
			}
			return j
		}
		r.settled = append(r.settled, settlement(j.Delivery, store.HandBack))
	}
	r.workers--
	return nil
}

// handBack gives up what no worker has begun: all of it, or only what is late. The caller has the lock.
func (r *runner) handBack(all bool) {
	queue := r.queue
	r.queue = nil
	for _, j := range queue {
		if all || r.late(j) {
			r.settled = append(r.settled, settlement(j.Delivery, store.HandBack))
		} else {
			r.queue = append(r.queue, j)
		}
	}
}

// renew prolongs the leases of what is being told, and hands back what has waited for too long.
func (r *runner) renew(ctx context.Context) {
	r.mu.Lock()
	r.handBack(false)
	renewals := make([]store.Settlement, 0, len(r.running))
	for j := range r.running {
		s := settlement(j.Delivery, store.Renew)
		s.After = r.d.Lease
		renewals = append(renewals, s)
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

func (r *runner) complain(ctx context.Context, message string, err error) {
	r.s.complain(ctx, message, r.name, err)
}

// stop ends what run has begun. It takes the time Delivery.Stop at most, and then the time of grace.
func (r *runner) stop(ctx context.Context, end func()) {
	ctx = context.WithoutCancel(ctx)
	r.mu.Lock()
	r.handBack(true)
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
