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
	tombstoneType = "rollcall.Tombstone" // the account of a deleted user, by what it is found by
	keptType      = "rollcall.Kept"      // a deleted user, where the policy keeps them
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

// userNamed are the attributes of somebody of whom only the name is known.
func userNamed(userName string) document.Document {
	return document.Object(document.Member{Name: "userName", Value: document.String(userName)}).Document()
}
