package storetest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// consumerOf is a consumer and the tenant whose events it is told.
type consumerOf struct{ tenant, consumer string }

// SetPaused implements [store.EventAdmin].
func (f *Fake) SetPaused(ctx context.Context, tenant, consumer string, paused bool) error {
	if err := f.begin(ctx, "SetPaused"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.paused, consumerOf{tenant, consumer})
	if paused {
		f.paused[consumerOf{tenant, consumer}] = true
	}
	return nil
}

// Drop implements [store.EventAdmin].
func (f *Fake) Drop(ctx context.Context, tenant, consumer, eventID, reason string) error {
	if err := f.begin(ctx, "Drop"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.deliveries {
		if d.tenant == tenant && d.Consumer == consumer && d.ID == eventID && d.state == parked {
			d.state, d.Reason = done, reason
			return nil
		}
	}
	return store.ErrNotFound
}

// Lags implements [store.EventAdmin].
func (f *Fake) Lags(ctx context.Context, tenant string) ([]store.Lag, error) {
	if err := f.begin(ctx, "Lags"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	found := map[consumerOf]*store.Lag{}
	of := func(k consumerOf) *store.Lag {
		if found[k] == nil {
			found[k] = &store.Lag{Tenant: k.tenant, Consumer: k.consumer}
		}
		return found[k]
	}
	for _, d := range f.deliveries {
		k := consumerOf{d.tenant, d.Consumer}
		switch {
		case d.Consumer == store.FeedConsumer || d.state == done || tenant != "" && d.tenant != tenant:
		case d.state == parked:
			of(k).Parked++
		default:
			l := of(k)
			if l.Waiting++; l.Oldest.IsZero() || d.Time.Before(l.Oldest) {
				l.Oldest = d.Time.UTC().Truncate(time.Microsecond)
			}
		}
	}
	for k := range f.paused {
		if tenant == "" || k.tenant == tenant {
			of(k).Paused = true
		}
	}
	var all []store.Lag
	for _, l := range found {
		all = append(all, *l)
	}
	slices.SortFunc(all, func(a, b store.Lag) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Consumer, b.Consumer))
	})
	return all, nil
}

// Due implements [store.EventAdmin].
func (f *Fake) Due(ctx context.Context) (names []string, err error) {
	if err := f.begin(ctx, "Due"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for _, d := range f.deliveries {
		isDue := d.state == due || !d.settled() && !d.until.After(now)
		if isDue && d.Consumer != store.FeedConsumer && !slices.Contains(names, d.Consumer) {
			names = append(names, d.Consumer)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Feed implements [store.FeedReader]. The position of an event is its number among all events that were ever committed. That is
// enough here, because commits take turns.
func (f *Fake) Feed(ctx context.Context, q store.FeedQuery) (store.FeedPage, error) {
	page := store.FeedPage{Next: q.After}
	if err := f.begin(ctx, "Feed"); err != nil {
		return page, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	page.Pruned = f.pruned
	page.Next = max(q.After, f.pruned)
	for _, d := range f.deliveries {
		if d.Consumer != store.FeedConsumer || d.Sequence <= page.Next {
			continue
		}
		if len(page.Events) >= q.Max {
			page.More = true
			break
		}
		page.Next = d.Sequence
		if (q.Tenant == "" || d.tenant == q.Tenant) && (q.Kinds == nil || slices.Contains(q.Kinds, d.Kind)) {
			page.Events = append(page.Events, d.Delivery)
		}
	}
	return page, nil
}
