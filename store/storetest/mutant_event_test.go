package storetest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// The mutants of this file tell events, keep the journal, or forget wrongly.

type oldestFirst struct{ *Fake }

func (m oldestFirst) Journal(ctx context.Context, q store.JournalQuery) ([]store.Entry, error) {
	entries, err := m.Fake.Journal(ctx, q)
	slices.Reverse(entries)
	return entries, err
}

type anyOutcome struct{ *Fake }

func (m anyOutcome) Journal(ctx context.Context, q store.JournalQuery) ([]store.Entry, error) {
	q.Outcome = ""
	return m.Fake.Journal(ctx, q)
}

// leasesAs leases something else than it is asked for.
type leasesAs struct {
	*Fake
	edit func(l *store.Lease)
}

func (m leasesAs) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	m.edit(&l)
	return m.Fake.Lease(ctx, l)
}

// settlesAs settles something else than it is asked to.
type settlesAs struct {
	*Fake
	edit func(x *store.Settlement)
}

func (m settlesAs) Settle(ctx context.Context, settlements []store.Settlement) error {
	settlements = slices.Clone(settlements)
	for i := range settlements {
		m.edit(&settlements[i])
	}
	return m.Fake.Settle(ctx, settlements)
}

type replaysAs struct {
	*Fake
	edit func(r *store.Replay)
}

func (m replaysAs) Replay(ctx context.Context, r store.Replay) error {
	m.edit(&r)
	return m.Fake.Replay(ctx, r)
}

// overtakes hands out an event that is due even if an earlier one of its subject is not settled.
type overtakes struct{ *Fake }

func (m overtakes) Lease(ctx context.Context, l store.Lease) (out []store.Delivery, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, d := range m.deliveries {
		if len(out) < l.Max && d.wanted(l) && !d.settled() && (d.state == due || !d.until.After(now)) {
			d.state, d.until, d.Owner = leased, now.Add(max(l.For, 0)), l.Owner
			out = append(out, d.Delivery)
			d.Attempts++
		}
	}
	return out, nil
}

type countsNoAttempts struct{ *Fake }

func (m countsNoAttempts) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	out, err := m.Fake.Lease(ctx, l)
	for i := range out {
		out[i].Attempts = 0
	}
	return out, err
}

// leasesTwice hands out events to a second owner that another one holds.
type leasesTwice struct {
	*Fake
	mu   sync.Mutex
	last []store.Delivery
}

func (m *leasesTwice) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out, err := m.Fake.Lease(ctx, l)
	now := slices.Clone(out)
	for _, d := range m.last {
		if d.Owner != l.Owner {
			out = append(out, d)
		}
	}
	m.last = now
	return out, err
}

// waitsForLater hands out no event of a subject while somebody holds one, even if that is a later one.
type waitsForLater struct{ *Fake }

func (m waitsForLater) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	m.mu.Lock()
	isFree := func(k store.Key) bool {
		return !slices.ContainsFunc(m.deliveries, func(d *delivery) bool {
			return d.state == leased && d.Consumer == l.Consumer && d.subject().Type == k.Type && d.subject().ID == k.ID && d.until.After(time.Now())
		})
	}
	subjects := []store.Key{}
	for _, d := range m.deliveries {
		if d.wanted(l) && isFree(d.subject()) {
			subjects = append(subjects, d.subject())
		}
	}
	m.mu.Unlock()
	l.Subjects = subjects
	return m.Fake.Lease(ctx, l)
}

type settlesForAnyone struct{ *Fake }

func (m settlesForAnyone) Settle(ctx context.Context, settlements []store.Settlement) error {
	m.mu.Lock()
	settlements = slices.Clone(settlements)
	for i := range settlements {
		for _, d := range m.deliveries {
			if d.ID == settlements[i].EventID && d.Consumer == settlements[i].Consumer {
				settlements[i].Owner = d.Owner
			}
		}
	}
	m.mu.Unlock()
	return m.Fake.Settle(ctx, settlements)
}

// tooLate refuses to settle leases that have run out.
type tooLate struct{ *Fake }

func (m tooLate) Settle(ctx context.Context, settlements []store.Settlement) error {
	m.mu.Lock()
	now := time.Now()
	ended := func(x store.Settlement) bool {
		return slices.ContainsFunc(m.deliveries, func(d *delivery) bool {
			return d.tenant == x.Tenant && d.ID == x.EventID && d.Consumer == x.Consumer && !d.until.After(now)
		})
	}
	settlements = slices.DeleteFunc(slices.Clone(settlements), ended)
	m.mu.Unlock()
	return m.Fake.Settle(ctx, settlements)
}

type replaysDoneOnly struct{ *Fake }

