package lifecycle

import (
	"context"

	"github.com/rollcall-dev/rollcall/store"
)

// recount is a cause that leaves the account in its state. It only takes or gives back the seat, after Settings.SeatCounting was changed.
const recount = causes

// cause plans that an account moves while the attributes stay.
func (p *plan) cause(ctx context.Context) error {
	cur, c := p.d.Before, p.d.Cause
	if cur.Type == retainedType {
		if c != Reactivate {
			return &Denied{DeniedNotPossible}
		}
		return p.restore(ctx)
	}
	account, err := AccountOf(cur)
	if err != nil {
		return err
	}
	next := *cur
	p.Resource, p.Version, p.Outcome = cur, cur.Version, Unchanged
	switch c {
	case recount:
		p.seat(&account)
		if len(p.Change.Claims) > 0 {
			p.Change.Claims[0].Limit = -1 // the account is in already, whatever the limit is now
		}
		next.Internal = account.document()
	case SignIn:
		if account.State == Provisioned || account.State == Active {
			err = p.signInAgain(account, cur, &next)
		}
	default:
		err = p.administer(ctx, account, cur, &next)
	}
	if err != nil || next.Internal == cur.Internal {
		return err
	}
	p.put(cur, &next)
	p.Resource, p.Version, p.Outcome = &next, next.Version, Updated
	return nil
}

// signInAgain plans a sign-in of somebody who is there. One within a period of access changes nothing.
func (p *plan) signInAgain(account Account, cur, next *store.Resource) error {
	if account.State == Active {
		return nil
	}
	return p.signIn(account, cur, next)
}

// administer plans what an administrator, or a change of the tenant's settings, does to an account.
func (p *plan) administer(ctx context.Context, account Account, cur, next *store.Resource) error {
	c := p.d.Cause
	byHand := c == Suspend || c == Reactivate
	if byHand && account.Source == SourceSCIM && !p.r.Settings.SuspendManaged {
		return &Denied{DeniedManaged}
	}
	if _, ok := Table[account.State][c]; !ok {
		return &Denied{DeniedNotPossible}
	}
	switch c { // only an administrator lets in somebody whom an administrator has shut out
	case Suspend, Reject:
		account.Held = true
		if id := person(cur); id != "" { // or the same person would get access by being created again under another name
			if err := p.putTombstone(ctx, id, cur, account); err != nil {
				return err
			}
		}
	case Reactivate:
		account.Held = false
	}
	_, _, err := p.move(account, c, cur, next)
	return err
}
