package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rollcall-dev/rollcall/lifecycle/internal/overlay"
	"github.com/rollcall-dev/rollcall/store"
)

// Decide says what a draft means: what would become true, who would be told, or why it may not be. It only reads. A refusal
// is a Decision too; an error means that the service failed. r should have been admitted.
func (s *Service) Decide(ctx context.Context, r *Request, draft Draft) (*Decision, error) {
	o := s.opts.Observer
	if o == nil {
		return s.decideOn(ctx, r, draft)
	}
	ctx, end := o.Begin(ctx, Op{Stage: StageDecision, Name: "decide", Tenant: r.Tenant, Request: r.ID, Connection: r.Connection.ID})
	d, err := s.decideOn(ctx, r, draft)
	result := Result{Err: err}
	if d != nil {
		result.Err = d.Err
		if !r.DryRun { // else nothing comes of it: a preview doesn't create anybody
			result.Outcome = string(d.Outcome)
		}
	}
	end(result)
	return d, err
}

func (s *Service) decideOn(ctx context.Context, r *Request, draft Draft) (*Decision, error) {
	if err := s.settle(ctx, r); err != nil {
		return nil, err
	}
	to, err := s.audience(ctx, r.Tenant)
	if err != nil {
		return nil, err
	}
	p := &plan{s: s, r: r, d: draft, to: to}
	p.d.Key.Tenant, p.Change.Tenant = r.Tenant, r.Tenant
	err = p.decide(ctx)
	if err == nil {
		p.settleLive()
		p.fence()
		subject := p.d.Key
		if p.Resource != nil {
			subject = p.Resource.Key
		}
		p.before, p.quiet = p.d.Before, p.d.Cause == recount
		p.was, p.is = p.d.Was, p.d.After
		s.record(r, &p.Decision, subject)
		return &p.Decision, nil
	}
	if !isRefusal(err) {
		return nil, err
	}
	refused := refusal(r, err)
	if p.d.Before != nil {
		refused.before = p.d.Before
	} else if !p.d.After.IsNull() {
		refused.named = nameIn(p.d.Key.Type, p.d.After)
	}
	p.tellRefusal(refused, err)
	s.record(r, refused, p.d.Key)
	return refused, nil
}

// decide plans what the draft asks for.
func (p *plan) decide(ctx context.Context) error {
	creates := p.d.Before == nil && !p.d.After.IsNull()
	if p.r.refused != nil {
		if err := p.answer(ctx, creates); err != nil {
			return err
		}
	}
	switch {
	case creates:
		return p.create(ctx)
	case p.d.Cause != 0:
		return p.cause(ctx)
	case p.d.After.IsNull() && p.d.Members == nil:
		return p.remove(ctx)
	}
	return p.change(ctx)
}

// errLinkedElsewhere stands for the store's refusal where the directory of outside accounts gave the account to another tenant.
var errLinkedElsewhere = errors.New("lifecycle: the outside account belongs to another organization")

// answer makes the store's refusal of the last commit an answer, unless deciding again can do better.
func (p *plan) answer(ctx context.Context, creates bool) error {
	refused := p.r.refused
	p.r.refused = nil
	var (
		conflict *store.ConflictError
		member   *store.UnknownMemberError
		claim    *store.ClaimError
	)
	switch {
	case errors.Is(refused, overlay.ErrFull):
		return p.s.fullShadow()
	case errors.Is(refused, errLinkedElsewhere):
		p.elsewhere = true // the account is another tenant's, whatever the directory finds
	case errors.As(refused, &claim) && claim.Counter == settingsCounter:
		return nil // the settings were set anew meanwhile, and have been read again
	case errors.As(refused, &claim) && claim.Counter == seatCounter:
		return p.noSeat()
	case errors.As(refused, &claim) && isBrake(claim.Counter):
		return nil // decide again: the counters are read then, to say what holds the change or releases it
	case errors.As(refused, &claim):
		return &Refusal{Reason: Forbidden, Detail: "a limit of this organization is reached; an administrator of the organization can say more", Err: claim}
	case errors.As(refused, &member):
		return p.unknownMember(ctx, member.ID)
	case errors.As(refused, &conflict) && (conflict.Attribute == "id" || p.r.By == SourceSSO && !creates):
		return nil // decide again: somebody else has made the same record meanwhile, which is read then
	case errors.As(refused, &conflict) && creates:
		p.taken = conflict // the creation may become a link; a sign-in has found nobody, so the value is another user's
		return nil
	case errors.As(refused, &conflict):
		return p.conflict(ctx, conflict)
	case p.d.Before == nil && p.d.Members != nil && !creates: // the group has not been read
		_, err := p.s.store.Get(ctx, p.d.Key)
		return missing(p.d.Key, err)
	}
	return nil // the resource isn't there any more; the draft was made anew, and is refused if that matters
}

