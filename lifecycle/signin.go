package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Identity is who signs in, as the single sign-on has verified it.
type Identity struct {
	UserName string // compared in folded form
	Mail     string // a verified address; who has no user of that name is the one user with this address, if there is one
	// Attributes are what a new user gets beside userName.
	Attributes document.Document
}

// Login is a sign-in that was let in.
type Login struct {
	ID         string
	State      State
	FirstLogin bool // nobody has signed in with this account before
	Billed     bool // a billing period of access began with this login
}

// Login lets somebody sign in, or says why not by a *Denied. The first login of a period of access activates the account
// and bills it, once, however many race (I7). One that changes nothing costs one read.
func (s *Service) Login(ctx context.Context, tenant string, who Identity) (login Login, err error) {
	settings, err := s.opts.Settings.Settings(ctx, tenant)
	if err != nil {
		return Login{}, err
	}
	if !settings.SSO {
		return Login{}, &Denied{DeniedSSODisabled}
	}
	err = race(ctx, manyTimes, func() error {
		login, err = s.login(ctx, tenant, settings, who)
		return err
	})
	return login, err
}

func (s *Service) login(ctx context.Context, tenant string, settings Settings, who Identity) (Login, error) {
	cur, err := s.user(ctx, tenant, "userName", who.UserName)
	if errors.Is(err, store.ErrNotFound) && who.Mail != "" {
		cur, err = s.user(ctx, tenant, "emails.value", who.Mail)
	}
	if errors.Is(err, store.ErrNotFound) {
		if _, err := s.only(ctx, tenant, keptType, "userName", who.UserName); err == nil {
			return Login{}, &Denied{DeniedDeactivated}
		} else if !errors.Is(err, store.ErrNotFound) {
			return Login{}, err
		}
		if !settings.JIT {
			return Login{}, &Denied{DeniedUnknown}
		}
		cur, err = s.makeUser(ctx, Actor{Tenant: tenant, By: SourceSSO, Action: "login"}, settings, SourceSSO, who)
	}
	if err != nil {
		return Login{}, err
	}
	account := AccountOf(cur)
	switch account.State {
	case Active:
		return Login{ID: cur.ID, State: Active}, nil
	case Pending:
		return Login{}, &Denied{DeniedPending}
	case Suspended:
		return Login{}, &Denied{DeniedSuspended}
	case Deactivated:
		return Login{}, &Denied{DeniedDeactivated}
	}
	first := account.FirstLogin.IsZero()
	if first {
		account.FirstLogin = now()
	}
	p := s.plan(Actor{Tenant: tenant, By: SourceSSO, Action: "login"}, settings)
	next := *cur
	moved, _, err := p.move(account, SignIn, cur, &next)
	if err != nil {
		return Login{}, err
	}
	p.put(cur, &next)
	if err := p.commit(ctx, cur.Key, "signed in"); err != nil {
		return Login{}, denied(err)
	}
	return Login{ID: cur.ID, State: moved.State, FirstLogin: first, Billed: true}, nil
}

// makeUser creates a user who doesn't come by SCIM.
func (s *Service) makeUser(ctx context.Context, a Actor, settings Settings, source Source, who Identity) (*store.Resource, error) {
	v := who.Attributes.Value()
	v.Set("userName", document.String(who.UserName))
	if s.opts.Check != nil {
		var err error
		if v, err = s.opts.Check(userType, v); err != nil {
			return nil, err
		}
	}
	r := &store.Resource{Key: store.Key{Tenant: a.Tenant, Type: userType}, Attributes: v.Document()}
	r.Index, r.Label = s.opts.Index(userType, v)
	err := s.create(ctx, a, settings, source, r, nil)
	var taken *store.ConflictError
	if errors.As(err, &taken) && source == SourceSSO {
		return nil, store.ErrVersionMismatch // made by somebody else meanwhile: look again
	}
	return r, denied(err)
}

// denied says in the words of a sign-in what refused a change.
func denied(err error) error {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	switch refusal.Reason {
	case Taken:
		return &Denied{DeniedElsewhere}
	case NoSeat:
		return &Denied{DeniedNoSeat}
	}
	return err
}
