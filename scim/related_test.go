package scim_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"testing"

	elimity "github.com/elimity-com/scim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// related is a store that reads a user with its groups in one go, and counts how it is asked.
type related struct {
	*storetest.Fake
	together, members int
}

func (s *related) GetRelated(ctx context.Context, k store.Key) (*store.Resource, []store.Member, error) {
	s.together++
	r, err := s.Get(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	rows, err := s.groupsOf(ctx, k.Tenant, k.ID)
	return r, rows, err
}

func (s *related) ListRelated(ctx context.Context, q store.Query, most int) (*store.Page, []store.Member, int, error) {
	s.together++
	p, err := s.List(ctx, q)
	if err != nil {
		return nil, nil, 0, err
	}
	var ids []string
	for _, r := range p.Resources {
		ids = append(ids, r.ID)
	}
	rows, err := s.groupsOf(ctx, q.Tenant, ids...)
	return p, rows, len(ids), err
}

func (s *related) groupsOf(ctx context.Context, tenant string, ids ...string) (rows []store.Member, err error) {
	for row, failed := range s.Members(ctx, store.MemberQuery{Tenant: tenant, Of: ids}) {
		rows, err = append(rows, row), failed
	}
	return rows, err
}

// A store that can read both at once is asked once, where groups are shown, and the answers are the same.
func TestRelatedReader(t *testing.T) {
	both := &related{Fake: storetest.NewFake()}
	both.Before(func(_ context.Context, method string) error {
		if method == "Members" {
			both.members++
		}
		return nil
	})
	s, plain := serveStore(t, both), serveStore(t, both.Fake)
	ada := s.user("ada")
	s.group("Crew", ada)
	s.group("Board", ada)
	path := "/Users/" + ada
	for _, c := range []struct {
		name, method, path, body string
		together                 int
	}{
		{"read", "GET", path, "", 1},
		{"groups only", "GET", path + "?attributes=groups", "", 1},
		{"without groups", "GET", path + "?attributes=userName", "", 0},
		{"groups left out", "GET", path + "?excludedAttributes=groups", "", 0},
		{"patched", "PATCH", path, patchBody(`{"op":"replace","path":"title","value":"T"}`), 1},
		{"replaced", "PUT", path, userBody("ada"), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			both.together, both.members = 0, 0
			s, plain := &service{t: t, url: s.url}, &service{t: t, url: plain.url}
			got := s.do(c.method, c.path, c.body).is(200)
			assert.Equal(t, c.together, both.together)
			assert.Equal(t, c.together, both.members, "the rows are read once at most")
			want := plain.do(c.method, c.path, c.body).is(200)
			assert.Equal(t, want.at("groups"), rewritten(got.at("groups"), s.url, plain.url))
			if groups, ok := got.at("groups").([]any); ok {
				assert.Len(t, groups, 2)
			}
		})
	}
	s.user("bob")
	for query, want := range map[string]int{"": 1, "?filter=" + url.QueryEscape(`userName eq "ada"`): 1, "?sortBy=userName&sortOrder=descending": 1,
		"?count=0": 1, "?attributes=userName": 0, "?excludedAttributes=groups": 0} {
		both.together, both.members = 0, 0
		list, _ := s.do("GET", "/Users"+query, "").is(200).at("Resources").([]any)
		assert.Equal(t, want, both.together, query)
		others, _ := plain.do("GET", "/Users"+query, "").is(200).at("Resources").([]any)
		assert.Len(t, others, len(list))
		for i, r := range list {
			r, other := r.(map[string]any), others[i].(map[string]any)
			assert.Equal(t, other["groups"], rewritten(r["groups"], s.url, plain.url), query)
		}
	}
	s.do("GET", "/Users/nobody", "").fails(404, "", "nobody")
	s.do("GET", path, "", "Authorization: Bearer umbrella").fails(404, "", ada)
	both.SetUnavailable(true)
	s.do("GET", path, "").fails(503, "", "try again")
}

// rewritten is a list of groups with their addresses at another service.
func rewritten(groups any, from, to string) any {
	list, _ := groups.([]any)
	for _, g := range list {
		g := g.(map[string]any)
		g["$ref"] = to + g["$ref"].(string)[len(from):]
	}
	return groups
}

// On such a store elimity's Server still shows the members of a group, and the groups of a user.
func TestRelatedReaderElimity(t *testing.T) {
	h, err := scim.NewHandler(&related{Fake: storetest.NewFake()}, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
	require.NoError(t, err)
	create := func(typ string, attributes elimity.ResourceAttributes) (elimity.ResourceHandler, string) {
		handler, err := h.ResourceHandler(typ)
		require.NoError(t, err)
		r, err := handler.Create(httptest.NewRequest("POST", "/", nil), attributes)
		require.NoError(t, err)
		return handler, r.ID
	}
	users, ada := create("User", elimity.ResourceAttributes{"userName": "ada"})
	groups, crew := create("Group", elimity.ResourceAttributes{"displayName": "Crew", "members": []any{map[string]any{"value": ada}}})
	group, err := groups.Get(httptest.NewRequest("GET", "/", nil), crew)
	require.NoError(t, err)
	assert.Len(t, group.Attributes["members"], 1)
	user, err := users.Get(httptest.NewRequest("GET", "/", nil), ada)
	require.NoError(t, err)
	assert.Len(t, user.Attributes["groups"], 1)
}
