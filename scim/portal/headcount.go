package portal

import (
	"context"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// Span is a number of people. It is exact, if Least and Most are the same.
type Span struct {
	Least int `json:"least"`
	Most  int `json:"most"`
}

// Count shows a number of people: as a number, so that the text beside it has the right form, or as its bounds.
func (v *visit) Count(s Span) any {
	if s.Least == s.Most {
		return s.Least
	}
	return v.Num(s.Least) + "–" + v.Num(s.Most)
}

// MostCounted is how many people are looked at.
func (v *visit) MostCounted() int { return mostCounted }

// headcount is how many people of an organization there are of each kind that a setting may be about. A store counts states from an
// index, so what follows from states is exact, however many people there are. No index has who manages whom. For that so many people are
// looked at; how many of the others there can be at most follows from the states.
type headcount struct {
	access   Span // who may sign in
	inactive Span // who may not
	pending  Span // of inactive: who wait for an approval
	managed  Span // of access: whom an identity provider manages
	shutOut  Span // of inactive: whom it manages, and no administrator has shut out
	byHand   Span // of all: who were added by hand or by a sign-in
	mine     Span // of all: whom the connection manages that was asked for
	all      bool // everybody was looked at
}

const mostCounted = 2_000 // how many people are looked at

// countPeople counts the people of a tenant; connection is the one of mine.
func (p *Portal) countPeople(ctx context.Context, tenant, connection string) (c headcount, err error) {
	states, err := p.life.CountStates(ctx, tenant)
	if err != nil {
		return c, err
	}
	total := 0
	for _, n := range states {
		total += n
	}
	exactly := func(n int) Span { return Span{n, n} }
	access := states[lifecycle.Provisioned] + states[lifecycle.Active]
	c.access, c.inactive, c.pending = exactly(access), exactly(total-access), exactly(states[lifecycle.Pending])

	// Of a kind there are at least those who were seen, and at most all but those who were seen to be of another kind.
	c.managed.Most, c.shutOut.Most, c.byHand.Most, c.mine.Most = access, total-access, total, total
	see := func(s *Span, is bool) {
		if is {
			s.Least++
		} else {
			s.Most--
		}
	}
	c.all, err = p.walkPeople(ctx, tenant, func(r *store.Resource) {
		a, err := lifecycle.AccountOf(r)
		if err != nil {
			return // nobody knows what it is; the page of the person says so
		}
		if a.State == lifecycle.Provisioned || a.State == lifecycle.Active {
			see(&c.managed, a.Source == lifecycle.SourceSCIM)
		} else {
			see(&c.shutOut, a.Source == lifecycle.SourceSCIM && !a.Held)
		}
		see(&c.byHand, a.Source == lifecycle.SourceManual || a.Source == lifecycle.SourceSSO)
		see(&c.mine, a.Manager == connection)
	})
	for _, s := range []*Span{&c.managed, &c.shutOut, &c.byHand, &c.mine} {
		if s.Most = max(s.Most, s.Least); c.all { // people come and go while they are counted
			s.Most = s.Least
		}
	}
	return c, err
}

// walkPeople hands out mostCounted people. It says whether these are all.
func (p *Portal) walkPeople(ctx context.Context, tenant string, do func(*store.Resource)) (all bool, err error) {
	q := store.Query{Tenant: tenant, Types: []string{userType, retainedType}, Count: 500, NoTotal: true}
	for seen := 0; seen < mostCounted; {
		page, err := p.store.List(ctx, q)
		if err != nil {
			return false, err
		}
		for _, r := range page.Resources {
			do(r)
		}
		seen += len(page.Resources)
		if q.Cursor = page.Next; q.Cursor == "" {
			return true, nil
		}
	}
	return false, nil
}
