package lifecycle

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// AccountDirectory is the product's list of accounts outside of any organization: people who signed up by themselves. It must be
// safe for concurrent use.
type AccountDirectory interface {
	// Find returns, for each of the names, the id of the account that it belongs to, or "". The names are userNames and mail
	// addresses, folded by document.Fold. The identity provider claims them, and nobody has verified that they are the person's.
	// So a product should find only accounts that the tenant may know of, for example those whose address is in a domain
	// that the tenant has proven to own: otherwise an answer tells the tenant that a stranger has an account.
	Find(ctx context.Context, tenant string, names []string) (ids []string, err error)
	// Claim records that an account belongs to a tenant from now on, or returns false if it belongs to another one. It is
	// called right before the commit that links the account, perhaps more than once.
	Claim(ctx context.Context, tenant, id string) (bool, error)
}

// outsideType is a record of an account outside the organization: an administrator has acquired it, or it became a user.
const outsideType = "rollcall.Outside"

func (p *plan) outsideKey(account string) store.Key {
	return p.r.key(outsideType, tombstoneID("account", account))
}

// names are what identifies a user to people: the folded userName, and the folded primary mail address if there is one.
func names(r *store.Resource) []string {
	list := []string{document.Fold(userName(r))}
	mail := ""
	for _, e := range r.Attributes.Get("emails").Items() {
		value := e.Value.Get("value").Text()
		if e.Value.Get("primary").True() && value != "" {
			mail = value
			break
		}
		if mail == "" {
			mail = value
		}
	}
	if mail = document.Fold(mail); mail != "" && mail != list[0] {
		list = append(list, mail)
	}
	return list
}

// names are the names of a new user, with the address by which it signs in.
func (p *plan) names(r *store.Resource) []string {
	list := names(r)
	if mail := document.Fold(p.d.mail); mail != "" && !slices.Contains(list, mail) {
		list = append(list, mail)
	}
	return list
}

// outside finds the account outside the organization that names belong to, or "". Names of different accounts are refused:
// nobody could tell which was meant.
func (p *plan) outside(ctx context.Context, names []string) (string, error) {
	if len(names) == 0 {
		return "", nil
	}
	ids, err := p.s.opts.Accounts.Find(ctx, p.r.Tenant, names)
	if err != nil {
		return "", err
	}
	found := ""
	for _, id := range ids {
		if id != "" && found != "" && id != found {
			return "", &Refusal{Reason: Taken, Attribute: "userName", Detail: "the userName and the mail address belong to two different accounts outside of the organization; send those of one person"}
		}
		if id != "" {
			found = id
		}
	}
	return found, nil
}

// claimOutside links a new user to the account outside the organization that has its name, if an administrator has acquired just
// that account or the policy links; else the user is refused. What it says is the same whoever's account it is.
func (p *plan) claimOutside(ctx context.Context, r *store.Resource, account *Account) error {
	if p.s.opts.Accounts == nil {
		return nil
	}
	id, err := p.outside(ctx, p.names(r))
	if err != nil {
		return err
	}
	if id == "" {
		return p.relink(ctx, r, account)
	}
	if p.elsewhere {
		return p.accountExists() // whoever has the account, the answer is the same
	}
	key := p.outsideKey(id)
	record, err := p.s.store.Get(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound) && (p.r.Settings.ExistingAccount == "link" || id == account.Linked):
		record = nil
	case errors.Is(err, store.ErrNotFound):
		return p.accountExists()
	case err != nil:
		return err
	case record.Attributes.Get("user").Text() != "":
		return &Refusal{Reason: Taken, Attribute: "userName", Detail: "the account with this name or mail address is another user of this organization"}
	}
	next := &store.Resource{Key: key, Created: now(), LastModified: now(), Attributes: object("user", r.ID)}
	p.put(record, next)
	account.Linked, p.link = id, id
	return nil
}

// relink links a user who comes back to the account outside the organization that it was linked to before, unless that has become
// another user's meanwhile.
func (p *plan) relink(ctx context.Context, r *store.Resource, account *Account) error {
	if p.s.opts.Accounts == nil || account.Linked == "" {
		return nil
	}
	if p.elsewhere {
		account.Linked = ""
		return nil
	}
	key := p.outsideKey(account.Linked)
	record, err := p.s.store.Get(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		record = nil
	case err != nil:
		return err
	case record.Attributes.Get("user").Text() != "":
		account.Linked = ""
		return nil
	}
	p.put(record, &store.Resource{Key: key, Created: now(), LastModified: now(), Attributes: object("user", r.ID)})
	p.link = account.Linked
	return nil
}

// refuseOutside refuses that somebody gets the name of an account outside the organization by a change: an account is linked when
// a user is created, and never to one who is somebody already.
func (p *plan) refuseOutside(ctx context.Context, account Account, cur, next *store.Resource) error {
	if p.s.opts.Accounts == nil {
		return nil
	}
	was := names(cur)
	fresh := slices.DeleteFunc(names(next), func(name string) bool { return slices.Contains(was, name) })
	id, err := p.outside(ctx, fresh)
	if err != nil || id == "" || id == account.Linked {
		return err
	}
	return outsideTaken("somebody who is there can't get it by a change; delete the user and create it under that name, or keep another name")
}

func (p *plan) accountExists() error {
	return outsideTaken("an administrator of " + p.r.Tenant + " must acquire it first, then try again")
}

func outsideTaken(what string) error {
	return &Refusal{Reason: Taken, Attribute: "userName", event: KindAccountConflict,
		Detail: "an account with this name or mail address exists outside of the organization; " + what}
}

// releaseOutside plans that an account is nobody's any more in the organization, because its user is removed.
func (p *plan) releaseOutside(ctx context.Context, account, user string) error {
	record, err := p.s.store.Get(ctx, p.outsideKey(account))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil && record.Attributes.Get("user").Text() == user {
		p.drop(record)
	}
	return err
}

// Acquire takes an account that exists outside into the organization: the identity provider's next try, or the next JIT
// sign-in, succeeds and links it, and no other account. It returns a *Denied if there is no account with that name.
func (s *Service) Acquire(ctx context.Context, by Request, name string) error {
	if s.opts.Accounts == nil {
		return &Denied{DeniedUnknown}
	}
	r := by.click(SourceManual, "acquire")
	p := &plan{s: s, r: r}
	id, err := p.outside(ctx, []string{document.Fold(name)})
	if err != nil {
		return err
	}
	if id == "" {
		return &Denied{DeniedUnknown}
	}
	d := &Decision{Outcome: Updated, Change: store.Change{Tenant: r.Tenant}}
	record := &store.Resource{Key: p.outsideKey(id), Version: newID(), Created: now(), LastModified: now()}
	d.Change.Put = []store.Put{{Resource: record}}
	s.record(r, d, record.Key)
	_, err = s.commit(ctx, r, d) // that the record exists means that the account was acquired before
	return err
}
