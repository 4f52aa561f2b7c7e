package lifecycle

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Delivery says how events reach the hooks and the other consumers. A field that is 0 means its default. New refuses negative values, except in
// Retention, and values that contradict each other.
type Delivery struct {
	// Workers is how many hooks one Run calls at once for each consumer, each for another subject. Default 16.
	Workers int

	// Timeout is the deadline of the context that a hook gets. A hook that goes on for more than a second beyond it is
	// abandoned: its goroutine can't be ended, but its event is tried again. A request that has to deliver by itself,
	// because no Run runs in its process, spends no more than this on all its events. Default 30 s.
	Timeout time.Duration

	// Stop is how long hooks may go on after the context of Run has ended. Then their contexts end, and Run returns within
	// about a second. Default 10 s.
	Stop time.Duration

	// Attempts is how often an event is tried. Then it is parked: see Service.Parked and Service.Retry. An attempt during
	// which the process dies counts, too. Default 12.
	Attempts int

	// Backoff is how long an event waits after its first failure. It doubles with each failure, up to MaxWait, and up to a
	// quarter of it is left out at random, so that what failed together doesn't come back together. Default 1 s, or MaxWait
	// if that is shorter.
	Backoff time.Duration

	// MaxWait is the longest wait after a failure. Default 10 min, or Backoff if that is longer.
	MaxWait time.Duration

	// Poll is how often Run looks for events of other processes and for those that are due again. The events of its own
	// process reach it at once, and those of others soon if the store is a store.EventNotifier. Default 1 s.
	Poll time.Duration

	// Batch is how many events are read at once, at most. Beside these one Run has those in memory that its workers are
	// telling. Default 64.
	Batch int

	// Lease is how long after the death of a process its events wait until another process delivers them. A process that
	// lives prolongs the leases of what it is delivering. At least 1 s. Default 6 s.
	Lease time.Duration

	// Snapshot is the greatest length of Event.Before and Event.After together, in bytes. Beyond it the event is told and
	// kept without them: see Event.Truncated. Default 256 KiB.
	Snapshot int

	// Retention is how long events and the journal are kept.
	Retention Retention
}

// Retention is how long what has been delivered or written down is kept (I13). While Run runs, it removes what is older,
// about once an hour, from a store that is a store.Forgetter. Other stores are left alone. A field that is 0 means its
// default; one that is negative means for ever.
type Retention struct {
	Delivered time.Duration // events that every consumer was told; only these can be replayed. Default 7 days
	Parked    time.Duration // events that were given up. Default 90 days
	Journal   time.Duration // entries of the journal. Default 90 days
	// JournalCount is how many entries of each tenant's journal are kept, the newest. Default 1,000,000; all if Journal is negative
	JournalCount int
	// Tombstones are what is remembered of who was deleted, or had another name while an administrator had shut them out. Whoever is
	// created again afterwards is a new person, who is not held back. Default 400 days
	Tombstones time.Duration
}

