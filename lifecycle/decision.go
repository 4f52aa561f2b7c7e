package lifecycle

import (
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Outcome is what became of a request, in the journal's word.
type Outcome string

// The outcomes.
const (
	Created   Outcome = "created"
	Linked    Outcome = "linked" // a creation became somebody who was there
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged" // everything is as it was asked for already
	Removed   Outcome = "removed"
	Refused   Outcome = "refused"
	Held      Outcome = "held" // refused for now: the same may pass later
)

// Decision is what shall become true, or why not.
type Decision struct {
	Outcome Outcome
	// Resource is the resource as it will be, or as it was if it is removed or unchanged; of a user who is removed by
	// active=false it has that. It is nil where only members of a group change, and after a refusal.
	Resource *store.Resource
	// Version is the version that the resource will have; "" after a removal or a refusal.
	Version string
	// Change is what Do commits. It has the entry and the events; nothing else after a refusal.
	Change store.Change
	// Entry is the line of the journal.
	Entry store.Entry
	// Err is why it was refused: a *Refusal or a *Denied.
	Err error

	events []*Event // those of Change.Events
	link   string   // id of the account outside the organization that Do must claim before it commits
}

// empty says whether there is nothing to commit.
func (d *Decision) empty() bool {
	c := &d.Change
	return len(c.Absent)+len(c.Put)+len(c.Members)+len(c.Delete)+len(c.Claims)+len(c.Events)+len(c.Journal) == 0
}

// record completes the decision with the entry of the journal. One that changes nothing has an entry to show, and commits it
// only if it has something to explain.
func (d *Decision) record(r *Request, subject store.Key) {
	d.Entry = store.Entry{ID: newID(), Time: now(), Connection: r.Connection.ID, Request: r.ID, Who: r.Who, Subject: subject,
		Action: r.Action, Outcome: string(d.Outcome), Data: r.explanation(d.Err)}
	if d.Outcome != Unchanged || len(r.Notes) > 0 {
		d.Change.Journal = []store.Entry{d.Entry}
	}
}

// explanation is the data of an entry.
func (r *Request) explanation(err error) document.Document {
	if len(r.Quirks) == 0 && len(r.Notes) == 0 && err == nil {
		return ""
	}
	v := document.Object()
	if err != nil {
		v.Set("detail", document.String(err.Error()))
	}
	if len(r.Quirks) > 0 {
		v.Set("quirks", texts(r.Quirks))
	}
	if len(r.Notes) > 0 {
		notes := make([]document.Value, len(r.Notes))
		for i, n := range r.Notes {
			notes[i] = document.Object()
			if n.Attribute != "" {
				notes[i].Set("attribute", document.String(n.Attribute))
			}
			notes[i].Set("text", document.String(n.Text))
		}
		v.Set("notes", document.Array(notes...))
	}
	return v.Document()
}
