package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/store"
)

// This file has the brakes (I17). What a connection has taken away in a window is a counter, and each change that takes
// something claims it in its own commit, so that no number of writers on any number of processes gets beyond the limit.
//
// A share is of what was there when the window began. Who opens the window claims that number from a second counter, whose limit is
// the same number. So only one of those who open it at once succeeds, and the others decide again by what that one wrote.

// The counters of brakes begin with these, and go on with what they count and whose it is.
const (
	takenCounter   = "brake.taken."   // what was taken in the window
	baseCounter    = "brake.base."    // what there was when the window began
	toldCounter    = "brake.told."    // 1 if the product was told that something is held in the window
	releaseCounter = "brake.release." // what a release has let through
)

// isBrake says whether a counter is one of a brake's.
func isBrake(counter string) bool { return strings.HasPrefix(counter, "brake.") }

// loss is something that a change takes away.
type loss struct {
	of    string // "people" or "members": what is counted, for the counters and for words
	scope string // whose the counters are
	n     int
	brake *Brake
	limit func(b *Brake, base int) int           // how much may be taken
	base  func(ctx context.Context) (int, error) // how much there is now, counted as was before the change; nil: no share
	words func(limit int) string                 // what is held
}

// brakes says whether a brake may hold a request up. In a shadow nobody loses anything, and going live is an administrator's decision.
func (p *plan) brakes() bool { return !p.r.inShadow() && p.r.live == nil }

// guardsSafety says whether brakes and protection may hold a request up.
func (p *plan) guardsSafety() bool { return p.r.By == SourceSCIM && p.s.opts.Safety != nil }

// safety is the tenant's, read once for a decision.
func (p *plan) safety(ctx context.Context) (*safety, error) {
	if p.kept == nil {
		kept, _, err := p.s.readSafety(ctx, p.r.Tenant)
		if err != nil {
			return nil, err
		}
		p.kept = &kept
	}
	return p.kept, nil
}

// access says whether somebody whose account is in a state gets in.
func (s State) access() bool { return s == Provisioned || s == Active }

// losesAccess holds up that somebody loses access by SCIM, if the person is protected or the brake is reached.
func (p *plan) losesAccess(ctx context.Context, was, is State) error {
	if !was.access() || is.access() || !p.guardsSafety() {
		return nil
	}
	kept, err := p.safety(ctx)
	if err != nil {
		return err
	}
	if err := kept.refuseProtected(p.d.Before.ID); err != nil {
		return err
	}
	if !p.brakes() {
		return nil
	}
	return p.brake(ctx, kept, &loss{of: "people", scope: p.r.Connection.ID, n: 1, brake: kept.of(p.r.Connection.ID).People,
		limit: func(b *Brake, base int) int {
			limit := math.MaxInt32
			if b.Share != nil {
				limit = max(leastPeople, share(*b.Share, base))
			}
			if b.Max != nil {
				limit = min(limit, *b.Max)
			}
			return limit
		},
		base: p.withAccess,
		words: func(limit int) string {
			return fmt.Sprintf("%d people have lost access by this connection", limit)
		}})
}

// losesMembers holds up that members leave a group by SCIM. It doesn't count the groups that a deleted person leaves: a deletion
// counts as one person already.
func (p *plan) losesMembers(ctx context.Context, group string, ids []string) error {
	if len(ids) == 0 || !p.guardsSafety() {
		return nil
	}
	kept, err := p.safety(ctx)
	if err != nil {
		return err
	}
	if err := p.refuseProtectedMembers(ctx, kept, group, ids); err != nil {
		return err
	}
	b := kept.of(p.r.Connection.ID).Members
	if b == nil || !p.brakes() {
		return nil
	}
	if b.Max != nil {
		err := p.brake(ctx, kept, &loss{of: "members", scope: p.r.Connection.ID, n: len(ids), brake: &Brake{Max: b.Max, Window: b.Window},
			limit: func(b *Brake, _ int) int { return *b.Max },
			words: func(limit int) string {
				return fmt.Sprintf("this connection would have ended more than %d memberships", limit)
			}})
		if err != nil {
			return err
		}
	}
	if b.Share == nil {
		return nil
	}
	return p.brake(ctx, kept, &loss{of: "members", scope: p.r.Connection.ID + "/" + group, n: len(ids), brake: &Brake{Share: b.Share, Window: b.Window},
		limit: func(b *Brake, base int) int { return share(*b.Share, base) },
		base: func(ctx context.Context) (n int, err error) {
			for _, err := range p.s.store.Members(ctx, store.MemberQuery{Tenant: p.r.Tenant, Groups: []string{group}}) {
				if err != nil {
					return 0, err
				}
				n++
			}
			return n, nil
		},
		words: func(limit int) string {
			return fmt.Sprintf("the group would have lost more than %d of its members", limit)
		}})
}