// or sets a field that is zero to its default.
func or[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

func (d Delivery) withDefaults() Delivery {
	const day = 24 * time.Hour
	or(&d.Workers, 16)
	or(&d.Timeout, 30*time.Second)
	or(&d.Stop, 10*time.Second)
	or(&d.Attempts, 12)
	if d.MaxWait == 0 {
		d.MaxWait = max(10*time.Minute, d.Backoff)
	}
	or(&d.Backoff, min(time.Second, d.MaxWait))
	or(&d.Poll, time.Second)
	or(&d.Batch, 64)
	or(&d.Lease, 6*time.Second)
	or(&d.Snapshot, 256<<10)
	or(&d.Retention.Delivered, 7*day)
	or(&d.Retention.Parked, 90*day)
	or(&d.Retention.Journal, 90*day)
	if d.Retention.Journal < 0 { // for ever
		or(&d.Retention.JournalCount, -1)
	}
	or(&d.Retention.JournalCount, 1_000_000)
	or(&d.Retention.Tombstones, 400*day)
	return d
}

// validate says which field is wrong and what would be right.
func (d Delivery) validate() error {
	for _, f := range [...]struct {
		name  string
		value int64
	}{
		{"Workers", int64(d.Workers)}, {"Timeout", int64(d.Timeout)}, {"Stop", int64(d.Stop)}, {"Attempts", int64(d.Attempts)},
		{"Backoff", int64(d.Backoff)}, {"MaxWait", int64(d.MaxWait)}, {"Poll", int64(d.Poll)}, {"Batch", int64(d.Batch)},
		{"Lease", int64(d.Lease)}, {"Snapshot", int64(d.Snapshot)},
	} {
		if f.value < 0 {
			return fmt.Errorf("lifecycle: Delivery.%s is negative; want more than 0, or 0 for the default", f.name)
		}
	}
	if d.Lease > 0 && d.Lease < time.Second {
		return fmt.Errorf("lifecycle: Delivery.Lease is %s; want 1s or more, so that it can be prolonged in time", d.Lease)
	}
	if d.MaxWait > 0 && d.Backoff > d.MaxWait {
		return fmt.Errorf("lifecycle: Delivery.Backoff is %s, which is longer than Delivery.MaxWait, %s", d.Backoff, d.MaxWait)
	}
	return nil
}

// delivering is what a Service knows of the delivery of events in its process.
type delivering struct {
	running   atomic.Int32 // how many Run there are
	alone     sync.Once    // says in the log that there is no Run
	abandoned atomic.Int64 // how many hooks go on that nobody waits for any more
	pruning   turns
	aside     chan func(context.Context) // what Run is to do beside; without a buffer

	mu      sync.Mutex
	wakes   map[chan struct{}]bool // of those who deliver; a full one has been woken
	changed chan struct{}          // see Service.Changed; nil if nobody asked

	complained time.Time // when an error of the store was logged last; see complain
}

// waker is a channel that hears of it when there is something to deliver, until it is dismissed.
func (d *delivering) waker() chan struct{} {
	wake := make(chan struct{}, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.wakes == nil {
		d.wakes = make(map[chan struct{}]bool)
	}
	d.wakes[wake] = true
	return wake
}

func (d *delivering) dismiss(wake chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.wakes, wake)
}

// wake tells everybody that there may be something new.
func (d *delivering) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for wake := range d.wakes {
		select {
		case wake <- struct{}{}:
		default: // it will look anyway
		}
	}
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

// Changed returns a channel that is closed when events may have been committed since the call: by this process, or, while Run runs
// and the store is a store.EventNotifier, by another process. Package feed waits for it. A caller should look for events now and
// then all the same, because a notification may be lost.
func (s *Service) Changed() <-chan struct{} {
	d := &s.delivery
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	return d.changed
}

// Wake has Run look for events now. A product calls it when it has committed a decision in a transaction of its own, which no
// method of the service knows of.
func (s *Service) Wake() { s.delivery.wake() }

// deliver sees to it that the events of a commit reach the consumers. If there is a Run in this process, it only wakes that.
// Otherwise the hooks are called here and now, once, and what fails waits for a Run. A store without events gets one try.
//
// Nothing of ctx reaches a hook: it is the context of a request (I15).
func (s *Service) deliver(ctx context.Context, events []*Event) {
	if len(events) == 0 {
		return
	}
	if s.source != nil {
		s.delivery.wake()
		if s.delivery.running.Load() > 0 {
			return
		}
	}
	own, cancel := context.WithTimeout(context.Background(), s.opts.Delivery.Timeout)
	defer cancel()
	if s.source == nil {
		for _, e := range events {
			s.tellOnce(own, e)
		}
		return
	}
	for _, c := range s.consumers {
		if c.Subscribers != nil || c.InTx {
			continue
		}
		if err := s.deliverOwn(own, c, events); err != nil {
			s.opts.Logger.ErrorContext(ctx, "events wait: the store doesn't hand them out, or doesn't take what became of them",
				slog.String("tenant", events[0].Subject.Tenant), slog.String("consumer", c.Name), slog.String("error", err.Error()))
		}
	}
}

// tellOnce tells an event that no store keeps. When ctx has ended because earlier ones took too long, the log alone hears of it.
func (s *Service) tellOnce(ctx context.Context, e *Event) {
	e.cut(s.opts.Delivery.Snapshot)
	if !e.Truncated {
		e.Changed = changed(e.Before, e.After)
	}
	if len(e.consumers) == 0 {
		return // it was taken inside the commit
	}
	e.Attempt, e.Consumer = 1, HooksConsumer
	err := ctx.Err()
	if err == nil {
		err = s.tell(ctx, s.consumers[0], e)
	}
	if err != nil {
		s.logFailure(ctx, slog.LevelError, "a hook failed and won't be called again, because the store keeps no events", e.told(), err)
	}
}

// deliverOwn delivers the events of a commit to a consumer, one after the other, until a hook fails or ctx ends. Earlier events of
// the same subjects come first, or their order would be lost; all in all they are no more than about a batch.
func (s *Service) deliverOwn(ctx context.Context, c *consumer, events []*Event) error {
	own := make(map[string]bool, len(events))
	waiting := make(map[store.Key]int, 1) // how many of the events each subject has yet to be told
	for _, e := range events {
		if slices.Contains(e.consumers, c.Name) {
			own[e.ID] = true
			waiting[e.Subject]++
		}
	}
	for n := 0; n < c.delivery.Batch && len(waiting) > 0; {
		leased, settled, err := s.round(ctx, c, store.Lease{Tenant: events[0].Subject.Tenant, Subjects: slices.Collect(maps.Keys(waiting))})
		if err != nil || len(leased) == 0 {
			return err
		}
		n += len(leased)
		for i, l := range leased {
			if own[l.ID] {
				waiting[l.Subject]--
			}
			if waiting[l.Subject] == 0 || settled[i].Outcome != store.Done && settled[i].Outcome != store.Park {
				delete(waiting, l.Subject) // what was not told holds up the later ones
			}
		}
	}
	return nil
}

// round delivers the events that a lease hands out, one after the other, and returns what became of each. When ctx ends, the
// rest is handed back. It is for a process without a Run, and says so in the log.
func (s *Service) round(ctx context.Context, c *consumer, lease store.Lease) (leased []store.Delivery, settled []store.Settlement, err error) {
	s.delivery.alone.Do(func() {
		s.opts.Logger.Warn("nobody calls Service.Run in this process: hooks are called while the request waits that caused the event, " +
			"and an event whose hook fails isn't told again until some process calls Run")
	})
	d := c.delivery
	lease.Owner, lease.Consumer, lease.Max = newID(), c.Name, d.Batch
	lease.For = s.opts.Delivery.Timeout + d.Timeout + d.Lease // all of it ends by then
	leased, err = s.source.Lease(ctx, lease)
	if err != nil || len(leased) == 0 {
		return nil, nil, err
	}
	for _, l := range leased {
		if ctx.Err() != nil {
			settled = append(settled, settlement(l, store.HandBack))
		} else {
			settled = append(settled, s.observedAttempt(ctx, c, l))
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.Lease)
	defer cancel()
	return leased, settled, s.source.Settle(ctx, settled)
}
