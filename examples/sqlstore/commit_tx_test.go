package sqlstore_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// TestCommitTx writes changes in a transaction of the product: they take effect if that is committed, and a refused one
// leaves it as it was.
func TestCommitTx(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		told := createUser("1", "ann")
		undone := errors.New("the product changes its mind")
		require.ErrorIs(t, s.Transact(t.Context(), func(tx sqlstore.Tx) error {
			require.NoError(t, s.CommitTx(t.Context(), tx, told))
			return undone
		}), undone)
		_, err := s.Get(t.Context(), told.Put[0].Resource.Key)
		require.ErrorIs(t, err, store.ErrNotFound)

		require.NoError(t, s.Transact(t.Context(), func(tx sqlstore.Tx) error {
			require.NoError(t, s.CommitTx(t.Context(), tx, told))
			var taken *store.ConflictError
			require.ErrorAs(t, s.CommitTx(t.Context(), tx, told), &taken)
			stale := createUser("1", "bob")
			stale.Put[0].IfVersion = "another"
			require.ErrorIs(t, s.CommitTx(t.Context(), tx, stale), store.ErrVersionMismatch)
			return s.CommitTx(t.Context(), tx, createUser("2", "eve"))
		}))
		checkWhole(t, s, []string{"1", "2"})
		leased, err := s.Lease(t.Context(), store.Lease{Owner: "o", Consumer: "hooks", Max: 10})
		require.NoError(t, err)
		require.Len(t, leased, 2)
		require.Equal(t, []string{"1", "2"}, []string{leased[0].ID, leased[1].ID})
	})
}
