package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// WhatIf is what is tried on the people who are there.
type WhatIf struct {
	// Settings are those that the tenant would have; nil: those that it has.
	Settings *Settings
	// Guards would be asked beside Options.Guards; those of a mapping are in the declaration of its type (package typed).
	Guards []Guard
}

// WhatIfReport is what would become of the people who are there.
type WhatIfReport struct {
	People int // that there are

	// Effects are, of each setting that would be another one, how many people it is about. They are in the order of Settings.
	Effects []Effect

	LoseAccess int // whom the settings would suspend at once, as Apply does
	GetAccess  int // whom they would let in again
	NoSeat     int // of GetAccess: who would find no seat
	SeatsUsed  int // afterwards

	Refused int         // whose record the guards refuse as it is, so that its next change would be
	Changed int         // whose record they would amend at its next change
	Rows    []WhatIfRow // of those who lose access, get it, are refused or changed; the first 100 of each
}

// Effect is what one setting would do.
type Effect struct {
	Setting string `json:"setting"` // its name in JSON
	Count   int    `json:"count"`   // of people
	Text    string `json:"text"`    // for an administrator, with the count
}

// WhatIfRow is what would become of one person.
type WhatIfRow struct {
	ID, UserName string
	Effect       string // "loses access", "gets access", "finds no seat", "refused" or "changed"
	Changes      []AttributeChange
	Explanation  string // of a refusal
}

// WhatIf tries settings or guards, such as a mapping's, on the people of a tenant. Nothing changes and nobody is told. It reads everybody, so it
// takes its time.
func (s *Service) WhatIf(ctx context.Context, tenant string, w WhatIf) (WhatIfReport, error) {
	is, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return WhatIfReport{}, err
	}
	t := &trial{s: s, guards: w.Guards, is: is, next: is, external: map[string]int{}, listed: map[string]int{}}
	if w.Settings != nil {
		if t.next, err = w.Settings.checked(); err != nil {
			return WhatIfReport{}, &Refusal{Reason: Invalid, Detail: err.Error(), Err: err}
		}
	}
	t.r = &Request{Tenant: tenant, By: SourceSCIM, Action: "what if", DryRun: true, Settings: t.next, settled: true}
	q := store.Query{Tenant: tenant, Types: []string{userType}, Count: livePage, NoTotal: true}
	for {
		page, err := s.base.List(ctx, q)
		if err != nil {
			return t.out, err
		}
		for _, u := range page.Resources {
			if err := t.try(ctx, u); err != nil {
				return t.out, err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			t.effects()
			return t.out, nil
		}
	}
}

// trial is a WhatIf under way.
type trial struct {
	s        *Service
	r        *Request
	guards   []Guard
	is, next Settings
	out      WhatIfReport

	external                                    map[string]int // how many have an externalId
	managed, unmanaged, active, inactive, waits int
	listed                                      map[string]int // by effect
}

func (t *trial) row(u *store.Resource, row WhatIfRow) {
	if t.listed[row.Effect]++; t.listed[row.Effect] <= mostListed {
		row.ID, row.UserName = u.ID, userName(u)
		t.out.Rows = append(t.out.Rows, row)
	}
}

func (t *trial) try(ctx context.Context, u *store.Resource) error {
	account, err := AccountOf(u)
	if err != nil {
		return err
	}
	t.out.People++
	if id := u.Attributes.Get("externalId").Text(); id != "" {
		t.external[id]++
	}
	switch account.State {
	case Active:
		t.active++
	case Pending:
		t.waits++
	}
	switch {
	case account.Source == SourceSCIM:
		t.managed++
	default:
		t.unmanaged++
	}
	if shutOut(u, account) {
		t.inactive++
	}
	cause := follows(&t.next, account, isActive(u))
	moved := account
	if cause != recount {
		if moved, _, err = account.move(cause); err != nil {
			return err
		}
	}
	takes := t.next.takesSeat(moved)
	switch was, is := account.State.access(), moved.State.access(); {
	case was && !is:
		t.out.LoseAccess++
		t.row(u, WhatIfRow{Effect: "loses access"})
	case !was && is:
		t.out.GetAccess++
		if limit := t.next.limit(); takes && limit >= 0 && t.out.SeatsUsed >= limit {
			t.out.NoSeat++
			t.row(u, WhatIfRow{Effect: "finds no seat"})
			takes = false
			break
		}
		t.row(u, WhatIfRow{Effect: "gets access"})
	}
	if takes {
		t.out.SeatsUsed++
	}
	return t.guard(ctx, u)
}

