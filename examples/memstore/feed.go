package memstore

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// feed has the events of store.FeedConsumer, in the order of commits.
type feed struct {
	last, pruned int64
	events       []store.Delivery // Sequence is the position
}

// feedSize is how many events of the feed are kept at least. At most, twice as many are.
const feedSize = 50_000

func (f *feed) add(tenant string, e store.Event) {
	f.last++
	e.Subject.Tenant = tenant
	f.events = append(f.events, store.Delivery{Event: e, Consumer: store.FeedConsumer, Sequence: f.last})
	if len(f.events) == 2*feedSize {
		f.cut(feedSize)
	}
}

// cut removes so many events from the beginning.
func (f *feed) cut(n int) {
	if n > 0 {
		f.pruned = f.events[n-1].Sequence
		f.events = slices.Clone(f.events[n:])
	}
}

// prune removes events that are older than a time, but only from the beginning, so that what is left has no gap.
func (f *feed) prune(before time.Time) int {
	n := slices.IndexFunc(f.events, func(d store.Delivery) bool { return !d.Time.Before(before) })
	if n < 0 {
		n = len(f.events)
	}
	f.cut(n)
	return n
}

func (f *feed) forget(tenant string) {
	f.events = slices.DeleteFunc(f.events, func(d store.Delivery) bool { return d.Subject.Tenant == tenant })
}

// Feed implements [store.FeedReader].
func (s *Store) Feed(ctx context.Context, q store.FeedQuery) (store.FeedPage, error) {
	if err := ctx.Err(); err != nil {
		return store.FeedPage{}, err
	}
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	f := &s.events.feed
	page := store.FeedPage{Next: max(q.After, f.pruned), Pruned: f.pruned}
	at := sort.Search(len(f.events), func(i int) bool { return f.events[i].Sequence > page.Next })
	for looked, d := range f.events[at:] {
		if page.More = len(page.Events) >= q.Max || looked == step; page.More {
			break
		}
		page.Next = d.Sequence
		if (q.Tenant == "" || d.Subject.Tenant == q.Tenant) && (q.Kinds == nil || slices.Contains(q.Kinds, d.Kind)) {
			page.Events = append(page.Events, d)
		}
	}
	return page, nil
}

// SetPaused implements [store.EventAdmin].
func (s *Store) SetPaused(ctx context.Context, tenant, consumer string, paused bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	q, t := s.events.of(tenant, consumer)
	if t.paused == paused {
		return nil
	}
	t.paused = paused
	for _, line := range t.lines {
		if first := line[0]; paused && (first.in == &q.ready || first.state != leased) {
			q.unplace(first)
		} else if !paused && first.in == nil {
			q.place(first)
		}
	}
	return nil
}

// Drop implements [store.EventAdmin].
func (s *Store) Drop(ctx context.Context, tenant, consumer, eventID, reason string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	if q := s.events.queues[consumer]; q != nil && q.tenants[tenant] != nil {
		t := q.tenants[tenant]
		if i := slices.IndexFunc(t.parked, func(e *event) bool { return e.ID == eventID }); i >= 0 {
			e := t.parked[i]
			t.parked = slices.Delete(t.parked, i, i+1)
			e.state, e.Reason = done, reason
			t.done = append(t.done, e)
			return nil
		}
	}
	return store.ErrNotFound
}

// Lags implements [store.EventAdmin].
func (s *Store) Lags(ctx context.Context, tenant string) (all []store.Lag, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	for consumer, q := range s.events.queues {
		for name, t := range q.tenants {
			if tenant != "" && name != tenant {
				continue
			}
			l := store.Lag{Tenant: name, Consumer: consumer, Parked: len(t.parked), Paused: t.paused}
			for _, line := range t.lines {
				l.Waiting += len(line)
				if at := line[0].Time; l.Oldest.IsZero() || at.Before(l.Oldest) {
					l.Oldest = at
				}
			}
			if l.Waiting > 0 || l.Parked > 0 || l.Paused {
				all = append(all, l)
			}
		}
	}
	slices.SortFunc(all, func(a, b store.Lag) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Consumer, b.Consumer))
	})
	return all, nil
}

// Due implements [store.EventAdmin].
func (s *Store) Due(ctx context.Context) (names []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	now := time.Now()
	for name, q := range s.events.queues {
		if q.ripen(now); len(q.ready.events) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
