package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/examples/try"
	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/store"
)

// The command takes over a file, again without doing anything, and says which rows need a look.
func TestImportFile(t *testing.T) {
	try.OnEngines(t, func(t *testing.T, where string) {
		dir := t.TempDir()
		path := filepath.Join(dir, "people.csv")
		require.NoError(t, os.WriteFile(path, []byte("userName,externalId\nada,e1\nbob,\nada,e2\n,e3\n"), 0o600))
		run := func(name string) string {
			out, err := os.Create(filepath.Join(dir, "out"))
			require.NoError(t, err)
			defer out.Close()
			require.NoError(t, open(t.Context(), where, "acme", func(_ store.Store, l *lifecycle.Service) error {
				return importFile(t.Context(), l, "acme", name, out, io.Discard)
			}))
			text, err := os.ReadFile(out.Name())
			require.NoError(t, err)
			return string(text)
		}
		first := run(path)
		assert.Contains(t, first, "2 imported, 0 linked, 0 unchanged, 1 conflicts, 1 invalid")
		assert.Contains(t, first, "line 4: conflict")
		assert.Contains(t, first, "line 5: invalid")
		assert.Contains(t, run(path), "0 imported, 0 linked, 2 unchanged")

		lines := filepath.Join(dir, "people.ndjson")
		require.NoError(t, os.WriteFile(lines, []byte(`{"userName":"ada"}`+"\n"+strings.Repeat(`{"userName":"eve"}`+"\n", 2)), 0o600))
		assert.Contains(t, run(lines), "1 imported, 0 linked, 2 unchanged")
	})
}
