package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Actor is who asks for a change, and through what; it goes into the journal.
type Actor struct {
	Tenant     string
	By         Source // an identity provider, a sign-in, or an administrator by hand
	Connection string
	Action     string   // e.g. "PATCH /Users"
	Quirks     []string // names of the tolerated deviations that the request used
}

// seatCounter is the counter of the seats that are in use.
const seatCounter = "seats"

// plan is a change in the making.
type plan struct {
	s        *Service
	actor    Actor
	settings Settings
	change   store.Change
	events   []*Event
	notes    []string // of the guards
	again    bool     // it was made before, and lost a race
}

func (s *Service) plan(a Actor, settings Settings) *plan {
	return &plan{s: s, actor: a, settings: settings, change: store.Change{Tenant: a.Tenant}}
}

// guard asks the guards, and sees to the index of what they amend.
func (p *plan) guard(ctx context.Context, before, after *store.Resource) error {
	if len(p.s.opts.Guards) == 0 {
		return nil
	}
	var sent document.Document
	if after != nil {
		sent = after.Attributes
	}
	ctx = context.WithValue(ctx, notesKey{}, &p.notes)
	for _, g := range p.s.opts.Guards {
		if err := g(ctx, p.actor, before, after); err != nil {
			return err
		}
	}
	if after != nil && after.Attributes != sent {
		after.Index, after.Label = p.s.Index(after.Type, after.Attributes.Value())
	}
	return nil
}

// tell plans an event, if there's a hook that wants to hear of it: what nobody is told is not kept.
func (p *plan) tell(e *Event) {
	if !p.s.opts.Hooks.wants(e.Kind) {
		return
	}
	e.ID, e.Time = newID(), now()
	p.events = append(p.events, e)
	p.change.Events = append(p.change.Events, e.stored(p.s.opts.Delivery.Snapshot))
}

// tellOf plans an event on a resource as it was and will be; either may be nil.
func (p *plan) tellOf(k Kind, before, after *store.Resource) {
	if !p.s.opts.Hooks.wants(k) {
		return // and spare the work
	}
	e := &Event{Kind: k}
	for _, r := range [...]*store.Resource{before, after} {
		if r != nil {
			e.Subject = r.Key
			if r.Type == userType {
				e.UserName = r.Attributes.Get("userName").Text()
			}
		}
	}
	if before != nil {
		e.Before = before.Attributes
	}
	if after != nil {
		e.After = after.Attributes
	}
	p.tell(e)
}

// move moves a user's account by the table, with its events and its seat. before is nil at a creation, after at a
// deletion. account is where the account stands; where it goes is written into after.
func (p *plan) move(account Account, c Cause, before, after *store.Resource) (Account, []Kind, error) {
	moved, kinds, err := account.move(c)
	if err != nil {
		return account, nil, err
	}
	switch takes := p.settings.takesSeat(moved); {
	case takes && !account.Seat:
		p.seats(1)
	case !takes && account.Seat:
		p.seats(-1)
	}
	moved.Seat = p.settings.takesSeat(moved)
	for _, k := range kinds {
		p.tellOf(k, before, after)
	}
	if after != nil {
		after.Internal = moved.document()
	}
	return moved, kinds, nil
}

// seats claims seats, or gives them back. Under billed counting the limit is on who signs in.
func (p *plan) seats(n int) {
	if len(p.change.Claims) == 0 {
		p.change.Claims = []store.Claim{{Counter: seatCounter, Limit: p.settings.limit()}}
	}
	p.change.Claims[0].Take += n
}

// put plans to write next in the place of cur, or as a new resource if cur is nil.
func (p *plan) put(cur, next *store.Resource) {
	put := store.Put{Resource: next, Was: cur}
	if cur != nil {
		put.IfVersion = cur.Version
	}
	if cur != nil || next.Version == "" {
		next.Version = newID()
	}
	p.change.Put = append(p.change.Put, put)
}

// commit commits the plan, and delivers its events.
func (p *plan) commit(ctx context.Context, subject store.Key, outcome string) error {
	entry := store.Entry{ID: newID(), Time: now(), Connection: p.actor.Connection, Subject: subject, Action: p.actor.Action, Outcome: outcome}
	if len(p.actor.Quirks)+len(p.notes) > 0 {
		entry.Data = document.Object(document.Member{Name: "quirks", Value: texts(p.actor.Quirks)},
			document.Member{Name: "notes", Value: texts(p.notes)}).Document()
	}
	p.change.Journal = []store.Entry{entry}
	err := p.s.store.Commit(ctx, &p.change)
	switch {
	case errors.As(err, new(*store.ClaimError)):
		return p.noSeat(ctx, subject)
	case err == nil:
		p.s.deliver(ctx, p.events)
	}
	return err
}

// noSeat tells of a refused claim, in a change of its own as nothing else of the plan is true.
func (p *plan) noSeat(ctx context.Context, subject store.Key) error {
	told := p.s.plan(p.actor, p.settings)
	e := &Event{Kind: KindSeatRefused, Subject: subject}
	if len(p.change.Put) > 0 {
		e.UserName = p.change.Put[0].Resource.Attributes.Get("userName").Text()
	}
	told.tell(e)
	if err := told.commit(ctx, subject, "seat refused"); err != nil {
		return err
	}
	return &Refusal{Reason: NoSeat, Detail: fmt.Sprintf(
		"all %d seats of this organization's plan are in use; deactivate somebody or enlarge the plan, and try again", p.settings.limit())}
}
