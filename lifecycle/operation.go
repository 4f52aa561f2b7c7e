package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// The methods of this file are for those who operate the delivery of events.

// errNoEvents says that the store can't do what an operator asks for.
var errNoEvents = errors.New("lifecycle: the store keeps no events, or can't do that with them: it is no store.EventSource and store.EventAdmin")

// Consumers are the names of those who are told events, with "hooks" first. Of a family only its own name is among them.
func (s *Service) Consumers() (names []string) {
	for _, c := range s.consumers {
		if !c.InTx {
			names = append(names, c.Name)
		}
	}
	return names
}

// Parked lists the events of a tenant that some consumer has given up, oldest first, with the consumers and the reasons.
func (s *Service) Parked(ctx context.Context, tenant string, max int) ([]store.Delivery, error) {
	if s.source == nil {
		return nil, nil
	}
	return s.source.Parked(ctx, tenant, "", max)
}

// Retry tells a parked event of a tenant again, at once and with all attempts: to the consumer that gave it up, or to all who did
// if consumer is "". It returns store.ErrNotFound if nobody has it parked.
func (s *Service) Retry(ctx context.Context, tenant, consumer, event string) error {
	if s.source == nil {
		return errNoEvents
	}
	names, err := s.parkedBy(ctx, tenant, consumer, event)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.ReplayTo(ctx, store.Replay{Tenant: tenant, Consumer: name, EventID: event}); err != nil {
			return err
		}
	}
	return nil
}

// Drop gives up a parked event for good: for one consumer, or for all who have it parked if consumer is "". The reason is kept for
// those who look later. It returns store.ErrNotFound if nobody has it parked.
func (s *Service) Drop(ctx context.Context, tenant, consumer, event, reason string) error {
	if s.source == nil || s.admin == nil {
		return errNoEvents
	}
	names, err := s.parkedBy(ctx, tenant, consumer, event)
	for _, name := range names {
		if err == nil {
			err = s.admin.Drop(ctx, tenant, name, event, "dropped: "+reason)
		}
	}
	return err
}

// parkedBy are the consumers who have an event parked.
func (s *Service) parkedBy(ctx context.Context, tenant, consumer, event string) (names []string, err error) {
	const most = 100_000
	parked, err := s.source.Parked(ctx, tenant, consumer, most)
	if err != nil {
		return nil, err
	}
	for _, d := range parked {
		if d.ID == event {
			names = append(names, d.Consumer)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("lifecycle: the event %s isn't parked: %w", quoted(event), store.ErrNotFound)
	}
	return names, nil
}

// Replay has all events of a tenant since a time told to Options.Hooks again. See ReplayTo.
func (s *Service) Replay(ctx context.Context, tenant string, from time.Time) error {
	return s.ReplayTo(ctx, store.Replay{Tenant: tenant, Consumer: HooksConsumer, From: from})
}

// ReplayTo has events of a tenant told to one consumer again: those since a time, those of a subject, or one. They keep their ids and
// come in order, parked ones included, if they are still kept (Retention.Delivered). If there is a Run in this process, that does
// it. Otherwise ReplayTo delivers here and now, for as long as Delivery.Timeout, and what is left then waits for a Run.
func (s *Service) ReplayTo(ctx context.Context, r store.Replay) error {
	if s.source == nil {
		return errors.New("lifecycle: the store keeps no events to replay")
	}
	c := s.consumerOf(r.Consumer)
	if c == nil {
		return fmt.Errorf("%w: %s", ErrNoConsumer, quoted(r.Consumer))
	}
	if err := s.source.Replay(ctx, r); err != nil {
		return err
	}
	s.delivery.wake()
	if s.delivery.running.Load() > 0 || c.Subscribers != nil {
		return nil
	}
	own, cancel := context.WithTimeout(context.Background(), s.opts.Delivery.Timeout)
	defer cancel()
	for own.Err() == nil {
		if leased, _, err := s.round(own, c, store.Lease{Tenant: r.Tenant}); err != nil || len(leased) == 0 {
			return err
		}
	}
	return nil
}

// Pause stops the deliveries of a tenant to a consumer, in all processes, until Resume. Hooks that are running go on. Events wait
// meanwhile, and keep their order.
func (s *Service) Pause(ctx context.Context, tenant, consumer string) error {
	return s.setPaused(ctx, tenant, consumer, true)
}

// Resume lets deliveries go on that Pause has stopped.
func (s *Service) Resume(ctx context.Context, tenant, consumer string) error {
	return s.setPaused(ctx, tenant, consumer, false)
}

func (s *Service) setPaused(ctx context.Context, tenant, consumer string, paused bool) error {
	if s.admin == nil {
		return errNoEvents
	}
	if s.consumerOf(consumer) == nil {
		return fmt.Errorf("%w: %s", ErrNoConsumer, quoted(consumer))
	}
	if err := s.admin.SetPaused(ctx, tenant, consumer, paused); err != nil {
		return err
	}
	s.delivery.wake()
	return nil
}

// Lags says how far behind the consumers are: of a tenant, or of all tenants if tenant is "". A consumer for whom nothing waits
// has no line.
func (s *Service) Lags(ctx context.Context, tenant string) ([]store.Lag, error) {
	if s.admin == nil {
		return nil, errNoEvents
	}
	return s.admin.Lags(ctx, tenant)
}

// Feed reads the events of Options.Feed: see store.FeedReader.
func (s *Service) Feed(ctx context.Context, q store.FeedQuery) (store.FeedPage, error) {
	reader, ok := store.As[store.FeedReader](s.store)
	if !ok || !s.opts.Feed {
		return store.FeedPage{}, errors.New("lifecycle: there is no feed: set Options.Feed")
	}
	return reader.Feed(ctx, q)
}

// Tells says whether anybody is told the events of a kind.
func (s *Service) Tells(k Kind) bool { return len(s.told[k])+len(s.taken[k]) > 0 }

// HasFeed says whether Options.Feed is set.
func (s *Service) HasFeed() bool { return s.opts.Feed }
