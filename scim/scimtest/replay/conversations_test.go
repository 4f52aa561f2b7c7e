package replay

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write conversations.txt anew from testdata")

// TestBundle shows that the bundle has what is in testdata.
func TestBundle(t *testing.T) {
	var want bytes.Buffer
	root := os.DirFS("../../../testdata")
	require.NoError(t, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		want.WriteString(name + " ")
		if err := json.Compact(&want, text); err != nil {
			return err
		}
		return want.WriteByte('\n')
	}))
	if *update {
		require.NoError(t, os.WriteFile("conversations.txt", want.Bytes(), 0o644))
		return
	}
	got, err := os.ReadFile("conversations.txt")
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want.Bytes(), got), "testdata has changed: run go generate ./scim/scimtest/replay")
}

func TestConversations(t *testing.T) {
	all, err := Conversations()
	require.NoError(t, err)
	assert.Greater(t, len(all), 75)
	for _, s := range all {
		assert.NotContains(t, s.File, "products")
	}
	entra, err := Conversations("entra", "products")
	require.NoError(t, err)
	assert.Less(t, len(entra), len(all))
	assert.Equal(t, "entra/02-test-connection-bad-token", entra[0].Title())
	assert.Subset(t, Folders(), []string{"entra", "okta", "products", "rfc", "rfc9865"})
	_, err = Conversations("kit")
	assert.ErrorContains(t, err, "there are no conversations in [kit]; want some of [")
	for _, s := range all {
		assert.Equal(t, s.Title() == "rfc9865/01-cursor-walk", s.Cursor(), s.Title())
		assert.Equal(t, s.Title() == "reports/36-bulk-order-and-errors", s.Bulk(), s.Title())
	}
}
