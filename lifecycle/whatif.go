package lifecycle

import (
	"context"
	"errors"

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

	LoseAccess int // whom the settings would suspend at once, as Apply does
	GetAccess  int // whom they would let in again
	NoSeat     int // of GetAccess: who would find no seat
	SeatsUsed  int // afterwards

	SameExternalID int // who has an externalId that somebody before has, too: they keep it, whatever Settings.SameExternalID says

	Refused int         // whose record the guards refuse as it is, so that its next change would be
	Changed int         // whose record they would amend at its next change
	Rows    []WhatIfRow // of those who lose access, get it, are refused or changed; the first 100 of each
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
	t := &trial{s: s, guards: w.Guards, next: is, external: map[string]bool{}, listed: map[string]int{}}
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
			return t.out, nil
		}
	}
}

// trial is a WhatIf under way.
type trial struct {
	s      *Service
	r      *Request
	guards []Guard
	next   Settings
	out    WhatIfReport

	external map[string]bool // those that somebody has
	listed   map[string]int  // by effect
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
		if t.external[id] {
			t.out.SameExternalID++
		}
		t.external[id] = true
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
