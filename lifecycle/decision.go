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

	left   map[string]string // labels of members that leave a group, by id, as far as they were read
	before *store.Resource   // as the resource was, of a change or removal
	was    document.Value    // the tree of before, and of the resource as it will be, where attributes were asked for
	is     document.Value
	quiet  bool     // a decision that changes nothing needs no entry
	named  string   // what a refused resource would have been called
	events []*Event // those of Change.Events
	link   string   // id of the account outside the organization that Do must claim before it commits
}

// empty says whether there is nothing to commit.
func (d *Decision) empty() bool {
	c := &d.Change
	return len(c.Absent)+len(c.Put)+len(c.Members)+len(c.Delete)+len(c.Claims)+len(c.Events)+len(c.Journal) == 0
}
