package lifecycle

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

const (
	mostListed = 100     // members that an entry lists in each direction
	mostValue  = 2 << 10 // bytes of a value that an entry keeps
)

// record completes a decision with its entry of the journal. Every write has one, also a write that changes nothing. A sign-in
// that changes nothing has none, because most of them change nothing, and neither has a user who has followed changed settings
// already.
//
// record is called for each write, so it writes the entry's data as text, without a tree.
func (s *Service) record(r *Request, d *Decision, subject store.Key) {
	d.Entry = store.Entry{ID: newID(), Time: now(), Connection: r.Connection.ID, Request: r.ID, Who: r.Who, Subject: subject,
		Action: r.Action, Outcome: string(d.Outcome), Data: s.entryData(r, d, subject)}
	if d.Outcome != Unchanged || len(r.Notes) > 0 || r.By != SourceSSO && !d.quiet {
		d.Change.Journal = []store.Entry{d.Entry}
	}
}

// entryData is what an entry says beside its columns. See JournalEntry for the meaning of its members.
func (s *Service) entryData(r *Request, d *Decision, subject store.Key) document.Document {
	w := dataWriter{}
	w.Grow(256)
	w.WriteString(`{"v":1`)
	w.text(`,"by":`, string(r.By))
	if r.Status != nil {
		w.int(`,"status":`, int64(r.Status(r, d)))
	}
	if !r.began.IsZero() {
		w.int(`,"micros":`, time.Since(r.began).Microseconds())
	}
	if r.Connection.State == ConnectionShadow {
		w.WriteString(`,"shadow":true`)
	}
	s.describeSubject(&w, r, d)
	if d.Err != nil {
		w.text(`,"detail":`, d.Err.Error())
		if refusal := (*Refusal)(nil); errors.As(d.Err, &refusal) {
			w.text(`,"explanation":`, refusal.Explanation)
			w.text(`,"attribute":`, refusal.Attribute)
		}
	}
	w.list(`,"quirks":`, r.Quirks)
	if len(r.Notes) > 0 {
		w.WriteString(`,"notes":[`)
		for i, n := range r.Notes {
			if i > 0 {
				w.WriteByte(',')
			}
			w.WriteByte('{')
			if n.Attribute != "" {
				w.text(`"attribute":`, n.Attribute)
				w.WriteByte(',')
			}
			w.WriteString(`"text":`)
			w.string(n.Text)
			w.WriteByte('}')
		}
		w.WriteByte(']')
	}
	describeMembers(&w, d, subject)
	if len(d.events) > 0 {
		w.WriteString(`,"events":[`)
		for i, e := range d.events {
			if i > 0 {
				w.WriteByte(',')
			}
			w.string(string(e.Kind))
		}
		w.WriteByte(']')
	}
	s.keepBody(&w, r, subject)
	w.WriteByte('}')
	return document.Document(w.String())
}

// describeSubject writes the name of the resource, and which of its attributes changed.
func (s *Service) describeSubject(w *dataWriter, r *Request, d *Decision) {
	named := d.Resource
	if named == nil {
		named = d.before
	}
	switch {
	case r.erases:
		return
	case named != nil:
		w.text(`,"name":`, knownAs(named))
	case d.named != "":
		w.text(`,"name":`, d.named)
	}
	if d.Err != nil || d.Resource == nil || d.is.IsNull() || d.Outcome == Unchanged || d.Outcome == Removed {
		return
	}
	opened := false
	for name := range document.Diff(d.was, d.is) {
		opened = w.next(`,"changed":[`, opened)
		w.string(name)
	}
	if opened {
		w.WriteByte(']')
	}
	if until := r.Settings.KeepValuesUntil; until != nil && time.Now().Before(*until) {
		s.keepValues(w, d)
	}
}

// next begins a list or an object, or its next member.
func (w *dataWriter) next(begin string, opened bool) bool {
	if opened {
		begin = ","
	}
	w.WriteString(begin)
	return true
}

// knownAs is by what people know a resource: the userName of a user, and of others what they are shown as.
func knownAs(r *store.Resource) string {
	if r.Type == userType || r.Type == retainedType {
		return userName(r)
	}
	return r.Label
}

// keepValues writes the values that changed, except those that must not be seen or are too large.
func (s *Service) keepValues(w *dataWriter, d *Decision) {
	var before document.Document
	if d.before != nil {
		before = d.before.Attributes
	}
	opened := false
	for name := range document.Diff(d.was, d.is) {
		if s.opts.Secret != nil && s.opts.Secret(d.Resource.Type, name) {
			continue
		}
		was, is := rawOf(before, name), rawOf(d.Resource.Attributes, name)
		if len(was)+len(is) > mostValue {
			continue
		}
		opened = w.next(`,"values":{`, opened)
		w.string(name)
		w.WriteString(`:{`)
		if was != "" {
			w.WriteString(`"before":` + was)
		}
		if was != "" && is != "" {
			w.WriteByte(',')
		}
		if is != "" {
			w.WriteString(`"after":` + is)
		}
		w.WriteByte('}')
	}
	if opened {
		w.WriteByte('}')
	}
}

func rawOf(d document.Document, name string) string {
	if d != "" {
		for n, raw := range d.Fields() {
			if n == name {
				return raw
			}
		}
	}
	return ""
}

// describeMembers writes who became a member of the group that the entry is about, and who is none any more.
func describeMembers(w *dataWriter, d *Decision, group store.Key) {
	if group.Type != groupType {
		return
	}
	for i := range d.Change.Members {
		delta := &d.Change.Members[i]
		if d.Outcome != Created && delta.Group != group.ID {
			continue
		}
		for _, way := range [...]struct {
			name  string
			count int
			id    func(i int) string
		}{
			{"added", len(delta.Add), func(i int) string { return delta.Add[i].ID }},
			{"removed", len(delta.Remove), func(i int) string { return delta.Remove[i] }},
		} {
			if way.count == 0 {
				continue
			}
			w.WriteString(`,"` + way.name + `":[`)
			for i := range min(way.count, mostListed) {
				if i > 0 {
					w.WriteByte(',')
				}
				w.WriteString(`{"id":`)
				w.string(way.id(i))
				w.text(`,"name":`, d.left[way.id(i)])
				w.WriteByte('}')
			}
			w.WriteByte(']')
			if way.count > mostListed {
				w.int(`,"`+way.name+`More":`, int64(way.count-mostListed))
			}
		}
	}
}

func (w *dataWriter) int(name string, n int64) {
	var b [20]byte
	w.WriteString(name)
	w.Write(strconv.AppendInt(b[:0], n, 10))
}

// noteLeft remembers what a member is called who leaves a group, for the entry.
func (p *plan) noteLeft(row store.Member) {
	if len(p.left) >= mostListed || row.Label == "" {
		return
	}
	if p.left == nil {
		p.left = make(map[string]string)
	}
	p.left[row.ID] = row.Label
}

// whoseName explains a refused userName to the administrators of the product: whose it is, and what would pass.
func (p *plan) whoseName(holder *store.Resource, account Account, day string) string {
	how := map[Source]string{SourceSCIM: "by SCIM", SourceSSO: "by sign-in", SourceManual: "by hand", SourceImport: "by an import"}[account.Source]
	if account.Source != SourceSCIM {
		return fmt.Sprintf("userName belongs to account %s created %s on %s; set existingUser to link, or change the userName of one of them", holder.ID, how, day)
	}
	return fmt.Sprintf("userName belongs to account %s created %s on %s; give this person another userName, or let the connection find the account by a filter and change it", holder.ID, how, day)
}