func (m replaysDoneOnly) Replay(ctx context.Context, r store.Replay) error {
	m.mu.Lock()
	var kept []*delivery
	for _, d := range m.deliveries {
		if d.state == parked {
			kept = append(kept, d)
		}
	}
	m.mu.Unlock()
	err := m.Fake.Replay(ctx, r)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range kept {
		d.state = parked
	}
	return err
}

// onePosition tells each event once, to whichever consumer comes first.
type onePosition struct{ *Fake }

func (m onePosition) Commit(ctx context.Context, c *store.Change) error {
	c = cloneChange(c)
	for i := range c.Events {
		if len(c.Events[i].Consumers) > 0 {
			c.Events[i].Consumers = []string{hooks}
		}
	}
	return m.Fake.Commit(ctx, c)
}

func (m onePosition) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	l.Consumer = hooks
	return m.Fake.Lease(ctx, l)
}

// oneOrder hands out an event only when the events before it are settled for every consumer.
type oneOrder struct{ *Fake }

func (m oneOrder) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	m.mu.Lock()
	subjects := []store.Key{}
	for _, d := range m.deliveries {
		waits := slices.ContainsFunc(m.deliveries, func(o *delivery) bool {
			return o.subject() == d.subject() && o.Consumer != l.Consumer && o.state == retrying && o.until.After(time.Now())
		})
		if d.wanted(l) && !waits {
			subjects = append(subjects, d.subject())
		}
	}
	m.mu.Unlock()
	l.Subjects = subjects
	return m.Fake.Lease(ctx, l)
}

// settlesForAll settles for all consumers what one of them settles.
type settlesForAll struct{ *Fake }

func (m settlesForAll) Settle(ctx context.Context, settlements []store.Settlement) error {
	m.mu.Lock()
	var all []store.Settlement
	for _, x := range settlements {
		for _, d := range m.deliveries {
			if d.tenant == x.Tenant && d.ID == x.EventID {
				x.Consumer = d.Consumer
				all = append(all, x)
			}
		}
	}
	m.mu.Unlock()
	return m.Fake.Settle(ctx, all)
}

type parkedOfAll struct{ *Fake }

func (m parkedOfAll) Parked(ctx context.Context, tenant, _ string, max int) ([]store.Delivery, error) {
	return m.Fake.Parked(ctx, tenant, "", max)
}

type replaysForAll struct{ *Fake }

func (m replaysForAll) Replay(ctx context.Context, r store.Replay) error {
	for _, r.Consumer = range both {
		if err := m.Fake.Replay(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

type foldsConsumers struct{ *Fake }

func (m foldsConsumers) Lease(ctx context.Context, l store.Lease) ([]store.Delivery, error) {
	l.Consumer = strings.ToLower(strings.TrimSpace(l.Consumer))
	return m.Fake.Lease(ctx, l)
}

// prunesAs prunes something else than it is asked to.
type prunesAs struct {
	*Fake
	edit func(r *store.Retention)
}

func (m prunesAs) Prune(ctx context.Context, r store.Retention) (int, error) {
	m.edit(&r)
	return m.Fake.Prune(ctx, r)
}

// prunesDue prunes all that is old, also what is still due.
type prunesDue struct{ *Fake }

func (m prunesDue) Prune(ctx context.Context, r store.Retention) (int, error) {
	m.mu.Lock()
	n := len(m.deliveries)
	m.deliveries = slices.DeleteFunc(m.deliveries, func(d *delivery) bool { return d.state != parked && d.Time.Before(r.Done) })
	n -= len(m.deliveries)
	m.mu.Unlock()
	more, err := m.Fake.Prune(ctx, r)
	return n + more, err
}

// forgetsResources forgets no counters and no journal.
type forgetsResources struct{ *Fake }

func (m forgetsResources) Forget(ctx context.Context, tenant string) error {
	m.mu.Lock()
	old, isThere := m.tenants[tenant]
	m.mu.Unlock()
	err := m.Fake.Forget(ctx, tenant)
	if isThere {
		m.mu.Lock()
		defer m.mu.Unlock()
		t := empty()
		t.counters, t.journal = old.counters, old.journal
		m.tenants[tenant] = t
	}
	return err
}

type forgetsNoEvents struct{ *Fake }

func (m forgetsNoEvents) Forget(ctx context.Context, tenant string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.tenants, tenant)
	return nil
}

type forgetsByPrefix struct{ *Fake }

func (m forgetsByPrefix) Forget(ctx context.Context, tenant string) error {
	for _, name := range m.names() {
		if strings.HasPrefix(name, tenant) {
			if err := m.Fake.Forget(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

type forgetsOnce struct{ *Fake }

func (m forgetsOnce) Forget(ctx context.Context, tenant string) error {
	if !slices.Contains(m.names(), tenant) {
		return store.ErrNotFound
	}
	return m.Fake.Forget(ctx, tenant)
}
