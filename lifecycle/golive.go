package lifecycle

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcall-dev/rollcall/lifecycle/internal/overlay"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// This file makes true what a connection has written in the state shadow. Each resource, and each part of a group's members, is one commit in which its
// record in the overlay goes. So it is done once, however often it is interrupted and begun again; and the identity provider sees the
// same before, meanwhile and afterwards, as the overlay shows what it has and otherwise what is true.

// LiveProgress is how far GoLive has come.
type LiveProgress struct {
	Done  int `json:"done"`  // of users, groups, other resources and memberships
	Total int `json:"total"` // as there were when it began; more may come meanwhile

	Created     int `json:"created"`
	Linked      int `json:"linked"` // they are there already, and are managed by the connection from now on
	Changed     int `json:"changed"`
	Deactivated int `json:"deactivated"` // they have lost access
	Refused     int `json:"refused"`     // the journal says why
	Unchanged   int `json:"unchanged"`
}

// goingLive is what a request makes true.
type goingLive struct {
	view     *overlay.Store
	t        *overlay.Touched // nil: members of a group
	done     []store.Delete   // the records that go with it
	frees    []store.Claim    // what is taken in the overlay no more
	patient  bool             // what is taken may be free later: it is not refused yet
	previews bool             // it is only to be known
}

var (
	errLater = errors.New("lifecycle: somebody else must be changed before")
	errGone  = errors.New("lifecycle: there is nothing to be made true any more")
)

// GoLive makes true what a connection has written in the state shadow, by the decisions that Preview shows. by.Who is the administrator who
// wants it. Brakes don't hold it, as who goes live has seen the preview; protected people stay. Ids, versions and times are those
// that the identity provider knows.
//
// It returns when nothing is left and nothing more is written to the shadow. The connection must become live then, and FinishShadow must be
// called. Before the connection gets the state shadow again, EndShadow must be called. Package connection does all of it. GoLive may be called
// again if it was interrupted, and goes on where it was. progress is told now and then, and may be nil.
func (s *Service) GoLive(ctx context.Context, by Request, connection string, progress func(LiveProgress)) (LiveProgress, error) {
	l := &drainer{s: s, tenant: by.Tenant, who: by.Who, connection: connection, view: s.shadow(connection), progress: progress}
	if err := l.count(ctx); err != nil {
		return l.did, err
	}
	if err := l.drain(ctx); err != nil {
		return l.did, err
	}
	err := l.view.Close(ctx, &store.Resource{Key: by.key(closedType, connection), Version: newID(), Created: now(), LastModified: now()})
	if err != nil && !errors.As(err, new(*store.ConflictError)) {
		return l.did, err
	}
	return l.did, l.drain(ctx) // of what was written meanwhile
}

// drain makes true what is left of a shadow that is closed.
func (s *Service) drain(ctx context.Context, tenant, connection string) error {
	l := &drainer{s: s, tenant: tenant, connection: connection, view: s.shadow(connection)}
	return l.drain(ctx)
}

// drainer makes a shadow true, until nothing is left of it.
type drainer struct {
	s                       *Service
	tenant, who, connection string
	view                    *overlay.Store
	progress                func(LiveProgress)
	did                     LiveProgress

	patient      bool
	moved, later int // in this round: what is true or refused by now, and what waits
}

func (l *drainer) count(ctx context.Context) error {
	n, err := l.view.Size(ctx, l.tenant, l.s.types())
	l.did.Total = n
	return err
}

// drain goes through all that there is, again and again until nothing is left: somebody may get a name, or a seat, that somebody else must
// give up before. When nothing moves any more, what is left is refused.
func (l *drainer) drain(ctx context.Context) error {
	for l.patient = true; ; {
		l.moved, l.later = 0, 0
		if err := l.round(ctx); err != nil {
			return err
		}
		if l.later == 0 {
			return nil
		}
		l.patient = l.moved > 0
	}
}

func (l *drainer) round(ctx context.Context) error {
	for _, typ := range l.s.types() {
		if err := l.resources(ctx, typ, false); err != nil {
			return err
		}
	}
	if err := l.members(ctx); err != nil {
		return err
	}
	for _, typ := range l.s.types() {
		if err := l.resources(ctx, typ, true); err != nil {
			return err
		}
	}
	return nil
}

