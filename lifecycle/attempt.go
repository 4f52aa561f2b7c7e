package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// grace is how long a hook may go on after its context has ended until nobody waits for it any more.
const grace = time.Second

// attempt tells the hooks a leased event and says what becomes of it. It returns at most the time of grace after ctx or the
// deadline of the hook has ended.
func (s *Service) attempt(ctx context.Context, c *consumer, l store.Delivery) store.Settlement {
	d, n := &c.delivery, l.Attempts+1
	settled := settlement(l, store.Done)
	var err error
	park := n >= d.Attempts
	if n > d.Attempts {
		// Whoever had it never said what became of it, so it may be what ends the process. It must not do so for ever.
		err = fmt.Errorf("it was begun %d times, and the last time nobody said what became of it", l.Attempts)
		if l.Reason != "" {
			err = fmt.Errorf("%w; the last failure was: %s", err, l.Reason)
		}
	} else if e, broken := eventOf(l.Event); broken != nil {
		park, err = true, broken // no other attempt will find it whole
	} else {
		e.Attempt, e.Consumer = n, l.Consumer
		err = s.tell(ctx, c, e)
	}
	if err == nil {
		return settled
	}
	level, message := slog.LevelWarn, "a hook failed and will be called again"
	settled.Outcome, settled.After, settled.Reason = store.Retry, c.wait(n), reason(err)
	var asked *RetryError
	if errors.As(err, &asked) {
		const most = 24 * time.Hour
		settled.After = max(settled.After, min(asked.After, most))
		park = park || asked.GiveUp
	}
	if park {
		settled.Outcome, settled.After = store.Park, 0
		level, message = slog.LevelError, "an event is parked: it won't be told again unless somebody retries or replays it"
	}
	s.logFailure(ctx, level, message, &l, err, slog.Bool("parked", park))
	return settled
}

func settlement(l store.Delivery, o store.Outcome) store.Settlement {
	return store.Settlement{Tenant: l.Subject.Tenant, EventID: l.ID, Consumer: l.Consumer, Owner: l.Owner, Outcome: o}
}

// told is the event as a delivery that no store has counted, for the log.
func (e *Event) told() *store.Delivery {
	return &store.Delivery{Event: store.Event{ID: e.ID, Kind: string(e.Kind), Subject: e.Subject}, Consumer: HooksConsumer, Attempts: e.Attempt - 1}
}

func (s *Service) logFailure(ctx context.Context, level slog.Level, message string, l *store.Delivery, err error, more ...slog.Attr) {
	attrs := append([]slog.Attr{slog.String("tenant", l.Subject.Tenant), slog.String("consumer", l.Consumer), slog.String("event", l.ID),
		slog.String("kind", l.Kind), slog.String("subject", l.Subject.ID), slog.Int("attempt", l.Attempts+1), slog.String("error", err.Error())}, more...)
	var p *panicError
	if errors.As(err, &p) {
		attrs = append(attrs, slog.String("stack", p.stack))
	}
	s.opts.Logger.LogAttrs(ctx, level, message, attrs...)
}

// reason is an error as a store keeps it: text that every store can hold, of bounded length.
func reason(err error) string {
	const most = 2 << 10
	text := err.Error()
	return strings.ToValidUTF8(strings.ReplaceAll(text[:min(len(text), most)], "\x00", "\uFFFD"), "\uFFFD")
}

// wait is how long an event waits after its attempt number n has failed.
func (d Delivery) wait(n int) time.Duration {
	w := d.MaxWait
	if shift := n - 1; shift < 32 && d.Backoff<<shift > 0 {
		w = min(w, d.Backoff<<shift)
	}
	return w - rand.N(w/4+1)
}

// panicError is a panic of a hook.
type panicError struct {
	value any
	stack string
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// tell calls the hooks of an event. They have a goroutine of their own, because nothing else can end the wait for a hook that
// ignores its context.
func (s *Service) tell(ctx context.Context, c *consumer, e *Event) error {
	timeout := c.delivery.Timeout
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("its deadline of %s is over", timeout))
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		err := errors.New("the hook ended its goroutine")
		defer func() {
			if p := recover(); p != nil {
				err = &panicError{p, string(debug.Stack())}
			}
			ended <- err
		}()
		if o := s.opts.Observer; o != nil {
			own, end := o.Begin(ctx, Op{Stage: StageHook, Name: opName(hookNames, "hook.", e.Kind), Tenant: e.Subject.Tenant, Consumer: e.Consumer,
				Family: c.Name, Event: e.ID, Attempt: e.Attempt, Request: e.Origin.Request, Connection: e.Origin.Connection})
			defer func() { end(Result{Err: err}) }()
			err = c.Hooks.tell(own, e)
			return
		}
		err = c.Hooks.tell(ctx, e)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case err := <-ended:
		return err
	case <-patience.C:
	}
	return s.abandon(ctx, e, ended)
}

// abandon leaves a hook to itself, and counts it for as long as it goes on.
func (s *Service) abandon(ctx context.Context, e *Event, ended <-chan error) error {
	log := s.opts.Logger.With(slog.String("tenant", e.Subject.Tenant), slog.String("event", e.ID), slog.String("kind", string(e.Kind)))
	log.ErrorContext(ctx, "a hook ignores that its context has ended: its goroutine is abandoned", slog.Int64("abandoned", s.delivery.abandoned.Add(1)))
	go func() {
		<-ended //nolint:errcheck // the attempt has failed already, by its deadline
		log.InfoContext(ctx, "an abandoned hook has ended", slog.Int64("abandoned", s.delivery.abandoned.Add(-1)))
	}()
	return fmt.Errorf("the hook went on although its context had ended: %w", context.Cause(ctx))
}
