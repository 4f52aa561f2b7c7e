package sqlstore_test

import (
	"database/sql"
	"embed"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
)

// fixtures are databases of each version of the tables, as SQL: the tables of that version, and data. A file is
// made when the version is released, and begins with the migrations as they are then. It is never changed.
//
//go:embed testdata/fixtures
var fixtures embed.FS

// TestFixtures opens a database of each version: it is migrated, and everything that was in it
// can be read and changed.
func TestFixtures(t *testing.T) {
	for engine, load := range map[string]func(t *testing.T, text string) *sqlstore.Store{"sqlite": loadSQLite, "postgres": loadPostgres} {
		files, err := fixtures.ReadDir("testdata/fixtures/" + engine)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, f := range files {
			t.Run(engine+"/"+f.Name(), func(t *testing.T) {
				text, err := fixtures.ReadFile("testdata/fixtures/" + engine + "/" + f.Name())
				require.NoError(t, err)
				readFixture(t, load(t, string(text)))
			})
		}
	}
}

func loadSQLite(t *testing.T, text string) *sqlstore.Store {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), sqlstore.NewNames("", "rollcall_").Fill(text))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return openIn(t, "sqlite:"+path, nil)
}

func loadPostgres(t *testing.T, text string) *sqlstore.Store {
	schema := newSchema(t)
	c, err := pgx.Connect(t.Context(), os.Getenv(postgresVariable))
	require.NoError(t, err)
	defer c.Close(t.Context())
	_, err = c.Exec(t.Context(), "CREATE SCHEMA "+schema+";"+sqlstore.NewNames(schema, "rollcall_").Fill(text), pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	return openIn(t, os.Getenv(postgresVariable), &sqlstore.Options{Schema: schema})
}

// readFixture checks what is in every fixture.
func readFixture(t *testing.T, s *sqlstore.Store) {
	ctx := t.Context()
	ada, err := s.Get(ctx, store.Key{Tenant: "t", Type: "User", ID: "ada"})
	require.NoError(t, err)
	want := testUser("ada", "Ada")
	want.Tenant, want.Internal = "t", `{"state":"active","seat":true}`
	require.Equal(t, want, ada)
	g, err := s.Get(ctx, store.Key{Tenant: "t", Type: "Group", ID: "g"})
	require.NoError(t, err)
	require.Equal(t, "crew", g.Label)
	require.Equal(t, []string{"ada", "bob"}, membersOf(t, s, "g"))
	p, err := s.List(ctx, store.Query{Tenant: "t", Types: []string{"User"}, Count: 10})
	require.NoError(t, err)
	require.Equal(t, 2, p.Total)
	require.ErrorAs(t, s.Commit(ctx, createUser("eve", "ADA")), new(*store.ConflictError), "its name is taken")

	counters, err := s.Counters(ctx, "t", seats, "brake")
	require.NoError(t, err)
	require.Equal(t, []store.Counter{{Name: seats, Count: 2}, {Name: "brake", Count: 1, Began: epoch}}, counters)
	require.ErrorAs(t, s.Commit(ctx, claims(store.Claim{Counter: seats, Take: 1, Limit: 2})), new(*store.ClaimError))

	entries, err := s.Journal(ctx, store.JournalQuery{Tenant: "t", Max: 10})
	require.NoError(t, err)
	require.Equal(t, []store.Entry{{ID: "j1", Time: epoch, Connection: "entra", Request: "r1", Who: "admin", Subject: ada.Key,
		Action: "POST /Users", Outcome: "created", Data: `{"a":1}`}}, entries)
	for name, q := range map[string]store.JournalQuery{"connection": {Connection: "entra"}, "subject": {Subject: "ada"}, "outcome": {Outcome: "created"}, "request": {Request: "r1"}} {
		q.Tenant, q.Max = "t", 1
		entries, err := s.Journal(ctx, q)
		require.NoError(t, err)
		require.Len(t, entries, 1, name)
	}

	parked, err := s.Parked(ctx, "t", hooks, 10)
	require.NoError(t, err)
	require.Len(t, parked, 1)
	require.Equal(t, "no", parked[0].Reason)
	require.NoError(t, s.Replay(ctx, store.Replay{Tenant: "t", Consumer: hooks, EventID: "e1"})) // the event was done
	events, err := s.Lease(ctx, store.Lease{Owner: "one", Consumer: hooks, Max: 10})
	require.NoError(t, err)
	require.Len(t, events, 2, "one of each subject")
	require.Equal(t, store.Event{ID: "e1", Kind: "provisioned", Subject: ada.Key, Time: epoch, Data: `{"userName":"Ada"}`}, events[0].Event)
	require.Equal(t, "e4", events[1].ID)

	now := *ada
	now.Version, now.Label = "v2", "Ada L."
	commit(t, s, store.Change{Put: []store.Put{{Resource: &now, IfVersion: "v1", Was: ada}}})
	commit(t, s, store.Change{Members: []store.MemberDelta{{Group: "g", Remove: []string{"ada"}}}, Delete: []store.Delete{{Type: "User", ID: "ada"}}})
	commit(t, s, *createUser("eve", "ADA"))
	n, err := s.Prune(ctx, store.Retention{Journal: epoch.Add(time.Hour), Parked: epoch.Add(time.Hour)})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.NoError(t, s.Forget(ctx, "t"))
	for table, n := range rowsOf(t, s, "t") {
		require.Zero(t, n, table)
	}
}

// TestFixtureOfEachVersion shows that each migration has a fixture of the database that it makes.
func TestFixtureOfEachVersion(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		steps, err := sqlstore.Migrations.ReadDir("migrations/" + engine)
		require.NoError(t, err)
		for _, step := range steps {
			number, _, _ := strings.Cut(step.Name(), "_")
			_, err := fixtures.ReadFile("testdata/fixtures/" + engine + "/" + number + ".sql")
			require.NoError(t, err, "%s has no fixture", step.Name())
		}
	}
}

