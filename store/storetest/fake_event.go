package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// event is a committed event and how far its delivery has come.
type event struct {
	tenant string
	state  delivery
	until  time.Time // leased: when the lease runs out; retrying: when it is due
	store.Delivery
}

type delivery int

const (
	due delivery = iota
	leased
	retrying
	parked
	done
)

func (e *event) settled() bool { return e.state == parked || e.state == done }

// Lease implements [store.EventSource].
func (f *Fake) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	if err := f.begin(ctx, "Lease"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []store.Delivery
	busy := map[store.Key]bool{} // subjects with an earlier event that isn't settled
	for _, e := range f.events {
		if len(out) >= l.Max {
			break
		}
		if e.settled() {
			continue
		}
		subject := e.Subject
		subject.Tenant = e.tenant
		if !busy[subject] && (e.state == due || !e.until.After(l.Now)) {
			e.state, e.until, e.Owner = leased, l.Until, l.Owner
			out = append(out, e.Delivery)
			e.Attempts++
		}
		busy[subject] = true
	}
	return out, nil
}

// Settle implements [store.EventSource].
func (f *Fake) Settle(ctx context.Context, settlements []store.Settlement) error {
	if err := f.begin(ctx, "Settle"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range settlements {
		for _, e := range f.events {
			if e.tenant != s.Tenant || e.ID != s.EventID || e.state != leased || e.Owner != s.Owner {
				continue
			}
			e.Owner, e.Reason = "", s.Reason
			switch s.Outcome {
			case store.Done:
				e.state, e.Reason = done, ""
			case store.Retry:
				e.state, e.until = retrying, s.RetryAt
			case store.Park:
				e.state = parked
			}
		}
	}
	return nil
}

// Parked implements [store.EventSource].
func (f *Fake) Parked(ctx context.Context, tenant string, max int) ([]store.Delivery, error) {
	if err := f.begin(ctx, "Parked"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []store.Delivery
	for _, e := range f.events {
		if len(out) < max && e.tenant == tenant && e.state == parked {
			out = append(out, e.Delivery)
		}
	}
	return out, nil
}

// Replay implements [store.EventSource]. Whoever has one of the events in hand loses the lease, so that order holds.
func (f *Fake) Replay(ctx context.Context, tenant string, from time.Time) error {
	if err := f.begin(ctx, "Replay"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.tenant == tenant && !e.Time.Before(from) {
			e.state, e.Attempts, e.Owner, e.Reason = due, 0, "", ""
		}
	}
	return nil
}

// Prune implements [store.EventSource].
func (f *Fake) Prune(ctx context.Context, before time.Time) (int, error) {
	if err := f.begin(ctx, "Prune"); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.events)
	f.events = slices.DeleteFunc(f.events, func(e *event) bool { return e.state == done && e.Time.Before(before) })
	return n - len(f.events), nil
}
