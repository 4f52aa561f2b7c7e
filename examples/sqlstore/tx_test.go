package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/examples/sqlstore/sqlite"
	"github.com/rollcall-dev/rollcall/store"
)

// TestInTx writes a row of the product for each change. The row is there if and only if the change is: not after a
// veto, and not if the store refuses the change.
func TestInTx(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		veto := errors.New("no")
		var s *sqlstore.Store
		own := func() string { // in the same schema as the store's
			if p, ok := sqlstore.EngineOf(s).(postgresEngine); ok {
				return p.TablesIn() + ".own"
			}
			return "own"
		}
		s = open(t, &sqlstore.Options{InTx: func(ctx context.Context, tx sqlstore.Tx, c *store.Change) error {
			insert := "INSERT INTO " + own() + " VALUES ($1)"
			id := c.Put[0].Resource.ID
			if err := execIn(ctx, tx, insert, id); err != nil {
				return err
			}
			if id == "vetoed" {
				return veto
			}
			return nil
		}})
		rows := func() (ids []string) {
			require.NoError(t, sqlstore.EngineOf(s).Query(t.Context(), "SELECT id FROM "+own()+" ORDER BY id", nil, func(rw sqlstore.Row) error {
				var id string
				err := rw.Scan(&id)
				ids = append(ids, id)
				return err
			}))
			return ids
		}
		require.NoError(t, s.Transact(t.Context(), func(tx sqlstore.Tx) error {
			return execIn(t.Context(), tx, "CREATE TABLE "+own()+" (id text PRIMARY KEY)")
		}))
		put := func(id, userName string) error {
			r := testUser(id, userName)
			return s.Commit(t.Context(), &store.Change{Tenant: "t", Put: []store.Put{{Resource: r}}, Events: told(id, r.Key),
				Claims: []store.Claim{{Counter: "seats", Take: 1, Limit: 5}}, Journal: []store.Entry{{ID: id, Time: epoch}}})
		}
		require.NoError(t, put("1", "ada"))
		require.ErrorIs(t, put("vetoed", "bob"), veto)
		require.ErrorAs(t, put("2", "ADA"), new(*store.ConflictError))
		require.Equal(t, []string{"1"}, rows())

		p, err := s.List(t.Context(), store.Query{Tenant: "t", Types: []string{"User"}, Count: 10})
		require.NoError(t, err)
		require.Len(t, p.Resources, 1)
		seats, err := s.Counters(t.Context(), "t", "seats")
		require.NoError(t, err)
		require.Equal(t, []store.Counter{{Name: "seats", Count: 1}}, seats)
		entries, err := s.Journal(t.Context(), store.JournalQuery{Tenant: "t", Max: 10})
		require.NoError(t, err)
		require.Len(t, entries, 1)
		checkWhole(t, s, []string{"1"})
		require.NoError(t, put("3", "bob"), "a vetoed userName is free")
	})
}

// TestProductsOwn opens a store on a pool or database that the product has opened, which stays open when the store is closed.
func TestProductsOwn(t *testing.T) {
	use := func(t *testing.T, s *sqlstore.Store) {
		require.NoError(t, s.Commit(t.Context(), &store.Change{Tenant: "t", Put: []store.Put{{Resource: testUser("1", "ada")}}}))
		_, err := s.Get(t.Context(), store.Key{Tenant: "t", Type: "User", ID: "1"})
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
	t.Run("SQLite", func(t *testing.T) {
		db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "own.db"))
		require.NoError(t, err)
		defer db.Close()
		s, err := sqlite.OnDB(t.Context(), db, nil)
		require.NoError(t, err)
		use(t, s.Store)
		require.NoError(t, db.PingContext(t.Context()))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		schema := newSchema(t)
		pool, err := pgxpool.New(t.Context(), os.Getenv(postgresVariable))
		require.NoError(t, err)
		defer pool.Close()
		s, err := onPool(t.Context(), pool, &sqlstore.Options{Schema: schema, Prefix: "own_"})
		require.NoError(t, err)
		use(t, s)
		var n int
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM "+schema+".own_resource").Scan(&n))
		require.Equal(t, 1, n)
	})
}