// share is a part of a whole, rounded up. Binary fractions aren't exact, so a result that is only a hair above a whole number
// counts as that number.
func share(part float64, whole int) int {
	return int(math.Ceil(part*float64(whole) - 1e-9))
}

// withAccess is how many people of the tenant have access.
func (p *plan) withAccess(ctx context.Context) (int, error) {
	if p.r.Settings.SeatCounting == SeatCountingProvisioned { // then these are those who have seats
		reader, _ := store.As[store.CounterReader](p.s.store)
		seats, err := reader.Counters(ctx, p.r.Tenant, seatCounter)
		if err != nil {
			return 0, err
		}
		return seats[0].Count, nil
	}
	n := 0
	for _, state := range [...]State{Provisioned, Active} {
		page, err := p.s.store.List(ctx, store.Query{Tenant: p.r.Tenant, Types: []string{userType}, Filter: inState(state)})
		if err != nil {
			return 0, err
		}
		n += page.Total
	}
	return n, nil
}

// brake plans the claims of a loss, or holds it up.
func (p *plan) brake(ctx context.Context, kept *safety, l *loss) error {
	if l.brake == nil {
		return nil
	}
	if l.brake.Share == nil {
		l.base = nil
	}
	at := now()
	releases := kept.releases(p.r.Connection.ID, at)
	for _, r := range releases {
		if r.Open {
			return nil
		}
	}
	window := time.Duration(l.brake.Window)
	name := l.of + "." + l.scope
	taken := store.Claim{Counter: takenCounter + name, Take: l.n, Window: window, At: at}
	if l.base == nil && !p.r.lost {
		if taken.Limit = l.limit(l.brake, 0); l.n <= taken.Limit { // the commit says whether it is reached
			p.Change.Claims = append(p.Change.Claims, taken)
			return nil
		}
	}
	reader, ok := store.As[store.CounterReader](p.s.store)
	if !ok {
		return errors.New("lifecycle: a brake needs a store that tells its counters")
	}
	names := []string{takenCounter + name, baseCounter + name, toldCounter + name}
	for _, r := range releases {
		names = append(names, releaseCounter+l.of+"."+r.ID)
	}
	counters, err := reader.Counters(ctx, p.r.Tenant, names...)
	if err != nil {
		return err
	}
	so, base := counters[0], counters[1]
	runs := func(c store.Counter) bool { return c.Count > 0 && at.Before(c.Began.Add(window)) }
	opens := l.base != nil && !runs(base)
	if !runs(so) {
		so.Count, so.Began = 0, at
	}
	if opens {
		n, err := l.base(ctx)
		if err != nil {
			return err
		}
		base.Count = n + so.Count // who has lost it in the window had it when it began
	}
	limit := l.limit(l.brake, base.Count)
	if so.Count+l.n > limit {
		for i, r := range releases {
			if slices.ContainsFunc(p.Change.Claims, func(c store.Claim) bool { return c.Counter == names[3+i] }) {
				return nil // the other bound of the brake has taken it for the same change
			}
			if claim, ok := r.claim(names[3+i], counters[3+i].Count, l.n); ok {
				p.Change.Claims = append(p.Change.Claims, claim)
				return nil
			}
		}
		return p.held(l, limit, so.Began.Add(window).Sub(at), counters[2], store.Claim{Counter: toldCounter + name, Take: 1, Limit: 1, Window: window, At: so.Began})
	}
	taken.Limit = limit
	p.Change.Claims = append(p.Change.Claims, taken)
	if opens && base.Count > 0 {
		p.Change.Claims = append(p.Change.Claims, store.Claim{Counter: baseCounter + name, Take: base.Count, Limit: base.Count, Window: window, At: so.Began})
	}
	return nil
}

// claim is what a change takes from a release, if enough of it is left. used is what was taken already.
func (r release) claim(counter string, used, n int) (store.Claim, bool) {
	c := store.Claim{Counter: counter, Take: n, Limit: r.Count}
	if r.Count == 0 {
		c.Take, c.Limit = 1, 1
	}
	return c, used+c.Take <= c.Limit
}

// held is the refusal of what is beyond a brake. The product is told of the first one of a window.
func (p *plan) held(l *loss, limit int, wait time.Duration, told store.Counter, claim store.Claim) error {
	window, _ := l.brake.Window.MarshalText()
	refusal := &Refusal{Reason: HeldBack, RetryAfter: max(wait, time.Second), Detail: fmt.Sprintf(
		"a brake holds this change back: %s within %s, and that is its limit. If this is meant, an administrator of the product can release the brake; otherwise check which users the application is assigned to. It is tried again later by itself",
		l.words(limit), window)}
	if told.Count == 0 || !claim.At.Before(told.Began.Add(claim.Window)) {
		refusal.event, refusal.once = KindBrakeHeld, []store.Claim{claim}
	}
	return refusal
}
