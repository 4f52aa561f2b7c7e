package lifecycle

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// JournalQuery asks for entries of a tenant's journal. An empty field selects by nothing. With Subject alone it is the history
// of one person or group across SCIM, sign-ins and administrators.
type JournalQuery struct {
	Tenant     string
	Connection string
	Subject    string  // id of a person, a group or anything else
	Outcome    Outcome // any of the constants; another one is an error
	Operation  string  // as JournalEntry.Operation
	Request    string
	From, To   time.Time // entries since From, and before To
	Before     string    // the cursor that the page before gave
	Max        int       // 1 to 1,000; 0 means 100
}

// JournalEntry is what one request did, and why.
type JournalEntry struct {
	ID         string        `json:"id"`
	Time       time.Time     `json:"time"`
	Micros     int64         `json:"micros,omitempty"` // how long the request took until then, in microseconds
	Connection string        `json:"connection"`
	Credential string        `json:"credential"` // its id
	Request    string        `json:"requestId"`
	Who        string        `json:"who"` // the administrator
	By         Source        `json:"by"`
	Operation  string        `json:"operation"` // e.g. "POST /Users"
	Type       string        `json:"type"`
	Subject    string        `json:"subject"` // id
	Name       string        `json:"name"`    // of the subject at that time
	Outcome    Outcome       `json:"outcome"`
	Status     int           `json:"status"`
	Detail     string        `json:"detail"`      // what a refused client was told
	Explained  string        `json:"explanation"` // which rule decided, and what would have passed
	Reasons    []string      `json:"-"`           // what Explained is made of: what was decided, and each note
	Quirks     []string      `json:"quirks"`      // names of the tolerated deviations that it used
	Changed    []string      `json:"changed"`     // names of attributes
	Values     values        `json:"values,omitempty"`
	Added      []NamedMember `json:"added"`
	Removed    []NamedMember `json:"removed"`
	AddedMore  int           `json:"addedMore,omitempty"` // how many members are not listed
	RemovedM   int           `json:"removedMore,omitempty"`
	Events     []string      `json:"events"` // kinds
	Shadow     bool          `json:"shadow,omitempty"`
	HasBody    bool          `json:"hasBody,omitempty"` // it can be tried again

	sealed document.Document
}

type values map[string]json.RawMessage

// NamedMember is a member of a group. Name is empty if nothing is there any more to say it.
type NamedMember struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ErrJournalQuery says that a query of the journal can't be answered. Its text says why.
type ErrJournalQuery struct{ Reason string }

func (e *ErrJournalQuery) Error() string { return "lifecycle: journal: " + e.Reason }

// ErrNoBody says that an entry's request can't be tried again, because its body was not kept.
var ErrNoBody = errors.New("lifecycle: the body of this request was not kept; switch it on by keepBodiesUntil, and it is for later requests")

var decisionOutcomes = []Outcome{Created, Linked, Updated, Unchanged, Removed, Refused, Held}

// mostScanned is how many entries a query reads at most that it doesn't return, because the store can't select by what it
// asks. Then next leads on.
const mostScanned = 5_000

// Journal reads entries, newest first. It leaves out what others keep in the store's journal, such as the attempts of webhooks.
// next is the cursor of the next page, empty on the last. A page may have fewer entries than were asked for, and a next
// nevertheless.
func (s *Service) Journal(ctx context.Context, q JournalQuery) (entries []JournalEntry, next string, err error) {
	reader, ok := store.As[store.JournalReader](s.store)
	if !ok {
		return nil, "", errors.New("lifecycle: the store keeps no journal")
	}
	if q.Max == 0 {
		q.Max = 100
	}
	switch {
	case q.Max < 1 || q.Max > 1_000:
		return nil, "", &ErrJournalQuery{"max: want 1 to 1000"}
	case q.Outcome != "" && !slices.Contains(decisionOutcomes, q.Outcome):
		return nil, "", &ErrJournalQuery{fmt.Sprintf("outcome: want one of %v", decisionOutcomes)}
	case q.Before != "" && uuid.Validate(q.Before) != nil:
		return nil, "", &ErrJournalQuery{"before: want the next of the page before"}
	}
	sq := store.JournalQuery{Tenant: q.Tenant, Connection: q.Connection, Subject: q.Subject, Outcome: string(q.Outcome), Request: q.Request, Before: q.Before}
	if !q.To.IsZero() {
		if to := idAt(q.To); sq.Before == "" || to < sq.Before {
			sq.Before = to
		}
	}
	selects := q.Operation == "" // whether the store selects all by itself
	for scanned := 0; scanned < mostScanned; scanned += sq.Max {
		sq.Max = q.Max + 1 - len(entries)
		if !selects {
			sq.Max = max(sq.Max, 500)
		}
		page, err := reader.Journal(ctx, sq)
		if err != nil {
			return nil, "", err
		}
		for _, e := range page {
			switch {
			case !q.From.IsZero() && e.Time.Before(q.From):
				return s.named(ctx, q.Tenant, entries, "")
			case q.Operation != "" && e.Action != q.Operation, !slices.Contains(decisionOutcomes, Outcome(e.Outcome)):
				sq.Before, selects = e.ID, false
				continue
			case len(entries) == q.Max:
				return s.named(ctx, q.Tenant, entries, entries[len(entries)-1].ID)
			}
			sq.Before = e.ID
			entries = append(entries, entryOf(e))
		}
		if len(page) < sq.Max {
			return s.named(ctx, q.Tenant, entries, "")
		}
	}
	return s.named(ctx, q.Tenant, entries, sq.Before)
}

