package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

var traceRules = []rule{
	{"Traces", "I13: Traces shows each event and each entry of the journal of a tenant, and nothing of another one, and keeps the data that it is told to keep in the place of what there was.", traces},
}

func traces(k *kit) {
	tracer, ok := store.As[store.Tracer](k.Store)
	if !ok {
		k.Skip("the store is no Tracer")
	}
	at := epoch.Add(time.Hour)
	ada, bob := store.Key{Tenant: k.tenant, Type: "User", ID: id(1)}, store.Key{Tenant: k.tenant, Type: "User", ID: id(2)}
	commit := func(tenant string, n int) {
		c := &store.Change{Tenant: tenant, Journal: []store.Entry{{ID: id(10 + n), Time: at, Subject: ada, Action: "POST", Outcome: "created", Data: `{"name":"ada"}`},
			{ID: id(20 + n), Time: at, Subject: bob, Action: "PUT", Outcome: "updated", Data: `{"name":"bob"}`}}}
		if _, ok := store.As[store.EventSource](k.Store); ok {
			c.Events = []store.Event{{ID: id(30 + n), Kind: "told", Subject: ada, Time: at, Data: `{"name":"ada"}`, Consumers: []string{k.tenant + "-traced"}}}
		}
		if err := k.Commit(k.Context(), c); err != nil {
			k.stop("a commit of events and entries: %v", err)
		}
	}
	other := k.tenant + "-other"
	commit(k.tenant, 0)
	commit(other, 5)
	look := func(tenant string, edit func(store.Trace) document.Document) (seen []string) {
		k.Helper()
		err := tracer.Traces(k.Context(), tenant, func(t store.Trace) document.Document {
			if !t.Time.Equal(at) || t.Subject.Tenant != tenant {
				k.broken("Traces shows a trace of %v at %v", t.Subject, t.Time)
			}
			seen = append(seen, fmt.Sprint(t.Event, t.ID, t.Subject.Type, t.Subject.ID, t.Name, t.Outcome, t.Data))
			return edit(t)
		})
		if err != nil {
			k.stop("Traces: %v", err)
		}
		slices.Sort(seen)
		return seen
	}
	same := func(t store.Trace) document.Document { return t.Data }
	want := func(n int, data document.Document) (list []string) {
		list = []string{fmt.Sprint(false, id(10+n), "User", id(1), "POST", "created", data), fmt.Sprint(false, id(20+n), "User", id(2), "PUT", "updated", document.Document(`{"name":"bob"}`))}
		if _, ok := store.As[store.EventSource](k.Store); ok {
			list = append(list, fmt.Sprint(true, id(30+n), "User", id(1), "told", "", data))
		}
		slices.Sort(list)
		return list
	}
	k.want("the traces", fmt.Sprint(look(k.tenant, same)), fmt.Sprint(want(0, `{"name":"ada"}`)))
	look(k.tenant, func(t store.Trace) document.Document {
		if t.Subject.ID == id(1) {
			return `{"v":1}`
		}
		return t.Data
	})
	k.want("the traces once they are edited", fmt.Sprint(look(k.tenant, same)), fmt.Sprint(want(0, `{"v":1}`)))
	k.want("another tenant's traces", fmt.Sprint(look(other, same)), fmt.Sprint(want(5, `{"name":"ada"}`)))
	if source, ok := store.As[store.EventSource](k.Store); ok {
		got, err := source.Lease(k.Context(), store.Lease{Owner: "traced", Consumer: k.tenant + "-traced", Tenant: k.tenant, For: time.Minute, Max: 5})
		if err != nil || len(got) != 1 || got[0].Data != `{"v":1}` {
			k.broken("Lease hands out %v, %v; want the event with the edited data", got, err)
		}
	}
}
