package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
)

// Apply makes the people of a tenant follow its settings, once those have been changed. Whom the identity provider manages is
// suspended, or let in again, as SCIM and SCIMOff say, except whom an administrator or the identity provider itself has shut
// out; and seats are counted by SeatCounting. Who finds no seat stays suspended, and the hook SeatRefused is told. It may be
// called again if it was interrupted, and while others write.
func (s *Service) Apply(ctx context.Context, tenant string) error {
	settings, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return err
	}
	const count = 200
	q := store.Query{Tenant: tenant, Types: []string{userType}, Count: count, NoTotal: true}
	for {
		page, err := s.store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, u := range page.Resources {
			err := race(ctx, manyTimes, func() error { return s.apply(ctx, settings, u.Key) })
			var refusal *Refusal
			if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.As(err, &refusal) {
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

func (s *Service) apply(ctx context.Context, settings Settings, k store.Key) error {
	cur, err := s.store.Get(ctx, k)
	if err != nil {
		return err
	}
	account := AccountOf(cur)
	if account.Source == SourceSCIM {
		switch off := !settings.SCIM && settings.SCIMOff == "suspend"; {
		case off && account.State != Suspended && account.State != Deactivated:
			_, err = s.shift(ctx, settings, cur, account, DisableSuspend)
			return err
		case !off && account.State == Suspended && !account.Held && isActive(cur):
			_, err = s.shift(ctx, settings, cur, account, settings.enable(account))
			return err
		}
	}
	takes := settings.takesSeat(account)
	if takes == account.Seat {
		return nil
	}
	p := s.plan(Actor{Tenant: cur.Tenant, By: SourceManual, Action: "count seats"}, settings)
	p.change.Claims = []store.Claim{{Counter: seatCounter, Take: 1, Limit: -1}} // it is in already, whatever the limit is now
	if !takes {
		p.change.Claims[0].Take = -1
	}
	account.Seat = takes
	next := *cur
	next.Internal = account.document()
	p.put(cur, &next)
	return p.commit(ctx, cur.Key, "counted")
}