// TestOtherVersions opens tables of versions that the program doesn't know: it refuses to start, with NoMigrate and without, and says what
// to do.
func TestOtherVersions(t *testing.T) {
	for _, x := range []struct {
		version int
		want    string
	}{{99, "start the release that migrated them"}, {1, "was in no release"}} {
		for name, open := range map[string]func(t *testing.T) func(o *sqlstore.Options) (*sqlstore.Store, error){
			"SQLite": func(t *testing.T) func(o *sqlstore.Options) (*sqlstore.Store, error) {
				dsn := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
				return func(o *sqlstore.Options) (*sqlstore.Store, error) { return open(t.Context(), dsn, o) }
			},
			"PostgreSQL": func(t *testing.T) func(o *sqlstore.Options) (*sqlstore.Store, error) {
				schema := newSchema(t)
				return func(o *sqlstore.Options) (*sqlstore.Store, error) {
					o.Schema = schema
					return open(t.Context(), os.Getenv(postgresVariable), o)
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				open := open(t)
				s, err := open(&sqlstore.Options{NoMigrate: true})
				require.NoError(t, err, "there are no tables yet")
				require.NoError(t, s.Migrate(t.Context()))
				_, err = sqlstore.EngineOf(s).Apply(t.Context(), []sqlstore.Statement{{SQL: "DELETE FROM ~migration WHERE version_id > 0"}})
				require.NoError(t, err)
				_, err = sqlstore.EngineOf(s).Apply(t.Context(), []sqlstore.Statement{{SQL: "INSERT INTO ~migration (version_id, is_applied) VALUES ($1, TRUE)", Args: []any{x.version}}})
				require.NoError(t, err)
				require.ErrorContains(t, s.Migrate(t.Context()), x.want)
				require.NoError(t, s.Close())
				for _, o := range []sqlstore.Options{{}, {NoMigrate: true}} {
					_, err = open(&o)
					require.ErrorContains(t, err, x.want)
				}
			})
		}
	}
}

// wrapper is a store around another one.
type wrapper struct{ store.Store }

func (w wrapper) Unwrap() store.Store { return w.Store }

// TestAs shows that store.As finds the optional interfaces of the store behind wrappers.
func TestAs(t *testing.T) {
	s := newOnSQLite(t, nil)
	w := wrapper{wrapper{s}}
	_, isSource := store.As[store.EventSource](w)
	_, isJournal := store.As[store.JournalReader](w)
	_, isCounter := store.As[store.CounterReader](w)
	_, isForgetter := store.As[store.Forgetter](w)
	require.Equal(t, [4]bool{true, true, true, true}, [4]bool{isSource, isJournal, isCounter, isForgetter})
}
