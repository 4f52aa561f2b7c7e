package storetest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// Journal implements [store.JournalReader].
func (f *Fake) Journal(ctx context.Context, q store.JournalQuery) ([]store.Entry, error) {
	t, err := f.read(ctx, "Journal", q.Tenant)
	if err != nil {
		return nil, err
	}
	is := func(wanted, has string) bool { return wanted == "" || wanted == has }
	var found []store.Entry
	for _, e := range t.journal {
		if is(q.Connection, e.Connection) && is(q.Subject, e.Subject.ID) && is(q.Outcome, e.Outcome) && is(q.Request, e.Request) &&
			(q.Before == "" || e.ID < q.Before) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b store.Entry) int { return strings.Compare(b.ID, a.ID) })
	return found[:min(len(found), max(q.Max, 0))], nil
}

// Prune implements [store.Forgetter]. A row is a delivery or a journal entry.
func (f *Fake) Prune(ctx context.Context, r store.Retention) (int, error) {
	if err := f.begin(ctx, "Prune"); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	isOld := func(t, before time.Time) bool { return !before.IsZero() && t.Before(before) }
	n := len(f.deliveries)
	oldFeed := true // the feed is pruned from its beginning only, so that what is left has no gap
	f.deliveries = slices.DeleteFunc(f.deliveries, func(d *delivery) bool {
		if d.Consumer == store.FeedConsumer {
			if oldFeed = oldFeed && isOld(d.Time, r.Done); oldFeed {
				f.pruned = d.Sequence
			}
			return oldFeed
		}
		return d.state == done && isOld(d.Time, r.Done) || d.state == parked && isOld(d.Time, r.Parked)
	})
	n -= len(f.deliveries)
	for name, old := range f.tenants {
		t := old.clone()
		t.journal = slices.DeleteFunc(t.journal, func(e store.Entry) bool { return isOld(e.Time, r.Journal) })
		if most := r.JournalCount; most > 0 && len(t.journal) > most {
			slices.SortFunc(t.journal, func(a, b store.Entry) int { return strings.Compare(a.ID, b.ID) })
			t.journal = slices.Clone(t.journal[len(t.journal)-most:])
		}
		n += len(old.journal) - len(t.journal)
		for key, res := range t.resources {
			if before, named := r.Records[res.Type]; named && store.IsInternal(res.Type) && isOld(res.LastModified, before) {
				delete(t.resources, key)
				n++
			}
		}
		f.tenants[name] = t
	}
	return n, nil
}

// Forget implements [store.Forgetter].
func (f *Fake) Forget(ctx context.Context, tenant string) error {
	if err := f.begin(ctx, "Forget"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tenants, tenant)
	f.deliveries = slices.DeleteFunc(f.deliveries, func(d *delivery) bool { return d.tenant == tenant })
	maps.DeleteFunc(f.paused, func(k consumerOf, _ bool) bool { return k.tenant == tenant })
	return nil
}
