package lifecycle

import (
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Kind is what an event tells.
type Kind string

// The kinds of events.
const (
	KindProvisioned Kind = "provisioned" // somebody is there
	KindActivated   Kind = "activated"   // was let in: approved, or signed in for the first time
	KindDeactivated Kind = "deactivated" // lost access: end the sessions
	KindReactivated Kind = "reactivated" // has access again
	KindBilled      Kind = "billed"      // a billing period of access begins
	KindUnbilled    Kind = "unbilled"    // and ends
	KindRejected    Kind = "rejected"    // was not let in
	KindUpdated     Kind = "updated"     // attributes differ
	KindDeleted     Kind = "deleted"     // is gone

	KindGroupCreated   Kind = "group created"
	KindGroupUpdated   Kind = "group updated"
	KindGroupDeleted   Kind = "group deleted"
	KindMembersChanged Kind = "members changed"

	KindSeatRefused     Kind = "seat refused"     // the seat limit kept somebody out
	KindAccountConflict Kind = "account conflict" // an account outside the organization has that name

	KindResourceCreated Kind = "resource created" // of the product's own types
	KindResourceUpdated Kind = "resource updated"
	KindResourceDeleted Kind = "resource deleted"
)

// Event is what a hook is told. Hooks may be told the same event more than once; ID tells it apart.
type Event struct {
	ID       string
	Kind     Kind
	Subject  store.Key // of whom or what; Subject.Tenant is the organization
	UserName string    // of a user
	Time     time.Time
	Attempt  int // 1 at first

	// Before and After are the attributes as they were and are; empty where there was or is nothing. Passwords and other
	// writeOnly attributes are never in them.
	Before, After document.Document
	Changed       []string // names of the top-level attributes that differ
	// Added and Removed are ids of members, with KindMembersChanged. Somebody who is added while being deleted may not be
	// told as removed: KindDeleted says it.
	Added, Removed []string
}

// stored is the event as a store keeps it.
func (e *Event) stored() store.Event {
	v := document.Object()
	set := func(name string, x document.Value) {
		if !x.IsEmpty() {
			v.Set(name, x)
		}
	}
	if e.UserName != "" {
		set("userName", document.String(e.UserName))
	}
	if e.Before != "" {
		set("before", document.String(string(e.Before)))
	}
	if e.After != "" {
		set("after", document.String(string(e.After)))
	}
	set("added", texts(e.Added))
	set("removed", texts(e.Removed))
	return store.Event{ID: e.ID, Kind: string(e.Kind), Subject: e.Subject, Time: e.Time, Data: v.Document(), Consumers: []string{hooksConsumer}}
}

// eventOf is the event that a store kept.
func eventOf(s store.Event) *Event {
	v := s.Data.Value()
	e := &Event{ID: s.ID, Kind: Kind(s.Kind), Subject: s.Subject, Time: s.Time, UserName: v.Get("userName").Text(),
		Before: document.Document(v.Get("before").Text()), After: document.Document(v.Get("after").Text())}
	for _, list := range [...]struct {
		name string
		to   *[]string
	}{{"added", &e.Added}, {"removed", &e.Removed}} {
		for _, item := range v.Get(list.name).Items() {
			*list.to = append(*list.to, item.Value.Text())
		}
	}
	e.Changed = changed(e.Before, e.After)
	return e
}

// changed names the top-level members that differ.
func changed(before, after document.Document) (names []string) {
	if before == after {
		return nil
	}
	if before == "" || after == "" { // as at every creation
		for name := range (before + after).Members() {
			names = append(names, name)
		}
		return names
	}
	was := make(map[string]string)
	for name, raw := range before.Members() {
		was[name] = raw
	}
	for name, raw := range after.Members() {
		if was[name] != raw {
			names = append(names, name)
		}
		delete(was, name)
	}
	for name := range before.Members() {
		if _, gone := was[name]; gone {
			names = append(names, name)
		}
	}
	return names
}

func texts(list []string) document.Value {
	values := make([]document.Value, len(list))
	for i, s := range list {
		values[i] = document.String(s)
	}
	return document.Array(values...)
}