// livePage is how many resources are read at once, and how many members of a group one commit changes.
const livePage = 200

func (l *drainer) resources(ctx context.Context, typ string, gone bool) error {
	for cursor := ""; ; {
		list, next, err := l.view.Touched(ctx, l.tenant, typ, gone, cursor, livePage)
		if err != nil {
			return err
		}
		for _, t := range list {
			if err := l.resource(ctx, t.Key()); err != nil {
				return err
			}
		}
		if l.tell(); next == "" {
			return nil
		}
		cursor = next
	}
}

func (l *drainer) tell() {
	if l.progress != nil {
		l.progress(l.did)
	}
}

// request makes the request that one part of the shadow is made true by.
func (l *drainer) request() *Request {
	return &Request{Tenant: l.tenant, By: SourceSCIM, Who: l.who, Connection: Connection{ID: l.connection, State: ConnectionLive}, Action: "go live",
		live: &goingLive{view: l.view, patient: l.patient}}
}

// resource makes one resource true.
func (l *drainer) resource(ctx context.Context, k store.Key) error {
	r := l.request()
	var before *store.Resource
	d, err := l.s.Do(ctx, r, func(ctx context.Context) (Draft, error) {
		t, err := l.view.One(ctx, k)
		if err != nil {
			return Draft{}, err
		}
		if t == nil {
			return Draft{}, errGone // another process did it
		}
		draft, err := l.s.liveDraft(ctx, r, t)
		before = draft.Before
		return draft, err
	})
	switch {
	case errors.Is(err, errGone):
		l.moved++
		return nil
	case errors.Is(err, errLater):
		l.later++
		return nil
	case err != nil && !isRefusal(err):
		return err
	}
	l.moved++
	l.did.Done++
	switch previewAction(d, before, l.connection) {
	case PreviewCreate:
		l.did.Created++
	case PreviewLink:
		l.did.Linked++
	case PreviewChange:
		l.did.Changed++
	case PreviewDeactivate:
		l.did.Deactivated++
	case PreviewRefuse:
		l.did.Refused++
	default:
		l.did.Unchanged++
	}
	return nil
}

// liveDraft is the draft of making one resource true, from what is true now.
func (s *Service) liveDraft(ctx context.Context, r *Request, t *overlay.Touched) (Draft, error) {
	k := t.Key()
	r.live.t, r.live.done = t, t.Done
	r.live.frees = append(r.live.view.Returns(seatCounter, seatsOf(t.Is)-seatsOf(t.Was)), t.Frees)
	draft := Draft{Key: k}
	cur, err := s.base.Get(ctx, k)
	switch {
	case errors.Is(err, store.ErrNotFound):
		cur = nil
	case err != nil:
		return draft, err
	}
	draft.Before = cur
	switch {
	case t.Is == nil && cur == nil:
		if r.live.previews {
			return draft, errGone
		}
		if err := s.base.Commit(ctx, &store.Change{Tenant: k.Tenant, Delete: t.Done, Claims: r.live.frees}); err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrVersionMismatch) {
			return draft, err
		}
		return draft, errGone
	case t.Is == nil:
		return draft, nil
	}
	is, err := t.Is.Attributes.Tree()
	if err != nil {
		return draft, store.ErrCorrupt
	}
	draft.After = is
	if cur == nil || t.Was == nil {
		return draft, nil
	}
	draft.After, err = merged(cur, t.Was, is)
	return draft, err
}

// seatsOf is how many seats somebody takes.
func seatsOf(r *store.Resource) int {
	if r == nil || r.Type != userType {
		return 0
	}
	if a, err := AccountOf(r); err != nil || !a.Seat {
		return 0
	}
	return 1
}

