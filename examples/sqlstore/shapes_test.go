package sqlstore_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	sqlstore "github.com/rollcall-dev/rollcall/examples/sqlstore/internal"
)

// shape returns the nth of very many filters, each of which makes another statement.
func shape(n int) string {
	terms := []string{`userName eq "a"`, `id sw "b"`, `groups.display co "c"`, `meta.created gt "2026-01-01T00:00:00Z"`, `groups.value eq "d"`, `title eq "e"`}
	text := terms[n%6]
	for n /= 6; n > 0; n /= 12 {
		text += []string{" and ", " or "}[n%12/6] + terms[n%6]
	}
	return text
}

// TestStatementsStayFew asks for 1,500 lists with different filters: neither the connections of the database nor the process keep
// anything of them, and statements that are run again and again stay prepared.
func TestStatementsStayFew(t *testing.T) {
	const shapes, few = 1500, 60
	askFor := func(t *testing.T, s *sqlstore.Store) {
		h := newAsker(t, s)
		for n := range shapes {
			path := "/Users?filter=" + url.QueryEscape(shape(n))
			require.Equal(t, http.StatusOK, h.do("GET", path, "").Code, path)
		}
		var long string
		for n := range 100 {
			long += fmt.Sprintf(`userName eq "u%d" or id eq "%d" or `, n, n)
		}
		path := "/Users?filter=" + url.QueryEscape(long+`userName eq "x"`)
		require.Equal(t, http.StatusOK, h.do("GET", path, "").Code, path)
	}
	t.Run("SQLite", func(t *testing.T) {
		s := newOnSQLite(t, nil)
		askFor(t, s)
		e := sqlstore.EngineOf(s).(liteEngine)
		read, _ := e.Prepared()
		require.Less(t, len(read), few)
		require.Less(t, int(e.Made().N.Load()), few)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		s := newNoted(t, &trips{})
		askFor(t, s)
		p := sqlstore.EngineOf(s).(postgresEngine)
		var n int
		err := p.Pool().QueryRow(t.Context(), "SELECT count(*) FROM pg_prepared_statements", pgx.QueryExecModeSimpleProtocol).Scan(&n)
		require.NoError(t, err)
		require.Greater(t, n, 0)
		require.Less(t, n, few)
		require.Less(t, int(p.Made().N.Load()), few)
	})
}
