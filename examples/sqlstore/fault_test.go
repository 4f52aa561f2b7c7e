package sqlstore_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// testUser makes a user with a unique userName.
func testUser(id, userName string) *store.Resource {
	return &store.Resource{
		Key: store.Key{Type: "User", ID: id}, Version: "v1", Created: epoch, LastModified: epoch, Label: userName,
		Index:      []store.IndexKey{{Attribute: "userName", Value: document.Fold(userName), Unique: true}},
		Attributes: document.Document(fmt.Sprintf(`{"userName":%s}`, document.AppendString(nil, userName))),
	}
}

// hooks is the consumer of the events of these tests.
const hooks = "hooks"

func told(id string, subject store.Key) []store.Event {
	return []store.Event{{ID: id, Kind: "provisioned", Subject: subject, Time: epoch, Consumers: []string{hooks}}}
}

// TestMigrateTogether opens an empty database many times at once.
func TestMigrateTogether(t *testing.T) {
	for name, where := range map[string]func(t *testing.T) (string, *sqlstore.Options){
		"SQLite": func(t *testing.T) (string, *sqlstore.Options) {
			return "sqlite:" + filepath.Join(t.TempDir(), "x.db"), nil
		},
		"PostgreSQL": func(t *testing.T) (string, *sqlstore.Options) {
			o := &sqlstore.Options{Schema: newSchema(t), Prefix: "p_"}
			return os.Getenv(postgresVariable), o
		},
	} {
		t.Run(name, func(t *testing.T) {
			dsn, o := where(t)
			var wg sync.WaitGroup
			errs := make([]error, 6)
			for i := range errs {
				wg.Go(func() {
					s, err := open(t.Context(), dsn, o)
					if errs[i] = err; err == nil {
						errs[i] = s.Close()
					}
				})
			}
			wg.Wait()
			require.NoError(t, errors.Join(errs...))
		})
	}
}

// TestHostile stores texts that could break a statement, a key or a column.
func TestHostile(t *testing.T) {
	onEach(t, func(t *testing.T, open func(t testing.TB, o *sqlstore.Options) *sqlstore.Store) {
		s := open(t, nil)
		for i, text := range []string{
			`'; DROP TABLE x; --`, `"`, `\`, "a\x00b", "\x01\x02\x03", "😀", "\u202eabc", "%_", "$1", "~#", "\xff\xfe", strings.Repeat("ä", 1<<19),
		} {
			r := testUser(fmt.Sprint("id", i), text)
			if i < 11 {
				r.ID = text
			}
			require.NoError(t, s.Commit(t.Context(), &store.Change{Tenant: text[:min(len(text), 100)], Put: []store.Put{{Resource: r}}}))
			got, err := s.Get(t.Context(), store.Key{Tenant: text[:min(len(text), 100)], Type: "User", ID: r.ID})
			require.NoError(t, err)
			r.Tenant = got.Tenant
			require.Equal(t, r, got)
			other := testUser("other", text)
			err = s.Commit(t.Context(), &store.Change{Tenant: got.Tenant, Put: []store.Put{{Resource: other}}})
			require.ErrorAs(t, err, new(*store.ConflictError))
		}
	})
}

// TestTerminatedBackends terminates connections under load, and resets the pool: everything that was acknowledged is there, and later
// commits succeed.
func TestTerminatedBackends(t *testing.T) {
	s := newOnPostgres(t, nil)
	dsn := os.Getenv(postgresVariable)
	admin, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer admin.Close(t.Context())
	schema := sqlstore.EngineOf(s).(postgresEngine).TablesIn()
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		done []string
		stop = make(chan struct{})
		acks = make(chan struct{}, 1<<20)
	)
	for w := range 12 { // with so many, some share a transaction
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("%d-%d", w, i)
				r := testUser(id, id)
				err := s.Commit(t.Context(), &store.Change{Tenant: "t", Put: []store.Put{{Resource: r}}, Events: told(id, r.Key)})
				mu.Lock()
				if err == nil {
					done = append(done, id)
					acks <- struct{}{}
				} else if !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("commit: %v", err)
				}
				mu.Unlock()
			}
		})
	}
	for n := range 15 {
		for range 20 {
			<-acks
		}
		if n%3 == 0 { // from now on all connections are new
			sqlstore.EngineOf(s).(postgresEngine).Pool().Reset()
			continue
		}
		_, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'`, schema)
		require.NoError(t, err)
	}
	close(stop)
	wg.Wait()
	require.NotEmpty(t, done)
	checkWhole(t, s, done)
}

// checkWhole checks that everything that was acknowledged is there, and that each resource is there together with its event.
func checkWhole(t *testing.T, s *sqlstore.Store, done []string) {
	t.Helper()
	there := map[string]bool{}
	q := store.Query{Tenant: "t", Types: []string{"User"}, Count: 1000}
	for {
		p, err := s.List(t.Context(), q)
		require.NoError(t, err)
		for _, r := range p.Resources {
			there[r.ID] = true
		}
		if q.Cursor = p.Next; q.Cursor == "" {
			require.Equal(t, len(there), p.Total)
			break
		}
	}
	for _, id := range done {
		require.True(t, there[id], "%s was acknowledged", id)
	}
	events, err := s.Lease(t.Context(), store.Lease{Owner: "check", Consumer: hooks, Max: 1 << 20})
	require.NoError(t, err)
	require.Len(t, events, len(there), "one event for each user")
	for _, e := range events {
		require.True(t, there[e.Subject.ID])
	}
}

// The writer of TestKilled is this test binary, run again with these variables.
const childDSN, childSchema = "ROLLCALL_TEST_CHILD_DSN", "ROLLCALL_TEST_CHILD_SCHEMA"

// kills is how often TestKilled kills.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("ROLLCALL_TEST_KILLS")); err == nil {
		return n
	}
	return 20
}

