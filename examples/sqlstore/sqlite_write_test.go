package sqlstore_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
)

// together commits changes while another transaction writes, so that all of them wait and then share a transaction. The last change is
// committed with the context last, and leave is called when all wait. It returns the error of each.
func together(t *testing.T, s *sqlstore.Store, changes []*store.Change, last context.Context, leave func()) []error {
	var (
		all         sync.WaitGroup
		busy, ended = make(chan bool), make(chan bool)
	)
	all.Go(func() {
		if err := s.Transact(t.Context(), func(sqlstore.Tx) error { busy <- true; <-ended; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-busy
	errs := make([]error, len(changes))
	writes := sqlstore.EngineOf(s).(liteEngine)
	for n, c := range changes {
		ctx := t.Context()
		if n == len(changes)-1 {
			ctx = last
		}
		all.Go(func() { errs[n] = s.Commit(ctx, c) })
		require.Eventually(t, func() bool { return writes.Waiting() == n+1 }, 10*time.Second, time.Microsecond)
	}
	leave()
	close(ended)
	all.Wait()
	return errs
}

func createUser(id, userName string) *store.Change {
	r := testUser(id, userName)
	return &store.Change{Tenant: "t", Put: []store.Put{{Resource: r}}, Events: told(id, r.Key)}
}

// TestTogether has writes share a transaction: if one is refused or withdrawn, the others are committed.
func TestTogether(t *testing.T) {
	s := newOnSQLite(t, nil)
	last, leave := context.WithCancel(t.Context())
	changes := []*store.Change{createUser("1", "ada"), createUser("2", "ADA"), createUser("3", "bob"),
		{Tenant: "t", Delete: []store.Delete{{Type: "User", ID: "9"}}}, createUser("4", "eve"), createUser("5", "zoe")}
	errs := together(t, s, changes, last, leave)
	require.ErrorAs(t, errs[1], new(*store.ConflictError))
	require.ErrorIs(t, errs[3], store.ErrNotFound)
	require.ErrorIs(t, errs[5], context.Canceled)
	for _, n := range []int{0, 2, 4} {
		require.NoError(t, errs[n])
	}
	checkWhole(t, s, []string{"1", "3", "4"})
	p, err := s.List(t.Context(), store.Query{Tenant: "t", Types: []string{"User"}})
	require.NoError(t, err)
	require.Equal(t, 3, p.Total)
}

// TestTogetherFull fills the disk while many writes share a transaction: all of them fail, and nothing is written.
func TestTogetherFull(t *testing.T) {
	s := newOnSQLite(t, nil)
	pragma := func(text string) {
		_, err := sqlstore.EngineOf(s).(liteEngine).Writer().ExecContext(t.Context(), "PRAGMA "+text)
		require.NoError(t, err)
	}
	var changes []*store.Change
	for n := range 40 {
		changes = append(changes, createUser(fmt.Sprint(n), fmt.Sprintf("%08192d", n)))
	}
	pragma("max_page_count = 60")
	for _, err := range together(t, s, changes, t.Context(), func() {}) {
		require.ErrorIs(t, err, store.ErrUnavailable)
	}
	checkWhole(t, s, nil)
	pragma("max_page_count = 1000000")
	require.NoError(t, errors.Join(together(t, s, changes, t.Context(), func() {})...))
}

// TestPanicInTx has the product's own code panic: only the caller of that commit panics, and others go on writing.
func TestPanicInTx(t *testing.T) {
	s := newOnSQLite(t, &sqlstore.Options{InTx: func(_ context.Context, _ sqlstore.Tx, c *store.Change) error {
		if c.Put[0].Resource.ID == "2" {
			panic("own code")
		}
		return nil
	}})
	require.PanicsWithValue(t, "own code", func() { _ = s.Commit(t.Context(), createUser("2", "bob")) })
	require.NoError(t, s.Commit(t.Context(), createUser("1", "ada")))
	checkWhole(t, s, []string{"1"})
}

// TestCheckpoint shows that the log is copied to the file, and begins anew, while eight goroutines write without a pause.
func TestCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s := openIn(t, "sqlite:"+path, nil)
	engine := sqlstore.EngineOf(s).(interface {
		Checkpoint(statements int64, pages int)
		Writer() *sql.DB
	})
	var longest int
	require.NoError(t, engine.Writer().QueryRowContext(t.Context(), "PRAGMA wal_autocheckpoint").Scan(&longest))
	require.Positive(t, longest, "the log stays bounded even if a few statements write very much")
	engine.Checkpoint(200, 200)
	var (
		all     sync.WaitGroup
		next    atomic.Int64
		enough  atomic.Bool
		text    = strings.Repeat("x", 10_000)
		written = make([][]string, 8)
	)
	for w := range written {
		all.Go(func() {
			for !enough.Load() {
				id := fmt.Sprint(next.Add(1))
				c := createUser(id, id)
				c.Put[0].Resource.Attributes = document.Document(fmt.Sprintf(`{"userName":%q,"title":%q}`, id, text))
				if err := s.Commit(t.Context(), c); err != nil {
					t.Errorf("create: %v", err)
					return
				}
				written[w] = append(written[w], id)
			}
		})
	}
	assert.Eventually(t, func() bool {
		log, err := os.Open(path + "-wal")
		if err != nil {
			return false
		}
		defer log.Close()
		begun := make([]byte, 4) // at byte 12 the log says how often it has begun anew
		_, err = log.ReadAt(begun, 12)
		return err == nil && binary.BigEndian.Uint32(begun) >= 3
	}, time.Minute, time.Millisecond)
	enough.Store(true)
	all.Wait()
	f, err := os.Stat(path)
	require.NoError(t, err)
	require.Greater(t, f.Size(), int64(1<<20), "copied while the store is open")
	checkWhole(t, s, slices.Concat(written...))
}
