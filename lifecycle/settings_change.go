package lifecycle

import (
	"context"

	"github.com/rollcall-dev/rollcall/store"
)

// Apply makes the people of a tenant follow its settings, once those have been changed. People whom the identity provider manages
// are suspended, or let in again, as SCIM and SCIMOff say, except those whom an administrator or the identity provider itself has
// shut out; and seats are counted by SeatCounting. Somebody for whom no seat is left stays suspended, and the hook SeatRefused is
// told. Apply may be called again if it was interrupted, and while others write.
func (s *Service) Apply(ctx context.Context, by Request) error {
	r := by.click(SourceManual, "apply settings")
	const count = 200
	q := store.Query{Tenant: r.Tenant, Types: []string{userType}, Count: count, NoTotal: true}
	for {
		page, err := s.store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, u := range page.Resources {
			if err := s.apply(ctx, r, u.Key); err != nil {
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// apply makes one user follow the settings. Somebody who finds no seat or is gone is no error.
func (s *Service) apply(ctx context.Context, r *Request, k store.Key) error {
	_, err := s.Do(ctx, r, func(ctx context.Context) (Draft, error) {
		cur, err := s.store.Get(ctx, k)
		if err != nil {
			return Draft{Key: k}, missing(k, err)
		}
		account, err := AccountOf(cur)
		if err != nil {
			return Draft{Key: k}, err
		}
		return Draft{Key: k, Before: cur, Cause: follows(&r.Settings, account, isActive(cur))}, nil
	})
	if isRefusal(err) {
		return nil
	}
	return err
}

// follows is the cause by which an account follows the settings.
func follows(settings *Settings, a Account, active bool) Cause {
	if a.Source == SourceSCIM {
		off := !settings.SCIM && settings.SCIMOff == "suspend"
		switch {
		case off && a.State != Suspended && a.State != Deactivated:
			return DisableSuspend
		case !off && a.State == Suspended && !a.Held && active:
			return settings.enable(a)
		}
	}
	return recount
}
