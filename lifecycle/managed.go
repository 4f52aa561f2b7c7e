package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall-dev/rollcall/store"
)

// ConnectionDirectory knows the connections of tenants. It must be safe for concurrent use.
type ConnectionDirectory interface {
	// Manages says whether a connection still manages the people whom it created or took over, and what it is called. One
	// that is switched off, or isn't there, manages nobody.
	Manages(ctx context.Context, tenant, id string) (name string, manages bool, err error)
}

// yields says whether the identity provider who asks may manage a user: because it does so already, because nobody does, or
// because the tenant's setting hands people over. Otherwise it returns a refusal that names the connection that manages the user.
func (p *plan) yields(ctx context.Context, cur *store.Resource) error {
	mine := p.r.Connection.ID
	if p.r.By != SourceSCIM || mine == "" || cur == nil || cur.Type != userType {
		return nil
	}
	manager := cur.Internal.Get("manager").Text()
	if manager == "" || manager == mine || p.r.Settings.HandOver {
		return nil
	}
	name, manages, err := p.manager(ctx, manager)
	if err != nil || !manages {
		return err
	}
	return &Refusal{Reason: Forbidden, Detail: fmt.Sprintf("this person is managed by the connection %s; an administrator can switch that one off, or set handOver", quoted(name)),
		Explanation: fmt.Sprintf("the connection %s (%s) manages this person; switch it off, or set handOver to true, and another connection takes over", quoted(name), manager)}
}

func (p *plan) manager(ctx context.Context, id string) (name string, manages bool, err error) {
	if p.s.opts.Connections == nil {
		return id, true, nil
	}
	return p.s.opts.Connections.Manages(ctx, p.r.Tenant, id)
}

// unmanaged says whether a user came by SCIM and no connection manages it any more.
func (p *plan) unmanaged(ctx context.Context, cur *store.Resource) (bool, error) {
	account, err := AccountOf(cur)
	if err != nil || account.Source != SourceSCIM || cur.Type != userType {
		return false, err
	}
	if account.Manager == "" {
		return true, nil
	}
	_, manages, err := p.manager(ctx, account.Manager)
	return !manages, err
}

// orphan finds the user whom a creation means among those whom nobody manages: by externalId, or by the userName of which the
// store said that it is taken. nil: none.
func (p *plan) orphan(ctx context.Context, r *store.Resource) (*store.Resource, error) {
	if r.Type != userType || p.r.Connection.ID == "" || !p.r.Connection.TakesOver {
		return nil, nil
	}
	var found []*store.Resource
	for _, k := range r.Index {
		if k.Attribute == "externalId" && k.Value != "" {
			same, err := p.s.withKey(ctx, r.Tenant, r.Type, k)
			if err != nil {
				return nil, err
			}
			found = append(found, same...)
		}
	}
	if p.taken != nil && p.taken.Attribute == "userName" {
		cur, err := p.s.user(ctx, p.r.Tenant, "userName", p.d.After.Get("userName").Text())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if cur != nil {
			found = append(found, cur)
		}
	}
	for _, cur := range found {
		alone, err := p.unmanaged(ctx, cur)
		if err != nil {
			return nil, err
		}
		if alone {
			return cur, nil
		}
	}
	return nil, nil
}

// takes says whether an account becomes that of the identity provider who asks.
func (p *plan) takes(a *Account) bool {
	if p.r.By != SourceSCIM || a.Source == SourceSCIM && (p.r.Connection.ID == "" || a.Manager == p.r.Connection.ID) {
		return false
	}
	a.Source = SourceSCIM
	if p.r.Connection.ID != "" {
		a.Manager = p.r.Connection.ID
	}
	return true
}
