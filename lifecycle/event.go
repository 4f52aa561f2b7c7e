package lifecycle

import (
	"fmt"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Kind is what an event tells. The kinds about people are one word; those about other things are dotted.
type Kind string

// The kinds of events.
const (
	KindProvisioned Kind = "provisioned" // somebody is there
	KindActivated   Kind = "activated"   // was let in: approved, or signed in for the first time
	KindDeactivated Kind = "deactivated" // lost access: end the sessions
	KindReactivated Kind = "reactivated" // has access again
	KindBilled      Kind = "billed"      // a billing period of access begins
	KindUnbilled    Kind = "unbilled"    // that period ends
	KindRejected    Kind = "rejected"    // was not let in
	KindUpdated     Kind = "updated"     // attributes differ
	KindDeleted     Kind = "deleted"     // is gone

	KindGroupCreated   Kind = "group.created"
	KindGroupUpdated   Kind = "group.updated"
	KindGroupDeleted   Kind = "group.deleted"
	KindMembersChanged Kind = "members.changed"

	KindSeatRefused     Kind = "seat.refused"     // the seat limit kept somebody out
	KindAccountConflict Kind = "account.conflict" // an account outside the organization has that name
	KindBrakeHeld       Kind = "brake.held"       // a brake has begun to hold an identity provider's changes back

	// A credential of a connection expires soon; only Hooks.Any is told. The subject is the credential.
	KindCredentialExpiring Kind = "credential.expiring"

	// A request that was answered before it was done has ended, or one operation of it (RFC 9967 section 2.5.1). Only Hooks.Any is
	// told. Origin.Request is its transaction, and After is what became of it, as in the answer to a bulk request.
	KindRequestCompleted Kind = "request.completed"

	KindResourceCreated Kind = "resource.created" // of the product's own types
	KindResourceUpdated Kind = "resource.updated"
	KindResourceDeleted Kind = "resource.deleted"
)

// Event is a fact that a hook is told after the commit that made it true. A hook may be told the same event more than once:
// ID is the same then. Hooks may read an event but must not change it.
type Event struct {
	ID       string
	Kind     Kind
	Subject  store.Key // of whom or what; Subject.Tenant is the organization
	UserName string    // of a user
	Time     time.Time // of the change, UTC
	Origin   Origin    // who made the change, and how
	Attempt  int       // 1 at first
	Consumer string    // who is told: the name of a consumer

	// Before and After are the attributes as they were and are; empty where there was or is nothing. Passwords and other
	// writeOnly attributes are never in them.
	Before, After document.Document
	// Truncated says that Before and After are left out, because together they are larger than Delivery.Snapshot. Changed
	// is there nevertheless. Read the resource if you need more.
	Truncated bool
	Changed   []string // names of the top-level attributes that differ
	// Added and Removed are ids of members, with KindMembersChanged. Somebody who is added while being deleted may not be
	// told as removed: KindDeleted says it.
	Added, Removed []string

	consumers []string // who will be told
}

// Origin is where a change came from. A hook learns it from the event alone: it runs neither in the request that made the
// change nor with the values of that request's context (I15).
type Origin struct {
	Request    string // id of the request; empty if there was none
	Who        string // id of the administrator or of the credential; may be empty
	By         Source // how the change came
	Connection string // id of the identity provider's link, if it came by one
}

// stored is the event as a store keeps it. First it cuts the event to the limit, which is the greatest length that Before and
// After may have together, in bytes.
//
// It is called for every change, so it writes canonical JSON by itself: Before and After are canonical already.
func (e *Event) stored(limit int) store.Event {
	e.cut(limit)
	const frame, origin, perName = 96, 80, 3 // the names of the members with their punctuation
	size := frame + len(e.UserName) + len(e.Before) + len(e.After)
	if e.Origin != (Origin{}) {
		size += origin + len(e.Origin.Request) + len(e.Origin.Who) + len(e.Origin.By) + len(e.Origin.Connection)
	}
	for _, list := range [...][]string{e.Added, e.Removed} {
		for _, id := range list {
			size += len(id) + perName
		}
	}
	w := dataWriter{}
	w.Grow(size)
	w.WriteString(`{"v":1`)
	w.text(`,"userName":`, e.UserName)
	if e.Origin != (Origin{}) {
		w.WriteString(`,"origin":{"by":`)
		w.string(string(e.Origin.By))
		w.text(`,"request":`, e.Origin.Request)
		w.text(`,"who":`, e.Origin.Who)
		w.text(`,"connection":`, e.Origin.Connection)
		w.WriteByte('}')
	}
	w.raw(`,"before":`, e.Before)
	w.raw(`,"after":`, e.After)
	if e.Truncated {
		w.WriteString(`,"truncated":true`)
		w.list(`,"changed":`, e.Changed)
	}
	w.list(`,"added":`, e.Added)
	w.list(`,"removed":`, e.Removed)
	w.WriteByte('}')
	return store.Event{ID: e.ID, Kind: string(e.Kind), Subject: e.Subject, Time: e.Time,
		Data: document.Document(w.String()), Consumers: e.consumers, Urgent: e.Kind == KindDeactivated}
}

// cut leaves out what is too large of an event that is about to be kept or told.
func (e *Event) cut(limit int) {
	if !e.Truncated && len(e.Before)+len(e.After) > limit {
		e.Changed = changed(e.Before, e.After)
		e.Before, e.After, e.Truncated = "", "", true
	}
}

// dataWriter writes an event's data.
type dataWriter struct{ strings.Builder }

func (w *dataWriter) string(s string) {
	var short [128]byte
	w.Write(document.AppendString(short[:0], s))
}

func (w *dataWriter) text(name, s string) {
	if s != "" {
		w.WriteString(name)
		w.string(s)
	}
}

func (w *dataWriter) raw(name string, d document.Document) {
	if d != "" {
		w.WriteString(name)
		w.WriteString(string(d))
	}
}

func (w *dataWriter) list(name string, list []string) {
	if len(list) == 0 {
		return
	}
	w.WriteString(name)
	w.WriteByte('[')
	for i, s := range list {
		if i > 0 {
			w.WriteByte(',')
		}
		w.string(s)
	}
	w.WriteByte(']')
}

// eventOf is the event that a store kept. What can't be read whole is store.ErrCorrupt, never an event with less in it (I12).
func eventOf(s store.Event) (*Event, error) {
	e := &Event{ID: s.ID, Kind: Kind(s.Kind), Subject: s.Subject, Time: s.Time}
	if err := s.Data.Check(); err != nil {
		return nil, fmt.Errorf("%w: the data of event %s: %w", store.ErrCorrupt, s.ID, err)
	}
	whole := false
	for name, raw := range s.Data.Fields() {
		switch name {
		case "v":
			whole = true // every event has it: an empty document is one that was lost
		case "origin", "before", "after":
			if raw[0] != '{' {
				return nil, fmt.Errorf("%w: %s of event %s is no object", store.ErrCorrupt, name, s.ID)
			}
		}
		switch name {
		case "userName":
			e.UserName = s.Data.Get(name).Text()
		case "origin":
			o := document.Document(raw)
			e.Origin = Origin{Request: o.Get("request").Text(), Who: o.Get("who").Text(), By: Source(o.Get("by").Text()),
				Connection: o.Get("connection").Text()}
		case "before":
			e.Before = document.Document(raw) // it stays text until a hook reads it
		case "after":
			e.After = document.Document(raw)
		case "truncated":
			e.Truncated = true
		case "changed":
			e.Changed = words(s.Data.Get(name))
		case "added":
			e.Added = words(s.Data.Get(name))
		case "removed":
			e.Removed = words(s.Data.Get(name))
		}
	}
	if !whole {
		return nil, fmt.Errorf("%w: event %s has lost its data", store.ErrCorrupt, s.ID)
	}
	if !e.Truncated {
		e.Changed = changed(e.Before, e.After)
	}
	return e, nil
}

// changed names the top-level members that differ.
func changed(before, after document.Document) (names []string) {
	if before == after {
		return nil
	}
	if before == "" || after == "" { // as at every creation
		for name := range (before + after).Fields() {
			names = append(names, name)
		}
		return names
	}
	was := make(map[string]string)
	for name, raw := range before.Fields() {
		was[name] = raw
	}
	for name, raw := range after.Fields() {
		if was[name] != raw {
			names = append(names, name)
		}
		delete(was, name)
	}
	for name := range before.Fields() {
		if _, gone := was[name]; gone {
			names = append(names, name)
		}
	}
	return names
}

func words(v document.Value) []string {
	list := make([]string, 0, v.Len())
	for _, item := range v.Items() {
		list = append(list, item.Value.Text())
	}
	return list
}
