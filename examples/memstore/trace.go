package memstore

import (
	"context"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Traces implements [store.Tracer].
func (s *Store) Traces(ctx context.Context, tenant string, edit func(store.Trace) document.Document) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.events.trace(tenant, edit)
	t := s.tenant(tenant)
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.journal.entries {
		e := &t.journal.entries[i]
		e.Data = edit(store.Trace{ID: e.ID, Subject: store.Key{Tenant: tenant, Type: e.Subject.Type, ID: e.Subject.ID}, Name: e.Action, Outcome: e.Outcome, Time: e.Time, Data: e.Data})
	}
	return nil
}

// trace shows all events of a tenant.
func (s *events) trace(tenant string, edit func(store.Trace) document.Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	show := func(d *store.Delivery) {
		subject := store.Key{Tenant: tenant, Type: d.Subject.Type, ID: d.Subject.ID}
		data := edit(store.Trace{Event: true, ID: d.ID, Subject: subject, Name: d.Kind, Time: d.Time, Data: d.Data})
		if data != d.Data {
			d.Data, d.Reason = data, ""
		}
	}
	for _, q := range s.queues {
		t := q.tenants[tenant]
		if t == nil {
			continue
		}
		for _, line := range t.lines {
			for _, e := range line {
				show(&e.Delivery)
			}
		}
		for _, settled := range [...][]*event{t.parked, t.done} {
			for _, e := range settled {
				show(&e.Delivery)
			}
		}
	}
	for i := range s.feed.events {
		if d := &s.feed.events[i]; d.Subject.Tenant == tenant {
			show(d)
		}
	}
}
