package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// seatCounter is the counter of a tenant's used seats.
const seatCounter = "seats"

// plan is a decision in the making.
type plan struct {
	Decision
	s     *Service
	r     *Request
	d     Draft
	to    audience
	links bool // a creation becomes a resource that is there
	// taken is what the store said when the creation was committed: somebody has the value of an attribute.
	taken *store.ConflictError
	// elsewhere says that the directory of outside accounts gave the account that was to be claimed to another tenant.
	elsewhere bool
	kept      *safety // of the tenant, once it was read
}

// guarded asks the guards about the draft. They may amend its tree, and members, which is the change of the members of one
// group or all memberships that end with the resource.
func (p *plan) guarded(ctx context.Context, members *[]store.MemberDelta) error {
	if len(p.s.opts.Guards) == 0 {
		return nil
	}
	// The draft's own tree stays as it is: after a lost race the same draft may come again.
	proposal := Proposal{Store: p.guardsSee(), Key: p.d.Key, After: p.d.After.Clone(), Members: *members, Removal: p.d.After.IsNull() && p.d.Members == nil}
	membersOnly := p.d.After.IsNull() && p.d.Members != nil // then the group may have been read, or not
	if p.d.Before != nil && !membersOnly {
		if err := p.known(); err != nil {
			return err
		}
		proposal.Resource, proposal.Before = p.d.Before, p.d.Was
	}
	for _, g := range p.s.opts.Guards {
		if err := g(ctx, p.r, &proposal); err != nil {
			return err
		}
	}
	p.d.After, *members = proposal.After, proposal.Members
	return nil
}

// known makes sure that the draft has the tree of Before.
func (p *plan) known() (err error) {
	if p.d.Was.IsNull() {
		if p.d.Was, err = p.d.Before.Attributes.Tree(); err != nil {
			err = fmt.Errorf("%w: attributes of %s %s", store.ErrCorrupt, p.d.Before.Type, p.d.Before.ID)
		}
	}
	return err
}

// encode makes the draft's tree the attributes of a resource, with what follows from them. It is done once for a decision,
// behind the guards.
//
// before is the resource as it was, or nil if it is new.
func (p *plan) encode(r, before *store.Resource) error {
	p.index(r, before)
	return p.write(r)
}

// write makes the draft's tree the attributes of a resource.
func (p *plan) write(r *store.Resource) error {
	r.Attributes = p.d.After.Document()
	if most := p.s.opts.MaxResource; len(r.Attributes) > most {
		return &Refusal{Reason: TooLarge, Detail: fmt.Sprintf("the %s would have %d bytes of attributes; the limit is %d", r.Type, len(r.Attributes), most)}
	}
	return nil
}

// index gives a resource the keys and the label that follow from the draft's tree, by which it is found. before is the resource as
// it was, or nil if it is new.
func (p *plan) index(r, before *store.Resource) {
	r.Index, r.Label = p.s.opts.Index(r.Type, p.d.After)
	ownExternalID(r, before, &p.r.Settings)
}

// ownExternalID makes the externalId of a user unique among the users of the tenant, unless its settings let several have the same.
// The store sees to it, however many come at once. A user who has shared an externalId so far keeps it: otherwise no change of that
// user would pass any more, not even one that takes the access.
func ownExternalID(r, before *store.Resource, s *Settings) {
	if r.Type != userType || s.SameExternalID == SameExternalIDAllow {
		return
	}
	for i, k := range r.Index {
		if k.Attribute == "externalId" && (before == nil || !slices.Contains(before.Index, k)) {
			r.Index[i].Unique = true
		}
	}
}

// wants says whether anybody is told a kind.
func (p *plan) wants(k Kind) bool { return len(p.to.of(k))+len(p.s.taken[k]) > 0 }

// tell plans an event, if there is a consumer that wants to hear of it: what nobody is told is not kept.
func (p *plan) tell(e *Event) {
	to, taken := p.to.of(e.Kind), p.s.taken[e.Kind]
	if len(to)+len(taken) == 0 {
		return
	}
	e.consumers = to
	e.ID, e.Time = newID(), now()
	e.Origin = Origin{Request: cmp.Or(e.Origin.Request, p.r.ID), Who: p.r.Who, By: p.r.By, Connection: p.r.Connection.ID}
	p.events = append(p.events, e)
	kept := e.stored(p.s.opts.Delivery.Snapshot)
	kept.InTx = taken
	p.Change.Events = append(p.Change.Events, kept)
}

// tellOf plans an event on a resource as it was and will be; either may be nil.
func (p *plan) tellOf(k Kind, before, after *store.Resource) {
	if !p.wants(k) {
		return // and spare the work
	}
	e := &Event{Kind: k, Truncated: p.r.erases}
	for _, r := range [...]*store.Resource{before, after} {
		if r != nil {
			e.Subject = r.Key
			if r.Type == userType && !p.r.erases {
				e.UserName = userName(r)
			}
		}
	}
	if p.r.erases {
		p.tell(e)
		return
	}
	if before != nil {
		e.Before = before.Attributes
	}
	if after != nil {
		e.After = after.Attributes
	}
	p.tell(e)
}

// move moves a user's account by the table, with its events and its seat. before is nil at a creation, after at a removal.
// account is where the account stands; where it goes is written into after.
func (p *plan) move(account Account, c Cause, before, after *store.Resource) (Account, []Kind, error) {
	moved, kinds, err := account.move(c)
	if err != nil {
		return account, nil, err
	}
	p.seat(&moved)
	for _, k := range kinds {
		p.tellOf(k, before, after)
	}
	if after != nil {
		after.Internal = moved.document()
	}
	return moved, kinds, nil
}

// seat claims the seat that an account takes by its state, or gives it back.
func (p *plan) seat(a *Account) {
	switch takes := p.r.Settings.takesSeat(*a); {
	case takes && !a.Seat:
		p.claim(1)
	case !takes && a.Seat:
		p.claim(-1)
	}
	a.Seat = p.r.Settings.takesSeat(*a)
}

func (p *plan) claim(n int) {
	if len(p.Change.Claims) == 0 || p.Change.Claims[0].Counter != seatCounter {
		p.Change.Claims = slices.Insert(p.Change.Claims, 0, store.Claim{Counter: seatCounter, Limit: p.r.Settings.limit()})
	}
	p.Change.Claims[0].Take += n
}

// fence makes sure that a seat is taken by the limit that holds when it is taken: see settingsCounter.
func (p *plan) fence() {
	if p.r.fence == 0 || p.r.inShadow() || len(p.Change.Claims) == 0 {
		return
	}
	if c := p.Change.Claims[0]; c.Counter == seatCounter && c.Take > 0 && c.Limit >= 0 {
		p.Change.Claims = append(p.Change.Claims, store.Claim{Counter: settingsCounter, Take: 1, Limit: p.r.fence}, store.Claim{Counter: settingsCounter, Take: -1})
	}
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
	p.Change.Put = append(p.Change.Put, put)
}

// drop plans to delete a record of the library's own, unless that is planned already.
func (p *plan) drop(r *store.Resource) {
	d := store.Delete{Type: r.Type, ID: r.ID, IfVersion: r.Version}
	for _, planned := range p.Change.Delete {
		if planned == d {
			return
		}
	}
	p.Change.Delete = append(p.Change.Delete, d)
}

// userName is the name of a user, as it was sent.
func userName(r *store.Resource) string { return r.Attributes.Get("userName").Text() }

// object is a document with one member.
func object(name, value string) document.Document {
	return document.Object(document.Field{Name: name, Value: document.String(value)}).Document()
}
