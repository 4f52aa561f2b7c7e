package lifecycle_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// admin is the request of an administrator's click.
var admin = lifecycle.Request{Tenant: "acme", Who: "root"}

// do has a draft decided and committed as if an identity provider had sent it.
func (h *house) do(once bool, d lifecycle.Draft) (*lifecycle.Decision, error) {
	r := &lifecycle.Request{Tenant: d.Key.Tenant, ID: "request-1", By: lifecycle.SourceSCIM, Connection: lifecycle.Connection{ID: "entra"},
		Action: "PUT /Users", Quirks: []string{"string-boolean"}, Once: once}
	return h.s.Do(context.Background(), r, func(context.Context) (lifecycle.Draft, error) { return d, nil })
}

// post creates a resource; r is afterwards what became of it.
func (h *house) post(r *store.Resource, members ...store.MemberRef) error {
	d := lifecycle.Draft{Key: r.Key, After: r.Attributes.Value()}
	d.Key.ID = ""
	if len(members) > 0 {
		d.Members = &lifecycle.Members{Add: members}
	}
	made, err := h.do(false, d)
	if err == nil {
		*r = *made.Resource
	}
	return err
}

// put changes cur, which must be in the version that there is; next is afterwards what became of it.
func (h *house) put(cur, next *store.Resource, m *lifecycle.Members) error {
	made, err := h.do(true, lifecycle.Draft{Key: cur.Key, Before: cur, After: next.Attributes.Value(), Members: m})
	if err == nil {
		*next = *made.Resource
	}
	return err
}

// del removes cur, which must be in the version that there is.
func (h *house) del(cur *store.Resource) error {
	_, err := h.do(true, lifecycle.Draft{Key: cur.Key, Before: cur})
	return err
}

// members changes the members of a group, and returns its new version, "" if nothing changed.
func (h *house) members(group store.Key, ifVersion string, m lifecycle.Members) (string, error) {
	made, err := h.do(ifVersion != "", lifecycle.Draft{Key: group, IfVersion: ifVersion, Members: &m})
	if err != nil || made.Outcome == lifecycle.Unchanged {
		return "", err
	}
	return made.Version, nil
}

// id is the id of the user with a name, "nobody" if there is none.
func (h *house) id(userName string) string {
	h.t.Helper()
	r, err := h.s.Find(h.t.Context(), "acme", userName)
	if err != nil {
		require.ErrorIs(h.t, err, store.ErrNotFound)
		return "nobody"
	}
	return r.ID
}

// account is where a user stands.
func account(t *testing.T, r *store.Resource) lifecycle.Account {
	t.Helper()
	a, err := lifecycle.AccountOf(r)
	require.NoError(t, err)
	return a
}