// merged is what is true now with what the identity provider has changed: each attribute that it left as it was stays as the product has it
// by now.
func merged(cur, before *store.Resource, is document.Value) (document.Value, error) {
	now, err := cur.Attributes.Tree()
	was, failed := before.Attributes.Tree()
	if err != nil || failed != nil {
		return now, store.ErrCorrupt
	}
	names := map[string]bool{}
	for _, v := range [...]document.Value{was, is} {
		for _, m := range v.Items() {
			names[m.Name] = true
		}
	}
	for name := range names {
		to := is.Get(name)
		if document.Equal(was.Get(name), to) {
			continue
		}
		if to.IsNull() {
			now.Delete(name)
		} else {
			now.Set(name, to)
		}
	}
	return now, nil
}

// settleLive completes a decision that makes a part of a shadow true: its records go in the same commit, and the resource is in the
// version that the identity provider knows.
func (p *plan) settleLive() {
	l := p.r.live
	if l == nil {
		return
	}
	p.Change.Delete = append(p.Change.Delete, l.done...)
	p.Change.Claims = append(p.Change.Claims, l.frees...)
	as := p.d.Before
	if l.t != nil {
		if as = l.t.Is; as != nil && p.Outcome == Unchanged && p.d.Before.Version != as.Version { // of a group whose members changed
			next := *p.d.Before
			p.put(p.d.Before, &next)
			p.Resource = &next
		}
	}
	for i := range p.Change.Put {
		r := p.Change.Put[i].Resource
		if as == nil || r.Key != as.Key {
			continue
		}
		r.Version, r.LastModified, p.Version = as.Version, as.LastModified, as.Version
		for j := range p.Change.Members {
			if d := &p.Change.Members[j]; d.Group == r.ID && r.Type == groupType {
				d.Version, d.LastModified = r.Version, r.LastModified
			}
		}
	}
	if l.t != nil && p.Outcome == Updated && p.d.Before != nil && p.d.Before.Internal.Get("manager").Text() != p.r.Connection.ID && p.Resource.Type == userType {
		p.Outcome = Linked
	}
}

// commitNever writes that a part of a shadow can't be made true, unless it may be later, or a part of the part can.
func (s *Service) commitNever(ctx context.Context, r *Request, d *Decision) (again bool, err error) {
	refusal := (*Refusal)(nil)
	switch {
	case r.live.t == nil && len(r.live.done) > 1:
		return false, errTogether
	case r.live.patient && errors.As(d.Err, &refusal) && (refusal.Reason == Taken || refusal.Reason == NoSeat):
		return false, errLater
	}
	if err := s.base.Commit(ctx, &store.Change{Tenant: r.Tenant, Delete: r.live.done, Claims: r.live.frees, Journal: d.Change.Journal}); err != nil {
		return tryAgain(r, err)
	}
	return false, d.Err
}

// guardsSee is the store that guards see. Somebody else may not be true yet whom what is made true refers to.
func (p *plan) guardsSee() store.Store {
	if p.r.live != nil {
		return p.r.live.view
	}
	return p.s.store
}

// members makes memberships true.
func (l *drainer) members(ctx context.Context) error {
	for cursor := ""; ; {
		list, next, err := l.view.Deltas(ctx, l.tenant, "", cursor, livePage)
		if err != nil {
			return err
		}
		for len(list) > 0 {
			n := 1
			for n < len(list) && list[n].Group == list[0].Group {
				n++
			}
			if err := l.membersOf(ctx, list[:n]); err != nil {
				return err
			}
			list = list[n:]
		}
		if l.tell(); next == "" {
			return nil
		}
		cursor = next
	}
}