// conflict refuses a value that somebody else has.
func (p *plan) conflict(ctx context.Context, conflict *store.ConflictError) error {
	if p.r.By != SourceSCIM {
		return &Denied{DeniedExists}
	}
	if p.d.Key.Type == userType {
		var err error
		switch conflict.Attribute {
		case "externalId":
			err = p.sameExternalID(ctx, conflict)
		case "userName":
			err = p.sameName(ctx, conflict)
		}
		if err != nil {
			return err
		}
	}
	return &Refusal{Reason: Taken, Attribute: conflict.Attribute, Detail: "another resource has this value already; it must be unique", Err: conflict}
}

// sameName says who has a userName already; nil: nobody has it any more.
func (p *plan) sameName(ctx context.Context, conflict error) error {
	holder, err := p.s.user(ctx, p.r.Tenant, "userName", p.d.After.Get("userName").Text())
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	account, err := AccountOf(holder)
	if err != nil {
		return err
	}
	day := holder.Created.Format("2006-01-02")
	why := p.whoseName(holder, account, day)
	if p.samePerson(holder) && shutOut(holder, account) {
		return &Refusal{Reason: Taken, Attribute: "userName", Explanation: why, Err: conflict, Detail: fmt.Sprintf(
			"the user with this name is inactive: %s, created by %s on %s; to restore it send active=true to that user by PATCH, or let an administrator set inactiveUser to restore", holder.ID, account.Source, day)}
	}
	return &Refusal{Reason: Taken, Attribute: "userName", Explanation: why, Err: conflict, Detail: fmt.Sprintf(
		"another user has this value already: %s, created by %s on %s; it must be unique", holder.ID, account.Source, day)}
}

// sameExternalID says who has an externalId already; nil: nobody has it any more.
func (p *plan) sameExternalID(ctx context.Context, conflict error) error {
	id := p.d.After.Get("externalId").Text()
	same, err := p.s.withKey(ctx, p.r.Tenant, userType, store.IndexKey{Attribute: "externalId", Value: id, Unique: true})
	if err != nil || len(same) == 0 {
		return err
	}
	return &Refusal{Reason: Taken, Attribute: "externalId", Err: conflict,
		Detail:      fmt.Sprintf("the user %s has this externalId already; each person needs one of their own", same[0].ID),
		Explanation: fmt.Sprintf("externalId belongs to account %s (%s); send another one for this person, or set sameExternalId to allow", same[0].ID, quoted(userName(same[0])))}
}

// unknownMember says why a resource can't become a member: it doesn't exist, it is of another type than the request says, or it is a group
// and the store only has people as members.
func (p *plan) unknownMember(ctx context.Context, id string) error {
	sent := ""
	if p.d.Members != nil {
		if i := slices.IndexFunc(p.d.Members.Add, func(m store.MemberRef) bool { return m.ID == id }); i >= 0 {
			sent = p.d.Members.Add[i].Type
		}
	}
	for _, typ := range p.s.opts.Types {
		isMeant := sent == "" || typ == sent
		if isMeant && typ != groupType {
			continue
		}
		_, err := p.s.store.Get(ctx, p.r.key(typ, id))
		if err == nil && isMeant { // the store has only people as members, as one over a product's own tables may
			return &Refusal{Reason: Invalid, Attribute: "members.value", Detail: fmt.Sprintf("the resource %s is a Group, and no group can be a member of another one here; send people only", quoted(id))}
		}
		if err == nil {
			return &Refusal{Reason: Invalid, Attribute: "members.value", Detail: fmt.Sprintf("the resource %s is a %s and not a %s; send that type, or leave the type out", quoted(id), typ, sent)}
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return &Refusal{Reason: Invalid, Attribute: "members.value", Detail: fmt.Sprintf("there is no resource with the id %s in this organization; provision it first", quoted(id))}
}

// noSeat is the refusal of a claim.
func (p *plan) noSeat() error {
	return &Refusal{Reason: NoSeat, event: KindSeatRefused, Detail: fmt.Sprintf(
		"all %d seats of this organization's plan are in use; deactivate somebody or enlarge the plan, and try again", p.r.Settings.limit())}
}

// tellRefusal adds the event of those refusals that the product hears of to the decision.
func (p *plan) tellRefusal(d *Decision, err error) {
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.event == "" {
		return
	}
	e := &Event{Kind: refusal.event, Subject: p.d.Key}
	switch {
	case !p.d.After.IsNull():
		e.UserName = p.d.After.Get("userName").Text()
	case p.d.Before != nil:
		e.UserName = userName(p.d.Before)
	}
	told := &plan{s: p.s, r: p.r, to: p.to}
	told.tell(e)
	d.Change.Events, d.Change.Claims, d.events = told.Change.Events, refusal.once, told.events
}
