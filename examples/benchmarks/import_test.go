package benchmarks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
)

// BenchmarkImport imports people from CSV, 20,000 at a time, and reports the rows per second.
//
//	ROLLCALL_TEST_POSTGRES=postgres://... go test -bench Import ./examples/benchmarks
func BenchmarkImport(b *testing.B) {
	for name, open := range map[string]func(*testing.B) store.Store{"PostgreSQL": openedPostgres, "SQLite": openedSQLite} {
		b.Run(name, func(b *testing.B) {
			h, err := scim.NewHandler(open(b), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}})
			require.NoError(b, err)
			rows := 20_000
			if testing.Short() {
				rows = 1_000
			}
			var file strings.Builder
			file.WriteString("userName,email,displayName,externalId,state,firstLogin,billed,role\n")
			for i := range rows {
				fmt.Fprintf(&file, "user%d@acme.example,user%d@acme.example,User %d,e%d,active,2025-03-01T08:00:00Z,true,clerk\n", i, i, i, i)
			}
			n := 0
			for b.Loop() {
				n++
				count, err := h.Lifecycle().Import(b.Context(), fmt.Sprintf("tenant-%d", n), lifecycle.PeopleFromCSV(strings.NewReader(file.String())), nil)
				require.NoError(b, err)
				require.Equal(b, rows, count.Imported)
			}
			b.ReportMetric(float64(n*rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
