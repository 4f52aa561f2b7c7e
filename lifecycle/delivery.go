package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// hooksConsumer is the consumer of events that Options.Hooks are.
const hooksConsumer = "hooks"

// Delivery says how events reach the hooks. A field that is 0 means its default. New refuses negative values, except in
// Retention, and values that contradict each other.
type Delivery struct {
	// Workers is how many hooks one Run calls at once, each for another subject. Default 16.
	Workers int

	// Timeout is the deadline of the context that a hook gets. A hook that goes on for more than a second beyond it is
	// abandoned: its goroutine can't be ended, but its event is tried again. A request that has to deliver by itself,
	// because no Run runs in its process, spends no more than this on all its events. Default 30 s.
	Timeout time.Duration

	// Stop is how long hooks may go on after the context of Run has ended. Then their contexts end, and Run returns within
	// about a second. Default 10 s.
	Stop time.Duration

	// Attempts is how often an event is tried. Then it is parked: see Service.Parked and Service.Replay. An attempt during
	// which the process dies counts, too. Default 12.
	Attempts int

	// Backoff is how long an event waits after its first failure. It doubles with each failure, up to MaxWait, and up to a
	// quarter of it is left out at random, so that what failed together doesn't come back together. Default 1 s, or MaxWait
	// if that is shorter.
	Backoff time.Duration

	// MaxWait is the longest wait after a failure. Default 10 min, or Backoff if that is longer.
	MaxWait time.Duration

	// Poll is how often Run looks for events of other processes and for those that are due again. The events of its own
	// process reach it at once. Default 1 s.
	Poll time.Duration

	// Batch is how many events are read at once, at most. Beside these one Run has those in memory that its workers are
	// telling. Default 64.
	Batch int

	// Lease is how long after the death of a process its events wait until another process delivers them. A process that
	// lives prolongs the leases of what it is delivering. At least 1 s. Default 15 s.
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
	or(&d.Lease, 15*time.Second)
	or(&d.Snapshot, 256<<10)
	or(&d.Retention.Delivered, 7*day)
	or(&d.Retention.Parked, 90*day)
	or(&d.Retention.Journal, 90*day)
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
	running   atomic.Int32  // how many Run there are
	wake      chan struct{} // tells one of them that there is something to deliver
	alone     sync.Once     // says in the log that there is no Run
	abandoned atomic.Int64  // how many hooks go on that nobody waits for any more
	pruning   turns
}

func (s *Service) wakeRun() {
	select {
	case s.delivery.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// deliver sees to it that the events of a commit reach the hooks. If there is a Run in this process, it only wakes that.
// Otherwise the hooks are called here and now, once, and what fails waits for a Run. A store without events gets one try.
//
// Nothing of ctx reaches a hook: it is the context of a request (I15).
func (s *Service) deliver(ctx context.Context, events []*Event) {
	switch {
	case len(events) == 0:
	case s.source == nil:
		for _, e := range events {
			s.tellOnce(e)
		}
	case s.delivery.running.Load() > 0:
		s.wakeRun()
	default:
		if err := s.deliverOwn(events); err != nil {
			s.opts.Logger.ErrorContext(ctx, "events wait: the store doesn't hand them out, or doesn't take what became of them",
				slog.String("tenant", events[0].Subject.Tenant), slog.String("error", err.Error()))
		}
	}
}

// tellOnce tells an event that no store keeps.
func (s *Service) tellOnce(e *Event) {
	e.cut(s.opts.Delivery.Snapshot)
	if !e.Truncated {
		e.Changed = changed(e.Before, e.After)
	}
	e.Attempt = 1
	ctx := context.Background()
	if err := s.tell(ctx, e); err != nil {
		s.logFailure(ctx, slog.LevelError, "a hook failed and won't be called again, because the store keeps no events", e.told(), err)
	}
}

// deliverOwn delivers the events of a commit, one after the other, until a hook fails or the time is over. Earlier events of
// the same subjects come first, or their order would be lost; all in all they are no more than about a batch.
func (s *Service) deliverOwn(events []*Event) error {
	own := make(map[string]bool, len(events))
	waiting := make(map[store.Key]int, 1) // how many of the events each subject has yet to be told
	for _, e := range events {
		own[e.ID] = true
		waiting[e.Subject]++
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.Delivery.Timeout)
	defer cancel()
	for n := 0; n < s.opts.Delivery.Batch && len(waiting) > 0; {
		leased, settled, err := s.round(ctx, store.Lease{Tenant: events[0].Subject.Tenant, Subjects: slices.Collect(maps.Keys(waiting))})
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
func (s *Service) round(ctx context.Context, lease store.Lease) (leased []store.Delivery, settled []store.Settlement, err error) {
	s.delivery.alone.Do(func() {
		s.opts.Logger.Warn("nobody calls Service.Run in this process: hooks are called while the request waits that caused the event, " +
			"and an event whose hook fails isn't told again until some process calls Run")
	})
	d := s.opts.Delivery
	lease.Owner, lease.Consumer, lease.Max = newID(), hooksConsumer, d.Batch
	lease.For = d.Timeout + d.Lease // all of it ends by Timeout and a little
	leased, err = s.source.Lease(ctx, lease)
	if err != nil || len(leased) == 0 {
		return nil, nil, err
	}
	for _, l := range leased {
		if ctx.Err() != nil {
			settled = append(settled, settlement(l, store.HandBack))
		} else {
			settled = append(settled, s.attempt(ctx, l))
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.Lease)
	defer cancel()
	return leased, settled, s.source.Settle(ctx, settled)
}

// Parked lists events that were given up, oldest first, with the reasons.
func (s *Service) Parked(ctx context.Context, tenant string, max int) ([]store.Delivery, error) {
	if s.source == nil {
		return nil, nil
	}
	return s.source.Parked(ctx, tenant, hooksConsumer, max)
}

// Replay has all events of a tenant since a time delivered again that are still kept, in order, parked ones included. If
// there is a Run in this process, that does it. Otherwise Replay delivers here and now, for as long as Delivery.Timeout,
// and what is left then waits for a Run.
func (s *Service) Replay(ctx context.Context, tenant string, from time.Time) error {
	if s.source == nil {
		return errors.New("lifecycle: the store keeps no events to replay")
	}
	if err := s.source.Replay(ctx, store.Replay{Tenant: tenant, Consumer: hooksConsumer, From: from}); err != nil {
		return err
	}
	if s.delivery.running.Load() > 0 {
		s.wakeRun()
		return nil
	}
	own, cancel := context.WithTimeout(context.Background(), s.opts.Delivery.Timeout)
	defer cancel()
	for own.Err() == nil {
		if leased, _, err := s.round(own, store.Lease{Tenant: tenant}); err != nil || len(leased) == 0 {
			return err
		}
	}
	return nil
}
