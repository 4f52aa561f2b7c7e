package sqlstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/filter"
)

// TestTimeCursor is about cursors of lists by meta.created, whose keys become parameters of SQL.
func TestTimeCursor(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		q := store.Query{Tenant: "t", Types: []string{"User"}, Count: 2}
		q.Sort = &store.Sort{By: filter.Attr{Path: filter.Path{Name: "meta", Sub: "created"}, Type: filter.DateTime}}
		for key, want := range map[string]error{"0": nil, "-1": nil, "": store.ErrCursor, "x": store.ErrCursor, "99999999999999999999": store.ErrCursor} {
			q.Cursor = q.CursorAt(store.Position{Key: key, ID: "1", Type: "User"})
			_, err := s.List(t.Context(), q)
			require.ErrorIs(t, err, want, "key %q", key)
		}
	})
}
