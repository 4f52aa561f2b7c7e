package sqlstore_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// TestDamagedRows damages rows of the tables: every read fails with store.ErrCorrupt, and none returns a part (I12).
func TestDamagedRows(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		change := func(table, set string) {
			t.Helper()
			n, err := sqlstore.EngineOf(s).Apply(t.Context(), []sqlstore.Statement{{SQL: "UPDATE ~" + table + " SET " + set + " WHERE id = 'ada'"}})
			require.NoError(t, err)
			require.EqualValues(t, 1, n[0])
		}
		ada := testUser("ada", "ada")
		ada.Attributes, ada.Internal = `{"userName":"ada","title":"x"}`, `{"state":"suspended","seat":true}`
		commit(t, s, create(ada, testUser("bob", "bob"), testGroup("g")))
		commit(t, s, store.Change{
			Members: []store.MemberDelta{{Group: "g", Add: refs("ada")}},
			Journal: []store.Entry{{ID: "ada", Time: epoch, Data: `{"a":"b"}`}},
		})
		attr := func(name string) filter.Attr { return filter.Attr{Path: filter.Path{Name: name}, Type: filter.String} }
		is := func(name, value string) filter.Expr {
			return filter.Compare{Attr: attr(name), Op: filter.Eq, Value: document.String(value)}
		}
		key := store.Key{Tenant: "t", Type: "User", ID: "ada"}
		list := func(by *store.Sort, of filter.Expr) func() error {
			return func() error {
				_, err := s.List(t.Context(), store.Query{Tenant: "t", Types: []string{"User"}, Filter: of, Sort: by, Count: 10})
				return err
			}
		}
		reads := map[string]func() error{
			"Get":        func() error { _, err := s.Get(t.Context(), key); return err },
			"GetRelated": func() error { _, _, err := s.GetRelated(t.Context(), key); return err },
			"ListRelated": func() error {
				_, _, _, err := s.ListRelated(t.Context(), store.Query{Tenant: "t", Types: []string{"User", "Group"}, Count: 10}, 100)
				return err
			},
			"all":       list(nil, nil),
			"by key":    list(nil, is("userName", "ada")),
			"by a scan": list(nil, is("title", "x")),
			"sorted":    list(&store.Sort{By: attr("title")}, nil),
		}
		for _, damage := range []struct{ column, text string }{
			{"attributes", `{"userName":"ada","tit`}, {"attributes", `{"userName":"ada"}}`}, {"attributes", `"ada"`}, {"attributes", `{"userName":}`},
			{"internal", `{"state":"suspended`}, {"internal", `{`}, {"internal", `null`}, {"internal", `{"state":"suspended","seat":tru}`},
			{"uniques", "7"}, {"keys", "userName"},
		} {
			set := func(text string) string { return fmt.Sprintf("%s = '%s'", damage.column, text) }
			var was string
			require.NoError(t, sqlstore.EngineOf(s).Query(t.Context(), "SELECT CAST("+damage.column+" AS text) FROM ~resource WHERE id = 'ada'", nil, func(rw sqlstore.Row) error { return rw.Scan(&was) }))
			change("resource", set(damage.text))
			for name, read := range reads {
				require.ErrorIs(t, read(), store.ErrCorrupt, "%s: %s", name, set(damage.text))
			}
			_, err := s.Get(t.Context(), store.Key{Tenant: "t", Type: "User", ID: "bob"})
			require.NoError(t, err, "others are whole")
			change("resource", set(was))
		}
		got, err := s.Get(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, ada.Internal, got.Internal)

		change("journal", `data = '{"a":'`)
		_, err = s.Journal(t.Context(), store.JournalQuery{Tenant: "t", Max: 10})
		require.ErrorIs(t, err, store.ErrCorrupt)
	})
}
