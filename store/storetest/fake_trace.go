package storetest

import (
	"context"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Traces implements [store.Tracer].
func (f *Fake) Traces(ctx context.Context, tenant string, edit func(store.Trace) document.Document) error {
	if err := f.begin(ctx, "Traces"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.deliveries {
		if d.tenant != tenant {
			continue
		}
		data := edit(store.Trace{Event: true, ID: d.ID, Subject: d.subject(), Name: d.Kind, Time: d.Time, Data: d.Data})
		if data != d.Data {
			d.Data, d.Reason = data, ""
		}
	}
	old := f.tenants[tenant]
	if old == nil {
		return nil
	}
	t := old.clone()
	for i := range t.journal {
		e := &t.journal[i]
		e.Data = edit(store.Trace{ID: e.ID, Subject: store.Key{Tenant: tenant, Type: e.Subject.Type, ID: e.Subject.ID}, Name: e.Action, Outcome: e.Outcome, Time: e.Time, Data: e.Data})
	}
	f.tenants[tenant] = t
	return nil
}
