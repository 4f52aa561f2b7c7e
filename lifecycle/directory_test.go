package lifecycle_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// Administrators find people by the beginning of a name, by an externalId, by state, and count them by state. Who is retained is found
// as well, behind the others.
func TestDirectory(t *testing.T) {
	h := newHouse(t, with(func(s *lifecycle.Settings) { s.Delete = "keep" }))
	for _, attributes := range []string{
		`{"userName":"ann","displayName":"Ann Lee","externalId":"E1","emails":[{"value":"lee@acme.example"}]}`,
		`{"userName":"anton","displayName":"Anton Berg","externalId":"e2"}`,
		`{"userName":"bob","displayName":"Bob Anders","active":false}`,
	} {
		h.create("User", attributes)
	}
	gone := h.create("User", `{"userName":"anke","displayName":"Anke Gone"}`)
	require.NoError(t, h.del(gone))

	find := func(q lifecycle.AccountQuery) (names []string) {
		t.Helper()
		for q.Count = 1; ; {
			users, next, err := h.s.Accounts(t.Context(), "acme", q)
			require.NoError(t, err)
			for _, u := range users {
				names = append(names, u.Attributes.Get("userName").Text())
			}
			if q.Cursor = next; next == "" {
				return names
			}
		}
	}
	byName := &store.Sort{By: filter.Attr{Path: filter.Path{Name: "userName"}, Type: filter.String}, Descending: true}
	for _, tt := range []struct {
		q    lifecycle.AccountQuery
		want []string
	}{
		{lifecycle.AccountQuery{}, []string{"ann", "anton", "bob", "anke"}},
		{lifecycle.AccountQuery{Sort: byName}, []string{"bob", "anton", "ann", "anke"}},
		{lifecycle.AccountQuery{Search: "AN"}, []string{"ann", "anton", "anke"}},
		{lifecycle.AccountQuery{Search: "Bob A"}, []string{"bob"}},
		{lifecycle.AccountQuery{Search: "anders"}, nil},
		{lifecycle.AccountQuery{Search: "lee@"}, []string{"ann"}},
		{lifecycle.AccountQuery{Search: "E1"}, []string{"ann"}},
		{lifecycle.AccountQuery{Search: "E2"}, nil},
		{lifecycle.AccountQuery{State: lifecycle.Deactivated}, []string{"bob", "anke"}},
		{lifecycle.AccountQuery{State: lifecycle.Provisioned, Search: "an"}, []string{"ann", "anton"}},
		{lifecycle.AccountQuery{State: "nonsense"}, nil},
	} {
		assert.Equal(t, tt.want, find(tt.q), "%+v", tt.q)
	}
	counts, err := h.s.CountStates(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, 2, counts[lifecycle.Provisioned])
	assert.Equal(t, 2, counts[lifecycle.Deactivated], "one of them is retained")
	total := 0
	for _, n := range counts {
		total += n
	}
	assert.Equal(t, 4, total)
}
