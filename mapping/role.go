package mapping

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Roles says which role of the product's a person has, by the groups that the identity provider put them into.
type Roles struct {
	Rules   []RoleRule `json:"rules"`   // the first that a group of the person satisfies decides
	Default string     `json:"default"` // the role template of people in none of these groups
}

// RoleRule gives the members of a group a role.
type RoleRule struct {
	Group string `json:"group"` // the group's displayName, in any case
	Role  string `json:"role"`
}

// Check returns an error for a rule that names no group, or a role that is none of those that the product has.
func (r Roles) Check(known ...string) error {
	has := map[string]bool{"": len(known) == 0}
	for _, k := range known {
		has[k] = true
	}
	var errs []error
	for _, rule := range r.Rules {
		if rule.Group == "" || rule.Role == "" || len(known) > 0 && !has[rule.Role] {
			errs = append(errs, &InvalidError{Path: "rules", Detail: "want a group and a role of the product's",
				Value: show(document.String(rule.Group + ": " + rule.Role))})
		}
	}
	if r.Default != "" && len(known) > 0 && !has[r.Default] {
		errs = append(errs, &InvalidError{Path: "default", Detail: "want a role of the product's", Value: show(document.String(r.Default))})
	}
	return errors.Join(errs...)
}

// Of returns the role of a person who is in the groups.
func (r Roles) Of(groups ...string) string {
	in := make(map[string]bool, len(groups))
	for _, g := range groups {
		in[document.Fold(g)] = true
	}
	for _, rule := range r.Rules {
		if in[document.Fold(rule.Group)] {
			return rule.Role
		}
	}
	return r.Default
}

// OfMember returns the role of a person by the groups in which the store has that person. An error is one of the store.
func (r Roles) OfMember(ctx context.Context, s store.Store, tenant, id string) (string, error) {
	var groups []string
	for m, err := range s.Members(ctx, store.MemberQuery{Tenant: tenant, Of: []string{id}}) {
		if err != nil {
			return "", err
		}
		groups = append(groups, m.Label)
	}
	return r.Of(groups...), nil
}