// idAt is the least id that an entry of a time can have: ids are UUIDs of version 7, which begin with the milliseconds.
func idAt(t time.Time) string {
	var id uuid.UUID
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(t.UnixMilli(), 0)))
	copy(id[:6], ms[2:])
	return id.String()
}

// Export writes entries as JSON lines, newest first, until there are no more.
func (s *Service) Export(ctx context.Context, q JournalQuery, w io.Writer) error {
	q.Max = 1_000
	lines := json.NewEncoder(w)
	for {
		entries, next, err := s.Journal(ctx, q)
		if err != nil {
			return err
		}
		for i := range entries {
			if err := lines.Encode(&entries[i]); err != nil {
				return err
			}
		}
		if q.Before = next; next == "" {
			return nil
		}
	}
}

// entryOf reads what a store kept.
func entryOf(e store.Entry) JournalEntry {
	v, _ := e.Data.Tree() // the store has checked it
	j := JournalEntry{ID: e.ID, Time: e.Time, Connection: e.Connection, Request: e.Request, Operation: e.Action, Type: e.Subject.Type,
		Subject: e.Subject.ID, Outcome: Outcome(e.Outcome), By: Source(v.Get("by").Text()), Name: v.Get("name").Text(), Detail: v.Get("detail").Text(),
		Quirks: words(v.Get("quirks")), Changed: words(v.Get("changed")), Events: words(v.Get("events")),
		Micros: number(v.Get("micros")), Status: int(number(v.Get("status"))), AddedMore: int(number(v.Get("addedMore"))),
		RemovedM: int(number(v.Get("removedMore"))), Shadow: v.Get("shadow").True(), HasBody: v.Get("body").Text() != "", sealed: e.Data}
	if j.By == SourceSCIM {
		j.Credential = e.Who
	} else {
		j.Who = e.Who
	}
	if why := cmp.Or(v.Get("explanation").Text(), j.Detail); why != "" {
		j.Reasons = append(j.Reasons, why)
	}
	for _, n := range v.Get("notes").Items() {
		j.Reasons = append(j.Reasons, n.Value.Get("text").Text())
	}
	j.Explained = strings.Join(j.Reasons, "; ")
	j.Added, j.Removed = namedMembers(v.Get("added")), namedMembers(v.Get("removed"))
	if kept := v.Get("values"); !kept.IsNull() {
		j.Values = make(values, kept.Len())
		for _, m := range kept.Items() {
			j.Values[m.Name] = document.AppendJSON(nil, m.Value)
		}
	}
	return j
}

func number(v document.Value) (n int64) {
	_ = json.Unmarshal([]byte(v.Text()), &n)
	return n
}

func namedMembers(v document.Value) []NamedMember {
	list := make([]NamedMember, 0, v.Len())
	for _, m := range v.Items() {
		list = append(list, NamedMember{m.Value.Get("id").Text(), m.Value.Get("name").Text()})
	}
	return list
}

// mostNamed is how many resources a page of the journal looks up to name them.
const mostNamed = 500

