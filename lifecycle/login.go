package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Identity is whom a sign-in has proven.
type Identity struct {
	UserName string // in any case
}

// Login is a sign-in that may go on.
type Login struct {
	ID         string // of the User resource
	State      State
	FirstLogin bool // nobody signed in as this user before
	Billed     bool // with this login the user began to be billed
}

// LoginError is why a sign-in may not go on.
type LoginError struct{ Reason LoginReason }

func (e *LoginError) Error() string { return "lifecycle: no login: " + string(e.Reason) }

// LoginReason is the kind of a LoginError.
type LoginReason string

// The reasons.
const (
	LoginUnknown     LoginReason = "unknown" // the tenant has no such user
	LoginPending     LoginReason = "pending" // waits for review
	LoginSuspended   LoginReason = "suspended"
	LoginDeactivated LoginReason = "deactivated"
)

// ErrNoStep says that an account isn't in a state in which an administrator could do this with it.
var ErrNoStep = errors.New("lifecycle: the account's state doesn't allow that")

// Login lets a user in, or says by a *LoginError why not. Call it at each sign-in: the first one moves the account from
// provisioned to active and tells activated and billed, once however many race; any later one costs one read. It
// knows nothing of passwords: the caller has proven the identity.
func (s *Service) Login(ctx context.Context, tenant string, who Identity) (*Login, error) {
	login := &Login{}
	r, err := s.move(ctx, tenant, who.UserName, CauseLogin, func(from, to *account) error {
		switch from.State {
		case StatePending, StateSuspended, StateDeactivated:
			return &LoginError{LoginReason(from.State)}
		}
		login.FirstLogin = from.FirstLogin.IsZero()
		login.Billed = to.Billed && !from.Billed
		if login.FirstLogin {
			to.FirstLogin = now()
		}
		login.State = to.State
		return nil
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, &LoginError{LoginUnknown}
	case err != nil:
		return nil, err
	}
	login.ID = r.ID
	return login, nil
}

// Suspend stops a user's access; the record, the groups and the billing stay. It returns store.ErrNotFound, or
// ErrNoStep if the account isn't provisioned or active.
func (s *Service) Suspend(ctx context.Context, tenant, userName string) error {
	return s.administer(ctx, tenant, userName, CauseSuspend)
}

// Reactivate ends a suspension: the account is again what it was before. Errors are as Suspend's.
func (s *Service) Reactivate(ctx context.Context, tenant, userName string) error {
	return s.administer(ctx, tenant, userName, CauseReactivate)
}

// administer does what an administrator of the product wants, if the table has it.
func (s *Service) administer(ctx context.Context, tenant, userName string, c Cause) error {
	_, err := s.move(ctx, tenant, userName, c, func(from, to *account) error {
		if _, _, ok := from.next(c); !ok {
			return ErrNoStep
		}
		return nil
	})
	return err
}

// move finds a user and moves its account; check may refuse, or add to what becomes of it. A lost race is tried again:
// somebody else got on, so it ends. If nothing differs, the read is all it costs.
func (s *Service) move(ctx context.Context, tenant, userName string, c Cause, check func(from, to *account) error) (*store.Resource, error) {
	for {
		cur, err := s.find(ctx, tenant, userName)
		if err != nil {
			return nil, err
		}
		from := accountOf(cur)
		to, kinds, _ := from.next(c)
		if err := check(&from, &to); err != nil {
			return nil, err
		}
		if from == to {
			return cur, nil
		}
		next := *cur
		next.Version, next.Internal = newID(), to.document() // LastModified stays: no attribute is another
		p := plan{hooks: &s.opts.Hooks, change: store.Change{Tenant: tenant, Put: []store.Put{{Resource: &next, IfVersion: cur.Version}}}}
		p.tellAll(kinds, &next)
		err = s.commit(ctx, Actor{Tenant: tenant, Action: string(c)}, cur.Key, &p)
		if !errors.Is(err, store.ErrVersionMismatch) {
			return &next, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// find reads a user by its unique key, which stores keep in an index.
func (s *Service) find(ctx context.Context, tenant, userName string) (*store.Resource, error) {
	page, err := s.store.List(ctx, store.Query{Tenant: tenant, Types: []string{"User"}, Count: 1, NoTotal: true, Filter: filter.Compare{
		Attr: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}, Op: filter.Eq, Value: document.String(document.Fold(userName))}})
	if err != nil {
		return nil, err
	}
	if len(page.Resources) == 0 {
		return nil, store.ErrNotFound
	}
	return page.Resources[0], nil
}