// guard asks the guards about a record as it is.
func (t *trial) guard(ctx context.Context, u *store.Resource) error {
	if len(t.guards) == 0 {
		return nil
	}
	v, err := u.Attributes.Tree()
	if err != nil {
		return store.ErrCorrupt
	}
	p := Proposal{Key: u.Key, Resource: u, Before: v, After: v.Clone(), Store: t.s.base}
	t.r.Notes = t.r.Notes[:0]
	for _, g := range t.guards {
		if err := g(ctx, t.r, &p); err != nil {
			if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
				t.out.Refused++
				t.row(u, WhatIfRow{Effect: "refused", Explanation: explained(err)})
				return nil
			}
			return err
		}
	}
	if !document.Equal(v, p.After) {
		next := *u
		next.Attributes = p.After.Document()
		t.out.Changed++
		t.row(u, WhatIfRow{Effect: "changed", Changes: t.s.attributeChanges(u, &next)})
	}
	return nil
}

// effects says of each setting that would be another one how many people it is about.
func (t *trial) effects() {
	is, next := &t.is, &t.next
	doubles := 0
	for _, n := range t.external {
		if n > 1 {
			doubles += n
		}
	}
	over := 0
	if limit := next.limit(); limit >= 0 {
		over = max(0, t.out.SeatsUsed-limit)
	}
	word := func(on bool, yes, no string) string {
		if on {
			return yes
		}
		return no
	}
	limitOf := func(s *Settings) int { return s.limit() }
	for _, x := range []struct {
		setting string
		differs bool
		count   int
		text    string // with one %d
	}{
		{"scim", is.SCIM != next.SCIM, pick(next.SCIM, t.out.GetAccess, t.out.LoseAccess), word(next.SCIM, "%d people who were suspended because SCIM is off would be let in again", "%d people whom the identity provider manages would lose access; its requests are refused")},
		{"sso", is.SSO != next.SSO, t.active, word(next.SSO, "%d people have signed in before, and can again", "%d people have signed in before, and can't any more; their sessions go on")},
		{"jit", is.JIT != next.JIT, 0, word(next.JIT, "%d people change: who signs in and is unknown is created from now on", "%d people change: who signs in and is unknown is denied from now on")},
		{"manual", is.Manual != next.Manual, t.unmanaged, word(next.Manual, "%d people were not made by the identity provider, and can be edited by hand", "%d people were not made by the identity provider, and can't be edited by hand any more")},
		{"scimOff", is.SCIMOff != next.SCIMOff, t.out.LoseAccess + t.out.GetAccess, "%d people would lose or get access, as SCIM is off; it is about those whom the identity provider manages"},
		{"review", is.Review != next.Review, t.waits, "%d people wait for review now, and still do; it is about who is new"},
		{"deprovision", is.Deprovision != next.Deprovision, t.managed, "it is about %d people, once the identity provider sends active=false"},
		{"delete", is.Delete != next.Delete, t.managed, "it is about %d people, once the identity provider deletes them"},
		{"existingAccount", is.ExistingAccount != next.ExistingAccount, 0, "%d people change: it is about accounts outside the organization"},
		{"existingUser", is.ExistingUser != next.ExistingUser, t.unmanaged, word(next.ExistingUser == ExistingUserLink, "%d people were not made by the identity provider, and are taken over if it creates them", "%d people were not made by the identity provider; it is refused if it creates them")},
		{"handOver", is.HandOver != next.HandOver, t.managed, word(next.HandOver, "%d people are managed by an identity provider, and another one may take them over", "%d people are managed by an identity provider, and no other may take them over")},
		{"inactiveUser", is.InactiveUser != next.InactiveUser, t.inactive, word(next.InactiveUser == InactiveUserRestore, "%d people are inactive, and are let in again if they are created again", "%d people are inactive; creating them again is refused")},
		{"sameExternalId", is.SameExternalID != next.SameExternalID, doubles, "%d people share their externalId with somebody, and keep it"},
		{"editManaged", is.EditManaged != next.EditManaged, t.managed, word(next.EditManaged, "%d people whom the identity provider manages can be edited by hand", "%d people whom the identity provider manages can't be edited by hand any more")},
		{"suspendManaged", is.SuspendManaged != next.SuspendManaged, t.managed, word(next.SuspendManaged, "%d people whom the identity provider manages can be suspended by hand", "%d people whom the identity provider manages can't be suspended by hand any more")},
		{"seatLimit", limitOf(is) != limitOf(next), over, fmt.Sprintf("%%d people would be beyond the limit, and stay; %d seats would be in use", t.out.SeatsUsed)},
		{"seatCounting", is.SeatCounting != next.SeatCounting, t.out.SeatsUsed, "%d seats would be in use"},
		{"defaultRole", is.DefaultRole != next.DefaultRole, 0, "%d people change: it is about who is new"},
		{"planAllows", is.PlanAllows != next.PlanAllows, t.managed, word(next.PlanAllows, "%d people are managed by the identity provider, whose requests are taken", "%d people are managed by the identity provider, whose requests are refused")},
	} {
		if x.differs {
			t.out.Effects = append(t.out.Effects, Effect{x.setting, x.count, fmt.Sprintf(x.text, x.count)})
		}
	}
}

func pick(first bool, a, b int) int {
	if first {
		return a
	}
	return b
}
