package sqlstore_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/people"
	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// TestFar asks for pages that are far behind, in each order that the database has: they are those of the Fake.
func TestFar(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		fake, s := storetest.NewFake(), open(t, nil)
		h, err := scim.NewHandler(fake, &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
		require.NoError(t, err)
		for _, to := range []store.Store{fake, s} {
			require.NoError(t, people.Users(t.Context(), to, h.Lifecycle().Index, "acme", 0, sqlstore.Far+50))
			require.NoError(t, people.Group(t.Context(), to, h.Lifecycle().Index, "acme", "crew", 10))
		}
		meta := func(sub string) filter.Attr {
			return filter.Attr{Path: filter.Path{Name: "meta", Sub: sub}, Type: filter.DateTime}
		}
		for _, types := range [][]string{{"User"}, {"User", "Group"}} {
			for name, by := range map[string]*store.Sort{
				"id": nil, "created": {By: meta("created")}, "modified descending": {By: meta("lastModified"), Descending: true},
			} {
				for _, start := range []int{sqlstore.Far - 1, sqlstore.Far, sqlstore.Far + 40, sqlstore.Far + 60} {
					q := store.Query{Tenant: "acme", Types: types, Sort: by, Start: start, Count: 20}
					want, err := fake.List(t.Context(), q)
					require.NoError(t, err)
					got, members, _, err := s.ListRelated(t.Context(), q, 1<<20)
					require.NoError(t, err)
					about := fmt.Sprint(types, " by ", name, " from ", start)
					require.Equal(t, want.Total, got.Total, about)
					require.Equal(t, ids(want.Resources), ids(got.Resources), about)
					require.Equal(t, want.Next == "", got.Next == "", about)
					for _, m := range members {
						require.Equal(t, "crew", m.Group, about)
					}
				}
			}
		}
	})
}

func ids(resources []*store.Resource) (all []string) {
	for _, r := range resources {
		all = append(all, r.Type+"/"+r.ID)
	}
	return all
}
