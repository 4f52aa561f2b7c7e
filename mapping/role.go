package mapping

import (
	"context"
	"errors"

	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Roles says which role of the product a person has, by the groups that the identity provider has put the person into.
type Roles struct {
	Rules   []RoleRule `json:"rules"`   // the first rule counts whose group the person is in
	Default string     `json:"default"` // the role of people in none of these groups
}

// RoleRule gives the members of a group a role.
type RoleRule struct {
	Group string `json:"group"` // the group's displayName, without regard to case
	Role  string `json:"role"`
}

// Check returns an error if a rule names no group, or a role that isn't one of known, the roles of the product. Without known roles, any
// role is valid.
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

// Of returns the role of a person who is in the groups with these displayNames.
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

// OfMember returns the role of a person with this id, by the groups that the person is in according to the store. The error is that of the
// store.
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
