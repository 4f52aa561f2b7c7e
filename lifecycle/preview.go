package lifecycle

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/rollcall-dev/rollcall/lifecycle/internal/overlay"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// PreviewAction is what going live would do to somebody or something.
type PreviewAction string

// The actions.
const (
	PreviewCreate     PreviewAction = "create"
	PreviewLink       PreviewAction = "link"       // is there already, keeps its id, and would be managed by the connection
	PreviewChange     PreviewAction = "change"     // attributes, members, or what they mean for the access
	PreviewDeactivate PreviewAction = "deactivate" // would lose access, or be removed
	PreviewRefuse     PreviewAction = "refuse"     // Explanation says why
	PreviewUnknown    PreviewAction = "unknown"    // a person of the product whom the identity provider doesn't know; stays as it is
)

// PreviewRow is what going live would do to one user, group or other resource.
type PreviewRow struct {
	Type        string // of the resource
	ID          string // which it has, or will have; "" of somebody who was refused and has none
	Name        string // the userName of a user, the displayName of a group
	Action      PreviewAction
	Changes     []AttributeChange // in the order of their names
	Explanation string            // may be empty

	// Of a group: who would become a member and who would be none any more, up to 100 of each, and how many there are.
	Added, Removed           []PreviewMember
	AddedCount, RemovedCount int
}

// PreviewMember is a member that would come or go.
type PreviewMember struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// AttributeChange is what would become of one attribute.
type AttributeChange struct {
	Attribute string
	From, To  document.Value // null: none. Both are null of an attribute that is secret
	Authority string         // who decides its value: see Options.Authority
}

// Preview is a part of what going live would do.
type Preview struct {
	Rows []PreviewRow
	Next string // the cursor of the next part; "" if this was the last
}

// ErrPreviewCursor says that a cursor isn't one of Preview.Next.
var ErrPreviewCursor = errors.New("lifecycle: invalid cursor of a preview")

// previewPart is a part of a preview: users first, then other resources, and groups last.
type previewPart struct {
	typ  string
	what string
}

const (
	partWrites  = "writes"
	partGone    = "gone"
	partRefused = "refused"
	partUnknown = "unknown"
)

func (s *Service) previewParts() (parts []previewPart) {
	for _, typ := range s.types() {
		parts = append(parts, previewPart{typ, partWrites}, previewPart{typ, partGone})
		if typ == userType {
			parts = append(parts, previewPart{"", partRefused}, previewPart{typ, partUnknown})
		}
	}
	return parts
}

type previewCursor struct {
	Part int
	At   string `json:",omitempty"`
}

// Preview says what going live would do to what a connection in the state shadow has written, decided by what is true now; what was refused; and
// whom the identity provider doesn't know. It changes nothing. It returns up to count rows (1 to 1,000) from a cursor on, "" at first. A part may
// have fewer rows than there are to come.
func (s *Service) Preview(ctx context.Context, tenant, connection, cursor string, count int) (Preview, error) {
	var at previewCursor
	parts := s.previewParts()
	if cursor != "" {
		text, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || json.Unmarshal(text, &at) != nil || at.Part < 0 || at.Part >= len(parts) {
			return Preview{}, ErrPreviewCursor
		}
	}
	const most = 1_000
	count = min(max(count, 1), most)
	p := &previewer{s: s, tenant: tenant, connection: connection, view: s.shadow(connection)}
	var out Preview
	for at.Part < len(parts) && len(out.Rows) < count {
		next, err := p.read(ctx, parts[at.Part], at.At, count-len(out.Rows), &out.Rows)
		if errors.Is(err, store.ErrCursor) {
			err = ErrPreviewCursor
		}
		if err != nil {
			return Preview{}, err
		}
		if at.At = next; next == "" {
			at.Part++
		}
	}
	if at.Part < len(parts) {
		text, _ := json.Marshal(at) // a number and a string always encode
		out.Next = base64.RawURLEncoding.EncodeToString(text)
	}
	return out, nil
}

// PreviewAll goes through all of Preview.
func (s *Service) PreviewAll(ctx context.Context, tenant, connection string) iter.Seq2[PreviewRow, error] {
	return func(yield func(PreviewRow, error) bool) {
		for cursor := ""; ; {
			page, err := s.Preview(ctx, tenant, connection, cursor, livePage)
			if err != nil {
				yield(PreviewRow{}, err)
				return
			}
			for _, row := range page.Rows {
				if !yield(row, nil) {
					return
				}
			}
			if cursor = page.Next; cursor == "" {
				return
			}
		}
	}
}

// previewer is a preview under way.
type previewer struct {
	s                  *Service
	tenant, connection string
	view               *overlay.Store
	request            *Request // whose settings are read
}