// membersOf makes memberships of one group true.
func (l *drainer) membersOf(ctx context.Context, list []overlay.Delta) error {
	group := store.Key{Tenant: l.tenant, Type: groupType, ID: list[0].Group}
	list, err := l.ready(ctx, group, list)
	if err != nil || len(list) == 0 {
		return err
	}
	r := l.request()
	r.live.frees = []store.Claim{{Counter: list[0].Frees.Counter}}
	for _, d := range list {
		r.live.done = append(r.live.done, d.Done)
		r.live.frees[0].Take += d.Frees.Take
	}
	_, err = l.s.Do(ctx, r, func(ctx context.Context) (Draft, error) {
		if r.lost {
			return Draft{}, errLater // the list may be another by now
		}
		cur, err := l.s.base.Get(ctx, group)
		if errors.Is(err, store.ErrNotFound) {
			return Draft{}, errLater // ready finds out whether it may come back
		}
		draft := Draft{Key: group, Before: cur, Members: &Members{}}
		for _, d := range list {
			if d.Begins {
				draft.Members.Add = append(draft.Members.Add, d.Member)
			} else {
				draft.Members.Remove = append(draft.Members.Remove, d.Member.ID)
			}
		}
		return draft, err
	})
	switch {
	case err == nil || len(list) == 1 && isRefusal(err):
		if l.moved, l.did.Done = l.moved+len(list), l.did.Done+len(list); err != nil {
			l.did.Refused++
		}
		return nil
	case errors.Is(err, errLater): // others were faster
		l.moved++
		l.later++
		return nil
	case errors.Is(err, errTogether):
		for i := range list { // each by itself, so that one doesn't keep back the others
			if err := l.membersOf(ctx, list[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	return err
}

// errTogether says that memberships were refused together.
var errTogether = errors.New("lifecycle: refused together")

// ready leaves out the memberships that can't be true yet, and drops those that never can. Who isn't in the store below is looked for in the
// overlay and then below once more, because another process may make somebody true at the same time. Whoever is in the overlay may come
// yet, even if this round refuses.
func (l *drainer) ready(ctx context.Context, group store.Key, list []overlay.Delta) ([]overlay.Delta, error) {
	there, err := l.there(ctx, group, list)
	if err != nil {
		return nil, err
	}
	var ready, missing []overlay.Delta
	for _, d := range list {
		if there[group] && there[l.member(d)] {
			ready = append(ready, d)
		} else {
			missing = append(missing, d)
		}
	}
	if len(missing) == 0 {
		return ready, nil
	}
	waits, types := map[store.Key]bool{}, l.s.types()
	for _, d := range missing {
		for _, k := range [...]store.Key{group, l.member(d)} {
			t, err := l.view.One(ctx, k)
			if err != nil {
				return nil, err
			}
			waits[k] = t != nil && t.Is != nil && slices.Contains(types, k.Type)
		}
	}
	if there, err = l.there(ctx, group, missing); err != nil {
		return nil, err
	}
	var never []overlay.Delta
	for _, d := range missing {
		m := l.member(d)
		switch {
		case there[group] && there[m]:
			ready = append(ready, d)
		case (there[group] || waits[group]) && (there[m] || waits[m]):
			l.later++
		default:
			never = append(never, d)
		}
	}
	return ready, l.drop(ctx, never)
}

func (l *drainer) member(d overlay.Delta) store.Key {
	return store.Key{Tenant: l.tenant, Type: d.Member.Type, ID: d.Member.ID}
}

// there says of a group and of the members of memberships whether they are in the store below.
func (l *drainer) there(ctx context.Context, group store.Key, list []overlay.Delta) (map[store.Key]bool, error) {
	there := map[store.Key]bool{}
	ids := map[string]filter.Or{groupType: {overlay.IDFilter(group.ID)}}
	for _, d := range list {
		ids[d.Member.Type] = append(ids[d.Member.Type], overlay.IDFilter(d.Member.ID))
	}
	for typ, any := range ids {
		for part := range slices.Chunk(any, livePage) {
			page, err := l.s.base.List(ctx, store.Query{Tenant: l.tenant, Types: []string{typ}, Filter: part, Count: len(part), NoTotal: true})
			if err != nil {
				return nil, err
			}
			for _, r := range page.Resources {
				there[r.Key] = true
			}
		}
	}
	return there, nil
}

// drop forgets memberships that can't be, because one of the two isn't there.
func (l *drainer) drop(ctx context.Context, list []overlay.Delta) error {
	for _, d := range list {
		err := l.s.base.Commit(ctx, &store.Change{Tenant: l.tenant, Delete: []store.Delete{d.Done}, Claims: []store.Claim{d.Frees}})
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrVersionMismatch) {
			return err
		}
		l.moved++
		l.did.Done++
		l.did.Refused++
	}
	return nil
}
