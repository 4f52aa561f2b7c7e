package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// hooksConsumer is the consumer of events that Options.Hooks are.
const hooksConsumer = "hooks"

// Delivery says how events reach the hooks. A zero field means its default.
type Delivery struct {
	Batch    int           // events leased at once; default 64
	Lease    time.Duration // after which another process may deliver what this one has leased; default 1 min
	Poll     time.Duration // how often Run looks for events of other processes and for retries; default 1 s
	Backoff  time.Duration // wait before the first retry; doubles each time; default 1 s
	MaxWait  time.Duration // longest wait before a retry; default 10 min
	Attempts int           // after which an event is parked; default 12
}

func (d Delivery) withDefaults() Delivery {
	for _, f := range [...]struct {
		field *time.Duration
		value time.Duration
	}{{&d.Lease, time.Minute}, {&d.Poll, time.Second}, {&d.Backoff, time.Second}, {&d.MaxWait, 10 * time.Minute}} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	if d.Batch <= 0 {
		d.Batch = 64
	}
	if d.Attempts <= 0 {
		d.Attempts = 12
	}
	return d
}

// deliver sees to it that the events of a commit reach the hooks. With Run somewhere in this process it only wakes that;
// without, the hooks are called here and now, and what fails waits for the next delivery. A store without events gets
// one try.
func (s *Service) deliver(ctx context.Context, events []*Event) {
	switch {
	case len(events) == 0:
	case s.running.Load() > 0:
		select {
		case s.wake <- struct{}{}:
		default:
		}
	case s.source != nil:
		if _, err := s.drain(context.WithoutCancel(ctx)); err != nil {
			s.opts.Logger.ErrorContext(ctx, "events wait: they can't be read", slog.String("error", err.Error()))
		}
	default:
		for _, e := range events {
			e.Attempt, e.Changed = 1, changed(e.Before, e.After)
			if err := s.call(context.WithoutCancel(ctx), e); err != nil {
				s.opts.Logger.ErrorContext(ctx, "a hook failed and won't be called again", slog.String("event", e.ID), slog.String("kind", string(e.Kind)), slog.String("error", err.Error()))
			}
		}
	}
}

// Run delivers events to the hooks until ctx ends, and then finishes what it has begun. Any number may run, in any number
// of processes; an event is with one of them at a time, and the events of one subject stay in order (I10). It returns
// nil when ctx ends; it rides out a store that is unavailable.
func (s *Service) Run(ctx context.Context) error {
	if s.source == nil {
		return errors.New("lifecycle: the store keeps no events to deliver")
	}
	s.running.Add(1)
	defer s.running.Add(-1)
	tick := time.NewTicker(s.opts.Delivery.Poll)
	defer tick.Stop()
	for {
		if _, err := s.drain(ctx); err != nil && ctx.Err() == nil {
			s.opts.Logger.ErrorContext(ctx, "events wait: they can't be read", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// drain delivers what is due until nothing is, and says how many events it had in its hands.
func (s *Service) drain(ctx context.Context) (handled int, err error) {
	for ctx.Err() == nil {
		d := s.opts.Delivery
		at := now()
		leased, err := s.source.Lease(ctx, store.Lease{Owner: s.owner, Consumer: hooksConsumer, For: d.Lease, Max: d.Batch})
		if err != nil || len(leased) == 0 {
			return handled, err
		}
		handled += len(leased)
		settled := make([]store.Settlement, 0, len(leased))
		for _, l := range leased {
			if now().After(at.Add(d.Lease / 2)) {
				break // the rest would come too late: their lease runs out, and they are somebody's again
			}
			settled = append(settled, s.attempt(ctx, l))
		}
		if err := s.source.Settle(context.WithoutCancel(ctx), settled); err != nil {
			return handled, err
		}
	}
	return handled, ctx.Err()
}

// attempt calls the hooks of one event and says what becomes of it.
func (s *Service) attempt(ctx context.Context, l store.Delivery) store.Settlement {
	settled := store.Settlement{Tenant: l.Subject.Tenant, EventID: l.ID, Consumer: l.Consumer, Owner: l.Owner, Outcome: store.Done}
	e := eventOf(l.Event)
	e.Attempt = l.Attempts + 1
	err := s.call(context.WithoutCancel(ctx), e)
	if err == nil {
		return settled
	}
	settled.Outcome, settled.Reason = store.Retry, err.Error()
	settled.After = s.opts.Delivery.wait(e.Attempt)
	level := slog.LevelWarn
	if e.Attempt >= s.opts.Delivery.Attempts {
		settled.Outcome, level = store.Park, slog.LevelError
	}
	s.opts.Logger.Log(ctx, level, "a hook failed", slog.String("event", e.ID), slog.String("kind", string(e.Kind)),
		slog.Int("attempt", e.Attempt), slog.Bool("parked", settled.Outcome == store.Park), slog.String("error", err.Error()))
	return settled
}

// wait is how long to wait behind a failed attempt: twice as long each time, and up to a quarter off, so that events that
// failed together don't come back together.
func (d Delivery) wait(attempt int) time.Duration {
	w := d.MaxWait
	if shift := attempt - 1; shift < 32 && d.Backoff<<shift > 0 {
		w = min(w, d.Backoff<<shift)
	}
	return w - rand.N(w/4+1)
}

// call calls the hooks of an event and contains a panic.
func (s *Service) call(ctx context.Context, e *Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return s.opts.Hooks.tell(ctx, e)
}

// Parked lists events that were given up, oldest first, with the reasons.
func (s *Service) Parked(ctx context.Context, tenant string, max int) ([]store.Delivery, error) {
	if s.source == nil {
		return nil, nil
	}
	return s.source.Parked(ctx, tenant, hooksConsumer, max)
}

// Replay has all events of a tenant since a time delivered again, in order, parked ones included.
func (s *Service) Replay(ctx context.Context, tenant string, from time.Time) error {
	if s.source == nil {
		return errors.New("lifecycle: the store keeps no events to replay")
	}
	if err := s.source.Replay(ctx, store.Replay{Tenant: tenant, Consumer: hooksConsumer, From: from}); err != nil {
		return err
	}
	if s.running.Load() == 0 {
		_, err := s.drain(context.WithoutCancel(ctx))
		return err
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}