func (p *previewer) read(ctx context.Context, part previewPart, cursor string, count int, rows *[]PreviewRow) (next string, err error) {
	switch part.what {
	case partRefused:
		return p.refused(ctx, cursor, count, rows)
	case partUnknown:
		return p.unknown(ctx, cursor, count, rows)
	}
	list, next, err := p.view.Touched(ctx, p.tenant, part.typ, part.what == partGone, cursor, count)
	if err != nil {
		return "", err
	}
	for i := range list {
		row, err := p.row(ctx, &list[i])
		if err != nil {
			return "", err
		}
		if row != nil {
			*rows = append(*rows, *row)
		}
	}
	return next, nil
}

// row is what would become of one resource; nil: nothing.
func (p *previewer) row(ctx context.Context, t *overlay.Touched) (*PreviewRow, error) {
	k := t.Key()
	row := &PreviewRow{Type: k.Type, ID: k.ID}
	if t.Is != nil {
		row.Name = knownAs(t.Is)
	} else {
		row.Name = knownAs(t.Was)
	}
	r := &Request{Tenant: p.tenant, By: SourceSCIM, Connection: Connection{ID: p.connection, State: ConnectionLive}, Action: "preview", DryRun: true,
		live: &goingLive{view: p.view, previews: true}}
	r.lost = true // so that it is read what a commit would find out
	d, before, err := p.decide(ctx, r, t)
	if errors.Is(err, errGone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	row.Action = previewAction(d, before, p.connection)
	switch {
	case d.Err != nil:
		row.Explanation = explained(d.Err)
	case d.Resource != nil && d.Outcome != Removed:
		row.Changes = p.s.attributeChanges(before, d.Resource)
	}
	if k.Type == groupType && t.Is != nil {
		if err := p.groupMembers(ctx, row); err != nil {
			return nil, err
		}
		if row.Action == "" && row.AddedCount+row.RemovedCount > 0 {
			row.Action = PreviewChange
		}
	}
	if row.Action == "" {
		return nil, nil
	}
	if row.Explanation == "" {
		row.Explanation = explainAction(row, d, before)
	}
	return row, nil
}

// decide decides as GoLive does, and finds out what the store would refuse.
func (p *previewer) decide(ctx context.Context, r *Request, t *overlay.Touched) (*Decision, *store.Resource, error) {
	draft, err := p.s.liveDraft(ctx, r, t)
	if err != nil {
		return nil, nil, err
	}
	if p.request != nil { // one preview goes by one policy
		r.Settings, r.settled = p.request.Settings, true
	}
	d, err := p.s.Decide(ctx, r, draft)
	p.request = r
	if err != nil || d.Err != nil {
		return d, draft.Before, err
	}
	refused, err := p.s.wouldRefuse(ctx, &d.Change)
	if err != nil || refused == nil {
		return d, draft.Before, err
	}
	free := false
	if conflict := (*store.ConflictError)(nil); errors.As(refused, &conflict) {
		free, err = p.becomesFree(ctx, &d.Change, conflict)
	} else if claim := (*store.ClaimError)(nil); errors.As(refused, &claim) && claim.Counter == seatCounter {
		free, err = p.seatBecomesFree(ctx, &d.Change)
	}
	if free || err != nil {
		return d, draft.Before, err
	}
	r.refused = refused
	d, err = p.s.Decide(ctx, r, draft)
	return d, draft.Before, err
}

// becomesFree says whether those who have what a change wants would give it up.
func (p *previewer) becomesFree(ctx context.Context, c *store.Change, conflict *store.ConflictError) (bool, error) {
	for _, put := range c.Put {
		for _, k := range put.Resource.Index {
			if !k.Unique || k.Attribute != conflict.Attribute {
				continue
			}
			same, err := p.s.withKey(ctx, p.tenant, put.Resource.Type, k)
			if err != nil {
				return false, err
			}
			for _, other := range same {
				if other.ID == put.Resource.ID {
					continue
				}
				t, err := p.view.One(ctx, other.Key)
				if err != nil || t == nil {
					return false, err
				}
			}
		}
	}
	return true, nil
}

// seatBecomesFree says whether the seats are enough once everybody is as the identity provider has it.
func (p *previewer) seatBecomesFree(ctx context.Context, c *store.Change) (bool, error) {
	counters, err := p.view.Counters(ctx, p.tenant, seatCounter)
	return err == nil && counters[0].Count <= c.Claims[0].Limit, err
}

// previewAction is what a decision does to somebody; "": nothing that anybody would notice.
func previewAction(d *Decision, before *store.Resource, connection string) PreviewAction {
	switch {
	case d.Err != nil:
		return PreviewRefuse
	case d.Outcome == Created:
		return PreviewCreate
	case d.Outcome == Removed:
		return PreviewDeactivate
	case d.Outcome == Unchanged || d.Resource == nil || before == nil:
		return ""
	}
	if d.Resource.Type == userType {
		was, err := AccountOf(before)
		is, failed := AccountOf(d.Resource)
		switch {
		case err != nil || failed != nil:
		case was.State.access() && !is.State.access():
			return PreviewDeactivate
		case was.Manager != connection && is.Manager == connection:
			return PreviewLink
		}
	}
	return PreviewChange
}

func explained(err error) string {
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) && refusal.Explanation != "" {
		return refusal.Explanation
	}
	return err.Error()
}

