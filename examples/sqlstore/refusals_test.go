package sqlstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// TestRefusalsAreSummedUp has two processes refuse what a connection asks for, at once and each minute. Of each minute the journal
// has a hundred entries and one that says how many more, whichever of the processes writes it.
func TestRefusalsAreSummedUp(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		sumUp(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), nil)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		sumUp(t, os.Getenv(postgresVariable), &sqlstore.Options{Schema: newSchema(t)})
	})
}

func sumUp(t *testing.T, dsn string, o *sqlstore.Options) {
	const minutes, processes, each = 3, 2, 130
	synctest.Test(t, func(t *testing.T) {
		var (
			s        *sqlstore.Store
			services []*lifecycle.Service
		)
		for range processes {
			s = openIn(t, dsn, o)
			l, err := lifecycle.New(s, nil)
			require.NoError(t, err)
			services = append(services, l)
		}
		together := func(does func(l *lifecycle.Service)) {
			var all sync.WaitGroup
			for _, l := range services {
				all.Go(func() { does(l) })
			}
			all.Wait()
		}
		for range minutes {
			together(func(l *lifecycle.Service) {
				for range each {
					r := &lifecycle.Request{Tenant: "t", By: lifecycle.SourceSCIM, Connection: lifecycle.Connection{ID: "okta"}, Action: "DELETE /Users"}
					l.Refuse(t.Context(), r, errors.New("it is not there"))
				}
			})
			for range 2 { // once when the minute has ended, and once 5 seconds later
				time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
				together(func(l *lifecycle.Service) { l.SummarizeRefusals(t.Context()) })
				time.Sleep(5 * time.Second)
				together(func(l *lifecycle.Service) { l.SummarizeRefusals(t.Context()) })
			}
		}
		entries, err := s.Journal(t.Context(), store.JournalQuery{Tenant: "t", Max: 1_000})
		require.NoError(t, err)
		listed, summed := 0, []string{}
		for _, e := range entries {
			if e.Action == "refusals" {
				n, _, _ := strings.Cut(e.Data.Get("detail").Text(), " ")
				summed = append(summed, n)
			} else {
				listed++
			}
		}
		require.Equal(t, minutes*100, listed)
		require.Equal(t, []string{"160", "160", "160"}, summed)
	})
}
