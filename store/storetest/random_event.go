package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// This file compares what the optional interfaces of two stores do, if both have them.

// optional returns an interface of a store if both stores have it.
func optional[T any](r *random, s store.Store) (t T, ok bool) {
	_, hasA := store.As[T](r.a)
	_, hasB := store.As[T](r.b)
	if !hasA || !hasB {
		return t, false
	}
	return store.As[T](s)
}

func (r *random) consumer() string { return pick(r.generator, []string{hooks, "feed"}) }

// deliver leases events in both stores, and settles them in some way. A lease, and the wait before a retry, either ends at once or
// lasts an hour, which is longer than the test.
func (r *random) deliver() {
	l := store.Lease{Owner: fmt.Sprint("owner-", r.IntN(3)), Consumer: r.consumer(), Max: r.IntN(10)}
	if r.IntN(2) == 0 {
		l.Tenant = r.tenant()
		for range r.IntN(3) * 4 {
			typ, id := r.key()
			l.Subjects = append(l.Subjects, store.Key{Tenant: l.Tenant, Type: typ, ID: id})
		}
	}
	if r.IntN(3) == 0 {
		l.For = time.Hour
	}
	outcomes := make([]store.Outcome, l.Max)
	hours := make([]time.Duration, l.Max)
	for i := range outcomes {
		outcomes[i] = pick(r.generator, []store.Outcome{0, store.Done, store.Done, store.Done, store.Retry, store.Park, store.Renew, store.HandBack})
		hours[i] = time.Duration(r.IntN(5)/4) * time.Hour
	}
	r.compare(fmt.Sprintf("lease and settle %+v %v %v", l, outcomes, hours), func(s store.Store) string {
		source, ok := optional[store.EventSource](r, s)
		if !ok {
			return ""
		}
		got, err := source.Lease(r.Context(), l)
		if len(got) > l.Max {
			return fmt.Sprintf("%d events where %d were asked for", len(got), l.Max)
		}
		var settled []store.Settlement
		for i, d := range got {
			x := store.Settlement{Tenant: d.Subject.Tenant, EventID: d.ID, Consumer: d.Consumer, Owner: d.Owner, Outcome: outcomes[i]}
			if x.Outcome == store.Retry || x.Outcome == store.Renew {
				x.After = hours[i]
			}
			if x.Outcome == store.Retry || x.Outcome == store.Park {
				x.Reason = "it failed"
			}
			if x.Outcome > 0 { // otherwise the lease is left to run out
				settled = append(settled, x)
			}
		}
		return fmt.Sprint(deliveries(got), err, source.Settle(r.Context(), settled))
	})
}

// replay compares the parked events of a consumer, and then replays some of its events.
func (r *random) replay() {
	x := store.Replay{Tenant: r.tenant(), Consumer: r.consumer(), From: epoch.Add(time.Duration(r.IntN(r.serial+1)) * time.Second)}
	switch typ, id := r.key(); r.IntN(4) {
	case 0:
		x.Subject = &store.Key{Tenant: x.Tenant, Type: typ, ID: id}
	case 1:
		x.From, x.EventID = time.Time{}, fmt.Sprintf("e%06d", r.IntN(r.serial+1))
	}
	r.compare(fmt.Sprintf("parked and replay %+v of subject %v", x, x.Subject), func(s store.Store) string {
		source, ok := optional[store.EventSource](r, s)
		if !ok {
			return ""
		}
		parked, err := source.Parked(r.Context(), x.Tenant, x.Consumer, 5)
		all, allErr := source.Parked(r.Context(), x.Tenant, "", 10_000)
		told := deliveries(all)
		slices.Sort(told) // the deliveries of one event to its consumers have no order among them
		return fmt.Sprint(deliveries(parked), err, told, allErr, source.Replay(r.Context(), x))
	})
}

