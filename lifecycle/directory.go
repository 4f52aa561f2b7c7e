package lifecycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// AccountDirectory is the product's list of accounts outside of any organization: people who signed up by themselves.
type AccountDirectory interface {
	// Find returns the id of the account that has one of these names (userName and mail addresses, folded by
	// document.Fold), or "".
	Find(ctx context.Context, names []string) (id string, err error)
}

// What the lifecycle remembers of people who have no record is a resource of an internal type, under a name that follows
// from the person, so that finding it is one Get.
const (
	acquiredType  = "rollcall.Acquired"  // an administrator has taken an outside account into the organization
	tombstoneType = "rollcall.Tombstone" // the account of a deleted user
)

// rememberedID is the id of such a resource.
func rememberedID(attribute, value string) string {
	sum := sha256.Sum256([]byte(attribute + "\x00" + value))
	return hex.EncodeToString(sum[:16])
}

// names are what identifies a user to people: the folded userName and mail addresses.
func names(r *store.Resource) (list []string) {
	list = append(list, document.Fold(r.Attributes.Get("userName").Text()))
	for _, e := range r.Attributes.Get("emails").Items() {
		if mail := e.Value.Get("value").Text(); mail != "" {
			list = append(list, document.Fold(mail))
		}
	}
	return list
}

// elsewhere links a new user to an account outside the organization, by the tenant's policy, or refuses it. What it says
// is the same whoever's account that is.
func (p *plan) elsewhere(ctx context.Context, r *store.Resource, account *Account) error {
	if p.s.opts.Accounts == nil {
		return nil
	}
	all := names(r)
	id, err := p.s.opts.Accounts.Find(ctx, all)
	if err != nil || id == "" || id == account.Linked {
		return err
	}
	account.Linked = id
	if p.settings.ExistingAccount == "link" {
		return nil
	}
	for _, name := range all {
		acquired, err := p.s.store.Get(ctx, store.Key{Tenant: p.actor.Tenant, Type: acquiredType, ID: rememberedID("name", name)})
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		p.change.Delete = append(p.change.Delete, store.Delete{Type: acquiredType, ID: acquired.ID})
		return nil
	}
	told := p.s.plan(p.actor, p.settings)
	told.tell(&Event{Kind: KindAccountConflict, Subject: store.Key{Tenant: p.actor.Tenant, Type: userType}, UserName: r.Attributes.Get("userName").Text()})
	if err := told.commit(ctx, store.Key{Tenant: p.actor.Tenant, Type: userType}, "account conflict"); err != nil {
		return err
	}
	return &Refusal{Reason: Taken, Attribute: "userName", Detail: fmt.Sprintf(
		"an account with this name or mail address exists outside of the organization; an administrator of %s must acquire it first, then try again", p.actor.Tenant)}
}

// bury plans to remember the account of a user who is removed: what it was in the product, and nothing personal.
func (p *plan) bury(ctx context.Context, cur *store.Resource, account Account) error {
	if account.Person == "" {
		account.Person = cur.ID
	}
	account.State, account.Billed, account.Seat = Deactivated, false, false
	for _, id := range p.remembered(cur) {
		grave := &store.Resource{Key: store.Key{Tenant: p.actor.Tenant, Type: tombstoneType, ID: id},
			Created: now(), LastModified: now(), Internal: account.document()}
		old, err := p.s.store.Get(ctx, grave.Key)
		if errors.Is(err, store.ErrNotFound) {
			old, err = nil, nil
		}
		if err != nil {
			return err
		}
		p.put(old, grave)
	}
	return nil
}

// exhume gives a new user the account of the same person from before, which is then remembered no more. Hardly anybody has
// one: at first it is left to the commit to find that out, unless who the person was decides about more.
func (p *plan) exhume(ctx context.Context, r *store.Resource, account *Account) error {
	for _, id := range p.remembered(r) {
		var grave *store.Resource
		err := store.ErrNotFound
		if p.again || p.s.opts.Accounts != nil {
			grave, err = p.s.store.Get(ctx, store.Key{Tenant: p.actor.Tenant, Type: tombstoneType, ID: id})
		}
		if errors.Is(err, store.ErrNotFound) {
			p.change.Absent = append(p.change.Absent, store.Absent{Type: tombstoneType, ID: id})
			continue
		}
		if err != nil {
			return err
		}
		p.change.Delete = append(p.change.Delete, store.Delete{Type: tombstoneType, ID: id, IfVersion: grave.Version})
		if account.Person == "" {
			was := AccountOf(grave)
			was.State, was.Source = account.State, account.Source
			*account = was
		}
	}
	return nil
}

// remembered are the ids under which a user's account is remembered: of the externalId, which the identity provider keeps
// through a rename, and where deleted accounts are kept, of the userName too.
func (p *plan) remembered(r *store.Resource) (ids []string) {
	if id := r.Attributes.Get("externalId").Text(); id != "" {
		ids = append(ids, rememberedID("externalId", id))
	}
	if p.settings.Delete == "keep" {
		ids = append(ids, rememberedID("userName", document.Fold(r.Attributes.Get("userName").Text())))
	}
	return ids
}

// userNamed are the attributes of somebody of whom only the name is known.
func userNamed(userName string) document.Document {
	return document.Object(document.Member{Name: "userName", Value: document.String(userName)}).Document()
}