// named puts names into entries that don't have them, because nobody had read the resource when they were written: of groups
// whose members changed, and of who became a member. Names are those of today then.
func (s *Service) named(ctx context.Context, tenant string, entries []JournalEntry, next string) ([]JournalEntry, string, error) {
	known := make(map[string]string)
	name := func(id string, types ...string) (string, error) {
		if n, ok := known[id]; ok || len(known) >= mostNamed {
			return n, nil
		}
		for _, typ := range types {
			r, err := s.store.Get(ctx, store.Key{Tenant: tenant, Type: typ, ID: id})
			if err == nil {
				known[id] = knownAs(r)
				return known[id], nil
			}
			if !errors.Is(err, store.ErrNotFound) {
				return "", err
			}
		}
		known[id] = ""
		return "", nil
	}
	for i := range entries {
		e := &entries[i]
		var err error
		if e.Name == "" && e.Subject != "" && e.Type == groupType {
			if e.Name, err = name(e.Subject, groupType); err != nil {
				return nil, "", err
			}
		}
		for _, list := range [...][]NamedMember{e.Added, e.Removed} {
			for k := range list {
				if list[k].Name == "" {
					if list[k].Name, err = name(list[k].ID, userType, groupType); err != nil {
						return nil, "", err
					}
				}
			}
		}
	}
	return entries, next, nil
}

// KeptBody is an entry's request as it was sent. Package scim calls it to do a request again. It returns store.ErrNotFound if
// there is no such entry, and ErrNoBody if its body was not kept.
func (s *Service) KeptBody(ctx context.Context, tenant, id string) (JournalEntry, Body, error) {
	e, err := s.entry(ctx, tenant, id)
	if err != nil {
		return e, Body{}, err
	}
	body, ok, err := s.openBody(tenant, e.sealed)
	if err == nil && !ok {
		err = ErrNoBody
	}
	return e, body, err
}

// entry reads one entry.
func (s *Service) entry(ctx context.Context, tenant, id string) (JournalEntry, error) {
	reader, ok := store.As[store.JournalReader](s.store)
	parsed, err := uuid.Parse(id)
	if !ok || err != nil || parsed.String() != id {
		return JournalEntry{}, store.ErrNotFound
	}
	for i := len(parsed) - 1; i >= 0; i-- { // the next id
		if parsed[i]++; parsed[i] != 0 {
			break
		}
	}
	page, err := reader.Journal(ctx, store.JournalQuery{Tenant: tenant, Before: parsed.String(), Max: 1})
	if err != nil {
		return JournalEntry{}, err
	}
	if len(page) == 0 || page[0].ID != id {
		return JournalEntry{}, store.ErrNotFound
	}
	return entryOf(page[0]), nil
}

// Tell commits a change of the caller's own, together with events, and has those delivered. Package scim/connection calls it for
// what the library keeps beside the lifecycle, such as credentials. An event that says its Origin.Request keeps it.
func (s *Service) Tell(ctx context.Context, r Request, change *store.Change, events ...*Event) error {
	to, err := s.audience(ctx, r.Tenant)
	if err != nil {
		return err
	}
	p := &plan{s: s, r: &r, to: to}
	for _, e := range events {
		p.tell(e)
	}
	change.Events = append(change.Events, p.Change.Events...)
	err = s.store.Commit(ctx, change)
	if err == nil {
		s.deliver(ctx, p.events)
	}
	return err
}

// Record writes an entry of what an administrator did beside the lifecycle, such as a change of settings. r says who and what
// (Tenant, Who, Action); attributes are the names of what changed.
func (s *Service) Record(ctx context.Context, r Request, subject store.Key, outcome Outcome, name string, attributes ...string) error {
	e := NewEntry(r, subject, outcome, name, attributes...)
	return s.store.Commit(ctx, &store.Change{Tenant: r.Tenant, Journal: []store.Entry{e}})
}

// NewEntry makes the entry that Record writes, for a change of the caller's own.
func NewEntry(r Request, subject store.Key, outcome Outcome, name string, attributes ...string) store.Entry {
	if r.By == "" {
		r.By = SourceManual
	}
	subject.Tenant = r.Tenant
	w := dataWriter{}
	w.WriteString(`{"v":1`)
	w.text(`,"by":`, string(r.By))
	w.text(`,"name":`, name)
	w.list(`,"changed":`, attributes)
	w.WriteByte('}')
	return store.Entry{ID: newID(), Time: now(), Connection: r.Connection.ID, Request: r.ID, Who: r.Who, Subject: subject, Action: r.Action,
		Outcome: string(outcome), Data: document.Document(w.String())}
}
