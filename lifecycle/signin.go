package lifecycle

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Identity is who signs in, as the single sign-on has verified it.
type Identity struct {
	ID       string // id of the user, if the product knows it; then UserName and Mail are not used
	UserName string // compared in folded form
	// Mail is an address that the sign-in has verified. It is used if no user has the UserName: then the user with this address is
	// meant, if there is exactly one.
	Mail string
	// Attributes are what a new user gets beside userName.
	Attributes document.Document
}

// Login is a sign-in that was let in.
type Login struct {
	ID         string
	State      State
	FirstLogin bool // nobody has signed in with this account before
	Billed     bool // a billing period of access began with this login

	Role   string       // the role template that the account was given
	Groups []LoginGroup // that the user is a direct member of, in the order of their ids
}

// LoginGroup is a group of somebody who signs in.
type LoginGroup struct {
	ID   string `json:"id"`
	Name string `json:"name"` // its displayName
}

// Login lets somebody sign in, or says why not by a *Denied. The first login of a period of access activates the account
// and bills it, once, however many race (I7). One that changes nothing costs one read, or two where the store is no store.RelatedReader.
func (s *Service) Login(ctx context.Context, tenant string, who Identity) (Login, error) {
	return s.LoginBy(ctx, Request{Tenant: tenant}, who)
}

// LoginBy is Login with a request of the product's own: its ID is in the journal and in the events.
func (s *Service) LoginBy(ctx context.Context, by Request, who Identity) (Login, error) {
	r := by.click(SourceSSO, "login")
	if err := s.settle(ctx, r); err != nil {
		return Login{}, err
	}
	if !r.Settings.SSO {
		return Login{}, &Denied{DeniedSSODisabled}
	}
	var before Account
	var groups *[]store.Member
	d, err := s.Do(ctx, r, func(ctx context.Context) (draft Draft, err error) {
		draft, before, groups, err = s.signsIn(ctx, r, who)
		return draft, err
	})
	if err != nil {
		return Login{}, denied(err)
	}
	after, err := AccountOf(d.Resource)
	if err != nil {
		return Login{}, err
	}
	login := Login{ID: d.Resource.ID, State: after.State, FirstLogin: before.FirstLogin.IsZero() && !after.FirstLogin.IsZero(), Billed: after.Billed && !before.Billed, Role: after.Role}
	switch after.State {
	case Active:
		login.Groups, err = s.loginGroups(ctx, d.Resource, groups)
		return login, err
	case Pending:
		err = &Denied{DeniedPending}
	case Suspended:
		err = &Denied{DeniedSuspended}
	default:
		err = &Denied{DeniedDeactivated}
	}
	return Login{}, err
}

// loginGroups are the groups of somebody who signs in, of which rows may have been read already.
func (s *Service) loginGroups(ctx context.Context, user *store.Resource, rows *[]store.Member) (list []LoginGroup, err error) {
	if rows == nil {
		rows = new([]store.Member)
		for row, err := range s.store.Members(ctx, store.MemberQuery{Tenant: user.Tenant, Of: []string{user.ID}}) {
			if err != nil {
				return nil, err
			}
			*rows = append(*rows, row)
		}
	}
	for _, row := range *rows {
		if row.Type == userType {
			list = append(list, LoginGroup{row.Group, row.Label})
		}
	}
	return list, nil
}

// signsIn drafts the sign-in of somebody who is there, or, where the policy says so, the creation of somebody who isn't. It
// returns the account as it is, and the groups if they were read by the way.
func (s *Service) signsIn(ctx context.Context, r *Request, who Identity) (Draft, Account, *[]store.Member, error) {
	cur, groups, err := s.find(ctx, r.Tenant, who)
	if errors.Is(err, store.ErrNotFound) && who.ID != "" {
		return Draft{}, Account{}, nil, &Denied{DeniedUnknown}
	}
	if errors.Is(err, store.ErrNotFound) {
		_, err := s.only(ctx, r.Tenant, retainedType, "userName", who.UserName)
		switch {
		case err == nil:
			return Draft{}, Account{}, nil, &Denied{DeniedDeactivated}
		case !errors.Is(err, store.ErrNotFound):
			return Draft{}, Account{}, nil, err
		case !r.Settings.JIT || who.UserName == "":
			return Draft{}, Account{}, nil, &Denied{DeniedUnknown}
		}
		if err := s.heldByMail(ctx, r.Tenant, who.Mail); err != nil {
			return Draft{}, Account{}, nil, err
		}
		draft, err := s.newUser(r, who)
		draft.Cause, draft.mail = SignIn, who.Mail
		return draft, Account{}, &[]store.Member{}, err // who is new has none
	}
	if err != nil {
		return Draft{}, Account{}, nil, err
	}
	account, err := AccountOf(cur)
	return Draft{Key: cur.Key, Before: cur, Cause: SignIn}, account, groups, err
}

// find finds the user that an identity means, and the groups where the store reads them in the same round trip.
func (s *Service) find(ctx context.Context, tenant string, who Identity) (*store.Resource, *[]store.Member, error) {
	related, reads := s.store.(store.RelatedReader)
	if who.ID != "" {
		k := store.Key{Tenant: tenant, Type: userType, ID: who.ID}
		if !reads {
			cur, err := s.store.Get(ctx, k)
			return cur, nil, err
		}
		cur, groups, err := related.GetRelated(ctx, k)
		return cur, &groups, err
	}
	one := func(attribute, value string) (*store.Resource, *[]store.Member, error) {
		if !reads {
			cur, err := s.user(ctx, tenant, attribute, value)
			return cur, nil, err
		}
		const most = 1_000
		page, groups, complete, err := related.ListRelated(ctx, store.Query{Tenant: tenant, Types: []string{userType}, Filter: equals(attribute, value), Count: 2, NoTotal: true}, most)
		switch {
		case err != nil:
			return nil, nil, err
		case len(page.Resources) != 1:
			return nil, nil, store.ErrNotFound
		case complete < 1:
			return page.Resources[0], nil, nil
		}
		return page.Resources[0], &groups, nil
	}
	cur, groups, err := one("userName", who.UserName)
	if errors.Is(err, store.ErrNotFound) && who.Mail != "" {
		cur, groups, err = one("emails.value", who.Mail)
	}
	return cur, groups, err
}

// heldByMail denies a first sign-in by the address of somebody whom an administrator has shut out. find doesn't find that user
// if others have the same address.
func (s *Service) heldByMail(ctx context.Context, tenant, mail string) error {
	if mail == "" {
		return nil
	}
	q := store.Query{Tenant: tenant, Types: []string{userType}, Filter: equals("emails.value", mail), Count: 100, NoTotal: true}
	for {
		page, err := s.store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, u := range page.Resources {
			account, err := AccountOf(u)
			if err != nil {
				return err
			}
			if account.Held {
				return &Denied{DeniedSuspended}
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// newUser drafts a user who doesn't come by SCIM.
func (s *Service) newUser(r *Request, who Identity) (Draft, error) {
	v, err := who.Attributes.Tree()
	if err != nil {
		return Draft{}, &Refusal{Reason: Invalid, Detail: "the attributes are no JSON object", Err: err}
	}
	v.Set("userName", document.String(who.UserName))
	if s.opts.Check != nil {
		if v, err = s.opts.Check(userType, v); err != nil {
			return Draft{}, err
		}
	}
	return Draft{Key: r.key(userType, ""), After: v}, nil
}

// denied says in the words of a sign-in or of an administrator's page what refused a change.
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
	case NotFound:
		return &Denied{DeniedUnknown}
	}
	return err
}