// retell replays everything and tells all consumers, prunes, and tells again what is left.
func (r *random) retell() {
	before := epoch.Add(time.Duration(r.IntN(r.serial+1)) * time.Second)
	journal := epoch.Add(time.Duration(r.IntN(r.serial+1)) * time.Second)
	r.compare(fmt.Sprintf("retell, prune before %s", before.Format(timeFormat)), func(s store.Store) string {
		source, ok := optional[store.EventSource](r, s)
		if !ok {
			return ""
		}
		told, err := r.tellAll(source)
		if err != nil {
			return err.Error()
		}
		if f, ok := optional[store.Forgetter](r, s); ok {
			n, err := f.Prune(r.Context(), store.Retention{Done: before, Journal: journal})
			again, againErr := r.tellAll(source)
			told = append(told, fmt.Sprint(n > 0, err, again, againErr))
		}
		return fmt.Sprint(told)
	})
}

// tellAll replays the events of all tenants, and leases and settles them until there are no more.
func (r *random) tellAll(source store.EventSource) (told []string, err error) {
	for _, consumer := range []string{hooks, "feed"} {
		for _, tenant := range tenants {
			if err := source.Replay(r.Context(), store.Replay{Tenant: tenant, Consumer: consumer}); err != nil {
				return nil, err
			}
		}
		for {
			got, err := source.Lease(r.Context(), store.Lease{Owner: "last", Consumer: consumer, For: time.Hour, Max: 100})
			if err != nil {
				return told, err
			}
			if len(got) == 0 {
				break
			}
			told = append(told, deliveries(got)...)
			var settled []store.Settlement
			for _, d := range got {
				settled = append(settled, store.Settlement{Tenant: d.Subject.Tenant, EventID: d.ID, Consumer: consumer, Owner: "last", Outcome: store.Done})
			}
			if err := source.Settle(r.Context(), settled); err != nil {
				return told, err
			}
		}
	}
	return told, nil
}

func deliveries(events []store.Delivery) (s []string) {
	for _, d := range events {
		s = append(s, fmt.Sprintf("%s to %s %d %q", d.ID, d.Consumer, d.Attempts, d.Reason))
	}
	return s
}

func (r *random) readCounters() {
	tenant, names := r.tenant(), []string{"brake1", "nobody's", "seats", "brake0"}
	r.compare("counters of "+tenant, func(s store.Store) string {
		reader, ok := optional[store.CounterReader](r, s)
		if !ok {
			return ""
		}
		counters, err := reader.Counters(r.Context(), tenant, names...)
		return fmt.Sprint(counters, err)
	})
}

func (r *random) readJournal() {
	some := func(values ...string) string { return pick(r.generator, append(values, "", "", "")) }
	_, id := r.key()
	q := store.JournalQuery{
		Tenant: r.tenant(), Max: r.IntN(20), Connection: some("c0", "c1"), Outcome: some("o0", "o1"), Subject: some(id),
		Request: some(fmt.Sprint("r", r.IntN(r.serial+1)/10)), Before: some(fmt.Sprintf("j%06d", r.IntN(r.serial+1))),
	}
	r.compare(fmt.Sprintf("journal %+v", q), func(s store.Store) string {
		reader, ok := optional[store.JournalReader](r, s)
		if !ok {
			return ""
		}
		entries, err := reader.Journal(r.Context(), q)
		var b strings.Builder
		for _, e := range entries {
			fmt.Fprintln(&b, describeEntry(e))
		}
		fmt.Fprintln(&b, err)
		return b.String()
	})
}

// forget now and then forgets a tenant, so often that what a store wrongly leaves behind is noticed by later operations.
func (r *random) forget() {
	tenant := r.tenant()
	if r.IntN(4) > 0 {
		return
	}
	r.compare("forget "+tenant, func(s store.Store) string {
		f, ok := optional[store.Forgetter](r, s)
		if !ok {
			return ""
		}
		return outcome(f.Forget(r.Context(), tenant), false)
	})
}
