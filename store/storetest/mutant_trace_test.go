package storetest

import (
	"context"
	"maps"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// The mutants of this file forget too little or too much of what is kept.

// tracesAs calls another function for each trace than it is given.
type tracesAs struct {
	*Fake
	edit func(t store.Trace, edit func(store.Trace) document.Document) document.Document
}

func (m tracesAs) Traces(ctx context.Context, tenant string, edit func(store.Trace) document.Document) error {
	return m.Fake.Traces(ctx, tenant, func(t store.Trace) document.Document { return m.edit(t, edit) })
}

// showsOnly shows only those traces that are events, or only those that are entries of the journal.
func showsOnly(events bool) func(store.Trace, func(store.Trace) document.Document) document.Document {
	return func(t store.Trace, edit func(store.Trace) document.Document) document.Document {
		if t.Event != events {
			return t.Data
		}
		return edit(t)
	}
}

// keepsAll shows all traces, and keeps the edited data only of events, or only of entries of the journal.
func keepsAll(events bool) func(store.Trace, func(store.Trace) document.Document) document.Document {
	return func(t store.Trace, edit func(store.Trace) document.Document) document.Document {
		data := edit(t)
		if t.Event == events {
			return t.Data
		}
		return data
	}
}

type tracesOthers struct{ *Fake }

func (m tracesOthers) Traces(ctx context.Context, tenant string, edit func(store.Trace) document.Document) error {
	for other := range maps.Keys(m.tenants) {
		if other != tenant {
			_ = m.Fake.Traces(ctx, other, func(t store.Trace) document.Document { return `{"v":1}` })
		}
	}
	return m.Fake.Traces(ctx, tenant, edit)
}

func prunesRecordsAs(f *Fake, edit func(records map[string]time.Time)) store.Store {
	return prunesAs{f, func(r *store.Retention) {
		r.Records = maps.Clone(r.Records)
		if r.Records == nil {
			r.Records = map[string]time.Time{}
		}
		edit(r.Records)
	}}
}

// prunesPeople removes resources of every type that it is told.
type prunesPeople struct{ *Fake }

func (m prunesPeople) Prune(ctx context.Context, r store.Retention) (int, error) {
	m.mu.Lock()
	for _, t := range m.tenants {
		for k := range t.resources {
			if _, named := r.Records[k.typ]; named && !store.IsInternal(k.typ) {
				delete(t.resources, k)
			}
		}
	}
	m.mu.Unlock()
	return m.Fake.Prune(ctx, r)
}