// TestKilled kills a process that writes, again and again.
func TestKilled(t *testing.T) {
	for name, where := range map[string]func(t *testing.T) (dsn, schema string){
		"SQLite": func(t *testing.T) (string, string) { return "sqlite:" + filepath.Join(t.TempDir(), "x.db"), "" },
		"PostgreSQL": func(t *testing.T) (string, string) {
			schema := newSchema(t)
			return os.Getenv(postgresVariable), schema
		},
	} {
		t.Run(name, func(t *testing.T) {
			dsn, schema := where(t)
			var done []string
			for range kills() {
				child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
				child.Env = append(os.Environ(), childDSN+"="+dsn, childSchema+"="+schema, "PGAPPNAME="+schema)
				out, err := child.StdoutPipe()
				require.NoError(t, err)
				require.NoError(t, child.Start())
				lines := bufio.NewScanner(out)
				for n := 0; lines.Scan(); n++ { // an acknowledged id per line
					if id, ok := strings.CutPrefix(lines.Text(), "done "); ok {
						done = append(done, id)
					}
					if n == 100 {
						require.NoError(t, child.Process.Kill())
					}
				}
				require.Error(t, child.Wait())
			}
			require.Greater(t, len(done), 50)
			s := openIn(t, dsn, &sqlstore.Options{Schema: schema})
			if p, ok := sqlstore.EngineOf(s).(postgresEngine); ok {
				awaitGone(t, p, schema)
			}
			checkWhole(t, s, done)
		})
	}
}

// awaitGone waits until the server has done what a killed process had asked it last.
func awaitGone(t *testing.T, p postgresEngine, application string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var left int
		err := p.Pool().QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", application).Scan(&left)
		return err == nil && left == 0
	}, time.Minute, time.Millisecond)
}

// TestChild writes until it is killed.
func TestChild(t *testing.T) {
	dsn := os.Getenv(childDSN)
	if dsn == "" {
		t.Skip("only as the child of TestKilled")
	}
	s, err := open(t.Context(), dsn, &sqlstore.Options{Schema: os.Getenv(childSchema)})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 12 { // with so many, some share a transaction
		wg.Go(func() {
			for {
				id := uuid.NewString()
				r := testUser(id, id)
				c := store.Change{Tenant: "t", Put: []store.Put{{Resource: r}}, Events: told(id, r.Key), Journal: []store.Entry{{ID: id, Time: epoch}}}
				if err := s.Commit(t.Context(), &c); err != nil {
					t.Error(err)
					return
				}
				fmt.Println("done", id)
			}
		})
	}
	wg.Wait()
}

// TestTwoProcesses has two stores on one database write the same users and group.
func TestTwoProcesses(t *testing.T) {
	schema := newSchema(t)
	dsn := os.Getenv(postgresVariable)
	a, b := openIn(t, dsn, &sqlstore.Options{Schema: schema}), openIn(t, dsn, &sqlstore.Options{Schema: schema})
	g := &store.Resource{Key: store.Key{Type: "Group", ID: "g"}, Version: "0", Created: epoch, LastModified: epoch}
	counter := testUser("counter", "counter")
	counter.Attributes, counter.Version = `{"n":0}`, "0"
	require.NoError(t, a.Commit(t.Context(), &store.Change{Tenant: "t", Put: []store.Put{{Resource: g}, {Resource: counter}}}))
	const each = 40
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		taken int
	)
	for n, s := range []*sqlstore.Store{a, b, a, b} {
		wg.Go(func() {
			for i := range each {
				// Half of the names are wanted by two.
				id := fmt.Sprintf("%d-%d", n, i)
				err := s.Commit(t.Context(), &store.Change{Tenant: "t",
					Put:     []store.Put{{Resource: testUser(id, fmt.Sprintf("%d-%d", n/2, i))}},
					Members: []store.MemberDelta{{Group: "g", Version: id, LastModified: epoch, Add: []store.MemberRef{{ID: id}}}}})
				if err == nil {
					mu.Lock()
					taken++
					mu.Unlock()
				} else if !errors.As(err, new(*store.ConflictError)) {
					t.Errorf("create: %v", err)
				}
				for { // count up, or read again
					r, err := s.Get(t.Context(), store.Key{Tenant: "t", Type: "User", ID: "counter"})
					if err != nil {
						t.Errorf("get: %v", err)
						return
					}
					was := r.Version
					v, _ := strconv.Atoi(was)
					r.Version = strconv.Itoa(v + 1)
					if err = s.Commit(t.Context(), &store.Change{Tenant: "t", Put: []store.Put{{Resource: r, IfVersion: was}}}); err == nil {
						break
					} else if !errors.Is(err, store.ErrVersionMismatch) {
						t.Errorf("count: %v", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, 2*each, taken, "each name was taken once")
	r, err := a.Get(t.Context(), store.Key{Tenant: "t", Type: "User", ID: "counter"})
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(4*each), r.Version, "no update is lost")
	members := 0
	for _, err := range a.Members(t.Context(), store.MemberQuery{Tenant: "t", Groups: []string{"g"}}) {
		require.NoError(t, err)
		members++
	}
	require.Equal(t, taken, members)
}