// explainAction says what an action means where that isn't plain.
func explainAction(row *PreviewRow, d *Decision, before *store.Resource) string {
	if row.Type != userType {
		if row.Action == PreviewDeactivate {
			return "it would be deleted"
		}
		return ""
	}
	switch row.Action {
	case PreviewDeactivate:
		if d.Outcome == Removed {
			return "the identity provider has deleted this person"
		}
		return "the identity provider has sent active=false"
	case PreviewLink:
		account, err := AccountOf(before)
		if err == nil {
			return fmt.Sprintf("was added by %s on %s; the id stays", account.Source, before.Created.Format("2006-01-02"))
		}
	}
	return ""
}

// attributeChanges are the differences between two states of a resource; before may be nil.
func (s *Service) attributeChanges(before, after *store.Resource) (list []AttributeChange) {
	var was document.Document
	if before != nil {
		was = before.Attributes
	}
	value := func(d document.Document, name string) document.Value {
		if d == "" {
			return document.Value{}
		}
		return d.Get(name)
	}
	for _, name := range changed(was, after.Attributes) {
		c := AttributeChange{Attribute: name, Authority: "always"}
		if s.opts.Authority != nil {
			c.Authority = s.opts.Authority(after.Type, name)
		}
		if s.opts.Secret == nil || !s.opts.Secret(after.Type, name) {
			c.From, c.To = value(was, name), value(after.Attributes, name)
		}
		list = append(list, c)
	}
	return list
}

// groupMembers says who would come and go.
func (p *previewer) groupMembers(ctx context.Context, row *PreviewRow) error {
	for cursor := ""; ; {
		list, next, err := p.view.Deltas(ctx, p.tenant, row.ID, cursor, livePage)
		if err != nil {
			return err
		}
		for _, d := range list {
			to, n := &row.Removed, &row.RemovedCount
			if d.Begins {
				to, n = &row.Added, &row.AddedCount
			}
			if *n++; len(*to) >= mostListed {
				continue
			}
			m := PreviewMember{ID: d.Member.ID}
			r, err := p.view.Get(ctx, store.Key{Tenant: p.tenant, Type: d.Member.Type, ID: d.Member.ID})
			switch {
			case err == nil:
				m.Name = knownAs(r)
			case !errors.Is(err, store.ErrNotFound):
				return err
			}
			*to = append(*to, m)
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

// refused lists what was refused and has not succeeded since.
func (p *previewer) refused(ctx context.Context, cursor string, count int, rows *[]PreviewRow) (string, error) {
	list, next, err := p.view.Touched(ctx, p.tenant, refusedType, false, cursor, count)
	for _, t := range list {
		v := t.Is.Attributes
		row := PreviewRow{Type: v.Get("type").Text(), ID: v.Get("id").Text(), Name: v.Get("name").Text(), Action: PreviewRefuse, Explanation: v.Get("explanation").Text()}
		if row.Explanation == "" {
			row.Explanation = v.Get("detail").Text()
		}
		*rows = append(*rows, row)
	}
	return next, err
}

// unknown lists the people of the product whom the identity provider has neither looked up nor written.
func (p *previewer) unknown(ctx context.Context, cursor string, count int, rows *[]PreviewRow) (string, error) {
	page, err := p.s.base.List(ctx, store.Query{Tenant: p.tenant, Types: []string{userType}, Cursor: cursor, Count: count, NoTotal: true})
	if err != nil {
		return "", err
	}
	ids := make([]string, len(page.Resources))
	for i, r := range page.Resources {
		ids[i] = r.ID
	}
	written, err := p.view.Has(ctx, p.tenant, userType, ids)
	if err != nil {
		return "", err
	}
	seen, err := p.view.Has(ctx, p.tenant, seenType, ids)
	if err != nil {
		return "", err
	}
	notes := make([]string, 0, 2*len(page.Resources))
	for _, r := range page.Resources {
		notes = append(notes, noteKeys(userType, r.ID, userName(r))...)
	}
	refused, err := p.view.Has(ctx, p.tenant, refusedType, notes)
	if err != nil {
		return "", err
	}
	for _, r := range page.Resources {
		account, err := AccountOf(r)
		if err != nil {
			return "", err
		}
		knows := written[r.ID] || seen[r.ID] || account.Manager == p.connection
		for _, key := range noteKeys(userType, r.ID, userName(r)) {
			knows = knows || refused[key]
		}
		if knows {
			continue
		}
		*rows = append(*rows, PreviewRow{Type: userType, ID: r.ID, Name: userName(r), Action: PreviewUnknown, Explanation: explainStay(r, account)})
	}
	return page.Next, nil
}

// explainStay says where somebody is from whom the identity provider doesn't know.
func explainStay(r *store.Resource, account Account) string {
	day := r.Created.Format("2006-01-02")
	if account.Manager != "" {
		return fmt.Sprintf("was added by %s on %s, and stays as it is; the connection %s manages this person", account.Source, day, account.Manager)
	}
	return fmt.Sprintf("was added by %s on %s, and stays as it is", account.Source, day)
}
