package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// delivery is a committed event for one of its consumers, and how far it has come.
type delivery struct {
	tenant string
	state  deliveryState
	until  time.Time // when the lease of a leased one runs out, and when a retrying one is due
	store.Delivery
}

type deliveryState int

const (
	due deliveryState = iota
	leased
	retrying
	parked
	done
)

func (d *delivery) settled() bool { return d.state == parked || d.state == done }

// subject returns what the event is about, in the tenant of the commit.
func (d *delivery) subject() store.Key {
	return store.Key{Tenant: d.tenant, Type: d.Subject.Type, ID: d.Subject.ID}
}

// wanted says whether a lease asks for this delivery, whether or not it is due.
func (d *delivery) wanted(l store.Lease) bool {
	return d.Consumer == l.Consumer && d.Consumer != store.FeedConsumer && (l.Tenant == "" || d.tenant == l.Tenant) &&
		(l.Subjects == nil || slices.ContainsFunc(l.Subjects, func(k store.Key) bool {
			return k.Type == d.Subject.Type && k.ID == d.Subject.ID
		}))
}

// Lease implements [store.EventSource].
func (f *Fake) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	if err := f.begin(ctx, "Lease"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	urgent := map[store.Key]bool{} // subjects for whom an urgent event waits
	for _, d := range f.deliveries {
		if !d.settled() && d.wanted(l) && d.Urgent {
			urgent[d.subject()] = true
		}
	}
	var out []store.Delivery
	busy := map[store.Key]bool{} // subjects with an earlier event that isn't settled
	for _, first := range [...]bool{true, false} {
		for _, d := range f.deliveries {
			if d.settled() || !d.wanted(l) || f.paused[consumerOf{d.tenant, d.Consumer}] || urgent[d.subject()] != first {
				continue
			}
			if len(out) < l.Max && !busy[d.subject()] && (d.state == due || !d.until.After(now)) {
				d.state, d.until, d.Owner = leased, now.Add(max(l.For, 0)), l.Owner
				out = append(out, d.Delivery)
				d.Attempts++
			}
			busy[d.subject()] = true
		}
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
		for _, d := range f.deliveries {
			if d.tenant == s.Tenant && d.ID == s.EventID && d.Consumer == s.Consumer && d.state == leased && d.Owner == s.Owner {
				d.settle(s, time.Now())
			}
		}
	}
	return nil
}

func (d *delivery) settle(s store.Settlement, now time.Time) {
	switch s.Outcome {
	case store.Done:
		d.state, d.Owner, d.Reason = done, "", ""
	case store.Retry:
		d.state, d.Owner, d.Reason, d.until = retrying, "", s.Reason, now.Add(max(s.After, 0))
	case store.Park:
		d.state, d.Owner, d.Reason = parked, "", s.Reason
	case store.Renew:
		d.until = now.Add(max(s.After, 0))
	case store.HandBack:
		d.state, d.Owner = due, ""
		d.Attempts--
	}
}

// Parked implements [store.EventSource].
func (f *Fake) Parked(ctx context.Context, tenant, consumer string, max int) ([]store.Delivery, error) {
	if err := f.begin(ctx, "Parked"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []store.Delivery
	for _, d := range f.deliveries {
		if len(out) < max && d.tenant == tenant && (consumer == "" || d.Consumer == consumer) && d.state == parked {
			out = append(out, d.Delivery)
		}
	}
	return out, nil
}

// Replay implements [store.EventSource]. The lease of an event that is replayed ends, so that the order holds.
func (f *Fake) Replay(ctx context.Context, r store.Replay) error {
	if err := f.begin(ctx, "Replay"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.deliveries {
		if d.tenant != r.Tenant || d.Consumer != r.Consumer || d.Time.Before(r.From) || r.EventID != "" && d.ID != r.EventID ||
			r.Subject != nil && (d.Subject.Type != r.Subject.Type || d.Subject.ID != r.Subject.ID) {
			continue
		}
		d.state, d.Attempts, d.Owner, d.Reason = due, 0, "", ""
	}
	return nil
}
