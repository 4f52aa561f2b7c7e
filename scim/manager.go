package scim

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// UnknownManager says what becomes of a manager.value that is the id of no user.
type UnknownManager string

// The values of UnknownManager.
const (
	TakeUnknownManager   UnknownManager = ""
	RecordUnknownManager UnknownManager = "record"
	RefuseUnknownManager UnknownManager = "refuse"
)

func (u UnknownManager) check() error {
	switch u {
	case TakeUnknownManager, RecordUnknownManager, RefuseUnknownManager:
		return nil
	}
	return fmt.Errorf("scim: Options.UnknownManager: want record, refuse or nothing, got %q", string(u))
}

const enterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// guard looks for the manager that a user gets.
func (u UnknownManager) guard() lifecycle.Guard {
	return func(ctx context.Context, r *lifecycle.Request, p *lifecycle.Proposal) error {
		id := p.After.Get(enterpriseUser).Get("manager").Get("value").Text()
		if p.Key.Type != "User" || id == "" || id == p.Before.Get(enterpriseUser).Get("manager").Get("value").Text() {
			return nil
		}
		_, err := p.Store.Get(ctx, store.Key{Tenant: r.Tenant, Type: "User", ID: id})
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		refusal := &lifecycle.Refusal{Reason: lifecycle.Invalid, Attribute: enterpriseUser + ":manager.value",
			Detail: "there is no user with this id in this organization; provision the manager first"}
		if u == RefuseUnknownManager {
			return refusal
		}
		r.AddNote(lifecycle.Note{Attribute: refusal.Attribute, Text: refusal.Detail})
		return nil
	}
}
